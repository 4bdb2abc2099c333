"""A bad line between a phone and the server: a TCP proxy that cuts connections after some bytes.

Seeded, so that a failure can be played again. Each connection gets a budget of bytes from the phone to the
server; when it is used up, both ends are reset, wherever in a request that is: in its head, in a photo, or
after the last byte, when only the answer is lost.
"""

import random
import selectors
import socket
import struct
import threading
from contextlib import suppress

_PIECE = 4096
_RESET = struct.pack("ii", 1, 0)


class CuttingLine:
    """Listens on a port of its own and carries bytes to the server's.

    Parameters
    ----------
    port : the server's.
    seed : of the offsets.
    share : of the connections, how many are cut at some point while :attr:`bad` is set.
    most_bytes : the largest offset.
    """

    def __init__(self, port: int, *, seed: int, share: float = 0.85, most_bytes: int = 600_000) -> None:
        self._to, self._rng, self._share, self._most = port, random.Random(seed), share, most_bytes
        self._door = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self.bad = False
        self.cuts: list[int] = []
        """Where connections were cut: bytes that had come from the phone."""
        self.lost_answers = 0
        """Of those, how many were cut when the server had begun to answer."""
        self.from_phone = 0
        """Bytes that the phone sent, whatever became of them."""
        self.port = int(self._door.getsockname()[1])
        self.base_url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def turn_bad(self) -> None:
        """Cut every connection now, and most of those to come."""
        with self._guard:
            self.bad, self._open, gone = True, [], self._open
        for phone, server in gone:
            _reset(phone)
            _reset(server)

    def close(self) -> None:
        """Take no more connections."""
        self._door.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                phone, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(phone,), daemon=True).start()

    def _budget(self) -> int | None:
        with self._guard:
            if not self.bad or self._rng.random() >= self._share:
                return None
            # Small ones hit heads of requests, large ones the middle of photos.
            return int(self._most ** self._rng.random()) + 200

    def _carry(self, phone: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            _reset(phone)
            return None
        budget, seen = self._budget(), 0
        with self._guard:
            self._open = [(a, b) for a, b in self._open if a.fileno() >= 0] + [(phone, server)]
        with selectors.DefaultSelector() as ready:
            ready.register(phone, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, phone)
            with suppress(OSError, ValueError):  # closed from outside, when the line turns bad
                while True:
                    for key, _ in ready.select():
                        source, target = key.fileobj, key.data
                        assert isinstance(source, socket.socket)
                        data = source.recv(_PIECE)
                        if not data:
                            return _close(phone, server)
                        if source is phone:
                            self.from_phone += len(data)
                            if budget is not None and seen + len(data) >= budget:
                                with suppress(OSError):
                                    target.sendall(data[: budget - seen])
                                self._cut(phone, server, budget)
                                return None
                            seen += len(data)
                        elif self._loses_answer(budget):
                            self.lost_answers += 1
                            self._cut(phone, server, seen)
                            return None
                        target.sendall(data)
        return _close(phone, server)

    def _loses_answer(self, budget: int | None) -> bool:
        """Of the connections that are to be cut, some are as the answer comes: it is done, and not heard."""
        with self._guard:
            return budget is not None and self._rng.random() < 0.2

    def _cut(self, phone: socket.socket, server: socket.socket, at: int) -> None:
        with self._guard:
            self.cuts.append(at)
        _reset(phone)
        _reset(server)


def _reset(end: socket.socket) -> None:
    """Close without a word of goodbye, as a lost line does."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()


def _close(*ends: socket.socket) -> None:
    for end in ends:
        end.close()
