"""How a case moves: guards, versions, history, events and clocks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gridmgmt.domain.case import advance, check, open_case, require_version
from gridmgmt.domain.events import EventKind
from gridmgmt.domain.org import Role, system_actor
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.request import RequestStatus
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import (
    DutiesNotSeparated,
    IllegalAction,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotReady,
    StaleVersion,
)
from tests.builders_cases import (
    CASE_ID,
    CLOCKS,
    HOUR,
    NOW,
    OTHER_UNIT,
    REPORTER,
    STREET,
    UNIT,
    case_for,
    drive,
    make_actor,
    make_calendar,
    make_case,
    make_clocks,
    make_granted,
    move,
    post_for,
    required_facts,
)

DIRECT = [pair for pair, row in TRANSITIONS.items() if not row.needs_request]
BY_REQUEST = [pair for pair, row in TRANSITIONS.items() if row.needs_request]


def local(text: str) -> datetime:
    """A time on the wall clock of Tianjin; 2026-11-23 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


def guard_of(attempt: Callable[[], Any]) -> object:
    """The guard that a refusal names."""
    with pytest.raises(NotReady) as refused:
        attempt()
    return refused.value.facts["guard"]


# The beginning


def test_a_case_begins_with_the_report_and_the_desks_clock() -> None:
    decision = open_case(make_case(), clocks=CLOCKS, facts={"photos": []})
    step = decision.step
    assert (1, "report", None, State.REPORTED) == (step.seq, step.action, step.from_state, step.to_state)
    assert (REPORTER, NOW - HOUR, {"photos": []}) == (step.actor_id, step.at, step.facts)
    assert [EventKind.REPORT_RECEIVED] == [e.kind for e in decision.events]
    assert NOW - HOUR + timedelta(minutes=30) == decision.case.stage_due_at
    assert {} == decision.case.acted


def test_what_was_handled_on_the_spot_is_the_reporters_own_handling() -> None:
    decision = open_case(make_case(State.SELF_HANDLED), clocks=CLOCKS, facts={})
    assert [EventKind.SELF_HANDLED_REPORTED] == [e.kind for e in decision.events]
    assert {REPORTER: Axis.HANDLING} == decision.case.acted
    assert REPORTER == decision.case.worker_id


def test_nobody_approves_his_own_self_handling() -> None:
    case = open_case(make_case(State.SELF_HANDLED), clocks=CLOCKS, facts={}).case
    reporter = make_actor(*set(Role) - {Role.SYSTEM}, id=REPORTER)
    with pytest.raises(DutiesNotSeparated):
        move(case, Action.APPROVE_SELF_HANDLING, reporter)
    assert State.CLOSED is drive(case, Action.APPROVE_SELF_HANDLING).state


def test_a_reopened_self_handled_case_goes_back_to_whoever_handled_it() -> None:
    case = open_case(make_case(State.SELF_HANDLED), clocks=CLOCKS, facts={}).case
    reopened = drive(case, Action.APPROVE_SELF_HANDLING, Action.REOPEN)
    reporter = make_actor(Role.GRID_WORKER, id=REPORTER)
    signed = move(reopened, Action.SIGN_FOR, reporter).case
    assert State.HANDLED is move(signed, Action.SUBMIT_RESULT, reporter).case.state


# Every move


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_a_move_adds_one_version_one_line_and_one_event(state: State, action: Action) -> None:
    case, row = case_for(state, action), TRANSITIONS[state, action]
    actor = post_for(case, action)
    decision = move(case, action, actor)
    assert (case.version + 1, row.target) == (decision.case.version, decision.case.state)
    step = decision.step
    assert (case.id, decision.case.version, str(action)) == (step.case_id, step.seq, step.action)
    assert (state, row.target, actor.id, NOW) == (step.from_state, step.to_state, step.actor_id, step.at)
    assert (required_facts(state, action), row.article) == (step.facts, row.article)
    assert [row.event] == [e.kind for e in decision.events]
    assert {actor.id: row.axis} == decision.case.acted
    facts = decision.events[0].facts
    assert (str(state), str(row.target)) == (facts["from"], facts["state"])


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_every_missing_or_blank_fact_is_named(state: State, action: Action) -> None:
    case = make_case(state)
    actor = post_for(case, action)
    for name in TRANSITIONS[state, action].requires:
        for blank in (None, "", "  ", [], ()):
            with pytest.raises(MissingFact) as refused:
                move(case, action, actor, **{name: blank})
            assert {"action": str(action), "missing": [name]} == refused.value.facts


