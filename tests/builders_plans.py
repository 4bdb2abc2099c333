"""Plans that follow the one in force: redrawn, drafted, moved along by the people whose hands they need."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import shapely

from gridmgmt.domain.codes import GridCode
from gridmgmt.domain.grid import CellKind, GridCell, GridPlan, PlanStatus
from gridmgmt.domain.planlife import PlanAction, PlanHead
from gridmgmt.geo.crs import to_metric
from gridmgmt.services import plan_life
from gridmgmt.services.plan_life import MovePlan
from gridmgmt.storage import people
from gridmgmt.storage.db import Db
from tests.builders_street import Street


def neighbours(plan: GridPlan) -> tuple[GridCell, GridCell]:
    """Two duty cells of one community that make one piece together, the first such pair."""
    duty = [c for c in plan.cells if c.kind is CellKind.DUTY]
    for a in duty:
        for b in duty:
            if a.code < b.code and a.community_code == b.community_code:
                whole = a.polygon.union(b.polygon)
                if whole.geom_type == "Polygon" and not whole.interiors:
                    return a, b
    raise AssertionError("no neighbours")


def fresh_code(plan: GridPlan, community_code: str, skip: int = 0) -> str:
    """A code of a community that no cell of the plan has."""
    taken = [GridCode(c.code).sequence for c in plan.cells if c.community_code == community_code]
    return GridCode.of(community_code, max(n for n in taken if n < 800) + 1 + skip).text


def redrawn(plan: GridPlan, valid_from: datetime, **over: Any) -> GridPlan:
    """The plan with two neighbours made one, under a code of its own; all others keep theirs."""
    a, b = neighbours(plan)
    whole = a.polygon.union(b.polygon)
    merged = replace(
        a,
        code=fresh_code(plan, a.community_code, over.pop("skip", 0)),
        name="合并网格",
        polygon=whole,
        area_m2=float(to_metric(whole, plan.zone).area),
        households=(a.households or 0) + (b.households or 0),
    )
    cells = sorted([*(c for c in plan.cells if c not in (a, b)), merged], key=lambda c: c.code)
    facts: dict[str, Any] = {
        "id": uuid.uuid4(),
        "version": plan.version + 1,
        "status": PlanStatus.REVIEWED,
        "valid_from": valid_from,
        "valid_to": None,
        "cells": tuple(cells),
    }
    return replace(plan, **facts | over)


def merged_cell(plan: GridPlan) -> GridCell:
    """The cell that :func:`redrawn` made."""
    return next(c for c in plan.cells if c.name == "合并网格")


def assign(db: Db, cell_code: str, person_id: UUID, since: date, duty: str = "worker") -> None:
    """Give somebody a part in a cell."""
    row = {"cell_code": cell_code, "subdistrict_code": cell_code[:9], "person_id": person_id, "duty": duty,
           "valid_from": since, "valid_to": None, "on_leave": False}  # fmt: skip
    people.add_people(db, [], [], [row])


def move(street: Street, plan_id: UUID, action: str, by: Any = None, **facts: Any) -> PlanHead:
    """Move a plan, by whoever's hand it is unless told otherwise."""
    hands: Mapping[str, Any] = {"review": street.district, "reject": street.district}
    by = by or hands.get(action, street.planner)
    given = {"review": {"opinion": "同意"}}.get(action, {}) | facts
    command = MovePlan(uuid.uuid4(), plan_id, PlanAction(action), given)
    return plan_life.move_plan(street.db, by, street.now, command)


def drawn(street: Street, plan: GridPlan) -> GridPlan:
    """A draft of a plan, stored by the planner."""
    plan_life.draw_plan(street.db, street.planner, street.now, plan, {})
    return plan


def published(street: Street, plan: GridPlan) -> GridPlan:
    """A plan on its whole way: drawn, checked, reviewed, published."""
    drawn(street, plan)
    for action in ("check", "review", "publish"):
        move(street, plan.id, action)
    return plan


def strip(shape: shapely.Polygon, metres: float) -> shapely.Polygon:
    """A box of two cells' width shifted east by so many metres at its western edge."""
    west, south, east, north = shape.bounds
    return shapely.box(west + metres / 86_500.0, south, east, north)
