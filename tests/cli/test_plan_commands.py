"""gridmgmt plan: a draft from a file on its way, owners at any time, a replay into files, retired codes."""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from gridmgmt.cli import app
from gridmgmt.domain.grid import GridPlan
from gridmgmt.errors import GridError, IllegalAction, InvalidInput, NotAllowed, NotFound
from gridmgmt.storage import grids
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import STREET
from tests.builders_plans import merged_cell, neighbours, redrawn
from tests.builders_street import inner_point

SWITCH = datetime(2036, 12, 1, tzinfo=UTC)


@pytest.fixture
def command(own_demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("COLUMNS", "240")

    def run(*arguments: object) -> str:
        done = CliRunner().invoke(app, ["plan", *map(str, arguments)])
        if isinstance(done.exception, GridError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return run


@pytest.fixture
def plans(own_demo_url: str) -> Callable[[], list[GridPlan]]:
    def read() -> list[GridPlan]:
        engine = make_engine(own_demo_url, pool_size=1)
        with transaction(engine, NOBODY) as db:
            found = grids.published_plans(db, STREET)
        engine.dispose()
        return found

    return read


def as_file(plan: GridPlan, file: Path) -> Path:
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(c.polygon),
            "properties": {"community_code": c.community_code, "kind": c.kind, "name": c.name,
                           "households": c.households},
        }
        for c in plan.cells
    ]  # fmt: skip
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return file


def test_a_file_becomes_a_plan_in_force_by_the_hands_it_needs(command, plans, tmp_path: Path) -> None:
    (first,) = plans()
    wanted = redrawn(first, SWITCH)
    said = command("draft", as_file(wanted, tmp_path / "cells.geojson"), "--as", "demo-planner",
                   "--from", SWITCH.isoformat(), "--base-map", "made up", "--synthetic")  # fmt: skip
    found = re.search(r"draft (\S+): version 2, (\d+) cells", said)
    assert found is not None
    assert int(found[2]) == len(wanted.cells)
    plan = found[1]
    with pytest.raises(IllegalAction):
        command("move", plan, "publish", "--as", "demo-planner")
    assert "is checked" in command("move", plan, "check", "--as", "demo-planner")
    with pytest.raises(NotAllowed):
        command("move", plan, "review", "--as", "demo-planner", "--opinion", "同意")
    assert "is reviewed" in command("move", plan, "review", "--as", "demo-district", "--opinion", "同意")
    _replayed(command, plan, tmp_path)
    assert "is published" in command("move", plan, "publish", "--as", "demo-director")
    shown = command("show", plan, "--as", "demo-planner")
    assert "next: undo" in shown
    assert "opinion: 同意" in shown
    listed = command("list")
    assert plan in listed
    # Cells that stay keep their codes; the merged one got the next that was free.
    _, second = plans()
    assert {c.code for c in second.cells} == {c.code for c in wanted.cells}
    _owned(command, first, second)
    assert "is reviewed" in command("move", plan, "undo", "--as", "demo-planner", "--reason", "日期有误")
    assert "is withdrawn" in command("move", plan, "withdraw", "--as", "demo-planner", "--reason", "重画")


def _owned(command, first: GridPlan, second: GridPlan) -> None:
    place = inner_point(neighbours(first)[0].polygon)
    before = command("owner", place.lon, place.lat, "--at", (SWITCH - timedelta.resolution).isoformat())
    after = command("owner", place.lon, place.lat, "--at", SWITCH.isoformat())
    assert before.startswith(neighbours(first)[0].code)
    assert "worker:" in before
    assert after.startswith(merged_cell(second).code)
    assert "to further notice" in after


def _replayed(command, plan: str, directory: Path) -> None:
    said = command("what-if", plan, "--as", "demo-planner", "--out", directory / "cells.gpkg",
                   "--tables", directory / "tables")  # fmt: skip
    assert "version 1 → 2" in said
    frame = gpd.read_file(directory / "cells.gpkg")
    assert {"code", "heir_of", "overdue", "households_joined"} <= set(frame.columns)
    assert frame.crs is not None
    with (directory / "tables" / "workers.csv").open(encoding="utf-8", newline="") as handle:
        assert list(csv.DictReader(handle))
    command("what-if", plan, "--as", "demo-planner", "--out", directory / "cells.csv")
    with pytest.raises(InvalidInput):
        command("what-if", plan, "--as", "demo-planner", "--out", directory / "cells.shp")


def test_what_is_asked_wrongly_is_refused(command, tmp_path: Path) -> None:
    for arguments, error in (
        (("move", "nonsense", "check", "--as", "demo-planner"), InvalidInput),
        (("move", "nonsense", "dance", "--as", "demo-planner"), InvalidInput),
        (("show", "nonsense", "--as", "nobody"), NotFound),
        (("owner", 117.65, 39.03, "--at", "2026-12-01"), InvalidInput),
        (("owner", 117.65, 39.03, "--datum", "mars"), InvalidInput),
        (("retire-codes", tmp_path / "none.txt", "--note", "x"), NotFound),
    ):
        with pytest.raises(error):
            command(*arguments)


def test_codes_from_before_are_never_given(command, plans, own_demo_url: str, tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    file.write_text(f"{STREET}001700\n{STREET}001701\n", encoding="utf-8")
    assert "2 of 2 codes are new" in command("retire-codes", file, "--note", "区网格中心 2019")
    assert "0 of 2 codes are new" in command("retire-codes", file, "--note", "区网格中心 2019")
    file.write_text("120101001001001\n", encoding="utf-8")
    with pytest.raises(InvalidInput):
        command("retire-codes", file, "--note", "elsewhere")


def test_people_keep_their_ground_when_a_plan_is_redrawn(
    command, plans, own_demo_url: str, tmp_path: Path
) -> None:
    def roster(*arguments: object) -> str:
        done = CliRunner().invoke(app, ["roster", *map(str, arguments), "--subdistrict", STREET])
        if isinstance(done.exception, GridError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    first = plans()[0]
    wanted = redrawn(first, SWITCH + timedelta(days=30), skip=3)
    said = command("draft", as_file(wanted, tmp_path / "cells.geojson"), "--as", "demo-planner",
                   "--from", SWITCH.isoformat(), "--base-map", "made up", "--synthetic")  # fmt: skip
    plan = re.search(r"draft (\S+):", said)[1]
    staff = tmp_path / "staff.csv"
    assert "assignments →" in roster("propose", plan, staff)
    rows = list(csv.DictReader(staff.read_text(encoding="utf-8").splitlines()))
    assert len({row["cell_code"] for row in rows}) == 1, "all other cells keep their codes and people"
    assert {row["duty"] for row in rows} >= {"worker"}
    assert f"{len(rows)} of {len(rows)} assignments are new" in roster("assign", staff)
    assert f"0 of {len(rows)} assignments are new" in roster("assign", staff)
    assert "0 assignments" in roster("propose", plan, staff)
    with pytest.raises(NotFound):
        roster("propose", "00000000-0000-0000-0000-000000000000", staff)
    staff.write_text("cell_code,login,duty,valid_from,valid_to\n120116005001999,nobody,worker,2036-12-01,\n")
    with pytest.raises(InvalidInput):
        roster("assign", staff)
