"""The clocks of one case and what each action does to them: the only place where a deadline is made.

Four deadlines can run. The unit's *handling* deadline 处置时限; before its signature the *sign-for*
deadline 签收时限; *milestones* 阶段时限 of classes whose work has parts (停工 → 处罚 → 拆除); and the
*stage* deadline, that of whoever has to act now. All start at the dispatch. A hold 挂账 pauses and an
extension 延时 lengthens what is still open; rework and reopening start the same limits anew; a return
退单 drops them, so that the wrong unit's time is not charged to the next.

:func:`tick` is pure and is called by ``case.advance`` for every step and by :mod:`.deadlines` for the
whole history, so that what is stored and what is recomputed cannot differ. Source: DOMAIN §4.3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from gridmgmt.domain.facts import read_amount, read_day, read_limit_unit
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workflow import Clock, State
from gridmgmt.domain.worktime import LimitUnit, WorkCalendar, deadline, shift_deadline
from gridmgmt.errors import InvalidInput, NotReady

_ZERO = timedelta(0)
_DAY = timedelta(days=1)
_NO_WINDOWS: Mapping[Window, Limit] = MappingProxyType({})


class MilestoneLimit(NamedTuple):
    """A part of the work with its own limit, counted from the dispatch."""

    code: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the deadlines of one case are computed with: the calendar and the limits that apply to it.

    ``stage_limits`` gives each desk its own limit by state; ``handling_limit`` is the class's limit
    (小类 × 立案条件 × 区域类别) for the responsible unit, with its ``source``. ``milestones`` are those
    before the last one: the last is the handling limit itself. ``windows`` are the times for what stands
    beside the states, such as sending back and reopening.
    """

    calendar: WorkCalendar
    stage_limits: Mapping[State, Limit]
    handling_limit: Limit
    sign_for: Limit | None = None
    milestones: tuple[MilestoneLimit, ...] = ()
    source: str = ""
    windows: Mapping[Window, Limit] = field(default_factory=lambda: _NO_WINDOWS)

    def window_end(self, window: Window, since: datetime | None) -> datetime | None:
        """When a window that opened at ``since`` closes; None where the catalogue sets none."""
        limit = self.windows.get(window)
        return deadline(since, limit.amount, limit.unit, self.calendar) if limit and since else None


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone of one case: its limit, when it is due, and when the unit reported it reached."""

    code: str
    amount: int
    unit: LimitUnit
    due_at: datetime
    reached_at: datetime | None = None


class Clocked(Protocol):
    """Whatever holds the clocks of a case."""

    @property
    def limit_amount(self) -> int | None:
        """Of the running handling limit."""

    @property
    def limit_unit(self) -> LimitUnit | None:
        """Of the running handling limit."""

    @property
    def clock_started_at(self) -> datetime | None:
        """When the round of handling began."""

    @property
    def clock_paused_at(self) -> datetime | None:
        """Since when the case is on hold."""

    @property
    def signed_at(self) -> datetime | None:
        """When the unit signed."""

    @property
    def sign_due_at(self) -> datetime | None:
        """By when it signs."""

    @property
    def due_at(self) -> datetime | None:
        """By when it hands in the result."""

    @property
    def milestones(self) -> tuple[Milestone, ...]:
        """The parts of the work before the last."""


_NO_ROUND: Mapping[str, Any] = {
    "limit_amount": None, "limit_unit": None, "clock_started_at": None, "clock_paused_at": None,
    "due_at": None, "signed_at": None, "sign_due_at": None, "milestones": (),
}  # fmt: skip


def tick(
    held: Clocked, clock: Clock, target: State, now: datetime, clocks: Clocks, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a step changes of the clocks, as fields of the case.

    Parameters
    ----------
    clock, target : of the step's row in the workflow table.
    facts : of the step; those that are computed with must be readable.

    Raises
    ------
    InvalidInput
        A fact that is computed with cannot be read.
    """
    changes = unit_changes(held, clock, now, clocks, facts)
    changes["stage_due_at"] = stage_due(held, changes, target, now, clocks, facts)
    return changes


def first_stage_due(state: State, now: datetime, clocks: Clocks) -> datetime | None:
    """The deadline of the desk at which a case is opened."""
    return _desk_due(state, now, clocks)


def next_milestone(milestones: tuple[Milestone, ...]) -> Milestone | None:
    """The first that is not reached: they are reached in their order."""
    return next((m for m in milestones if m.reached_at is None), None)


def require_next_milestone(milestones: tuple[Milestone, ...], code: object) -> None:
    """Refuse to report any other milestone than the next.

    Raises
    ------
    NotReady
        ``facts["next"]`` names the one that is due, None when there is none left to report.
    """
    following = next_milestone(milestones)
    if following is None or code != following.code:
        raise NotReady(
            "Milestones are reported in their order.",
            article="22-2",
            rule="R22b",
            guard="next_milestone",
            next=following.code if following else None,
        )


def require_milestones_reached(milestones: tuple[Milestone, ...]) -> None:
    """Refuse a handling result while a milestone before the last is open.

    Raises
    ------
    NotReady
        ``facts["next"]`` names it.
    """
    following = next_milestone(milestones)
    if following is not None:
        raise NotReady(
            "Report the milestones before the result.",
            article="22-2",
            rule="R22b",
            guard="milestones_reached",
            next=following.code,
        )


def require_day_to_come(facts: Mapping[str, Any], now: datetime, calendar: WorkCalendar) -> None:
    """Refuse a hold that would have ended before today.

    Raises
    ------
    InvalidInput
        The day lies in the past or cannot be read.
    """
    if read_day(facts, "resume_on") < calendar.local_date(now):
        raise InvalidInput("A hold ends on a day to come.", article="22-2", rule="R22b", field="resume_on")


