"""Requests the first, the second and the third time, and what a ruling leaves behind."""

from datetime import timedelta
from typing import Any

import pytest

from gridmgmt.domain.case import Case
from gridmgmt.domain.org import SYSTEM_ACTOR_ID, Actor
from gridmgmt.domain.request import Request, RequestStatus
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import IllegalAction, MissingFact, NotAllowed, NotReady
from gridmgmt.services import reading
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases, precedents
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import CLEANING, ENFORCEMENT, SORTING, Street, stranger

EXTENSION: dict[str, Any] = {"reason": "需要配件", "amount": 1, "unit": "working_hour"}
RETURN: dict[str, Any] = {"reason": "不归我们", "basis": "职责清单"}


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def unit_of(street: Street, case: Case) -> Actor:
    return street.handler(str(street.case(case.id).unit_code))


def returned(street: Street, case: Case, by: Actor) -> Case:
    """Asked for by the unit that has it, and granted."""
    street.answer(street.ask(case, Action.SEND_BACK, unit_of(street, case), **RETURN), by)
    return street.case(case.id)


def third_asked(street: Street) -> tuple[Case, Request]:
    """A case that wandered twice and is asked to wander again."""
    case = street.report()
    returned(street, case, street.dispatcher)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=CLEANING)
    returned(street, case, street.director)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=ENFORCEMENT)
    return case, street.ask(case, Action.SEND_BACK, unit_of(street, case), **RETURN)


def test_a_first_extension_is_the_shift_leaders_and_a_second_one_the_directors(street: Street) -> None:
    case = street.report()
    unit = unit_of(street, case)
    street.answer(street.ask(case, Action.EXTEND, unit, **EXTENSION), street.shift_leader)
    again = street.ask(case, Action.EXTEND, unit, **EXTENSION)
    for by in (street.shift_leader, street.dispatcher):
        with pytest.raises(NotAllowed):
            street.answer(again, by)
        with pytest.raises(NotAllowed):
            street.answer(again, by, granted=False, opinion="不同意")
    with pytest.raises(MissingFact) as refused:
        street.answer(again, street.director)
    assert refused.value.facts["missing"] == ["document_no"]
    answered = street.answer(again, street.director, document="街延〔2026〕2号")
    assert answered.status is RequestStatus.GRANTED
    assert street.case(case.id).extension_count == 2
    assert cases.history(street.db, case.id)[-1].facts["document_no"] == "街延〔2026〕2号"


def test_the_asker_cannot_bring_the_signed_document_himself(street: Street) -> None:
    case = street.report()
    facts = {**EXTENSION, "engineering": "yes", "document_no": "自拟1号"}
    request = street.ask(case, Action.EXTEND, unit_of(street, case), **facts)
    with pytest.raises(MissingFact):
        street.answer(request, street.director)


def test_a_return_or_a_hold_comes_within_its_time(street: Street) -> None:
    case = street.report()
    with pytest.raises(NotReady) as refused:
        street.later(days=2).ask(case, Action.SEND_BACK, unit_of(street, case), **RETURN)
    assert refused.value.facts["guard"] == "return_window"
    with pytest.raises(NotReady) as refused:
        street.later(days=9).ask(
            case, Action.HOLD, unit_of(street, case), reason="冬季", resume_on="2026-12-20"
        )
    assert refused.value.facts["guard"] == "in_time"
    offers = {
        o["action"]: o
        for o in reading.case_detail(
            street.db, unit_of(street, case), NOW + timedelta(days=2), street.books, case.id
        )["legal"]
    }
    assert offers["send_back"]["may"] is None
    assert offers["send_back"]["refusal"]["code"] == "not_ready"


def test_a_second_return_is_the_directors(street: Street) -> None:
    case = street.report()
    returned(street, case, street.dispatcher)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=CLEANING)
    request = street.ask(case, Action.SEND_BACK, unit_of(street, case), **RETURN)
    with pytest.raises(NotAllowed):
        street.answer(request, street.dispatcher)
    street.answer(request, street.director)
    assert street.case(case.id).return_count == 2


