"""A database that goes away: 503 and nothing lost, and when it is back the next request works."""

import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.api.client import Person, Server, make_photo, make_settings, served


class Line:
    """A wire between server and database that can be cut and mended."""

    def __init__(self, database: str, directory: Path) -> None:
        self._database, self._path = database, str(directory / ".s.PGSQL.5432")
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.mend()

    def mend(self) -> None:
        """Take connections."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self._path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Take no connection any more and drop all there are."""
        assert self._listener is not None
        Path(self._path).unlink()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Break every connection that is open, as a restart does."""
        with self._guard:
            for one in self._open:
                one.close() if one.fileno() < 0 else one.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect(self._database)
            with self._guard:
                self._open |= {near, far}
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as waiting, near, far:
            waiting.register(near, selectors.EVENT_READ, far)
            waiting.register(far, selectors.EVENT_READ, near)
            try:
                while True:
                    for key, _ in waiting.select():
                        piece = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        if not piece:
                            return
                        key.data.sendall(piece)
            except OSError:
                return
            finally:
                with self._guard:
                    self._open -= {near, far}


@pytest.fixture
def line(own_demo_url: str, directory: Path, tmp_path_factory) -> Iterator[Line]:
    socket_directory = directory / "line"
    socket_directory.mkdir(exist_ok=True)
    query = parse_qs(urlsplit(own_demo_url).query)
    made = Line(f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}", socket_directory)
    yield made
    made.cut()


@pytest.fixture
def behind(own_demo_url: str, directory: Path, line: Line) -> Iterator[Server]:
    """A server whose database is at the end of the line."""
    url = urlsplit(own_demo_url)
    moved = f"{url.scheme}://{url.netloc}{url.path}?host={quote(str(directory / 'line'))}&port=5432"
    with served(make_settings(moved, directory), directory) as server:
        yield server


def require_outage(answer) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["facts"] == {"retry_after_s": 5}
    for secret in ("postgres", "psycopg", "socket", ".s.PGSQL"):
        assert secret not in answer.text


def test_while_the_database_is_away_a_report_is_refused_and_afterwards_taken(
    behind: Server, line: Line
) -> None:
    worker = behind.person("demo-worker-001")
    draft = worker.draft()
    line.cut()
    try:
        for _ in range(3):
            require_outage(worker.post("/reports", draft))
        require_outage(worker.get("/board"))
        require_outage(behind.client.get("/api/v1/demo"))
        assert behind.client.get("/livez").status_code == 200, "the process itself is well"
        ready = behind.client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "failing")
    finally:
        line.mend()
    answer = worker.post("/reports", draft)
    assert answer.status_code == 201, answer.text
    assert "Idempotent-Replay" not in answer.headers
    assert behind.client.get("/readyz").status_code == 200


def test_a_restart_costs_at_most_one_refusal_per_sender(behind: Server, line: Line) -> None:
    worker = behind.person("demo-worker-001")
    assert worker.get("/board").status_code == 200
    line.drop()
    first = worker.get("/board")
    if first.status_code != 200:
        require_outage(first)
    assert worker.get("/board").status_code == 200


def test_a_session_outlives_the_outage(behind: Server, line: Line) -> None:
    worker = behind.person("demo-worker-001")
    line.cut()
    line.mend()
    answers = [worker.get("/me").status_code for _ in range(2)]
    assert answers[-1] == 200


def test_a_photo_is_not_acknowledged_while_the_database_is_away(behind: Server, line: Line) -> None:
    worker: Person = behind.person("demo-worker-001")
    photo = make_photo()
    line.cut()
    try:
        require_outage(worker.put_photo(photo))
    finally:
        line.mend()
    assert worker.put_photo(photo).status_code == 201


def test_a_stream_is_not_opened_without_a_database(behind: Server, line: Line) -> None:
    worker = behind.person("demo-worker-001")
    line.cut()
    try:
        require_outage(worker.get("/stream"))
    finally:
        line.mend()
