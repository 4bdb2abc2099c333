"""A wire that can be cut, delayed, silenced and broken off at byte N, between any two of our processes.

Toxiproxy and ``tc netem`` are not at hand everywhere; this is the small part of them that is needed. It
carries TCP or unix sockets (PostgreSQL's), in the event loop of whoever runs it. One fault at a time; mending
it drops the connections that suffered from it, as a network does that comes back with its state lost.
"""

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

_PIECE = 16 * 1024


class Mode(StrEnum):
    """What happens on the wire."""

    CUT = "cut"
    """Every connection is broken and none is taken."""
    RESET = "reset"
    """After byte N every connection ends with a reset."""
    TRUNCATE = "truncate"
    """After byte N every connection is closed politely, in the middle of whatever was being said."""
    DELAY = "delay"
    """Every piece arrives late."""
    BLACKHOLE = "blackhole"
    """Connections stay open and nothing arrives, either way."""
    HALF_OPEN = "half_open"
    """What is asked arrives; what is answered does not."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the wire: for how long, after how many bytes, by how many seconds a piece."""

    mode: Mode
    seconds: float
    after_bytes: int = 0
    delay_s: float = 0.0

    @classmethod
    def drawn(cls, rng: random.Random) -> "Fault":
        """Any of them."""
        return cls(
            rng.choice(list(Mode)), rng.uniform(0.3, 2.0), rng.choice([0, 1, 7, 40, 200, 900, 5000]),
            rng.uniform(0.2, 2.0),
        )  # fmt: skip


Address = tuple[str, int] | Path


class Wire:
    """Listens at one address and carries to another."""

    def __init__(self, listen: Address, target: Address) -> None:
        self._listen, self._target = listen, target
        self._server: asyncio.Server | None = None
        self._fault: Fault | None = None
        self._left = 0
        self._mended = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if isinstance(self._listen, Path):
            self._listen.parent.mkdir(parents=True, exist_ok=True)
            self._server = await asyncio.start_unix_server(self._carry, self._listen)
            self._listen.chmod(0o777)
        else:
            self._server = await asyncio.start_server(self._carry, *self._listen)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._drop(reset=True)
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def suffer(self, fault: Fault) -> None:
        """Have a fault, and be mended after its seconds."""
        self._fault, self._left = fault, fault.after_bytes
        self._mended.clear()
        if fault.mode is Mode.CUT:
            self._drop(reset=False)
        await asyncio.sleep(fault.seconds)
        self._fault = None
        self._mended.set()
        if fault.mode in {Mode.BLACKHOLE, Mode.HALF_OPEN}:
            self._drop(reset=True)

    def _drop(self, *, reset: bool) -> None:
        for writer in list(self._writers):
            _end(writer, reset=reset)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        if self._fault is not None and self._fault.mode is Mode.CUT:
            _end(writer, reset=True)
            return
        try:
            if isinstance(self._target, Path):
                far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            else:
                far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _end(writer, reset=True)
            return
        both = {writer, far_writer}
        self._writers |= both
        # The end of a run cancels what still hangs in a black hole; nobody is left to hear of it.
        with contextlib.suppress(asyncio.CancelledError):
            await self._both_ways(reader, writer, far_reader, far_writer)
        self._writers -= both
        for one in both:
            one.close()

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        await asyncio.gather(
            self._pump(reader, far_writer, answers=False), self._pump(far_reader, writer, answers=True)
        )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                piece = await self._through(piece, answers=answers)
                if piece is None:
                    return
                writer.write(piece)
                await writer.drain()
                if self._broken_off():
                    return
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()

    async def _through(self, piece: bytes, *, answers: bool) -> bytes | None:
        """What arrives of a piece; None when the connection does not outlive it."""
        fault = self._fault
        if fault is None:
            return piece
        match fault.mode:
            case Mode.DELAY:
                await asyncio.sleep(fault.delay_s)
            case Mode.BLACKHOLE | Mode.HALF_OPEN if answers or fault.mode is Mode.BLACKHOLE:
                await self._mended.wait()
                return None
            case Mode.RESET | Mode.TRUNCATE:
                kept, self._left = piece[: self._left], max(0, self._left - len(piece))
                return kept
        return piece

    def _broken_off(self) -> bool:
        fault = self._fault
        if fault is None or fault.mode not in {Mode.RESET, Mode.TRUNCATE} or self._left:
            return False
        self._drop(reset=fault.mode is Mode.RESET)
        return True


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        found: socket.socket | None = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            if found is not None and found.family != socket.AF_UNIX:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
