"""Contacts, reveals, exports, holds over HTTP: short by default, in full for a purpose and with the code."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gridmgmt.keeping import Keeping
from gridmgmt.services import exporting
from tests.api.client import Person, Server

PHONE = "13800001234"


@pytest.fixture
def resident(acceptor: Person, worker: Person) -> dict[str, Any]:
    """A resident's report at the window; its case in full."""
    contact = {"name": "张三", "phone": "+86 138 0000 1234"}
    return acceptor.report(
        source="window", contact=contact, description="楼上漏水", position=worker.draft()["position"]
    )


@pytest.fixture
def keeping(server: Server) -> Keeping:
    parts = server.app.state.parts
    tiles = parts.settings.tile_store(parts.settings.home)
    return Keeping(parts.keys, parts.export_files, tiles, most_rows=parts.settings.export_most_rows)


def reveal(by: Person, case: dict[str, Any], **over: Any):
    body = {"id": str(uuid.uuid4()), "purpose": "callback", "note": "回访办理结果"} | over
    return by.post(f"/cases/{case['id']}/reveal", body)


def test_a_contact_is_never_required_and_shown_short(resident: dict[str, Any], worker: Person) -> None:
    assert {"name": "张*", "phone": "138****1234"} == resident["report"]["contact"]
    assert worker.report()["report"]["contact"] is None


@pytest.mark.parametrize(
    "contact", [{}, {"phone": "none"}, {"phone": "12"}, {"name": ""}, {"name": "a", "email": "a@b.c"}]
)
def test_a_contact_that_says_nothing_or_too_much_is_refused(
    acceptor: Person, contact: dict[str, str]
) -> None:
    answer = acceptor.post("/reports", acceptor.draft(source="window", contact=contact))
    assert 422 == answer.status_code


def test_in_full_it_needs_the_second_factor_a_purpose_and_a_reason(
    server: Server, resident: dict[str, Any]
) -> None:
    server.forget()
    acceptor = server.person("demo-acceptor")
    assert "step_up_needed" == reveal(acceptor, resident).json()["code"]
    acceptor.step_up()
    answer = reveal(acceptor, resident)
    assert {"name": "张三", "phone": PHONE} == answer.json()["contact"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert "beyond_purpose" == reveal(acceptor, resident, purpose="statistics").json()["code"]
    assert "missing_fact" == reveal(acceptor, resident, note="").json()["code"]


def test_after_the_days_number_it_is_enough(server: Server, resident: dict[str, Any]) -> None:
    shift = server.person("demo-shift").step_up()
    answers = [reveal(shift, resident) for _ in range(21)]
    assert [200] * 20 + [403] == [a.status_code for a in answers]
    assert ("quota_spent", 20) == (answers[-1].json()["code"], answers[-1].json()["facts"]["limit"])


def test_a_caller_is_found_and_his_number_stands_in_no_address(
    acceptor: Person, resident: dict[str, Any]
) -> None:
    found = acceptor.post("/contacts/cases", {"phone": "138-0000-1234"}).json()["items"]
    assert resident["id"] in {row["case_id"] for row in found}
    assert PHONE not in str(found)
    assert 422 == acceptor.post("/contacts/cases", {"phone": "nobody"}).status_code


def test_from_asking_to_taking_away_with_a_second_person(
    server: Server, resident: dict[str, Any], shift: Person, keeping: Keeping
) -> None:
    fields = ["number", "contact_phone"]
    wanted = {"id": str(uuid.uuid4()), "purpose": "emergency", "note": "停水通知到户", "fields": fields}
    asked = shift.post("/exports", wanted)
    assert (202, "waiting") == (asked.status_code, asked.json()["state"])
    director = server.person("demo-director").step_up()
    shift.step_up()
    his_own = wanted | {"id": str(uuid.uuid4())}
    assert 202 == director.post("/exports", his_own).status_code
    answer = director.post(f"/exports/{his_own['id']}/decision", {"granted": True})
    assert (403, "own_request") == (answer.status_code, answer.json()["code"])
    assert "queued" == director.post(f"/exports/{wanted['id']}/decision", {"granted": True}).json()["state"]
    assert "not_ready" == shift.post(f"/exports/{wanted['id']}/file", {"purpose": "emergency"}).json()["code"]
    keeping(server.engine, server.clock.at)
    listed = {e["id"]: e for e in shift.get("/exports").json()["items"]}
    assert "ready" == listed[wanted["id"]]["state"]
    taken = shift.post(f"/exports/{wanted['id']}/file", {"purpose": "emergency"})
    assert PHONE in taken.text
    assert ("emergency", listed[wanted["id"]]["sha256"]) == (
        taken.headers["X-Purpose"], taken.headers["X-Sha256"],
    )  # fmt: skip
    assert (
        "beyond_purpose"
        == shift.post(f"/exports/{wanted['id']}/file", {"purpose": "callback"}).json()["code"]
    )
    assert 403 == director.post(f"/exports/{wanted['id']}/file", {"purpose": "emergency"}).status_code
    keeping(server.engine, server.clock.at + timedelta(hours=24))
    assert "erased" == shift.post(f"/exports/{wanted['id']}/file", {"purpose": "emergency"}).json()["code"]


def test_a_purge_under_hold_is_refused_over_http(server: Server, resident: dict[str, Any]) -> None:
    director = server.person("demo-director").step_up()
    hold = {"id": str(uuid.uuid4()), "document_no": "津检〔2026〕1号", "reason": "调取证据"}
    assert 201 == director.post(f"/cases/{resident['id']}/holds", hold).status_code
    answer = director.post(f"/cases/{resident['id']}/erasure", {"note": "本人申请删除"})
    assert (409, "under_legal_hold", "46", "R46") == (
        answer.status_code, *(answer.json()[name] for name in ("code", "article", "rule")),
    )  # fmt: skip
    assert hold["id"] in {h["id"] for h in director.get("/holds").json()["items"]}
    assert 204 == director.post(f"/holds/{hold['id']}/end", {"document_no": "津检〔2026〕2号"}).status_code
    assert hold["id"] not in {h["id"] for h in director.get("/holds").json()["items"]}


def test_a_planner_sees_a_grid_workers_name_short(server: Server, worker: Person) -> None:
    where = {**worker.place, "datum": "wgs84"}
    full = worker.get("/cells/at", **where).json()["worker"]["name"]
    short = server.person("demo-planner").get("/cells/at", **where).json()["worker"]["name"]
    assert (full[0] + "*" * (len(full) - 1), False) == (short, full == short)
    names = [
        f["properties"]["worker_name"] for f in server.person("demo-planner").get("/cells").json()["features"]
    ]
    assert all("*" in name for name in names if name)


def test_the_worker_expires_and_removes_files(
    server: Server, shift: Person, keeping: Keeping, directory: Path
) -> None:
    wanted = {"id": str(uuid.uuid4()), "purpose": "statistics", "note": "月度统计", "fields": ["number"]}
    assert 202 == shift.post("/exports", wanted).status_code
    keeping(server.engine, server.clock.at)
    path = directory / "exports" / wanted["id"]
    assert path.is_file()
    keeping(server.engine, server.clock.at + timedelta(hours=25))
    assert not path.exists()
    assert "exports" == exporting.FILES
