"""Small random graphs and their divisions, for the tests of the search."""

from typing import Any

import numpy as np

from gridmgmt.planning.coverage import FloatArray, IntArray
from gridmgmt.planning.graph import Graph, Layout, checked_graph
from gridmgmt.planning.search.arrays import HOME, Piece, Scratch, State, empty_state, make_scratch
from gridmgmt.planning.search.costs import refreshed
from gridmgmt.planning.search.presets import Terms

OPEN = (0.0, np.inf)


def lattice_edges(columns: int, rows: int) -> list[list[int]]:
    """Neighbours in a lattice of squares, numbered row by row."""
    right = [[n, n + 1] for n in range(columns * rows) if n % columns + 1 < columns]
    return right + [[n, n + columns] for n in range(columns * (rows - 1))]


def make_lattice_graph(columns: int, rows: int, weights: list[float] | None = None, **over: Any) -> Graph:
    """Unit squares."""
    count, edges = columns * rows, lattice_edges(columns, rows)
    given: dict[str, Any] = {
        "edges": edges or np.empty((0, 2), dtype=np.int64),
        "lengths": [1.0] * len(edges),
        "weights": weights or [1.0] * count,
        "coordinates": [[float(n % columns), float(n // columns)] for n in range(count)],
        "area": [1.0] * count,
        "perimeter": [4.0] * count,
    }
    return checked_graph(**(given | over))


def make_random_graph(rng: np.random.Generator, most: int = 24) -> dict[str, Any]:
    """A connected graph with random weights, lengths and shapes, as the arguments of the graph's door."""
    count = int(rng.integers(1, most))
    tree = {(int(rng.integers(n)), n) for n in range(1, count)}
    more = {tuple(sorted(rng.integers(0, count, 2).tolist())) for _ in range(int(rng.integers(0, 2 * count)))}
    edges = sorted(tree | {pair for pair in more if pair[0] != pair[1]})
    lengths = rng.uniform(0.1, 3.0, len(edges))
    given: dict[str, Any] = {
        "edges": np.array(edges, dtype=np.int64).reshape(-1, 2),
        "lengths": lengths,
        "weights": rng.integers(0, 9, count).astype(float) * (rng.random(count) < 0.8)
        + (rng.integers(20) == 0),
    }
    if given["weights"].sum() == 0:
        given["weights"][0] = 1.0
    if rng.random() < 0.7:
        given["coordinates"] = rng.normal(size=(count, 2))
    if rng.random() < 0.7:
        border = np.bincount(given["edges"].ravel(), np.repeat(lengths, 2), count)
        given["area"], given["perimeter"] = rng.uniform(0.5, 2.0, count), border + rng.uniform(0, 1, count)
    return given


def make_piece(graph: Graph, cells: int) -> Piece:
    """The graph as one connected piece, without ties."""
    return Layout(graph, np.zeros(graph.count, dtype=np.int64)).piece(0, cells)


def make_goal(weights: FloatArray, cells: int, band: tuple[float, float] = OPEN) -> FloatArray:
    """Equal goals."""
    return np.tile([weights.sum() / cells or 1.0, *band, 1.0], (cells, 1))


def make_state(
    piece: Piece, label: list[int], goal: FloatArray, terms: Terms
) -> tuple[State, Scratch, float]:
    """A state with these labels, all cells chosen, and what it costs."""
    state, scratch = empty_state(len(label), goal), make_scratch(len(label), len(piece.edge), len(goal))
    state.label[:] = label
    scratch.members[:] = np.arange(len(label))
    scratch.picked[:] = np.arange(len(goal))
    scratch.chosen[:] = 1
    return state, scratch, refreshed(piece, state, scratch, terms.as_array(), len(goal), len(label))


def cost_from_scratch(piece: Piece, label: IntArray, goal: FloatArray, terms: Terms) -> float:
    """The objective of costs.py, written down a second time from its formula and with nothing kept."""
    source = np.repeat(np.arange(len(label)), np.diff(piece.first))
    target = piece.edge[:, 0]
    total = 0.0
    for cell, (wanted, low, high, _) in enumerate(goal):
        here = np.flatnonzero(label == cell)
        weight, area = piece.node[here, 0].sum(), piece.node[here, 1].sum()
        inner = (label[source] == cell) & (label[target] == cell)
        outline = piece.node[here, 2].sum() - piece.border[inner, 0].sum()
        off = abs(weight - wanted) / wanted
        total += terms.share * off + terms.excess * max(0.0, off - terms.tolerance_share) ** 2
        total += terms.band * max(0.0, weight - high, low - weight) / wanted
        if area > 0:
            total += terms.shape * (outline / (2 * np.sqrt(np.pi * area)) - 1)
            middle = piece.node[here, 3:5].sum(axis=0) / area
            about = piece.node[here, 5].sum() - area * (middle**2).sum()
            if about > 0:
                total += terms.spread * (1 - area**2 / (2 * np.pi * about))
    cut = label[source] != label[target]
    total += terms.cut * piece.border[cut, 1].sum() / 2
    home = piece.tie[:, HOME]
    away = (home >= 0) & (home != label)
    return float(total + terms.stay * (piece.node[away, 0] / goal[home[away], 0]).sum())


def parts_are_connected(edges: IntArray, label: IntArray) -> bool:
    """Whether each label is one connected part, by a walk that shares nothing with the search."""
    around: dict[int, list[int]] = {node: [] for node in range(len(label))}
    for a, b in np.asarray(edges).tolist():
        around[a].append(b)
        around[b].append(a)
    for part in set(label.tolist()):
        members = set(np.flatnonzero(label == part).tolist())
        stack = [members.pop()]
        while stack:
            for other in around[stack.pop()]:
                if other in members:
                    members.discard(other)
                    stack.append(other)
        if members:
            return False
    return True
