"""The graph that is divided: nodes with weight, place and shape; edges with length and cost.

Arrays all the way, for a million nodes as for ten. :func:`laid_out` puts the nodes of each connected piece
one after another, so that a piece is a slice; :meth:`Layout.piece` scales it for the search: a cell of mean
area has side 1, which makes the weights of the objective mean the same for a hamlet and a city.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray, components
from gridmgmt.planning.search.arrays import Piece
from gridmgmt.planning.search.walks import component_labels, hops_from


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked graph.

    Attributes
    ----------
    pairs : (m, 2) adjacent nodes, each pair once.
    lengths, costs : (m,) common border, and what cutting there costs.
    weights : (n,) demand.
    coordinates : (n, 2), or None.
    area, perimeter : (n,), zeros when the shapes are unknown.
    work : (n,) a second demand to balance, or None.
    """

    pairs: IntArray
    lengths: FloatArray
    costs: FloatArray
    weights: FloatArray
    coordinates: FloatArray | None
    area: FloatArray
    perimeter: FloatArray
    work: FloatArray | None = None

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.weights)

    def pieces(self, nodes: IntArray) -> list[IntArray]:
        """Split ``nodes`` into connected pieces, ordered by their first node."""
        if len(nodes) == 0:
            return []
        local = np.full(self.count, -1, dtype=np.int64)
        local[nodes] = np.arange(len(nodes))
        inside = (local[self.pairs] >= 0).all(axis=1)
        piece = components(len(nodes), local[self.pairs[inside]])
        order = np.argsort(piece, kind="stable")
        return np.split(nodes[order], np.flatnonzero(np.diff(piece[order])) + 1)


class Layout:
    """A graph with the nodes of each connected piece one after another.

    Attributes
    ----------
    nodes : for each piece its nodes, ascending.
    group : for each piece the group that it lies in.
    """

    def __init__(self, graph: Graph, group: IntArray) -> None:
        """Lay out the nodes with a group of at least 0; edges between groups are left out."""
        self._graph = graph
        a, b = graph.pairs.T
        kept = np.flatnonzero((group[a] == group[b]) & (group[a] >= 0))
        piece = component_labels(graph.count, graph.pairs[kept])
        order = np.lexsort((piece, group))
        order = order[np.searchsorted(group[order], 0) :]
        change = np.flatnonzero(np.diff(piece[order])) + 1
        self._start = np.concatenate([[0], change, [len(order)]]).astype(np.int64)
        self.nodes: list[IntArray] = np.split(order, change) if len(order) else []
        self.group: IntArray = group[order[self._start[:-1]]] if len(order) else group[:0]
        self._lay_edges(order, kept)

    def _lay_edges(self, order: IntArray, kept: IntArray) -> None:
        place = np.empty(self._graph.count, dtype=np.int64)
        place[order] = np.arange(len(order))
        ends = place[self._graph.pairs[kept]]
        source, target = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
        by_source = np.argsort(source, kind="stable")
        where = np.empty(len(by_source), dtype=np.int64)
        where[by_source] = np.arange(len(by_source))
        half = len(kept)
        self._first = np.searchsorted(source[by_source], np.arange(len(order) + 1)).astype(np.int64)
        self._other = target[by_source]
        self._back = where[(by_source + half) % max(1, 2 * half)]
        both = np.column_stack([self._graph.lengths[kept], self._graph.costs[kept]])
        self._border = np.concatenate([both, both])[by_source]

    def piece(self, number: int, count: int) -> Piece:
        """Return a piece as input of the search, scaled for ``count`` cells."""
        graph, nodes = self._graph, self.nodes[number]
        low, high = self._start[number], self._start[number + 1]
        begin, end = self._first[low], self._first[high]
        first = self._first[low : high + 1] - begin
        edge = np.column_stack([self._other[begin:end] - low, self._back[begin:end] - begin]).astype(np.int32)
        border = self._border[begin:end]
        area = graph.area[nodes]
        total = float(area.sum())
        typical = float(border[:, 0].mean()) * np.sqrt(len(nodes) / count) if len(border) else 1.0
        side = np.sqrt(total / count) if total > 0 else max(typical, 1e-12)
        if graph.coordinates is None:
            place = _by_hops(first, edge)
        else:
            place = (graph.coordinates[nodes] - graph.coordinates[nodes].mean(axis=0)) / side
        area = area / side**2
        node = np.zeros((len(nodes), 8))
        node[:, 0] = graph.weights[nodes]
        node[:, 1] = area
        node[:, 2] = graph.perimeter[nodes] / side
        if graph.coordinates is not None:
            node[:, 3:5] = area[:, None] * place
            # About its own centre a node is taken for a disc: shapes of single atoms hardly matter.
            node[:, 5] = area * (place**2).sum(axis=1) + area**2 / (2.0 * np.pi)
        node[:, 6] = 0.0 if graph.work is None else graph.work[nodes]
        node[:, 7] = 1.0
        return Piece(
            first=first,
            edge=edge,
            border=np.ascontiguousarray(border / side),
            node=node,
            place=np.ascontiguousarray(place, dtype=np.float64),
            tie=np.full((len(nodes), 2), -1, dtype=np.int32),
        )


