"""Patrols over HTTP: a morning by the contract, refusals with their reasons, GeoJSON that maps can draw."""

import uuid
from datetime import timedelta

import pytest
from shapely.geometry import shape

from tests.api.client import Person, Server
from tests.api.patrolling import batch, end_open_shifts, moment, open_shift, plan_version, point, target


@pytest.fixture
def worker(server: Server) -> Person:
    end_open_shifts(server)
    return server.person("demo-worker-001")


def test_a_morning_from_plan_to_trace(server: Server, worker: Person) -> None:
    planner, cell = server.person("demo-planner"), worker.cells[0]
    wanted = {"id": str(uuid.uuid4()), "version": plan_version(server, cell), "targets": [target(worker)]}
    answer = planner.http.put(f"/api/v1/patrol-plans/{cell}", json=wanted)
    assert (200, wanted["version"] + 1) == (answer.status_code, answer.json()["version"])
    shift_id = open_shift(server, worker)
    today = worker.get("/patrols/today").json()
    assert shift_id == today["shift_id"]
    sent = batch(server, *(point(worker, server, no) for no in range(3)))
    first = worker.post(f"/patrols/{shift_id}/track", sent).json()
    assert {"stored": 3, "known": 0, "refused": []} == first
    assert {"stored": 0, "known": 3, "refused": []} == worker.post(f"/patrols/{shift_id}/track", sent).json()
    ended = worker.post(f"/patrols/{shift_id}/end", moment(server))
    assert (200, True) == (ended.status_code, ended.json()["off_at"] is not None)
    trace = worker.get(f"/patrols/{shift_id}/track").json()
    assert (3, 30) == (len(trace["features"]), trace["kept"]["positions_days"])
    due = {t["name"]: t["due"] for c in worker.get("/patrols/today").json()["cells"] for t in c["targets"]}
    assert {"街角": False} == due


def test_coverage_is_geojson_with_three_verdicts_and_no_positions(server: Server, worker: Person) -> None:
    shift_id = open_shift(server, worker)
    worker.post(f"/patrols/{shift_id}/track", batch(server, point(worker, server, 1)))
    desk = server.person("demo-dispatcher")
    day = server.clock.at.date()
    for query in ({"shift": shift_id}, {"cell": worker.cells[0], "day": day}):
        answer = desk.get("/patrols/coverage.geojson", **query)
        assert "application/geo+json" == answer.headers["content-type"]
        hexagons = [f for f in answer.json()["features"] if f["properties"]["what"] == "hexagon"]
        assert {f["properties"]["verdict"] for f in hexagons} <= {"covered", "not_covered", "unknown"}
        assert all(shape(f["geometry"]).is_valid for f in hexagons)
        assert "accuracy_m" not in answer.text


def test_the_day_in_figures_calls_a_planned_cell_without_a_shift_not_covered_and_never_unknown(
    server: Server, worker: Person
) -> None:
    desk, day = server.person("demo-dispatcher"), server.clock.at.date()
    open_shift(server, worker)
    cells = {c["cell_code"]: c for c in desk.get("/patrols/coverage", day=day).json()["cells"]}
    planned = {p["cell_code"]: len(p["targets"]) for p in desk.get("/patrol-plans").json()["items"]}
    assert planned.keys() <= cells.keys()
    assert planned == {code: sum(cells[code]["targets"].values()) for code in planned}
    assert cells[worker.cells[0]]["shifts"] >= 1
    idle = [cell for cell in cells.values() if cell["shifts"] == 0]
    assert idle
    assert [0] * len(idle) == [cell["targets"]["unknown"] + cell["targets"]["covered"] for cell in idle]
    assert [None] * len(idle) == [cell["shares"]["unknown"] for cell in idle]


def test_refused_positions_come_with_their_reasons(server: Server, worker: Person) -> None:
    shift_id = open_shift(server, worker)
    early = (server.clock.at - timedelta(minutes=5)).isoformat()
    points = [point(worker, server, 1, at=early), point(worker, server, 2, lon=116.4, lat=39.9)]
    told = worker.post(f"/patrols/{shift_id}/track", batch(server, *points)).json()
    assert [(1, "before_sign_on"), (2, "elsewhere")] == [(r["no"], r["reason"]) for r in told["refused"]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"cell": "120116005001001"}, 422),
        ({"shift": uuid.uuid4(), "day": "2026-11-23"}, 422),
        ({"shift": uuid.uuid4()}, 404),
        ({"cell": "120116005001999", "day": "2026-11-23"}, 404),
        ({"cell": "120116005001001", "day": "0001-01-01"}, 200),
        ({"cell": "120116005001001", "day": "9999-12-31"}, 422),
    ],
)
def test_coverage_is_asked_for_a_shift_or_for_a_cell_and_a_day(
    server: Server, query: dict, status: int
) -> None:
    answer = server.person("demo-dispatcher").get("/patrols/coverage.geojson", **query)
    assert status == answer.status_code, answer.text


def test_two_shifts_at_once_are_refused_with_the_open_one(server: Server, worker: Person) -> None:
    shift_id = open_shift(server, worker)
    answer = worker.post("/patrols", {"id": str(uuid.uuid4()), **moment(server)})
    assert (409, "not_ready", shift_id) == (
        answer.status_code, answer.json()["code"], answer.json()["facts"]["shift_id"],
    )  # fmt: skip
