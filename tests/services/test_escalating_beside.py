"""Limits beside a case climb as its own do: a called unit's three, and the reply that an order owes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.case import Case
from gridmgmt.domain.jointcall import JointCall
from gridmgmt.domain.ladder import Running, rung_at
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.services import escalating, joint_calls
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import ladders
from gridmgmt.storage import supervision as orders
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.walls import Acting
from tests.builders_cases import NOW, STREET
from tests.builders_street import CLEANING, ENFORCEMENT, Street
from tests.services.test_escalating import tick
from tests.services.test_joint_calls import act, call_units
from tests.services.test_supervising import reply, urge

MINUTE = timedelta(minutes=1)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def case(street: Street) -> Case:
    return street.report()


@pytest.fixture
def call(street: Street, case: Case) -> JointCall:
    made = call_units(street, case)
    tick(street, NOW)
    return made


def rungs(street: Street, case: Case, clock: str) -> list[tuple[int, bool]]:
    found = [s for s in ladders.steps_of(street.db, case.id) if s["clock"] == clock]
    return sorted((s["rung"], s["told"]) for s in found)


def told(street: Street, clock: str) -> set[tuple[str, str]]:
    query = text(
        "select p.login, n.because from app.notifications n join app.people p on p.id = n.person_id"
        " where n.clock = :clock"
    )
    return {(r.login, r.because) for r in street.db.execute(query, {"clock": clock})}


def login(unit_code: str) -> str:
    return f"demo-unit-{unit_code.lower()}"


def test_each_called_unit_is_reminded_of_its_own_limits_at_their_shares(
    street: Street, case: Case, call: JointCall
) -> None:
    lead, assistant, _ = call.tasks
    assert lead.sign_in_due_at is not None
    total = lead.sign_in_due_at - NOW
    clock, of_assistant = f"call_sign_in:{lead.id}", f"call_sign_in:{assistant.id}"
    tick(street, NOW + total * 0.8 - timedelta(seconds=1))
    assert rungs(street, case, clock) == []
    tick(street, NOW + total * 0.8)
    tick(street, NOW + total * 0.8)
    assert rungs(street, case, clock) == rungs(street, case, of_assistant) == [(1, True)]
    assert (login(ENFORCEMENT), "unit") in told(street, clock)
    assert (login(CLEANING), "unit") in told(street, of_assistant)
    assert login(CLEANING) not in {name for name, _ in told(street, clock)}
    assert ("demo-dispatcher", "requester") not in told(street, clock), "nothing is late yet"


def test_a_called_unit_is_reminded_by_a_worker_whom_the_walls_of_the_database_bind(
    street: Street, case: Case, call: JointCall
) -> None:
    late = call.tasks[0].due_at + MINUTE
    act_as(street.db, Acting.system({STREET}))
    assert escalating.climb(street.db, late, street.books, ())
    assert [] == ladders.aside(street.db)


def test_whoever_called_hears_that_a_unit_is_late_and_then_the_street(
    street: Street, case: Case, call: JointCall
) -> None:
    lead = call.tasks[0]
    assert lead.sign_in_due_at is not None
    tick(street, lead.sign_in_due_at)
    clock = f"call_sign_in:{lead.id}"
    assert {(login(ENFORCEMENT), "unit"), ("demo-dispatcher", "requester")} <= told(street, clock)
    assert "street" not in {why for _, why in told(street, clock)}
    tick(street, NOW + (lead.sign_in_due_at - NOW) * 1.5)
    assert "street" in {why for _, why in told(street, clock)}


def test_a_limit_that_was_met_reminds_nobody_and_the_next_one_does(
    street: Street, case: Case, call: JointCall
) -> None:
    lead = call.tasks[0]
    unit = street.handler(ENFORCEMENT)
    act(street, call, lead, "sign_in", unit)
    act(street, call, lead, "arrive", unit)
    tick(street, lead.due_at)
    assert rungs(street, case, f"call_sign_in:{lead.id}") == []
    assert rungs(street, case, f"call_arrive:{lead.id}") == []
    assert rungs(street, case, f"call_result:{lead.id}")[-1] == (2, True)


def test_a_call_that_closed_climbs_no_further(street: Street, case: Case, call: JointCall) -> None:
    for task in reversed(call.tasks):
        act(street, call, task, "withdraw", street.dispatcher, reason="已解决")
    tick(street, NOW + timedelta(days=10))
    assert not [s for s in ladders.steps_of(street.db, case.id) if s["clock"].startswith("call")]


def test_shares_of_a_sub_task_are_counted_on_its_own_clock(street: Street, case: Case) -> None:
    tasks = [
        joint_calls.TaskOrder(
            case.id, ENFORCEMENT, joint_calls.Part.LEAD, "现场处置", 2, LimitUnit.WORKING_DAY
        )
    ]
    call = call_units(street, case, tasks=tasks)
    tick(street, NOW)
    task = call.tasks[0]
    clock = f"call_result:{task.id}"
    at = rung_at(Running(clock, NOW, task.due_at, LimitUnit.WORKING_DAY), 80, street.book.calendar)
    assert at != NOW + (task.due_at - NOW) * 0.8, "nights are nobody's time"
    tick(street, at - MINUTE)
    assert rungs(street, case, clock) == []
    tick(street, at)
    assert rungs(street, case, clock) == [(1, True)]


def test_a_reply_owed_is_reminded_of_and_its_supervisor_hears_when_it_is_late(
    street: Street, case: Case
) -> None:
    order = urge(street, case)
    tick(street, NOW)
    clock = f"reply:{order.id}"
    tick(street, order.reply_due_at - MINUTE)
    assert told(street, clock) >= {(login(ENFORCEMENT), "unit")}
    assert ("demo-supervisor", "requester") not in told(street, clock)
    tick(street, order.reply_due_at)
    assert ("demo-supervisor", "requester") in told(street, clock)
    assert rungs(street, case, clock) == [(1, True), (2, True)]


def test_an_answered_order_reminds_nobody(street: Street, case: Case) -> None:
    order = urge(street, case)
    tick(street, NOW)
    reply(street, order, street.handler(ENFORCEMENT))
    tick(street, order.reply_due_at + timedelta(days=3))
    assert rungs(street, case, f"reply:{order.id}") == []
    assert orders.owed_of_cases(street.db, [case.id]) == []


def test_a_reply_is_owed_also_after_the_case_ended(street: Street, case: Case) -> None:
    order = urge(street, case)
    street.closed(street.handled(case))
    tick(street, NOW)
    tick(street, order.reply_due_at)
    assert rungs(street, case, f"reply:{order.id}")[-1] == (2, True)
    assert rungs(street, case, "handling") == []


def test_an_order_to_nobodys_unit_reminds_the_dispatcher(street: Street) -> None:
    case = street.report(by=street.acceptor)
    street.db.execute(
        text("update app.cases set unit_code = null, state = 'filed' where id = :i"), {"i": case.id}
    )
    order = urge(street, case)
    tick(street, NOW)
    tick(street, order.reply_due_at - MINUTE)
    assert ("demo-dispatcher", "desk") in told(street, f"reply:{order.id}")


def test_the_message_names_the_limit(street: Street, case: Case, call: JointCall) -> None:
    tick(street, call.tasks[0].sign_in_due_at)
    event = street.db.execute(
        text("select facts from app.outbox where kind = 'case_escalated' and facts ->> 'clock' = :clock"),
        {"clock": f"call_sign_in:{call.tasks[0].id}"},
    ).scalar_one()
    assert (event["call_id"], event["unit_code"]) == (str(call.id), ENFORCEMENT)
