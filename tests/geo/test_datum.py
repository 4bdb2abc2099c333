"""The commercial maps' offset, forward only, against published vectors."""

import math

import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from gridmgmt.errors import WrongCrs
from gridmgmt.geo import datum
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.geo.measure import distance_lonlat_m
from tests.builders_geo import make_box, make_plan

# Published test vectors of eviltransform (Shanghai, Shenzhen, Beijing) and coordtransform, lon first.
GCJ02_VECTORS = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
]
BD09_VECTORS = [  # coordtransform (Beijing), geotool (Shanghai; its ellipsoid differs in the ninth digit)
    ((116.404, 39.915), (116.41662724378733, 39.922699552216216)),
    ((121.0917077, 30.6107779), (121.10271732371203, 30.61484572185035)),
]


@pytest.mark.parametrize(("position", "expected"), GCJ02_VECTORS)
def test_gcj02_agrees_with_the_published_vectors(
    position: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert expected == pytest.approx(datum.to_gcj02(*position), abs=1e-9)


@pytest.mark.parametrize(("position", "expected"), BD09_VECTORS)
def test_bd09_agrees_with_the_published_vectors(
    position: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert expected == pytest.approx(datum.to_bd09(*position), abs=1e-7)


def test_the_offset_in_heping_district_is_about_550_metres() -> None:
    position = LonLat(117.2, 39.12)
    moved = datum.point_in_datum(position, Datum.GCJ02)
    assert 0.0063 == pytest.approx(moved.lon - position.lon, abs=0.0001)
    assert 0.0010 == pytest.approx(moved.lat - position.lat, abs=0.0001)
    assert 550.0 == pytest.approx(distance_lonlat_m(position, moved), abs=15.0)


@pytest.mark.parametrize(
    "position", [(-74.006, 40.7128), (0.0, 0.0), (139.7, 35.7), (71.9, 40.0), (116.0, 56.0)]
)
def test_outside_the_frame_of_china_nothing_moves(position: tuple[float, float]) -> None:
    assert position == datum.to_gcj02(*position)
    assert position == datum.to_bd09(*position)


def test_arrays_and_single_positions_give_the_same_bits() -> None:
    lons, lats = np.linspace(116.7, 118.1, 50), np.linspace(38.5, 40.3, 50)
    moved_lons, moved_lats = datum.to_bd09(lons, lats)
    one_by_one = [datum.to_bd09(lon, lat) for lon, lat in zip(lons.tolist(), lats.tolist(), strict=True)]
    assert one_by_one == list(zip(moved_lons.tolist(), moved_lats.tolist(), strict=True))


@pytest.mark.parametrize("same", [Datum.CGCS2000, Datum.WGS84])
def test_unshifted_datums_leave_everything_as_it_is(same: Datum) -> None:
    frame = make_box()
    assert frame is datum.geometry_in_datum(frame, same)
    assert LonLat(117.0, 39.0) == datum.point_in_datum(LonLat(117.0, 39.0), same)


def test_there_is_no_way_back() -> None:
    public = [name for name in vars(datum) if not name.startswith("_")]
    assert [] == [name for name in public if "from_gcj" in name or "from_bd" in name or "to_wgs" in name]


def test_something_that_is_no_datum_is_refused() -> None:
    with pytest.raises(WrongCrs):
        datum.geometry_in_datum(make_box(), "mars")  # type: ignore[arg-type]


def test_a_long_edge_bends_with_the_offset() -> None:
    # A kilometre of straight edge would miss its own transformed midpoint by some decimetres in BD-09.
    frame = box(117.60, 39.00, 117.62, 39.02)
    moved = datum.geometry_in_datum(frame, Datum.BD09)
    midpoint = Point(datum.to_bd09(117.61, 39.00))
    straight = Polygon([datum.to_bd09(x, y) for x, y in frame.exterior.coords])
    assert moved.boundary.distance(midpoint) < 1e-8
    assert straight.boundary.distance(midpoint) > 1e-5


def test_neighbours_share_every_vertex_after_the_move() -> None:
    plan = make_plan(cells=8, step_m=120.0)
    moved = [datum.geometry_in_datum(polygon, Datum.GCJ02) for _, polygon in plan]
    assert shapely.coverage_is_valid(np.array(moved, dtype=object))


def test_multipolygons_arrays_and_empty_ones_keep_their_form() -> None:
    pair = MultiPolygon([box(117.0, 39.0, 117.001, 39.001), box(117.1, 39.0, 117.101, 39.001)])
    moved = datum.geometry_in_datum(np.array([pair, Polygon()], dtype=object), Datum.GCJ02)
    assert ["MultiPolygon", "Polygon"] == [geom.geom_type for geom in moved]
    assert moved[1].is_empty
    assert math.isclose(pair.area, moved[0].area, rel_tol=0.01)
