"""Planted faults: every one is found where it was planted, nothing is found in sound files, repairs hold."""

from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.official.defect import DefectKind, Severity
from gridmgmt.planning.official.importing import ImportResult, import_plan
from tests.builders_import import COLUMNS, PLANTS, Plant, make_official, row_at, slid_east

FAULTLESS_KINDS = {
    "crs_missing", "crs_contradicted", "axes_swapped", "encoding_contradicted", "text_truncated",
    "community_empty",
}  # fmt: skip
"""Kinds that are planted in the files of test_official_files.py and below."""


@pytest.fixture(scope="module")
def town() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    return make_official()


def imported(cells: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, tmp: Path, *accept: str) -> ImportResult:
    file = tmp / "cells.gpkg"
    file.unlink(missing_ok=True)
    cells.to_file(file)
    return import_plan(file, communities, accept=accept)


def kinds_of(result: ImportResult) -> Counter[str]:
    return Counter(defect.kind.value for defect in result.defects)


@pytest.mark.parametrize("seed", range(1, 9))
def test_nothing_is_found_in_a_sound_file_and_it_is_a_plan(seed: int, tmp_path: Path):
    cells, communities = make_official(seed)
    result = imported(cells, communities, tmp_path)
    assert [] == result.defects
    assert [] == result.why_not()
    assert ["contiguous", "numbered", "within_community", "seamless", "in_band"] == [
        verdict.name for verdict in result.verdicts
    ]
    # Nothing was accepted, so nothing may have moved.
    before = cells.set_index("code").geometry
    after = result.cells.set_index("code").geometry
    assert (shapely.hausdorff_distance(before.sort_index().array, after.sort_index().array) < 1e-6).all()


def test_every_kind_of_defect_is_planted_somewhere():
    assert set(DefectKind) == {plant.kind for plant in PLANTS} | FAULTLESS_KINDS


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.kind)
def test_a_planted_fault_is_found_alone_and_at_its_place(plant: Plant, town, tmp_path: Path):
    cells, communities = town
    row = row_at(*plant.where) if plant.where else row_at(1, 1)
    result = imported(plant.plant(cells, row), communities, tmp_path)
    found = kinds_of(result)
    assert 1 == found.pop(plant.kind)
    assert set(found) <= plant.besides
    defect = next(d for d in result.defects if d.kind == plant.kind)
    where = cells.geometry[row].buffer(10.0)
    elsewhere = plant.kind in {"cell_outside", "geometry_missing", "multipart"}
    assert elsewhere or where.contains(shapely.Point(defect.x_m, defect.y_m))
    blocking = defect.severity is not Severity.WARNING
    assert result.adoptable is not blocking


REPAIRED_BY_ITS_KIND = [p for p in PLANTS if p.kind not in {"gap_large", "households_malformed"}]


@pytest.mark.parametrize("plant", REPAIRED_BY_ITS_KIND, ids=lambda plant: plant.kind)
def test_what_is_accepted_is_repaired_and_the_plan_keeps_every_rule(plant: Plant, town, tmp_path: Path):
    cells, communities = town
    row = row_at(*plant.where) if plant.where else row_at(1, 1)
    result = imported(plant.plant(cells, row), communities, tmp_path, plant.kind, *plant.besides)
    assert [] == result.why_not()
    assert len(cells) == len(result.cells)
    assert result.cells["code"].is_unique


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.kind)
def test_what_nobody_accepted_is_left_as_it_was(plant: Plant, town, tmp_path: Path):
    cells, communities = town
    row = row_at(*plant.where) if plant.where else row_at(1, 1)
    faulty = plant.plant(cells, row)
    others = [kind.value for kind in DefectKind if kind != plant.kind and kind not in plant.besides]
    result = imported(faulty, communities, tmp_path, *others)
    assert len(faulty) == len(result.cells)
    cells_by_row = result.cells.sort_values("row")
    before, after = faulty.geometry.to_numpy(), cells_by_row.geometry.to_numpy()
    there = ~shapely.is_missing(before)
    assert (shapely.hausdorff_distance(before[there], after[there]) < 0.008).all()
    assert (shapely.is_valid(before) == shapely.is_valid(after)).all()
    codes = [(code, was) for code, was in zip(cells_by_row["code"], faulty["code"], strict=True) if was]
    assert all(code == was for code, was in codes)


