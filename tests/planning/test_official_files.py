"""Formats, encodings, coordinate systems of official files: concluded and said, or refused; never guessed."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmgmt.errors import InvalidCode, InvalidGeometry, InvalidInput, NotFound, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC, WEB_MERCATOR, WGS84, Datum, GaussKruger
from gridmgmt.planning.official.importing import import_plan, read_communities
from gridmgmt.planning.official.placing import Certainty, candidates
from gridmgmt.planning.official.reading import read_source
from tests.builders_import import (
    exchanged,
    in_offset_datum,
    make_official,
    relabelled,
    row_at,
    write_shp,
)

ZONE_39 = GaussKruger(3, 117, prefixed=True)
CM_117 = GaussKruger(3, 117, prefixed=False)
CM_120 = GaussKruger(3, 120, prefixed=False)
BEIJING_1954 = 2434
"""Beijing 1954 / 3-degree Gauss-Kruger CM 117E: another ellipsoid."""


@pytest.fixture(scope="module")
def town() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    return make_official()


def found(result) -> list[str]:
    return [defect.kind.value for defect in result.defects]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "kml", "shp"])
@pytest.mark.parametrize("crs", [GEOGRAPHIC, WGS84, CM_117.crs, ZONE_39.crs, "GK6"])
def test_a_sound_file_is_read_whatever_its_format_and_declared_system(suffix, crs, town, tmp_path: Path):
    cells, communities = town
    crs = GaussKruger(6, 117, prefixed=True).crs if crs == "GK6" else crs
    if suffix == "kml" or (suffix == "geojson" and crs not in {GEOGRAPHIC, WGS84}):
        crs = WGS84
    file = tmp_path / f"cells.{suffix}"
    moved = cells.to_crs(crs)
    if suffix == "shp":
        write_shp(file, moved)
    else:
        moved.to_file(file, driver={"kml": "KML"}.get(suffix))
    result = import_plan(file, communities)
    assert [] == result.defects
    assert [] == result.why_not()
    assert Certainty.CERTAIN is result.placement.certainty
    assert set(cells["code"]) == set(result.cells["code"])
    assert set(cells["name"]) == set(result.cells["name"])
    before, after = (f.set_index("code").geometry.sort_index().array for f in (cells, result.cells))
    assert (shapely.hausdorff_distance(before, after) < 0.006).all()


@pytest.mark.parametrize("system", [ZONE_39, CM_117, GaussKruger(6, 117, prefixed=True)])
def test_a_shapefile_in_gbk_without_prj_is_placed_once_the_conclusion_is_accepted(
    system, town, tmp_path: Path
):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", cells.to_crs(system.crs), prj=False, cpg=None)
    assert b"\xcd\xf8\xb8\xf1" in file.with_suffix(".dbf").read_bytes()  # 网格 in GBK
    looked = import_plan(file, communities)
    assert ["crs_missing"] == found(looked)
    assert looked.cells is None
    assert "crs_missing: 1 not repaired" in looked.why_not()
    assert Certainty.CONFIRMED is looked.placement.certainty
    assert any("can only be gb18030" in note for note in looked.notes)
    result = import_plan(file, communities, accept=["crs_missing"])
    assert result.adoptable
    assert set(cells["name"]) == set(result.cells["name"])


def test_the_statement_says_what_was_concluded_and_how_well_it_fits(town, tmp_path: Path):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", cells.to_crs(ZONE_39.crs), prj=False)
    statement = import_plan(file, communities).placement.statement
    for part in (
        "nothing declared",
        ZONE_39.crs,
        "zone 39",
        "100% of the cells",
        "border agrees",
        "confirmed",
    ):
        assert part in statement


@pytest.mark.parametrize("declared", [CM_120.crs, GEOGRAPHIC, ZONE_39.crs])
def test_a_prj_that_does_not_fit_is_a_defect_and_overruled_only_when_accepted(declared, town, tmp_path: Path):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", relabelled(cells, declared))
    looked = import_plan(file, communities)
    assert (["crs_contradicted"], None) == (found(looked), looked.cells)
    result = import_plan(file, communities, accept=["crs_contradicted"])
    assert result.adoptable
    assert CM_117.crs == result.placement.system


@pytest.mark.parametrize("crs", [GEOGRAPHIC, CM_117.crs, ZONE_39.crs])
@pytest.mark.parametrize("prj", [True, False])
def test_northing_before_easting_is_recognised_and_never_exchanged_unasked(crs, prj, town, tmp_path: Path):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", exchanged(cells.to_crs(crs)), prj=prj)
    looked = import_plan(file, communities)
    assert "axes_swapped" in found(looked)
    assert looked.cells is None
    accept = [kind for kind in found(looked) if kind != "axes_swapped"]
    assert import_plan(file, communities, accept=accept).cells is None
    assert import_plan(file, communities, accept=[*accept, "axes_swapped"]).adoptable


@pytest.mark.parametrize("crs", [GEOGRAPHIC, CM_117.crs, ZONE_39.crs])
def test_one_row_with_exchanged_axes_is_told_from_the_rest(crs, town, tmp_path: Path):
    cells, communities = town
    row, moved = row_at(2, 3), cells.to_crs(crs)
    shapes = moved.geometry.to_numpy().copy()
    shapes[row] = shapely.transform(shapes[row], lambda xy: xy[:, ::-1])
    file = tmp_path / "cells.gpkg"
    moved.set_geometry(gpd.GeoSeries(shapes, crs=crs)).to_file(file)
    looked = import_plan(file, communities)
    assert [("axes_swapped", (row,))] == [(d.kind.value, d.rows) for d in looked.defects]
    assert import_plan(file, communities, accept=["axes_swapped"]).adoptable


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
@pytest.mark.parametrize("prj", [True, False])
@pytest.mark.parametrize("side_m", [120.0, 600.0])
def test_cells_in_an_offset_datum_are_refused_and_the_datum_is_named(datum, prj, side_m, tmp_path: Path):
    # Small, the town lies wholly beside itself; large, most of it still lies on the communities.
    cells, communities = make_official(1, side_m)
    file = write_shp(tmp_path / "cells.shp", in_offset_datum(cells, datum), prj=prj)
    with pytest.raises(WrongCrs) as refusal:
        import_plan(file, communities)
    assert ("offset_datum", datum.value) == (refusal.value.facts["hint"], refusal.value.facts["datum"])


def test_numbers_that_suit_no_system_there_are_refused(town, tmp_path: Path):
    cells, communities = town
    shapes = shapely.transform(cells.geometry.to_numpy(), lambda xy: xy - [0, 50_000])
    file = tmp_path / "cells.gpkg"
    cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs)).to_file(file)
    with pytest.raises(WrongCrs) as refusal:
        import_plan(file, communities)
    assert "no_candidate" == refusal.value.facts["hint"]


def test_few_cells_inside_one_community_without_a_declared_system_are_ambiguous(town, tmp_path: Path):
    cells, communities = town
    one = cells[cells.index == row_at(1, 1)]
    file = write_shp(tmp_path / "cells.shp", one, prj=False)
    with pytest.raises(WrongCrs) as refusal:
        import_plan(file, communities)
    assert "ambiguous" == refusal.value.facts["hint"]
    given = import_plan(file, communities, crs=CM_117.crs)
    assert Certainty.LIKELY is given.placement.certainty


def test_a_system_that_a_person_names_wrongly_is_refused(town, tmp_path: Path):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", cells, prj=False)
    with pytest.raises(WrongCrs) as refusal:
        import_plan(file, communities, crs=CM_120.crs)
    assert "no_candidate" == refusal.value.facts["hint"]


def test_another_datum_is_refused_by_name(town, tmp_path: Path):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", relabelled(cells, BEIJING_1954))
    with pytest.raises(WrongCrs) as refusal:
        import_plan(file, communities)
    assert "Krassowsky" in refusal.value.facts["ellipsoid"]


def test_magnitudes_and_the_systems_they_leave():
    assert [(GEOGRAPHIC, False)] == candidates(117.6, 39.0)
    assert [(GEOGRAPHIC, True)] == candidates(39.0, 117.6)
    assert [(ZONE_39.crs, False)] == candidates(39_555_000.0, 4_322_000.0)
    assert [(ZONE_39.crs, True)] == candidates(4_322_000.0, 39_555_000.0)
    assert [(GaussKruger(6, 117, prefixed=True).crs, False)] == candidates(20_555_000.0, 4_322_000.0)
    assert 21 == len(candidates(555_000.0, 4_322_000.0))
    assert (WEB_MERCATOR, False) in candidates(13_096_000.0, 4_720_000.0)
    assert [] == candidates(1.0, 2.0)


def test_texts_in_gbk_declared_as_utf8_are_read_only_when_accepted(town, tmp_path: Path):
    cells, communities = town
    file = write_shp(tmp_path / "cells.shp", cells, cpg="UTF-8")
    looked = import_plan(file, communities)
    assert (["encoding_contradicted"], None) == (found(looked), looked.cells)
    result = import_plan(file, communities, accept=["encoding_contradicted"])
    assert result.adoptable
    assert set(cells["name"]) == set(result.cells["name"])


@pytest.mark.parametrize(
    ("encoding", "cpg"), [("UTF-8", None), ("UTF-8", "UTF-8"), ("GBK", "936"), ("GBK", None)]
)
def test_texts_are_read_in_what_is_declared_or_can_only_be_meant(encoding, cpg, town, tmp_path: Path):
    cells, _ = town
    names = {"code": "code", "name": "名称", "community_code": "sqbm", "kind": "类型", "households": "户数"}
    file = write_shp(tmp_path / "cells.shp", cells, encoding=encoding, cpg=cpg, names=names)
    source = read_source(file)
    assert [] == list(source.defects)
    assert cells["name"].tolist() == source.rows["name"].tolist()


def test_a_text_cut_off_inside_a_character_is_told(town, tmp_path: Path):
    cells, communities = town
    long = cells.assign(name=["格" * 20, *cells["name"][1:]]).drop(columns="community_code")
    file = write_shp(tmp_path / "cells.shp", long, encoding="UTF-8", cpg="UTF-8", names={})
    table = file.with_suffix(".dbf")
    whole, cut = "格".encode() * 20, "格".encode() * 20
    table.write_bytes(table.read_bytes().replace(whole, cut[:-1] + b" "))
    result = import_plan(file, communities)
    assert ["text_truncated"] == found(result)
    assert (0,) == result.defects[0].rows
    assert result.adoptable


def test_geojson_in_gbk_is_a_contradiction_of_its_standard(town, tmp_path: Path):
    cells, communities = town
    file = tmp_path / "cells.geojson"
    file.write_bytes(cells.to_crs(WGS84).to_json(ensure_ascii=False).encode("gbk"))
    assert ["encoding_contradicted"] == found(import_plan(file, communities))
    assert import_plan(file, communities, accept=["encoding_contradicted"]).adoptable


def test_geojson_in_metres_contradicts_its_standard_too(town, tmp_path: Path):
    cells, communities = town
    file = tmp_path / "cells.geojson"
    file.write_text(cells.to_json(ensure_ascii=False).replace('"crs"', '"was"'), encoding="utf-8")
    assert ["crs_contradicted"] == found(import_plan(file, communities))


def test_files_that_cannot_be_read_are_refused_with_a_hint(town, tmp_path: Path):
    cells, communities = town
    with pytest.raises(NotFound):
        import_plan(tmp_path / "none.gpkg", communities)
    (tmp_path / "cells.dwg").write_bytes(b"x")
    (tmp_path / "broken.shp").write_bytes(b"x")
    two = tmp_path / "two.gpkg"
    cells.to_file(two, layer="a")
    cells.to_file(two, layer="b")
    double = tmp_path / "double.gpkg"
    cells.assign(bsm=cells["code"]).to_file(double)
    hints = {"cells.dwg": "format", "broken.shp": "unreadable", "two.gpkg": "layer", "double.gpkg": "columns"}
    for name, hint in hints.items():
        with pytest.raises(InvalidInput) as refusal:
            import_plan(tmp_path / name, communities)
        assert hint == refusal.value.facts["hint"]
    assert [] == import_plan(two, communities, layer="b").defects
    assert [] == import_plan(double, communities, columns={"code": "bsm"}).defects


def test_a_row_that_is_not_finite_is_a_defect_and_a_file_of_such_rows_is_refused(town, tmp_path: Path):
    cells, communities = town
    nowhere = shapely.Polygon([(np.inf, 0), (np.inf, 1), (np.inf, 2)])
    for rows, name in ((1, "one.gpkg"), (len(cells), "all.gpkg")):
        shapes = np.asarray([nowhere] * rows + list(cells.geometry[rows:]), dtype=object)
        cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs)).to_file(tmp_path / name)
    result = import_plan(tmp_path / "one.gpkg", communities)
    assert {"geometry_missing", "gap_large"} == set(found(result))
    with pytest.raises(InvalidInput) as refusal:
        import_plan(tmp_path / "all.gpkg", communities)
    assert "no_geometry" == refusal.value.facts["hint"]


def test_communities_are_the_measure_and_are_refused_rather_than_repaired(town, tmp_path: Path):
    _, communities = town
    file = tmp_path / "communities.gpkg"

    def written(frame: gpd.GeoDataFrame) -> Path:
        file.unlink(missing_ok=True)
        frame.to_file(file)
        return file

    read = read_communities(written(communities.to_crs(ZONE_39.crs)))
    assert (communities["code"].tolist(), communities.crs) == (read["code"].tolist(), read.crs)
    grown = np.asarray([*communities.geometry[:1].buffer(5.0), *communities.geometry[1:]], dtype=object)
    with pytest.raises(InvalidGeometry):
        read_communities(written(communities.set_geometry(gpd.GeoSeries(grown, crs=communities.crs))))
    with pytest.raises(InvalidCode):
        read_communities(written(communities.assign(code=["120116005001"] * 4)))
    with pytest.raises(WrongCrs):
        read_communities(write_shp(tmp_path / "c.shp", communities, prj=False, names={}))
    wrong = write_shp(tmp_path / "u.shp", communities, cpg="UTF-8", names={})
    with pytest.raises(InvalidInput) as contradiction:
        read_communities(wrong)
    assert "encoding" == contradiction.value.facts["hint"]
    assert communities["name"].tolist() == read_communities(wrong, encoding="GBK")["name"].tolist()
    with pytest.raises(InvalidGeometry) as refusal:
        read_communities(written(exchanged(communities.to_crs(GEOGRAPHIC))))
    assert "axes_swapped" == refusal.value.facts["hint"]
