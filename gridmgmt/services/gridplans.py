"""Grid plans: publish a checked plan, list them, show their cells, tell who owned a point when."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import shapely

from gridmgmt.domain.adoption import require_adoptable
from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.grid import GridPlan, PlanStatus
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.personal import Field, show
from gridmgmt.domain.planlife import PlanAction, PlanStep
from gridmgmt.errors import NotFound
from gridmgmt.geo.crs import Datum, lonlat
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, boundaries, grids, outbox, plans, tiles
from gridmgmt.storage.db import Db

_SYNTHETIC_NOTE = "演示数据：建筑、户数、网格员均为合成 · synthetic buildings, households and people"
_ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"


def publish_plan(
    db: Db,
    actor: Actor,
    now: datetime,
    plan: GridPlan,
    outline: shapely.MultiPolygon,
    report_card: Mapping[str, Any],
) -> GridPlan:
    """Publish a plan in one step, as a street is set up with a plan that was reviewed elsewhere.

    The one in force ends the moment this one begins. The history says that it was one step; people take
    the steps one by one (:mod:`.plan_life`).

    Parameters
    ----------
    outline : of the subdistrict in CGCS2000 lon/lat: the cells must fill it.
    report_card : figures of the plan, kept with it.

    Raises
    ------
    NotAllowed
        The actor may not publish.
    PlanNotAdoptable
        It was not reviewed, does not follow the plans before it, or breaks a hard constraint (contiguous,
        nested, seamless); ``facts["failed"]`` names which.
    """
    require(actor, Permission.PLAN_PUBLISH, plan.subdistrict_code)
    before = grids.published_plans(db, plan.subdistrict_code)
    communities = boundaries.outlines_at(db, plan.subdistrict_code, plan.valid_from)
    require_adoptable(plan, outline, communities, before)
    index = CellIndex.of((c.code, c.polygon) for c in plan.cells)
    grids.add_plan(db, plan, index.hex_cover(), report_card)
    status: PlanStatus | None = None
    for seq, (action, target) in enumerate(_IN_ONE_STEP, start=1):
        if action is PlanAction.PUBLISH:
            put_into_force(db, actor, now, plan, before)
        elif status is not None:
            plans.set_status(db, plan.id, target)
        step = PlanStep(plan.id, seq, action, status, target, actor.id, now, {"one_step": True})
        plans.add_step(db, step, plan.subdistrict_code)
        status = target
    facts = {"plan_id": str(plan.id), "version": plan.version, "cells": len(plan.cells)}
    outbox.append(db, [Event(EventKind.PLAN_PUBLISHED, plan.subdistrict_code, now, None, facts)])
    entry = done(actor, now, "plan:publish", "plan", str(plan.id), plan.subdistrict_code, **facts)
    audit.append(db, [entry])
    return replace(plan, status=PlanStatus.PUBLISHED)


_IN_ONE_STEP = (
    (PlanAction.DRAW, PlanStatus.DRAFT),
    (PlanAction.CHECK, PlanStatus.CHECKED),
    (PlanAction.REVIEW, PlanStatus.REVIEWED),
    (PlanAction.PUBLISH, PlanStatus.PUBLISHED),
)


def put_into_force(db: Db, actor: Actor, now: datetime, plan: GridPlan, before: Sequence[GridPlan]) -> None:
    """Let the plan in force at a plan's beginning end there, and publish that plan."""
    for earlier in before:
        if earlier.in_force(plan.valid_from):
            grids.end_plan(db, earlier.id, plan.valid_from)
    plans.set_status(
        db, plan.id, PlanStatus.PUBLISHED, valid_from=plan.valid_from, published_by=actor.id,
        published_at=now,
    )  # fmt: skip


def list_plans(db: Db, actor: Actor) -> list[dict[str, Any]]:
    """The plans of the actor's subdistricts, newest first."""
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    return [dict(p) for p in grids.list_plans(db, actor)]


def cells_as_geojson(db: Db, actor: Actor, at: datetime, plan_id: UUID | None) -> dict[str, Any]:
    """Cells of a plan as GeoJSON; the plan in force at ``at`` when no id is given.

    Raises
    ------
    NotFound
        No such plan in the actor's scope.
    """
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    rows = grids.cells_with_load(db, actor, at, plan_id)
    if plan_id is not None and not rows:
        raise NotFound("No such plan.", kind="plan")
    shown = (
        "code", "name", "kind", "community_code", "community_name", "households", "area_m2",
        "worker_name", "open_cases",
    )  # fmt: skip
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": int(r["code"]),
                "geometry": orjson.loads(r["geometry"]),
                "properties": {name: r[name] for name in shown}
                | {"worker_name": show(actor, Field.STAFF_NAME, r["worker_name"])},
            }
            for r in rows
        ],
    }


def cell_at(
    db: Db, actor: Actor, books: RuleBooks, lon: float, lat: float, datum: Datum, at: datetime
) -> dict[str, Any]:
    """The one cell that owned a point at a time, in any published plan, past or future; with its roster.

    The roster is that of the local day: whoever was assigned to the cell, and who answered for it.

    Raises
    ------
    InvalidGeometry, OutsideArea, PlanNotInForce
        As ``RuleBook.locate``.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    book = books.current(db, code)
    plan, cell = book.locate(lonlat(lon, lat), datum, at)
    day = book.day_of(at)
    worker = book.roster.choose(cell.code, day).person_id

    def person(person_id: UUID) -> dict[str, Any]:
        return {"id": person_id, "name": show(actor, Field.STAFF_NAME, book.people.get(person_id, ""))}

    return {
        "code": cell.code,
        "name": cell.name,
        "community_code": cell.community_code,
        "community_name": book.communities[cell.community_code].name,
        "plan_id": plan.plan.id,
        "plan_version": plan.plan.version,
        "plan_valid_from": plan.plan.valid_from,
        "plan_valid_to": plan.plan.valid_to,
        "worker": None if worker is None else person(worker),
        "people": [
            person(entry.person_id) | {"duty": entry.role, "on_leave": entry.on_leave}
            for entry in book.roster.assigned(cell.code, day)
        ],
    }


def tile(db: Db, actor: Actor, layer: str, z: int, x: int, y: int, now: datetime) -> bytes:
    """One layer of one vector tile of the actor's subdistricts."""
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    return tiles.tile(db, actor, layer, z, x, y, now)


def extent(db: Db, actor: Actor, now: datetime) -> dict[str, Any]:
    """Bounds and the notes that every map must show.

    Raises
    ------
    NotFound
        The subdistrict has no outline yet.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    row = grids.extent(db, code, now)
    if row is None:
        raise NotFound("No such subdistrict.", kind="subdistrict")
    notes = [row["outline_note"]] + ([_SYNTHETIC_NOTE] if row["synthetic"] else [])
    return {
        "bbox": (row["w"], row["s"], row["e"], row["n"]),
        "centre": ((row["w"] + row["e"]) / 2, (row["s"] + row["n"]) / 2),
        "attribution": _ATTRIBUTION,
        "notes": [note for note in notes if note],
        "subdistrict": {"code": row["code"], "name": row["name"]},
    }
