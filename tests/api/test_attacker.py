"""Somebody of another subdistrict, with a session of his own and every id of ours: he gets and moves nothing.

He knows ids that he cannot know (cases, reports, photos, requests, commands): what is random may leak.
Whatever he asks is answered as if the thing did not exist, and afterwards everything is as it was.
"""

import base64
import json
import uuid

import httpx
import pytest
from sqlalchemy import text

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server
from tests.builders_cases import ELSEWHERE
from tests.builders_street import found_small_street


@pytest.fixture(scope="module")
def stranger(server: Server) -> Person:
    """A shift leader of the other subdistrict: of everybody there he may see most."""
    with transaction(server.engine, NOBODY) as db:
        found_small_street(db)
    server._listed = None
    return server.person("elsewhere-shift")


@pytest.fixture(scope="module")
def foreign_worker(server: Server, stranger: Person) -> Person:
    return server.person("elsewhere-worker")


@pytest.fixture
def ours(server: Server, worker: Person, unit: Person) -> dict:
    """A case of ours that was signed for, with the command that did it and a request that waits."""
    case = worker.report()
    command = {"command_id": str(uuid.uuid4()), "action": "sign_for", "version": case["version"], "facts": {}}
    moved = unit.post(f"/cases/{case['id']}/actions", command).json()
    asked = unit.ask(moved, "extend", reason="x", amount=1, unit="working_day")
    assert asked.status_code == 201, asked.text
    return {
        "case": moved, "command": command, "request": asked.json()["id"],
        "photo": case["report"]["photos"][0], "report": case["report"]["id"],
    }  # fmt: skip


def state_of(server: Server, case_id: str) -> tuple:
    with transaction(server.engine, NOBODY, read_only=True) as db:
        row = db.execute(
            text(
                "select c.version, c.state, c.unit_code,"
                " (select count(*) from app.case_steps s where s.case_id = c.id),"
                " (select count(*) from app.case_requests r where r.case_id = c.id and r.status = 'pending')"
                " from app.cases c where c.id = :id"
            ),
            {"id": case_id},
        ).one()
    return tuple(row)


def test_nothing_of_ours_is_shown_to_a_stranger(server: Server, stranger: Person, ours: dict) -> None:
    photo = ours["photo"] if isinstance(ours["photo"], str) else ours["photo"]["sha256"]
    absent = stranger.get(f"/cases/{uuid.uuid4()}")
    for path in (f"/cases/{ours['case']['id']}", f"/reports/{ours['report']}", f"/photos/{photo}"):
        answer = stranger.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["code"] == absent.json()["code"]
        assert set(answer.headers) == set(absent.headers)
    for path in ("/cases", "/cases?open_only=true", "/cases.geojson", "/board", "/heat", "/cells", "/plans"):
        shown = stranger.http.get(f"/api/v1{path}").text
        for secret in (ours["case"]["id"], ours["case"]["number"], ours["case"]["cell_code"]):
            assert secret not in shown, path


def test_a_forged_cursor_shows_nothing_else(stranger: Person, ours: dict) -> None:
    inside = json.dumps(["2099-01-01T00:00:00+00:00", ours["case"]["id"]]).encode()
    answer = stranger.get("/cases", cursor=base64.urlsafe_b64encode(inside).decode())
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_nothing_of_ours_is_moved_by_a_stranger(server: Server, stranger: Person, ours: dict) -> None:
    case, before = ours["case"], state_of(server, ours["case"]["id"])
    tried: list[httpx.Response] = [
        stranger.act(case, action, reason="x", unit_code="HZD-01", opinion="x", master_id=case["id"])
        for action in ("accept", "file", "dispatch", "submit_result", "close", "reopen", "merge", "reject")
    ]
    tried.append(stranger.post(f"/cases/{case['id']}/actions", ours["command"]))
    tried.append(stranger.ask(case, "void", reason="x"))
    tried.append(stranger.post(f"/requests/{ours['request']}/decision", {"granted": True, "opinion": "x"}))
    assert {answer.status_code for answer in tried} == {404}
    assert state_of(server, case["id"]) == before


def test_a_report_of_ours_cannot_be_taken_over_or_replaced(
    server: Server, worker: Person, foreign_worker: Person
) -> None:
    draft = worker.draft()
    assert worker.post("/reports", draft).status_code == 201
    with_ours = foreign_worker.post("/reports", draft)
    assert with_ours.status_code in {409, 422}, "our place and photo are nothing that he could report"
    assert draft["id"] in worker.post("/reports", draft).text
    own = foreign_worker.draft(photos=[]) | {
        "id": draft["id"],
        "category": "matter:06036",
        "source": "patrol",
    }
    taken = foreign_worker.post("/reports", own)
    assert taken.status_code in {409, 422}
    assert worker.get(f"/reports/{draft['id']}").json()["subdistrict_code"] != ELSEWHERE
    assert foreign_worker.get(f"/reports/{draft['id']}").status_code == 404


def test_what_a_sender_says_of_himself_changes_nothing(stranger: Person, ours: dict) -> None:
    claims = {
        "X-Forwarded-For": "127.0.0.1", "X-Forwarded-User": "demo-director", "X-Subdistrict": "120116005",
        "X-Original-URL": f"/api/v1/cases/{ours['case']['id']}", "X-HTTP-Method-Override": "DELETE",
    }  # fmt: skip
    answer = stranger.http.get(f"/api/v1/cases/{ours['case']['id']}", headers=claims)
    assert answer.status_code == 404
    assert stranger.http.get("/api/v1/me", headers=claims).json()["subdistrict"]["code"] == ELSEWHERE
