"""When a plan takes effect, open cases go to their new cell and its worker; what is over stays."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.handover import HAND_OVER
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import NotReady
from gridmgmt.services import handing_over, notifying, oversight, reading
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_plans import assign, merged_cell, move, neighbours, published, redrawn
from tests.builders_street import SORTING, Street

DAY = timedelta(days=1)
SWITCH = NOW + DAY
TICK = timedelta.resolution


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def plan(street: Street):
    """A published plan that makes one cell of two, with a worker of its own."""
    made = published(street, redrawn(street.plan.plan, SWITCH))
    assign(street.db, merged_cell(made).code, street.worker_of(street.duty_cells[-1].code).id, SWITCH.date())
    return made


def hand_over(street: Street, now=SWITCH, limit: int = 100) -> int:
    return handing_over.hand_over(street.db, now, street.books, limit=limit)


def test_nothing_happens_before_the_instant_and_everything_at_it(street: Street, plan) -> None:
    case = street.report(cell=neighbours(street.plan.plan)[0])
    assert hand_over(street, SWITCH - TICK) == 0
    assert street.case(case.id) == case
    assert hand_over(street, SWITCH) == 1
    assert hand_over(street, SWITCH) == 0, "once"
    after = street.case(case.id)
    assert (after.cell_code, after.plan_id) == (merged_cell(plan).code, plan.id)
    assert (after.state, after.due_at, after.stage_due_at) == (case.state, case.due_at, case.stage_due_at)


def test_it_is_one_step_one_event_one_audit_line_and_one_record(street: Street, plan) -> None:
    case = street.report(cell=neighbours(street.plan.plan)[0])
    hand_over(street)
    (step,) = [s for s in cases.history(street.db, case.id) if s.action == HAND_OVER]
    assert (step.facts["from_cell"], step.facts["cell_code"]) == (case.cell_code, merged_cell(plan).code)
    assert street.events_of(case).count("case_handed_over") == 1
    assert [e.action for e in street.audited("case", case.id)].count("case:hand_over") == 1
    row = street.db.execute(text("select from_cell, to_cell, why from app.plan_handovers")).one()
    assert tuple(row)[:2] == (case.cell_code, merged_cell(plan).code)
    detail = reading.case_detail(street.db, street.shift_leader, SWITCH, street.books, case.id)
    assert detail["history"][-1]["action_name"] == "网格调整移交"


def test_the_worker_of_the_new_cell_gets_what_a_worker_had(street: Street, plan) -> None:
    old = neighbours(street.plan.plan)[0]
    case = street.report(cell=old)
    assert case.state is State.HANDLING
    before = street.worker_of(old.code).id
    given = text("update app.cases set worker_id = :worker where id = :id")
    street.db.execute(given, {"worker": before, "id": case.id})
    hand_over(street)
    new = street.worker_of(street.duty_cells[-1].code).id
    assert street.case(case.id).worker_id == new
    oversight.deliver(street.db, SWITCH)
    notifying.tell(street.db, SWITCH, street.books, [])
    query = text("select person_id from app.notifications where kind = 'case_handed_over'")
    told = set(street.db.execute(query).scalars())
    assert told == {new, before}


def test_what_is_over_keeps_its_cell_and_a_reopened_case_goes_over(street: Street, plan) -> None:
    old = neighbours(street.plan.plan)[0]
    case = street.closed(street.handled(street.report(cell=old)))
    assert hand_over(street) == 0
    assert street.case(case.id).cell_code == old.code
    late = street.later(days=1)
    late.act(case, Action.REOPEN, late.shift_leader, reason="回访不满意")
    assert hand_over(street, SWITCH + TICK) == 1
    assert street.case(case.id).cell_code == merged_cell(plan).code


def test_cells_that_stay_are_handed_over_too_and_change_nothing_but_the_plan(street: Street, plan) -> None:
    stays = street.duty_cells[-2]
    case = street.report(cell=stays, category=SORTING)
    hand_over(street)
    after = street.case(case.id)
    assert (after.cell_code, after.plan_id, after.worker_id) == (stays.code, plan.id, case.worker_id)


def test_batches_share_the_work_and_lose_nothing(street: Street, plan) -> None:
    made = [street.report(cell=street.duty_cells[i]) for i in range(7)]
    assert [hand_over(street, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert {street.case(c.id).plan_id for c in made} == {plan.id}


def test_a_report_of_the_old_plan_that_came_late_is_found(street: Street, plan) -> None:
    assert hand_over(street, SWITCH + 5 * DAY) == 0
    case = street.report(cell=neighbours(street.plan.plan)[1])  # as if its transaction had taken so long
    assert hand_over(street, SWITCH + 5 * DAY) == 1
    assert street.case(case.id).cell_code == merged_cell(plan).code


def test_a_report_after_the_switch_needs_no_handover(street: Street, plan) -> None:
    late = street.later(days=1)
    case = late.report(by=street.worker_of(street.duty_cells[0].code), cell=merged_cell(plan))
    assert case.plan_id == plan.id
    assert hand_over(street, SWITCH) == 0


def test_a_place_that_the_new_plan_does_not_cover_stays_and_the_dispatcher_is_told(
    street: Street, plan
) -> None:
    case = street.report(cell=street.duty_cells[3])
    # As if the boundary had moved: the report's place now lies beyond it.
    street.db.execute(text("set local session_replication_role = replica"))
    street.db.execute(text("update app.reports set lon = lon + 0.3 where id = :id"), {"id": case.report_id})
    street.db.execute(text("set local session_replication_role = origin"))
    assert hand_over(street) == 1
    assert hand_over(street) == 0, "said once"
    assert street.case(case.id) == case
    assert street.events_of(case)[-1] == "case_unrouted"
    assert street.db.execute(text("select to_cell from app.plan_handovers")).scalar() is None


def test_after_handing_over_nothing_is_undone(street: Street, plan) -> None:
    street.report(cell=street.duty_cells[3])
    hand_over(street)
    # Even if a clock were behind: cases stand under it.
    with pytest.raises(NotReady) as refused:
        move(street, plan.id, "undo", reason="日期有误")
    assert refused.value.facts["handed_over"] == 1
