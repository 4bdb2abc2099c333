"""One noding, one set of vertices: neighbours are known by their sides, parts add up to the whole."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmgmt.errors import WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.planning.coverage import (
    absorb_small,
    components,
    dissolve,
    noded_faces,
    shared_borders,
    to_geographic_frame,
)
from tests.builders_planning import make_box, make_frame, make_lattice


def shapes_of(frame: gpd.GeoDataFrame) -> np.ndarray:
    return np.asarray(frame.geometry.array, dtype=object)


def test_crossing_lines_need_no_common_vertex_to_enclose_faces():
    lines = shapely.linestrings([[(0, 0), (4, 0)], [(1, -1), (1, 3)], [(3, -1), (3, 3)], [(0, 2), (4, 2)]])
    faces = noded_faces(lines)
    assert 1 == len(faces)
    assert 4.0 == faces[0].area


def test_a_corner_on_a_neighbours_side_becomes_a_vertex_of_that_side():
    long_side = shapely.linestrings(
        [[(0, 0), (0, 10)], [(0, 10), (10, 10)], [(10, 10), (10, 0)], [(10, 0), (0, 0)]]
    )
    faces = noded_faces(
        [*long_side, shapely.LineString([(0, 5), (5, 5)]), shapely.LineString([(5, 5), (5, 10)])]
    )
    large = faces[np.argmax(shapely.area(faces))]
    assert (0.0, 5.0) in set(map(tuple, shapely.get_coordinates(large)))
    assert shapely.coverage_is_valid(faces)


def test_squares_of_a_lattice_border_four_neighbours_at_most_and_corners_do_not_count():
    borders = shared_borders(shapes_of(make_lattice(3, 3)))
    assert 12 == len(borders.pairs)
    assert {100.0} == set(borders.lengths_m.tolist())
    assert [0, 4] not in borders.pairs.tolist()
    assert [200.0, 100.0, 200.0, 100.0, 0.0, 100.0, 200.0, 100.0, 200.0] == borders.outer_m.tolist()
    assert {400.0} == set(borders.perimeters_m.tolist())
    assert 0 == len(borders.faults)


def test_a_hole_is_part_of_the_outline_and_borders_what_fills_it():
    island = make_box(10, 10, 20, 20)
    around = shapely.Polygon(make_box(0, 0, 30, 30).exterior, [island.exterior])
    borders = shared_borders(np.array([around, island], dtype=object))
    assert [[0, 1]] == borders.pairs.tolist()
    assert [40.0] == borders.lengths_m.tolist()
    assert [160.0, 40.0] == borders.perimeters_m.tolist()


def test_one_polygon_given_twice_is_a_fault_and_no_border():
    twice = np.array([make_box(0, 0, 10, 10)] * 2, dtype=object)
    borders = shared_borders(twice)
    assert 0 == len(borders.pairs)
    assert len(borders.faults) > 0


def test_the_sides_of_the_borders_add_up_to_their_lengths():
    borders = shared_borders(shapes_of(make_lattice(4, 2)))
    summed = np.bincount(borders.side_pairs, borders.side_lengths_m)
    assert borders.lengths_m.tolist() == summed.tolist()


def test_dissolving_keeps_every_vertex_of_the_new_outline_and_the_area():
    atoms = shapes_of(make_lattice(3, 1))
    united = dissolve(atoms, np.array([0, 0, 1]))
    assert [20_000.0, 10_000.0] == shapely.area(united).tolist()
    # the corner between the first two squares stays a vertex: whoever borders there has it too
    assert 7 == shapely.get_num_coordinates(united[0])


def test_parts_that_share_no_side_stay_two_parts():
    united = dissolve(shapes_of(make_lattice(3, 1)), np.array([0, 1, 0]))
    assert "MultiPolygon" == united[0].geom_type


def test_components_are_numbered_by_their_first_member():
    assert [0, 1, 0, 1, 2] == components(5, np.array([[2, 0], [3, 1]])).tolist()
    assert [0, 0, 0, 0] == components(4, np.array([[3, 2], [2, 1], [1, 0]])).tolist()
    assert [0, 1] == components(2, np.empty((0, 2), dtype=np.int64)).tolist()


def test_a_small_polygon_joins_the_neighbour_with_the_longest_common_border():
    small = make_box(0, 100, 10, 140)
    west, east = make_box(-100, 100, 0, 130), make_box(10, 100, 100, 140)
    lines = shapely.boundary([small, west, east])
    faces = noded_faces(lines)
    labels = absorb_small(faces, shapely.area(faces) < 500)
    united = dissolve(faces, labels)
    assert sorted([3000.0, 4000.0]) == sorted(round(a, 6) for a in shapely.area(united).tolist())


def test_small_polygons_without_a_large_neighbour_unite_among_themselves():
    faces = shapes_of(make_lattice(2, 1))
    assert [0, 0] == absorb_small(faces, np.array([True, True])).tolist()


def test_a_coverage_stays_seamless_in_degrees():
    frame = make_lattice(3, 3)
    degrees = to_geographic_frame(frame)
    assert GEOGRAPHIC == degrees.crs.to_string()
    assert shapely.coverage_is_valid(shapes_of(degrees))
    assert (
        shared_borders(shapes_of(frame)).pairs.tolist() == shared_borders(shapes_of(degrees)).pairs.tolist()
    )


def test_only_a_metric_zone_is_brought_to_degrees():
    with pytest.raises(WrongCrs):
        to_geographic_frame(make_frame([make_box(0, 0, 1, 1)]).set_crs(GEOGRAPHIC, allow_override=True))


def test_a_cell_in_two_pieces_has_the_borders_of_both():
    left, middle, right = make_box(0, 0, 100, 100), make_box(100, 0, 200, 100), make_box(200, 0, 300, 100)
    shapes = np.asarray([shapely.MultiPolygon([left, right]), middle], dtype=object)
    borders = shared_borders(shapes)
    assert ([[0, 1]], [200.0]) == (borders.pairs.tolist(), borders.lengths_m.tolist())
    assert [800.0, 400.0] == borders.perimeters_m.tolist()
