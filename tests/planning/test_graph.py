"""A graph is checked before it is divided; the argument that is wrong is named."""

import numpy as np
import pytest

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.graph import Graph, Layout, checked_graph

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


def test_the_order_of_the_edges_does_not_matter():
    one = make_graph(edges=[[0, 1], [1, 2]], lengths=[1.0, 5.0])
    two = make_graph(edges=[[2, 1], [0, 1]], lengths=[5.0, 1.0])
    assert one.pairs.tolist() == two.pairs.tolist()
    assert one.lengths.tolist() == two.lengths.tolist()


def make_layout(group: list[int], **over: object) -> Layout:
    return Layout(make_graph(**over), np.array(group))


def test_a_layout_lists_the_connected_pieces_of_each_group_by_their_first_node():
    layout = make_layout([1, 0, 1, 0, -1], edges=[[0, 2], [1, 2]], lengths=[1.0] * 2, weights=[1.0] * 5)
    assert [[1], [3], [0, 2]] == [nodes.tolist() for nodes in layout.nodes]
    assert [0, 0, 1] == layout.group.tolist()


def test_every_edge_of_a_piece_knows_its_reverse():
    edges = [[a, b] for a in range(5) for b in range(a + 1, 5) if (a + b) % 2]
    piece = make_layout([0] * 5, edges=edges, lengths=list(range(len(edges))), weights=[1.0] * 5).piece(0, 2)
    for node in range(5):
        for e in range(piece.first[node], piece.first[node + 1]):
            other, back = piece.edge[e]
            assert piece.first[other] <= back < piece.first[other + 1]
            assert [node, e] == piece.edge[back].tolist()
            assert piece.border[e].tolist() == piece.border[back].tolist()


def test_a_piece_is_scaled_so_that_a_cell_has_side_one():
    piece = make_layout(
        [0] * 3, area=[100.0] * 3, perimeter=[40.0] * 3, lengths=[10.0, 10.0],
        coordinates=[[0, 0], [10, 0], [20, 0]],
    ).piece(0, 3)  # fmt: skip
    assert [1.0] * 3 == piece.node[:, 1].tolist()
    assert [4.0] * 3 == piece.node[:, 2].tolist()
    assert [[1.0, 1.0]] * 4 == piece.border.tolist()
    assert [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]] == piece.place.tolist()


def test_without_coordinates_places_come_from_the_graph():
    steps = np.diff(make_layout([0] * 3).piece(0, 1).place, axis=0)
    assert np.array_equal(np.abs(steps), np.ones((2, 2)))
