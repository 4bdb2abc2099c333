"""The event stream: what is delivered arrives, once and in order; whoever comes back misses nothing."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

import api.stream
from gridmgmt import worker as background
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.storage import outbox
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server, make_settings, served
from tests.builders_cases import ELSEWHERE, NOW, STREET


@pytest.fixture(autouse=True)
def _quiet_and_quick(server: Server, monkeypatch) -> None:
    """Nothing waits for delivery when a test begins."""
    monkeypatch.setattr(api.stream, "_POLL_S", 0.01)
    monkeypatch.setattr(api.stream, "_HEARTBEAT_S", 8.0)
    deliver(server)


def deliver(server: Server) -> None:
    """One turn of the worker, by hand."""
    while background.turn(server.engine, NOW, sweep=False):
        pass


def tell(server: Server, *numbers: str, street: str = STREET) -> None:
    """Deliver events that bear these numbers."""
    with transaction(server.engine, NOBODY) as db:
        outbox.append(db, [Event(EventKind.CASE_FILED, street, NOW, None, {"number": n}) for n in numbers])
    deliver(server)


class Stream:
    """An open stream, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()
        assert next(self._lines) == "retry: 2000"
        assert next(self._lines) == ""

    def next(self) -> dict:
        """The next event; a quiet interval means that none came."""
        event: dict = {}
        for line in self._lines:
            if not line and "data" in event:
                return event | {"data": json.loads(event["data"])}
            assert not line.startswith(":"), "nothing came"
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
        raise AssertionError("the stream ended")

    def numbers(self, count: int) -> list[str]:
        return [self.next()["data"]["number"] for _ in range(count)]


@contextmanager
def listening(person: Person, **headers: str) -> Iterator[Stream]:
    with (
        person.server.connect(Authorization=f"Bearer {person.token}", **headers) as client,
        client.stream("GET", "/api/v1/stream") as answer,
    ):
        assert answer.status_code == 200
        yield Stream(answer)


def test_an_event_arrives_with_its_kind_number_and_case(
    server: Server, worker: Person, shift: Person
) -> None:
    deliver(server)
    with listening(shift) as stream:
        case = worker.report()
        deliver(server)
        events = [stream.next() for _ in range(4)]
    assert [e["event"] for e in events] == [
        "report_received",
        "report_accepted",
        "case_filed",
        "case_dispatched",
    ]
    ids = [int(e["id"]) for e in events]
    assert ids == sorted(set(ids))
    assert events[-1]["data"] == {
        "kind": "case_dispatched", "at": "2026-11-23T02:00:00Z", "case_id": case["id"],
        "number": case["number"], "state": "handling", "cell_code": case["cell_code"], "unit_code": "HZD-01",
    }  # fmt: skip


def test_the_stream_is_one_and_is_not_kept(shift: Person) -> None:
    with listening(shift) as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["Cache-Control"] == "no-store"


def test_what_was_delivered_before_is_not_repeated(server: Server, shift: Person) -> None:
    tell(server, "old")
    with listening(shift) as stream:
        tell(server, "new")
        assert stream.numbers(1) == ["new"]


def test_whoever_comes_back_gets_what_he_missed_and_nothing_twice(server: Server, shift: Person) -> None:
    with listening(shift) as stream:
        tell(server, "1", "2", "3")
        seen = stream.next()["id"]
    tell(server, "4")
    with listening(shift, **{"Last-Event-ID": seen}) as stream:
        tell(server, "5")
        assert stream.numbers(4) == ["2", "3", "4", "5"]


def test_whoever_was_away_for_long_misses_nothing_either(server: Server, shift: Person) -> None:
    with listening(shift) as stream:
        tell(server, "first")
        seen = stream.next()["id"]
    tell(server, *(str(n) for n in range(1200)))
    with listening(shift, **{"Last-Event-ID": seen}) as stream:
        tell(server, "last")
        assert stream.numbers(1201) == [*(str(n) for n in range(1200)), "last"]


def test_nothing_falls_between_catching_up_and_listening(server: Server, shift: Person, monkeypatch) -> None:
    """An event that is delivered right after the missed ones were read still arrives."""
    with listening(shift) as stream:
        tell(server, "before")
        seen = stream.next()["id"]
    with listening(shift):  # somebody else listens, so events are being handed out
        overtaken = overtake(server, monkeypatch)
        with listening(shift, **{"Last-Event-ID": seen}) as stream:
            overtaken.wait(10)
            tell(server, "after")
            assert stream.numbers(2) == ["between", "after"]


def overtake(server: Server, monkeypatch) -> threading.Event:
    """Deliver an event right after a listener has read what he missed; set when it is done."""
    read, begun, done = outbox.delivered_after, threading.Event(), threading.Event()

    def read_and_be_overtaken(db, delivery_no, subdistricts, **options):
        rows = read(db, delivery_no, subdistricts, **options)
        if subdistricts is not None and not begun.is_set():
            begun.set()
            tell(server, "between")
            done.set()
        return rows

    monkeypatch.setattr(outbox, "delivered_after", read_and_be_overtaken)
    return done


