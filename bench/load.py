"""A small HTTP load generator: keep-alive connections, prebuilt requests, one thread of asyncio.

It stands in for phones, on the same two cores as the server and the database, so it has to be cheap:
requests are bytes made beforehand, answers are read to their Content-Length and no further.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of a load: seconds per request, in order of completion, and statuses that were not 201."""

    wall_s: float
    latencies_s: list[float]
    unexpected: list[str]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], done: asyncio.Future[None]) -> None:
        self._requests = iter(requests)
        self._done = done
        self._buffer = bytearray()
        self._sent_at = 0.0
        self.latencies_s: list[float] = []
        self.unexpected: list[str] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.lower().find(b"content-length:", 0, head)
        end = self._buffer.find(b"\r\n", start)
        length = int(self._buffer[start + 15 : end])
        if len(self._buffer) < head + 4 + length:
            return
        self.latencies_s.append(time.perf_counter() - self._sent_at)
        if self._buffer[9:12] != b"201":
            self.unexpected.append(bytes(self._buffer[: head + 300]).decode("utf-8", "replace"))
        del self._buffer[: head + 4 + length]
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self.unexpected.append(f"connection lost: {exc}")
            self._done.set_result(None)

    def _send_next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def _fire(host: str, port: int, per_client: Sequence[Sequence[bytes]]) -> Fired:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections, waits = [], []
    for requests in per_client:
        done: asyncio.Future[None] = loop.create_future()
        _, protocol = await loop.create_connection(
            lambda requests=requests, done=done: _Connection(requests, done), host, port
        )
        connections.append(protocol)
        waits.append(done)
    await asyncio.gather(*waits)
    return Fired(
        time.perf_counter() - began,
        [s for c in connections for s in c.latencies_s],
        [u for c in connections for u in c.unexpected],
    )


def fire(host: str, port: int, per_client: Sequence[Sequence[bytes]]) -> Fired:
    """Send each client's requests one after another, all clients at once."""
    return asyncio.run(_fire(host, port, per_client))
