"""Working calendars: our own dated table of days, and every version of it that deadlines were computed with.

A calendar is changed as a whole: its days are written, its version rises by one, and what it is now is
appended to ``calendar_versions`` in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.workcalendar import WorkCalendar
from gridmgmt.errors import NotFound
from gridmgmt.storage import tables
from gridmgmt.storage.db import Db

_HEAD, _DAYS, _VERSIONS = tables.work_calendars, tables.calendar_days, tables.calendar_versions


@dataclass(frozen=True, slots=True)
class CalendarVersion:
    """One version of a calendar: when it came, why, and from where its days are."""

    version: int
    at: datetime
    why: str
    source: str
    document: Mapping[str, Any]


def load_calendar(db: Db, calendar_id: str, *, lock: bool = False) -> WorkCalendar:
    """One working calendar with its days; with ``lock`` nobody else changes it before the commit.

    Raises
    ------
    NotFound
        No such calendar.
    """
    query = select(_HEAD).where(_HEAD.c.id == calendar_id)
    head = db.execute(query.with_for_update() if lock else query).first()
    if head is None:
        raise NotFound("No such working calendar.", kind="calendar")
    days = db.execute(select(_DAYS.c.day, _DAYS.c.working).where(_DAYS.c.calendar_id == calendar_id))
    return WorkCalendar(
        head.timezone,
        _slots(head.slots),
        {r.day: r.working for r in days},
        head.covered_from,
        head.covered_until,
        head.name,
        head.version,
    )


def add_calendar(db: Db, calendar_id: str, calendar: WorkCalendar, *, source: str, at: datetime) -> None:
    """Store a new calendar as its first version."""
    db.execute(
        insert(_HEAD).values(
            id=calendar_id,
            name=calendar.name,
            timezone=calendar.timezone,
            slots=_slots_text(calendar),
            covered_from=calendar.covered_from,
            covered_until=calendar.covered_until,
            version=1,
        )
    )
    _write_days(db, calendar_id, calendar.overrides, note="", source=source)
    _keep_version(db, calendar_id, calendar, 1, at=at, why="first version", source=source)


def change_calendar(
    db: Db,
    calendar_id: str,
    before: WorkCalendar,
    after: WorkCalendar,
    *,
    at: datetime,
    why: str,
    source: str,
) -> int:
    """Store days and covered period of a changed calendar; returns its new version.

    Parameters
    ----------
    before : as :func:`load_calendar` gave it under its lock.
    """
    changed = {day: works for day, works in after.overrides.items() if before.overrides.get(day) is not works}
    _write_days(db, calendar_id, changed, note=why, source=source)
    version = before.version + 1
    db.execute(
        update(_HEAD)
        .where(_HEAD.c.id == calendar_id)
        .values(covered_from=after.covered_from, covered_until=after.covered_until, version=version)
    )
    _keep_version(db, calendar_id, after, version, at=at, why=why, source=source)
    return version


def versions(db: Db, calendar_id: str) -> list[CalendarVersion]:
    """Every version of a calendar, newest first."""
    query = (
        select(_VERSIONS).where(_VERSIONS.c.calendar_id == calendar_id).order_by(_VERSIONS.c.version.desc())
    )
    return [CalendarVersion(r.version, r.at, r.why, r.source, r.document) for r in db.execute(query)]


def calendar_at_version(db: Db, calendar_id: str, version: int) -> WorkCalendar:
    """A calendar as it was.

    Raises
    ------
    NotFound
        It never had this version.
    """
    query = select(_VERSIONS.c.document).where(
        _VERSIONS.c.calendar_id == calendar_id, _VERSIONS.c.version == version
    )
    kept = db.execute(query).scalar()
    if kept is None:
        raise NotFound("This calendar never had this version.", kind="calendar_version")
    return WorkCalendar(
        kept["timezone"],
        _slots(kept["slots"]),
        {date.fromisoformat(day): works for day, works in kept["days"].items()},
        date.fromisoformat(kept["covered_from"]),
        date.fromisoformat(kept["covered_until"]),
        kept["name"],
        version,
    )


def subdistricts_with(db: Db, calendar_id: str) -> list[str]:
    """The subdistricts that work by a calendar, by code."""
    street = tables.subdistricts.c
    return list(
        db.execute(
            select(street.code).where(street.calendar_id == calendar_id).order_by(street.code)
        ).scalars()
    )


def _write_days(db: Db, calendar_id: str, days: Mapping[date, bool], *, note: str, source: str) -> None:
    rows = [
        {"calendar_id": calendar_id, "day": day, "working": works, "note": note, "source": source}
        for day, works in sorted(days.items())
    ]
    if not rows:
        return
    statement = insert(_DAYS)
    given = {name: statement.excluded[name] for name in ("working", "note", "source")}
    db.execute(statement.on_conflict_do_update(index_elements=["calendar_id", "day"], set_=given), rows)


def _keep_version(
    db: Db, calendar_id: str, calendar: WorkCalendar, version: int, *, at: datetime, why: str, source: str
) -> None:
    document = {
        "name": calendar.name,
        "timezone": calendar.timezone,
        "slots": _slots_text(calendar),
        "covered_from": calendar.covered_from.isoformat(),
        "covered_until": calendar.covered_until.isoformat(),
        "days": {day.isoformat(): works for day, works in sorted(calendar.overrides.items())},
    }
    db.execute(
        insert(_VERSIONS)
        .values(calendar_id=calendar_id, version=version, at=at, why=why, source=source, document=document)
        .inline()
    )


def _slots(stored: Any) -> tuple[tuple[time, time], ...]:
    return tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in stored)


def _slots_text(calendar: WorkCalendar) -> list[list[str]]:
    return [[a.isoformat("minutes"), b.isoformat("minutes")] for a, b in calendar.slots]
