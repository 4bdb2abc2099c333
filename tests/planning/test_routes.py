"""A patrol route walks every street once, over ways that exist, and is near the best there is."""

import itertools

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, Point

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.routes import _between, _crossings, _Walk, patrol_route, streets_of


def lines(*pairs: object) -> np.ndarray:
    return np.array([LineString(pair) for pair in pairs], dtype=object)


def some_streets(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 5, (count * 4, 2, 2)) * 100.0
    kept = [c for c in corners.tolist() if c[0] != c[1]][:count]
    return lines(*kept)


def best(streets: np.ndarray, start: Point, *, closed: bool) -> float:
    """Every order and every direction."""
    node, places = _crossings(streets, start)
    walk = _Walk(_between(node, places, shapely.length(streets), 1.3), node, closed=closed)
    return min(
        walk.cost(list(zip(order, way, strict=True)))
        for order in itertools.permutations(range(len(streets)))
        for way in itertools.product((False, True), repeat=len(streets))
    )


def test_a_ring_is_walked_round_without_a_metre_too_many():
    ring = lines([(0, 0), (100, 0)], [(100, 100), (100, 0)], [(0, 100), (100, 100)], [(0, 0), (0, 100)])
    route = patrol_route(ring, Point(0, 0))
    assert 400.0 == route.streets_m == route.least_m
    assert 0.0 == pytest.approx(route.between_m, abs=1e-6)
    assert 400.0 == pytest.approx(route.line.length)


def test_a_dead_end_is_walked_back_along_itself_and_not_through_walls():
    route = patrol_route(lines([(0, 0), (100, 0)]), Point(0, 0))
    assert 100.0 == pytest.approx(route.between_m)


def test_beside_streets_a_metre_counts_for_the_detour():
    route = patrol_route(lines([(50, 0), (100, 0)]), Point(0, 0), closed=False)
    assert 65.0 == pytest.approx(route.between_m)


@pytest.mark.parametrize("closed", [True, False])
def test_every_street_is_walked_exactly_once(closed):
    streets = some_streets(5, 40)
    route = patrol_route(streets, Point(0, 0), closed=closed)
    assert list(range(40)) == sorted(route.order.tolist())
    assert route.between_m <= route.first_m + 1e-6
    assert Point(0, 0) == shapely.get_point(route.line, 0)


def test_the_same_streets_give_the_same_route():
    streets = some_streets(8, 25)
    one, two = (patrol_route(streets, Point(200, 200)) for _ in range(2))
    assert one.line.equals_exact(two.line, 0.0)


def test_small_routes_are_near_the_best_of_all_orders():
    start = Point(120, 30)
    over = []
    for seed in range(12):
        streets = some_streets(seed, 5)
        route = patrol_route(streets, start)
        least = best(streets, start, closed=True)
        assert route.between_m >= least - 1e-6
        over.append((route.streets_m + route.between_m) / (route.streets_m + least) - 1.0)
    assert np.mean(over) <= 0.02
    assert max(over) <= 0.12


def test_streets_of_a_cell_are_cut_at_its_border_and_at_each_other():
    roads = lines([(-500, 50), (500, 50)], [(50, -500), (50, 500)], [(900, 900), (950, 950)])
    streets = streets_of(roads, shapely.box(0, 0, 100, 100), reach_m=10)
    assert 4 == len(streets)
    assert [60.0] * 4 == shapely.length(streets).round(6).tolist()


def test_what_cannot_be_walked_is_refused():
    with pytest.raises(InvalidInput):
        patrol_route(lines(), Point(0, 0))
    with pytest.raises(InvalidInput):
        patrol_route(np.array([Point(0, 0)], dtype=object), Point(0, 0))
    with pytest.raises(InvalidInput):
        patrol_route(some_streets(1, 3), Point(0, 0), detour=0.5)
