"""Positions are degrees, measures are metres, and nothing is guessed in between."""

import math
import threading

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import Point, Polygon, box

from gridmgmt.errors import InvalidGeometry, WrongCrs
from gridmgmt.geo import crs
from gridmgmt.geo.crs import Datum, LonLat, MetricZone, lonlat
from tests.builders_geo import make_box

TIANJIN = LonLat(117.2, 39.12)


def make_square_100_m() -> Polygon:
    """100 m × 100 m in central Beijing, drawn in the zone and taken to degrees."""
    x, y = crs.to_metric(Point(116.39, 39.91), MetricZone.CM_117E).coords[0]
    return crs.to_geographic(box(x, y, x + 100.0, y + 100.0), MetricZone.CM_117E)


def test_a_checked_position_keeps_longitude_first() -> None:
    assert (117.2, 39.12) == lonlat(117.2, 39.12)
    assert lonlat(117.2, 39.12).lon == 117.2


@pytest.mark.parametrize(
    ("lon", "lat"), [(-180.0, -90.0), (180.0, 90.0), (0.0, 0.0), (-58.4, -34.6), (30.0, 60.0)]
)
def test_the_whole_range_of_degrees_is_accepted_both_ends_included(lon: float, lat: float) -> None:
    assert LonLat(lon, lat) == lonlat(lon, lat)


@pytest.mark.parametrize(
    ("lon", "lat", "hint"),
    [
        (math.nan, 39.0, "not_finite"),
        (117.0, math.inf, "not_finite"),
        (-math.inf, 39.0, "not_finite"),
        (39.0, 117.0, "axes_swapped"),
        (43.8, 87.6, "axes_swapped"),
        (180.1, 0.0, "out_of_range"),
        (0.0, -90.1, "out_of_range"),
        (500_000.0, 4_300_000.0, "metric_coordinates"),
    ],
)
def test_a_position_that_cannot_be_one_is_refused_with_a_hint(lon: float, lat: float, hint: str) -> None:
    with pytest.raises(InvalidGeometry) as refusal:
        lonlat(lon, lat)
    assert hint == refusal.value.facts["hint"]


def test_refusals_carry_facts_that_json_can_hold() -> None:
    with pytest.raises(InvalidGeometry) as refusal:
        lonlat(math.nan, 39.0)
    assert all(not isinstance(v, float) or math.isfinite(v) for v in refusal.value.facts.values())


@pytest.mark.parametrize("zone", list(MetricZone))
def test_a_zone_is_the_epsg_definition_of_its_central_meridian(zone: MetricZone) -> None:
    parameters = {p.name: p.value for p in pyproj.CRS(int(zone)).coordinate_operation.params}
    assert zone.central_meridian_deg == parameters["Longitude of natural origin"]
    assert parameters["Scale factor at natural origin"] == 1.0
    assert parameters["False easting"] == 500_000.0


def test_storage_is_cgcs2000_whose_own_axis_order_is_latitude_first() -> None:
    stored = pyproj.CRS(crs.GEOGRAPHIC)
    assert "China Geodetic Coordinate System 2000" == stored.name
    assert ["north", "east"] == [axis.direction for axis in stored.axis_info]


@pytest.mark.parametrize(
    ("lon", "zone"),
    [
        (114.0, MetricZone.CM_114E),
        (115.5, MetricZone.CM_114E),
        (115.51, MetricZone.CM_117E),
        (117.65, MetricZone.CM_117E),
        (118.5, MetricZone.CM_117E),
        (121.5, MetricZone.CM_120E),
    ],
)
def test_the_zone_is_the_nearest_and_the_western_one_on_the_line_between(
    lon: float, zone: MetricZone
) -> None:
    assert zone is crs.metric_zone_for(lon)


@pytest.mark.parametrize("lon", [39.0, 112.4, 121.6, -117.0])
def test_a_place_outside_the_zones_has_none(lon: float) -> None:
    with pytest.raises(WrongCrs):
        crs.metric_zone_for(lon)


def test_projection_gives_easting_first() -> None:
    easting, northing = crs.to_metric(Point(TIANJIN), MetricZone.CM_117E).coords[0]
    assert (517_296, 4_331_845) == (round(easting), round(northing))


def test_there_and_back_moves_nothing_by_a_micrometre() -> None:
    frame = make_box()
    back = crs.to_geographic(crs.to_metric(frame, MetricZone.CM_117E), MetricZone.CM_117E)
    assert 0.0 == pytest.approx(
        np.abs(shapely.get_coordinates(back) - shapely.get_coordinates(frame)).max(), abs=1e-11
    )


