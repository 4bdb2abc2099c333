"""What becomes of a report: whose duty it is, who gets it, what the public is owed, and until when."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from gridmgmt.domain.case import Case
from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import InvalidInput, MissingFact, NotReady, OffDutyList
from gridmgmt.geo.crs import LonLat
from gridmgmt.geo.measure import distance_lonlat_m
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import (
    CLEANING,
    ENFORCEMENT,
    OFF_LIST,
    REFUSE,
    SORTING,
    WITHDRAWN,
    Street,
    inner_point,
)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


# Duty list and routing.


def test_a_class_on_no_list_waits_and_cannot_be_filed(street: Street) -> None:
    case = street.report(category=OFF_LIST)
    assert (case.state, case.unit_code) == (State.REPORTED, None)
    assert street.events_of(case) == ["report_received", "case_unrouted"]
    street.act(case, Action.ACCEPT, street.acceptor)
    with pytest.raises(OffDutyList) as refusal:
        street.act(case, Action.FILE, street.shift_leader)
    assert (refusal.value.article, refusal.value.rule) == ("7-2", "R07c")
    assert street.case(case.id).state is State.ACCEPTED


def test_a_withdrawn_class_is_a_departments_and_no_street_unit_can_be_sent(street: Street) -> None:
    case = street.report(category=WITHDRAWN)
    assert case.state is State.FILED
    for unit in (ENFORCEMENT, case.community_code):
        with pytest.raises(OffDutyList) as refusal:
            street.act(case, Action.DISPATCH, street.dispatcher, unit_code=unit)
        assert (refusal.value.article, refusal.value.rule) == ("7-1", "R07b")
    assert street.act(case, Action.DISPATCH, street.dispatcher, unit_code="BH-WL").unit_code == "BH-WL"


def test_what_no_rule_may_decide_waits_in_the_manual_queue_with_its_reason(street: Street) -> None:
    case = street.report(category=REFUSE, description="垃圾桶旁燃气泄漏")
    assert (case.state, case.unit_code) == (State.FILED, None)
    assert "case_unrouted" in street.events_of(case)
    query = text("select routing from app.cases where id = :id")
    routing = street.db.execute(query, {"id": case.id}).scalar_one()
    assert (routing["queue_reason"], routing["rule_id"]) == ("by_rule", "R-010")
    assert street.act(case, Action.DISPATCH, street.dispatcher, unit_code=CLEANING).state is State.HANDLING


def test_a_rule_that_names_a_closed_unit_leads_to_the_queue_and_not_to_the_next_rule(street: Street) -> None:
    street.db.execute(text("update app.units set active = false where code = :c"), {"c": ENFORCEMENT})
    case = street.report()
    assert (case.state, case.unit_code) == (State.FILED, None)
    query = text("select routing ->> 'queue_reason' from app.cases where id = :id")
    assert street.db.execute(query, {"id": case.id}).scalar() == "target_inactive"


def test_the_community_of_the_cell_gets_its_own_worker(street: Street) -> None:
    cell = street.duty_cells[4]
    case = street.report(cell=cell, category=SORTING)
    query = text("select routing from app.cases where id = :id")
    routing = street.db.execute(query, {"id": case.id}).scalar_one()
    assert routing["unit_code"] == cell.community_code
    assert UUID(routing["worker_id"]) == street.worker_of(cell.code).id


def test_while_the_worker_is_on_leave_the_leader_stands_in(street: Street) -> None:
    cell = street.duty_cells[0]
    worker, leader = street.worker_of(cell.code), street.leader_of(cell.code)
    street.db.execute(
        text("update app.cell_workers set on_leave = true where person_id = :p"), {"p": worker.id}
    )
    answer = street.send(leader, street.command(leader, cell))
    assert answer.body["routing"]["worker_id"] == str(leader.id)
    assert "on leave" in answer.body["routing"]["worker_reason"]


# What the public says, and what was handled on the spot.


def hotline(street: Street, **over) -> Case:
    return street.report(street.acceptor, source=Source.HOTLINE_12345, photos=(), **over)


def test_a_report_from_the_public_is_confirmed_on_site_before_it_is_accepted(street: Street) -> None:
    case = hotline(street)
    assert (case.state, case.needs_confirmation) == (State.REPORTED, True)
    with pytest.raises(NotReady) as refusal:
        street.act(case, Action.ACCEPT, street.acceptor)
    assert refusal.value.facts["guard"] == "confirmed"
    worker = street.worker_of(case.cell_code)
    street.act(case, Action.ASK_CONFIRMATION, street.acceptor, worker_id=str(worker.id))
    street.act(case, Action.CONFIRM, worker, found="yes", opinion="现场属实")
    assert street.act(case, Action.ACCEPT, street.acceptor).state is State.ACCEPTED


def test_what_was_not_found_on_site_cannot_be_accepted(street: Street) -> None:
    case = hotline(street)
    street.act(case, Action.CONFIRM, street.worker_of(case.cell_code), found="no", opinion="现场未见")
    with pytest.raises(NotReady):
        street.act(case, Action.ACCEPT, street.acceptor)
    rejected = street.act(case, Action.REJECT, street.acceptor, reason="现场未见，已说明")
    assert rejected.state is State.REJECTED


def test_the_public_is_told_the_outcome_before_the_case_closes(street: Street) -> None:
    case = hotline(street)
    street.act(case, Action.CONFIRM, street.worker_of(case.cell_code), found=True, opinion="属实")
    street.act(case, Action.ACCEPT, street.acceptor)
    street.act(case, Action.FILE, street.shift_leader)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=ENFORCEMENT)
    street.handled(case)
    street.act(case, Action.PASS_VERIFICATION, street.leader_of(case.cell_code), opinion="已恢复")
    with pytest.raises(MissingFact) as refusal:
        street.act(case, Action.CLOSE, street.shift_leader)
    assert (refusal.value.rule, refusal.value.article) == ("R14b", "14-2")
    assert refusal.value.facts["missing"] == ["feedback"]
    told = street.act(case, Action.CLOSE, street.shift_leader, feedback="已电话告知")
    assert told.state is State.CLOSED


def test_what_was_handled_on_the_spot_is_audited_by_another_person(street: Street) -> None:
    cell = street.duty_cells[0]
    worker = street.worker_of(cell.code)
    both = (street.photo(worker, "before"), street.photo(worker, "after"))
    case = street.report(worker, cell, category=REFUSE, photos=both, self_handled=True)
    assert (case.state, case.worker_id) == (State.SELF_HANDLED, worker.id)
    assert street.act(case, Action.APPROVE_SELF_HANDLING, street.shift_leader).state is State.CLOSED


@pytest.mark.parametrize(
    ("over", "code"),
    [({"category": "matter:09006"}, "not_minor"), ({"photos": 1}, "missing_before_after")],
)
def test_handling_on_the_spot_is_for_minor_matters_with_two_photos(
    street: Street, over: dict, code: str
) -> None:
    cell = street.duty_cells[0]
    worker = street.worker_of(cell.code)
    photos = tuple(street.photo(worker, str(n)) for n in range(over.pop("photos", 2)))
    command = street.command(
        worker, cell, **({"category": REFUSE, "photos": photos, "self_handled": True} | over)
    )
    with pytest.raises(InvalidInput) as refusal:
        street.send(worker, command)
    assert [f["code"] for f in refusal.value.facts["faults"]] == [code]


# Duplicates are suggested; a person decides.


def test_a_second_report_of_the_same_thing_names_the_first(street: Street) -> None:
    cell = street.duty_cells[0]
    first = street.report(cell=cell)
    place = inner_point(cell.polygon)
    near = LonLat(place.lon + 0.0001, place.lat)
    by = street.leader_of(cell.code)
    told = street.send(by, street.command(by, cell, lon=near.lon)).body["duplicates"]
    assert [d["case_id"] for d in told] == [str(first.id)]
    assert told[0]["number"] == first.number
    assert told[0]["distance_m"] == pytest.approx(distance_lonlat_m(place, near), abs=0.1)
    assert 0.5 <= told[0]["score"] < 1.0


def test_another_class_another_place_or_a_closed_case_is_no_duplicate(street: Street) -> None:
    cell = street.duty_cells[0]
    street.report(cell=cell, category=REFUSE)
    street.report(cell=street.duty_cells[-1])
    street.closed(street.handled(street.report(cell=cell)))
    by = street.leader_of(cell.code)
    assert street.send(by, street.command(by, cell)).body["duplicates"] == []


# Deadlines run on the working calendar of the street.


@pytest.mark.parametrize(
    ("reported_at", "due_at"),
    [
        ("2026-11-27T08:00Z", "2026-11-30T08:00Z"),  # Friday 16:00: Monday 16:00
        ("2026-11-28T02:00Z", "2026-12-01T00:30Z"),  # Saturday: counts from Monday's opening
        ("2026-09-30T08:00Z", "2026-10-08T08:00Z"),  # the eve of National Day: after the holidays
        ("2026-10-09T08:00Z", "2026-10-10T08:00Z"),  # a Friday before a Saturday worked in exchange
    ],
)
def test_one_working_day_ends_at_the_same_hour_of_the_next_working_day(
    street: Street, reported_at: str, due_at: str
) -> None:
    street.db.execute(text("update app.grid_plans set valid_from = '2026-09-01'"))
    at = datetime.fromisoformat(reported_at)
    then = street.later(seconds=(at - NOW).total_seconds())
    case = then.report(cell=street.plan.plan.cells[0], by=street.acceptor, category="matter:06036")
    assert (case.limit_amount, str(case.limit_unit)) == (1, "working_day")
    assert case.due_at == datetime.fromisoformat(due_at)


def test_each_desk_has_its_own_limit(street: Street) -> None:
    reported = hotline(street)
    assert reported.stage_due_at == NOW + timedelta(minutes=30)
    filed = street.report(category=SORTING)
    assert filed.stage_due_at == NOW + timedelta(hours=1)
    handling = street.report()
    assert handling.stage_due_at == handling.due_at
