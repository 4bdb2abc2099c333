"""The roster: grid, shift, leave, deputy and load, in this order of reasons."""

import random
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.roster import EVERY_DAY, Leave, Roster, RosterEntry, RosterRole, Shift, WorkerCode

COMMUNITY = "120116005003"
CELL = f"{COMMUNITY}007"
ON = date(2026, 11, 23)  # a Monday
TEN = time(10)
WORKDAYS = frozenset(range(1, 6))


def person(n):
    return UUID(int=n)


def make_entry(n=10, role=RosterRole.WORKER, **over):
    facts = {"cell_code": CELL, "person_id": person(n), "role": role, "valid_from": date(2026, 1, 1)}
    return RosterEntry(**{**facts, **over})


def make_shift(n=10, starts=8, ends=18, **over):
    facts = {
        "person_id": person(n),
        "weekdays": EVERY_DAY,
        "starts": time(starts),
        "ends": time(ends),
        "valid_from": date(2026, 1, 1),
    }
    return Shift(**{**facts, **over})


def make_leave(n=10, deputy=None, **over):
    facts = {"person_id": person(n), "valid_from": ON, "valid_to": ON + timedelta(days=1)}
    return Leave(**{**facts, "deputy_id": person(deputy) if deputy else None, **over})


LEADER, DEPUTY = make_entry(30, RosterRole.LEADER), make_entry(20, RosterRole.DEPUTY)


@pytest.mark.parametrize(
    ("entries", "n"),
    [
        ([LEADER, DEPUTY, make_entry()], 10),
        ([LEADER, DEPUTY, make_entry(on_leave=True)], 20),
        ([LEADER, DEPUTY, make_entry(on_leave=True), make_entry(11)], 11),
        ([LEADER, make_entry(on_leave=True)], 30),
        ([LEADER, DEPUTY], 20),
        ([LEADER, make_entry(valid_to=ON)], 30),
        ([LEADER, make_entry(valid_from=date(2026, 11, 24))], 30),
        ([LEADER, make_entry(valid_to=date(2026, 11, 24))], 10),
    ],
)
def test_the_worker_of_the_cell_comes_first_then_the_deputy_then_the_leader(entries, n):
    for order in (entries, entries[::-1]):
        assert person(n) == Roster(order).choose(CELL, ON).person_id


def test_among_equals_the_one_with_least_open_work_is_chosen_then_the_smaller_id():
    roster = Roster([make_entry(10), make_entry(12), make_entry(11)])
    choice = roster.choose(CELL, ON, load={person(10): 5, person(12): 3, person(11): 3})
    assert (person(11), WorkerCode.WORKER_OF_CELL) == (choice.person_id, choice.code)
    assert "least open work of 3" in choice.reason
    assert person(12) == roster.choose(CELL, ON, load={person(10): 5, person(11): 3}).person_id
    assert (person(10), person(11), person(12)) == roster.tied(CELL, ON)


def test_a_cell_with_nobody_present_says_so():
    assert (None, "nobody is assigned to this cell", WorkerCode.NOBODY_ASSIGNED) == Roster().choose(CELL, ON)
    choice = Roster([make_entry(on_leave=True)]).choose(CELL, ON)
    assert (None, WorkerCode.NOBODY_PRESENT) == (choice.person_id, choice.code)
    assert "worker on leave" in choice.reason


# Shifts


@pytest.mark.parametrize(
    ("shift", "day", "at", "there"),
    [
        (make_shift(), ON, time(8), True),
        (make_shift(), ON, time(18), False),
        (make_shift(), ON, time(7, 59), False),
        (make_shift(starts=22, ends=6), ON, time(23), True),
        (make_shift(starts=22, ends=6), ON, time(5, 59), True),
        (make_shift(starts=22, ends=6), ON, time(6), False),
        (make_shift(starts=22, ends=6, weekdays=frozenset({1})), ON, time(5), False),
        (make_shift(starts=22, ends=6, weekdays=frozenset({1})), ON + timedelta(days=1), time(5), True),
        (make_shift(starts=0, ends=0), ON, time(13), True),
        (make_shift(starts=8, ends=8, weekdays=frozenset({1})), ON + timedelta(days=1), time(7), True),
        (make_shift(weekdays=WORKDAYS), ON + timedelta(days=5), TEN, False),
        (make_shift(valid_to=ON), ON, TEN, False),
        (make_shift(starts=22, ends=6, valid_from=ON), ON, time(5), False),
        (make_shift(starts=22, ends=6, valid_from=ON), ON + timedelta(days=1), time(5), True),
        (make_shift(valid_from=ON, valid_to=ON + timedelta(days=1)), ON, TEN, True),
    ],
)
def test_a_shift_covers_its_hours_and_may_pass_midnight(shift, day, at, there):
    assert there == shift.covers(day, at)


