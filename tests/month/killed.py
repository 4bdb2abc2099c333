"""Workers of a month that die by signal 9, at named points and at any moment, each followed by another.

Every worker is a process of its own, with its own connections. Half of those to be killed kill themselves
right after a function has answered; the others are killed from outside after a drawn time, wherever they are.
"""

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from gridmgmt.demo.month import run
from gridmgmt.demo.month.office import Office
from gridmgmt.demo.month.plan import MonthPlan
from gridmgmt.domain.channel import Channel, Message
from gridmgmt.escalation import Sending
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import deliveries, outbox, overdue
from gridmgmt.storage.rights.walls import Login
from tests.month.playing import engine_for
from tests.services import climbing, mines

POINTS: dict[str, tuple[Any, str]] = {
    **climbing.POINTS,
    "overdue claimed": (overdue, "claim_overdue"),
    "events claimed for delivery": (outbox, "claim"),
    "events delivered": (outbox, "mark_delivered"),
    "deliveries claimed": (deliveries, "claim"),
    "delivery noted": (deliveries, "note_sent"),
}
_LONGEST_S = 0.4


class Letterbox:
    """A receiver outside: one line a message, kept whatever becomes of the sender."""

    channel = Channel.WEBHOOK

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: Message, _now: datetime) -> None:
        """Take a message in; one write, so that a killed sender leaves no half line."""
        opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(opened, f"{message.id}\n".encode())
        finally:
            os.close(opened)

    def received(self) -> list[str]:
        """Ids of the messages, in the order in which they came."""
        return self._path.read_text(encoding="ascii").split() if self._path.exists() else []


def chores_on(engine: Engine, box: Letterbox, books: RuleBooks, now: datetime) -> None:
    """What a worker does at a moment."""
    sending = Sending([box], clock=lambda: now)
    run.in_process(engine, [Channel.WEBHOOK], books=books, sending=sending)(now)


@dataclass
class Killing:
    """Chores of a month whose workers die.

    Parameters
    ----------
    engine : of the worker that survives; those to be killed have connections of their own.
    kills : how many have to die; 0 for the month that the others are compared with.
    rounds : of the month, among which they are spread.
    """

    url: str
    engine: Engine
    box: Letterbox
    books: RuleBooks
    kills: int
    rounds: Sequence[datetime]
    seed: int = 1
    killed: Counter[str] = field(default_factory=Counter)
    outlived: int = 0
    done: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._share = 2.5 * self.kills / max(1, len(self.rounds))
        self._rounds_left = len(self.rounds)

    def __call__(self, now: datetime) -> None:
        """Workers that die, and then one that does not; the last rounds make up for who outlived his end."""
        self._rounds_left -= 1
        left = self.kills - self.killed.total()
        while left and (left > self._rounds_left or self._chance.random() < self._share):
            self._one_dies(now)
            left = self.kills - self.killed.total()
            if left <= self._rounds_left and self._chance.random() < 0.5:
                break
        chores_on(self.engine, self.box, self.books, now)

    def _one_dies(self, now: datetime) -> None:
        point = self._chance.choice(list(POINTS)) if self._chance.random() < 0.5 else None
        delay_s, nth = self._chance.uniform(0, _LONGEST_S), self._chance.choice((1, 1, 2))
        child = _start(lambda: self._elsewhere(now), point, nth)
        if point is None:
            time.sleep(delay_s)
            os.kill(child, signal.SIGKILL)
        if mines.ended(child) == -signal.SIGKILL:
            self.killed[point or "from outside"] += 1
        else:
            self.outlived += 1

    def _elsewhere(self, now: datetime) -> None:
        with engine_for(self.url, Login.WORKER) as engine:
            chores_on(engine, self.box, self.books, now)


def _start(work: Callable[[], None], point: str | None, nth: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        if point is not None:
            mines.lay_a_mine(*POINTS[point], nth)
        work()
        code = 0
    except Exception as fault:  # noqa: BLE001  said, and seen by the parent in the exit code
        sys.stderr.write(f"{fault}\n")
    finally:
        os._exit(code)


def played(url: str, plan: MonthPlan, books: RuleBooks, box: Path, *, kills: int) -> Killing:
    """Play a month in whose rounds so many workers die."""
    rounds = list(run.rounds_of(plan))
    with engine_for(url, Login.APP) as app, engine_for(url, Login.WORKER) as worker:
        killing = Killing(url, worker, Letterbox(box), books, kills, rounds, plan.seed)
        killing.done = run.play(Office(app, books, plan), killing)
    return killing
