"""Play a month: everybody's lives in simulated time, and the workers' chores between them."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from gridmgmt import worker
from gridmgmt.demo.month import lives, rounds
from gridmgmt.demo.month.office import Office
from gridmgmt.demo.month.plan import FATES, MonthPlan
from gridmgmt.domain.channel import Channel
from gridmgmt.escalation import Escalating
from gridmgmt.services.rulebooks import RuleBooks

Chores = Callable[[datetime], None]
"""What the workers do at a moment, until nothing is left to do."""

_BUSY_H, _QUIET_H = 2, 4
_DAY_BEGINS_H, _DAY_ENDS_H = 8, 19
_LAST_REPORT = 0.93
"""Of the month; so that most of it comes to an end."""


def in_process(
    engine: Engine,
    channels: Sequence[Channel] = (),
    *,
    books: RuleBooks | None = None,
    sending: Callable[[Engine, datetime], None] | None = None,
) -> Chores:
    """The workers' chores in this process: what a worker does in a minute, until nothing is left to do.

    Parameters
    ----------
    engine : of the worker's login.
    channels, sending : deliveries to channels outside; without them people have their inboxes.
    """
    escalating = Escalating(channels, books=books)

    def chores(now: datetime) -> None:
        sweep = True
        # The ladder writes events itself, so that a turn comes after it as well.
        while worker.turn(engine, now, sweep=sweep) or sweep:
            sweep = False
            escalating(engine, now)
            if sending is not None:
                sending(engine, now)

    return chores


def play(
    office: Office,
    chores: Chores,
    *,
    look: Callable[[], None] | None = None,
    looks: Sequence[datetime] = (),
    tell: Callable[[datetime], None] = lambda _: None,
) -> dict[str, int]:
    """Play the office's month; how often each thing was done.

    Parameters
    ----------
    look : called at each of ``looks``, when everything before it has been done.
    tell : hears each moment that was reached.
    """
    _fill(office)
    moments = [(at, None) for at in rounds_of(office.plan)] + [(at, look) for at in looks]
    for at, looking in sorted(moments, key=lambda m: m[0]):
        office.diary.until(at, tell)
        if looking is None:
            chores(at)
        else:
            looking()
    return {str(name): count for name, count in sorted(office.done.items())}


def _fill(office: Office) -> None:
    plan = office.plan
    rng = random.Random(f"{plan.seed} month")  # noqa: S311  a drawn month, no secret
    for number, fate in enumerate(fates(plan, rng)):
        own = random.Random(f"{plan.seed} life {number}")  # noqa: S311
        at = office.share_of_month(own.uniform(0.0, _LAST_REPORT if number >= len(FATES) else 0.3))
        office.diary.begin(lives.BY_NAME[fate](office, own), at)
    for number, cell in enumerate(office.cells):
        own = random.Random(f"{plan.seed} patrol {number}")  # noqa: S311
        office.diary.begin(rounds.patrol(office, own, cell, number % plan.patrol_every), plan.start)
    office.diary.begin(rounds.inboxes(office), plan.start)
    office.diary.begin(rounds.leave(office), plan.start)


def fates(plan: MonthPlan, rng: random.Random) -> list[str]:
    """The fates of a month's cases: each at least once, the others as often as drawn."""
    drawn = rng.choices(list(FATES), list(FATES.values()), k=max(0, plan.cases - len(FATES)))
    return [*FATES, *drawn]


def rounds_of(plan: MonthPlan) -> Iterator[datetime]:
    """When the workers look: each hour of the day, a few times a night."""
    at = plan.start
    while at < plan.end:
        hours = (at - plan.start).seconds // 3600
        at += timedelta(hours=_BUSY_H if _DAY_BEGINS_H <= hours < _DAY_ENDS_H else _QUIET_H)
        yield min(at, plan.end)