def test_all_missing_facts_are_named_at_once() -> None:
    with pytest.raises(MissingFact) as refused:
        check(make_case(State.HANDLING), Action.SUBMIT_RESULT, make_actor(Role.HANDLER), {})
    assert ["photos", "result"] == refused.value.facts["missing"]


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_whoever_saw_an_older_version_is_told_the_present_one(state: State, action: Action) -> None:
    case = case_for(state, action, version=7)
    for seen in (1, 6, 8):
        with pytest.raises(StaleVersion) as refused:
            move(case, action, expected_version=seen)
        assert {"expected": seen, "version": 7, "state": str(state)} == refused.value.facts
    assert 8 == move(case, action, expected_version=7).case.version


def test_a_stale_version_is_told_before_anything_else_to_those_who_read_cases() -> None:
    with pytest.raises(StaleVersion):
        move(make_case(version=2), Action.ACCEPT, make_actor(Role.SUPERVISOR), expected_version=1)
    with pytest.raises(NotAllowed):
        move(make_case(version=2), Action.ACCEPT, make_actor(Role.AUDITOR), expected_version=1)
    require_version(make_case(version=2), None)


@pytest.mark.parametrize(("state", "action"), BY_REQUEST)
def test_without_a_grant_nothing_that_needs_one_moves(state: State, action: Action) -> None:
    case = make_case(state)
    actor = post_for(case, action)
    none_of_them = [
        None,
        make_granted(case, action, actor, status=RequestStatus.PENDING, decided_by=None),
        make_granted(case, action, actor, status=RequestStatus.REFUSED),
        make_granted(case, action, actor, case_id=UUID(int=99)),
        replace(make_granted(case, action, actor), action=Action.ACCEPT),
        make_granted(case, action, actor, decided_by=UUID(int=99)),
    ]
    for granted in none_of_them:
        assert "granted" == guard_of(lambda g=granted: move(case, action, actor, granted=g))


def test_a_request_of_an_earlier_round_of_handling_has_lapsed() -> None:
    case = make_case(State.HANDLING)
    actor = post_for(case, Action.EXTEND)
    early = make_granted(case, Action.EXTEND, actor, asked_at=case.clock_started_at - timedelta(seconds=1))
    assert "lapsed" == guard_of(lambda: move(case, Action.EXTEND, actor, granted=early))
    at_once = make_granted(case, Action.EXTEND, actor, asked_at=case.clock_started_at)
    assert State.HANDLING is move(case, Action.EXTEND, actor, granted=at_once).case.state


@pytest.mark.parametrize(("state", "action"), DIRECT)
def test_what_needs_no_request_asks_for_none(state: State, action: Action) -> None:
    assert TRANSITIONS[state, action].target is move(case_for(state, action), action, granted=None).case.state


def test_a_refused_move_leaves_nothing_behind() -> None:
    case = make_case(State.HANDLING, acted={REPORTER: Axis.SUPERVISION})
    before = replace(case, acted=dict(case.acted))
    for action in Action:
        for actor in (make_actor(Role.SUPERVISOR), make_actor(Role.DISPATCHER)):
            with pytest.raises((IllegalAction, NotAllowed, MissingFact, NotReady)):
                advance(case, action, actor, NOW, clocks=CLOCKS)
    assert before == case


