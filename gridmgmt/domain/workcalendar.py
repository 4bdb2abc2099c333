"""The working calendar: daily slots, holidays and 调休 make-up days of one city.

Instants are turned into local wall time, counted there and turned back; a working moment is an
instant inside a slot, its start included and its end not. Slots must not lie in the hour that a
change to summer time skips or repeats (Asia/Shanghai has none since 1992).

Days that the holiday data do not reach count by weekday alone; :meth:`WorkCalendar.covers` tells, and
callers show it. That is never an error: a case must get a deadline in December too, before next
year's holidays are known. The holidays come from the package ``chinesecalendar`` (announcements of
the State Council); hours and local changes are data, see ``data/catalogue/work_hours.json``.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import chinese_calendar

from gridmgmt.domain.rows import Faults, Raw
from gridmgmt.errors import InvalidInput

MOST_DAYS = 3_660
"""Ten years: beyond it a limit is a slip of the pen and would walk the calendar for nothing."""

_FRIDAY = 4
_ZERO = timedelta(0)
_DAY = timedelta(days=1)
_MIDNIGHT = time(0)
_FIRST_YEAR = 2004


def _since_midnight(clock: time) -> timedelta:
    return timedelta(
        hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond
    )


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """When people work.

    Parameters
    ----------
    timezone : IANA name of the zone the slots are meant in.
    slots : (start, end) of each daily slot in local time, in order, not touching or overlapping.
    overrides : days that differ from their weekday: True works (调休), False is off (holiday).
    covered_from, covered_until : first and last day (both included) that the holiday data know.
    name : for people; the plan of hours.
    version : counts the changes of a stored calendar; 0 for one that is not stored.

    Raises
    ------
    InvalidInput
        Unknown zone, no slot, or slots out of order.
    """

    timezone: str
    slots: tuple[tuple[time, time], ...]
    overrides: Mapping[date, bool] = field(default_factory=dict)
    covered_from: date = date.max
    covered_until: date = date.min
    name: str = ""
    version: int = 0
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _spans: tuple[tuple[timedelta, timedelta], ...] = field(init=False, repr=False, compare=False)
    _day_length: timedelta = field(init=False, repr=False, compare=False)
    _odd_days: tuple[date, ...] = field(init=False, repr=False, compare=False)
    _odd_sums: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            zone = ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise InvalidInput(f"{self.timezone!r} is no time zone.", timezone=self.timezone) from None
        spans = tuple((_since_midnight(a), _since_midnight(b)) for a, b in self.slots)
        edges = [edge for span in spans for edge in span]
        zoned = any(edge.tzinfo is not None for slot in self.slots for edge in slot)
        if not spans or zoned or any(b <= a for a, b in pairwise(edges)):
            raise InvalidInput(
                "Working hours need slots in order and without zone, each ending before the next starts.",
                slots=[[a.isoformat(), b.isoformat()] for a, b in self.slots],
            )
        odd = sorted(d for d, works in self.overrides.items() if works is not (d.weekday() <= _FRIDAY))
        sums = [0]
        for day in odd:
            sums.append(sums[-1] + (1 if self.overrides[day] else -1))
        for name, value in (
            ("overrides", MappingProxyType(dict(self.overrides))),
            ("_zone", zone),
            ("_spans", spans),
            ("_day_length", sum((b - a for a, b in spans), _ZERO)),
            ("_odd_days", tuple(odd)),
            ("_odd_sums", tuple(sums)),
        ):
            object.__setattr__(self, name, value)

    @property
    def day_length(self) -> timedelta:
        """Working time of one working day."""
        return self._day_length

    def covers(self, day: date) -> bool:
        """Whether the holiday data know this day; if not, it counts by its weekday alone."""
        return self.covered_from <= day <= self.covered_until

    def known_for(self, on: date) -> int:
        """For how many days after ``on`` the holiday data still reach; negative when they have ended."""
        return (self.covered_until - on).days if self.covered_until > date.min else -1

    def with_days(
        self,
        days: Mapping[date, bool],
        *,
        covered_from: date | None = None,
        covered_until: date | None = None,
    ) -> "WorkCalendar":
        """The calendar with these days settled, and its data reaching at least so far.

        Parameters
        ----------
        days : True is worked, False is off; they win over what was known.
        covered_from, covered_until : what the new data cover; must leave no gap to what was covered.

        Raises
        ------
        InvalidInput
            The new data would leave a gap that nobody knows.
        """
        start, end = covered_from or self.covered_from, covered_until or self.covered_until
        known = self.covered_from <= self.covered_until
        if covered_from is not None and known and covered_from > self.covered_until + _DAY:
            raise InvalidInput(
                f"Between {self.covered_until} and {covered_from} no holiday would be known.",
                rule="R22b",
                covered_until=self.covered_until.isoformat(),
            )
        return replace(
            self,
            overrides={**self.overrides, **days},
            covered_from=min(start, self.covered_from) if known else start,
            covered_until=max(end, self.covered_until) if known else end,
        )

    def is_working_day(self, day: date) -> bool:
        """Whether people work on this day."""
        works = self.overrides.get(day)
        return day.weekday() <= _FRIDAY if works is None else works

    def working_days_between(self, first: date, last: date) -> int:
        """Number of working days from ``first`` (included) to ``last`` (not included)."""
        return self._days_before(last) - self._days_before(first)

    def local(self, at: datetime) -> datetime:
        """The instant on the local wall clock, without zone.

        Raises
        ------
        InvalidInput
            The instant has no time zone.
        """
        if at.tzinfo is None:
            raise InvalidInput("A time needs its zone.", value=at.isoformat())
        return at.astimezone(self._zone).replace(tzinfo=None)

    def local_date(self, at: datetime) -> date:
        """The local day of an instant."""
        return self.local(at).date()

    def next_working_moment(self, at: datetime) -> datetime:
        """The instant itself inside a slot, else the start of the next one; aware UTC."""
        return self.utc(*self.moment(self.local(at)))

    def moment(self, wall: datetime) -> tuple[date, timedelta]:
        """The working moment at or after a local wall time, as a day and the time since its midnight."""
        day = wall.date()
        clock = _since_midnight(wall.time())
        if self.is_working_day(day):
            for start, end in self._spans:
                if clock < end:
                    return day, max(start, clock)
        return self.next_working_day(day + _DAY), self._spans[0][0]

    def after(self, day: date, clock: timedelta, amount: timedelta) -> tuple[date, timedelta]:
        """The earliest wall time by which ``amount`` has been worked since a working moment."""
        days, rest = divmod(amount + self._worked_by(clock), self._day_length)
        if rest == _ZERO and days > 0:
            days, rest = days - 1, self._day_length
        for _ in range(days):
            day = self.next_working_day(day + _DAY)
        for start, end in self._spans:
            if rest <= end - start:
                return day, start + rest
            rest -= end - start
        raise AssertionError(rest)

    def worked_before(self, wall: datetime) -> timedelta:
        """Working time from a fixed day long ago to a local wall time; only differences mean anything."""
        day = wall.date()
        worked = self._days_before(day) * self._day_length
        if self.is_working_day(day):
            worked += self._worked_by(_since_midnight(wall.time()))
        return worked

    def next_working_day(self, day: date) -> date:
        """The day itself if people work on it, else the first later one.

        Raises
        ------
        InvalidInput
            The calendar has none within ten years.
        """
        for _ in range(MOST_DAYS):
            if self.is_working_day(day):
                return day
            day += _DAY
        raise InvalidInput("The calendar has no working day for ten years.", calendar=self.name)

    def utc(self, day: date, since_midnight: timedelta) -> datetime:
        """The instant of a local wall time, aware UTC."""
        wall = datetime.combine(day, _MIDNIGHT) + since_midnight
        return wall.replace(tzinfo=self._zone).astimezone(UTC)

    def _days_before(self, day: date) -> int:
        weeks, rest = divmod(day.toordinal() - 1, 7)  # day 1 of the proleptic calendar is a Monday
        return weeks * 5 + min(rest, 5) + self._odd_sums[bisect_left(self._odd_days, day)]

    def _worked_by(self, clock: timedelta) -> timedelta:
        return sum((min(clock, end) - start for start, end in self._spans if clock > start), _ZERO)


def official_overrides(first_year: int, last_year: int) -> tuple[dict[date, bool], date]:
    """Public holidays (False) and make-up days (True) that differ from their weekday.

    Returns
    -------
    overrides, covered_until
        The last day that the package ``chinesecalendar`` knows of the years asked for. Next year's
        holidays are announced in November, so the last year may be missing; if even the first is,
        ``covered_until`` is the day before it.

    Raises
    ------
    InvalidInput
        The first year comes after the last or before 2004, where the data begin.
    """
    if not _FIRST_YEAR <= first_year <= last_year < date.max.year:
        raise InvalidInput("Years run upwards from 2004.", first_year=first_year, last_year=last_year)
    overrides: dict[date, bool] = {}
    day, end = date(first_year, 1, 1), date(last_year + 1, 1, 1)
    while day < end:
        try:
            works = chinese_calendar.is_workday(day)
        except NotImplementedError:
            break
        if works is not (day.weekday() <= _FRIDAY):
            overrides[day] = works
        day += _DAY
    return overrides, day - _DAY


def parse_days(rows: Iterable[Raw]) -> dict[date, bool]:
    """Days from the rows of a table ``day,working``: 1 is worked (调休), 0 is off (holiday).

    Raises
    ------
    InvalidInput
        Every fault with its row; also a day that is given twice.
    """
    faults = Faults("calendar_days")
    days: dict[date, bool] = {}
    for number, (day, works) in faults.collect(rows, lambda row: (row.day("day"), row.flag("working"))):
        if day in days:
            faults.add(number, "day", f"{day} is given twice")
        days[day] = works
    faults.raise_if_any()
    return days


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def parse_work_calendar(document: Mapping[str, Any]) -> WorkCalendar:
    """A calendar from ``data/catalogue/work_hours.json``.

    ``official_years`` takes the public holidays of these years; ``days`` then has the last word, as
    a mapping from a date to true (works) or false (off).

    Raises
    ------
    InvalidInput
        A key is missing or a value has the wrong form; ``facts["path"]`` says where.
    """
    path = "slots"
    try:
        slots = tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in document["slots"])
        path = "official_years"
        first_year, last_year = document["official_years"]
        overrides, covered_until = official_overrides(int(first_year), int(last_year))
        path = "days"
        for text, works in document.get("days", {}).items():
            overrides[date.fromisoformat(text)] = _boolean(works)
        path = "timezone"
        timezone = str(document["timezone"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"The work calendar is wrong at {path}: {error}.", path=path) from None
    return WorkCalendar(
        timezone, slots, overrides, date(int(first_year), 1, 1), covered_until, str(document.get("name", ""))
    )
