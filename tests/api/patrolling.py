"""How the endpoints of patrols are asked, with a shift of the first worker that is open."""

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tests.api.client import Person, Server

Request = tuple[str, dict[str, Any]]


def moment(server: Server, **ago: float) -> dict[str, str]:
    """A moment as a phone with a right clock tells it."""
    now = server.clock.at
    return {"at": (now - timedelta(**ago)).isoformat(), "sent_at": now.isoformat()}


def end_open_shifts(server: Server) -> None:
    """Nobody is on duty any more."""
    with server.engine.begin() as db:
        db.execute(text("update app.patrol_shifts set off_at = greatest(on_at, :at) where off_at is null"),
                   {"at": server.clock.at})  # fmt: skip


def open_shift(server: Server, worker: Person) -> str:
    """The id of a shift that just began."""
    end_open_shifts(server)
    shift_id = str(uuid.uuid4())
    answer = worker.post("/patrols", {"id": shift_id, **moment(server)})
    assert answer.status_code == 201, answer.text
    return shift_id


def point(worker: Person, server: Server, no: int, **over: Any) -> dict[str, Any]:
    """A position in the worker's cell, now."""
    return {"no": no, "at": server.clock.at.isoformat(), **worker.place, "accuracy_m": 8.0} | over


def batch(server: Server, *points: dict[str, Any]) -> dict[str, Any]:
    """Positions as a phone sends them."""
    return {"sent_at": server.clock.at.isoformat(), "datum": "wgs84", "points": list(points)}


def target(worker: Person, **over: Any) -> dict[str, Any]:
    """A checkpoint of every day in the worker's cell."""
    place = {"type": "Point", "coordinates": [worker.place["lon"], worker.place["lat"]]}
    facts = {"id": str(uuid.uuid4()), "kind": "point", "name": "街角", "amount": 1, "geometry": place}
    return facts | over


def plan_version(server: Server, cell: str) -> int:
    """The version of a cell's plan."""
    items = server.person("demo-planner").get("/patrol-plans").json()["items"]
    return next((p["version"] for p in items if p["cell_code"] == cell), 0)


def patrol_request(server: Server, path: str, method: str) -> Request:  # noqa: PLR0911  one answer a path
    """The path filled, and what is sent with it."""
    worker = server.person("demo-worker-001")
    if method == "PUT":
        cell = worker.cells[0]
        body = {"id": str(uuid.uuid4()), "version": plan_version(server, cell), "targets": [target(worker)]}
        return path.format(cell_code=cell), {"json": body}
    if path.endswith("/patrols"):
        end_open_shifts(server)
        if method == "GET":
            return f"{path}?day={server.clock.at.date()}", {}
        return path, {"json": {"id": str(uuid.uuid4()), **moment(server)}}
    if path.endswith(("/today", "/patrol-plans")):
        return path, {}
    if path.endswith("/coverage"):
        return f"{path}?day={server.clock.at.date()}", {}
    shift_id = open_shift(server, worker)
    if path.endswith(".geojson"):
        return f"{path}?shift={shift_id}", {}
    bodies: dict[str, dict[str, Any]] = {
        "track": batch(server, point(worker, server, 1)),
        "reveal": {"purpose": "emergency", "note": "人员失联查找"},
        "end": moment(server),
    }
    filled = path.format(shift_id=shift_id)
    if method == "GET":
        return filled, {}
    if path.endswith("/notes"):
        report = worker.report()
        body = {"id": str(uuid.uuid4()), "kind": "finding", "report_id": report["report"]["id"]}
        return filled, {"json": body | moment(server)}
    return filled, {"json": bodies[path.rpartition("/")[2]]}
