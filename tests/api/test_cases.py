"""Cases over HTTP: lists that miss nothing, moves that happen once, requests, and what is out of scope."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.workflow import TRANSITIONS, State, legal_actions
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server
from tests.builders_street import SORTING, found_small_street


def test_a_report_goes_through_the_loop_to_a_closed_case(
    worker: Person, unit: Person, leader: Person, shift: Person
) -> None:
    case = worker.report()
    case = unit.moved(case, "sign_for")
    case = unit.moved(case, "submit_result", result="已清理", photos=[unit.photo()])
    case = leader.moved(case, "pass_verification", opinion="现场已恢复")
    case = shift.moved(case, "close")
    assert (case["state"], case["legal"][0]["action"]) == ("closed", "reopen")
    assert [h["action"] for h in case["history"]] == [
        "report", "accept", "file", "dispatch", "sign_for", "submit_result", "pass_verification", "close",
    ]  # fmt: skip
    assert shift.get(f"/cases/{case['id']}").json() == case


def test_an_illegal_step_names_the_legal_ones(worker: Person, shift: Person) -> None:
    case = worker.report()
    problem = shift.act(case, "close").json()
    assert (problem["status"], problem["code"], problem["article"]) == (409, "illegal_action", "22-1")
    assert problem["facts"]["legal"] == [str(a) for a in legal_actions(State.HANDLING)]
    assert shift.get(f"/cases/{case['id']}").json()["version"] == case["version"]


def test_an_unknown_action_is_no_action(worker: Person, shift: Person) -> None:
    answer = shift.act(worker.report(), "burn")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_the_same_command_again_gets_the_case_and_moves_nothing(worker: Person, unit: Person) -> None:
    case = worker.report()
    body = {"command_id": str(uuid.uuid4()), "action": "sign_for", "version": case["version"], "facts": {}}
    first = unit.post(f"/cases/{case['id']}/actions", body)
    again = unit.post(f"/cases/{case['id']}/actions", body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()


def test_many_taps_at_once_on_one_command_are_one_move(server: Server, worker: Person, unit: Person) -> None:
    case = worker.report()
    body = {"command_id": str(uuid.uuid4()), "action": "sign_for", "version": case["version"], "facts": {}}
    answers = at_once(server, unit, 6, lambda _: (f"/cases/{case['id']}/actions", body))
    assert [a.status_code for a in answers] == [200] * 6
    assert {a.json()["version"] for a in answers} == {case["version"] + 1}


def test_of_several_who_move_at_once_one_wins_and_the_others_see_the_case_as_it_is(
    server: Server, worker: Person, unit: Person
) -> None:
    case = worker.report()

    def command(_: int):
        body = {"command_id": str(uuid.uuid4()), "action": "sign_for", "version": case["version"]}
        return f"/cases/{case['id']}/actions", body

    answers = at_once(server, unit, 6, command)
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409, 409]
    for refused in (a.json() for a in answers if a.status_code == 409):
        assert refused["code"] == "stale_version"
        assert refused["facts"]["version"] == case["version"] + 1


def at_once(server: Server, by: Person, count: int, make) -> list:
    together = threading.Barrier(count)

    def send(number: int):
        path, body = make(number)
        with server.connect(Authorization=f"Bearer {by.token}") as client:
            together.wait(10)
            return client.post(f"/api/v1{path}", json=body)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def test_a_move_that_is_refused_is_audited(server: Server, worker: Person, shift: Person) -> None:
    case = worker.report()
    problem = shift.act(case, "close").json()
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text(
            "select object_id, outcome, code, article, rule, facts from app.audit_log where request_id = :r"
        )
        row = db.execute(query, {"r": problem["request_id"]}).one()
    assert tuple(row) == (case["id"], "refused", "illegal_action", "22-1", "R22a", {})


def test_words_that_cannot_be_stored_are_refused(worker: Person, unit: Person) -> None:
    case = worker.report()
    for reason in ("a\x00b", 2**70, [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]):
        answer = unit.act(case, "sign_for", note=reason)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


# Requests.


def test_an_extension_is_asked_for_granted_and_shown(
    worker: Person, unit: Person, dispatcher: Person
) -> None:
    case = worker.report()
    asked = unit.ask(case, "extend", reason="需要配件", amount=1, unit="working_day")
    assert asked.status_code == 201
    assert (asked.json()["status"], asked.json()["asked_by"]) == ("pending", unit.id)
    answer = dispatcher.post(f"/requests/{asked.json()['id']}/decision", {"granted": True, "opinion": "同意"})
    assert answer.status_code == 200
    after = answer.json()
    assert (after["request"]["status"], after["request"]["decided_by"]) == ("granted", dispatcher.id)
    assert after["case"]["due_at"] == "2026-11-24T07:30:00Z"
    assert [r["status"] for r in after["case"]["requests"]] == ["granted"]


def test_a_refused_void_leaves_the_case_and_a_refusal_needs_words(
    worker: Person, dispatcher: Person, shift: Person
) -> None:
    case = worker.report(category=SORTING)
    asked = dispatcher.ask(case, "void", reason="误报").json()
    wordless = shift.post(f"/requests/{asked['id']}/decision", {"granted": False})
    assert (wordless.status_code, wordless.json()["code"]) == (422, "missing_fact")
    refused = shift.post(f"/requests/{asked['id']}/decision", {"granted": False, "opinion": "属实"}).json()
    assert (refused["request"]["status"], refused["case"]["state"]) == ("refused", "filed")


def test_the_same_request_again_is_answered_as_the_first_time(worker: Person, unit: Person) -> None:
    case = worker.report()
    body = {
        "id": str(uuid.uuid4()), "action": "extend", "version": case["version"],
        "facts": {"reason": "需要配件", "amount": 1, "unit": "working_day"},
    }  # fmt: skip
    first, again = (unit.post(f"/cases/{case['id']}/requests", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


def test_several_answers_at_once_decide_once(
    server: Server, worker: Person, unit: Person, dispatcher: Person
) -> None:
    case = worker.report()
    asked = unit.ask(case, "extend", reason="需要配件", amount=1, unit="working_day").json()
    body = {"granted": True, "opinion": "同意"}
    answers = at_once(server, dispatcher, 4, lambda _: (f"/requests/{asked['id']}/decision", body))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    history = unit.get(f"/cases/{case['id']}").json()["history"]
    assert [h["action"] for h in history].count("extend") == 1


def test_a_decision_that_comes_too_late_changes_nothing(
    worker: Person, unit: Person, dispatcher: Person
) -> None:
    case = unit.moved(worker.report(), "sign_for")
    asked = unit.ask(case, "extend", reason="需要配件", amount=1, unit="working_day").json()
    unit.moved(case, "submit_result", result="已清理", photos=[unit.photo()])
    late = dispatcher.post(f"/requests/{asked['id']}/decision", {"granted": True, "opinion": "同意"})
    assert (late.status_code, late.json()["code"]) == (409, "illegal_action")
    assert [r["status"] for r in unit.get(f"/cases/{case['id']}").json()["requests"]] == ["pending"]


# What may be done is what is offered.


def test_what_a_person_is_offered_is_what_he_may_do(server: Server, worker: Person) -> None:
    """For every desk of a waiting case: offered actions succeed or ask for facts, others are refused."""
    case = worker.report(category=SORTING)
    for login in ("demo-dispatcher", "demo-shift", "demo-director", "demo-acceptor", "demo-supervisor"):
        person = server.person(login)
        for offer in person.get(f"/cases/{case['id']}").json()["legal"]:
            row = TRANSITIONS[State.FILED, offer["action"]]
            assert offer["needs_request"] == row.needs_request
            if offer["may"] is None:
                asked = person.ask if offer["needs_request"] else person.act
                facts = dict.fromkeys(offer["requires"], "x")
                assert asked(case, offer["action"], **facts).json()["code"] == offer["refusal"]["code"]


# Lists.


@pytest.fixture(scope="module")
def many(server: Server) -> list[str]:
    """Twelve cases that all changed at the same instant, later than everything else."""
    server.clock.at += timedelta(hours=3)
    worker = server.person("demo-worker-002")
    made = [worker.report()["id"] for _ in range(12)]
    server.clock.at = type(server.clock)().at
    return made


def pages(person: Person, **only) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = person.get("/cases", **only, **({"cursor": cursor} if cursor else {})).json()
        found.append([row["id"] for row in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 5, 12, 13, 200])
def test_pages_are_complete_and_without_repetition(
    server: Server, shift: Person, many: list[str], limit: int
) -> None:
    cell = server.person("demo-worker-002").cells[0]
    found = pages(shift, cell=cell, limit=limit)
    everything = [one for page in found for one in page]
    assert len(everything) == len(set(everything)) == len(many)
    assert set(everything) == set(many)
    assert all(len(page) == limit for page in found[:-1])
    assert everything == [one for page in pages(shift, cell=cell, limit=3) for one in page], (
        "always one order"
    )


def test_what_is_new_while_somebody_turns_pages_does_not_move_what_he_has_not_seen(
    server: Server, shift: Person, many: list[str]
) -> None:
    cell = server.person("demo-worker-002").cells[0]
    first = shift.get("/cases", cell=cell, limit=5).json()
    server.clock.at += timedelta(hours=4)
    # A session at a desk does not last that long without a touch.
    server.forget()
    shift = server.person("demo-shift")
    newest = server.person("demo-worker-002").report()
    rest, cursor = [], first["next_cursor"]
    while cursor:
        page = shift.get("/cases", cell=cell, limit=5, cursor=cursor).json()
        rest += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert {row["id"] for row in first["items"]} | set(rest) == set(many)
    assert newest["id"] not in rest
    many.append(newest["id"])


def test_a_list_is_narrowed_by_state_light_of_day_and_what_is_mine(
    worker: Person, unit: Person, shift: Person
) -> None:
    case = worker.report()
    closed = shift.get("/cases", state="closed").json()["items"]
    assert {row["state"] for row in closed} <= {"closed"}
    mine = unit.get("/cases", mine=True, limit=200).json()["items"]
    assert case["id"] in {row["id"] for row in mine}
    assert {row["unit_code"] for row in mine} == {"HZD-01"}
    assert shift.get("/cases", mine=True).json()["items"] == []
    assert shift.get("/cases", updated_after="2030-01-01T00:00:00Z").json() == {
        "items": [],
        "next_cursor": None,
    }
    codes = {row["category"]["code"] for row in shift.get("/cases", category="06041").json()["items"]}
    assert codes <= {"06041"}


def test_cases_on_the_map_are_points_with_longitude_first(worker: Person, shift: Person) -> None:
    case = worker.report()
    found = shift.get("/cases.geojson")
    assert found.headers["Content-Type"] == "application/geo+json"
    points = {f["id"]: f for f in found.json()["features"]}
    point = points[case["id"]]
    assert point["geometry"]["coordinates"] == pytest.approx([worker.place["lon"], worker.place["lat"]])
    assert point["properties"]["category_name"] == "占道经营"
    assert found.json()["truncated"] is False


def test_closed_cases_are_on_the_map_only_when_asked_for(
    worker: Person, unit: Person, leader: Person, shift: Person
) -> None:
    case = unit.moved(worker.report(), "sign_for")
    case = unit.moved(case, "submit_result", result="已清理", photos=[unit.photo()])
    case = shift.moved(leader.moved(case, "pass_verification", opinion="好"), "close")

    def shown(**only) -> set[str]:
        return {f["id"] for f in shift.get("/cases.geojson", **only).json()["features"]}

    assert case["id"] not in shown()
    assert case["id"] in shown(open=False)


# Another street.


@pytest.fixture(scope="module")
def stranger(server: Server) -> Person:
    """The shift leader of another subdistrict."""
    with transaction(server.engine, NOBODY) as db:
        found_small_street(db)
    server._listed = None
    return server.person("elsewhere-shift")


def without_id(problem: dict) -> dict:
    return {k: v for k, v in problem.items() if k != "request_id"}


def test_a_case_of_another_street_answers_exactly_as_one_that_never_was(
    worker: Person, stranger: Person
) -> None:
    case = worker.report()
    there, nowhere = (
        [
            stranger.get(f"/cases/{one}"),
            stranger.get(f"/reports/{one}"),
            stranger.act({"id": one, "version": 1}, "sign_for"),
            stranger.ask({"id": one, "version": 1}, "extend", reason="x", amount=1, unit="working_day"),
        ]
        for one in (case["id"], str(uuid.uuid4()))
    )
    assert [a.status_code for a in there] == [404] * 4
    assert [without_id(a.json()) for a in there] == [without_id(a.json()) for a in nowhere]


def test_lists_maps_and_figures_of_a_stranger_show_nothing_of_ours(worker: Person, stranger: Person) -> None:
    case = worker.report()
    assert stranger.get("/cases").json()["items"] == []
    assert stranger.get("/cases.geojson", open=False).json()["features"] == []
    assert stranger.get("/heat").json()["total"] == 0
    board = stranger.get("/board").json()
    assert (board["totals"]["open"], board["units"]) == (0, [])
    assert {e["kind"] for e in board["recent"]} == {"plan_published"}
    photo = case["report"]["photos"][0]
    assert stranger.get(f"/photos/{photo}").status_code == 404
    assert {c["properties"]["code"][:9] for c in stranger.get("/cells").json()["features"]} == {"120116006"}


def test_a_request_of_another_street_is_not_found(worker: Person, unit: Person, stranger: Person) -> None:
    asked = unit.ask(worker.report(), "extend", reason="需要配件", amount=1, unit="working_day").json()
    there = stranger.post(f"/requests/{asked['id']}/decision", {"granted": True})
    nowhere = stranger.post(f"/requests/{uuid.uuid4()}/decision", {"granted": True})
    assert there.status_code == 404
    assert without_id(there.json()) == without_id(nowhere.json())
