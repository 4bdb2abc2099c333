"""Working time: deadlines, time used, and the lights that follow from them.

Two kinds of clock run in the loop (DOMAIN §4.3): 自然时 runs always; 工作时 and 工作日 run only inside
the daily slots of working days, with public holidays off and 调休 make-up days on.

* A working moment is an instant inside a slot, its start included and its end not.
* Whatever starts outside working time counts from the next working moment.
* **Working hours** end at the earliest instant by which that much working time has passed, so eight
  hours from the opening of a day end at its close.
* **Working days** end at the same clock time that many working days later, so one day from the
  opening of Monday ends at the opening of Tuesday. Where a day has eight hours, *n* days and *8n*
  hours are the same working time; they name different instants only when the limit ends exactly at
  the close of a slot: the day rule then names the opening of the next one, in the handler's favour.

Which days and hours are working time is the calendar's business (:mod:`.workcalendar`), what it does
not know included. No function reads a clock, and results are aware UTC.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from gridmgmt.domain.workcalendar import MOST_DAYS, WorkCalendar
from gridmgmt.errors import InvalidInput

__all__ = [
    "Light",
    "LimitUnit",
    "WorkCalendar",
    "add_working_time",
    "deadline",
    "elapsed",
    "light",
    "share_used",
    "shift_deadline",
    "yellow_after",
]

_ZERO = timedelta(0)
_DAY = timedelta(days=1)


class LimitUnit(StrEnum):
    """Units of a limit; stored values."""

    NATURAL_MINUTE = "natural_minute"
    NATURAL_HOUR = "natural_hour"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"

    @property
    def is_natural(self) -> bool:
        """Whether nights and holidays count."""
        return self in _NATURAL


_NATURAL: Mapping[LimitUnit, timedelta] = MappingProxyType(
    {LimitUnit.NATURAL_MINUTE: timedelta(minutes=1), LimitUnit.NATURAL_HOUR: timedelta(hours=1)}
)


class Light(StrEnum):
    """Green up to 80 % of the limit, yellow up to its end, red after it."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


def add_working_time(start_at: datetime, amount: timedelta, calendar: WorkCalendar) -> datetime:
    """The earliest instant by which ``amount`` of working time has passed; aware UTC.

    Zero adds nothing: the start itself comes back, also outside working time.

    Raises
    ------
    InvalidInput
        Negative, more than ten years of working days, or a start without zone.
    """
    if amount < _ZERO or amount > MOST_DAYS * calendar.day_length:
        raise InvalidInput("Working time to add lies between nothing and ten years.", amount=str(amount))
    wall = calendar.local(start_at)
    if amount == _ZERO:
        return start_at.astimezone(UTC)
    return calendar.utc(*calendar.after(*calendar.moment(wall), amount))


def deadline(start_at: datetime, amount: int, unit: LimitUnit, calendar: WorkCalendar) -> datetime:
    """When a limit that starts now ends.

    Parameters
    ----------
    start_at : aware; outside working time, working units count from the next working moment.
    amount : whole number of units, at least 1.

    Returns
    -------
    datetime
        Aware UTC. An instant equal to it is still in time.

    Raises
    ------
    InvalidInput
        An amount below one or beyond ten years, or a start without zone.

    Examples
    --------
    Friday 16:00 and one working day of 08:30-12:00 and 13:30-18:00: Monday 16:00.

    >>> from datetime import time
    >>> hours = ((time(8, 30), time(12)), (time(13, 30), time(18)))
    >>> calendar = WorkCalendar("Asia/Shanghai", hours)
    >>> friday = datetime(2026, 11, 20, 8, tzinfo=UTC)
    >>> deadline(friday, 1, LimitUnit.WORKING_DAY, calendar).isoformat()
    '2026-11-23T08:00:00+00:00'
    """
    if amount < 1 or amount > MOST_DAYS * 24 * 60:
        raise InvalidInput("A limit is at least one unit and at most ten years.", amount=amount)
    step = _NATURAL.get(unit)
    if step is not None:
        calendar.local(start_at)  # refuses a start without zone
        return start_at.astimezone(UTC) + amount * step
    if unit is LimitUnit.WORKING_HOUR:
        return add_working_time(start_at, timedelta(hours=amount), calendar)
    if amount > MOST_DAYS:
        raise InvalidInput("A limit is at least one unit and at most ten years.", amount=amount)
    day, clock = calendar.moment(calendar.local(start_at))
    for _ in range(amount):
        day = calendar.next_working_day(day + _DAY)
    return calendar.utc(day, clock)


def elapsed(start_at: datetime, end_at: datetime, unit: LimitUnit, calendar: WorkCalendar) -> timedelta:
    """Time between two instants on the clock of ``unit``: all of it, or working time only.

    Nothing if the end does not lie after the start. Costs the same for a day and for a year.
    """
    if end_at <= start_at:
        return _ZERO
    if unit.is_natural:
        return end_at - start_at
    start, end = calendar.local(start_at), calendar.local(end_at)
    return calendar.worked_before(end) - calendar.worked_before(start)


def share_used(
    started_at: datetime, due_at: datetime, now: datetime, calendar: WorkCalendar, unit: LimitUnit
) -> float:
    """Share of the limit used up; above 1 when overdue (urged at 0.8, 1.0 and 1.5).

    A limit without any time in it is used up at once.
    """
    total = elapsed(started_at, due_at, unit, calendar)
    return elapsed(started_at, now, unit, calendar) / total if total else 1.0


def light(
    started_at: datetime, due_at: datetime, now: datetime, calendar: WorkCalendar, unit: LimitUnit
) -> Light:
    """The light of a running limit.

    Red exactly from the first instant after ``due_at``, also at night, so that this function and a
    query for ``due_at < now`` never disagree. Green while at most 80 % is used.
    """
    if now > due_at:
        return Light.RED
    used = elapsed(started_at, now, unit, calendar)
    # Whole microseconds on both sides: a float share would make the border depend on rounding.
    return Light.GREEN if 5 * used <= 4 * elapsed(started_at, due_at, unit, calendar) else Light.YELLOW


def yellow_after(started_at: datetime, due_at: datetime, unit: LimitUnit, calendar: WorkCalendar) -> datetime:
    """The last green instant, so that a query can tell the light by comparing two columns."""
    total = elapsed(started_at, due_at, unit, calendar)
    if not total:
        return started_at.astimezone(UTC) - timedelta.resolution
    green = total * 4 // 5
    if unit.is_natural:
        return started_at.astimezone(UTC) + green
    at = add_working_time(started_at, green, calendar)
    return min(calendar.next_working_moment(at), due_at.astimezone(UTC))


def shift_deadline(
    due_at: datetime, paused_at: datetime, resumed_at: datetime, unit: LimitUnit, calendar: WorkCalendar
) -> datetime:
    """The deadline after a pause (挂账): what was left at the pause runs on from the resumption.

    A limit that had ended before the pause stays ended. Working days keep their working time, not
    their clock time.
    """
    if due_at <= paused_at or resumed_at <= paused_at:
        return due_at.astimezone(UTC)
    left = elapsed(paused_at, due_at, unit, calendar)
    if unit.is_natural:
        return resumed_at.astimezone(UTC) + left
    return add_working_time(resumed_at, left, calendar)
