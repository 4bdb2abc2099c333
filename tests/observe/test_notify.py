"""Signs to systemd: a datagram each, and none where nobody listens."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridmgmt import worker
from gridmgmt.observe.notify import tell_systemd


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def heard(listening: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(listening.recv(100).decode())
        except BlockingIOError:
            return found


def test_a_sign_reaches_the_socket_that_is_named(systemd: socket.socket) -> None:
    tell_systemd("WATCHDOG=1")
    assert heard(systemd) == ["WATCHDOG=1"]


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@gridmgmt-nobody-listens"])
def test_where_nobody_listens_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    tell_systemd("READY=1")


def test_the_worker_is_alive_to_systemd_while_its_database_is_away(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, turns = threading.Event(), []

    def turn(*_: object, **__: object) -> bool:
        turns.append(1)
        if len(turns) == 3:
            stop.set()
        raise worker.Unavailable("away", retry_after_s=5)

    beats: list[int] = []
    monkeypatch.setattr(worker, "turn", turn)
    monkeypatch.setattr(worker, "beat", lambda *_: beats.append(1))
    monkeypatch.setattr(stop, "wait", lambda _: stop.is_set())
    worker.run(None, stop)  # type: ignore[arg-type]
    assert heard(systemd) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]
    assert beats == [], "but to those who watch the installation it is not"
