"""gridmgmt plan import: look first, accept what is proposed, get a plan or the reasons why not."""

from pathlib import Path

import geopandas as gpd
import pytest
from typer.testing import CliRunner, Result

from gridmgmt.cli import app
from gridmgmt.errors import InvalidInput
from tests.builders_import import PLANTS, make_official, row_at, write_shp


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("COLUMNS", "220")
    cells, communities = make_official()
    overlapping = next(p for p in PLANTS if p.kind == "overlap").plant(cells, row_at(1, 1))
    communities.to_file(tmp_path / "communities.gpkg")
    return write_shp(tmp_path / "cells.shp", overlapping, prj=False, cpg=None), tmp_path / "communities.gpkg"


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["plan", "import", *map(str, words), "--quiet"])


def test_the_first_look_lists_and_repairs_nothing(files, tmp_path: Path):
    cells, communities = files
    result = run(
        cells, "--communities", communities, "--defects", tmp_path / "d.gpkg", "--out", tmp_path / "p.gpkg"
    )
    assert 1 == result.exit_code
    for part in ("nothing declared", "crs_missing", "缺少坐标系说明", "overlap", "not a plan yet"):
        assert part in result.output
    assert ["crs_missing", "overlap"] == sorted(gpd.read_file(tmp_path / "d.gpkg")["kind"])
    assert not (tmp_path / "p.gpkg").exists()


def test_what_is_accepted_makes_a_plan_in_degrees(files, tmp_path: Path):
    cells, communities = files
    plan = tmp_path / "p.gpkg"
    result = run(
        cells, "--communities", communities, "--accept", "crs_missing", "--accept", "overlap", "--out", plan
    )  # fmt: skip
    assert (0, True) == (result.exit_code, "48 cells keep every rule" in result.output)
    written = gpd.read_file(plan, layer="cells")
    assert (48, True) == (len(written), bool(written.crs.is_geographic))
    assert 4 == len(gpd.read_file(plan, layer="communities"))


def test_an_unknown_acceptance_ends_in_a_refusal(files):
    cells, communities = files
    result = run(cells, "--communities", communities, "--accept", "everything")
    assert isinstance(result.exception, InvalidInput)


def test_a_column_without_a_meaning_is_refused(files):
    cells, communities = files
    result = run(cells, "--communities", communities, "--column", "网格编码")
    assert isinstance(result.exception, InvalidInput)
