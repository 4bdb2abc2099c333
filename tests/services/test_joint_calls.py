"""Joint calls at work: called, answered, refused with an evidence pack, and never closed over."""

import hashlib
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gridmgmt.domain.case import Case
from gridmgmt.domain.jointcall import CallAction, JointCall, Part, Purpose, Task, TaskState
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import (
    ContentDiffers,
    DutiesNotSeparated,
    IllegalAction,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotFound,
    NotReady,
    StaleVersion,
)
from gridmgmt.services import joint_calls, overlays, reading
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import joint_calls as stored
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import CLEANING, ENFORCEMENT, Street, stranger

UNITS = (ENFORCEMENT, CLEANING, "HZD-02")


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def case(street: Street) -> Case:
    return street.report()


def call_units(street: Street, case: Case, by: Actor | None = None, **over: Any) -> JointCall:
    """One lead and two assistants, on an order that the director signed."""
    tasks = [
        joint_calls.TaskOrder(
            uuid.uuid4(), unit, Part.ASSISTANT if n else Part.LEAD, "现场处置", 4, LimitUnit.WORKING_HOUR
        )
        for n, unit in enumerate(UNITS)
    ]
    facts: dict[str, Any] = {
        "id": uuid.uuid4(), "case_id": case.id, "version": street.case(case.id).version,
        "purpose": Purpose.JOINT_ENFORCEMENT, "text": "联合整治", "document_no": "街调〔2026〕1号",
        "tasks": tasks,
    }  # fmt: skip
    command = joint_calls.IssueCall(**facts | over)
    return joint_calls.issue(street.db, by or street.dispatcher, street.now, street.books, command)


def act(street: Street, call: JointCall, task: Task, action: str, by: Actor, **facts: Any) -> JointCall:
    """With the call's version looked up, so that tests chain actions on one ``call`` name."""
    version = stored.load(street.db, call.id, by).version
    command = joint_calls.AnswerCall(uuid.uuid4(), call.id, task.id, CallAction(action), version, facts)
    return joint_calls.act(street.db, by, street.now, street.books, command)


def unit_of(street: Street, task: Task) -> Actor:
    return street.handler(task.unit_code)


def answered(street: Street, call: JointCall, task: Task) -> JointCall:
    """Signed in, arrived, reported."""
    by = unit_of(street, task)
    act(street, call, task, "sign_in", by)
    act(street, call, task, "arrive", by)
    return act(street, call, task, "report", by, result="已办结", photos=[street.photo(by, task.unit_code)])


def verified(street: Street, case: Case) -> Case:
    leader = street.leader_of(case.cell_code)
    return street.act(street.handled(case), Action.PASS_VERIFICATION, leader, opinion="已恢复")


def test_units_are_called_sign_in_arrive_and_report_the_lead_last(street: Street, case: Case) -> None:
    call = call_units(street, case)
    lead, *assistants = call.tasks
    assert (lead.part, lead.sign_in_due_at, lead.due_at) == (
        Part.LEAD, NOW + timedelta(minutes=30), NOW + timedelta(hours=5, minutes=30),
    )  # fmt: skip
    with pytest.raises(NotReady) as refused:
        answered(street, call, lead)
    assert refused.value.facts["guard"] == "assistants_done"
    for task in assistants:
        assert not answered(street, call, task).is_closed
    done = act(street, call, lead, "report", unit_of(street, lead), result="已牵头办结")
    assert (done.is_closed, done.closed_at) == (True, NOW)
    assert stored.load(street.db, call.id, street.dispatcher) == done
    assert [s.action for s in stored.history(street.db, call.id)] == [
        "issue", "sign_in", "arrive", "sign_in", "arrive", "report", "sign_in", "arrive", "report", "report",
    ]  # fmt: skip
    assert street.events_of(case)[-1] == "call_closed"


def test_every_step_is_audited_with_the_unit(street: Street, case: Case) -> None:
    call = call_units(street, case)
    act(street, call, call.tasks[1], "sign_in", unit_of(street, call.tasks[1]))
    lines = street.audited("joint_call", call.id)
    assert [(line.action, line.facts.get("unit")) for line in lines] == [
        ("call:issue", None), ("call:sign_in", CLEANING),
    ]  # fmt: skip
    assert lines[0].facts["units"] == list(UNITS)


