"""Joint calls, supervision, feedback and deputies over HTTP; phones with wrong clocks."""

import base64
import hashlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.calling import acted, call_body, issued
from tests.api.client import Person, Server
from tests.api.test_cases import at_once
from tests.builders_cases import NOW
from tests.builders_street import SORTING


@pytest.fixture
def director(server: Server) -> Person:
    return server.person("demo-director")


@pytest.fixture
def cleaning(server: Server) -> Person:
    return server.person("demo-unit-hzd-06")


def test_a_refusal_is_taken_away_as_a_pack_whose_digest_is_that_of_its_bytes(
    worker: Person, dispatcher: Person, cleaning: Person, director: Person
) -> None:
    call = issued(dispatcher, worker.report())
    refused = acted(cleaning, call, 1, "refuse", reason="不属本单位职责")
    assert refused.status_code == 200
    path = f"/joint-calls/{call['id']}/tasks/{call['tasks'][1]['id']}/pack"
    answer = director.get(path)
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert answer.json()["refused"]["words"] == "不属本单位职责"
    assert director.get(path).content == answer.content
    assert cleaning.get(path).status_code == 403


def test_an_illegal_action_on_a_sub_task_names_the_legal_ones_and_is_audited(
    server: Server, worker: Person, dispatcher: Person, cleaning: Person
) -> None:
    call = issued(dispatcher, worker.report())
    problem = acted(cleaning, call, 1, "report", result="已办").json()
    assert (problem["status"], problem["code"], problem["article"]) == (409, "illegal_action", "39-1")
    assert problem["facts"]["legal"] == ["sign_in", "refuse", "withdraw", "assess"]
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text("select outcome, code from app.audit_log where request_id = :r")
        assert tuple(db.execute(query, {"r": problem["request_id"]}).one()) == ("refused", "illegal_action")


def test_of_several_who_answer_at_once_one_wins_and_the_others_see_the_call_as_it_is(
    server: Server, worker: Person, dispatcher: Person, cleaning: Person
) -> None:
    call = issued(dispatcher, worker.report())
    path = f"/joint-calls/{call['id']}/tasks/{call['tasks'][1]['id']}/actions"

    def command(number: int) -> tuple[str, dict[str, Any]]:
        action = {"action": "refuse", "facts": {"reason": "无人手"}} if number % 2 else {"action": "sign_in"}
        return path, {"command_id": str(uuid.uuid4()), "version": call["version"], **action}

    answers = at_once(server, cleaning, 6, command)
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409, 409]
    for refused in (a.json() for a in answers if a.status_code == 409):
        assert (refused["code"], refused["facts"]["version"]) == ("stale_version", call["version"] + 1)


def test_a_case_that_is_closed_while_a_call_goes_out_has_never_both(
    server: Server, worker: Person, unit: Person, leader: Person, shift: Person, dispatcher: Person
) -> None:
    case = unit.moved(worker.report(), "sign_for")
    case = unit.moved(case, "submit_result", result="已清理", photos=[unit.photo()])
    case = leader.moved(case, "pass_verification", opinion="已恢复")
    close = {"command_id": str(uuid.uuid4()), "action": "close", "version": case["version"], "facts": {}}
    answers = both_at_once(
        server,
        (shift, f"/cases/{case['id']}/actions", close),
        (dispatcher, f"/cases/{case['id']}/joint-calls", call_body(case)),
    )
    assert [a.status_code for a in answers] in ([200, 409], [409, 201])


def test_a_case_that_is_closed_while_a_report_is_merged_into_it_loses_no_reporter(
    server: Server, worker: Person, unit: Person, leader: Person, shift: Person
) -> None:
    acceptor = server.person("demo-acceptor")
    draft = acceptor.draft(source="window", position=worker.draft()["position"])
    repeated = acceptor.get(f"/cases/{acceptor.post('/reports', draft).json()['case_id']}").json()
    case = unit.moved(worker.report(), "sign_for")
    case = unit.moved(case, "submit_result", result="已清理", photos=[unit.photo()])
    case = leader.moved(case, "pass_verification", opinion="已恢复")
    close = {"command_id": str(uuid.uuid4()), "action": "close", "version": case["version"], "facts": {}}
    merge = {
        "command_id": str(uuid.uuid4()), "action": "merge", "version": repeated["version"],
        "facts": {"master_id": case["id"]},
    }  # fmt: skip
    closed, merged = both_at_once(
        server,
        (shift, f"/cases/{case['id']}/actions", close),
        (acceptor, f"/cases/{repeated['id']}/actions", merge),
    )
    # Whoever comes second is told: by the guard of the closing, or by the fact that the merge then needs.
    if merged.status_code == 200:
        assert (closed.status_code, closed.json()["facts"]["guard"]) == (409, "reporters_told")
    else:
        assert (closed.status_code, merged.json()["facts"]["missing"]) == (200, ["feedback"])


