"""The roster over HTTP and from the command line: replaced as a whole, once, by who plans it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridmgmt.cli import app
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server
from tests.builders_cases import STREET

SHIFTS = "login,weekdays,starts,ends,valid_from,valid_to,unit_code,cell_code\n"
LEAVES = "login,valid_from,valid_to,deputy\n"
DAY = "demo-worker-001,12345,08:30,17:30,2026-11-01,,,\n"


def shift(person_id: str, **over: str) -> dict[str, str]:
    day = {"weekdays": "12345", "starts": "08:30", "ends": "17:30", "valid_from": "2026-11-01"}
    return {"person_id": person_id, **day, **over}


def put(person: Person, body: dict):
    return person.http.put("/api/v1/roster", json=body)


def test_a_planner_replaces_the_roster_and_sees_what_is_kept(server: Server, worker: Person) -> None:
    planner = server.person("demo-planner")
    seen = planner.get("/roster").json()
    leave = {"person_id": worker.id, "valid_from": "2026-12-01", "valid_to": "2026-12-03"}
    body = {"version": seen["version"], "shifts": [shift(worker.id)], "leaves": [leave]}
    told = put(planner, body)
    assert told.status_code == 200, told.text
    (kept,) = told.json()["shifts"]
    assert (kept["login"], kept["starts"], kept["weekdays"]) == ("demo-worker-001", "08:30:00", "12345")
    seen_by_director = server.person("demo-director").get("/roster").json()
    assert seen_by_director | {"people": []} == told.json() | {"people": []}
    assert put(planner, body).json() == told.json(), "the same again changes nothing"
    other = put(planner, {**body, "shifts": []})
    assert (other.status_code, other.json()["code"]) == (409, "stale_version")
    gone = put(planner, {"version": told.json()["version"], "shifts": [], "leaves": []})
    assert gone.json()["shifts"] == gone.json()["leaves"] == []


def test_a_director_reads_whom_a_roster_may_name_and_a_planner_sees_the_names_shortened(
    server: Server, worker: Person
) -> None:
    def named(login: str) -> dict:
        (one,) = [p for p in server.person(login).get("/roster").json()["people"] if p["id"] == worker.id]
        return one

    full, short = named("demo-director"), named("demo-planner")
    assert (full["login"], full["roles"]) == ("demo-worker-001", ["grid_worker"])
    assert "*" not in full["name"]
    assert short["name"] == full["name"][0] + "*" * (len(full["name"]) - 1)


@pytest.mark.parametrize(
    ("over", "column"),
    [
        ({"person_id": "00000000-0000-7000-8000-00000000000a"}, "person"),
        ({"unit_code": "NONE"}, "unit_code"),
        ({"cell_code": "120101001001001"}, "cell_code"),
        ({"valid_to": "2026-10-01"}, "valid_to"),
    ],
)
def test_what_is_not_of_the_street_is_refused_with_its_row(
    server: Server, worker: Person, over: dict[str, str], column: str
) -> None:
    planner = server.person("demo-planner")
    version = planner.get("/roster").json()["version"]
    answer = put(planner, {"version": version, "shifts": [shift(worker.id) | over], "leaves": []})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [(f["row"], f["column"]) for f in answer.json()["facts"]["faults"]] == [(2, column)]


@pytest.mark.parametrize("over", [{"weekdays": "8"}, {"starts": "830"}, {"starts": 30600}, {"ends": "25:00"}])
def test_what_is_no_shift_is_refused(server: Server, worker: Person, over: dict) -> None:
    planner = server.person("demo-planner")
    version = planner.get("/roster").json()["version"]
    answer = put(planner, {"version": version, "shifts": [shift(worker.id) | over], "leaves": []})
    assert answer.status_code == 422


@pytest.fixture
def command(own_demo_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple]:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(shifts: str, leaves: str, *arguments: str) -> tuple[int, str]:
        files = tmp_path / "shifts.csv", tmp_path / "leaves.csv"
        for file, content in zip(files, (SHIFTS + shifts, LEAVES + leaves), strict=True):
            file.write_text(content, encoding="utf-8")
        given = ["roster", "import", *map(str, files), "--subdistrict", STREET, *arguments]
        done = CliRunner().invoke(app, given)
        return done.exit_code, done.output

    return run


def test_tables_take_the_place_of_the_roster_dry_first(command, own_demo_url: str) -> None:
    engine = make_engine(own_demo_url, pool_size=1)

    def kept() -> tuple[int, int]:
        query = text("select (select count(*) from app.duty_shifts), (select count(*) from app.leaves)")
        with transaction(engine, NOBODY) as db:
            return tuple(db.execute(query).one())

    leave = "demo-worker-002,2026-12-01,2026-12-03,demo-worker-001\n"
    before = kept()
    code, said = command(DAY, leave, "--dry-run")
    assert (code, kept()) == (0, before)
    assert "shifts: 1 would be new" in said
    assert command(DAY, leave)[0] == 0
    assert kept() == (1, 1)
    assert "shifts: 0 are new, 0 are gone; leaves: 0 are new, 0 are gone" in command(DAY, leave)[1]
    assert "1 are gone" in command("", leave)[1]
    assert kept() == (0, 1)
    engine.dispose()


def test_a_faulty_table_changes_nothing_and_says_which_line(command) -> None:
    code, said = command(DAY + DAY.replace("12345", "9"), "")
    assert code != 0
    assert "shifts, row 3, weekdays: are days from 1 (Monday) to 7" in said
    assert "0 are gone" in command("", "", "--dry-run")[1].replace("would be", "are")
