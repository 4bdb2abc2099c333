"""Plans of patrols: a planner sets what is to be walked in a cell; a worker asks what is due today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import shapely

from gridmgmt.domain.coverage import CoverageRules
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.patrol import (
    Due,
    Interval,
    LastVisit,
    PatrolPlan,
    Target,
    TargetKind,
    Unit,
    check_plan,
    plan_of_day,
)
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.rulebook import IndexedPlan, RuleBook
from gridmgmt.errors import ContentDiffers, NotFound, StaleVersion
from gridmgmt.geo.gate import Frame, Kind, frame_of, parse_geometry
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, patrols
from gridmgmt.storage.db import Db

_GATES = {TargetKind.POINT: Kind.POINT, TargetKind.SEGMENT: Kind.TRACK}


@dataclass(frozen=True, slots=True)
class GivenTarget:
    """A target as it arrived; its geometry is GeoJSON that nobody has looked at."""

    id: UUID
    kind: TargetKind
    name: str
    amount: int
    unit: Unit
    geometry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetPlan:
    """A cell's plan as it arrived; ``version`` is that of the plan it replaces, 0 for none."""

    id: UUID
    cell_code: str
    version: int
    targets: Sequence[GivenTarget]


def set_plan(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: SetPlan) -> PatrolPlan:
    """Set what is to be walked in a cell; the same id and content again is answered as the first time.

    Raises
    ------
    NotAllowed, NotFound
        Without the permission; no such cell in the plan in force.
    InvalidInput, InvalidGeometry
        As ``domain.patrol.check_plan`` and ``geo.gate.parse_geometry``.
    StaleVersion
        Somebody else set a plan first.
    ContentDiffers
        The id belongs to another plan.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_PLAN, code)
    indexed = books.current(db, code).plan_at(now)
    cell = cell_of(indexed, command.cell_code)
    frame = frame_of_plan(indexed)
    targets = tuple(_target(given, frame) for given in command.targets)
    plan = PatrolPlan(command.id, code, cell.code, command.version + 1, targets)
    check_plan(plan, cell.polygon, indexed.plan.zone)
    patrols.hold_cell(db, cell.code)
    before = patrols.plan_by_id(db, command.id, actor)
    if before is not None:
        if before != plan:
            raise ContentDiffers("This id belongs to another plan.", article="22-1", rule="R22a")
        return before
    _require_current(db, actor, plan)
    patrols.add_plan(db, plan, actor.id, now)
    facts = {"cell": cell.code, "version": plan.version, "targets": len(targets)}
    audit.append(db, [done(actor, now, "patrol:plan", "patrol_plan", str(plan.id), code, **facts)])
    return plan


def _target(given: GivenTarget, frame: Frame) -> Target:
    shape: Any = parse_geometry(orjson.dumps(given.geometry), _GATES[given.kind], frame)
    return Target(given.id, given.kind, given.name.strip(), Interval(given.amount, given.unit), shape)


def _require_current(db: Db, actor: Actor, plan: PatrolPlan) -> None:
    version = patrols.version_of(db, actor, plan.cell_code)
    if plan.version != version + 1:
        raise StaleVersion(
            "Somebody set another plan for this cell first.",
            article="22-1",
            rule="R22a",
            version=version,
            state="set",
        )


def cell_of(indexed: IndexedPlan, code: str) -> GridCell:
    """A cell of a plan.

    Raises
    ------
    NotFound
        None of that code.
    """
    found = indexed.cells.get(code)
    if found is None:
        raise NotFound("No such cell in the plan in force.", kind="cell")
    return found


def frame_of_plan(indexed: IndexedPlan) -> Frame:
    """Where positions and targets of a subdistrict may lie: the box of its cells, with a margin."""
    return frame_of(shapely.box(*shapely.total_bounds([c.polygon for c in indexed.plan.cells])))


def readable_cells(actor: Actor, book: RuleBook, now: datetime) -> list[str]:
    """Cells whose patrols the actor may see: a grid worker or leader his own, the desk all."""
    indexed = book.plan_or_none(now)
    cells = sorted(indexed.cells) if indexed else []
    return [c for c in cells if c in actor.cell_codes] if sees_own_only(actor) else cells


def sees_own_only(actor: Actor) -> bool:
    """Whether somebody sees the patrols of his own cells only: a grid worker who holds no other post."""
    return actor.roles <= {Role.GRID_WORKER}


def plans(db: Db, actor: Actor, now: datetime, books: RuleBooks) -> list[dict[str, Any]]:
    """The plans in force of the cells that the actor may see; a planner all."""
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    cells = readable_cells(actor, books.current(db, code), now)
    return [plan_told(plan) for plan in patrols.plans_of(db, actor, cells, now)]


def plan_told(plan: PatrolPlan) -> dict[str, Any]:
    """A plan as it is answered."""
    return {
        "id": plan.id,
        "cell_code": plan.cell_code,
        "version": plan.version,
        "synthetic": plan.synthetic,
        "targets": [target_told(target) for target in plan.targets],
    }


def target_told(target: Target) -> dict[str, Any]:
    """A target as it is answered."""
    return {
        "id": target.id,
        "kind": str(target.kind),
        "name": target.name,
        "every": {"amount": target.every.amount, "unit": str(target.every.unit)},
        "geometry": orjson.loads(shapely.to_geojson(target.shape)),
    }


def today(db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules) -> dict[str, Any]:
    """The plan of the day in the actor's own cells, his open shift, and what counts as being there."""
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_WALK, code)
    book = books.current(db, code)
    day = book.day_of(now)
    latest = patrols.latest_shift(db, actor)
    on_duty = latest is not None and latest.shift.is_open(now)
    found = patrols.plans_of(db, actor, actor.cell_codes, now)
    last = patrols.last_visits(db, actor, [t.id for plan in found for t in plan.targets])
    # Whoever asks before he signs on asks about the shift to come.
    coming = 0 if on_duty else 1
    visits = {i: LastVisit(book.day_of(at), since + coming) for i, (at, since) in last.items()}
    return {
        "day": day,
        "shift_id": latest.shift.id if latest and on_duty else None,
        "cells": [_cell_today(plan, plan_of_day(plan.targets, visits, day)) for plan in found],
        "rules": {
            "reach_m": rules.reach_m,
            "accuracy_m": rules.accuracy_m,
            "gap_s": int(rules.gap.total_seconds()),
            "share": rules.share,
        },
    }


def _cell_today(plan: PatrolPlan, due: Sequence[Due]) -> dict[str, Any]:
    return {
        "cell_code": plan.cell_code,
        "plan_id": plan.id,
        "synthetic": plan.synthetic,
        "targets": [
            {**target_told(d.target), "due": d.due, "last_on": d.last_on, "overdue": d.overdue} for d in due
        ],
    }