def both_at_once(server: Server, *asked: tuple[Person, str, dict[str, Any]]) -> list[Any]:
    together = threading.Barrier(len(asked))

    def send(one: tuple[Person, str, dict[str, Any]]) -> Any:
        by, path, body = one
        with server.connect(Authorization=f"Bearer {by.token}") as client:
            together.wait(10)
            return client.post(f"/api/v1{path}", json=body)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(send, asked))


def test_an_order_is_given_answered_and_shown(worker: Person, unit: Person, director: Person) -> None:
    case = worker.report()
    answer = director.post(f"/cases/{case['id']}/orders", {"id": str(uuid.uuid4()), "opinion": "请抓紧"})
    assert answer.status_code == 201
    order = answer.json()
    assert order["id"] in {o["id"] for o in director.get("/orders").json()["items"]}
    assert unit.post(f"/orders/{order['id']}/reply", {"reply": "已安排"}).json()["reply"] == "已安排"
    (shown,) = director.get(f"/cases/{case['id']}").json()["beside"]["orders"]
    assert (shown["opinion"], shown["reply"], shown["late"]) == ("请抓紧", "已安排", False)


def test_a_second_extension_is_granted_with_a_signed_document(
    worker: Person, unit: Person, dispatcher: Person, director: Person
) -> None:
    case = worker.report()
    facts = {"reason": "需要配件", "amount": 1, "unit": "working_day"}
    first = unit.ask(case, "extend", **facts).json()
    assert dispatcher.post(f"/requests/{first['id']}/decision", {"granted": True}).status_code == 200
    second = unit.ask(unit.get(f"/cases/{case['id']}").json(), "extend", **facts).json()
    assert dispatcher.post(f"/requests/{second['id']}/decision", {"granted": True}).status_code == 403
    path, granted = f"/requests/{second['id']}/decision", {"granted": True, "document_no": "街延〔2026〕2号"}
    assert director.post(path, {"granted": True}).json()["code"] == "missing_fact"
    assert director.post(path, granted).json()["case"]["beside"]["counts"]["extensions"] == 2


# Deputies.


def test_a_deputy_acts_with_the_header_and_not_without_it(
    server: Server, worker: Person, director: Person, leader: Person, dispatcher: Person
) -> None:
    case = worker.report(category=SORTING)
    now = server.clock()
    body = {
        "id": str(uuid.uuid4()), "person_id": dispatcher.id, "deputy_id": leader.id, "role": "dispatcher",
        "starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    named = director.step_up().post("/deputies", body)
    assert named.status_code == 201, named.text
    move = {
        "command_id": str(uuid.uuid4()), "action": "dispatch", "version": case["version"],
        "facts": {"unit_code": "HZD-06"},
    }  # fmt: skip
    path = f"/api/v1/cases/{case['id']}/actions"
    assert leader.http.post(path, json=move).status_code == 403
    for wrong, status in ((worker.id, 403), ("nobody", 422), (leader.id, 403)):
        assert leader.http.post(path, json=move, headers={"On-Behalf-Of": wrong}).status_code == status
    done = leader.http.post(path, json=move, headers={"On-Behalf-Of": dispatcher.id})
    assert done.status_code == 200, done.text
    last = done.json()["history"][-1]
    assert (last["actor_id"], last["on_behalf_of"]) == (leader.id, dispatcher.id)
    ended = director.post(f"/deputies/{body['id']}/end", {})
    assert ended.status_code == 200
    assert leader.http.get("/api/v1/board", headers={"On-Behalf-Of": dispatcher.id}).status_code == 403


# Clocks of phones.


@pytest.mark.parametrize("off", [timedelta(days=-3650), timedelta(0), timedelta(days=3650)])
def test_a_phones_clock_changes_nothing_and_both_times_are_kept(
    server: Server, worker: Person, unit: Person, off: timedelta
) -> None:
    case, now = worker.report(), server.clock()
    said = (now + off).isoformat()
    body = {
        "command_id": str(uuid.uuid4()), "action": "sign_for", "version": case["version"], "device_at": said,
    }  # fmt: skip
    after = unit.post(f"/cases/{case['id']}/actions", body).json()
    assert (after["due_at"], after["stage_due_at"]) == (case["due_at"], case["stage_due_at"])
    line = after["history"][-1]
    assert datetime.fromisoformat(line["at"]) == now
    assert datetime.fromisoformat(line["facts"]["device_at"]) == now + off
    assert unit.post(f"/cases/{case['id']}/actions", body).json()["version"] == after["version"]
    assert now >= NOW
