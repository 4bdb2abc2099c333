"""The background process: delivers the outbox and runs the clocks.

Everything it does is driven from the database and safe to do twice, so any number of workers may
run and any of them may die at any moment. It keeps trying while the database is away. It gives two
signs of life: one to the database for those who watch the installation, one to systemd, which starts
it again when the second stays away. The second does not need the database: a worker that waits for
one is not stuck.
"""

import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine

from gridmgmt.errors import Unavailable
from gridmgmt.observe import metrics
from gridmgmt.observe.notify import tell_systemd
from gridmgmt.services import oversight
from gridmgmt.storage import heartbeats, people
from gridmgmt.storage.db import Db, act_as, transaction
from gridmgmt.storage.rights.walls import NOBODY, Acting

log = structlog.get_logger(__name__)

_IDLE_S = 0.25
# Under load rows gather meanwhile, so that a turn delivers many at the price of one.
_BREATH_S = 0.1
_SWEEP_EVERY = timedelta(seconds=5)
_BEAT_EVERY = timedelta(seconds=10)
_LONGEST_PAUSE_S = 30.0


def server_clock() -> datetime:
    """The worker's only clock."""
    return datetime.now(UTC)


def run(engine: Engine, stop: threading.Event, *, clock: Callable[[], datetime] = server_clock) -> None:
    """Work until ``stop`` is set."""
    instance = uuid.uuid4()
    next_sweep_at = next_beat_at = clock()
    pause_s = _IDLE_S
    tell_systemd("READY=1")
    while not stop.is_set():
        tell_systemd("WATCHDOG=1")
        try:
            busy = turn(engine, clock(), sweep=clock() >= next_sweep_at)
            if clock() >= next_sweep_at:
                next_sweep_at = clock() + _SWEEP_EVERY
            # After a turn that went well: a worker that only fails gives no sign of life.
            if clock() >= next_beat_at:
                beat(engine, instance)
                next_beat_at = clock() + _BEAT_EVERY
            pause_s = _BREATH_S if busy else _IDLE_S
        except Unavailable:
            pause_s = min(_LONGEST_PAUSE_S, max(1.0, pause_s * 2))
            metrics.turn_ended("unavailable")
            log.warning("worker_database_unavailable", retry_in_s=pause_s)
        except Exception:
            # One bad row must not stop the clocks of all others.
            pause_s = min(_LONGEST_PAUSE_S, max(1.0, pause_s * 2))
            metrics.turn_ended("failed")
            log.exception("worker_turn_failed", retry_in_s=pause_s)
        stop.wait(pause_s)
    tell_systemd("STOPPING=1")


def run_beside(
    step: Callable[[datetime], object],
    stop: threading.Event,
    *,
    clock: Callable[[], datetime] = server_clock,
    every_s: float = 5.0,
) -> threading.Thread:
    """Do a slow chore in small steps, in a thread of its own: events must not wait for it.

    Parameters
    ----------
    step : does a little, or nothing when it is not time for it.
    """

    def loop() -> None:
        while not stop.wait(every_s):
            try:
                step(clock())
            except Unavailable:
                log.warning("worker_chore_unavailable")
            except Exception:
                log.exception("worker_chore_failed")

    thread = threading.Thread(target=loop, name="chore", daemon=True)
    thread.start()
    return thread


def turn(engine: Engine, now: datetime, *, sweep: bool) -> bool:
    """One round: announce what became overdue, deliver what waits; whether there may be more."""
    if sweep:
        began = time.perf_counter()
        with for_every_subdistrict(engine) as db:
            announced = oversight.announce_overdue(db, now)
        metrics.swept(time.perf_counter() - began, announced=announced)
    with for_every_subdistrict(engine) as db:
        delivered = oversight.deliver(db, now)
    metrics.turn_ended("done", delivered=delivered)
    return delivered > 0


def beat(engine: Engine, instance: uuid.UUID) -> None:
    """Give a sign of life."""
    with transaction(engine, Acting.lookout()) as db:
        heartbeats.beat(db, "worker", instance)


@contextmanager
def for_every_subdistrict(engine: Engine) -> Iterator[Db]:
    """A transaction of the platform itself over all subdistricts."""
    with transaction(engine, NOBODY) as db:
        act_as(db, Acting.system(people.every_subdistrict(db)))
        yield db


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set: the turn under way is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