@pytest.mark.parametrize("seed", range(12))
def test_many_faults_in_one_file_are_told_apart_and_repaired_together(seed: int, tmp_path: Path):
    cells, communities = make_official(seed)
    rng = np.random.default_rng(seed)
    # One place a fault, far enough apart that none lies in another's neighbourhood.
    places = [(x, y) for y in (1, 4) for x in (0, 5)]
    free = [p for p in PLANTS if p.where is None and p.kind not in {"self_crossing", "gap_large"}]
    chosen = [free[i] for i in rng.choice(len(free), len(places), replace=False)]
    faulty, expected = cells, Counter[str]()
    for plant, place in zip(chosen, places, strict=True):
        faulty = plant.plant(faulty, row_at(*place))
        expected[plant.kind] += 1
    assert expected == kinds_of(imported(faulty, communities, tmp_path))
    repaired = imported(faulty, communities, tmp_path, *(k.value for k in DefectKind))
    assert [] == repaired.why_not()


def test_the_same_file_gives_the_same_ids(town, tmp_path: Path):
    cells, communities = town
    faulty = PLANTS[8].plant(cells, row_at(1, 1))
    first, second = (imported(faulty, communities, tmp_path) for _ in range(2))
    assert [d.id for d in first.defects] == [d.id for d in second.defects]


def test_one_defect_is_accepted_by_its_id_and_leaves_its_like_alone(town, tmp_path: Path):
    cells, communities = town
    shapes = cells.geometry.to_numpy().copy()
    for row in (row_at(1, 1), row_at(5, 4)):
        shapes[row] = slid_east(cells, row, -6.0)
    faulty = cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))
    listed = imported(faulty, communities, tmp_path)
    one, other = listed.defects
    half = imported(faulty, communities, tmp_path, one.id)
    assert {one.id: "applied", other.id: "open"} == {d.id: s for d, s in half.accepted.states}
    assert ["gap: 1 not repaired"] == half.why_not()[:1]


def test_another_heir_than_the_proposed_one_can_be_named(town, tmp_path: Path):
    cells, communities = town
    row = row_at(1, 1)
    faulty = PLANTS[8].plant(cells, row)
    defect = next(d for d in imported(faulty, communities, tmp_path).defects if d.kind == "overlap")
    areas = []
    for heir in defect.choices:
        result = imported(faulty, communities, tmp_path, f"{defect.id}={heir}")
        assert [] == result.why_not()
        areas.append(result.cells.set_index("row").geometry[row].area)
    assert abs(areas[0] - areas[1]) == pytest.approx(defect.size, abs=0.01)


def test_pieces_can_become_cells_of_their_own_with_new_codes(town, tmp_path: Path):
    cells, communities = town
    plant = next(p for p in PLANTS if p.kind == "multipart")
    faulty = plant.plant(cells, row_at(1, 1))
    defect = imported(faulty, communities, tmp_path).defects[0]
    result = imported(faulty, communities, tmp_path, f"{defect.id}=own_cells")
    assert len(cells) + 1 == len(result.cells)
    assert set(cells["code"]) < set(result.cells["code"])
    assert all(verdict.passed for verdict in result.verdicts if verdict.name != "in_band")


def test_a_code_given_anew_was_never_used(town, tmp_path: Path):
    cells, communities = town
    row = row_at(1, 1)
    home = cells.loc[row, "community_code"]
    faulty = next(p for p in PLANTS if p.kind == "code_missing").plant(cells, row)
    file = tmp_path / "cells.gpkg"
    faulty.to_file(file)
    used = {f"{home}{n:03d}" for n in range(13, 20)} | {cells.loc[row, "code"]}
    result = import_plan(file, communities, accept=["code_missing"], used=used)
    assert f"{home}020" == result.cells.set_index("row")["code"][row]


