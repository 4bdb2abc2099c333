"""The inbox over HTTP: one's own, counted, acknowledged once; and the stream's sign that something came."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

import api.stream
from gridmgmt import worker as background
from gridmgmt.escalation import Escalating
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server
from tests.api.test_stream import listening
from tests.builders_cases import NOW


@pytest.fixture(autouse=True)
def _quick(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.stream, "_POLL_S", 0.01)
    tick(server, NOW)


def tick(server: Server, at) -> None:
    """The worker at a time: deliver, tell, climb."""
    while background.turn(server.engine, at, sweep=False):
        pass
    Escalating([])(server.engine, at)
    while background.turn(server.engine, at, sweep=False):
        pass


def inbox(person: Person, **query) -> dict:
    answer = person.http.get("/api/v1/inbox", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def about(person: Person, case: dict, **query) -> list[dict]:
    return [n for n in inbox(person, **query)["items"] if n["case_id"] == case["id"]]


@pytest.fixture
def unit(server: Server) -> Person:
    return server.person("demo-unit-hzd-01")


def test_a_dispatch_lies_in_the_inbox_of_the_unit_and_of_nobody_else(
    server: Server, worker: Person, unit: Person, shift: Person
) -> None:
    before = inbox(unit)["unread"]
    case = worker.report()
    tick(server, NOW)
    (found,) = about(unit, case)
    assert (found["kind"], found["because"], found["read_at"]) == ("case_dispatched", "unit", None)
    assert found["text"] == f"【网格】案件 {case['number']}：派遣。请登录查看。"
    assert inbox(unit)["unread"] == before + 1
    assert about(shift, case) == about(server.person("demo-unit-hzd-02"), case) == []


def test_an_acknowledgement_counts_once_and_answers_the_same_again(
    server: Server, worker: Person, unit: Person
) -> None:
    case = worker.report()
    tick(server, NOW)
    tick(server, NOW + timedelta(hours=5))
    (rung,) = [n for n in about(unit, case) if n["rung"] is not None and n["facts"]["clock"] == "handling"]
    owed = inbox(unit)["owed"]
    first = unit.post(f"/inbox/{rung['id']}/acknowledge", {})
    again = unit.post(f"/inbox/{rung['id']}/acknowledge", {})
    assert (first.status_code, first.json()) == (200, again.json())
    assert first.json()["acknowledged_at"] is not None
    assert inbox(unit)["owed"] == owed - 1
    steps = unit.http.get(f"/api/v1/cases/{case['id']}/ladder").json()["items"]
    seen = [(s["clock"], s["acknowledged_by"]) for s in steps if s["acknowledged_at"]]
    assert seen == [("handling", unit.id)]
    with transaction(server.engine, NOBODY) as db:
        lines = text(
            "select count(*) from app.audit_log where action = 'ladder:acknowledge' and object_id = :id"
        )
        assert db.execute(lines, {"id": case["id"]}).scalar() == 1


def test_nobody_acknowledges_for_another_nor_learns_that_it_exists(
    server: Server, worker: Person, unit: Person, shift: Person
) -> None:
    case = worker.report()
    tick(server, NOW)
    (found,) = about(unit, case)
    for wanted in (found["id"], str(uuid.uuid4())):
        refused = shift.post(f"/inbox/{wanted}/acknowledge", {})
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert about(unit, case)[0]["acknowledged_at"] is None


def test_pages_follow_each_other_without_gap_and_reading_counts_down(
    server: Server, worker: Person, unit: Person
) -> None:
    for _ in range(3):
        worker.report()
    tick(server, NOW)
    whole = [n["id"] for n in inbox(unit, limit=200)["items"]]
    paged: list[str] = []
    query: dict = {}
    while items := inbox(unit, limit=2, **query)["items"]:
        paged += [n["id"] for n in items]
        query = {"before_at": items[-1]["at"], "before_id": items[-1]["id"]}
    assert paged == whole
    assert unit.post("/inbox/read", {"until": (NOW + timedelta(days=1)).isoformat()}).json()["unread"] == 0
    assert inbox(unit, unread="true")["items"] == []


def test_an_open_page_hears_that_its_own_inbox_changed_and_nothing_of_others(
    server: Server, worker: Person, unit: Person, shift: Person
) -> None:
    with listening(unit) as mine, listening(shift) as others:
        worker.report()
        tick(server, NOW)
        worker.report(category="matter:06041")
        tick(server, NOW)
        kinds = [mine.next() for _ in range(5)]
        assert kinds[-1]["event"] == "inbox_changed"
        assert kinds[-1]["data"]["case_id"] is None
        assert "people" not in str(kinds[-1]["data"])
        heard = [others.next()["event"] for _ in range(6)]
        assert "inbox_changed" not in heard