def test_the_map_of_who_acted_cannot_be_written_to() -> None:
    case = drive(make_case(), Action.ACCEPT)
    with pytest.raises(TypeError):
        case.acted[REPORTER] = Axis.HANDLING


# Guards


def test_a_public_report_is_confirmed_on_site_before_it_is_accepted() -> None:
    case = make_case(needs_confirmation=True)
    assert "confirmed" == guard_of(lambda: drive(case, Action.ACCEPT))
    assert "confirmed" == guard_of(lambda: drive(case, Action.ASK_CONFIRMATION, Action.ACCEPT))
    not_found = move(case, Action.CONFIRM, found="no").case
    assert "confirmed" == guard_of(lambda: drive(not_found, Action.ACCEPT))
    assert State.REJECTED is drive(not_found, Action.REJECT).state
    assert State.ACCEPTED is drive(case, Action.CONFIRM, Action.ACCEPT).state


def test_a_workers_own_report_needs_no_confirmation() -> None:
    assert State.ACCEPTED is drive(make_case(), Action.ACCEPT).state


def test_a_case_that_filing_turned_down_is_confirmed_anew() -> None:
    case = drive(make_case(needs_confirmation=True), Action.CONFIRM, Action.ACCEPT, Action.DECLINE)
    assert "confirmed" == guard_of(lambda: drive(case, Action.ACCEPT))


@pytest.mark.parametrize(("found", "confirmed"), [("yes", True), (True, True), ("no", False), (False, False)])
def test_found_is_yes_or_no(found: object, confirmed: bool) -> None:
    assert confirmed is move(make_case(), Action.CONFIRM, found=found).case.confirmed


