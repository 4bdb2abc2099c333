"""Rosters 排班: when people of the street are on duty and on leave. Read and replaced as a whole."""

from datetime import date, time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field

from api.answers import Json
from api.deps import OneTransaction
from api.models import Day, Model, Sha256, problems
from gridmgmt.domain.roster import Leave, Shift
from gridmgmt.domain.rostering import MOST_ROWS, Rostering
from gridmgmt.services import rostering

router = APIRouter(tags=["roster"])


def _clock(given: object) -> object:
    """``08:30``, and nothing that reads like a count of seconds."""
    if not isinstance(given, str) or not 5 <= len(given) <= 8 or given[2] != ":":
        raise ValueError("a time of day is written like 08:30")
    return given


Clock = Annotated[time, BeforeValidator(_clock)]
Weekdays = Annotated[str, Field(pattern=r"^1?2?3?4?5?6?7?$", min_length=1, max_length=7)]
Code = Annotated[str, Field(max_length=40)]


class ShiftIn(Model):
    """Hours of duty; an end that is not after the start lies on the next day."""

    person_id: UUID
    weekdays: Weekdays
    starts: Clock
    ends: Clock
    valid_from: Day
    valid_to: Day | None = None
    unit_code: Code | None = None
    cell_code: Code | None = None


class LeaveIn(Model):
    """Somebody is away; ``valid_to`` is the first day back."""

    person_id: UUID
    valid_from: Day
    valid_to: Day
    deputy_id: UUID | None = None


class RosterIn(Model):
    """The whole roster; ``version`` is that of the one which the sender saw."""

    version: Sha256
    shifts: Annotated[list[ShiftIn], Field(max_length=MOST_ROWS)]
    leaves: Annotated[list[LeaveIn], Field(max_length=MOST_ROWS)]


class ShiftOut(Model):
    """A shift as it is kept, with the person's login."""

    login: str | None
    person_id: UUID
    weekdays: str
    starts: str
    ends: str
    valid_from: date
    valid_to: date | None
    unit_code: str | None
    cell_code: str | None


class LeaveOut(Model):
    """A leave as it is kept, with the person's login."""

    login: str | None
    person_id: UUID
    valid_from: date
    valid_to: date
    deputy_id: UUID | None


class Colleague(Model):
    """Somebody who works in the street, with his posts; the name as far as the asker sees names."""

    id: UUID
    login: str
    name: str | None
    roles: list[str]


class RosterOut(Model):
    """The whole roster of a street, and whom it and a deputyship may name."""

    subdistrict_code: str
    version: str
    shifts: list[ShiftOut]
    leaves: list[LeaveOut]
    people: list[Colleague]


@router.get("/roster", response_model=RosterOut, responses=problems())
def read(work: OneTransaction) -> Response:
    """The street's shifts and leaves, for its planner and its director."""
    with work.begin(read_only=True) as w:
        body = rostering.read(w.db, w.actor)
    return Json(body)


@router.put("/roster", response_model=RosterOut, responses=problems(409))
def replace(body: RosterIn, work: OneTransaction) -> Response:
    """Replace the street's shifts and leaves; the same again changes nothing."""
    given = Rostering(
        tuple(
            Shift(
                s.person_id, frozenset(map(int, s.weekdays)), s.starts, s.ends, s.valid_from, s.valid_to,
                s.unit_code or None, s.cell_code or None,
            )
            for s in body.shifts
        ),
        tuple(Leave(v.person_id, v.valid_from, v.valid_to, v.deputy_id) for v in body.leaves),
    )  # fmt: skip
    with work.begin() as w:
        told = rostering.set_roster(w.db, w.actor, w.now, given, body.version)
    return Json(told)
