"""What the worker does about people: inboxes, the ladder, deliveries to channels outside, stale deadlines.

Chores beside the worker's turn, so that live pages wait for neither. All are driven from the database,
any number of processes may do them, and each of them may die at any moment.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine

from gridmgmt.adapters.channels import Sender
from gridmgmt.domain.channel import Channel
from gridmgmt.errors import Unavailable
from gridmgmt.observe import metrics
from gridmgmt.services import clock_watch, escalating, notifying
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import deliveries, people
from gridmgmt.storage.deliveries import Due
from gridmgmt.worker import for_every_subdistrict, server_clock

log = structlog.get_logger(__name__)

# A step ends now and then even under a backlog, so that a worker that is told to stop does.
_MOST_ROUNDS = 50
SENT_AT_ONCE = 4
"""With the timeouts of the settings, less than a lease: nobody else may take what is still being sent."""


class Escalating:
    """One worker's share of telling people and of the ladder.

    Parameters
    ----------
    channels : those that deliveries are made for.
    batch : most cases looked at in one transaction.
    books : rulebooks that are held already.
    """

    def __init__(
        self, channels: Sequence[Channel], *, batch: int = escalating.BATCH, books: RuleBooks | None = None
    ) -> None:
        self._channels, self._books, self._batch = tuple(channels), books or RuleBooks(), batch

    def __call__(self, engine: Engine, now: datetime) -> None:
        """Tell of what was delivered, then look at every case that is due."""
        for _ in range(_MOST_ROUNDS):
            with for_every_subdistrict(engine) as db:
                told = notifying.tell(db, now, self._books, self._channels)
            if not told:
                break
        for _ in range(_MOST_ROUNDS):
            with for_every_subdistrict(engine) as db:
                looked = escalating.climb(db, now, self._books, self._channels, limit=self._batch)
            metrics.ladder_looked(looked)
            if looked < self._batch:
                break


class FollowingRules:
    """One worker's share of keeping open deadlines as the rules say; a batch in a transaction.

    Parameters
    ----------
    batch : most cases computed anew in one transaction.
    """

    def __init__(self, *, batch: int = clock_watch.BATCH) -> None:
        self._books, self._batch = RuleBooks(), batch

    def __call__(self, engine: Engine, now: datetime) -> None:
        """Look at every street; a few batches of those whose deadlines are stale."""
        with for_every_subdistrict(engine) as db:
            codes = people.subdistricts_in_scope(db)
        for code in codes:
            for _ in range(_MOST_ROUNDS):
                with for_every_subdistrict(engine) as db:
                    more = clock_watch.follow_rules(db, now, self._books, code, size=self._batch)
                if not more:
                    break


class Sending:
    """One worker's share of deliveries to channels outside; no transaction is open while it sends."""

    def __init__(self, senders: Sequence[Sender], *, clock: Callable[[], datetime] = server_clock) -> None:
        self._senders, self._clock = {sender.channel: sender for sender in senders}, clock

    def __call__(self, engine: Engine, now: datetime) -> None:
        """Send what is due, a few at a time."""
        if not self._senders:
            return
        for _ in range(_MOST_ROUNDS):
            if not self._some(engine, now):
                break
            now = max(now, self._clock())

    def _some(self, engine: Engine, now: datetime) -> int:
        with for_every_subdistrict(engine) as db:
            due = deliveries.claim(db, tuple(self._senders), now, limit=SENT_AT_ONCE)
        for one in due:
            error = self._tried(one, now)
            with for_every_subdistrict(engine) as db:
                if error is None:
                    deliveries.note_sent(db, one, now)
                elif deliveries.note_failed(db, one, error, now):
                    log.error("delivery_given_up", channel=one.channel, id=str(one.message.id), error=error)
            metrics.delivery_tried(one.channel, sent=error is None)
        return len(due)

    def _tried(self, one: Due, now: datetime) -> str | None:
        """Send one; why it did not arrive, or None."""
        try:
            self._senders[one.channel].send(one.message, now)
        except Unavailable as fault:
            return fault.message
        except Exception as fault:
            # One that cannot be sent has its tries counted as any other, and holds up none beside it.
            log.exception("delivery_failed_unforeseen", kind=str(one.channel))
            return type(fault).__name__
        return None


def each_apart(senders: Sequence[Sender]) -> list[Sending]:
    """A share for each channel: whichever receiver is slow, the other channels do not wait for it."""
    return [Sending([sender]) for sender in senders]
