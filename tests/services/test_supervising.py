"""Supervision orders: urged, owed, answered, shown on the case and on record."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from gridmgmt.domain.case import Case
from gridmgmt.domain.org import Actor
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.domain.workflow import Action
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import ContentDiffers, InvalidInput, NotAllowed, NotFound, NotReady
from gridmgmt.services import reading, supervising
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import CLEANING, ENFORCEMENT, SORTING, Street, stranger


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def urge(street: Street, case: Case, by: Actor | None = None, **over: Any) -> SupervisionOrder:
    facts: dict[str, Any] = {"id": uuid.uuid4(), "case_id": case.id, "opinion": "请抓紧办理"}
    command = supervising.OrderCommand(**facts | over)
    return supervising.order(
        street.db, by or street.person("demo-supervisor"), street.now, street.books, command
    )


def reply(street: Street, order: SupervisionOrder, by: Actor, text: str = "已安排人员") -> SupervisionOrder:
    return supervising.reply(street.db, by, street.now, order.id, text)


def shown(street: Street, case: Case) -> list[dict[str, Any]]:
    detail = reading.case_detail(street.db, street.acceptor, street.now, street.books, case.id)
    orders: list[dict[str, Any]] = detail["beside"]["orders"]
    return orders


def test_an_order_owes_a_reply_by_the_catalogues_limit_and_stands_on_the_case(street: Street) -> None:
    case = street.report()
    order = urge(street, case)
    # One working day from Monday 10:00.
    assert (order.reply_due_at, order.unit_code) == (NOW + timedelta(days=1), ENFORCEMENT)
    assert [(o["opinion"], o["reply"], o["late"]) for o in shown(street, case)] == [
        ("请抓紧办理", None, False)
    ]
    assert [o["late"] for o in shown(street.later(days=2), case)] == [True]
    assert street.case(case.id) == case
    assert street.events_of(case)[-1] == "supervision_ordered"
    reply(street, order, street.handler(ENFORCEMENT))
    assert [o["reply"] for o in shown(street, case)] == ["已安排人员"]
    assert street.events_of(case)[-1] == "supervision_answered"
    lines = street.audited("supervision_order", order.id)
    assert [(line.action, line.outcome) for line in lines] == [
        ("supervise:order", "done"), ("supervise:reply", "done"),
    ]  # fmt: skip


def test_the_order_may_set_its_own_limit_whole(street: Street) -> None:
    case = street.report()
    order = urge(street, case, street.director, amount=2, unit=LimitUnit.NATURAL_HOUR)
    assert order.reply_due_at == NOW + timedelta(hours=2)
    for half in ({"amount": 2}, {"unit": LimitUnit.NATURAL_HOUR}):
        with pytest.raises(InvalidInput):
            urge(street, case, **half)


def test_the_district_urges_too_and_the_dispatcher_answers_while_no_unit_has_it(street: Street) -> None:
    order = urge(street, street.report(category=SORTING), street.district)
    assert order.unit_code is None
    with pytest.raises(NotAllowed):
        reply(street, order, street.handler(ENFORCEMENT))
    assert reply(street, order, street.dispatcher).replied_by == street.dispatcher.id


def test_only_the_unit_that_it_is_addressed_to_answers_once(street: Street) -> None:
    order = urge(street, street.report())
    with pytest.raises(NotAllowed):
        reply(street, order, street.handler(CLEANING))
    with pytest.raises(NotAllowed):
        reply(street, order, street.shift_leader)
    with pytest.raises(NotFound):
        reply(street, order, stranger(street.handler(ENFORCEMENT)))
    reply(street, order, street.handler(ENFORCEMENT))
    with pytest.raises(NotReady):
        reply(street, order, street.handler(ENFORCEMENT))


def test_only_those_above_urge_and_only_open_cases(street: Street) -> None:
    case = street.report()
    for by in (street.acceptor, street.dispatcher, street.shift_leader, street.handler(ENFORCEMENT)):
        with pytest.raises(NotAllowed):
            urge(street, case, by)
    street.closed(street.handled(case))
    with pytest.raises(NotReady):
        urge(street, case)


def test_an_order_outlives_the_case_until_it_is_answered(street: Street) -> None:
    case = street.report()
    order = urge(street, case)
    street.closed(street.handled(case))
    owed = supervising.owed(street.db, street.director, street.later(days=3).now)
    assert [(o["id"], o["late"]) for o in owed] == [(order.id, True)]
    answered = reply(street.later(days=3), order, street.handler(ENFORCEMENT))
    assert answered.is_late(NOW)
    assert supervising.owed(street.db, street.director, NOW) == []


def test_the_same_order_again_is_one_and_another_under_its_id_is_refused(street: Street) -> None:
    case, given = street.report(), uuid.uuid4()
    first = urge(street, case, id=given)
    assert urge(street.later(hours=3), case, id=given) == first
    with pytest.raises(ContentDiffers):
        urge(street, case, id=given, opinion="另一件事")


def test_urging_is_no_hand_of_the_case(street: Street) -> None:
    case = street.report()
    urge(street, case, street.director)
    unit = street.handler(ENFORCEMENT)
    request = street.ask(case, Action.EXTEND, unit, reason="配件", amount=1, unit="working_hour")
    street.answer(request, street.director)
    assert street.director.id in street.case(case.id).acted
