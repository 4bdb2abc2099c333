"""The moves of a case: who may make them, what they need, and what they leave behind."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from gridmgmt.domain.workflow import Action, State
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
from gridmgmt.services import handling
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases, commands
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import (
    CLEANING,
    ENFORCEMENT,
    REFUSE,
    SORTING,
    Street,
    elsewhere_street,
    found_small_street,
    stranger,
)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def test_a_report_goes_through_every_desk_to_a_closed_case_on_record(street: Street) -> None:
    case = street.report(category=SORTING)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=case.community_code)
    street.handled(case)
    closed = street.closed(case)
    assert (closed.state, closed.closed_at, closed.stage_due_at) == (State.CLOSED, NOW, None)
    steps = cases.history(street.db, case.id)
    assert [s.action for s in steps] == [
        "report", "accept", "file", "dispatch", "sign_for", "submit_result", "pass_verification", "close",
    ]  # fmt: skip
    # Reporting binds nobody: the grid worker may report and later handle. Verifying is another's.
    by_hand = [s.actor_id for s in steps[3:]]
    worker = street.worker_of(case.cell_code).id
    assert by_hand == [
        street.dispatcher.id, worker, worker, street.leader_of(case.cell_code).id, street.shift_leader.id,
    ]  # fmt: skip


def test_every_move_is_audited_with_state_and_version(street: Street) -> None:
    case = street.handled(street.report())
    assert [(line.action, line.outcome, line.facts) for line in street.audited("case", case.id)] == [
        ("case:sign_for", "done", {"state": "handling", "version": 5}),
        ("case:submit_result", "done", {"state": "handled", "version": 6}),
    ]


def test_an_illegal_step_is_refused_with_the_legal_ones_named(street: Street) -> None:
    case = street.report()
    with pytest.raises(IllegalAction) as refusal:
        street.act(case, Action.CLOSE, street.shift_leader)
    assert refusal.value.facts == {
        "state": "handling",
        "action": "close",
        "legal": ["sign_for", "reach_milestone", "extend", "send_back", "hold", "submit_result"],
    }
    assert street.case(case.id) == case


def test_the_same_command_again_changes_nothing_and_answers_with_the_case(street: Street) -> None:
    case = street.report()
    command = handling.Act(uuid.uuid4(), case.id, Action.SIGN_FOR, case.version, {})
    unit = street.handler(ENFORCEMENT)
    first = handling.act(street.db, unit, NOW, street.books, command)
    again = handling.act(street.db, unit, NOW, street.books, command)
    assert again == first
    assert len(cases.history(street.db, case.id)) == case.version + 1


def test_a_command_moves_one_case_only(street: Street) -> None:
    first, second = street.report(), street.report()
    command_id = uuid.uuid4()
    unit = street.handler(ENFORCEMENT)
    for case in (first, second):
        command = handling.Act(command_id, case.id, Action.SIGN_FOR, case.version, {})
        if case is second:
            with pytest.raises(ContentDiffers):
                handling.act(street.db, unit, NOW, street.books, command)
        else:
            handling.act(street.db, unit, NOW, street.books, command)
    assert street.case(second.id) == second


def test_two_commands_of_one_id_at_one_moment_move_one_case(street: Street, monkeypatch) -> None:
    first, second = street.report(), street.report()
    unit, command_id = street.handler(ENFORCEMENT), uuid.uuid4()
    # Neither sees the other, as when both look before either writes.
    monkeypatch.setattr(commands, "done_by_command", lambda *_: None)
    command = handling.Act(command_id, first.id, Action.SIGN_FOR, first.version, {})
    handling.act(street.db, unit, NOW, street.books, command)
    with pytest.raises(ContentDiffers), street.db.begin_nested():
        handling.act(street.db, unit, NOW, street.books, replace(command, case_id=second.id))
    assert street.case(second.id) == second


@pytest.mark.parametrize("over", ["action", "facts", "actor"])
def test_another_command_under_a_used_id_is_refused_and_not_taken_for_the_first(
    street: Street, over: str
) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    command = handling.Act(uuid.uuid4(), case.id, Action.SIGN_FOR, case.version, {"note": "on my way"})
    after = handling.act(street.db, unit, NOW, street.books, command)
    changed = {
        "action": replace(command, action=Action.SUBMIT_RESULT),
        "facts": replace(command, facts={"note": "on my way back"}),
        "actor": command,
    }[over]
    by = street.shift_leader if over == "actor" else unit
    with pytest.raises(ContentDiffers):
        handling.act(street.db, by, NOW, street.books, changed)
    assert street.case(case.id) == after


def test_a_move_on_an_old_picture_is_refused_with_the_present_one(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    command = handling.Act(uuid.uuid4(), case.id, Action.SUBMIT_RESULT, case.version, {"result": "x"})
    with pytest.raises(StaleVersion) as refusal:
        handling.act(street.db, unit, NOW, street.books, command)
    assert (refusal.value.facts["version"], refusal.value.facts["state"]) == (case.version + 1, "handling")


def test_a_case_of_another_street_cannot_be_moved_nor_seen(street: Street) -> None:
    case = street.report()
    with pytest.raises(NotFound):
        street.act(case, Action.SIGN_FOR, stranger(street.handler(ENFORCEMENT)))


def test_only_the_unit_that_has_the_case_handles_it(street: Street) -> None:
    case = street.report()
    for login in ("demo-unit-hzd-06", "demo-dispatcher", "demo-worker-001"):
        with pytest.raises(NotAllowed):
            street.act(case, Action.SIGN_FOR, street.person(login))


def test_a_unit_signs_before_it_hands_in(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    facts = {"result": "已清理", "photos": [street.photo(unit)]}
    with pytest.raises(NotReady) as refusal:
        street.act(case, Action.SUBMIT_RESULT, unit, **facts)
    assert refusal.value.facts["guard"] == "signed"


def test_a_result_names_photos_that_were_uploaded(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    with pytest.raises(MissingFact) as missing:
        street.act(case, Action.SUBMIT_RESULT, unit, result="已清理", photos=["0" * 64])
    assert missing.value.facts["photos"] == ["0" * 64]
    for wrong in ("0" * 64, [7], [["0" * 64]]):
        with pytest.raises(InvalidInput):
            street.act(case, Action.SUBMIT_RESULT, unit, result="已清理", photos=wrong)
    assert street.case(case.id).state is State.HANDLING


def test_whoever_handled_may_not_verify_even_with_the_right_role(street: Street) -> None:
    case = street.report(category=SORTING)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=case.community_code)
    street.handled(case)
    with pytest.raises(DutiesNotSeparated) as refusal:
        street.act(case, Action.PASS_VERIFICATION, street.worker_of(case.cell_code), opinion="好")
    assert refusal.value.facts["acted_for"] == "handling"


def test_a_unit_that_is_unknown_or_closed_gets_no_case(street: Street) -> None:
    case = street.report(category=SORTING)
    for code in ("HZD-99", "NOWHERE", "", None, 7, ["HZD-01"]):
        with pytest.raises(InvalidInput):
            street.act(case, Action.DISPATCH, street.dispatcher, unit_code=code)
    assert street.case(case.id).state is State.FILED


def test_a_worker_is_named_by_id_and_belongs_to_the_street(street: Street) -> None:
    case = street.report(category=SORTING)
    for worker in (str(uuid.uuid4()), "nobody", 7):
        with pytest.raises(InvalidInput) as refusal:
            street.act(
                case, Action.DISPATCH, street.dispatcher, unit_code=case.community_code, worker_id=worker
            )
        assert refusal.value.facts["field"] == "worker_id"
    named = street.leader_of(case.cell_code)
    moved = street.act(
        case, Action.DISPATCH, street.dispatcher, unit_code=case.community_code, worker_id=str(named.id)
    )
    assert moved.worker_id == named.id


def test_an_office_sends_its_own_people_and_a_community_its_grid_worker(street: Street) -> None:
    office, community = street.report(category=SORTING), street.report(category=SORTING)
    assert street.act(office, Action.DISPATCH, street.dispatcher, unit_code=CLEANING).worker_id is None
    sent = street.act(community, Action.DISPATCH, street.dispatcher, unit_code=community.community_code)
    assert sent.worker_id == street.worker_of(sent.cell_code).id


# Merge, rework, reopen, ruling.


def waiting(street: Street):
    """A report at the acceptor's desk."""
    return street.report(category="LOCAL-TJ:matter:L08001")


