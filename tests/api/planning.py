"""How the endpoints of plans are asked, with drafts made of the cells in force."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.api.client import Server

Request = tuple[str, dict[str, Any]]


def draft_body(server: Server, **over: Any) -> dict[str, Any]:
    """A draft that draws the plan in force again."""
    planner = server.person("demo-planner")
    drawn = planner.get("/cells").json()["features"]
    names = ("community_code", "kind", "name", "households")
    features = [
        {
            "type": "Feature",
            "geometry": f["geometry"],
            "properties": {name: f["properties"][name] for name in names},
        }
        for f in drawn
    ]
    body = {
        "id": str(uuid.uuid4()),
        "cells": {"type": "FeatureCollection", "features": features},
        "valid_from": (server.clock() + timedelta(days=9)).isoformat(),
        "base_map_version": "made up",
        "synthetic": True,
    }
    return body | over


def draft(server: Server, *, cells: int | None = None) -> str:
    """The id of a draft that is stored; None: of all cells in force."""
    body = draft_body(server)
    body["cells"]["features"] = body["cells"]["features"][:cells]
    answer = server.person("demo-planner").post("/plans", body)
    assert answer.status_code == 201, answer.text
    return str(body["id"])


def plan_request(server: Server, path: str, method: str, kept: Callable[[], str]) -> Request:
    """The path filled, and what is sent with it.

    Parameters
    ----------
    kept : the id of a draft that whoever only reads may read again; drawing one costs an index of its cells.
    """
    if path.endswith("/boundary-changes"):
        outline = {"type": "MultiPolygon", "coordinates": [[[[117.6, 39.0], [117.7, 39.0], [117.7, 39.1],
                                                             [117.6, 39.0]]]]}  # fmt: skip
        change = {"id": str(uuid.uuid4()), "approval_no": "", "proposal_no": "津滨政报〔2026〕3号",
                  "approved_on": "2026-11-20", "valid_from": "2027-01-01T00:00:00Z",
                  "outlines": {"120116005": outline}}  # fmt: skip
        return path, {} if method == "GET" else {"json": change}
    if path.endswith("/plans"):
        return path, {} if method == "GET" else {"json": draft_body(server)}
    path = path.replace("{plan_id}", kept() if method == "GET" else draft(server, cells=1))
    if "what-if" in path:
        return f"{path}?since=2026-01-01T00:00:00Z&until=2026-12-01T00:00:00Z", {}
    move = {"command_id": str(uuid.uuid4()), "action": "withdraw", "facts": {"reason": "另行起草"}}
    return path, {"json": move} if method == "POST" else {}
