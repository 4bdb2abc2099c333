"""The short way in for reports differs from the ordinary one in nothing that a sender can see."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from api.door import ReportDoor
from gridmgmt.services import intake
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server


def by_the_door(worker: Person, body: object) -> httpx.Response:
    return worker.post("/reports", body)


def the_ordinary_way(worker: Person, body: object) -> httpx.Response:
    # A parameter of the media type is enough: the door does not know what it would mean.
    return worker.post("/reports", body, **{"Content-Type": "application/json; charset=utf-8"})


WAYS = [by_the_door, the_ordinary_way]


def without_the_moment(answer: httpx.Response) -> tuple[int, object]:
    body = answer.json()
    for name in ("id", "case_id", "case_number", "request_id", "duplicates"):
        body.pop(name, None)
    return answer.status_code, body


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"category": "matter:99999"},
        {"position": {"lon": 39.03, "lat": 117.65, "datum": "wgs84"}},
        {"photos": ["0" * 64]},
        {"position": {"lon": 117.65, "lat": 39.03}},
        {"unheard_of": 1},
        {"observed_at": "yesterday"},
    ],
    ids=["good", "category", "swapped", "photo", "untagged", "unknown", "time"],
)
def test_both_ways_answer_alike(worker: Person, over: dict) -> None:
    answers = [without_the_moment(way(worker, worker.draft() | over)) for way in WAYS]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"{" * 3000, b'{"id": NaN}'])
def test_what_is_no_report_is_refused_as_input(server: Server, worker: Person, content: bytes) -> None:
    headers = {"Authorization": f"Bearer {worker.token}", "Content-Type": "application/json"}
    answer = server.client.post("/api/v1/reports", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_told_nothing_and_the_attempt_is_on_record(server: Server, worker: Person, way) -> None:
    stranger = Person(server, {"id": None, "cell_codes": []}, "no-such-token")
    answer = way(stranger, worker.draft())
    stranger.http.close()
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text("select action, code, actor_id from app.audit_log where request_id = :id")
        rows = db.execute(query, {"id": answer.json()["request_id"]}).all()
    assert [tuple(r) for r in rows] == [("POST /reports", "not_signed_in", None)]


def together(server: Server, worker: Person, drafts: list[dict]) -> list[httpx.Response]:
    gate = threading.Barrier(len(drafts))

    def send(draft: dict) -> httpx.Response:
        with server.connect(Authorization=f"Bearer {worker.token}") as phone:
            gate.wait(10)
            return phone.post("/api/v1/reports", json=draft)

    with ThreadPoolExecutor(len(drafts)) as pool:
        return list(pool.map(send, drafts))


def test_reports_that_wait_together_share_a_commit(server: Server, worker: Person, monkeypatch) -> None:
    drafts = [worker.draft() for _ in range(12)]
    sizes, take_in = [], ReportDoor._take_in
    queue = server.app.state.door._queue

    def once_all_are_here(door: ReportDoor, group):
        sizes.append(len(group))
        _wait_until(lambda: sum(sizes) + queue.qsize() == len(drafts))
        return take_in(door, group)

    monkeypatch.setattr(ReportDoor, "_take_in", once_all_are_here)
    answers = together(server, worker, drafts)
    assert [a.status_code for a in answers] == [201] * len(drafts)
    assert [a.json()["id"] for a in answers] == [d["id"] for d in drafts]
    assert sum(sizes) == len(drafts)
    assert len(sizes) < len(drafts), "some waited together"
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text(
            "select count(distinct cast(cast(xmin as text) as bigint)) from app.reports where id = any(:ids)"
        )
        commits = db.execute(query, {"ids": [uuid.UUID(d["id"]) for d in drafts]}).scalar_one()
    assert commits == len(sizes)


def _wait_until(holds) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if holds():
            return
        pause.wait(0.01)


def test_a_report_that_breaks_its_group_takes_nobody_with_it(
    server: Server, worker: Person, monkeypatch
) -> None:
    drafts = [worker.draft() for _ in range(6)]
    poisoned = uuid.UUID(drafts[3]["id"])
    submit = intake.submit_reports

    def submit_or_break(db, now, books, given):
        if any(s.command.id == poisoned for s in given):
            raise IntegrityError("insert", {}, Exception("a row that cannot be"))
        return submit(db, now, books, given)

    monkeypatch.setattr(intake, "submit_reports", submit_or_break)
    answers = together(server, worker, drafts)
    assert [a.status_code for a in answers] == [201, 201, 201, 500, 201, 201]
    assert json.loads(answers[3].content)["code"] == "internal_error"
    assert "cannot be" not in answers[3].text


def test_what_would_only_fail_again_for_each_is_not_tried_again(
    server: Server, worker: Person, monkeypatch
) -> None:
    calls = []

    def time_out(db, now, books, given):
        calls.append(len(given))
        raise OperationalError("insert", {}, QueryCanceled("canceling statement due to statement timeout"))

    monkeypatch.setattr(intake, "submit_reports", time_out)
    answers = together(server, worker, [worker.draft() for _ in range(6)])
    assert {a.status_code for a in answers} == {503}
    assert sum(calls) == 6


def test_refusals_that_cannot_be_recorded_change_nothing_for_the_others(
    server: Server, worker: Person, monkeypatch
) -> None:
    def fail(*_args, **_more):
        raise RuntimeError("no room for the audit line")

    good, bad = worker.draft(), worker.draft() | {"photos": ["0" * 64]}
    monkeypatch.setattr("api.door.record_refusals", fail)
    answers = together(server, worker, [good, bad])
    assert [a.status_code for a in answers] == [201, 500]
    assert "Idempotent-Replay" not in answers[0].headers


def test_a_thread_that_died_is_replaced(server: Server, worker: Person) -> None:
    door = server.app.state.door
    worker.post("/reports", worker.draft())
    died = list(door._threads)
    for _ in died:
        door._queue.put(None)
    for thread in died:
        thread.join(10)
    assert not any(t.is_alive() for t in died)
    assert worker.post("/reports", worker.draft()).status_code == 201
    assert all(t.is_alive() for t in door._threads)


def test_the_server_takes_in_what_waits_before_it_stops(server: Server) -> None:
    door = ReportDoor(server.app.state.parts)
    door._start()
    threads = list(door._threads)
    door.close()
    assert not any(t.is_alive() for t in threads)
