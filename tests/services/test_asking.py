"""What needs somebody else's yes: asking, granting and refusing, each with its trace."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.case import Case
from gridmgmt.domain.org import Role
from gridmgmt.domain.request import RequestStatus
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
from gridmgmt.services import asking
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import ENFORCEMENT, SORTING, Street, stranger

EXTENSION = {"reason": "需要配件", "amount": 2, "unit": "working_hour"}


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def case(street: Street) -> Case:
    """With the enforcement team, signed for, due at 15:30."""
    made = street.report()
    return street.act(made, Action.SIGN_FOR, street.handler(ENFORCEMENT))


def unit(street: Street):
    return street.handler(ENFORCEMENT)


def test_no_request_keeps_a_position_or_its_senders_word_about_it(street: Street, case: Case) -> None:
    for place in ({"lon": 117.6, "lat": 39.0}, {"standing": "at_place", "distance_m": 3.0}, "here"):
        with pytest.raises(InvalidInput) as refused:
            street.ask(case, Action.EXTEND, unit(street), **EXTENSION, place=place)
        assert refused.value.facts["field"] == "place"


def test_a_granted_extension_moves_the_deadline_by_working_time(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    assert street.case(case.id) == case, "asking moves nothing"
    decided = street.answer(request, street.dispatcher)
    after = street.case(case.id)
    assert (decided.status, decided.decided_by) == (RequestStatus.GRANTED, street.dispatcher.id)
    assert case.due_at is not None
    assert after.due_at == after.stage_due_at == case.due_at + timedelta(hours=2)
    assert after.version == case.version + 1


def test_a_refusal_says_why_and_leaves_the_case_as_it_is(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    with pytest.raises(MissingFact):
        street.answer(request, street.dispatcher, granted=False, opinion="  ")
    refused = street.answer(request, street.dispatcher, granted=False, opinion="时间足够")
    assert (refused.status, refused.opinion) == (RequestStatus.REFUSED, "时间足够")
    assert street.case(case.id) == case


def test_asking_and_deciding_are_on_record(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    street.answer(request, street.dispatcher)
    assert [(a.action, a.outcome) for a in street.audited("case", case.id)] == [
        ("case:sign_for", "done"), ("ask:extend", "done"), ("decide:extend", "done"),
    ]  # fmt: skip
    assert street.events_of(case)[-3:] == ["request_made", "case_extended", "request_decided"]
    (shown,) = street.requests_of(case)
    assert (shown["status"], shown["asked_by"], shown["decided_by"]) == (
        "granted", unit(street).id, street.dispatcher.id,
    )  # fmt: skip


def test_events_of_a_request_name_the_case_as_all_others_do(street: Street, case: Case) -> None:
    street.answer(street.ask(case, Action.EXTEND, unit(street), **EXTENSION), street.dispatcher)
    query = text("select facts from app.outbox where case_id = :id and kind like 'request%' order by id")
    for facts in street.db.execute(query, {"id": case.id}).scalars():
        assert (facts["number"], facts["state"], facts["cell_code"], facts["unit_code"]) == (
            case.number, "handling", case.cell_code, ENFORCEMENT,
        )  # fmt: skip


def test_voiding_is_asked_for_by_the_dispatcher_and_granted_on_the_other_axis(street: Street) -> None:
    case = street.report(category=SORTING)
    request = street.ask(case, Action.VOID, street.dispatcher, reason="误报")
    refused = street.answer(request, street.director, granted=False, opinion="属实")
    assert refused.status is RequestStatus.REFUSED
    assert street.case(case.id).state is State.FILED
    again = street.ask(case, Action.VOID, street.dispatcher, reason="已自行消失")
    street.answer(again, street.shift_leader)
    assert street.case(case.id).state is State.VOIDED


def test_nobody_grants_what_he_asked_for_himself_whatever_his_roles(street: Street) -> None:
    case = street.report(category=SORTING)
    both = replace(street.dispatcher, roles=frozenset({Role.DISPATCHER, Role.SHIFT_LEADER}))
    request = street.ask(case, Action.VOID, both, reason="误报")
    with pytest.raises(DutiesNotSeparated):
        street.answer(request, both)
    with pytest.raises(DutiesNotSeparated):
        street.answer(request, both, granted=False, opinion="不同意")


def test_who_may_not_grant_may_not_refuse_either(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    for granted in (True, False):
        with pytest.raises(NotAllowed), street.db.begin_nested():
            street.answer(request, street.acceptor, granted=granted, opinion="x")
    (shown,) = street.requests_of(case)
    assert shown["status"] == "pending"


def test_only_the_unit_that_has_the_case_asks(street: Street, case: Case) -> None:
    for login in ("demo-unit-hzd-06", "demo-dispatcher", "demo-shift"):
        with pytest.raises(NotAllowed):
            street.ask(case, Action.EXTEND, street.person(login), **EXTENSION)


def test_a_hold_stops_the_clock_and_what_was_left_runs_on_from_the_resumption(
    street: Street, case: Case
) -> None:
    request = street.ask(case, Action.HOLD, unit(street), reason="等待配件", resume_on="2026-11-25")
    street.later(hours=1).answer(request, street.dispatcher)
    held = street.case(case.id)
    assert (held.state, held.clock_paused_at) == (State.ON_HOLD, NOW + timedelta(hours=1))
    wednesday = street.later(days=2)
    resumed = wednesday.act(case, Action.RESUME, unit(street))
    # Three of four working hours were left at 11:00 on Monday: Wednesday 10:00 to 14:30.
    assert resumed.due_at == NOW + timedelta(days=2, hours=4, minutes=30)
    assert resumed.state is State.HANDLING


def test_a_case_that_is_sent_back_waits_for_another_unit_and_the_clock_of_the_wrong_one_stops(
    street: Street, case: Case
) -> None:
    request = street.ask(case, Action.SEND_BACK, unit(street), reason="不归我们", basis="职责清单第 3 项")
    street.answer(request, street.dispatcher)
    back = street.case(case.id)
    assert (back.state, back.unit_code, back.due_at, back.return_count) == (State.FILED, None, None, 1)
    assert back.stage_due_at == NOW + timedelta(hours=1)


def test_one_request_for_an_action_waits_at_a_time(street: Street, case: Case) -> None:
    street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    with pytest.raises(NotReady) as refusal:
        street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    assert refusal.value.facts["guard"] == "one_pending"
    street.ask(case, Action.HOLD, unit(street), reason="等待配件", resume_on="2026-11-25")


def test_the_same_request_again_is_answered_as_the_first_time(street: Street, case: Case) -> None:
    command = asking.AskCommand(uuid.uuid4(), case.id, Action.EXTEND, case.version, EXTENSION)
    first = asking.ask(street.db, unit(street), NOW, street.books, command)
    assert asking.ask(street.db, unit(street), NOW, street.books, command) == first
    assert len(street.requests_of(case)) == 1
    with pytest.raises(ContentDiffers):
        asking.ask(street.db, unit(street), NOW, street.books, replace(command, action=Action.HOLD))


def test_a_request_on_an_old_picture_is_refused(street: Street, case: Case) -> None:
    command = asking.AskCommand(uuid.uuid4(), case.id, Action.EXTEND, case.version - 1, EXTENSION)
    with pytest.raises(StaleVersion):
        asking.ask(street.db, unit(street), NOW, street.books, command)


def test_an_extension_is_asked_for_before_the_deadline(street: Street, case: Case) -> None:
    assert case.due_at is not None
    at = street.later(seconds=(case.due_at - NOW).total_seconds())
    late = street.later(seconds=(case.due_at - NOW).total_seconds() + 1)
    with pytest.raises(NotReady) as refusal:
        late.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    assert refusal.value.facts["guard"] == "in_time"
    at.ask(case, Action.EXTEND, unit(street), **EXTENSION)


@pytest.mark.parametrize(
    "facts",
    [
        {"amount": 0, "unit": "working_day"},
        {"amount": "many", "unit": "working_day"},
        {"amount": 1, "unit": "fortnight"},
        {"amount": 1},
        {},
    ],
)
def test_an_extension_says_how_long_in_units_of_limits(street: Street, case: Case, facts: dict) -> None:
    with pytest.raises(InvalidInput):
        street.ask(case, Action.EXTEND, unit(street), reason="需要配件", **facts)


def test_what_needs_no_request_cannot_be_asked_for(street: Street, case: Case) -> None:
    with pytest.raises(NotReady) as refusal:
        street.ask(case, Action.SUBMIT_RESULT, unit(street))
    assert refusal.value.facts["guard"] == "direct"
    with pytest.raises(IllegalAction):
        street.ask(case, Action.CLOSE, unit(street))


def test_what_needs_a_request_cannot_be_done_without_one(street: Street, case: Case) -> None:
    with pytest.raises(NotReady) as refusal:
        street.act(case, Action.EXTEND, street.dispatcher, **EXTENSION)
    assert refusal.value.facts["guard"] == "granted"


def test_a_request_is_decided_once(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    street.answer(request, street.dispatcher)
    with pytest.raises(NotReady) as refusal:
        street.answer(request, street.director)
    assert refusal.value.facts["guard"] == "pending"


def test_a_grant_that_comes_too_late_for_its_case_is_not_stored(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    street.act(case, Action.SUBMIT_RESULT, unit(street), result="已清理", photos=[street.photo(unit(street))])
    with pytest.raises(IllegalAction), street.db.begin_nested():
        street.answer(request, street.dispatcher)
    (shown,) = street.requests_of(case)
    assert shown["status"] == "pending"


def test_requests_of_another_street_do_not_exist(street: Street, case: Case) -> None:
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    with pytest.raises(NotFound):
        street.answer(request, stranger(street.dispatcher))
    with pytest.raises(NotFound):
        street.ask(case, Action.EXTEND, stranger(unit(street)), **EXTENSION)


@pytest.mark.parametrize("words", ["\x00", "\ud800"], ids=["nul", "surrogate"])
def test_words_that_cannot_be_stored_are_the_senders_to_mend(street: Street, case: Case, words: str) -> None:
    with pytest.raises(InvalidInput):
        street.ask(case, Action.EXTEND, unit(street), **{**EXTENSION, "reason": words})
    request = street.ask(case, Action.EXTEND, unit(street), **EXTENSION)
    with pytest.raises(InvalidInput):
        street.answer(request, street.dispatcher, opinion=words)
