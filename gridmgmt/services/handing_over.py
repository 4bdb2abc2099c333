"""Handing open cases over when a plan takes effect, a batch in a transaction.

Any number of workers may do so at once. Which cases wait is a question to the database (open, and under a
plan that no longer holds), not a list made at the switch: a report that was taken in the last moment of the
old plan, a case reopened later, and a worker that was away for days come out the same.
"""

from datetime import datetime
from uuid import UUID

import structlog

from gridmgmt.domain import handover
from gridmgmt.domain.case import Case
from gridmgmt.domain.handover import NewPlace
from gridmgmt.domain.org import system_actor
from gridmgmt.domain.rulebook import IndexedPlan, RuleBook
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, cases, handovers, outbox, rosters
from gridmgmt.storage.db import Db
from gridmgmt.storage.handovers import HandedOver, Waiting

log = structlog.get_logger(__name__)

BATCH = 100


def hand_over(db: Db, now: datetime, books: RuleBooks, *, limit: int = BATCH) -> int:
    """Hand over the next cases that wait for it; how many there were.

    Parameters
    ----------
    db : as the platform itself over all subdistricts.
    """
    waiting = handovers.claim(db, now, limit=limit)
    handovers.add(db, [_one(db, now, books, one) for one in waiting])
    return len(waiting)


def _one(db: Db, now: datetime, books: RuleBooks, one: Waiting) -> HandedOver:
    case = one.case
    book = books.current(db, case.subdistrict_code)
    indexed = next(p for p in book.plans if p.plan.id == one.plan_id)
    code = indexed.index.in_datum(one.datum).code_at(one.place)
    if code is None:
        log.warning("case_outside_plan", case=case.number, plan_version=indexed.plan.version)
        outbox.append(db, [handover.left_outside(case, one.plan_id, now)])
        entry = done(
            system_actor(case.subdistrict_code), now, "case:left_outside", "case", str(case.id),
            case.subdistrict_code, plan_id=str(one.plan_id), cell_code=case.cell_code,
        )  # fmt: skip
        audit.append(db, [entry])
        return _row(one, None, "outside_plan", now)
    decision = handover.hand_over(case, _place(db, now, book, indexed, code), now)
    entry = done(
        system_actor(case.subdistrict_code), now, "case:hand_over", "case", str(case.id),
        case.subdistrict_code, version=decision.case.version, from_cell=case.cell_code, cell_code=code,
        plan_id=str(one.plan_id), why=decision.step.facts["why"],
    )  # fmt: skip
    cases.save(db, decision, [entry])
    return _row(one, decision.case, str(decision.step.facts["why"]), now)


def _place(db: Db, now: datetime, book: RuleBook, indexed: IndexedPlan, code: str) -> NewPlace:
    local = now.astimezone(book.timezone)
    when = (code, local.date(), local.time())

    def choose() -> UUID | None:
        load = rosters.open_load(db, book.subdistrict.code, book.roster.tied(*when))
        return book.roster.choose(*when, load).person_id

    people = book.roster.people_of(code, local.date())
    return NewPlace(indexed.plan.id, indexed.plan.version, indexed.cells[code], people, choose)


def _row(one: Waiting, after: Case | None, why: str, now: datetime) -> HandedOver:
    case = one.case
    return HandedOver(
        case.id, one.plan_id, case.subdistrict_code, case.plan_id, case.cell_code,
        after.cell_code if after else None, case.worker_id, after.worker_id if after else case.worker_id,
        why, now,
    )  # fmt: skip