@pytest.mark.parametrize("found", ["maybe", "YES", 1, 0, ["yes"]])
def test_anything_else_is_no_answer(found: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        move(make_case(), Action.CONFIRM, found=found)
    assert {"field": "found"} == refused.value.facts


def test_a_result_needs_a_signature_first() -> None:
    case = make_case(State.HANDLING, signed_at=None)
    assert "signed" == guard_of(lambda: drive(case, Action.SUBMIT_RESULT))
    assert State.HANDLED is drive(case, Action.SIGN_FOR, Action.SUBMIT_RESULT).state


def test_the_first_signature_counts() -> None:
    first = drive(make_case(State.HANDLING, signed_at=None), Action.SIGN_FOR)
    assert NOW == drive(first, Action.SIGN_FOR, now=NOW + HOUR).signed_at


def test_a_new_unit_signs_for_itself() -> None:
    case = drive(make_case(State.HANDLING), Action.SEND_BACK, Action.DISPATCH)
    assert "signed" == guard_of(lambda: drive(case, Action.SUBMIT_RESULT))


def test_after_a_ruling_the_unit_cannot_send_back() -> None:
    ruled = drive(make_case(State.FILED), Action.REFER, Action.RULE)
    assert (UNIT, True) == (ruled.unit_code, ruled.ruled)
    dispatched = drive(ruled, Action.DISPATCH)
    assert "ruled" == guard_of(lambda: drive(dispatched, Action.SEND_BACK))


def test_after_a_ruling_no_other_unit_is_dispatched() -> None:
    ruled = drive(make_case(State.FILED), Action.REFER, Action.RULE)
    assert "ruled" == guard_of(lambda: move(ruled, Action.DISPATCH, unit_code="another"))
    assert UNIT == move(ruled, Action.DISPATCH, unit_code=UNIT).case.unit_code


@pytest.mark.parametrize(
    "spelling", [str(CASE_ID), str(CASE_ID).upper(), CASE_ID.hex, f"{{{CASE_ID}}}", CASE_ID]
)
def test_a_case_is_never_merged_into_itself_however_its_id_is_spelt(spelling: object) -> None:
    assert "other_master" == guard_of(lambda: move(make_case(), Action.MERGE, master_id=spelling))


def test_a_merged_case_remembers_its_master() -> None:
    assert UUID(int=2) == drive(make_case(), Action.MERGE).merged_into


def test_a_petition_closes_only_with_word_to_the_person_who_reported() -> None:
    case = make_case(State.VERIFIED, needs_feedback=True)
    for nothing in (None, "", "   "):
        with pytest.raises(MissingFact) as refused:
            move(case, Action.CLOSE, feedback=nothing)
        assert ("R14b", "14-2", ["feedback"]) == (
            refused.value.rule,
            refused.value.article,
            refused.value.facts["missing"],
        )
    assert State.CLOSED is move(case, Action.CLOSE, feedback="已电话告知").case.state


@pytest.mark.parametrize(
    ("state", "action", "field", "value"),
    [
        (State.REPORTED, Action.MERGE, "master_id", "the other one"),
        (State.FILED, Action.DISPATCH, "worker_id", "张三"),
        (State.HANDLING, Action.EXTEND, "amount", 0),
        (State.HANDLING, Action.EXTEND, "amount", -1),
        (State.HANDLING, Action.EXTEND, "amount", 1.5),
        (State.HANDLING, Action.EXTEND, "amount", True),
        (State.HANDLING, Action.EXTEND, "amount", "many"),
        (State.HANDLING, Action.EXTEND, "amount", "9" * 40),
        (State.HANDLING, Action.EXTEND, "unit", "week"),
        (State.HANDLING, Action.HOLD, "resume_on", "soon"),
        (State.HANDLING, Action.HOLD, "resume_on", "2026-11-22"),
    ],
)
def test_a_fact_that_cannot_be_read_is_refused_by_name(
    state: State, action: Action, field: str, value: object
) -> None:
    with pytest.raises(InvalidInput) as refused:
        move(make_case(state), action, **{field: value})
    assert {"field": field} == refused.value.facts


def test_an_extension_beyond_ten_years_is_refused() -> None:
    with pytest.raises(InvalidInput):
        move(make_case(State.HANDLING), Action.EXTEND, amount=100_000)


def test_digits_are_a_number() -> None:
    number = move(make_case(State.HANDLING), Action.EXTEND, amount=2).case.due_at
    assert number == move(make_case(State.HANDLING), Action.EXTEND, amount="2").case.due_at


# Counters and marks


def test_returns_and_rework_are_counted() -> None:
    case = drive(make_case(State.HANDLING), Action.SUBMIT_RESULT, Action.FAIL_VERIFICATION)
    assert (1, 0, None) == (case.rework_count, case.return_count, case.handled_at)
    case = drive(case, Action.SEND_BACK)
    assert (1, 1) == (case.rework_count, case.return_count)
    assert (None, None, None, None) == (case.unit_code, case.worker_id, case.signed_at, case.dispatched_at)


def test_reopening_takes_the_marks_of_the_end_off() -> None:
    done = drive(make_case(State.HANDLING), Action.SUBMIT_RESULT, Action.PASS_VERIFICATION, Action.CLOSE)
    assert (NOW, NOW, NOW) == (done.handled_at, done.verified_at, done.closed_at)
    again = drive(done, Action.REOPEN)
    assert (None, None, None, 1) == (again.handled_at, again.verified_at, again.closed_at, again.rework_count)


def test_a_dispatch_to_a_unit_and_a_worker_can_be_handled_by_both() -> None:
    worker = make_actor(Role.GRID_WORKER)
    case = move(make_case(State.FILED), Action.DISPATCH, worker_id=str(worker.id), rule_id="r-7").case
    assert (UNIT, worker.id, "r-7") == (case.unit_code, case.worker_id, case.rule_id)
    assert move(case, Action.SIGN_FOR, worker).case.signed_at
    assert move(case, Action.SIGN_FOR).case.signed_at


def test_the_platform_moves_without_leaving_a_hand() -> None:
    case = move(make_case(), Action.ACCEPT, system_actor(STREET)).case
    assert {} == case.acted


# Clocks


def test_no_handling_clock_runs_before_dispatch() -> None:
    for case in (
        make_case(),
        drive(make_case(), Action.ACCEPT),
        drive(make_case(), Action.ACCEPT, Action.FILE),
    ):
        assert (None, None, None) == (case.clock_started_at, case.due_at, case.limit_amount)


@pytest.mark.parametrize(
    ("dispatched", "limit", "due"),
    [
        ("2026-11-20 16:00", Limit(1, LimitUnit.WORKING_DAY), "2026-11-23 16:00"),
        ("2026-11-20 16:00", Limit(4, LimitUnit.WORKING_HOUR), "2026-11-23 10:30"),
        ("2026-11-20 16:00", Limit(4, LimitUnit.NATURAL_HOUR), "2026-11-20 20:00"),
        ("2026-11-21 09:00", Limit(1, LimitUnit.WORKING_DAY), "2026-11-24 08:30"),
    ],
)
def test_the_limit_of_the_class_runs_from_dispatch(dispatched: str, limit: Limit, due: str) -> None:
    clocks = make_clocks(handling_limit=limit)
    case = move(make_case(State.FILED), Action.DISPATCH, now=local(dispatched), clocks=clocks).case
    assert (local(dispatched), local(due)) == (case.clock_started_at, case.due_at)
    assert limit == Limit(case.limit_amount, case.limit_unit)


def test_holidays_count_for_nothing() -> None:
    clocks = make_clocks(calendar=make_calendar(overrides={date(2026, 11, 23): False}))
    case = move(make_case(State.FILED), Action.DISPATCH, now=local("2026-11-20 16:00"), clocks=clocks).case
    assert local("2026-11-24 16:00") == case.due_at


def test_an_extension_is_added_to_the_deadline_not_to_now() -> None:
    case = move(make_case(State.FILED), Action.DISPATCH, now=local("2026-11-20 16:00")).case
    longer = move(case, Action.EXTEND, now=local("2026-11-20 17:00"), amount=2, unit="working_day").case
    assert local("2026-11-25 16:00") == longer.due_at
    assert case.clock_started_at == longer.clock_started_at


def test_a_hold_stops_the_clock_and_what_was_left_runs_on_after_it() -> None:
    case = move(make_case(State.FILED), Action.DISPATCH, now=local("2026-11-20 09:00")).case
    case = drive(case, Action.SIGN_FOR, now=local("2026-11-20 09:10"))
    assert local("2026-11-23 09:00") == case.due_at
    held = move(case, Action.HOLD, now=local("2026-11-20 16:00"), resume_on="2026-12-01").case
    assert (local("2026-11-20 16:00"), case.due_at) == (held.clock_paused_at, held.due_at)
    # Two hours of Friday and half an hour of Monday were left.
    resumed = move(held, Action.RESUME, now=local("2026-12-01 11:00")).case
    assert (None, local("2026-12-01 15:00")) == (resumed.clock_paused_at, resumed.due_at)


def test_a_limit_in_natural_hours_shifts_by_the_whole_pause() -> None:
    clocks = make_clocks(handling_limit=Limit(10, LimitUnit.NATURAL_HOUR))
    case = move(make_case(State.FILED), Action.DISPATCH, clocks=clocks).case
    held = move(case, Action.HOLD, now=NOW + HOUR, clocks=clocks).case
    resumed = move(held, Action.RESUME, now=NOW + 50 * HOUR, clocks=clocks).case
    assert NOW + 59 * HOUR == resumed.due_at


def test_a_hold_does_not_mend_a_limit_that_had_ended() -> None:
    case = make_case(State.HANDLING, due_at=NOW - HOUR)
    resumed = drive(drive(case, Action.HOLD), Action.RESUME, now=NOW + 100 * HOUR)
    assert NOW - HOUR == resumed.due_at


@pytest.mark.parametrize(
    ("state", "action"), [(State.HANDLED, Action.FAIL_VERIFICATION), (State.CLOSED, Action.REOPEN)]
)
def test_rework_restarts_the_limit_that_the_case_was_dispatched_under(state: State, action: Action) -> None:
    case = make_case(state, limit_amount=2, limit_unit=LimitUnit.NATURAL_HOUR, due_at=NOW - 5 * HOUR)
    again = move(case, action).case
    assert (NOW, NOW + 2 * HOUR) == (again.clock_started_at, again.due_at)


def test_a_self_handled_case_that_is_reopened_gets_the_limit_of_its_class() -> None:
    case = open_case(make_case(State.SELF_HANDLED), clocks=CLOCKS, facts={}).case
    again = drive(case, Action.APPROVE_SELF_HANDLING, Action.REOPEN)
    assert local("2026-11-24 10:00") == again.due_at


def test_the_clock_of_the_wrong_unit_stops_and_the_next_unit_gets_a_full_limit() -> None:
    case = drive(make_case(State.HANDLING, due_at=NOW - HOUR), Action.SEND_BACK)
    assert (None, None, None, None) == (
        case.clock_started_at,
        case.due_at,
        case.limit_amount,
        case.limit_unit,
    )
    later = move(case, Action.DISPATCH, now=local("2026-11-25 10:00"), unit_code=OTHER_UNIT).case
    assert (OTHER_UNIT, local("2026-11-26 10:00")) == (later.unit_code, later.due_at)


def test_a_closed_case_keeps_its_deadline_so_that_timeliness_can_be_told() -> None:
    case = drive(make_case(State.VERIFIED), Action.CLOSE)
    assert (NOW + 8 * HOUR, NOW) == (case.due_at, case.closed_at)


@pytest.mark.parametrize(
    ("state", "action", "due"),
    [
        (State.REPORTED, Action.ASK_CONFIRMATION, "2026-11-23 10:30"),
        (State.REPORTED, Action.ACCEPT, "2026-11-23 11:00"),
        (State.ACCEPTED, Action.DECLINE, "2026-11-23 10:30"),
        (State.ACCEPTED, Action.FILE, "2026-11-23 11:00"),
        (State.FILED, Action.REFER, "2026-11-25 10:00"),
        (State.REFERRED, Action.RULE, "2026-11-23 11:00"),
        (State.HANDLING, Action.SUBMIT_RESULT, "2026-11-23 15:30"),
        (State.HANDLED, Action.PASS_VERIFICATION, "2026-11-23 15:30"),
    ],
)
def test_every_desk_gets_its_own_limit_when_the_case_comes_to_it(
    state: State, action: Action, due: str
) -> None:
    assert local(due) == move(make_case(state), action).case.stage_due_at


@pytest.mark.parametrize(
    ("state", "action"), [pair for pair, row in TRANSITIONS.items() if row.target is State.HANDLING]
)
def test_the_clock_of_a_handling_case_is_that_of_its_unit(state: State, action: Action) -> None:
    case = move(case_for(state, action), action).case
    assert case.due_at is not None
    assert case.due_at == case.stage_due_at


def test_a_hold_is_due_at_the_end_of_the_day_it_was_granted_to() -> None:
    held = move(make_case(State.HANDLING), Action.HOLD, resume_on="2026-12-01").case
    assert local("2026-12-02 00:00") == held.stage_due_at
    assert (
        local("2026-11-24 00:00")
        == move(make_case(State.HANDLING), Action.HOLD, resume_on="2026-11-23").case.stage_due_at
    )


def test_an_ended_case_has_no_desk_and_no_clock_even_if_a_limit_were_configured() -> None:
    clocks = make_clocks(stage_limits=dict.fromkeys(State, Limit(1, LimitUnit.WORKING_HOUR)))
    for (state, action), row in TRANSITIONS.items():
        case = move(case_for(state, action), action, clocks=clocks).case
        assert row.target.is_final is (case.stage_due_at is None)
