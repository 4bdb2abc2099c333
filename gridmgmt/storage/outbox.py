"""Events leave through here: written in the transaction of the change, delivered afterwards.

One worker at a time delivers (a transaction-level advisory lock; the others try again later), and
each delivered row gets a number under that lock. Row ids are taken before the commit, so a reader
that went by ids would miss a row whose transaction took longer; delivery numbers grow in commit
order. A worker that dies while delivering leaves its rows waiting: its lock died with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text

from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.org import Actor
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import outbox


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One waiting or delivered event; ``delivery_no`` is 0 while it waits."""

    id: int
    subdistrict_code: str
    kind: str
    case_id: UUID | None
    at: datetime
    facts: dict[str, Any]
    delivery_no: int


_COLUMNS = (
    outbox.c.id,
    outbox.c.subdistrict_code,
    outbox.c.kind,
    outbox.c.case_id,
    outbox.c.at,
    outbox.c.facts,
    func.coalesce(outbox.c.delivery_no, 0).label("delivery_no"),
)
# Any constant will do, as long as nothing else in this database uses it.
_DELIVERY_LOCK = 0x67726964


def row(event: Event) -> dict[str, Any]:
    """The column values of an event."""
    return {
        "subdistrict_code": event.subdistrict_code,
        "kind": str(event.kind),
        "case_id": event.case_id,
        "at": event.at,
        "facts": dict(event.facts),
    }


def append(db: Db, events: Sequence[Event]) -> None:
    """Add events to the transaction of the change that caused them."""
    if events:
        db.execute(insert(outbox).inline(), [row(e) for e in events])


def claim(db: Db, *, limit: int = 500) -> list[OutboxRow]:
    """Waiting rows, oldest first; none while another worker is delivering."""
    if not db.execute(select(func.pg_try_advisory_xact_lock(_DELIVERY_LOCK))).scalar_one():
        return []
    query = select(*_COLUMNS).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id).limit(limit)
    return [OutboxRow(**r._mapping) for r in db.execute(query)]


_MARK = text("""
    update app.outbox o set delivered_at = :now, delivery_no = n.no
      from (select id, nextval('app.outbox_delivery_seq') as no
              from unnest(cast(:ids as bigint[])) as id order by id) n
     where o.id = n.id
""")


def mark_delivered(db: Db, ids: Sequence[int], now: datetime) -> None:
    """Number the claimed rows and mark them as delivered; seen by readers after the caller's commit."""
    if ids:
        db.execute(_MARK, {"ids": list(ids), "now": now})


def delivered_after(
    db: Db, delivery_no: int, subdistricts: frozenset[str] | None, *, limit: int = 500
) -> list[OutboxRow]:
    """Events delivered after a number, in order; ``subdistricts`` None is for the fan-out only."""
    query = select(*_COLUMNS).where(outbox.c.delivery_no > delivery_no)
    if subdistricts is not None:
        query = query.where(outbox.c.subdistrict_code.in_(subdistricts))
    query = query.order_by(outbox.c.delivery_no).limit(limit)
    return [OutboxRow(**r._mapping) for r in db.execute(query)]


def log(db: Db, actor: Actor) -> Iterator[Event]:
    """All events of the actor's subdistricts about cases, in the order in which each case's were written.

    Whether they were delivered yet makes no difference: they are part of the transactions that they tell of.
    """
    query = (
        select(outbox.c.kind, outbox.c.subdistrict_code, outbox.c.at, outbox.c.case_id, outbox.c.facts)
        .where(outbox.c.subdistrict_code.in_(actor.subdistricts), outbox.c.case_id.is_not(None))
        .order_by(outbox.c.id)
    )
    for r in db.execute(query):
        yield Event(EventKind(r.kind), r.subdistrict_code, r.at, r.case_id, r.facts)


def last_delivery(db: Db) -> int:
    """The highest delivery number so far; 0 when there is none."""
    return int(db.execute(select(func.coalesce(func.max(outbox.c.delivery_no), 0))).scalar_one())
