"""Land goes to the nearest shape; the border runs half way."""

import numpy as np
import shapely

from gridmgmt.planning.tessellation import nearest_borders, outline_points


def test_the_border_between_two_parallel_walls_runs_half_way():
    walls = np.array([shapely.box(0, 0, 100, 10), shapely.box(0, 30, 100, 40)], dtype=object)
    area = shapely.box(-10, -10, 110, 50)
    lines = nearest_borders(area, walls, spacing_m=3.0, simplify_m=0.6)
    middle = shapely.intersection(shapely.union_all(lines), shapely.box(10, 0, 90, 50))
    assert abs(middle.length - 80.0) < 1.0
    assert np.allclose(20.0, shapely.get_coordinates(middle)[:, 1], atol=0.7)


def test_one_shape_alone_has_no_border():
    alone = np.array([shapely.box(0, 0, 1, 1)], dtype=object)
    assert 0 == len(nearest_borders(shapely.box(-5, -5, 5, 5), alone, spacing_m=1.0, simplify_m=0.1))


def test_nothing_is_drawn_outside_the_area():
    area = shapely.box(0, 0, 50, 50)
    shapes = shapely.points([(10, 10), (40, 10), (10, 40), (40, 40)])
    lines = nearest_borders(area, shapes, spacing_m=1.0, simplify_m=0.1)
    assert shapely.union_all(lines).within(area.buffer(1e-9))
    assert 100.0 == round(float(shapely.length(lines).sum()), 6)


def test_a_point_where_two_outlines_meet_is_taken_once():
    shapes = np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], dtype=object)
    points, owner = outline_points(shapes, 10.0)
    assert len(points) == len({tuple(p) for p in points.tolist()})
    assert 0 == owner[points.tolist().index([10.0, 0.0])]
