"""The ladder: shares on the limit's own clock, each rung once a round, told once of the highest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.ladder import (
    DEFAULT_RUNGS,
    Level,
    Pause,
    Round,
    Rung,
    Running,
    Waiting,
    check_rungs,
    look,
    rung_at,
)
from gridmgmt.domain.worktime import LimitUnit, deadline, elapsed, shift_deadline
from gridmgmt.errors import InvalidInput
from tests.builders_cases import NOW, make_calendar

CALENDAR = make_calendar()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MONDAY_OPENING = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


def make_running(amount=8, unit=LimitUnit.WORKING_HOUR, start=MONDAY_OPENING, clock="handling", **over):
    facts = {"clock": clock, "started_at": start, "due_at": deadline(start, amount, unit, CALENDAR)}
    return Running(**{**facts, "unit": unit, **over})


def looked(held=None, running=(), waiting=(), now=NOW, rungs=DEFAULT_RUNGS):
    return look(held or {}, running, waiting, rungs=rungs, now=now, calendar=CALENDAR)


def at(day, hour, minute=0):
    """A local time of November 2026 in UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - 8 * HOUR


@pytest.mark.parametrize(
    ("amount", "unit", "start", "percent", "expected"),
    [
        (8, LimitUnit.WORKING_HOUR, at(23, 8, 30), 80, at(23, 16, 24)),
        (8, LimitUnit.WORKING_HOUR, at(23, 8, 30), 100, at(23, 18)),
        (8, LimitUnit.WORKING_HOUR, at(23, 8, 30), 150, at(24, 14)),
        # Two hours of Friday, six of Monday, and a weekend that is no time at all.
        (10, LimitUnit.WORKING_HOUR, at(20, 16), 80, at(23, 16)),
        (1, LimitUnit.WORKING_DAY, at(20, 16), 80, at(23, 14, 24)),
        (10, LimitUnit.NATURAL_HOUR, at(20, 16), 80, at(21, 0)),
        (10, LimitUnit.NATURAL_HOUR, at(20, 16), 150, at(21, 7)),
    ],
)
def test_a_share_is_counted_on_the_limits_own_clock(amount, unit, start, percent, expected):
    assert rung_at(make_running(amount, unit, start), percent, CALENDAR) == expected


def test_a_hold_is_nobodys_time():
    held = Pause(at(23, 10, 30), at(27, 10, 30))
    plain = make_running()
    due_at = shift_deadline(plain.due_at, *held, LimitUnit.WORKING_HOUR, CALENDAR)
    running = replace(plain, due_at=due_at, pauses=(held,))
    assert rung_at(running, 80, CALENDAR) == at(27, 16, 24)
    assert rung_at(running, 20, CALENDAR) == at(23, 10, 6), "before the hold as if there were none"
    assert rung_at(running, 150, CALENDAR) == at(30, 14)


def test_nothing_happens_before_the_first_share_and_the_look_says_when():
    found = looked(running=[make_running()], now=at(23, 16, 23))
    assert (found.steps, found.tellings, found.next_at) == ((), (), at(23, 16, 24))


def test_each_rung_is_passed_once():
    running = make_running()
    first = looked(running=[running], now=at(23, 16, 24))
    assert [(s.rung.no, s.told) for s in first.steps] == [(1, True)]
    again = looked(first.rounds, [running], now=at(23, 16, 24))
    assert (again.steps, again.tellings) == ((), ())
    second = looked(first.rounds, [running], now=running.due_at)
    assert [s.rung.no for s in second.steps] == [2]


def test_after_downtime_all_are_recorded_and_people_hear_of_the_highest_once():
    found = looked(running=[make_running()], now=at(30, 10))
    assert [(s.rung.no, s.told) for s in found.steps] == [(1, False), (2, False), (3, True)]
    (telling,) = found.tellings
    assert telling.rung.no == 3
    assert set(telling.levels) == set(Level), "whoever a lower rung would have told hears it now"
    assert [s.acknowledge_by is not None for s in found.steps] == [False, False, True]


@pytest.mark.parametrize(
    "change",
    [{"due_at": at(25, 10)}, {"started_at": at(23, 9)}, {"unit": LimitUnit.WORKING_DAY}],
)
def test_a_deadline_that_moved_is_a_new_round_from_the_first_rung(change):
    before = looked(running=[make_running()], now=at(23, 16, 24))
    after = looked(before.rounds, [replace(make_running(), **change)], now=at(23, 16, 24))
    assert after.rounds["handling"].number == 2
    assert after.rounds["handling"].reached == len(after.steps)


def test_a_limit_that_stopped_and_runs_again_is_a_new_round_even_with_the_same_deadline():
    running = make_running()
    before = looked(running=[running], now=at(23, 16, 24))
    stopped = looked(before.rounds, [], now=at(23, 17))
    assert stopped.next_at is None
    assert [s.round for s in looked(stopped.rounds, [running], now=at(23, 17)).steps] == [2]


