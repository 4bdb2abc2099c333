"""Grid plans: publish a checked plan, list them, show their cells, tell who owned a point when."""

from collections.abc import Mapping
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
from gridmgmt.errors import NotFound
from gridmgmt.geo.crs import Datum, lonlat
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, grids, outbox, tiles
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
    """Publish a plan; the one in force ends the moment this one begins.

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
    require_adoptable(plan, outline, grids.community_outlines(db, plan.subdistrict_code), before)
    for earlier in before:
        if earlier.in_force(plan.valid_from):
            grids.end_plan(db, earlier.id, plan.valid_from)
    plan = replace(plan, status=PlanStatus.PUBLISHED)
    index = CellIndex.build((c.code, c.polygon) for c in plan.cells)
    grids.add_plan(db, plan, index.hex_cover(), report_card, actor.id, now)
    facts = {"plan_id": str(plan.id), "version": plan.version, "cells": len(plan.cells)}
    outbox.append(db, [Event(EventKind.PLAN_PUBLISHED, plan.subdistrict_code, now, None, facts)])
    entry = done(actor, now, "plan:publish", "plan", str(plan.id), plan.subdistrict_code, **facts)
    audit.append(db, [entry])
    return plan


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
    """The one cell that owned a point at a time.

    Raises
    ------
    InvalidGeometry, OutsideArea, PlanNotInForce
        As ``RuleBook.locate``.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    book = books.current(db, code)
    plan, cell = book.locate(lonlat(lon, lat), datum, at)
    worker = book.roster.choose(cell.code, book.day_of(at)).person_id
    name = show(actor, Field.STAFF_NAME, book.people.get(worker, "")) if worker else None
    return {
        "code": cell.code,
        "name": cell.name,
        "community_code": cell.community_code,
        "community_name": book.communities[cell.community_code].name,
        "plan_id": plan.plan.id,
        "plan_version": plan.plan.version,
        "worker": None if worker is None else {"id": worker, "name": name},
    }


def tile(db: Db, actor: Actor, layer: str, z: int, x: int, y: int, now: datetime) -> bytes:
    """One layer of one vector tile of the actor's subdistricts."""
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    return tiles.tile(db, actor, layer, z, x, y, now)


def extent(db: Db, actor: Actor) -> dict[str, Any]:
    """Bounds and the notes that every map must show.

    Raises
    ------
    NotFound
        The subdistrict has no outline yet.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    row = grids.extent(db, code)
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
