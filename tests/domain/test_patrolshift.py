"""Shifts: positions only while one is open, wrong clocks move nothing, batches twice or in any order."""

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from gridmgmt.domain.patrolshift import (
    LATEST,
    LONGEST_SHIFT,
    Given,
    Refused,
    Told,
    attendance,
    server_time,
    sign_off_at,
    sign_on_at,
    sort_batch,
)
from gridmgmt.errors import ImplausibleTime, NotReady
from gridmgmt.geo.crs import LonLat
from gridmgmt.geo.gate import Frame
from tests.builders_cases import NOW
from tests.builders_patrol import HOME, SECOND, given, make_shift

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FRAME = Frame(117.5, 38.9, 117.8, 39.2)


def refused(one: Given, *, now=NOW + HOUR, sent_at=None, **shift: object) -> Refused | None:
    found = sort_batch([one], sent_at or now, make_shift(**shift), {}, FRAME, now)
    return found.refused.get(one.no)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-1, Refused.BEFORE_SIGN_ON), (0, None), (1800, None), (1801, Refused.AFTER_SIGN_OFF)],
)
def test_positions_are_kept_from_sign_on_to_sign_off_and_refused_outside(
    seconds: int, reason: Refused | None
) -> None:
    off = NOW + 30 * MINUTE
    assert reason is refused(given(1, NOW + seconds * SECOND), off_at=off)


def test_a_position_of_tomorrow_or_of_a_shift_that_lapsed_is_refused() -> None:
    assert Refused.FUTURE is refused(given(1, NOW + HOUR + 2 * MINUTE))
    late = NOW + LONGEST_SHIFT + MINUTE
    assert Refused.AFTER_SIGN_OFF is refused(given(1, late), now=late)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (LonLat(float("nan"), 39.0), Refused.NO_POSITION),
        (LonLat(39.03, 117.65), Refused.NO_POSITION),
        (LonLat(116.4, 39.9), Refused.ELSEWHERE),
        (LonLat(-73.9, 40.7), Refused.ELSEWHERE),
        (HOME, None),
    ],
)
def test_what_is_no_position_or_far_from_the_street_is_not_kept(
    place: LonLat, reason: Refused | None
) -> None:
    assert reason is refused(given(1, NOW + MINUTE, place))


def test_what_waited_too_long_or_comes_after_the_track_was_erased_is_not_taken() -> None:
    off = NOW + HOUR
    assert None is refused(given(1, NOW), now=off + LATEST, sent_at=off + LATEST, off_at=off)
    assert Refused.TOO_LATE is refused(given(1, NOW), now=off + LATEST + MINUTE, off_at=off)
    assert Refused.TOO_LATE is refused(given(1, NOW), off_at=off, track_erased=True)


@pytest.mark.parametrize("wrong", [timedelta(0), -3 * HOUR, timedelta(days=400), 2 * MINUTE])
def test_a_wrong_clock_moves_nothing(wrong: timedelta) -> None:
    now = NOW + HOUR
    assert NOW == server_time(Told(NOW + wrong, now + wrong), now)
    batch = [given(n, NOW + n * MINUTE + wrong) for n in (-1, 0, 1, 61)]
    found = sort_batch(batch, now + wrong, make_shift(), {}, FRAME, now)
    assert [NOW, NOW + MINUTE] == [one.at for one in found.new if one.given.no < 61]
    assert Refused.BEFORE_SIGN_ON is found.refused[-1]


@pytest.mark.parametrize(("taken", "found"), [(0, 0), (1, 0), (9, 1), (-1, None)])
def test_a_sign_on_that_was_slow_to_arrive_costs_no_position_after_it(taken: int, found: int | None) -> None:
    # A clock an hour fast; its sign-on took eight seconds on the network, its positions none.
    wrong, slow = HOUR, 8 * SECOND
    on = Told(NOW + wrong, NOW + wrong)
    shift = make_shift(on_at=sign_on_at(on, None, NOW + slow), phone_on_at=on.at)
    now = NOW + MINUTE
    one = given(1, NOW + wrong + taken * SECOND)
    got = sort_batch([one], now + wrong, shift, {}, FRAME, now)
    assert [one.at - shift.on_at for one in got.new] == ([] if found is None else [found * SECOND])
    assert got.refused == ({1: Refused.BEFORE_SIGN_ON} if found is None else {})


def test_what_was_put_right_far_before_the_sign_on_lies_before_it_whatever_the_phone_says() -> None:
    # The clock was two hours slow at the sign-on and is right since.
    shift = make_shift(on_at=NOW + 2 * HOUR, phone_on_at=NOW)
    now = NOW + 3 * HOUR
    found = sort_batch([given(1, NOW + HOUR)], now, shift, {}, FRAME, now)
    assert {1: Refused.BEFORE_SIGN_ON} == found.refused


def test_what_waited_for_a_network_keeps_its_time() -> None:
    now = NOW + 5 * HOUR
    assert NOW == server_time(Told(NOW, now), now)