def test_a_case_does_not_close_over_an_open_call_and_cancels_none(street: Street, case: Case) -> None:
    verified(street, case)
    call = call_units(street, case)
    with pytest.raises(NotReady) as refused:
        street.act(case, Action.CLOSE, street.shift_leader)
    assert (refused.value.facts["guard"], refused.value.facts["calls"]) == ("open_call", [str(call.id)])
    assert stored.load(street.db, call.id, street.dispatcher) == call
    detail = reading.case_detail(street.db, street.shift_leader, NOW, street.books, case.id)
    assert [(o["action"], o["may"]) for o in detail["legal"]] == [("close", None)]
    lead, *assistants = call.tasks
    for task in (*assistants, lead):
        act(street, call, task, "withdraw", street.dispatcher, reason="已由责任单位处置")
    assert street.act(case, Action.CLOSE, street.shift_leader).state is State.CLOSED


def test_a_void_that_is_granted_cancels_no_call(street: Street) -> None:
    case = street.report(category="matter:06041")
    call_units(street, case)
    request = street.ask(case, Action.VOID, street.dispatcher, reason="误报")
    with pytest.raises(NotReady) as refused:
        street.answer(request, street.shift_leader)
    assert refused.value.facts["guard"] == "open_call"
    assert street.case(case.id).state is State.FILED


def test_a_withdrawal_has_a_reason_and_is_told_to_the_unit(street: Street, case: Case) -> None:
    call = call_units(street, case)
    with pytest.raises(MissingFact):
        act(street, call, call.tasks[1], "withdraw", street.dispatcher)
    act(street, call, call.tasks[1], "withdraw", street.director, reason="无须到场")
    query = text("select facts from app.outbox where case_id = :id and kind = 'call_withdrawn'")
    facts = street.db.execute(query, {"id": case.id}).scalar_one()
    assert (facts["unit_code"], facts["call_id"]) == (CLEANING, str(call.id))


def test_a_unit_answers_for_itself_only(street: Street, case: Case) -> None:
    call = call_units(street, case)
    lead, other, _ = call.tasks
    for by in (unit_of(street, other), street.dispatcher, street.director, street.shift_leader):
        with pytest.raises(NotAllowed):
            act(street, call, lead, "sign_in", by)
    with pytest.raises(NotFound):
        act(street, call, lead, "sign_in", stranger(unit_of(street, lead)))


def test_an_illegal_action_names_the_legal_ones(street: Street, case: Case) -> None:
    call = call_units(street, case)
    with pytest.raises(IllegalAction) as refused:
        act(street, call, call.tasks[1], "arrive", unit_of(street, call.tasks[1]))
    assert refused.value.facts["legal"] == ["sign_in", "refuse", "withdraw", "assess"]


def test_only_the_command_hand_calls_on_a_signed_order(street: Street, case: Case) -> None:
    with pytest.raises(MissingFact) as refused:
        call_units(street, case, document_no=" ")
    assert refused.value.facts["missing"] == ["document_no"]
    assert call_units(street, case, street.director, document_no="").document_no is None
    urgent = call_units(street, case, document_no="", purpose=Purpose.EMERGENCY)
    assert urgent.tasks[0].sign_in_due_at == NOW + timedelta(minutes=10)
    for by in (street.shift_leader, street.acceptor, unit_of(street, urgent.tasks[0])):
        with pytest.raises(NotAllowed):
            call_units(street, case, by)


def test_a_call_names_active_units_and_the_picture_that_the_caller_saw(street: Street, case: Case) -> None:
    wrong = [joint_calls.TaskOrder(uuid.uuid4(), "HZD-99", Part.LEAD, "现场", 1, LimitUnit.WORKING_DAY)]
    with pytest.raises(InvalidInput):
        call_units(street, case, tasks=wrong)
    with pytest.raises(StaleVersion):
        call_units(street, case, version=case.version + 1)
    street.closed(street.handled(case))
    with pytest.raises(NotReady) as refused:
        call_units(street, case)
    assert refused.value.facts["guard"] == "open_case"


def test_the_same_call_and_the_same_answer_again_change_nothing(street: Street, case: Case) -> None:
    given = uuid.uuid4()
    call = call_units(street, case, id=given)
    assert call_units(street, case, id=given, version=1) == call
    with pytest.raises(ContentDiffers):
        call_units(street, case, id=given, text="另一件事")
    unit = unit_of(street, call.tasks[1])
    command = joint_calls.AnswerCall(
        uuid.uuid4(), call.id, call.tasks[1].id, CallAction.SIGN_IN, call.version, {"note": "在途"}
    )
    first = joint_calls.act(street.db, unit, NOW, street.books, command)
    assert joint_calls.act(street.db, unit, NOW, street.books, command) == first
    for other in (replace(command, action=CallAction.REFUSE), replace(command, facts={"note": "另"})):
        with pytest.raises(ContentDiffers):
            joint_calls.act(street.db, unit, NOW, street.books, other)
    stale = replace(command, command_id=uuid.uuid4(), action=CallAction.ARRIVE)
    with pytest.raises(StaleVersion) as refused:
        joint_calls.act(street.db, unit, NOW, street.books, stale)
    assert refused.value.facts["version"] == first.version