def test_each_limit_climbs_by_itself():
    sign = make_running(30, LimitUnit.NATURAL_MINUTE, clock="sign_for")
    found = looked(running=[make_running(), sign], now=at(23, 10))
    assert {s.clock for s in found.steps} == {"sign_for"}
    assert found.next_at is not None
    assert found.next_at <= at(23, 16, 24)


def waiting_after(found):
    return [Waiting(s.clock, s.round, s.rung.no, s.acknowledge_by) for s in found.steps if s.acknowledge_by]


def test_a_rung_that_nobody_acknowledged_tells_those_of_the_next():
    running = make_running()
    first = looked(running=[running], now=at(23, 16, 24))
    (waiting,) = waiting_after(first)
    assert waiting.acknowledge_by == at(23, 17, 24)
    assert first.next_at == waiting.acknowledge_by
    early = looked(first.rounds, [running], [waiting], now=at(23, 17, 23))
    assert (early.tellings, early.next_at) == ((), waiting.acknowledge_by)
    late = looked(first.rounds, [running], [waiting], now=at(23, 17, 24))
    (telling,) = late.tellings
    assert (telling.passed_on, telling.rung.no, telling.levels) == (True, 1, DEFAULT_RUNGS[1].levels)
    assert late.steps == (), "the next rung itself is not passed by that"


def test_time_to_acknowledge_runs_on_the_limits_clock():
    (step,) = looked(running=[make_running(8, start=at(20, 10))], now=at(20, 17, 54)).steps
    assert step.acknowledge_by == at(23, 9, 24 - 0), "six minutes of Friday, the rest on Monday"


def test_a_rung_that_was_overtaken_or_whose_round_ended_is_not_passed_on():
    running = make_running()
    first = looked(running=[running], now=at(23, 16, 24))
    waiting = waiting_after(first)
    overtaken = looked(first.rounds, [running], waiting, now=at(23, 18))
    assert [t.rung.no for t in overtaken.tellings] == [2]
    moved = looked(first.rounds, [replace(running, due_at=at(27, 10))], waiting, now=at(23, 18))
    assert moved.tellings == ()
    ended = looked(first.rounds, [], waiting, now=at(23, 18))
    assert (ended.tellings, ended.next_at) == ((), None)


@pytest.mark.parametrize(
    "rungs",
    [
        [],
        [Rung(2, 80, (Level.STREET,), 0)],
        [Rung(1, 80, (Level.STREET,), 0), Rung(2, 80, (Level.DISTRICT,), 0)],
        [Rung(1, 80, (), 0)],
        [Rung(1, 0, (Level.STREET,), 0)],
        [Rung(1, 1001, (Level.STREET,), 0)],
        [Rung(1, 80, (Level.STREET,), -1)],
        [Rung(n, 10 * n, (Level.STREET,), 0) for n in range(1, 11)],
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(rungs):
    with pytest.raises(InvalidInput):
        check_rungs(rungs)


def test_the_default_is_a_ladder_to_the_district():
    assert check_rungs(DEFAULT_RUNGS) == DEFAULT_RUNGS
    assert [r.percent for r in DEFAULT_RUNGS] == [80, 100, 150]
    assert DEFAULT_RUNGS[-1].levels[-1] is Level.DISTRICT


instants = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 20), timezones=st.just(UTC))  # noqa: DTZ001
limits = st.builds(make_running, st.integers(1, 60), st.sampled_from(LimitUnit), instants)


@given(limits, st.lists(st.integers(0, 60 * 24 * 30), min_size=1, max_size=12))
def test_however_often_and_late_one_looks_each_rung_is_passed_once_and_in_order(running, minutes):
    rounds: dict[str, Round] = {}
    passed = []
    times = [running.started_at + n * MINUTE for n in sorted(minutes)]
    for now in times:
        found = looked(rounds, [running], now=now)
        rounds = dict(found.rounds)
        passed += [s.rung.no for s in found.steps]
        assert sum(s.told for s in found.steps) == len(found.tellings) <= 1
        assert all(s.due_at <= now for s in found.steps)
        assert found.next_at is None or found.next_at > now
    due = [r.no for r in DEFAULT_RUNGS if rung_at(running, r.percent, CALENDAR) <= times[-1]]
    assert passed == due


@given(limits, st.integers(1, 99))
def test_before_the_deadline_a_rung_comes_when_exactly_that_share_is_used(running, percent):
    when = rung_at(running, percent, CALENDAR)
    total = elapsed(running.started_at, running.due_at, running.unit, CALENDAR)
    used = elapsed(running.started_at, when, running.unit, CALENDAR)
    assert when <= running.due_at
    assert used == total * percent // 100
