"""At the place or not: only what a position can tell, and unknown in between."""

import pytest
from shapely.geometry import LineString, Point

from gridmgmt.domain.atplace import AtPlace, seen_at
from tests.builders_patrol import RULES, at_m

PLACE = Point(at_m(0))


@pytest.mark.parametrize(
    ("east_m", "accuracy_m", "verdict"),
    [
        (10, 8.0, AtPlace.AT_PLACE),
        (24, 50.0, AtPlace.AT_PLACE),
        (24, 51.0, AtPlace.UNKNOWN),
        (30, 8.0, AtPlace.UNKNOWN),
        (40, 8.0, AtPlace.NOT_AT_PLACE),
        (400, 300.0, AtPlace.NOT_AT_PLACE),
        (400, 380.0, AtPlace.UNKNOWN),
        (10, None, AtPlace.UNKNOWN),
        (400, None, AtPlace.UNKNOWN),
    ],
)
def test_a_tap_is_at_its_place_when_an_accurate_position_says_so_and_elsewhere_when_none_can_be_near(
    east_m: float, accuracy_m: float | None, verdict: AtPlace
) -> None:
    seen = seen_at(PLACE, at_m(east_m), accuracy_m, RULES)
    assert verdict is seen.verdict
    assert seen.distance_m == pytest.approx(east_m, abs=0.5)


def test_without_a_position_nothing_is_known() -> None:
    assert (AtPlace.UNKNOWN, None) == (seen_at(PLACE, None, 8.0, RULES).verdict, None)


def test_a_segment_is_as_far_as_its_nearest_point() -> None:
    way = LineString([at_m(0), at_m(500)])
    assert seen_at(way, at_m(250, 10), 8.0, RULES).verdict is AtPlace.AT_PLACE
