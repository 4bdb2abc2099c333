"""One listener per process that fans delivered events out to the open streams.

The worker numbers what it delivers; this side reads the rows by that number, which grows in commit
order. A slow browser loses its stream, not the others' (its queue is bounded); it reconnects with the
last number it saw and misses nothing.

Whoever resumes subscribes first and reads what he missed afterwards: an event that is delivered in
between arrives by both ways, and its number tells.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from gridmgmt.domain.events import EventKind
from gridmgmt.errors import Unavailable
from gridmgmt.storage.outbox import OutboxRow

log = structlog.get_logger(__name__)

_HEARTBEAT_S = 15.0
_POLL_S = 0.5
_QUEUE = 1000


@dataclass(eq=False, slots=True)
class Subscription:
    """One open stream."""

    scope: frozenset[str]
    person_id: UUID | None = None
    queue: asyncio.Queue[OutboxRow | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    overrun: bool = False
    ended: bool = False


def is_for(row: OutboxRow, person_id: UUID | None) -> bool:
    """Whether somebody may hear of an event of his subdistrict: that of an inbox is its owner's."""
    return row.kind != EventKind.INBOX_CHANGED or str(person_id) in row.facts.get("people", ())


class Hub:
    """Distributes delivered events.

    Parameters
    ----------
    fetch : reads rows delivered after a delivery number, of any subdistrict; called in a thread.
    newest : the delivery number to begin after; called in a thread whenever reading begins.
    """

    def __init__(self, fetch: Callable[[int], list[OutboxRow]], newest: Callable[[], int]) -> None:
        self._fetch = fetch
        self._newest = newest
        self._open: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._ending = False

    async def subscribe(self, scope: frozenset[str], person_id: UUID | None = None) -> Subscription:
        """Open a stream for these subdistricts: every event delivered after the return will be in it.

        ``person_id`` is who looks; events about inboxes reach their owners alone.

        Raises
        ------
        Unavailable
            The database is down, or the server stops; nothing was opened.
        """
        if self._ending:
            raise Unavailable("The server is stopping; come back in a moment.", retry_after_s=2)
        subscription = Subscription(scope, person_id)
        async with self._starting:
            if self._task is None or self._task.done():
                last = await asyncio.to_thread(self._newest)
                self._open.add(subscription)
                self._task = asyncio.create_task(self._run(last))
            else:
                self._open.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Close a stream."""
        self._open.discard(subscription)

    async def rows(self, subscription: Subscription) -> AsyncIterator[OutboxRow | None]:
        """Events of a stream; None after each quiet interval, so that dead peers are noticed."""
        while not (subscription.overrun or subscription.ended):
            try:
                row = await asyncio.wait_for(subscription.queue.get(), _HEARTBEAT_S)
            except TimeoutError:
                row = None
            if not subscription.ended or row is not None:
                yield row

    def end(self) -> None:
        """The server stops: every open stream ends after what it has already; call in the event loop."""
        self._ending = True
        for subscription in self._open:
            subscription.ended = True
            with suppress(asyncio.QueueFull):  # whoever has a full queue looks up anyway
                subscription.queue.put_nowait(None)

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._open)

    async def close(self) -> None:
        """Stop the reader."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, last: int) -> None:
        while self._open:
            try:
                for row in await asyncio.to_thread(self._fetch, last):
                    last = row.delivery_no
                    self._hand_out(row)
            except Unavailable:
                log.warning("stream_database_unavailable")
            except Exception:
                # All streams hang on this loop: one fault must not silence them.
                log.exception("stream_read_failed")
            await asyncio.sleep(_POLL_S)

    def _hand_out(self, row: OutboxRow) -> None:
        for subscription in list(self._open):
            if row.subdistrict_code not in subscription.scope or not is_for(row, subscription.person_id):
                continue
            try:
                subscription.queue.put_nowait(row)
            except asyncio.QueueFull:
                subscription.overrun = True
                self.unsubscribe(subscription)
