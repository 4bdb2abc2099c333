"""Handing an open case over when another plan takes effect: to the cell that owns its place, and its worker.

A step and an event each (article 21-1; R21a: an old version ends, old cases keep their cell). What is over
keeps cell and plan. Of an open case:

* cell, community and plan become those of the plan in force; state, unit and deadlines stay as they are,
  for the unit was named by a person or a rule and its time runs on;
* the worker changes where one was named and the work is still to be done. Who already handled stays on
  record as who did, and gets the case back if the verification fails. A worker who has a part in the new
  cell as well keeps the case;
* nobody for the new cell, or only somebody who acted on another axis of this case (R22a): the worker stays.
  A case never loses its worker to a map.

A case whose place lies in no cell of the new plan (the boundary moved) keeps everything; that is recorded,
and the dispatcher is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from gridmgmt.domain.case import Case, Decision, Step
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import SYSTEM_ACTOR_ID
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.workflow import State

HAND_OVER = "hand_over"
"""Its line in a case's history; like the first line ``report`` not an action that a person takes."""
HAND_OVER_NAME_ZH = "网格调整移交"

_WORK_IS_DONE = frozenset({State.HANDLED, State.VERIFIED, State.SELF_HANDLED})


class WorkerAfter(StrEnum):
    """Why the case has this worker after the handover; stored, never renamed."""

    NONE_NAMED = "none_named"
    WORK_IS_DONE = "work_is_done"
    SAME_PERSON = "same_person"
    NEW_CELL = "new_cell"
    NOBODY_THERE = "nobody_there"
    OTHER_AXIS = "other_axis"


@dataclass(frozen=True, slots=True)
class NewPlace:
    """Where the case belongs under the plan in force.

    ``people`` are all who are assigned to the cell that day; ``choose`` gives the one who answers for it.
    """

    plan_id: UUID
    plan_version: int
    cell: GridCell
    people: Sequence[UUID]
    choose: Callable[[], UUID | None]


def hand_over(case: Case, place: NewPlace, now: datetime) -> Decision:
    """The case under the plan in force, with the line and the event that say so.

    Parameters
    ----------
    case : open, with a plan before this one.
    """
    worker_id, why = _worker_after(case, place)
    moved = replace(
        case,
        version=case.version + 1,
        cell_code=place.cell.code,
        community_code=place.cell.community_code,
        plan_id=place.plan_id,
        worker_id=worker_id,
    )
    facts: dict[str, Any] = {
        "from_plan_id": str(case.plan_id),
        "plan_id": str(place.plan_id),
        "plan_version": place.plan_version,
        "from_cell": case.cell_code,
        "cell_code": place.cell.code,
        "from_worker_id": str(case.worker_id) if case.worker_id and case.worker_id != worker_id else None,
        "worker_id": str(worker_id) if worker_id else None,
        "why": str(why),
    }
    step = Step(
        case.id, moved.version, HAND_OVER, case.state, case.state, SYSTEM_ACTOR_ID, now, facts, "21-1"
    )  # fmt: skip
    told = {"number": case.number, "state": str(case.state), "unit_code": case.unit_code}
    event = Event(EventKind.CASE_HANDED_OVER, case.subdistrict_code, now, case.id, facts | told)
    return Decision(moved, step, (event,))


def _worker_after(case: Case, place: NewPlace) -> tuple[UUID | None, WorkerAfter]:
    if case.worker_id is None:
        return None, WorkerAfter.NONE_NAMED
    if case.state in _WORK_IS_DONE:
        return case.worker_id, WorkerAfter.WORK_IS_DONE
    if case.worker_id in place.people:
        return case.worker_id, WorkerAfter.SAME_PERSON
    chosen = place.choose()
    if chosen is None:
        return case.worker_id, WorkerAfter.NOBODY_THERE
    if case.acted.get(chosen, Axis.HANDLING) is not Axis.HANDLING:
        return case.worker_id, WorkerAfter.OTHER_AXIS
    return chosen, WorkerAfter.NEW_CELL


def left_outside(case: Case, plan_id: UUID, now: datetime) -> Event:
    """What tells the dispatcher of a case whose place lies in no cell of the plan in force."""
    facts = {
        "number": case.number,
        "state": str(case.state),
        "cell_code": case.cell_code,
        "unit_code": case.unit_code,
        "plan_id": str(plan_id),
        "why": "outside_plan",
    }
    return Event(EventKind.CASE_UNROUTED, case.subdistrict_code, now, case.id, facts)