def test_arrays_are_projected_at_once_and_keep_their_shape() -> None:
    frames = np.array([make_box(100.0), make_box(200.0)], dtype=object)
    areas = shapely.area(crs.to_metric(frames, 4548))
    assert [10_000.0, 40_000.0] == pytest.approx(areas.tolist(), rel=0.02)


def test_an_empty_geometry_stays_empty() -> None:
    assert crs.to_metric(Polygon(), MetricZone.CM_117E).is_empty


def test_a_polygon_with_swapped_axes_is_not_projected() -> None:
    swapped = shapely.transform(make_box(), lambda c: c[:, ::-1])
    with pytest.raises(InvalidGeometry) as refusal:
        crs.to_metric(swapped, MetricZone.CM_117E)
    assert "axes_swapped" == refusal.value.facts["hint"]


def test_a_metric_polygon_is_not_projected_again() -> None:
    with pytest.raises(InvalidGeometry) as refusal:
        crs.to_metric(crs.to_metric(make_box(), 4548), 4548)
    assert "metric_coordinates" == refusal.value.facts["hint"]


def test_one_nan_vertex_is_seen_although_bounds_skip_it() -> None:
    with np.errstate(invalid="ignore"):
        line = shapely.linestrings([[117.0, 39.0], [math.nan, 39.1], [117.1, 39.2]])
    with pytest.raises(InvalidGeometry):
        crs.to_metric(line, MetricZone.CM_117E)


def test_degrees_are_not_taken_for_metres_of_a_zone() -> None:
    with pytest.raises(InvalidGeometry):
        crs.to_geographic(box(-9e7, 4e6, 5e5, 4.1e6), MetricZone.CM_117E)


def test_a_place_three_degrees_off_is_not_measured_in_that_zone() -> None:
    wuhan = box(114.30, 30.50, 114.31, 30.51)
    crs.to_metric(wuhan, MetricZone.CM_117E)
    with pytest.raises(WrongCrs) as refusal:
        crs.to_metric(wuhan, MetricZone.CM_120E)
    assert 5.7 == pytest.approx(refusal.value.facts["offset_deg"])


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(WrongCrs):
        crs.to_metric(make_box(), 4552)


def test_a_hundred_metre_square_measures_seventeen_thousand_in_web_mercator() -> None:
    square = make_square_100_m()
    mercator = pyproj.Transformer.from_crs(crs.GEOGRAPHIC, crs.WEB_MERCATOR, always_xy=True)
    stretched = shapely.transform(square, lambda c: np.column_stack(mercator.transform(c[:, 0], c[:, 1])))
    assert 17_000 == pytest.approx(stretched.area, abs=60)
    assert 10_000 == pytest.approx(crs.to_metric(square, MetricZone.CM_117E).area, abs=0.01)


@pytest.mark.parametrize("metric", [4548, MetricZone.CM_114E, "EPSG:4549", 32650, pyproj.CRS(4547)])
def test_zones_and_other_metric_projections_may_be_measured_in(metric: object) -> None:
    assert crs.require_metric(metric).is_projected


@pytest.mark.parametrize(
    "unfit", [None, crs.GEOGRAPHIC, crs.WGS84, crs.WEB_MERCATOR, "EPSG:3395", "EPSG:2263", "no such", 999_999]
)
def test_degrees_mercator_feet_and_nothing_are_not_measured_in(unfit: object) -> None:
    with pytest.raises(WrongCrs):
        crs.require_metric(unfit)


@pytest.mark.parametrize("geographic", [crs.GEOGRAPHIC, crs.WGS84, 4490, "OGC:CRS84"])
def test_cgcs2000_and_wgs84_hold_positions(geographic: object) -> None:
    assert crs.require_geographic(geographic).is_geographic


@pytest.mark.parametrize("unfit", [None, 4548, "EPSG:4214", crs.WEB_MERCATOR])
def test_projected_and_foreign_datums_do_not_hold_positions(unfit: object) -> None:
    with pytest.raises(WrongCrs):
        crs.require_geographic(unfit)


def test_only_the_datums_of_commercial_maps_are_offset() -> None:
    assert {Datum.GCJ02, Datum.BD09} == {datum for datum in Datum if datum.is_offset}


def test_projection_may_run_in_several_threads_at_once() -> None:
    frame, results = make_box(), []
    expected = crs.to_metric(frame, 4548).wkb
    work = [threading.Thread(target=lambda: results.append(crs.to_metric(frame, 4548).wkb)) for _ in range(8)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert [expected] * 8 == results
