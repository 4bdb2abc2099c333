"""Climbing the ladder 逐级督促: looking at the cases that are due for it, a batch in a transaction.

Any number of workers may do so at once. A look computes from the case as it is at that moment, so that a
deadline that moved, a hold or an end counts even where the event about it is still on its way. What it
finds (the rungs passed, whom they tell, when to look again) is stored together or not at all.

A case that fails with something unforeseen holds nobody else up: its batch is done again case by case, and
that one is put aside with its fault, told to the street's desk, counted, and tried again later and later.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from gridmgmt.domain import ladder
from gridmgmt.domain.besidelimits import BesideLimit
from gridmgmt.domain.case import Case
from gridmgmt.domain.channel import Channel
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.ladder import DEFAULT_RUNGS, Rung, Running, Telling
from gridmgmt.domain.recipients import About, of_limit_beside, of_rung
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.running import as_a_stage, running_limits
from gridmgmt.errors import GridError
from gridmgmt.observe import metrics
from gridmgmt.services.handling import clocks_of
from gridmgmt.services.notifying import Streets, What, notification, store
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import ladders, outbox
from gridmgmt.storage.db import Db, passes, savepoint
from gridmgmt.storage.ladders import Claimed, Looked, PutAside, Rounds
from gridmgmt.storage.notifications import Notification

log = structlog.get_logger(__name__)

BATCH = 100


def climb(db: Db, now: datetime, books: RuleBooks, channels: Sequence[Channel], *, limit: int = BATCH) -> int:
    """Look at cases that are due for it; how many there were."""
    held = ladders.claim(db, now, limit=limit)
    if not held:
        return 0
    try:
        with savepoint(db):
            _Looking(db, now, books, channels).look_at(held)
    except Exception as fault:
        if passes(fault):
            raise
        log.warning("ladder_batch_failed", cases=len(held), fault=type(fault).__name__)
        _one_by_one(db, now, books, channels, held)
    return len(held)


def _one_by_one(
    db: Db, now: datetime, books: RuleBooks, channels: Sequence[Channel], held: Mapping[UUID, Rounds]
) -> None:
    faults: dict[UUID, str] = {}
    for case_id, rounds in held.items():
        try:
            with savepoint(db):
                _Looking(db, now, books, channels).look_at({case_id: rounds})
        except Exception as fault:
            if passes(fault):
                raise
            log.exception("ladder_case_put_aside", case_id=str(case_id))
            faults[case_id] = type(fault).__name__
    if not faults:
        return
    metrics.ladder_put_aside(len(faults))
    outbox.append(db, [_stuck(one, now) for one in ladders.put_aside(db, now, faults) if one.failures == 1])


def _stuck(one: PutAside, now: datetime) -> Event:
    facts = {
        "number": one.number,
        "state": one.state,
        "cell_code": one.cell_code,
        "unit_code": one.unit_code,
    }
    return Event(EventKind.LADDER_STUCK, one.subdistrict_code, now, one.case_id, facts)


class _Looking:
    """One look at some claimed cases; what streets have in common is looked up once."""

    def __init__(self, db: Db, now: datetime, books: RuleBooks, channels: Sequence[Channel]) -> None:
        self._db, self._now, self._channels = db, now, channels
        self._streets = Streets(db, books, now)
        self._rungs: dict[str, Sequence[Rung]] = {}

    def look_at(self, held: Mapping[UUID, Rounds]) -> None:
        looked: list[Looked] = []
        told: list[Notification] = []
        events: list[Event] = []
        for one in ladders.read(self._db, held):
            code = one.case.subdistrict_code
            found = _look(one, self._now, self._streets.book(code), self._rungs_of(code))
            passed_on = [(t.clock, t.round, t.rung.no) for t in found.tellings if t.passed_on]
            looked.append(Looked(one.case.id, code, found.rounds, found.steps, passed_on, found.next_at))
            beside = {limit.running.clock: limit for limit in one.beside}
            for telling in found.tellings:
                limit = beside.get(telling.clock)
                people = _told(one.case, telling, limit, self._now, self._streets)
                told += people
                events.append(_event(one.case, telling, limit, self._now, len(people)))
        ladders.write(self._db, self._now, looked)
        outbox.append(self._db, events)
        store(self._db, self._now, told, self._channels)

    def _rungs_of(self, code: str) -> Sequence[Rung]:
        if code not in self._rungs:
            self._rungs[code] = ladders.rungs_of(self._db, code) or DEFAULT_RUNGS
        return self._rungs[code]


def _look(one: Claimed, now: datetime, book: RuleBook, rungs: Sequence[Rung]) -> ladder.Look:
    case = one.case
    running: list[Running] = []
    if not case.state.is_final:
        try:
            running = running_limits(case, one.stepped_at, clocks_of(book, case, now), one.pauses)
        except GridError as fault:
            # A class that left the catalogue must not stop the clocks of all others, nor its own.
            log.warning("ladder_without_limits", case=case.number, code=fault.code)
            running = as_a_stage(case, one.stepped_at)
    # An order owes its reply also after the case has ended.
    running += [limit.running for limit in one.beside]
    return ladder.look(one.rounds, running, one.waiting, rungs=rungs, now=now, calendar=book.calendar)


def _told(
    case: Case, telling: Telling, limit: BesideLimit | None, now: datetime, streets: Streets
) -> list[Notification]:
    about = About(
        case.cell_code, case.community_code, case.state, case.unit_code, case.worker_id, case.reported_by
    )
    what = What(
        f"rung {case.id} {telling.clock} {telling.round} {telling.rung.no} {telling.passed_on}",
        case.subdistrict_code,
        EventKind.CASE_ESCALATED,
        case.id,
        now,
        _facts(case, telling, limit),
        (telling.clock, telling.round, telling.rung.no),
    )
    staff = streets.staff(case.subdistrict_code)
    if limit is None:
        people = of_rung(telling.levels, about, staff)
    else:
        used_up = telling.due_at <= now
        people = of_limit_beside(telling.levels, about, limit, staff, used_up=used_up)
    return [notification(what, recipient) for recipient in people]


def _facts(case: Case, telling: Telling, limit: BesideLimit | None) -> dict[str, Any]:
    facts = {
        "number": case.number,
        "state": str(case.state),
        "cell_code": case.cell_code,
        "unit_code": limit.unit_code if limit else case.unit_code,
        "clock": telling.clock,
        "percent": telling.rung.percent,
        "due_at": telling.due_at.isoformat(),
        "passed_on": telling.passed_on,
    }
    if limit and limit.call_id:
        facts["call_id"] = str(limit.call_id)
    if limit and limit.order_id:
        facts["order_id"] = str(limit.order_id)
    return facts


def _event(case: Case, telling: Telling, limit: BesideLimit | None, now: datetime, told: int) -> Event:
    facts = {**_facts(case, telling, limit), "round": telling.round, "rung": telling.rung.no, "told": told}
    return Event(EventKind.CASE_ESCALATED, case.subdistrict_code, now, case.id, facts)