def test_a_report_is_merged_into_the_case_that_it_repeats(street: Street) -> None:
    master, repeated = street.report(), waiting(street)
    merged = street.act(repeated, Action.MERGE, street.acceptor, master_id=str(master.id))
    assert (merged.state, merged.merged_into) == (State.MERGED, master.id)
    with pytest.raises(IllegalAction):
        street.act(repeated, Action.ACCEPT, street.acceptor)


def test_a_report_is_not_merged_into_nothing_itself_or_another_merged_one(street: Street) -> None:
    master, repeated, third = street.report(), waiting(street), waiting(street)
    street.act(third, Action.MERGE, street.acceptor, master_id=str(master.id))
    for wrong, kind in (
        (str(uuid.uuid4()), NotFound),
        ("this one", InvalidInput),
        (str(repeated.id), NotReady),
        (str(repeated.id).upper(), NotReady),
        (str(third.id), NotReady),
    ):
        with pytest.raises(kind):
            street.act(repeated, Action.MERGE, street.acceptor, master_id=wrong)
    assert street.case(repeated.id).state is State.REPORTED


def test_a_report_is_not_merged_into_a_case_of_another_street(street: Street) -> None:
    found_small_street(street.db)
    elsewhere = elsewhere_street(street.db, street.books)
    foreign = elsewhere.report(elsewhere.person("elsewhere-worker"))
    with pytest.raises(NotFound):
        street.act(waiting(street), Action.MERGE, street.acceptor, master_id=str(foreign.id))


