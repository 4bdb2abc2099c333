"""A calendar or a limit changes: open deadlines follow, each on record with who, when, old, new and why."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.case import Case
from gridmgmt.domain.org import system_actor
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import Light
from gridmgmt.errors import InvalidInput, NotReady
from gridmgmt.services import calendars as calendar_rules
from gridmgmt.services import cataloguing, reading
from gridmgmt.services.calendars import NewDays
from gridmgmt.services.reclocking import Batch, Order, recompute_batch
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import calendars, reclockings
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import ENFORCEMENT, SORTING, Street

ILLEGAL_BUILDING = "matter:06001"
TOMORROW = date(2026, 11, 24)
WHY = "示例：临时放假通知"


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def close_office(street: Street, day: date = TOMORROW) -> None:
    """A holiday that nobody knew of yesterday."""
    calendar_rules.settle_days(street.db, NOW, "tianjin", NewDays({day: False}, "示例文件", WHY))


def recomputed(street: Street, *, dry_run: bool = False, size: int = 1_000) -> list[Batch]:
    order = Order(uuid.UUID(int=77), system_actor(street.code), WHY, dry_run)
    batches: list[Batch] = []
    last = None
    while not batches or last is not None:
        batches.append(recompute_batch(street.db, NOW, street.book, order, last, size=size))
        last = batches[-1].last
    return batches


def late_report(street: Street) -> Case:
    """Reported at 16:00, so that four working hours end tomorrow."""
    return street.later(hours=6).report()


def changed_numbers(batches: list[Batch]) -> set[str]:
    return {c.case.number for batch in batches for c in batch.changed}


def test_nothing_changes_while_the_rules_are_what_they_were(street: Street) -> None:
    cases = [street.report(), late_report(street), street.report(category=SORTING)]
    street.handled(cases[0])
    (batch,) = recomputed(street)
    assert batch.seen >= len(cases)
    assert (batch.changed, batch.failed) == ([], [])


def test_a_new_holiday_moves_open_deadlines_and_leaves_a_record_an_event_and_an_audit_line(
    street: Street,
) -> None:
    touched, within_today = late_report(street), street.report()
    before = street.case(touched.id)
    close_office(street)
    numbers = changed_numbers(recomputed(street))
    after = street.case(touched.id)
    day = timedelta(days=1)
    assert before.due_at is not None
    assert (after.due_at, after.stage_due_at) == (before.due_at + day, before.due_at + day)
    assert after.version == before.version, "no step was taken"
    assert street.case(within_today.id).due_at == within_today.due_at
    assert touched.number in numbers
    assert "deadlines_recomputed" in street.events_of(touched)
    (record,) = reclockings.of_case(street.db, touched.id)
    assert (record.why, record.at, record.run_id) == (WHY, NOW, uuid.UUID(int=77))
    assert (record.calendar_version, record.actor_id) == (2, system_actor(street.code).id)
    assert record.old["due_at"] == before.due_at.isoformat()
    assert record.new["due_at"] == (before.due_at + day).isoformat()
    lines = [e for e in street.audited("subdistrict", street.code) if e.action == "clocks:recompute"]
    assert [e.facts["cases"] for e in lines] == [len(numbers)]


def test_recomputing_twice_changes_nothing_the_second_time(street: Street) -> None:
    case = late_report(street)
    close_office(street)
    recomputed(street)
    (again,) = recomputed(street)
    assert again.changed == []
    assert len(reclockings.of_case(street.db, case.id)) == 1


def test_small_batches_come_to_the_same_as_one(street: Street) -> None:
    cases = [late_report(street) for _ in range(5)]
    close_office(street)
    batches = recomputed(street, size=2)
    assert len(batches) > 2
    assert {c.number for c in cases} <= changed_numbers(batches)
    assert sum(len(b.changed) for b in batches) == len(changed_numbers(batches))


def test_a_dry_run_names_the_cases_and_stores_nothing(street: Street) -> None:
    case = late_report(street)
    before = street.case(case.id)
    close_office(street)
    assert case.number in changed_numbers(recomputed(street, dry_run=True))
    assert street.case(case.id) == before
    assert reclockings.of_case(street.db, case.id) == []


def test_the_case_goes_on_from_its_new_deadline(street: Street) -> None:
    case = late_report(street)
    close_office(street)
    recomputed(street)
    moved = street.case(case.id)
    later = street.later(hours=6)
    asked = later.ask(
        case, Action.EXTEND, later.handler(ENFORCEMENT), reason="x", amount=1, unit="natural_hour"
    )
    later.answer(asked, later.dispatcher)
    assert moved.due_at is not None
    assert later.case(case.id).due_at == moved.due_at + timedelta(hours=1)
    (batch,) = recomputed(street)
    assert case.number not in changed_numbers([batch])


def test_a_case_that_cannot_be_computed_is_named_and_the_others_are_not_held_up(street: Street) -> None:
    broken, sound = late_report(street), late_report(street)
    street.db.execute(
        text("update app.cases set category = 'LOCAL-TJ:matter:NONE' where id = :id"), {"id": broken.id}
    )
    close_office(street)
    (batch,) = recomputed(street)
    assert [(number, error.code) for number, error in batch.failed] == [(broken.number, "unknown_category")]
    assert sound.number in changed_numbers([batch])
    told = reading.case_detail(street.db, street.shift_leader, NOW, street.books, broken.id)["clocks"]
    assert told["refusal"] == {"code": "unknown_category"}


def test_records_are_never_rewritten(street: Street) -> None:
    case = late_report(street)
    close_office(street)
    recomputed(street)
    with pytest.raises(Exception, match="append"), street.db.begin_nested():
        street.db.execute(text("delete from app.case_reclockings where case_id = :id"), {"id": case.id})


# Limits


def test_a_changed_limit_moves_cases_under_it_and_ended_ones_explain_the_others(street: Street) -> None:
    case = street.report()
    row = street.db.execute(
        text("select * from app.handling_limits where category = '09006' and condition = ''")
    ).one()
    given = {n: "" if v is None else str(v) for n, v in row._mapping.items() if n != "id"}
    taken = cataloguing.take_in(street.db, {"handling_limits": [given | {"amount": "12"}]}, NOW.date())
    assert (taken["handling_limits"].changed, taken["handling_limits"].new) == (1, 0)
    assert case.number in changed_numbers(recomputed(street))
    assert street.case(case.id).limit_amount == 12
    (record,) = reclockings.of_case(street.db, case.id)
    assert (record.old["limit_amount"], record.new["limit_amount"]) == (case.limit_amount, 12)


def test_a_limit_that_begins_later_leaves_dispatched_cases_alone(street: Street) -> None:
    case = street.report()
    rows = [
        {"category": "09006", "amount": "4", "unit": "working_hour", "valid_from": "2020-11-01",
         "valid_to": "2026-12-01", "source": "test"},
        {"category": "09006", "amount": "12", "unit": "working_hour", "valid_from": "2026-12-01",
         "source": "test"},
    ]  # fmt: skip
    taken = cataloguing.take_in(street.db, {"handling_limits": rows}, NOW.date())
    assert (taken["handling_limits"].changed, taken["handling_limits"].new) == (1, 1)
    assert case.number not in changed_numbers(recomputed(street))


def test_rows_that_contradict_the_catalogue_are_refused(street: Street) -> None:
    row = {
        "category": "06001",
        "amount": "3",
        "unit": "working_day",
        "valid_from": "2020-11-01",
        "source": "x",
    }
    with pytest.raises(InvalidInput) as refused:
        cataloguing.take_in(street.db, {"handling_limits": [row]}, NOW.date())
    assert any("06001" in key for key in refused.value.facts["contradicting"])
    with pytest.raises(InvalidInput):
        cataloguing.take_in(street.db, {"people": [row]}, NOW.date())


def test_the_area_class_of_the_community_chooses_the_limit(street: Street) -> None:
    cell = street.duty_cells[0]
    street.db.execute(
        text("update app.communities set area_class = 'outer' where code = :code"),
        {"code": cell.community_code},
    )
    case = street.report(category="matter:06010", cell=cell)
    if case.state is not State.HANDLING:
        case = filed_and_dispatched(street, case)
    assert case.area_class == "outer"
    assert (case.limit_amount, case.limit_unit) == (1, "working_day")


def filed_and_dispatched(street: Street, case: Case, **facts: str) -> Case:
    case = street.case(case.id)
    if case.state is State.REPORTED:
        case = street.act(case, Action.ACCEPT, street.acceptor)
    if case.state is State.ACCEPTED:
        case = street.act(case, Action.FILE, street.shift_leader, **facts)
    return street.act(case, Action.DISPATCH, street.dispatcher, unit_code=ENFORCEMENT)


def test_the_filing_condition_chooses_the_limit_and_is_one_of_the_class(street: Street) -> None:
    street.db.execute(text("update app.categories set auto_policy = 'accept' where code = '06011'"))
    case = street.report(category="matter:06011")
    with pytest.raises(InvalidInput) as refused:
        street.act(case, Action.FILE, street.shift_leader, condition="on_the_moon")
    assert "construction_waste" in refused.value.facts["known"]
    case = filed_and_dispatched(street, case, condition="construction_waste")
    assert (case.filing_condition, case.limit_amount, case.limit_unit) == (
        "construction_waste", 4, "working_hour",
    )  # fmt: skip


def test_an_emergency_class_has_emergency_desks(street: Street) -> None:
    street.db.execute(
        text("update app.categories set emergency = true, auto_policy = 'none' where code = '09006'")
    )
    case = street.report()
    assert case.stage_due_at == NOW + timedelta(minutes=5)
    case = filed_and_dispatched(street, case)
    assert case.sign_due_at == NOW + timedelta(minutes=15)
    assert case.stage_due_at == case.sign_due_at


# Milestones


def dispatched_building(street: Street) -> Case:
    street.db.execute(text("update app.categories set auto_policy = 'none' where code = '06001'"))
    return filed_and_dispatched(street, street.report(category=ILLEGAL_BUILDING))


def test_illegal_building_has_three_deadlines_each_with_its_light(street: Street) -> None:
    case = dispatched_building(street)
    unit = street.handler(ENFORCEMENT)
    told = reading.case_detail(street.db, unit, NOW, street.books, case.id)
    shown = [(d["kind"], d["code"], d["name"], d["light"]) for d in told["clocks"]["deadlines"]]
    assert shown == [
        ("sign_for", "sign_for", "签收", Light.GREEN),
        ("milestone", "stop_work", "停工", Light.GREEN),
        ("milestone", "penalty", "处罚", Light.GREEN),
        ("handling", "removal", "拆除", Light.GREEN),
    ]
    street.act(case, Action.SIGN_FOR, unit)
    with pytest.raises(NotReady):
        street.act(case, Action.SUBMIT_RESULT, unit, result="x", photos=[street.photo(unit)])
    offered = {
        o["action"]: o for o in reading.case_detail(street.db, unit, NOW, street.books, case.id)["legal"]
    }
    assert offered[Action.REACH_MILESTONE]["choices"] == {
        "milestone": [{"value": "stop_work", "label": "停工"}]
    }
    assert offered[Action.REACH_MILESTONE]["may"] == "do"
    case = street.act(case, Action.REACH_MILESTONE, unit, milestone="stop_work", note="已停工")
    assert case.milestones[0].reached_at == NOW
    assert case.stage_due_at == case.milestones[1].due_at
    assert street.case(case.id).milestones == case.milestones


def test_a_class_without_milestones_is_not_offered_one(street: Street) -> None:
    case = street.report()
    legal = reading.case_detail(street.db, street.handler(ENFORCEMENT), NOW, street.books, case.id)["legal"]
    assert Action.REACH_MILESTONE not in {o["action"] for o in legal}


# The calendar


def test_a_calendar_keeps_its_versions_and_a_change_that_says_nothing_new_makes_none(street: Street) -> None:
    first = calendars.load_calendar(street.db, "tianjin")
    close_office(street)
    close_office(street)
    assert [(v.version, v.why) for v in calendars.versions(street.db, "tianjin")] == [
        (2, WHY), (1, "first version"),
    ]  # fmt: skip
    assert calendars.calendar_at_version(street.db, "tianjin", 1) == first
    now = calendars.load_calendar(street.db, "tianjin")
    assert calendars.calendar_at_version(street.db, "tianjin", 2) == now
    assert not now.is_working_day(TOMORROW)


def test_a_year_without_data_counts_weekdays_and_is_told(street: Street) -> None:
    told = reading.loop_board(street.db, street.director, NOW, street.books)["calendar"]
    assert (told["covered_until"], told["warning"]) == (date(2026, 12, 31), "calendar_ends")
    far = datetime(2027, 1, 4, 2, tzinfo=UTC)
    told = reading.loop_board(street.db, street.director, far, street.books)["calendar"]
    assert told["warning"] == "calendar_ended"
    days = NewDays({date(2027, 1, 1): False}, "示例", WHY, date(2027, 1, 1), date(2027, 12, 31))
    calendar_rules.settle_days(street.db, NOW, "tianjin", days)
    assert reading.loop_board(street.db, street.director, NOW, street.books)["calendar"]["warning"] is None


def test_a_gap_of_unknown_days_is_refused(street: Street) -> None:
    days = NewDays({}, "示例", WHY, date(2028, 1, 1), date(2028, 12, 31))
    with pytest.raises(InvalidInput):
        calendar_rules.settle_days(street.db, NOW, "tianjin", days)
    with pytest.raises(InvalidInput):
        calendar_rules.settle_days(street.db, NOW, "tianjin", NewDays({TOMORROW: False}, "示例", " "))
