"""The graph that is divided: nodes with weight, place and shape; edges with length and cost.

Arrays all the way; :meth:`Graph.region` turns one connected piece into the lists that the search runs on.
Lengths are scaled there so that a cell of mean area has side 1, which makes the weights of the objective
mean the same for a hamlet and a city.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray, components
from gridmgmt.planning.search import Region


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
    """

    pairs: IntArray
    lengths: FloatArray
    costs: FloatArray
    weights: FloatArray
    coordinates: FloatArray | None
    area: FloatArray
    perimeter: FloatArray

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.weights)

    def pieces(self, nodes: IntArray) -> list[IntArray]:
        """Split ``nodes`` into connected pieces, ordered by their first node."""
        if len(nodes) == 0:
            return []
        inside, local = self._local(nodes)
        piece = components(len(nodes), local[self.pairs[inside]])
        order = np.argsort(piece, kind="stable")
        return np.split(nodes[order], np.flatnonzero(np.diff(piece[order])) + 1)

    def region(self, nodes: IntArray, count: int, rng: np.random.Generator) -> Region:
        """Return the connected ``nodes`` as input of the search, scaled for ``count`` cells.

        Parameters
        ----------
        rng : places the nodes by their distance in the graph when there are no coordinates.
        """
        inside, local = self._local(nodes)
        ends = local[self.pairs[inside]]
        total_area = float(self.area[nodes].sum())
        typical = float(self.lengths[inside].mean()) * np.sqrt(len(nodes) / count)
        side = np.sqrt(total_area / count) if total_area > 0 else max(typical, 1e-12)
        lengths, costs = self.lengths[inside] / side, self.costs[inside] / side
        neighbours: list[list[tuple[int, float, float]]] = [[] for _ in nodes]
        for (a, b), length, cost in zip(ends.tolist(), lengths.tolist(), costs.tolist(), strict=True):
            neighbours[a].append((b, length, cost))
            neighbours[b].append((a, length, cost))
        if self.coordinates is None:
            places = _by_graph_distance(neighbours, rng)
        else:
            places = (self.coordinates[nodes] - self.coordinates[nodes].mean(axis=0)) / side
        return Region(
            neighbours=neighbours,
            weight=self.weights[nodes].tolist(),
            area=(self.area[nodes] / side**2).tolist(),
            perimeter=(self.perimeter[nodes] / side).tolist(),
            distance_xy=[(float(x), float(y)) for x, y in places],
        )

    def _local(self, nodes: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
        local = np.full(self.count, -1, dtype=np.int64)
        local[nodes] = np.arange(len(nodes))
        return np.asarray((local[self.pairs] >= 0).all(axis=1), dtype=np.bool_), local


def _by_graph_distance(
    neighbours: list[list[tuple[int, float, float]]], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Places in a plane from hops to two far-apart nodes: rough, but enough to seed and to grow."""
    first = _hops(neighbours, int(rng.integers(len(neighbours))))
    a = _hops(neighbours, int(first.argmax()))
    b = _hops(neighbours, int(a.argmax()))
    return np.column_stack([a, b]).astype(np.float64)


def _hops(neighbours: list[list[tuple[int, float, float]]], source: int) -> IntArray:
    hops = np.full(len(neighbours), -1, dtype=np.int64)
    hops[source] = 0
    front = [source]
    while front:
        ahead = []
        for node in front:
            for other, _, _ in neighbours[node]:
                if hops[other] < 0:
                    hops[other] = hops[node] + 1
                    ahead.append(other)
        front = ahead
    return hops


def checked_graph(
    edges: npt.ArrayLike,
    lengths: npt.ArrayLike,
    weights: npt.ArrayLike,
    coordinates: npt.ArrayLike | None,
    area: npt.ArrayLike | None,
    perimeter: npt.ArrayLike | None,
) -> Graph:
    """Return the arrays as a graph, or say which of them is wrong.

    Raises
    ------
    InvalidInput
        ``facts["argument"]`` names it: wrong shape or type, negative or not finite, a node that does not
        exist, a loop, a pair given twice, area without perimeter, or no weight at all.
    """
    demand = _numbers("weights", weights, None)
    pairs = _pairs(edges, len(demand))
    lengths_ = _numbers("lengths", lengths, (len(pairs),))
    if len(demand) == 0 or demand.sum() <= 0:
        raise InvalidInput("some node must have a weight", argument="weights")
    if (area is None) != (perimeter is None):
        raise InvalidInput("area and perimeter are given together or not at all", argument="area")
    zeros = np.zeros(len(demand))
    return Graph(
        pairs=pairs,
        lengths=lengths_,
        costs=lengths_,
        weights=demand,
        coordinates=None
        if coordinates is None
        else _numbers("coordinates", coordinates, (len(demand), 2), signed=True),
        area=zeros if area is None else _numbers("area", area, (len(demand),)),
        perimeter=zeros if perimeter is None else _numbers("perimeter", perimeter, (len(demand),)),
    )


def _pairs(edges: npt.ArrayLike, count: int) -> IntArray:
    raw = np.asarray(edges)
    if raw.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if raw.ndim != 2 or raw.shape[1] != 2 or not np.issubdtype(raw.dtype, np.integer):
        raise InvalidInput("edges must be pairs of node numbers", argument="edges", shape=list(raw.shape))
    pairs = np.sort(raw.astype(np.int64), axis=1)
    if pairs.min() < 0 or pairs.max() >= count:
        raise InvalidInput("an edge names a node that does not exist", argument="edges", nodes=count)
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise InvalidInput("a node cannot be its own neighbour", argument="edges")
    if len(np.unique(pairs, axis=0)) != len(pairs):
        raise InvalidInput("a pair of nodes is given twice", argument="edges")
    return pairs


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
