"""gridmgmt plan card: figures, a page, and an exit code that a script can go by."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import orjson
import pytest
import shapely
from typer.testing import CliRunner, Result

from gridmgmt.cli import app
from tests.builders_import import PLANTS, make_official, row_at


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    cells, communities = make_official()
    cells["households"] = cells["households"].astype(int)
    file = tmp_path / "plan.gpkg"
    cells.to_file(file, layer="cells")
    communities.to_file(file, layer="communities")
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["plan", "card", *map(str, words)])


def test_page_and_figures_are_written(plan: Path, tmp_path: Path):
    result = run(plan, "--out", tmp_path / "card.html", "--json", tmp_path / "card.json")
    assert (0, True) == (result.exit_code, "seams proved" in result.output)
    facts = orjson.loads((tmp_path / "card.json").read_bytes())
    assert (True, 48) == (facts["passed"], facts["cells"])
    assert "✓ proved" in (tmp_path / "card.html").read_text(encoding="utf-8")


def test_two_plans_are_compared_in_the_order_of_time(plan: Path, tmp_path: Path):
    cells, communities = make_official()
    # A triangle of one cell goes to its western neighbour; no other cell gets a vertex of it.
    shapes = cells.geometry.to_numpy().copy()
    giver, taker = row_at(2, 1), row_at(1, 1)
    south, north = shapely.get_coordinates(shapes[giver])[[0, 3]]
    middle = np.round(shapely.get_coordinates(shapes[giver].centroid)[0], 2)
    triangle = shapely.Polygon([south, middle, north])
    shapes[giver], shapes[taker] = shapes[giver] - triangle, shapes[taker] | triangle
    moved = cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))
    moved["households"] = moved["households"].astype(int)
    after = tmp_path / "after.gpkg"
    moved.to_file(after, layer="cells")
    communities.to_file(after, layer="communities")
    result = run(after, "--against", plan, "--json", tmp_path / "card.json", "--out", tmp_path / "c.html")
    assert 0 == result.exit_code
    before, now = orjson.loads((tmp_path / "card.json").read_bytes())
    assert ("plan", "after") == (before["name"], now["name"])
    assert (None, True) == (before["stability"], 0 < now["stability"]["moved_share"] < 0.01)


def test_a_plan_that_breaks_a_rule_ends_with_one(plan: Path, tmp_path: Path):
    cells, communities = make_official()
    overlapping = next(p for p in PLANTS if p.kind == "overlap").plant(cells, row_at(1, 1))
    overlapping["households"] = overlapping["households"].astype(int)
    file = tmp_path / "bad.gpkg"
    overlapping.to_file(file, layer="cells")
    communities.to_file(file, layer="communities")
    result = run(file)
    assert 1 == result.exit_code
    assert "not proved" in result.output