def unit_changes(  # noqa: PLR0911  one branch a clock
    held: Clocked, clock: Clock, now: datetime, clocks: Clocks, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a step changes of the unit's clocks: of all but the stage deadline."""
    match clock:
        case Clock.START:
            return _started(now, clocks)
        case Clock.RESTART:
            return _restarted(held, now, clocks)
        case Clock.SIGN if held.signed_at is None:
            return {"signed_at": now}
        case Clock.REACH:
            return {"milestones": tuple(_reached(held, str(facts["milestone"]), now))}
        case Clock.ADD if held.due_at is not None:
            amount, unit = read_amount(facts, "amount"), read_limit_unit(facts, "unit")
            return _extended(held, held.due_at, amount, unit, clocks)
        case Clock.PAUSE:
            return {"clock_paused_at": now}
        case Clock.RESUME if held.clock_paused_at and held.due_at and held.limit_unit:
            return _resumed(held, held.clock_paused_at, held.due_at, held.limit_unit, now, clocks)
        case Clock.STOP:
            return {"clock_paused_at": None}
        case Clock.DROP:
            return dict(_NO_ROUND)
        case _:
            return {}


def _started(now: datetime, clocks: Clocks) -> dict[str, Any]:
    limit, sign = clocks.handling_limit, clocks.sign_for
    return {
        "limit_amount": limit.amount,
        "limit_unit": limit.unit,
        "clock_started_at": now,
        "clock_paused_at": None,
        "due_at": deadline(now, limit.amount, limit.unit, clocks.calendar),
        "signed_at": None,
        "sign_due_at": deadline(now, sign.amount, sign.unit, clocks.calendar) if sign else None,
        "milestones": tuple(
            Milestone(
                m.code,
                m.limit.amount,
                m.limit.unit,
                deadline(now, m.limit.amount, m.limit.unit, clocks.calendar),
            )
            for m in clocks.milestones
        ),
    }


def _restarted(held: Clocked, now: datetime, clocks: Clocks) -> dict[str, Any]:
    limit = clocks.handling_limit
    if held.limit_amount is not None and held.limit_unit is not None:
        limit = Limit(held.limit_amount, held.limit_unit)
    return {
        "limit_amount": limit.amount,
        "limit_unit": limit.unit,
        "clock_started_at": now,
        "clock_paused_at": None,
        "due_at": deadline(now, limit.amount, limit.unit, clocks.calendar),
        "milestones": tuple(
            replace(m, due_at=deadline(now, m.amount, m.unit, clocks.calendar)) if m.reached_at is None else m
            for m in held.milestones
        ),
    }


def _reached(held: Clocked, code: str, now: datetime) -> Iterator[Milestone]:
    for m in held.milestones:
        yield replace(m, reached_at=now) if m.code == code and m.reached_at is None else m


def _extended(
    held: Clocked, due_at: datetime, amount: int, unit: LimitUnit, clocks: Clocks
) -> dict[str, Any]:
    def later(due_at: datetime) -> datetime:
        return deadline(due_at, amount, unit, clocks.calendar)

    return {
        "due_at": later(due_at),
        "milestones": tuple(
            replace(m, due_at=later(m.due_at)) if m.reached_at is None else m for m in held.milestones
        ),
    }


def _resumed(
    held: Clocked,
    paused_at: datetime,
    due_at: datetime,
    unit: LimitUnit,
    now: datetime,
    clocks: Clocks,
) -> dict[str, Any]:
    def later(due_at: datetime, unit: LimitUnit) -> datetime:
        return shift_deadline(due_at, paused_at, now, unit, clocks.calendar)

    changes: dict[str, Any] = {
        "clock_paused_at": None,
        "due_at": later(due_at, unit),
        "milestones": tuple(
            replace(m, due_at=later(m.due_at, m.unit)) if m.reached_at is None else m for m in held.milestones
        ),
    }
    if held.sign_due_at is not None and held.signed_at is None and clocks.sign_for is not None:
        changes["sign_due_at"] = later(held.sign_due_at, clocks.sign_for.unit)
    return changes


def stage_due(
    held: Clocked,
    changes: Mapping[str, Any],
    target: State,
    now: datetime,
    clocks: Clocks,
    facts: Mapping[str, Any],
) -> datetime | None:
    """Every open state has a deadline: the unit's next one, the end of a hold's last day, or the desk's.

    It depends on the newest step alone; ``changes`` are those of that step.
    """
    if target is State.HANDLING:
        return min(_open_deadlines(held, changes), default=None)
    if target is State.ON_HOLD:
        return clocks.calendar.utc(read_day(facts, "resume_on") + _DAY, _ZERO)
    return _desk_due(target, now, clocks)


def _open_deadlines(held: Clocked, changes: Mapping[str, Any]) -> Iterator[datetime]:
    due_at, sign_due_at = changes.get("due_at", held.due_at), changes.get("sign_due_at", held.sign_due_at)
    if due_at is not None:
        yield due_at
    if sign_due_at is not None and changes.get("signed_at", held.signed_at) is None:
        yield sign_due_at
    following = next_milestone(changes.get("milestones", held.milestones))
    if following is not None:
        yield following.due_at


def _desk_due(state: State, now: datetime, clocks: Clocks) -> datetime | None:
    limit = None if state.is_final else clocks.stage_limits.get(state)
    return deadline(now, limit.amount, limit.unit, clocks.calendar) if limit else None
