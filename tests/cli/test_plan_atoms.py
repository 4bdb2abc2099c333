"""gridmgmt plan atoms: files in, files out, refusals that name the file."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from typer.testing import CliRunner

from gridmgmt.cli.plan import app
from gridmgmt.errors import InvalidGeometry, InvalidInput, NotFound, WrongCrs
from tests.planning.test_drawing import CROSS, LAND


@pytest.fixture
def files(tmp_path: Path) -> Path:
    LAND.to_crs("EPSG:4490").to_file(tmp_path / "land.gpkg")
    CROSS.to_crs("EPSG:4326").to_file(tmp_path / "roads.geojson")
    CROSS.to_file(tmp_path / "roads.shp")
    CROSS.to_parquet(tmp_path / "roads.parquet")
    return tmp_path


def call(folder: Path, land: str, roads: str, out: str, *more: str):
    return CliRunner().invoke(
        app, ["atoms", str(folder / land), str(folder / roads), str(folder / out), *more]
    )


@pytest.mark.parametrize("roads", ["roads.geojson", "roads.shp", "roads.parquet"])
def test_layers_of_any_kind_become_a_geopackage_in_the_zone_of_the_land(files, roads):
    result = call(files, "land.gpkg", roads, "atoms.gpkg")
    assert 0 == result.exit_code, result.output
    assert {"atoms", "blocks", "communities", "borders"} == set(
        pyogrio.list_layers(files / "atoms.gpkg")[:, 0]
    )
    atoms = gpd.read_file(files / "atoms.gpkg", layer="atoms")
    assert (4, 4548) == (len(atoms), atoms.crs.to_epsg())
    borders = pyogrio.read_dataframe(files / "atoms.gpkg", layer="borders")
    assert {"collector", "lane"} == set(borders["line"])
    assert "4 atoms, 4 borders, 4 blocks" in result.output


@pytest.mark.parametrize("out", ["atoms.parquet", "atoms.geojson"])
def test_borders_lie_beside_other_kinds_of_file(files, out):
    assert 0 == call(files, "land.gpkg", "roads.parquet", out, "--largest", "10000").exit_code
    borders = pd.read_parquet(files / "atoms-borders.parquet")
    assert borders["length_m"].sum() > 500
    assert (files / out).stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("land.gpkg", "nowhere.gpkg", "a.gpkg"), NotFound),
        (("land.gpkg", "roads.parquet", "a.txt"), InvalidInput),
        (("broken.gpkg", "roads.parquet", "a.gpkg"), InvalidInput),
        (("nocrs.parquet", "roads.parquet", "a.gpkg"), WrongCrs),
        (("swapped.parquet", "roads.parquet", "a.gpkg"), InvalidGeometry),
        (("land.gpkg", "roads.parquet", "a.gpkg", "--code", "id"), InvalidInput),
        (("land.gpkg", "roads.parquet", "a.gpkg", "--road-class", "kind"), InvalidInput),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(files, arguments, error):
    (files / "broken.gpkg").write_bytes(b"not a database")
    LAND.set_crs(None, allow_override=True).to_parquet(files / "nocrs.parquet")
    degrees = LAND.to_crs("EPSG:4490")
    turned = degrees.geometry.map(lambda shape: type(shape)([xy[::-1] for xy in shape.exterior.coords]))
    degrees.set_geometry(turned, crs="EPSG:4490").to_parquet(files / "swapped.parquet")
    result = call(files, *arguments)
    assert isinstance(result.exception, error), result.output
    assert not (files / "a.gpkg").exists()
