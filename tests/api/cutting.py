"""A way to the server that breaks where a test says: after so many bytes of a file have passed.

Stands between an HTTP/1.1 client on 127.0.0.1 and the server's socket. It reads heads, so that it knows
which byte of which file passes, and counts what passes, so that a test can say what was sent twice.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_RST = struct.pack("ii", 1, 0)


class Cutting:
    """The way; ``port`` is where it begins.

    Parameters
    ----------
    server : the server's socket.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.cuts: list[int] = []
        """File positions at which the way breaks, each once, in this order."""
        self.lost_answers: list[int] = []
        """Positions after which the piece arrives, but its answer does not."""
        self.passed = 0
        """Bytes of files that reached the server."""
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, contextlib.suppress(OSError):
            server.connect(str(self._server))
            while self._one_request(client, server):
                pass
            # Abrupt, as a lost network is: the other side learns of it at once and not politely.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)

    def _one_request(self, client: socket.socket, server: socket.socket) -> bool:
        head, body = _head(client)
        if not head:
            return False
        fields = _fields(head)
        length = int(fields.get("content-length", "0"))
        server.sendall(head)
        if head.startswith(b"PATCH"):
            if not self._piece(client, server, body, int(fields["upload-offset"]), length):
                return False
            at = int(fields["upload-offset"]) + length
            if self.lost_answers and self.lost_answers[0] == at:
                self.lost_answers.pop(0)
                self.broken += 1
                _head(server)
                return False
        else:
            _forward(client, server, body, length)
        answer, rest = _head(server)
        client.sendall(answer)
        no_body = head.startswith(b"HEAD") or b" 204 " in answer.split(b"\r\n", 1)[0]
        told = int(_fields(answer).get("content-length", "0"))
        _forward(server, client, rest, 0 if no_body else told)
        return True

    def _piece(
        self, client: socket.socket, server: socket.socket, first: bytes, offset: int, length: int
    ) -> bool:
        """Pass on a piece; False when the way broke in it."""
        left, data = length, first
        while left:
            data = data or client.recv(65_536)
            if not data:
                return False
            allowed = len(data)
            at = offset + length - left
            if self.cuts and at <= self.cuts[0] < at + len(data):
                allowed = self.cuts.pop(0) - at
                self.broken += 1
                server.sendall(data[:allowed])
                self.passed += allowed
                return False
            server.sendall(data[:allowed])
            self.passed += allowed
            left -= allowed
            data = b""
        return True


def _head(source: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = source.recv(65_536)
        if not piece:
            return b"", b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _fields(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _forward(source: socket.socket, target: socket.socket, first: bytes, length: int) -> None:
    target.sendall(first)
    left = length - len(first)
    while left > 0:
        data = source.recv(65_536)
        if not data:
            return
        target.sendall(data)
        left -= len(data)


@contextlib.contextmanager
def cutting(server: Path) -> Iterator[Cutting]:
    """A way that is closed when the block ends."""
    way = Cutting(server)
    try:
        yield way
    finally:
        way.close()


def cuts_of(size: int, piece: int) -> list[int]:
    """Every boundary of a piece within a file, one byte before it and one behind."""
    around = {at + step for at in range(0, size, piece) for step in (-1, 0, 1)}
    return sorted(at for at in around if 0 <= at < size)
