"""Deadlines by counting minutes, one after the other: slow, plain, and written without the domain's code.

A calendar is a list that says of every minute whether people work in it. Everything else is walking along
that list. Times are minutes since ``START``; the model knows no stored state and no shortcut, so that it
can be believed. Units are the stored values of limits (DOMAIN §4.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

START = datetime(2026, 1, 4, 16, 0, tzinfo=UTC)
"""Monday 2026-01-05 00:00 in Tianjin, which is eight hours ahead and knows no summer time."""
FIRST_DAY = date(2026, 1, 5)
DAY = 24 * 60


def minute_of(at: datetime) -> int:
    minutes, rest = divmod(at - START, timedelta(minutes=1))
    assert not rest, at
    return minutes


def instant_of(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


class Minutes:
    """Every minute of ``days`` days: worked or not."""

    def __init__(self, days: int, slots: Sequence[tuple[int, int]], overrides: Mapping[date, bool]) -> None:
        worked = bytes(any(a <= minute < b for a, b in slots) for minute in range(DAY))
        self.works = bytearray()
        for number in range(days):
            day = FIRST_DAY + timedelta(days=number)
            self.works += worked if overrides.get(day, day.weekday() < 5) else bytes(DAY)

    def deadline(self, start: int, amount: int, unit: str) -> int:
        if unit == "natural_minute":
            return start + amount
        if unit == "natural_hour":
            return start + 60 * amount
        if unit == "working_hour":
            return self.after_working(start, 60 * amount)
        at = start
        while not self.works[at]:
            at += 1
        clock, days = at % DAY, 0
        while days < amount:
            at += 1
            if at % DAY == clock and self.works[at]:
                days += 1
        return at

    def after_working(self, start: int, minutes: int) -> int:
        """The first instant by which so many minutes have been worked."""
        at = start
        while minutes > 0:
            if self.works[at]:
                minutes -= 1
            at += 1
        return at

    def between(self, start: int, end: int, unit: str) -> int:
        """Minutes on the clock of a unit between two instants."""
        if unit.startswith("natural"):
            return max(0, end - start)
        return sum(self.works[start:end]) if end > start else 0

    def moved(self, due: int, paused: int, resumed: int, unit: str) -> int:
        """A deadline after a pause: what was left runs on from the end of the pause."""
        if due <= paused or resumed <= paused:
            return due
        left = self.between(paused, due, unit)
        return resumed + left if unit.startswith("natural") else self.after_working(resumed, left)

    def light(self, start: int, due: int, now: int, unit: str) -> str:
        if now > due:
            return "red"
        used, whole = self.between(start, now, unit), self.between(start, due, unit)
        return "green" if used * 100 <= whole * 80 else "yellow"


@dataclass
class Model:
    """The unit's clocks by hand: a list of what happened, in minutes."""

    minutes: Minutes
    limit: tuple[int, str] | None = None
    due: int | None = None
    started: int | None = None
    paused: int | None = None
    signed: bool = False
    sign_due: int | None = None
    sign_unit: str = ""
    parts: list[dict[str, object]] = field(default_factory=list)

    def dispatch(
        self,
        at: int,
        limit: tuple[int, str],
        sign: tuple[int, str] | None,
        parts: Iterable[tuple[str, int, str]],
    ) -> None:
        self.limit, self.started, self.paused, self.signed = limit, at, None, False
        self.due = self.minutes.deadline(at, *limit)
        self.sign_due = self.minutes.deadline(at, *sign) if sign else None
        self.sign_unit = sign[1] if sign else ""
        self.parts = [
            {"code": c, "amount": a, "unit": u, "due": self.minutes.deadline(at, a, u), "reached": None}
            for c, a, u in parts
        ]

    def send_back(self) -> None:
        self.limit = self.due = self.started = self.paused = self.sign_due = None
        self.signed, self.parts = False, []

    def again(self, at: int) -> None:
        """Rework or reopening."""
        assert self.limit is not None
        self.started, self.paused = at, None
        self.due = self.minutes.deadline(at, *self.limit)
        for part in self.parts:
            if part["reached"] is None:
                part["due"] = self.minutes.deadline(at, part["amount"], part["unit"])

    def extend(self, amount: int, unit: str) -> None:
        assert self.due is not None
        self.due = self.minutes.deadline(self.due, amount, unit)
        for part in self.parts:
            if part["reached"] is None:
                part["due"] = self.minutes.deadline(part["due"], amount, unit)

    def resume(self, at: int) -> None:
        assert self.due is not None
        assert self.paused is not None
        assert self.limit is not None
        self.due = self.minutes.moved(self.due, self.paused, at, self.limit[1])
        if self.sign_due is not None and not self.signed:
            self.sign_due = self.minutes.moved(self.sign_due, self.paused, at, self.sign_unit)
        for part in self.parts:
            if part["reached"] is None:
                part["due"] = self.minutes.moved(part["due"], self.paused, at, str(part["unit"]))
        self.paused = None

    def reach(self, at: int) -> None:
        part = next(p for p in self.parts if p["reached"] is None)
        part["reached"] = at

    @property
    def next_due(self) -> int | None:
        """What a handling case has to keep next."""
        open_parts = [int(str(p["due"])) for p in self.parts if p["reached"] is None][:1]
        unsigned = [] if self.signed or self.sign_due is None else [self.sign_due]
        return min([*([] if self.due is None else [self.due]), *open_parts, *unsigned], default=None)