def test_whoever_answered_a_call_neither_verifies_nor_grants(street: Street, case: Case) -> None:
    call = call_units(street, case)
    task = call.tasks[1]
    unit = unit_of(street, task)
    act(street, call, task, "sign_in", unit)
    street.handled(case)
    verifier = replace(unit, roles=frozenset({Role.GRID_WORKER, Role.HANDLER}))
    with pytest.raises(DutiesNotSeparated):
        street.act(case, Action.PASS_VERIFICATION, verifier, opinion="好")
    leader = street.leader_of(case.cell_code)
    street.act(case, Action.PASS_VERIFICATION, leader, opinion="好")
    as_unit = replace(leader, roles=frozenset({Role.HANDLER}), unit_code="HZD-02")
    with pytest.raises(DutiesNotSeparated):
        act(street, call, call.tasks[2], "sign_in", as_unit)


# The street's opinion 考核意见.


def test_an_opinion_comes_after_closing_or_when_the_unit_is_overdue(street: Street, case: Case) -> None:
    call = call_units(street, case)
    task = call.tasks[1]
    opinion = {"opinion": "到场不及时", "score": 2}
    with pytest.raises(NotReady) as refused:
        act(street, call, task, "assess", street.director, **opinion)
    assert refused.value.facts["guard"] == "assessable"
    late = street.later(minutes=31)
    act(late, call, task, "assess", street.director, **opinion)
    with pytest.raises(NotReady) as refused:
        act(late, call, task, "assess", street.director, **opinion)
    assert refused.value.facts["guard"] == "assessed_once"
    for other in (call.tasks[2], call.tasks[1]):
        answered(late, call, other)
    answered(late, call, call.tasks[0])
    closed = act(late, call, task, "assess", street.director, opinion="最终办结", score=4)
    assert [(o.basis, o.score) for o in closed.tasks[1].opinions] == [("overdue", 2), ("closed", 4)]
    assert stored.load(street.db, call.id, street.director) == closed


@pytest.mark.parametrize("role", ["dispatcher", "shift_leader", "district"])
def test_only_the_director_gives_it(street: Street, case: Case, role: str) -> None:
    call = call_units(street, case)
    with pytest.raises(NotAllowed):
        act(street.later(days=3), call, call.tasks[1], "assess", getattr(street, role), opinion="好", score=5)


def test_a_unit_reads_what_is_said_of_itself_and_not_of_others(street: Street, case: Case) -> None:
    call = call_units(street, case)
    act(street.later(days=3), call, call.tasks[1], "assess", street.director, opinion="迟到", score=1)

    def seen(by: Actor) -> tuple[int, bool]:
        shown = overlays.call_detail(street.db, by, NOW, street.books, call.id)
        told = any(line["facts"].get("opinion") for line in shown["history"])
        return sum(len(t["opinions"]) for t in shown["tasks"]), told

    assert seen(unit_of(street, call.tasks[1])) == seen(street.district) == (1, True)
    assert seen(unit_of(street, call.tasks[2])) == (0, False)


@pytest.mark.parametrize(
    "table", ["joint_call_opinions", "joint_call_steps", "refusal_packs", "precedents", "feedbacks"]
)
def test_what_was_said_is_never_rewritten(street: Street, table: str) -> None:
    for statement in (f"update app.{table} set subdistrict_code = 'x'", f"delete from app.{table}"):
        with pytest.raises(DBAPIError), street.db.begin_nested():
            street.db.execute(text(statement))


def test_the_database_refuses_a_second_lead_and_a_silent_end(street: Street, case: Case) -> None:
    call = call_units(street, case)
    for change in ("part = 'lead'", "state = 'withdrawn'", "state = 'done', ended_at = now()"):
        with pytest.raises(DBAPIError), street.db.begin_nested():
            street.db.execute(
                text(f"update app.joint_call_tasks set {change} where id = :id"), {"id": call.tasks[1].id}
            )


# Refusals.


def first_photo(street: Street, case: Case) -> str:
    return street.photo(street.worker_of(case.cell_code))