def test_a_failed_verification_sends_the_case_back_to_its_unit_with_a_fresh_limit(street: Street) -> None:
    case = street.handled(street.report())
    later = street.later(hours=1)
    again = later.act(case, Action.FAIL_VERIFICATION, street.leader_of(case.cell_code), reason="仍有残留")
    assert (again.state, again.rework_count, again.unit_code) == (State.HANDLING, 1, case.unit_code)
    assert again.handled_at is None
    # Four working hours from 11:00.
    assert again.due_at == NOW + timedelta(hours=6, minutes=30)
    later.act(case, Action.SUBMIT_RESULT, street.handler_of(case), result="再次清理", photos=[
        street.photo(street.handler_of(case), "again"),
    ])  # fmt: skip
    assert street.closed(case).state is State.CLOSED


def test_a_closed_case_may_be_reopened_with_a_reason(street: Street) -> None:
    case = street.closed(street.handled(street.report()))
    with pytest.raises(MissingFact):
        street.act(case, Action.REOPEN, street.shift_leader)
    again = street.act(case, Action.REOPEN, street.shift_leader, reason="又出现了")
    assert (again.state, again.closed_at, again.rework_count) == (State.HANDLING, None, 1)
    assert again.due_at is not None


def test_the_district_rules_on_the_unit_and_the_ruling_binds(street: Street) -> None:
    case = street.report(category=SORTING)
    street.act(case, Action.REFER, street.dispatcher, reason="责任不清")
    with pytest.raises(NotAllowed):
        street.act(case, Action.RULE, street.dispatcher, unit_code=CLEANING, document_no="1")
    ruled = street.act(
        case, Action.RULE, street.district, unit_code=CLEANING, document_no="区裁定〔2026〕1号"
    )
    assert (ruled.state, ruled.ruled, ruled.unit_code) == (State.FILED, True, CLEANING)
    with pytest.raises(NotReady) as refusal:
        street.act(case, Action.DISPATCH, street.dispatcher, unit_code=case.community_code)
    assert (refusal.value.rule, refusal.value.facts["unit_code"]) == ("R22d", CLEANING)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=CLEANING)
    unit = street.handler(CLEANING)
    with pytest.raises(NotReady) as refusal:
        street.ask(case, Action.SEND_BACK, unit, reason="不归我们", basis="职责清单")
    assert refusal.value.rule == "R22d"


def test_a_ruling_names_a_unit_that_exists(street: Street) -> None:
    case = street.report(category=SORTING)
    street.act(case, Action.REFER, street.dispatcher, reason="责任不清")
    with pytest.raises(InvalidInput):
        street.act(case, Action.RULE, street.district, unit_code="HZD-99", document_no="1")


def test_somebody_who_is_asked_to_confirm_exists(street: Street) -> None:
    case = waiting(street)
    for worker in (str(uuid.uuid4()), "somebody"):
        with pytest.raises(InvalidInput):
            street.act(case, Action.ASK_CONFIRMATION, street.acceptor, worker_id=worker)


def nested(levels: int) -> object:
    return [nested(levels - 1)] if levels else "x"


@pytest.mark.parametrize(
    "text",
    ["\x00", "half a pair \ud800", 10**40, float("nan"), {"deep": ["\x00"]}, {"\x00": 1}, nested(17)],
    ids=["nul", "surrogate", "huge", "nan", "nested", "key", "deep"],
)
def test_facts_that_cannot_be_stored_are_the_senders_to_mend(street: Street, text: object) -> None:
    case = waiting(street)
    with pytest.raises(InvalidInput):
        street.act(case, Action.REJECT, street.acceptor, reason="不予受理", note=text)
    assert street.act(case, Action.REJECT, street.acceptor, reason="不予受理").state is State.REJECTED


def test_the_events_of_a_move_say_where_the_case_is_now(street: Street) -> None:
    case = street.report(category=REFUSE)
    assert street.events_of(street.handled(case))[-2:] == ["case_signed_for", "result_submitted"]
