"""Coverage: covered only where a position was, unknown where nobody can tell, in whatever order they came."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from gridmgmt.domain.coverage import (
    CoverageRules,
    Fix,
    HexCoverage,
    Verdict,
    hex_coverage,
    hexes_together,
    target_coverage,
    together,
)
from gridmgmt.geo import hexes, measure
from gridmgmt.geo.crs import to_metric
from tests.builders_patrol import RULES, ZONE, at_m, fix, line_m, trace_of

COVERED, NOT_COVERED, UNKNOWN = Verdict.COVERED, Verdict.NOT_COVERED, Verdict.UNKNOWN

fixes = st.lists(
    st.builds(
        fix,
        st.integers(-600, 4200),
        st.floats(-400, 400),
        st.floats(-400, 400),
        st.one_of(st.none(), st.floats(1, 120)),
    ),
    max_size=12,
)
HEXAGONS = sorted({hexes.hex_of(at_m(x, y)) for x in range(-450, 451, 60) for y in range(-450, 451, 60)})
HOUR_S = 3600


def said(found: HexCoverage) -> dict[int, Verdict]:
    return dict(hexes_together([found]))


@given(fixes)
@settings(max_examples=60, deadline=None)
def test_nothing_is_covered_that_no_accepted_position_came_near(given_fixes: list[Fix]) -> None:
    found = hex_coverage(trace_of(given_fixes, HOUR_S), HEXAGONS)
    began, ended = fix(0, 0).at, fix(HOUR_S, 0).at
    good = [f for f in given_fixes if (f.accuracy_m or 999) <= RULES.accuracy_m and began <= f.at <= ended]
    for hexagon in found.covered:
        nearest = min(
            (measure.distance_lonlat_m(f.position, hexes.hex_centre(hexagon)) for f in good), default=1e9
        )
        # The plane of the zone errs by one in ten thousand.
        assert nearest <= RULES.reach_m * 1.001
    assert sorted(HEXAGONS) == list(found.hexagons)


@given(fixes, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_positions_does_not_matter_nor_does_sending_them_twice(
    given_fixes: list[Fix], chance: random.Random
) -> None:
    shuffled = given_fixes * 2
    chance.shuffle(shuffled)
    line = line_m((-300, 0), (300, 0))
    first, second = trace_of(given_fixes, HOUR_S), trace_of(shuffled, HOUR_S)
    assert hex_coverage(first, HEXAGONS) == hex_coverage(second, HEXAGONS)
    assert target_coverage(first, line) == target_coverage(second, line)


@given(fixes, fixes)
@settings(max_examples=40, deadline=None)
def test_more_positions_never_uncover_a_place(some: list[Fix], more: list[Fix]) -> None:
    before = hex_coverage(trace_of(some, HOUR_S), HEXAGONS)
    after = hex_coverage(trace_of([*some, *more], HOUR_S), HEXAGONS)
    assert set(before.covered) <= set(after.covered)


@given(fixes)
@settings(max_examples=40, deadline=None)
def test_a_place_that_is_called_not_covered_could_not_be_reached_in_any_gap(given_fixes: list[Fix]) -> None:
    """By hand, from the definition: known ends of a gap, and the fastest way between them."""
    trace = trace_of(given_fixes, HOUR_S)
    found = hex_coverage(trace, HEXAGONS)
    for hexagon in found.not_covered:
        centre = to_metric(Point(hexes.hex_centre(hexagon)), ZONE)
        for gap in trace.gaps:
            ends = [end for end in (gap.before, gap.after) if end is not None]
            way_m = sum(centre.distance(end) - RULES.reach_m for end in ends)
            assert ends
            assert way_m > RULES.speed_m_s * gap.length.total_seconds()


def test_a_shift_without_positions_leaves_everything_unknown() -> None:
    for lasting_s in (0, 30, HOUR_S):
        found = hex_coverage(trace_of([], lasting_s), HEXAGONS)
        assert (len(HEXAGONS), ()) == (len(found.unknown), found.not_covered)


def test_a_position_too_inaccurate_or_of_unknown_accuracy_covers_nothing() -> None:
    point = Point(at_m(0))
    for accuracy_m in (50.1, None):
        assert UNKNOWN is target_coverage(trace_of([fix(5, 0, accuracy_m=accuracy_m)], 10), point).verdict
    assert COVERED is target_coverage(trace_of([fix(5, 0, accuracy_m=50.0)], 10), point).verdict


@pytest.mark.parametrize(("metres", "verdict"), [(24.9, COVERED), (25.1, NOT_COVERED)])
def test_a_checkpoint_is_reached_within_reach_and_not_beyond(metres: float, verdict: Verdict) -> None:
    found = target_coverage(trace_of([fix(60, metres)], 120), Point(at_m(0)))
    assert verdict is found.verdict
    assert (fix(60, 0).at if verdict is COVERED else None) == found.reached_at


def test_the_first_position_in_reach_is_when_a_checkpoint_was_reached() -> None:
    walked = [fix(s, 100 - s) for s in range(0, 200, 10)]
    assert fix(80, 0).at == target_coverage(trace_of(walked[::-1], 200), Point(at_m(0))).reached_at


@pytest.mark.parametrize(("asleep_s", "verdict"), [(120, NOT_COVERED), (121, UNKNOWN)])
def test_positions_missing_for_longer_than_the_gap_leave_near_places_unknown(
    asleep_s: float, verdict: Verdict
) -> None:
    trace = trace_of([fix(0, 0), fix(asleep_s, 10)], asleep_s)
    assert verdict is target_coverage(trace, Point(at_m(0, 200))).verdict


def test_what_lies_too_far_to_have_been_reached_in_a_gap_is_not_covered() -> None:
    # Ten minutes at 8 m/s: 4800 m there and back, so 2400 m away and reach.
    trace = trace_of([fix(0, 0), fix(600, 0)], 600)
    assert UNKNOWN is target_coverage(trace, Point(at_m(0, 2420))).verdict
    assert NOT_COVERED is target_coverage(trace, Point(at_m(0, 2430))).verdict


def test_a_gap_is_reached_from_both_of_its_ends() -> None:
    # Five minutes at 8 m/s are 2400 m; from 0 to 2000 m, so a detour of 400 m and reach at both ends.
    trace = trace_of([fix(0, 0), fix(300, 2000)], 300)
    for east_m, verdict in ((-200, UNKNOWN), (2200, UNKNOWN), (-240, NOT_COVERED), (2240, NOT_COVERED)):
        assert verdict is target_coverage(trace, Point(at_m(east_m))).verdict


def test_a_sleep_before_the_first_or_after_the_last_position_counts_as_one() -> None:
    late, early = trace_of([fix(300, 0)], 310), trace_of([fix(5, 0)], 310)
    for trace in (late, early):
        assert UNKNOWN is target_coverage(trace, Point(at_m(0, 500))).verdict
        assert timedelta(minutes=5) <= trace.unseen <= timedelta(seconds=305)


def test_beside_the_line_between_two_positions_nothing_is_covered_and_nothing_denied() -> None:
    trace = trace_of([fix(0, 0), fix(60, 200)], 60)
    assert UNKNOWN is target_coverage(trace, Point(at_m(100))).verdict
    assert NOT_COVERED is target_coverage(trace, Point(at_m(100, 40))).verdict


def test_a_segment_is_covered_by_the_share_of_its_length() -> None:
    line = line_m((0, 0), (400, 0))
    walked = [fix(10 * i, 10 * i) for i in range(21)]
    half = target_coverage(trace_of(walked, 200), line)
    assert NOT_COVERED is half.verdict
    # 200 m walked and the reach of the last position.
    assert 225 / 400 == pytest.approx(half.covered_share, abs=PIECE_SHARE)
    whole = target_coverage(
        trace_of([*walked, *(fix(200 + s, 200 + s) for s in range(10, 110, 10))], 300), line
    )
    assert COVERED is whole.verdict
    lower = CoverageRules(share=0.5)
    assert COVERED is target_coverage(trace_of(walked, 200, lower), line).verdict


PIECE_SHARE = 5 / 400


def test_a_segment_that_a_gap_may_hold_is_unknown_with_its_shares() -> None:
    line = line_m((0, 0), (400, 0))
    found = target_coverage(trace_of([fix(0, 0), fix(300, 400)], 300), line)
    assert UNKNOWN is found.verdict
    assert 50 / 400 == pytest.approx(found.covered_share, abs=2 * PIECE_SHARE)
    assert 1.0 == pytest.approx(found.covered_share + found.unknown_share)


def test_shifts_together_cover_what_one_covered_and_never_invent() -> None:
    assert COVERED is together([NOT_COVERED, UNKNOWN, COVERED])
    assert UNKNOWN is together([NOT_COVERED, UNKNOWN])
    assert NOT_COVERED is together([NOT_COVERED]) is together([])
    first, second = HexCoverage((1,), (2,), (3,)), HexCoverage((2,), (3,), (1,))
    assert {1: COVERED, 2: COVERED, 3: UNKNOWN} == dict(hexes_together([first, second]))


def test_a_synthetic_walk_is_measured_within_its_error() -> None:
    """A known walk on every other street of a lattice, positions with 5 m of noise each 10 s."""
    chance = random.Random(7)
    streets = [line_m((0, 100 * i), (600, 100 * i)) for i in range(6)]
    walked: list[Fix] = []
    for i in (0, 2, 4):
        for step in range(0, 601, 12):
            second = len(walked) * 10
            walked.append(fix(second, step + chance.gauss(0, 5), 100 * i + chance.gauss(0, 5)))
    trace = trace_of(walked, len(walked) * 10)
    found = [target_coverage(trace, street) for street in streets]
    assert [COVERED, NOT_COVERED] * 3 == [f.verdict for f in found]
    assert all(f.covered_share > 0.98 for f in found[::2])
    assert all(f.covered_share < 0.05 for f in found[1::2])
