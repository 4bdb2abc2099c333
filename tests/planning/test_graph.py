"""A graph is checked before it is divided; the argument that is wrong is named."""

import numpy as np
import pytest

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.graph import Graph, checked_graph

PATH = {"edges": [[0, 1], [1, 2]], "lengths": [1.0, 1.0], "weights": [1.0, 2.0, 3.0]}


def make_graph(**over: object) -> Graph:
    none = dict.fromkeys(("coordinates", "area", "perimeter"))
    return checked_graph(**(PATH | none | over))  # type: ignore[arg-type]


def test_pairs_are_sorted_whichever_way_they_are_given():
    assert [[0, 1], [1, 2]] == make_graph(edges=[[1, 0], [2, 1]]).pairs.tolist()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("edges", [[0, 1, 2]]),
        ("edges", [[0.5, 1.0], [1.0, 2.0]]),
        ("edges", [[0, 3], [1, 2]]),
        ("edges", [[-1, 0], [1, 2]]),
        ("edges", [[1, 1], [1, 2]]),
        ("edges", [[0, 1], [1, 0]]),
        ("lengths", [1.0]),
        ("lengths", [1.0, np.nan]),
        ("lengths", [1.0, -1.0]),
        ("weights", [1.0, np.inf, 1.0]),
        ("weights", [1.0, -2.0, 1.0]),
        ("weights", [0.0, 0.0, 0.0]),
        ("weights", ["many", 1.0, 1.0]),
        ("coordinates", [[0.0, 0.0]]),
        ("coordinates", [[0.0, np.nan]] * 3),
        ("area", [1.0, 1.0, 1.0]),
    ],
)
def test_the_argument_that_is_wrong_is_named(argument, value):
    with pytest.raises(InvalidInput) as refusal:
        make_graph(**{argument: value})
    assert argument == refusal.value.facts["argument"]


def test_coordinates_may_be_negative():
    assert -5.0 == make_graph(coordinates=[[-5.0, 0.0]] * 3).coordinates[0, 0]


def test_pieces_are_connected_and_ordered_by_their_first_node():
    graph = make_graph(edges=[[0, 2]], lengths=[1.0], weights=[1.0, 1.0, 1.0, 1.0])
    assert [[0, 2], [1], [3]] == [piece.tolist() for piece in graph.pieces(np.arange(4))]
    assert [[2], [3]] == [piece.tolist() for piece in graph.pieces(np.array([2, 3]))]
    assert [] == graph.pieces(np.array([], dtype=np.int64))


def test_a_region_is_scaled_so_that_a_cell_has_side_one():
    graph = make_graph(
        area=[100.0] * 3, perimeter=[40.0] * 3, lengths=[10.0, 10.0], coordinates=[[0, 0], [10, 0], [20, 0]]
    )
    region = graph.region(np.arange(3), 3, np.random.default_rng(0))
    assert [1.0] * 3 == region.area
    assert [4.0] * 3 == region.perimeter
    assert (0, 1.0, 1.0) in region.neighbours[1]
    assert [(-1.0, 0.0), (0.0, 0.0), (1.0, 0.0)] == region.distance_xy


def test_without_coordinates_places_come_from_the_graph():
    region = make_graph().region(np.arange(3), 1, np.random.default_rng(0))
    steps = np.diff(np.asarray(region.distance_xy), axis=0)
    assert np.array_equal(np.abs(steps), np.ones((2, 2)))