def test_whoever_is_off_duty_is_passed_over_and_the_reason_says_so():
    roster = Roster([make_entry(), LEADER], [make_shift()])
    assert person(10) == roster.choose(CELL, ON, TEN).person_id
    night = roster.choose(CELL, ON, time(23))
    assert (person(30), WorkerCode.LEADER_OF_CELL) == (night.person_id, night.code)
    assert "worker off duty" in night.reason


def test_for_whom_no_shifts_are_kept_on_that_day_the_whole_day_counts():
    roster = Roster([make_entry()], [make_shift(valid_to=ON), make_shift(99)])
    assert person(10) == roster.choose(CELL, ON, time(23)).person_id


def test_who_asks_about_a_day_and_no_hour_finds_the_worker_whatever_his_shift():
    assert person(10) == Roster([make_entry()], [make_shift()]).choose(CELL, ON).person_id


@pytest.mark.parametrize("place", [{"unit_code": COMMUNITY}, {"cell_code": CELL}])
def test_when_nobody_of_the_cell_is_there_whoever_has_the_duty_answers(place):
    roster = Roster([make_entry()], [make_shift(), make_shift(40, 18, 8, **place)])
    night = roster.choose(CELL, ON, time(23))
    assert (person(40), WorkerCode.ON_DUTY) == (night.person_id, night.code)
    assert person(10) == roster.choose(CELL, ON, TEN).person_id


def test_duty_for_another_community_or_during_leave_does_not_count():
    elsewhere = make_shift(40, 18, 8, unit_code="120116005004")
    away = make_shift(41, 18, 8, unit_code=COMMUNITY)
    roster = Roster([make_entry()], [make_shift(), elsewhere, away], [make_leave(41)])
    assert WorkerCode.NOBODY_PRESENT is roster.choose(CELL, ON, time(23)).code


# Leave and deputies


@pytest.mark.parametrize(("days", "n"), [(-1, 10), (0, 20), (1, 10)])
def test_a_leave_begins_on_its_first_day_and_is_over_on_the_day_back(days, n):
    roster = Roster([make_entry(), DEPUTY], leaves=[make_leave()])
    assert person(n) == roster.choose(CELL, ON + timedelta(days=days), TEN).person_id


def test_the_deputy_that_a_leave_names_stands_in_before_the_next_rank():
    roster = Roster([make_entry(), LEADER], leaves=[make_leave(deputy=50)])
    choice = roster.choose(CELL, ON, TEN)
    assert (person(50), WorkerCode.STANDS_IN) == (choice.person_id, choice.code)
    assert "worker on leave" in choice.reason


def test_a_colleague_who_is_there_comes_before_a_deputy():
    roster = Roster([make_entry(), make_entry(11)], leaves=[make_leave(deputy=50)])
    assert person(11) == roster.choose(CELL, ON, TEN).person_id


@pytest.mark.parametrize(
    "gone", [{"leaves": [make_leave(50, deputy=60)]}, {"shifts": [make_shift(50, 20, 22)]}]
)
def test_a_deputy_who_is_away_himself_does_not_stand_in_and_no_chain_is_followed(gone):
    leaves = [make_leave(deputy=50), *gone.get("leaves", [])]
    roster = Roster([make_entry(), LEADER], gone.get("shifts", []), leaves)
    assert person(30) == roster.choose(CELL, ON, TEN).person_id


@given(
    people=st.lists(st.sampled_from(list(RosterRole)), min_size=0, max_size=6),
    away=st.sets(st.integers(0, 5)),
    load=st.dictionaries(st.integers(0, 5), st.integers(0, 3)),
    seed=st.integers(0, 9),
)
def test_the_choice_does_not_depend_on_the_order_of_rows_and_falls_on_nobody_who_is_away(
    people, away, load, seed
):
    entries = [make_entry(i, role) for i, role in enumerate(people)]
    leaves = [make_leave(i) for i in away]
    work = {person(i): n for i, n in load.items()}
    choice = Roster(entries, (), leaves).choose(CELL, ON, TEN, work)
    random.Random(seed).shuffle(entries)
    assert choice == Roster(entries, (), leaves[::-1]).choose(CELL, ON, TEN, work)
    present = [e for i, e in enumerate(entries) if e.person_id.int not in away]
    assert (choice.person_id is not None) == bool(present)
    if choice.person_id is not None:
        chosen = next(e for e in entries if e.person_id == choice.person_id)
        assert chosen.person_id.int not in away
        ranks = list(RosterRole)
        assert ranks.index(chosen.role) == min(ranks.index(e.role) for e in present)
        same = [e for e in present if e.role is chosen.role]
        assert work.get(chosen.person_id, 0) == min(work.get(e.person_id, 0) for e in same)