def test_a_refusal_makes_an_evidence_pack_with_times_texts_and_digests(street: Street, case: Case) -> None:
    call = call_units(street, case)
    task = call.tasks[1]
    unit = unit_of(street, task)
    act(street, call, task, "sign_in", unit)
    later = street.later(minutes=20)
    photo = street.photo(unit, "refusal")
    after = act(later, call, task, "refuse", unit, reason="不属本单位职责", photos=[photo])
    assert after.tasks[1].state is TaskState.REFUSED
    pack = joint_calls.pack_of(street.db, street.director, later.now, call.id, task.id)
    assert pack.sha256 == hashlib.sha256(pack.document).digest()
    told = json.loads(pack.document)
    assert told["format"] == "gridmgmt/refusal-pack/1"
    assert told["refused"]["words"] == "不属本单位职责"
    assert told["refused"]["signed_in_at"] == "2026-11-23T02:00:00Z"
    assert told["refused"]["ended_at"] == "2026-11-23T02:20:00Z"
    assert [line["action"] for line in told["call"]["history"]] == ["issue", "sign_in", "refuse"]
    assert told["case"]["history"][0]["action"] == "report"
    assert {photo, first_photo(street, case)} <= set(told["photos_sha256"])
    assert told["addressed_to"]["article"] in {"44-1", "44-2"}
    assert told["people"][str(unit.id)] == unit.name
    actions = [line.action for line in street.audited("joint_call", call.id)]
    assert actions[-3:] == ["call:evidence", "call:refuse", "call:pack"]
    recorded = street.audited("joint_call", call.id)[-3].facts["sha256"]
    assert recorded == pack.sha256.hex()


def test_an_outposts_refusal_is_its_parents_and_a_departments_the_districts(street: Street) -> None:
    from gridmgmt.services.refusals import _addressee  # noqa: PLC0415

    book = street.book
    outposts = [u for u in book.units.values() if u.kind == "outpost" and u.parent_code]
    departments = [u for u in book.units.values() if u.kind == "department"]
    case = street.report()
    task = call_units(street, case).tasks[0]
    for unit in outposts:
        told = _addressee(book, replace(task, unit_code=unit.code))
        assert (told["code"], told["rule"]) == (unit.parent_code, "R44b")
    for unit in departments:
        told = _addressee(book, replace(task, unit_code=unit.code))
        assert (told["code"], told["rule"]) == (book.subdistrict.district_code, "R44a")
    assert departments


def test_a_called_unit_does_not_read_the_pack_and_nobody_one_that_is_not_there(
    street: Street, case: Case
) -> None:
    call = call_units(street, case)
    act(street, call, call.tasks[1], "refuse", unit_of(street, call.tasks[1]), reason="无人手")
    for by in (unit_of(street, call.tasks[1]), street.acceptor):
        with pytest.raises(NotAllowed):
            joint_calls.pack_of(street.db, by, NOW, call.id, call.tasks[1].id)
    with pytest.raises(NotFound):
        joint_calls.pack_of(street.db, street.director, NOW, call.id, call.tasks[2].id)
    with pytest.raises(NotFound):
        joint_calls.pack_of(street.db, stranger(street.director), NOW, call.id, call.tasks[1].id)


def test_a_refused_refusal_leaves_no_pack(street: Street, case: Case) -> None:
    call = call_units(street, case)
    with pytest.raises(MissingFact):
        act(street, call, call.tasks[1], "refuse", unit_of(street, call.tasks[1]), reason=" ")
    with pytest.raises(MissingFact):
        act(
            street, call, call.tasks[1], "refuse", unit_of(street, call.tasks[1]),
            reason="无人手", photos=["0" * 64],
        )  # fmt: skip
    assert street.db.execute(text("select count(*) from app.refusal_packs")).scalar_one() == 0


# Lists.


def test_a_unit_finds_the_calls_to_it(street: Street, case: Case) -> None:
    call = call_units(street, case)
    shown = overlays.calls(
        street.db, unit_of(street, call.tasks[1]), NOW, street.books, mine=True, open_only=True
    )
    assert [(c["id"], c["number"]) for c in shown] == [(call.id, case.number)]
    offered = {t["unit_code"]: {a["action"]: a["may"] for a in t["legal"]} for t in shown[0]["tasks"]}
    assert offered[CLEANING] == {"sign_in": True, "refuse": True, "withdraw": False, "assess": False}
    assert not any(offered[ENFORCEMENT].values())
    elsewhere = street.handler("HZD-03")
    assert overlays.calls(street.db, elsewhere, NOW, street.books, mine=True, open_only=True) == []
    assert overlays.calls(street.db, street.dispatcher, NOW, street.books, mine=True, open_only=True) == []
    assert (
        len(overlays.calls(street.db, street.director, NOW, street.books, mine=False, open_only=False)) == 1
    )