def _by_hops(first: IntArray, edge: npt.NDArray[np.int32]) -> FloatArray:
    """Places in a plane from hops to two far-apart nodes: rough, but enough to seed and to grow."""
    one = hops_from(first, edge, int(hops_from(first, edge, 0).argmax()))
    two = hops_from(first, edge, int(one.argmax()))
    return np.column_stack([one, two]).astype(np.float64)


def checked_graph(  # noqa: PLR0913  the arrays of a graph
    edges: npt.ArrayLike,
    lengths: npt.ArrayLike,
    weights: npt.ArrayLike,
    coordinates: npt.ArrayLike | None,
    area: npt.ArrayLike | None,
    perimeter: npt.ArrayLike | None,
    *,
    factors: npt.ArrayLike | None = None,
    work: npt.ArrayLike | None = None,
) -> Graph:
    """Return the arrays as a graph, or say which of them is wrong.

    Raises
    ------
    InvalidInput
        ``facts["argument"]`` names it: wrong shape or type, negative or not finite, a node that does not
        exist, a loop, a pair given twice, area without perimeter, or no weight at all.
    """
    demand = _numbers("weights", weights, None)
    pairs, order = _pairs(edges, len(demand))
    lengths_ = _numbers("lengths", lengths, (len(pairs),))[order]
    with np.errstate(over="ignore"):
        total = float(demand.sum())
    if not 0 < total < np.inf:
        raise InvalidInput("the weights must have a sum above 0 that is finite", argument="weights")
    if (area is None) != (perimeter is None):
        raise InvalidInput("area and perimeter are given together or not at all", argument="area")
    zeros = np.zeros(len(demand))
    return Graph(
        pairs=pairs,
        lengths=lengths_,
        costs=lengths_ if factors is None else lengths_ * _numbers("factors", factors, (len(pairs),))[order],
        weights=demand,
        coordinates=None
        if coordinates is None
        else _numbers("coordinates", coordinates, (len(demand), 2), signed=True),
        area=zeros if area is None else _numbers("area", area, (len(demand),)),
        perimeter=zeros if perimeter is None else _numbers("perimeter", perimeter, (len(demand),)),
        work=None if work is None else _numbers("work", work, (len(demand),)),
    )


def _pairs(edges: npt.ArrayLike, count: int) -> tuple[IntArray, IntArray]:
    """Pairs in ascending order, and where each stood in ``edges``: the order of the input does not matter."""
    raw = np.asarray(edges)
    if raw.size == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    if raw.ndim != 2 or raw.shape[1] != 2 or not np.issubdtype(raw.dtype, np.integer):
        raise InvalidInput("edges must be pairs of node numbers", argument="edges", shape=list(raw.shape))
    pairs = np.sort(raw.astype(np.int64), axis=1)
    if pairs.min() < 0 or pairs.max() >= count:
        raise InvalidInput("an edge names a node that does not exist", argument="edges", nodes=count)
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise InvalidInput("a node cannot be its own neighbour", argument="edges")
    key = pairs[:, 0] * count + pairs[:, 1]
    order = np.argsort(key, kind="stable")
    if (np.diff(key[order]) == 0).any():
        raise InvalidInput("a pair of nodes is given twice", argument="edges")
    return pairs[order], order


def _numbers(
    name: str, values: npt.ArrayLike, shape: tuple[int, ...] | None, *, signed: bool = False
) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput("not an array of numbers", argument=name) from error
    if (array.ndim != 1) if shape is None else (array.shape != shape):
        raise InvalidInput(
            "the array has the wrong shape",
            argument=name,
            shape=list(array.shape),
            wanted=None if shape is None else list(shape),
        )
    if not np.isfinite(array).all() or (not signed and (array < 0).any()):
        raise InvalidInput("a value is negative or not a finite number", argument=name)
    return array
