"""Measures are metres, or there is none."""

import math

import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from gridmgmt.errors import InvalidGeometry, WrongCrs
from gridmgmt.geo import measure
from gridmgmt.geo.crs import GEOGRAPHIC, WEB_MERCATOR, LonLat, MetricZone, to_metric

ZONE = MetricZone.CM_117E
SQUARE = box(500_000.0, 4_300_000.0, 500_100.0, 4_300_200.0)


def test_area_length_and_distance_of_a_rectangle() -> None:
    assert 20_000.0 == measure.area_m2(SQUARE, ZONE)
    assert 600.0 == measure.length_m(SQUARE, ZONE)
    assert 50.0 == measure.distance_m(SQUARE, Point(500_150.0, 4_300_100.0), ZONE)


def test_geometries_that_touch_are_zero_apart() -> None:
    assert 0.0 == measure.distance_m(SQUARE, Point(500_100.0, 4_300_000.0), ZONE)


def test_a_line_has_length_and_no_area() -> None:
    line = LineString([(0.0, 0.0), (3.0, 4.0)])
    assert (5.0, 0.0) == (measure.length_m(line, ZONE), measure.area_m2(line, ZONE))


def test_arrays_are_measured_at_once() -> None:
    squares = np.array([SQUARE, box(0.0, 0.0, 2.0, 2.0)], dtype=object)
    assert [20_000.0, 4.0] == measure.area_m2(squares, ZONE).tolist()


@pytest.mark.parametrize("unfit", [GEOGRAPHIC, WEB_MERCATOR, None])
@pytest.mark.parametrize("how", [measure.area_m2, measure.length_m])
def test_nothing_is_measured_in_degrees_web_mercator_or_nowhere(how: object, unfit: object) -> None:
    with pytest.raises(WrongCrs):
        how(SQUARE, unfit)  # type: ignore[operator]


def test_distances_are_not_measured_in_degrees_either() -> None:
    with pytest.raises(WrongCrs):
        measure.distance_m(SQUARE, SQUARE, GEOGRAPHIC)


def test_a_vertex_that_is_not_finite_is_refused() -> None:
    with np.errstate(invalid="ignore"):
        line = LineString([(0.0, 0.0), (math.nan, 1.0)])
    with pytest.raises(InvalidGeometry):
        measure.length_m(line, ZONE)


def test_the_geodesic_distance_agrees_with_the_zone_within_a_ten_thousandth() -> None:
    a, b = LonLat(117.640, 39.030), LonLat(117.655, 39.041)
    on_the_plane_m = measure.distance_m(to_metric(Point(a), ZONE), to_metric(Point(b), ZONE), ZONE)
    assert on_the_plane_m == pytest.approx(measure.distance_lonlat_m(a, b), rel=1e-4)


def test_the_geodesic_distance_is_symmetric_and_zero_on_the_spot() -> None:
    a, b = LonLat(117.640, 39.030), LonLat(-58.4, -34.6)
    assert measure.distance_lonlat_m(a, b) == pytest.approx(measure.distance_lonlat_m(b, a))
    assert 0.0 == measure.distance_lonlat_m(a, a)


def test_a_geodesic_distance_to_nowhere_is_refused() -> None:
    with pytest.raises(InvalidGeometry):
        measure.distance_lonlat_m(LonLat(117.0, 39.0), LonLat(math.nan, 39.0))