def test_a_third_return_goes_to_the_district_by_itself(street: Street) -> None:
    case, request = third_asked(street)
    assert (request.status, request.decided_by) == (RequestStatus.GRANTED, SYSTEM_ACTOR_ID)
    after = street.case(case.id)
    assert (after.state, after.return_count, after.unit_code, after.due_at) == (State.REFERRED, 3, None, None)
    steps = cases.history(street.db, case.id)[-2:]
    assert [(s.action, s.actor_id) for s in steps] == [
        ("send_back", SYSTEM_ACTOR_ID), ("refer", SYSTEM_ACTOR_ID),
    ]  # fmt: skip
    assert street.events_of(case)[-4:] == [
        "request_made", "case_sent_back", "case_referred", "request_decided",
    ]  # fmt: skip
    with pytest.raises(NotReady):
        street.answer(request, street.director)


def test_after_the_ruling_no_return_is_asked_for_and_the_ruling_is_a_precedent(street: Street) -> None:
    case, _ = third_asked(street)
    ruled = street.act(
        case, Action.RULE, street.district, unit_code=CLEANING, document_no="区裁定〔2026〕7号"
    )
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=CLEANING)
    with pytest.raises(NotReady) as refused:
        street.ask(case, Action.SEND_BACK, unit_of(street, case), **RETURN)
    assert (refused.value.rule, refused.value.facts["guard"]) == ("R22d", "ruled")
    (kept,) = precedents.find(street.db, street.dispatcher, case.category)
    assert (kept.unit_code, kept.document_no, kept.ruled_by, kept.at) == (
        CLEANING, "区裁定〔2026〕7号", street.district.id, NOW,
    )  # fmt: skip
    assert (kept.case_id, kept.cell_code, kept.community_code) == (
        ruled.id, ruled.cell_code, ruled.community_code,
    )  # fmt: skip


def rule(street: Street, unit_code: str, **over: Any) -> Case:
    case = street.report(category=SORTING, **over)
    street.act(case, Action.REFER, street.dispatcher, reason="责任不清")
    return street.act(case, Action.RULE, street.district, unit_code=unit_code, document_no="1")


def test_precedents_are_found_by_class_and_place_newest_first(street: Street) -> None:
    here, there = street.duty_cells[0], street.duty_cells[-1]
    first = rule(street, CLEANING, cell=here)
    second = rule(street.later(minutes=5), ENFORCEMENT, cell=here)
    third = rule(street.later(minutes=9), CLEANING, cell=there)

    def found(**place: str) -> list[str]:
        return [
            str(p.case_id) for p in precedents.find(street.db, street.dispatcher, first.category, **place)
        ]

    assert found() == [str(third.id), str(second.id), str(first.id)]
    assert found(cell_code=here.code) == [str(second.id), str(first.id)]
    assert found(community_code=there.community_code)[:1] == [str(third.id)]
    assert found(cell_code="120116005999999") == []
    assert precedents.find(street.db, street.dispatcher, "another class") == []
    assert precedents.find(street.db, stranger(street.dispatcher), first.category) == []


def test_two_rulings_on_one_case_are_two_precedents(street: Street) -> None:
    case = rule(street, CLEANING)
    street.act(case, Action.REFER, street.dispatcher, reason="情况变化")
    street.act(case, Action.RULE, street.district, unit_code=ENFORCEMENT, document_no="2")
    kept = precedents.find(street.db, street.dispatcher, case.category)
    assert {p.document_no for p in kept} == {"1", "2"}


def test_a_closed_case_is_reopened_within_the_window_only(street: Street) -> None:
    case = street.closed(street.handled(street.report()))
    with pytest.raises(NotReady) as refused:
        street.later(days=16).act(case, Action.REOPEN, street.shift_leader, reason="又出现了")
    assert refused.value.facts["guard"] == "reopen_window"
    detail = reading.case_detail(
        street.db, street.shift_leader, NOW + timedelta(days=16), street.books, case.id
    )
    assert [(o["action"], o["may"]) for o in detail["legal"]] == [("reopen", None)]
    again = street.later(days=15).act(case, Action.REOPEN, street.shift_leader, reason="又出现了")
    assert (again.state, again.rework_count) == (State.HANDLING, 1)
    with pytest.raises(IllegalAction):
        street.act(case, Action.REOPEN, street.shift_leader, reason="又出现了")
