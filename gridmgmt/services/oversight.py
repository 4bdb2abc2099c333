"""Deadlines that pass are announced, each once, by whoever runs the clocks."""

from datetime import datetime

from gridmgmt.domain.events import Event, EventKind
from gridmgmt.storage import outbox, overdue
from gridmgmt.storage.db import Db


def announce_overdue(db: Db, now: datetime) -> int:
    """Put an event into the outbox for every deadline that passed since the last look (R22b)."""
    found = overdue.claim_overdue(db, now)
    outbox.append(
        db,
        [
            Event(
                EventKind.CASE_OVERDUE,
                o.subdistrict_code,
                now,
                o.case_id,
                {
                    "number": o.number,
                    "state": o.state,
                    "cell_code": o.cell_code,
                    "unit_code": o.unit_code,
                    "due_at": o.due_at.isoformat(),
                },
            )
            for o in found
        ],
    )
    return len(found)


def deliver(db: Db, now: datetime) -> int:
    """Deliver waiting events to the live pages; further channels hang here."""
    rows = outbox.claim(db)
    outbox.mark_delivered(db, [r.id for r in rows], now)
    return len(rows)