def test_repairs_of_ground_wait_for_the_borders_that_are_not_matched(town, tmp_path: Path):
    cells, communities = town
    unmatched = next(p for p in PLANTS if p.kind == "border_unmatched")
    faulty = PLANTS[4].plant(unmatched.plant(cells, row_at(5, 4)), row_at(1, 1))
    waiting = imported(faulty, communities, tmp_path, "gap_sliver")
    assert {"gap_sliver": "deferred", "border_unmatched": "open"} == {
        d.kind.value: s for d, s in waiting.accepted.states
    }
    assert [] == imported(faulty, communities, tmp_path, "gap_sliver", "border_unmatched").why_not()


def test_a_community_without_cells_is_named_and_nothing_is_proposed(town, tmp_path: Path):
    cells, communities = town
    left = cells[cells["community_code"] != "120116005002"].reset_index(drop=True)
    result = imported(left, communities, tmp_path, *(k.value for k in DefectKind))
    assert [("community_empty", ("120116005002",), "")] == [
        (d.kind.value, d.codes, d.repair) for d in result.defects
    ]
    assert not result.adoptable


def test_households_outside_the_band_are_told_though_no_defect_of_the_file(town, tmp_path: Path):
    cells, communities = town
    cells = cells.assign(households=["900"] + ["400"] * (len(cells) - 1))
    result = imported(cells, communities, tmp_path)
    assert [] == result.defects
    assert ["rule in_band fails 1 times: 120116005001001"] == result.why_not()


def test_without_numbers_of_households_the_band_is_not_judged_and_that_is_said(town, tmp_path: Path):
    cells, communities = town
    result = imported(cells.drop(columns="households"), communities, tmp_path)
    assert result.adoptable
    assert "in_band" not in [verdict.name for verdict in result.verdicts]
    assert any(note.startswith("in_band: not judged") for note in result.notes)


@pytest.mark.parametrize("token", ["everything", "gap-00000000", "gap_large-1", "GAP"])
def test_only_kinds_and_defects_of_the_file_can_be_accepted(token: str, town, tmp_path: Path):
    cells, communities = town
    with pytest.raises(InvalidInput) as refusal:
        imported(cells, communities, tmp_path, token)
    assert ("accept", token) == (refusal.value.facts["hint"], refusal.value.facts["accept"])
    assert ("21-1", "R21a") == (refusal.value.article, refusal.value.rule)


def test_the_layer_of_defects_has_place_size_severity_and_state(town, tmp_path: Path):
    cells, communities = town
    result = imported(PLANTS[5].plant(cells, row_at(1, 1)), communities, tmp_path)
    layer = result.defects_layer()
    row = layer.iloc[0]
    assert ("gap", "空隙", "blocking", "open") == (row["kind"], row["kind_zh"], row["severity"], row["state"])
    assert row["size"] == pytest.approx(row.geometry.area, abs=1e-3)
    layer.to_file(tmp_path / "defects.gpkg")
    assert 1 == len(gpd.read_file(tmp_path / "defects.gpkg"))


def test_rows_of_the_town_are_where_the_builder_says(town):
    cells, _ = town
    assert COLUMNS * 6 == len(cells)


def test_a_scribble_that_would_keep_the_machine_busy_is_left_to_the_person(town, tmp_path: Path):
    cells, communities = town
    row = row_at(1, 1)
    west, south, east, north = cells.geometry[row].bounds
    rng = np.random.default_rng(1)
    scribble = shapely.Polygon(rng.uniform((west, south), (east, north), (1500, 2)))
    shapes = cells.geometry.to_numpy().copy()
    shapes[row] = scribble
    faulty = cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))
    result = imported(faulty, communities, tmp_path, "self_crossing")
    defect = next(d for d in result.defects if d.kind is DefectKind.SELF_CROSSING)
    assert ("", False) == (defect.repair, result.adoptable)