def test_nothing_is_told_of_the_future() -> None:
    assert NOW == server_time(Told(NOW + HOUR, NOW), NOW)


@pytest.mark.parametrize(("year", "sent", "reason"), [
    (9999, 1, Refused.FUTURE), (1, 9999, Refused.BEFORE_SIGN_ON), (5000, 9999, Refused.BEFORE_SIGN_ON),
])  # fmt: skip
def test_a_time_that_no_calendar_has_is_refused_and_breaks_nothing(
    year: int, sent: int, reason: Refused
) -> None:
    at, sent_at = NOW.replace(year=year), NOW.replace(year=sent)
    with pytest.raises(ImplausibleTime):
        server_time(Told(at, sent_at), NOW)
    batch = [given(1, at), given(2, sent_at)]
    found = sort_batch(batch, sent_at, make_shift(), {}, FRAME, NOW)
    assert (found.refused, [one.given.no for one in found.new]) == ({1: reason}, [2])


batches = st.lists(
    st.builds(given, st.integers(1, 12), st.integers(-5, 65).map(lambda m: NOW + m * MINUTE)), max_size=30
).map(lambda some: list({one.no: one for one in some}.values()))


@hypothesis_given(batches, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_batches_in_any_order_and_twice_keep_the_same_positions(
    batch: list[Given], chance: random.Random
) -> None:
    def kept(order: list[Given]) -> dict[int, Given]:
        stored: dict[int, Given] = {}
        for part in _threes(order):
            found = sort_batch(part, NOW + HOUR, make_shift(), stored, FRAME, NOW + HOUR)
            stored |= {one.given.no: one.given for one in found.new}
        return stored

    shuffled = batch * 2
    chance.shuffle(shuffled)
    assert kept(batch) == kept(shuffled)


def _threes(order: list[Given]) -> list[list[Given]]:
    return [order[i : i + 3] for i in range(0, len(order), 3)]


def test_a_number_names_one_position() -> None:
    first = given(1, NOW + MINUTE)
    again = sort_batch([first], NOW + HOUR, make_shift(), {1: first}, FRAME, NOW + HOUR)
    assert ((), (1,), {}) == (again.new, again.known, again.refused)
    other = replace(first, lon=117.6)
    for stored, batch in (({1: first}, [other]), ({}, [first, other])):
        found = sort_batch(batch, NOW + HOUR, make_shift(), stored, FRAME, NOW + HOUR)
        assert {1: Refused.OTHER_CONTENT} == found.refused


def test_nobody_signs_on_twice_at_once() -> None:
    now = NOW + HOUR
    with pytest.raises(NotReady) as told:
        sign_on_at(Told(now, now), make_shift(), now)
    assert "signed_off" == told.value.facts["guard"]
    ended = make_shift(off_at=NOW + 30 * MINUTE)
    assert now == sign_on_at(Told(now, now), ended, now)
    # A shift never begins before the one before it ended, whatever the phone says.
    assert NOW + 30 * MINUTE == sign_on_at(Told(NOW, now), ended, now)


def test_a_shift_that_nobody_ended_does_not_lock_its_worker_out() -> None:
    now = NOW + LONGEST_SHIFT
    assert now == sign_on_at(Told(now, now), make_shift(), now)


def test_a_sign_on_of_last_week_is_no_sign_on() -> None:
    now = NOW + LATEST + MINUTE
    with pytest.raises(ImplausibleTime):
        sign_on_at(Told(NOW, now), None, now)


def test_a_shift_ends_after_it_began_and_before_it_would_have_lapsed() -> None:
    shift = make_shift()
    assert NOW == sign_off_at(shift, Told(NOW - HOUR, NOW + HOUR), NOW + HOUR)
    late = NOW + timedelta(days=1)
    assert NOW + LONGEST_SHIFT == sign_off_at(shift, Told(late, late), late)


def test_attendance_counts_hours_sleeps_lapses_and_late_words() -> None:
    now, other = NOW + timedelta(days=1), UUID(int=102)
    shifts = [
        (make_shift(off_at=NOW + 4 * HOUR), 10 * MINUTE),
        (make_shift(id=UUID(int=8), on_at=NOW + 5 * HOUR, received_on_at=NOW + 6 * HOUR), 0 * MINUTE),
        (make_shift(id=UUID(int=9), person_id=other, on_at=now - HOUR, received_on_at=now - HOUR), MINUTE),
    ]
    first, second = attendance(shifts, now)
    assert (2, 4 * HOUR + LONGEST_SHIFT, 10 * MINUTE, 1, 1) == (
        first.shifts, first.on_duty, first.unseen, first.lapsed, first.late_told,
    )  # fmt: skip
    assert (other, 1, HOUR, 0, None) == (
        second.person_id, second.shifts, second.on_duty, second.lapsed, second.last_off_at,
    )  # fmt: skip
