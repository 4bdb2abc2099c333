"""Telling people: what the outbox says goes into the inboxes of those concerned.

One reader at a time goes through the delivered events in their order, and moves on in the transaction that
stores what they told: each event tells each person once. It also has the cases of the events looked at
again (:mod:`.escalating`), which is how the ladder learns that a limit began, moved or ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import structlog

from gridmgmt.domain.channel import Channel
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.presence import Recipient, Staff
from gridmgmt.domain.recipients import AUDIENCES, About, of_event
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.observe import metrics
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import deputies, ladders, notifications, outbox
from gridmgmt.storage.db import Db
from gridmgmt.storage.notifications import Notification
from gridmgmt.storage.outbox import OutboxRow

log = structlog.get_logger(__name__)

# Of a case or a request these say everything that a text is made of; what people wrote is not among them.
_TOLD_FACTS = (
    "number", "state", "cell_code", "unit_code", "action", "granted", "call_id", "request_id", "order_id",
    "reply_due_at", "purpose", "role",
)  # fmt: skip
_NAMESPACE = UUID("2f0f6c0e-7d2b-5a43-9a53-6f1c1c0a5b0d")
# They tell of the ladder and of inboxes themselves, and change no limit.
_CHANGE_NOTHING = frozenset(
    {EventKind.CASE_ESCALATED, EventKind.CASE_OVERDUE, EventKind.LADDER_STUCK, EventKind.INBOX_CHANGED}
)


@dataclass(slots=True)
class Streets:
    """Rules and staff of streets at one moment, looked up once each."""

    db: Db
    books: RuleBooks
    now: datetime
    _books: dict[str, RuleBook] = field(default_factory=dict)
    _staff: dict[str, Staff] = field(default_factory=dict)

    def book(self, subdistrict_code: str) -> RuleBook:
        """The rules of a street."""
        if subdistrict_code not in self._books:
            self._books[subdistrict_code] = self.books.current(self.db, subdistrict_code)
        return self._books[subdistrict_code]

    def staff(self, subdistrict_code: str) -> Staff:
        """The staff of a street."""
        if subdistrict_code not in self._staff:
            book = self.book(subdistrict_code)
            local = self.now.astimezone(book.timezone)
            self._staff[subdistrict_code] = Staff(
                notifications.staff_of(self.db, subdistrict_code),
                book.roster,
                deputies.in_force(self.db, [subdistrict_code], self.now),
                local.date(),
                local.time(),
            )
        return self._staff[subdistrict_code]


def tell(db: Db, now: datetime, books: RuleBooks, channels: Sequence[Channel], *, limit: int = 500) -> int:
    """Tell of delivered events that nobody was told of yet; how many there were."""
    rows = notifications.claim_events(db, limit=limit)
    if not rows:
        return 0
    changed = {r.case_id: r.subdistrict_code for r in rows if r.case_id and r.kind not in _CHANGE_NOTHING}
    ladders.look_soon(db, changed, now)
    told = [r for r in rows if r.kind in AUDIENCES]
    about = notifications.about(db, {r.case_id for r in told if r.case_id})
    facts = _with_askers(db, told)
    streets = Streets(db, books, now)
    found: list[Notification] = []
    for row in told:
        case = about.get(row.case_id) if row.case_id else None
        try:
            found += _told_of(row, facts[row.id], case, streets.staff(row.subdistrict_code))
        except (LookupError, TypeError, ValueError):
            # Facts that cannot be read, from another version, say: whoever waits for the next event is told.
            log.exception("event_not_told", event_id=row.id, kind=row.kind)
            metrics.event_not_told()
    store(db, now, found, channels)
    return len(rows)


def _told_of(
    row: OutboxRow, facts: Mapping[str, Any], case: About | None, staff: Staff
) -> list[Notification]:
    what = What(f"event {row.id}", row.subdistrict_code, row.kind, row.case_id, row.at, row.facts)
    return [notification(what, recipient) for recipient in of_event(EventKind(row.kind), facts, case, staff)]


def _with_askers(db: Db, rows: Iterable[OutboxRow]) -> dict[int, Mapping[str, Any]]:
    """The facts of events; those about a request know who made it."""
    facts: dict[int, Mapping[str, Any]] = {r.id: r.facts for r in rows}
    requests = {i: request for i, f in facts.items() if (request := _id(f.get("request_id"))) is not None}
    asked_by = notifications.askers(db, requests.values())
    return facts | {i: {**facts[i], "asked_by": asked_by.get(request)} for i, request in requests.items()}


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class What:
    """Something that people are told of. ``name`` is the same each time one tells of it."""

    name: str
    subdistrict_code: str
    kind: str
    case_id: UUID | None
    at: datetime
    facts: Mapping[str, Any]
    step: tuple[str, int, int] | None = None


def notification(what: What, recipient: Recipient) -> Notification:
    """What one person is told; its id follows from both, so that he is told once."""
    return Notification(
        id=uuid5(_NAMESPACE, f"{what.name} {recipient.person_id}"),
        subdistrict_code=what.subdistrict_code,
        person_id=recipient.person_id,
        kind=what.kind,
        case_id=what.case_id,
        at=what.at,
        facts={n: what.facts[n] for n in (*_TOLD_FACTS, *_LADDER_FACTS) if what.facts.get(n) is not None},
        because=recipient.because,
        instead_of=recipient.instead_of,
        absence=recipient.absence,
        step=what.step,
    )


_LADDER_FACTS = ("clock", "percent", "due_at", "passed_on")


def store(db: Db, now: datetime, found: Sequence[Notification], channels: Sequence[Channel]) -> None:
    """Store notifications, and have the open pages of their people look: they hear that, and nothing else."""
    notifications.add(db, found, channels)
    people: dict[str, set[str]] = {}
    for one in found:
        people.setdefault(one.subdistrict_code, set()).add(str(one.person_id))
    outbox.append(
        db,
        [
            Event(EventKind.INBOX_CHANGED, code, now, None, {"people": sorted(persons)})
            for code, persons in sorted(people.items())
        ],
    )
