"""Patrol 日常巡查 (article 22-1, R22a): what is to be walked in a cell, how often, and what is due today.

A target is done when positions cover it (:mod:`gridmgmt.domain.coverage`), and by nothing else: "nothing
found" is a word, not a visit. Who walks, and when, is :mod:`gridmgmt.domain.patrolshift`. Not here: the best
way to walk.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import InvalidGeometry, InvalidInput
from gridmgmt.geo.crs import MetricZone, to_metric


class TargetKind(StrEnum):
    """What is to be visited."""

    POINT = "point"
    """巡查点"""
    SEGMENT = "segment"
    """巡查路段"""


class Unit(StrEnum):
    """What an interval is counted in."""

    DAYS = "days"
    SHIFTS = "shifts"


@dataclass(frozen=True, slots=True)
class Interval:
    """How often: every so many days, or every so many shifts in the cell."""

    amount: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Target:
    """A checkpoint or road segment of a plan, in CGCS2000 degrees; its id outlives versions of the plan."""

    id: UUID
    kind: TargetKind
    name: str
    every: Interval
    shape: Point | LineString


@dataclass(frozen=True, slots=True)
class PatrolPlan:
    """The targets of one cell; a later version replaces an earlier one and leaves it readable."""

    id: UUID
    subdistrict_code: str
    cell_code: str
    version: int
    targets: tuple[Target, ...]
    synthetic: bool = False


MOST_TARGETS = 300
MOST_INTERVAL = 366
OUTSIDE_M = 50.0
"""How far a target may lie outside its cell: borders run along the middle of roads."""
_TYPE_OF: Mapping[TargetKind, type[BaseGeometry]] = {TargetKind.POINT: Point, TargetKind.SEGMENT: LineString}


def check_plan(plan: PatrolPlan, cell: BaseGeometry, zone: MetricZone) -> None:
    """Refuse a plan that cannot be walked in its cell.

    Raises
    ------
    InvalidInput
        Too many targets, an id twice, an empty name, an interval that is none.
    InvalidGeometry
        A target is of the wrong type, or lies over :data:`OUTSIDE_M` outside the cell; ``facts["target"]``.
    """
    ids = [t.id for t in plan.targets]
    if len(ids) > MOST_TARGETS or len(set(ids)) < len(ids):
        raise InvalidInput(
            f"At most {MOST_TARGETS} targets, each once.", article="22-1", rule="R22a", field="targets"
        )
    ground = to_metric(cell, zone)
    for target in plan.targets:
        if not target.name.strip() or not 1 <= target.every.amount <= MOST_INTERVAL:
            raise InvalidInput(
                f"A target has a name and an interval of 1 to {MOST_INTERVAL}.",
                article="22-1",
                rule="R22a",
                target=str(target.id),
            )
        if (
            not isinstance(target.shape, _TYPE_OF[target.kind])
            or _farthest_m(to_metric(target.shape, zone), ground) > OUTSIDE_M
        ):
            raise InvalidGeometry(
                "A target is a point or a line in its cell.",
                article="22-1",
                rule="R22a",
                hint="outside_cell",
                target=str(target.id),
            )


def _farthest_m(shape: BaseGeometry, ground: BaseGeometry) -> float:
    return max(ground.distance(Point(corner)) for corner in shape.coords)


@dataclass(frozen=True, slots=True)
class LastVisit:
    """When positions last covered a target, and how many shifts in its cell ended since."""

    on: date
    shifts_since: int


@dataclass(frozen=True, slots=True)
class Due:
    """A target with whether it is to be visited today; ``overdue`` in the unit of its interval."""

    target: Target
    due: bool
    last_on: date | None
    overdue: int


def plan_of_day(targets: Iterable[Target], visits: Mapping[UUID, LastVisit], today: date) -> list[Due]:
    """What is due: never covered, or covered a whole interval ago. Due first, longest overdue first.

    Every 1 day means once each local day; every 1 shift means in each shift.
    """
    found = [_due(target, visits.get(target.id), today) for target in targets]
    return sorted(found, key=lambda d: (not d.due, -d.overdue, d.target.name, d.target.id))


def _due(target: Target, last: LastVisit | None, today: date) -> Due:
    if last is None:
        return Due(target, due=True, last_on=None, overdue=0)
    since = (today - last.on).days if target.every.unit is Unit.DAYS else last.shifts_since
    overdue = since - target.every.amount
    return Due(target, due=overdue >= 0, last_on=last.on, overdue=max(0, overdue))
