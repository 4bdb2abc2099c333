"""Computing open deadlines anew after a calendar or a limit changed, and saying what changed and why.

A deadline is a function of the case's history, the calendar and the rules (:mod:`gridmgmt.domain.deadlines`);
whatever differs from what is stored is written, recorded in ``case_reclockings`` and announced by an event.
Done in batches, each a transaction of its own: a run that is broken off is simply run again, and a run that
changes nothing leaves nothing behind. A case whose clocks cannot be computed is named and left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.clocks import Clocks
from gridmgmt.domain.deadlines import Held, replay
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.org import Actor
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.errors import GridError
from gridmgmt.services.records import done
from gridmgmt.storage import audit, reclockings
from gridmgmt.storage.db import Db
from gridmgmt.storage.milestones import milestone_row
from gridmgmt.storage.reclockings import OpenCase, Reclocked, Run

BATCH = 1_000
"""Cases per transaction: locks are held for a fraction of a second."""

_NAMES = tuple(f.name for f in fields(Held))


@dataclass(frozen=True, slots=True)
class Order:
    """A recomputation as it was ordered; the same ``run_id`` for all its batches."""

    run_id: UUID
    actor: Actor
    why: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch came to; ``last`` is where the next begins, None when there is none."""

    seen: int
    changed: Sequence[Reclocked]
    failed: Sequence[tuple[str, GridError]]
    last: UUID | None


def recompute_batch(
    db: Db,
    now: datetime,
    book: RuleBook,
    order: Order,
    after: UUID | None,
    *,
    size: int = BATCH,
) -> Batch:
    """Compute the next open cases of a subdistrict anew and store what differs; a dry run stores nothing.

    The rules are given, so that a change can be tried before it is made.

    Parameters
    ----------
    db : as the platform itself (``Acting.system``).
    after : the last case of the batch before; None begins.
    """
    code = book.subdistrict.code
    cases = reclockings.lock_open_cases(db, code, after, limit=size)
    changed: list[Reclocked] = []
    failed: list[tuple[str, GridError]] = []
    for case in cases:
        try:
            held = replay(case.steps, _ClocksOf(book, case))
        except GridError as error:
            failed.append((case.number, error))
            continue
        if held != case.held:
            changed.append(_reclocked(case, held))
    if changed and not order.dry_run:
        _store(db, now, book, order, code, changed)
    return Batch(len(cases), changed, failed, cases[-1].id if len(cases) == size else None)


class _ClocksOf:
    """The clocks of one case by day and filing condition."""

    __slots__ = ("_area_class", "_book", "_category")

    def __init__(self, book: RuleBook, case: OpenCase) -> None:
        self._book, self._area_class = book, case.area_class
        self._category = book.catalogue.find(case.category, book.day_of(case.reported_at))

    def __call__(self, at: datetime, condition: str) -> Clocks:
        return self._book.clocks(self._category, at, area_class=self._area_class, condition=condition)


def _reclocked(case: OpenCase, held: Held) -> Reclocked:
    differing = [n for n in _NAMES if getattr(case.held, n) != getattr(held, n)]
    return Reclocked(case, held, _told(case.held, differing), _told(held, differing))


def _told(held: Held, names: Sequence[str]) -> dict[str, Any]:
    told = {name: getattr(held, name) for name in names}
    if "milestones" in told:
        told["milestones"] = [milestone_row(m) for m in held.milestones]
    return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in told.items()}


def _store(
    db: Db, now: datetime, book: RuleBook, order: Order, code: str, changed: Sequence[Reclocked]
) -> None:
    run = Run(
        order.run_id, code, order.actor.id, now, order.why, book.calendar_id, book.calendar.version,
        book.revision,
    )  # fmt: skip
    reclockings.write(db, run, changed, [_event(c, run) for c in changed])
    entry = done(
        order.actor, now, "clocks:recompute", "subdistrict", code, code,
        run_id=str(order.run_id), cases=len(changed), calendar_version=run.calendar_version,
        rules_revision=run.rules_revision,
    )  # fmt: skip
    audit.append(db, [entry])


def _event(changed: Reclocked, run: Run) -> Event:
    case = changed.case
    facts = {
        "number": case.number,
        "state": str(case.state),
        "cell_code": case.cell_code,
        "unit_code": case.unit_code,
        "run_id": str(run.id),
        "old": dict(changed.old),
        "new": dict(changed.new),
    }
    return Event(EventKind.DEADLINES_RECOMPUTED, run.subdistrict_code, run.at, case.id, facts)
