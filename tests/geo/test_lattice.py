"""A settled pixel is right; an open one names the polygons that may own it."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from gridmgmt.geo import lattice
from tests.builders_geo import CENTRE, make_box, make_plan, vertices_and_midpoints


def look_up(table: lattice.Lattice, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    out = np.empty(len(positions), dtype=np.int32)
    at, block = table.look_up(positions[:, 0].copy(), positions[:, 1].copy(), out)
    return out, at, block


def exact(polygons: list[Polygon], positions: np.ndarray) -> np.ndarray:
    owner = np.full(len(positions), lattice.NONE)
    for position in reversed(range(len(polygons))):
        owner[shapely.intersects_xy(polygons[position], positions[:, 0], positions[:, 1])] = position
    return owner


def around(polygons: list[Polygon], count: int, seed: int = 3) -> np.ndarray:
    """Random positions over the polygons' bounds and a little beyond."""
    rng = np.random.default_rng(seed)
    xmin, ymin, xmax, ymax = shapely.total_bounds(np.array(polygons, dtype=object))
    pad_x, pad_y = (xmax - xmin) / 10, (ymax - ymin) / 10
    return np.column_stack(
        [rng.uniform(xmin - pad_x, xmax + pad_x, count), rng.uniform(ymin - pad_y, ymax + pad_y, count)]
    )


def assert_sound(polygons: list[Polygon], positions: np.ndarray, pixels: int) -> np.ndarray:
    """Settled answers are exact, and open ones have their true owner among the candidates."""
    table = lattice.build(polygons, pixels)
    out, at, block = look_up(table, positions)
    owner = exact(polygons, positions)
    settled = out != lattice.OPEN
    assert (owner[settled] == out[settled]).all()
    named = table.candidates[block]
    owned = owner[at] != lattice.NONE
    assert (named[owned] == owner[at][owned, None]).any(axis=1).all()
    return at


@pytest.mark.parametrize("pixels", [50, 3_000, 200_000])
def test_every_settled_position_of_a_plan_is_right(pixels: int) -> None:
    polygons = [polygon for _, polygon in make_plan(cells=30, seed=11)]
    assert_sound(polygons, around(polygons, 100_000), pixels)


def test_vertices_and_edge_midpoints_always_stay_open() -> None:
    plan = make_plan(cells=20, seed=2)
    polygons = [polygon for _, polygon in plan]
    positions = vertices_and_midpoints(plan)
    assert len(positions) == len(assert_sound(polygons, positions, 20_000))


def test_few_positions_stay_open_on_the_full_lattice() -> None:
    polygons = [polygon for _, polygon in make_plan(cells=30, seed=11)]
    assert len(assert_sound(polygons, around(polygons, 100_000), lattice.PIXELS)) < 500


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    corners=st.integers(3, 9),
    pixels=st.sampled_from([4, 60, 900]),
    shrink=st.sampled_from([1.0, 1e-3, 1e-7]),
)
def test_overlapping_and_nearly_flat_polygons_are_settled_right_too(
    seed: int, corners: int, pixels: int, shrink: float
) -> None:
    rng = np.random.default_rng(seed)
    hulls = [
        shapely.convex_hull(shapely.multipoints(rng.uniform(0, 1, (corners, 2)) * (1.0, shrink)))
        for _ in range(5)
    ]
    polygons = [shapely.affinity.translate(hull, CENTRE.lon, CENTRE.lat) for hull in hulls]
    polygons = [polygon for polygon in polygons if polygon.is_valid and polygon.area > 0]
    if polygons:
        assert_sound(polygons, around(polygons, 1_000, seed), pixels)


def test_the_first_polygon_wins_where_two_overlap() -> None:
    polygons = [make_box(100.0), make_box(400.0)]
    for order, expected in ((polygons, 0), (polygons[::-1], 0)):
        out, _, _ = look_up(lattice.build(order, 10_000), np.array([CENTRE]))
        assert expected == out[0]


def test_a_polygon_that_covers_anothers_border_is_a_candidate_there() -> None:
    inner, outer = make_box(100.0), make_box(400.0)
    table = lattice.build([inner, outer], 10_000)
    _, at, block = look_up(table, np.array([inner.exterior.coords[0]]))
    assert [0] == at.tolist()
    assert [0, 1] == table.candidates[block[0]].tolist()


def test_holes_and_parts_count_as_they_are() -> None:
    ring = make_box(400.0).difference(make_box(200.0))
    parts = MultiPolygon([box(117.7, 39.0, 117.701, 39.001), box(117.703, 39.0, 117.704, 39.001)])
    assert_sound([ring, parts], around([ring, parts], 50_000), 30_000)


def test_positions_far_outside_belong_to_nobody() -> None:
    far = np.array([[-180.0, -90.0], [180.0, 90.0], [117.65, -89.0], [0.0, 39.03]])
    out, at, _ = look_up(lattice.build([make_box()], 1_000), far)
    assert ([lattice.NONE] * 4, 0) == (out.tolist(), len(at))


def test_no_polygons_make_a_lattice_that_owns_nothing() -> None:
    out, at, _ = look_up(lattice.build([]), np.array([CENTRE]))
    assert ([lattice.NONE], 0) == (out.tolist(), len(at))


def test_the_tables_cannot_be_written_to() -> None:
    table = lattice.build([make_box()], 1_000)
    with pytest.raises(ValueError, match="read-only"):
        table.coarse[0] = 1


def test_a_diagonal_edge_leaves_no_touched_pixel_unmarked() -> None:
    # Dense positions along an edge must all stay open, whatever its slope.
    for slope in (0.0, 1e-9, 1e-3, 0.3, 1.0, 3.0, 1e3):
        top = Point(CENTRE.lon + 0.004, CENTRE.lat + 0.004 * slope)
        polygon = Polygon([CENTRE, (top.x, top.y), (CENTRE.lon - 0.001, CENTRE.lat + 0.01)])
        share = np.linspace(0.0, 1.0, 5_000)[:, None]
        along = np.array(CENTRE) + share * (np.array([top.x, top.y]) - np.array(CENTRE))
        assert len(along) == len(assert_sound([polygon], along, 5_000))
