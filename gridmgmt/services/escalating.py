"""Climbing the ladder 逐级督促: looking at the cases that are due for it, a batch in a transaction.

Any number of workers may do so at once. A look computes from the case as it is at that moment, so that a
deadline that moved, a hold or an end counts even where the event about it is still on its way. What it
finds (the rungs passed, whom they tell, when to look again) is stored together or not at all.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from gridmgmt.domain import ladder
from gridmgmt.domain.case import Case
from gridmgmt.domain.channel import Channel
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.ladder import DEFAULT_RUNGS, Rung, Running, Telling
from gridmgmt.domain.recipients import About, of_rung
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.running import as_a_stage, running_limits
from gridmgmt.errors import GridError
from gridmgmt.services.handling import clocks_of
from gridmgmt.services.notifying import Streets, What, notification, store
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import ladders, outbox
from gridmgmt.storage.db import Db
from gridmgmt.storage.ladders import Claimed, Looked
from gridmgmt.storage.notifications import Notification

log = structlog.get_logger(__name__)

BATCH = 100


def climb(db: Db, now: datetime, books: RuleBooks, channels: Sequence[Channel], *, limit: int = BATCH) -> int:
    """Look at cases that are due for it; how many there were."""
    claimed = ladders.claim(db, now, limit=limit)
    if not claimed:
        return 0
    streets = Streets(db, books, now)
    rungs: dict[str, Sequence[Rung]] = {}
    looked: list[Looked] = []
    told: list[Notification] = []
    events: list[Event] = []
    for one in claimed:
        code = one.case.subdistrict_code
        if code not in rungs:
            rungs[code] = ladders.rungs_of(db, code) or DEFAULT_RUNGS
        found = _look(one, now, streets.book(code), rungs[code])
        passed_on = [(t.clock, t.round, t.rung.no) for t in found.tellings if t.passed_on]
        looked.append(Looked(one.case.id, code, found.rounds, found.steps, passed_on, found.next_at))
        for telling in found.tellings:
            people = _told(one.case, telling, now, streets)
            told += people
            events.append(_event(one.case, telling, now, len(people)))
    ladders.write(db, now, looked)
    outbox.append(db, events)
    store(db, now, told, channels)
    return len(claimed)


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
    return ladder.look(one.rounds, running, one.waiting, rungs=rungs, now=now, calendar=book.calendar)


def _told(case: Case, telling: Telling, now: datetime, streets: Streets) -> list[Notification]:
    about = About(
        case.cell_code, case.community_code, case.state, case.unit_code, case.worker_id, case.reported_by
    )
    what = What(
        f"rung {case.id} {telling.clock} {telling.round} {telling.rung.no} {telling.passed_on}",
        case.subdistrict_code,
        EventKind.CASE_ESCALATED,
        case.id,
        now,
        _facts(case, telling),
        (telling.clock, telling.round, telling.rung.no),
    )
    staff = streets.staff(case.subdistrict_code)
    return [notification(what, recipient) for recipient in of_rung(telling.levels, about, staff)]


def _facts(case: Case, telling: Telling) -> dict[str, Any]:
    return {
        "number": case.number,
        "state": str(case.state),
        "cell_code": case.cell_code,
        "unit_code": case.unit_code,
        "clock": telling.clock,
        "percent": telling.rung.percent,
        "due_at": telling.due_at.isoformat(),
        "passed_on": telling.passed_on,
    }


def _event(case: Case, telling: Telling, now: datetime, told: int) -> Event:
    facts = {**_facts(case, telling), "round": telling.round, "rung": telling.rung.no, "told": told}
    return Event(EventKind.CASE_ESCALATED, case.subdistrict_code, now, case.id, facts)
