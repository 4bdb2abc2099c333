"""Hexagons: longitude first outside, and a cover that may be believed."""

import math
from itertools import pairwise

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Polygon, box

from gridmgmt.errors import InvalidGeometry
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import LonLat
from tests.builders_geo import CENTRE, make_box, make_plan


def random_positions(frame: Polygon, count: int, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    xmin, ymin, xmax, ymax = frame.bounds
    return np.column_stack([rng.uniform(xmin, xmax, count), rng.uniform(ymin, ymax, count)])


def test_a_hexagon_is_asked_for_with_longitude_first() -> None:
    assert h3.latlng_to_cell(39.03, 117.65, 12) == hexes.hex_of(LonLat(117.65, 39.03))


def test_a_hexagon_holds_the_position_it_was_found_for() -> None:
    hexagon = hexes.hex_of(CENTRE)
    assert hexes.hex_polygon(hexagon).covers(shapely.Point(CENTRE))
    assert hexagon == hexes.hex_of(hexes.hex_centre(hexagon))


def test_hexagons_fit_into_a_signed_bigint() -> None:
    assert hexes.hex_of(CENTRE, 15) < 2**63


def test_arrays_give_the_same_hexagons_as_single_positions() -> None:
    positions = random_positions(make_box(), 500)
    found = hexes.hexes_of(positions[:, 0], positions[:, 1], 11)
    assert np.int64 == found.dtype
    assert [hexes.hex_of(LonLat(*p), 11) for p in positions.tolist()] == found.tolist()


def test_no_positions_give_no_hexagons() -> None:
    assert [] == hexes.hexes_of(np.array([]), np.array([])).tolist()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_position_that_is_not_finite_has_no_hexagon(bad: float) -> None:
    with pytest.raises(InvalidGeometry):
        hexes.hex_of(LonLat(117.0, bad))
    with pytest.raises(InvalidGeometry):
        hexes.hexes_of(np.array([117.0, bad]), np.array([39.0, 39.0]))


def test_longitudes_and_latitudes_must_be_equally_many() -> None:
    with pytest.raises(InvalidGeometry):
        hexes.hexes_of(np.array([117.0]), np.array([39.0, 39.1]))


def test_outlines_come_in_the_order_asked_pentagons_included() -> None:
    pentagon = h3.get_pentagons(3)[0]
    hexagon = hexes.hex_of(CENTRE, 9)
    outlines = hexes.hex_polygons([pentagon, hexagon])
    assert hexes.hex_polygon(hexagon).equals(outlines[1])
    assert hexes.hex_polygon(pentagon).equals(outlines[0])


def test_a_disk_has_the_middle_and_its_six_neighbours() -> None:
    middle = hexes.hex_of(LonLat(117.65, 39.03), 10)
    near = hexes.disk(middle, 1)
    assert 7 == len(near)
    assert middle in near
    assert near == sorted(near)
    assert all(middle in hexes.disk(other, 1) for other in near)


def test_the_parent_is_coarser() -> None:
    hexagon = hexes.hex_of(CENTRE, 12)
    assert hexes.hex_of(CENTRE, 9) == hexes.parent(hexagon, 9)


@pytest.mark.parametrize("resolution", [9, 11, 12])
def test_every_position_of_a_polygon_is_in_its_cover_and_inside_means_inside(resolution: int) -> None:
    polygon = make_plan(cells=6)[2][1]
    inside, border = map(set, hexes.cover(polygon, resolution))
    positions = random_positions(polygon.buffer(0.0002), 20_000)
    within = shapely.intersects_xy(polygon, positions[:, 0], positions[:, 1])
    found = hexes.hexes_of(positions[:, 0], positions[:, 1], resolution)
    assert not inside & border
    assert all(hexagon in inside or hexagon in border for hexagon in found[within].tolist())
    assert not any(hexagon in inside for hexagon in found[~within].tolist())


def test_an_inside_hexagon_keeps_a_distance_from_the_border() -> None:
    polygon = make_plan(cells=6)[2][1]
    inside, _ = hexes.cover(polygon)
    outlines = hexes.hex_polygons(inside)
    assert len(inside) > 50
    assert shapely.covers(polygon, outlines).all()
    assert shapely.distance(polygon.boundary, outlines).min() > hexes.MARGIN_DEG


def test_a_polygon_smaller_than_a_hexagon_is_all_border() -> None:
    speck = make_box(1.0, hexes.hex_centre(hexes.hex_of(CENTRE)))
    assert ([], [hexes.hex_of(CENTRE)]) == hexes.cover(speck)


def test_a_polygon_without_ground_has_no_cover() -> None:
    assert ([], []) == hexes.cover(Polygon())


def test_a_border_through_a_corner_makes_all_its_hexagons_border() -> None:
    corner = hexes.hex_polygon(hexes.hex_of(CENTRE)).exterior.coords[0]
    polygon = box(corner[0], corner[1] - 0.001, corner[0] + 0.001, corner[1] + 0.001)
    _, border = hexes.cover(polygon)
    around = {
        hexes.hex_of(LonLat(corner[0] + dx, corner[1] + dy))
        for dx in (-1e-6, 1e-6)
        for dy in (-1e-6, 0, 1e-6)
    }
    assert around <= set(border)


def test_holes_and_second_parts_are_covered_as_they_are() -> None:
    ring = make_box(200.0).difference(make_box(80.0))
    far = make_box(60.0, LonLat(CENTRE.lon + 0.01, CENTRE.lat))
    inside, border = hexes.cover(MultiPolygon([ring, far]))
    everything = {*inside, *border}
    assert hexes.hex_of(CENTRE) not in everything
    assert hexes.hex_of(LonLat(CENTRE.lon + 0.01, CENTRE.lat)) in inside


@pytest.mark.parametrize("resolution", [6, 9, 12])
def test_the_margin_is_more_than_geodesic_and_straight_edge_part(resolution: int) -> None:
    # The point half way along the geodesic between two corners, against the straight edge.
    outline = hexes.hex_polygon(hexes.hex_of(CENTRE, resolution))
    corners = shapely.get_coordinates(outline)
    margin_deg = hexes._margin_deg(outline.bounds, resolution)
    for (lon0, lat0), (lon1, lat1) in pairwise(corners):
        a, b = _unit(lon0, lat0), _unit(lon1, lat1)
        x, y, z = (a + b) / np.linalg.norm(a + b)
        halfway = shapely.Point(math.degrees(math.atan2(y, x)), math.degrees(math.asin(z)))
        assert shapely.linestrings([(lon0, lat0), (lon1, lat1)]).distance(halfway) < margin_deg


def test_a_hexagon_whose_geodesic_edge_may_cross_the_border_is_border() -> None:
    # 1 cm of room for the straight-edged outline, while an edge of this size bows by about 20 cm.
    hexagon = hexes.hex_of(CENTRE, 6)
    polygon = hexes.hex_polygon(hexagon).buffer(1e-7, join_style="mitre")
    inside, border = hexes.cover(polygon, 6)
    assert polygon.covers(hexes.hex_polygon(hexagon))
    assert ([], True) == (inside, hexagon in border)


def _unit(lon: float, lat: float) -> np.ndarray:
    phi, lam = math.radians(lat), math.radians(lon)
    return np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])
