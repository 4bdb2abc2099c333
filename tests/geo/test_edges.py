"""Cut edges keep the shape, and neighbours stay neighbours."""

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, Polygon, box

from gridmgmt.geo.crs import MetricZone, to_metric
from gridmgmt.geo.edges import cut_edges


def test_cutting_keeps_the_own_vertices_and_the_limit() -> None:
    polygon = Polygon([(0, 0), (1, 0.3), (0.2, 1)], [[(0.3, 0.3), (0.4, 0.3), (0.3, 0.4)]])
    cut = cut_edges(polygon, 0.07)
    own, new = shapely.get_coordinates(polygon), shapely.get_coordinates(cut)
    steps = np.abs(np.diff(shapely.get_coordinates(cut.exterior), axis=0)).max()
    assert set(map(tuple, own)) <= set(map(tuple, new))
    assert steps <= 0.07 * (1 + 1e-9)
    assert polygon.area == pytest.approx(cut.area, rel=1e-12)


def test_cutting_gives_the_same_vertices_in_either_direction() -> None:
    there = cut_edges(Polygon([(0.1, 0.7), (1.3, 0.2), (0.9, 1.1)]), 0.031)
    back = cut_edges(Polygon([(0.9, 1.1), (1.3, 0.2), (0.1, 0.7)]), 0.031)
    assert set(there.exterior.coords) == set(back.exterior.coords)


def test_short_edges_and_other_geometries_stay_as_they_are() -> None:
    square, line = box(0, 0, 1e-4, 1e-4), LineString([(0, 0), (1, 1)])
    assert square == cut_edges(square)
    assert line is cut_edges(line)


def test_a_cut_edge_stays_straight_on_the_metric_plane_where_a_long_one_bows() -> None:
    long = box(117.650, 39.030, 117.657, 39.031)
    halves = [box(117.650, 39.029, 117.6535, 39.030), box(117.6535, 39.029, 117.657, 39.030)]
    cut = [cut_edges(polygon) for polygon in (long, *halves)]
    outline = to_metric(cut_edges(box(117.650, 39.029, 117.657, 39.031)), MetricZone.CM_117E)
    for polygons, at_least_m2, at_most_m2 in (((long, *halves), 2.0, 9.0), (cut, 0.0, 0.01)):
        whole = shapely.union_all([to_metric(polygon, MetricZone.CM_117E) for polygon in polygons])
        assert at_least_m2 <= whole.symmetric_difference(outline).area <= at_most_m2
