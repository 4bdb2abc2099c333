"""Settling days of a working calendar, and saying how far its holiday data reach.

A year without data is never an error: its days count by their weekday, and whoever looks is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gridmgmt.domain.workcalendar import WorkCalendar
from gridmgmt.errors import InvalidInput
from gridmgmt.storage import calendars
from gridmgmt.storage.db import Db

NOTICE_DAYS = 60
"""Holidays of a year are announced in the November before: from then on their absence is worth a word."""


@dataclass(frozen=True, slots=True)
class NewDays:
    """Days to settle, from where they are known, and why."""

    days: Mapping[date, bool]
    source: str
    why: str
    covered_from: date | None = None
    covered_until: date | None = None


def settle_days(db: Db, now: datetime, calendar_id: str, given: NewDays) -> WorkCalendar:
    """Write days into a calendar as its next version; the calendar as it is then.

    Days that say what the calendar says already, over a period that it covers already, make no version.

    Raises
    ------
    NotFound
        No such calendar.
    InvalidInput
        No reason or source, or a gap in what is covered.
    """
    for name in ("why", "source"):
        if not getattr(given, name).strip():
            raise InvalidInput("A change of the calendar says why and where it comes from.", field=name)
    before = calendars.load_calendar(db, calendar_id, lock=True)
    after = before.with_days(given.days, covered_from=given.covered_from, covered_until=given.covered_until)
    if after == before:
        return before
    calendars.change_calendar(db, calendar_id, before, after, at=now, why=given.why, source=given.source)
    return calendars.load_calendar(db, calendar_id)


def coverage(calendar_id: str, calendar: WorkCalendar, on: date) -> dict[str, Any]:
    """How far the holiday data reach, for pages; ``warning`` is None while they reach well ahead."""
    days = calendar.known_for(on)
    ending = "calendar_ended" if days < 0 else "calendar_ends"
    return {
        "id": calendar_id,
        "name": calendar.name,
        "version": calendar.version,
        "covered_until": calendar.covered_until if calendar.covered_until > date.min else None,
        "warning": ending if days < NOTICE_DAYS else None,
    }
