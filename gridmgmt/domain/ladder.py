"""The ladder 逐级督促: who hears of a limit that is nearly used up, used up, and long past (R22b).

At 80, 100 and 150 % of a running limit a case climbs one *rung*: first whoever has it and the grid worker
网格员, then the grid leader 网格长 and the community, then the street's desks and director, and the
district. Which rung tells whom is data (:class:`Rung`). A rung that nobody acknowledges 签阅 within its
time tells those of the next one, once.

A case may have several limits at once (signing for, a milestone, the result); each climbs by itself, in
*rounds*: whenever a limit begins anew or its deadline moves, the next round starts at the first rung.
Shares are counted on the limit's own clock, working time where it is one, and without holds 挂账.

:func:`look` is a pure function of what is held and what runs now. Looking late records every rung that was
passed meanwhile and tells people once, of the highest; looking twice changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.worktime import LimitUnit, WorkCalendar, add_working_time, elapsed, shift_deadline
from gridmgmt.errors import InvalidInput

MOST_RUNGS = 9
_ALL = 100


class Level(StrEnum):
    """Who can be told, from the street's pavement upwards."""

    HOLDER = "holder"
    """Whoever has to act now: the assigned worker, the unit's handlers, or the desk 承办人."""
    GRID_WORKER = "grid_worker"
    """网格员 of the cell."""
    GRID_LEADER = "grid_leader"
    """网格长 of the cell."""
    COMMUNITY = "community"
    """The community's people 社区."""
    STREET = "street"
    """The street's dispatcher, shift leader and director 街道."""
    DISTRICT = "district"
    """The district's grid centre 区网格中心."""


class Rung(NamedTuple):
    """At this share of a limit these are told, and one of them acknowledges within so many minutes.

    ``acknowledge_minutes`` run on the limit's own clock; 0 waits for nobody.
    """

    no: int
    percent: int
    levels: tuple[Level, ...]
    acknowledge_minutes: int


DEFAULT_RUNGS = (
    Rung(1, 80, (Level.HOLDER, Level.GRID_WORKER), 60),
    Rung(2, 100, (Level.HOLDER, Level.GRID_LEADER, Level.COMMUNITY), 60),
    Rung(3, 150, (Level.STREET, Level.DISTRICT), 120),
)
"""Where a street says nothing else. Illustrative: no text that was found gives Tianjin's."""