def test_what_arrives_by_both_ways_is_told_once(server: Server, shift: Person, monkeypatch) -> None:
    """An event that is handed out while the missed ones are still to be read is among those too."""
    with listening(shift) as stream:
        tell(server, "before")
        seen = stream.next()["id"]
    read, begun, hub = outbox.delivered_after, threading.Event(), server.app.state.hub

    def be_overtaken_and_read(db, delivery_no, subdistricts, **options):
        if subdistricts is not None and not begun.is_set():
            begun.set()
            tell(server, "both")
            while not any(one.queue.qsize() for one in hub._open):
                pass
        return read(db, delivery_no, subdistricts, **options)

    monkeypatch.setattr(outbox, "delivered_after", be_overtaken_and_read)
    with listening(shift, **{"Last-Event-ID": seen}) as stream:
        assert stream.numbers(1) == ["both"]
        tell(server, "after")
        assert stream.numbers(1) == ["after"]


def test_the_first_listener_misses_nothing_between_catching_up_and_listening(
    server: Server, shift: Person, monkeypatch
) -> None:
    with listening(shift) as stream:
        tell(server, "before")
        seen = stream.next()["id"]
    server.app.state.hub._task.cancel()  # so that the next listener starts the reader anew
    overtaken = overtake(server, monkeypatch)
    with listening(shift, **{"Last-Event-ID": seen}) as stream:
        overtaken.wait(10)
        tell(server, "after")
        assert stream.numbers(2) == ["between", "after"]


@pytest.mark.parametrize("odd", ["yesterday", "-1", "²", "9" * 40, "", "1e3"])
def test_a_last_id_that_is_none_begins_with_what_comes(server: Server, shift: Person, odd: str) -> None:
    with listening(shift, **{"Last-Event-ID": odd.encode("latin-1")}) as stream:
        tell(server, f"after {odd}")
        assert stream.numbers(1) == [f"after {odd}"]


def test_several_listeners_get_the_same_events(server: Server, worker: Person, shift: Person) -> None:
    with listening(shift) as first, listening(worker) as second:
        tell(server, "a", "b")
        assert first.numbers(2) == second.numbers(2) == ["a", "b"]


def test_events_of_other_streets_are_not_heard(server: Server, shift: Person) -> None:
    with listening(shift) as stream:
        tell(server, "there", street=ELSEWHERE)
        tell(server, "here")
        assert stream.numbers(1) == ["here"]


def test_a_quiet_stream_shows_that_it_lives(shift: Person, monkeypatch) -> None:
    monkeypatch.setattr(api.stream, "_HEARTBEAT_S", 0.02)
    with listening(shift) as stream:
        assert next(stream._lines) == ": still here"


def test_a_stream_needs_a_session(server: Server) -> None:
    assert server.client.get("/api/v1/stream").status_code == 401


def test_a_listener_who_left_is_forgotten(server: Server, worker: Person, shift: Person) -> None:
    with listening(worker) as other:
        with listening(shift):
            pass
        hub = server.app.state.hub
        while len(hub._open) > 1:
            tell(server, "anybody there?")  # a closed stream is noticed when something is sent
            other.next()
        assert len(hub._open) == 1


def test_a_listener_who_does_not_keep_up_loses_his_stream_and_not_the_others(
    server: Server, shift: Person
) -> None:
    hub = server.app.state.hub
    with listening(shift) as quick:
        slow = api.stream.Subscription(frozenset({STREET}))
        hub._open.add(slow)
        tell(server, *(str(n) for n in range(api.stream._QUEUE + 1)))
        assert len(quick.numbers(api.stream._QUEUE + 1)) == api.stream._QUEUE + 1
        assert slow.overrun
        assert slow not in hub._open


def test_a_fault_in_reading_does_not_end_the_streams(server: Server, shift: Person, monkeypatch) -> None:
    hub, faults = server.app.state.hub, [ValueError("odd row")]
    fetch = hub._fetch

    def sometimes(after: int):
        if faults:
            raise faults.pop()
        return fetch(after)

    with listening(shift) as stream:
        tell(server, "before")
        assert stream.numbers(1) == ["before"]
        monkeypatch.setattr(hub, "_fetch", sometimes)
        tell(server, "after")
        assert stream.numbers(1) == ["after"]


def test_overdue_cases_are_heard_of(server: Server, worker: Person, shift: Person) -> None:
    case = worker.report()
    with listening(shift) as stream:
        background.turn(server.engine, NOW + timedelta(days=1), sweep=True)
        deliver(server)
        heard = stream.next()
        while heard["data"]["case_id"] != case["id"] or heard["event"] != "case_overdue":
            heard = stream.next()
    assert heard["data"]["number"] == case["number"]


def test_a_server_that_stops_ends_its_streams_and_opens_no_new_one(own_demo_url: str, directory) -> None:
    with served(make_settings(own_demo_url, directory), directory) as stopping:
        desk = stopping.person("demo-shift")
        with listening(desk) as stream:
            tell(stopping, "last")
            assert stream.numbers(1) == ["last"]
            loop = asyncio_loop_of(stopping)
            loop.call_soon_threadsafe(stopping.app.state.hub.end)
            assert [line for line in stream._lines if line] == ["event: end", "data: {}"]
        refused = desk.get("/stream")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")


def asyncio_loop_of(server: Server) -> asyncio.AbstractEventLoop:
    """The loop that the server's reader of events runs in."""
    return server.app.state.hub._task.get_loop()
