"""Every point has exactly one owner or none, and all ways of asking agree."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from gridmgmt.domain import cellindex
from gridmgmt.domain.cellindex import CellIndex, HexRow
from gridmgmt.errors import InvalidCode, InvalidGeometry
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import LonLat
from tests.builders_geo import (
    CENTRE,
    codes_by_array,
    codes_by_brute_force,
    codes_one_by_one,
    make_box,
    make_plan,
    owner_by_brute_force,
    random_positions,
    vertices_and_midpoints,
)

Plan = list[tuple[str, Polygon]]
A_THOUSANDTH_DEG = 0.001


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(cells=40, seed=4, side_m=900.0)


@pytest.fixture(scope="module")
def index(plan: Plan) -> CellIndex:
    return CellIndex.build(plan)


def make_quarters() -> Plan:
    """Four squares around CENTRE; codes run from the north-east, so that order and place differ."""
    x, y, d = CENTRE.lon, CENTRE.lat, A_THOUSANDTH_DEG
    return [
        ("d", box(x - d, y - d, x, y)),
        ("c", box(x, y - d, x + d, y)),
        ("b", box(x - d, y, x, y + d)),
        ("a", box(x, y, x + d, y + d)),
    ]


# --- one owner ----------------------------------------------------------------------------------


def test_a_hundred_thousand_random_points_have_the_owner_of_the_rule(plan: Plan, index: CellIndex) -> None:
    positions = random_positions(100_000)
    expected = codes_by_brute_force(plan, positions)
    assert expected == codes_by_array(index, positions)
    assert expected == codes_one_by_one(index, positions)


def test_all_vertices_and_edge_midpoints_have_exactly_one_owner(plan: Plan, index: CellIndex) -> None:
    positions = vertices_and_midpoints(plan)
    expected = codes_by_brute_force(plan, positions)
    assert None not in expected
    assert expected == codes_by_array(index, positions)
    assert expected == codes_one_by_one(index, positions)


def test_points_a_hair_beside_every_vertex_have_the_owner_of_the_rule(plan: Plan, index: CellIndex) -> None:
    rng = np.random.default_rng(9)
    vertices = np.vstack([vertices_and_midpoints(plan)] * 3)
    positions = vertices + rng.normal(size=vertices.shape) * 10.0 ** rng.uniform(-14, -7, (len(vertices), 1))
    expected = codes_by_brute_force(plan, positions)
    assert expected == codes_by_array(index, positions)
    assert expected == codes_one_by_one(index, positions)


def test_hexagon_corners_and_centres_have_the_owner_of_the_rule(plan: Plan, index: CellIndex) -> None:
    covering = sorted({row.h3 for row in index.hex_cover()})[::7]
    positions = np.vstack(
        [shapely.get_coordinates(hexes.hex_polygons(covering)), [hexes.hex_centre(h) for h in covering]]
    )
    expected = codes_by_brute_force(plan, positions)
    assert expected == codes_by_array(index, positions)
    assert expected == codes_one_by_one(index, positions)


def test_a_point_on_a_shared_edge_belongs_to_the_smaller_code() -> None:
    index = CellIndex.build(make_quarters())
    x, y, half = CENTRE.lon, CENTRE.lat, A_THOUSANDTH_DEG / 2
    assert "a" == index.code_at(LonLat(x, y + half))
    assert "c" == index.code_at(LonLat(x, y - half))
    assert "a" == index.code_at(LonLat(x + half, y))
    assert "b" == index.code_at(LonLat(x - half, y))


def test_a_corner_of_four_cells_belongs_to_the_smallest_code() -> None:
    index = CellIndex.build(make_quarters())
    assert "a" == index.code_at(CENTRE)
    assert ["a"] == codes_by_array(index, np.array([CENTRE]))


def test_a_corner_of_three_cells_belongs_to_the_smallest_code(plan: Plan, index: CellIndex) -> None:
    touching: dict[tuple[float, float], set[str]] = {}
    for code, polygon in plan:
        for vertex in polygon.exterior.coords:
            touching.setdefault(vertex, set()).add(code)
    corners = {vertex: codes for vertex, codes in touching.items() if len(codes) >= 3}
    assert len(corners) > 20
    assert [min(codes) for codes in corners.values()] == codes_one_by_one(index, np.array(list(corners)))


def test_the_order_of_the_cells_given_does_not_matter(plan: Plan, index: CellIndex) -> None:
    positions = np.vstack([vertices_and_midpoints(plan), random_positions(2_000)])
    reversed_plan = CellIndex.build(reversed(plan))
    assert index.codes == reversed_plan.codes
    assert codes_by_array(index, positions) == codes_by_array(reversed_plan, positions)


def test_a_point_outside_belongs_to_nobody(index: CellIndex) -> None:
    outside = np.array([(CENTRE.lon + 0.1, CENTRE.lat), (0.0, 0.0), (-180.0, -90.0), (180.0, 90.0)])
    assert [None] * 4 == codes_by_array(index, outside)
    assert [None] * 4 == codes_one_by_one(index, outside)


def test_a_point_on_the_outline_belongs_to_the_cell_inside(plan: Plan, index: CellIndex) -> None:
    corners = np.array(make_box(900.0).exterior.coords)
    assert codes_by_brute_force(plan, corners) == codes_one_by_one(index, corners)
    assert None not in codes_by_array(index, corners)


def test_a_gap_between_cells_belongs_to_nobody() -> None:
    x, y = CENTRE
    index = CellIndex.build(
        [("a", box(x - 0.001, y, x - 1e-7, y + 0.001)), ("b", box(x + 1e-7, y, x + 0.001, y + 0.001))]
    )
    positions = np.array([(x, y + 0.0005), (x - 1e-7, y + 0.0005), (x + 1e-7, y + 0.0005)])
    assert [None, "a", "b"] == codes_by_array(index, positions)
    assert [None, "a", "b"] == codes_one_by_one(index, positions)


def test_overlapping_ground_belongs_to_the_smaller_code() -> None:
    cells = [("b", make_box(300.0)), ("a", make_box(100.0)), ("c", make_box(600.0))]
    index, positions = CellIndex.build(cells), random_positions(5_000, side_m=700.0)
    expected = codes_by_brute_force(cells, positions)
    assert {"a", "b", "c", None} == set(expected)
    assert expected == codes_by_array(index, positions)
    assert expected == codes_one_by_one(index, positions)


def test_a_hole_belongs_to_the_cell_that_fills_it() -> None:
    hole = make_box(100.0)
    cells = [("ring", make_box(300.0).difference(hole)), ("school", hole)]
    index, positions = CellIndex.build(cells), random_positions(5_000, side_m=400.0)
    assert codes_by_brute_force(cells, positions) == codes_by_array(index, positions)
    assert "school" == index.code_at(CENTRE)
    assert "ring" == index.code_at(LonLat(*hole.exterior.coords[0]))


def test_both_parts_of_a_cell_belong_to_it() -> None:
    x, y = CENTRE
    parts = MultiPolygon([box(x, y, x + 0.0005, y + 0.0005), box(x + 0.001, y, x + 0.0015, y + 0.0005)])
    index = CellIndex.build([("a", parts)])
    positions = np.array([(x + 0.0002, y + 0.0002), (x + 0.0007, y + 0.0002), (x + 0.0012, y + 0.0002)])
    assert ["a", None, "a"] == codes_by_array(index, positions)
    assert ["a", None, "a"] == codes_one_by_one(index, positions)


def test_a_sliver_thinner_than_a_pixel_is_found() -> None:
    x, y = CENTRE
    cells = [("wide", box(x, y, x + 0.01, y + 0.01)), ("thin", box(x + 0.01, y, x + 0.01 + 1e-8, y + 0.01))]
    assert "thin" == CellIndex.build(cells).code_at(LonLat(x + 0.01 + 5e-9, y + 0.005))
    assert ["thin"] == codes_by_array(CellIndex.build(cells), np.array([(x + 0.01 + 5e-9, y + 0.005)]))


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    cells=st.integers(2, 25),
    jag_m=st.sampled_from([0.0, 1.0, 6.0]),
    resolution=st.sampled_from([10, 12, 13]),
)
def test_any_partition_has_one_owner_everywhere(seed: int, cells: int, jag_m: float, resolution: int) -> None:
    plan = make_plan(cells=cells, seed=seed, side_m=250.0, jag_m=jag_m)
    index = CellIndex.build(plan, resolution=resolution)
    positions = np.vstack([vertices_and_midpoints(plan), random_positions(300, seed, side_m=270.0)])
    expected = codes_by_brute_force(plan, positions)
    assert expected == codes_by_array(index, positions)
    assert expected == codes_one_by_one(index, positions)


def test_the_vectorised_oracle_of_these_tests_is_the_one_line_rule(plan: Plan) -> None:
    positions = np.vstack([vertices_and_midpoints(plan)[::20], random_positions(200)])
    one_line = [owner_by_brute_force(plan, LonLat(*position)) for position in positions.tolist()]
    assert one_line == codes_by_brute_force(plan, positions)


# --- arrays -------------------------------------------------------------------------------------


def test_arrays_longer_than_a_chunk_keep_their_order(
    index: CellIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = random_positions(5_000)
    expected = codes_by_array(index, positions)
    monkeypatch.setattr(cellindex.lattice, "CHUNK", 64)
    monkeypatch.setattr(cellindex, "_OPEN_AT_ONCE", 3)
    assert expected == codes_by_array(index, positions)


def test_positions_in_an_array_count_in_codes_and_fit_in_int32(index: CellIndex) -> None:
    found = index.codes_at([CENTRE.lon, 0.0], [CENTRE.lat, 0.0])
    assert np.int32 == found.dtype
    assert [index.codes.index(index.code_at(CENTRE) or ""), -1] == found.tolist()
    assert sorted(index.codes) == list(index.codes)


def test_an_empty_array_has_no_owners(index: CellIndex) -> None:
    assert [] == index.codes_at([], []).tolist()


def test_arrays_with_gaps_in_memory_give_the_same_owners(index: CellIndex) -> None:
    positions = random_positions(1_000)
    strided = index.codes_at(positions[::2, 0], positions[::2, 1])
    assert index.codes_at(positions[:, 0], positions[:, 1])[::2].tolist() == strided.tolist()


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_position_that_is_not_finite_is_refused(index: CellIndex, bad: float) -> None:
    lons, lats = np.full(100, CENTRE.lon), np.full(100, CENTRE.lat)
    lats[57] = bad
    for lon, lat in ((bad, CENTRE.lat), (CENTRE.lon, bad)):
        with pytest.raises(InvalidGeometry):
            index.code_at(LonLat(lon, lat))
    for xs, ys in ((lons, lats), (lats, lons)):
        with pytest.raises(InvalidGeometry):
            index.codes_at(xs, ys)


def test_arrays_with_swapped_axes_are_refused_and_not_answered_with_nobody(index: CellIndex) -> None:
    positions = random_positions(10)
    with pytest.raises(InvalidGeometry) as refusal:
        index.codes_at(positions[:, 1], positions[:, 0])
    assert "axes_swapped" == refusal.value.facts["hint"]


def test_arrays_of_different_length_are_refused(index: CellIndex) -> None:
    with pytest.raises(InvalidGeometry):
        index.codes_at([117.0, 117.1], [39.0])


@pytest.mark.parametrize(
    ("polygon", "fact"),
    [
        (Polygon(), ("reason", "empty")),
        (Point(CENTRE), ("reason", "not_an_area")),
        (box(39.0, 117.0, 39.1, 117.1), ("hint", "axes_swapped")),
        (box(500_000.0, 4_300_000.0, 500_100.0, 4_300_100.0), ("hint", "metric_coordinates")),
    ],
)
def test_a_cell_that_cannot_be_one_is_refused(polygon: Polygon, fact: tuple[str, str]) -> None:
    with pytest.raises(InvalidGeometry) as refusal:
        CellIndex.build([("a", polygon)])
    assert fact in refusal.value.facts.items()


def test_a_polygon_that_crosses_itself_is_refused() -> None:
    x, y = CENTRE
    with pytest.raises(InvalidGeometry):
        CellIndex.build([("a", Polygon([(x, y), (x + 1e-3, y + 1e-3), (x + 1e-3, y), (x, y + 1e-3)]))])


def test_one_code_for_two_cells_is_refused() -> None:
    with pytest.raises(InvalidCode) as refusal:
        CellIndex.build([("a", make_box(10.0)), ("a", make_box(20.0))])
    assert ["a"] == refusal.value.facts["codes"]


def test_a_plan_without_cells_owns_nothing() -> None:
    index = CellIndex.build([])
    assert (None, [-1], []) == (
        index.code_at(CENTRE),
        index.codes_at([CENTRE.lon], [CENTRE.lat]).tolist(),
        list(index.hex_cover()),
    )


# --- the hex cover ------------------------------------------------------------------------------


def test_a_hexagon_called_wholly_is_covered_by_its_cell_and_has_no_other_row(
    plan: Plan, index: CellIndex
) -> None:
    rows = list(index.hex_cover())
    polygons = dict(plan)
    wholly = [row for row in rows if row.wholly]
    covering = np.array([polygons[row.code] for row in wholly], dtype=object)
    assert len(wholly) > 1_000
    assert shapely.covers(covering, hexes.hex_polygons([row.h3 for row in wholly])).all()
    assert not {row.h3 for row in wholly} & {row.h3 for row in rows if not row.wholly}


def test_the_owner_by_sql_rule_over_the_cover_is_the_owner(plan: Plan, index: CellIndex) -> None:
    rows: dict[int, list[HexRow]] = {}
    for row in index.hex_cover():
        rows.setdefault(row.h3, []).append(row)
    polygons = dict(plan)
    for lon, lat in np.vstack([random_positions(3_000), vertices_and_midpoints(plan)[::10]]).tolist():
        candidates = rows.get(hexes.hex_of(LonLat(lon, lat)), [])
        touching = [
            r.code for r in candidates if r.wholly or shapely.intersects_xy(polygons[r.code], lon, lat)
        ]
        assert index.code_at(LonLat(lon, lat)) == min(touching, default=None)


def test_cover_rows_are_sorted_and_unique(index: CellIndex) -> None:
    keys = [(row.h3, row.code) for row in index.hex_cover()]
    assert sorted(set(keys)) == keys