def check_rungs(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The rungs of one street, in their order.

    Raises
    ------
    InvalidInput
        No rung, more than nine, numbers that are not 1, 2, 3 …, shares that do not rise or lie outside
        1-1000 %, a rung without people or one that waits for more than thirty days.
    """
    ordered = tuple(sorted(rungs))
    if not ordered or len(ordered) > MOST_RUNGS:
        raise InvalidInput("A ladder has one to nine rungs.", rule="R22b", field="rungs")
    for number, rung in enumerate(ordered, start=1):
        below = ordered[number - 2].percent if number > 1 else 0
        if rung.no != number or not below < rung.percent <= 10 * _ALL:
            raise InvalidInput("Rungs are numbered 1, 2, 3 and their shares rise.", rule="R22b", no=rung.no)
        if is_empty(rung.levels) or not 0 <= rung.acknowledge_minutes <= 30 * 24 * 60:
            raise InvalidInput(
                "A rung names whom it tells and waits thirty days at most.", rule="R22b", no=rung.no
            )
    return ordered


class Pause(NamedTuple):
    """A hold 挂账 that has ended."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Running:
    """A limit that runs now. ``pauses`` are holds within it, in their order; they are nobody's time."""

    clock: str
    started_at: datetime
    due_at: datetime
    unit: LimitUnit
    pauses: tuple[Pause, ...] = ()


def rung_at(running: Running, percent: int, calendar: WorkCalendar) -> datetime:
    """When so much of a limit is used up; at 100 % exactly its deadline.

    Examples
    --------
    Eight working hours from Monday 08:30: 80 % are used at 16:24 of that day, not at a share of the night.
    """
    if percent == _ALL:
        return running.due_at
    unit = running.unit
    total = elapsed(running.started_at, running.due_at, unit, calendar)
    for pause in running.pauses:
        total -= elapsed(pause.since, min(pause.until, running.due_at), unit, calendar)
    if total <= timedelta(0):
        return running.due_at
    at = _after(running.started_at, total * percent // _ALL, unit, calendar)
    for pause in running.pauses:
        at = shift_deadline(at, pause.since, pause.until, unit, calendar)
    return at


def _after(at: datetime, amount: timedelta, unit: LimitUnit, calendar: WorkCalendar) -> datetime:
    return at + amount if unit.is_natural else add_working_time(at, amount, calendar)


@dataclass(frozen=True, slots=True)
class Round:
    """What is held about one limit of a case: which round it is in, and the rung that was reached."""

    number: int
    started_at: datetime
    due_at: datetime
    unit: LimitUnit
    reached: int = 0
    runs: bool = True

    def is_of(self, running: Running) -> bool:
        """Whether this is the round of a limit as it runs now."""
        mine = (self.started_at, self.due_at, self.unit)
        return self.runs and mine == (running.started_at, running.due_at, running.unit)


class Waiting(NamedTuple):
    """A rung whose people were told and of whom none has acknowledged yet."""

    clock: str
    round: int
    rung: int
    acknowledge_by: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A rung that was passed: when it was due, and until when somebody acknowledges.

    Of several rungs passed at once only the highest is ``told``.
    """

    clock: str
    round: int
    rung: Rung
    due_at: datetime
    told: bool
    acknowledge_by: datetime | None


@dataclass(frozen=True, slots=True)
class Telling:
    """Tell these levels about one limit. ``passed_on`` : because nobody acknowledged ``rung``."""

    clock: str
    round: int
    rung: Rung
    levels: tuple[Level, ...]
    due_at: datetime
    passed_on: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a case found, and when to look again; None while nothing runs."""

    rounds: Mapping[str, Round]
    steps: tuple[Step, ...] = ()
    tellings: tuple[Telling, ...] = ()
    next_at: datetime | None = None


_NONE_HELD: Mapping[str, Round] = MappingProxyType({})


def look(
    held: Mapping[str, Round] = _NONE_HELD,
    running: Sequence[Running] = (),
    waiting: Sequence[Waiting] = (),
    *,
    rungs: Sequence[Rung] = DEFAULT_RUNGS,
    now: datetime,
    calendar: WorkCalendar,
) -> Look:
    """Take every rung that has been passed, pass on what nobody acknowledged, and say when to look again.

    Parameters
    ----------
    held : rounds by limit, as the last look left them.
    waiting : rungs told and not acknowledged, and not passed on before.
    rungs : of the street, rising (:func:`check_rungs`).
    """
    looking = _Looking({clock: replace(r, runs=False) for clock, r in held.items()}, rungs, now, calendar)
    for one in running:
        before = held.get(one.clock)
        if before is not None and before.is_of(one):
            looking.rounds[one.clock] = before
        else:
            number = before.number + 1 if before else 1
            looking.rounds[one.clock] = Round(number, one.started_at, one.due_at, one.unit)
        looking.climb(one)
    for one_waiting in waiting:
        looking.pass_on(one_waiting)
    return Look(
        looking.rounds, tuple(looking.steps), tuple(looking.tellings), min(looking.next_at, default=None)
    )


@dataclass(slots=True)
class _Looking:
    rounds: dict[str, Round]
    rungs: Sequence[Rung]
    now: datetime
    calendar: WorkCalendar
    steps: list[Step] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    next_at: list[datetime] = field(default_factory=list)

    def climb(self, one: Running) -> None:
        round_ = self.rounds[one.clock]
        above = [(r, rung_at(one, r.percent, self.calendar)) for r in self.rungs if r.no > round_.reached]
        passed = [(rung, at) for rung, at in above if at <= self.now]
        self.next_at += [at for _, at in above[len(passed) : len(passed) + 1]]
        if not passed:
            return
        highest = passed[-1][0]
        by = self._acknowledge_by(highest, one.unit)
        self.steps += [
            Step(one.clock, round_.number, rung, at, rung is highest, by if rung is highest else None)
            for rung, at in passed
        ]
        levels = tuple(dict.fromkeys(level for rung, _ in passed for level in rung.levels))
        self.tellings.append(Telling(one.clock, round_.number, highest, levels, one.due_at))
        self.rounds[one.clock] = replace(round_, reached=highest.no)
        if by is not None:
            self.next_at.append(by)

    def _acknowledge_by(self, rung: Rung, unit: LimitUnit) -> datetime | None:
        if not rung.acknowledge_minutes:
            return None
        return _after(self.now, timedelta(minutes=rung.acknowledge_minutes), unit, self.calendar)

    def pass_on(self, one: Waiting) -> None:
        round_ = self.rounds.get(one.clock)
        # A round that ended needs nobody's attention; a higher rung has told more people already.
        if round_ is None or not round_.runs or (one.round, one.rung) != (round_.number, round_.reached):
            return
        if one.acknowledge_by > self.now:
            self.next_at.append(one.acknowledge_by)
            return
        rung = next((r for r in self.rungs if r.no == one.rung), None)
        if rung is None:
            return
        above = next((r for r in self.rungs if r.no > one.rung), rung)
        self.tellings.append(Telling(one.clock, one.round, rung, above.levels, round_.due_at, passed_on=True))
