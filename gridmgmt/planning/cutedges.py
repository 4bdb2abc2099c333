"""The literature's problem: connected parts of like weight with the fewest cut edges.

:func:`minimise_cut_edges` divides a graph into k connected parts whose weights lie within a tolerance of the
mean, and cuts as few edges as it can; each edge counts 1, whatever its length (Validi and Buchanan 2022, who
proved the optima of the county graphs). Rounds of annealing from random divisions
(:mod:`.cutedges_anneal`) fill a pool of parts that keep to the tolerance; after each round an exact search
puts parts together that no run had at once (:mod:`.cutedges_pool`). It ends after :data:`PATIENCE` rounds
without an improvement.

Same input and seed, same plan. A time limit only ends the search early and is told by ``complete`` or by
the warning :class:`StoppedEarly`. That no plan within the tolerance was found is no proof that there is none;
what arithmetic can exclude is refused before the search.
"""

import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray
from gridmgmt.planning.cutedges_anneal import NONE, Schedule, anneal
from gridmgmt.planning.cutedges_pool import combined, empty_pool, useful
from gridmgmt.planning.cutedges_state import ROUNDING, Problem, Scratch
from gridmgmt.planning.engine import StoppedEarly
from gridmgmt.planning.graph import Graph, checked_graph
from gridmgmt.planning.stopwatch import Stopwatch

CutProgress = Callable[[int | None, int], None]

STARTS: Final = 10
"""Runs of annealing in a round, each from a division of its own."""

PATIENCE: Final = 3
"""Rounds without an improvement after which the search ends."""

HOPELESS: Final = 30
"""Rounds after which the search ends when no plan within the tolerance was met at all."""

PROPOSALS_PER_EDGE: Final = 3_000
LEAST_PROPOSALS: Final = 300_000
MOST_PROPOSALS: Final = 20_000_000

HOT: Final = (1.5, 4.5)
COLD: Final = (0.25, 0.625)
MILD: Final = (10.0, 100.0)
STRICT: Final = (500.0, 10_000.0)
"""Ranges that each run draws its temperatures and penalties from: no one schedule suits every graph."""


@dataclass(frozen=True, slots=True)
class CutPlan:
    """The outcome of a search.

    Attributes
    ----------
    labels : (n,) part of each node, 0 … k-1 in the order of their first nodes.
    cut_edges : edges between two parts.
    rounds : how many rounds were run.
    complete : whether the search ended by itself and not by the time limit.
    """

    labels: IntArray
    cut_edges: int
    rounds: int
    complete: bool


def minimise_cut_edges(
    pairs: npt.ArrayLike,
    weights: npt.ArrayLike,
    k: int,
    *,
    tolerance: float | None,
    seed: int = 0,
    time_limit_s: float | None = None,
    progress: CutProgress | None = None,
) -> IntArray:
    """Return the labels of :func:`search_cut_edges`, and warn with :class:`StoppedEarly` if time ran out.

    Examples
    --------
    >>> ring = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)]
    >>> labels = minimise_cut_edges(ring, [1, 1, 1, 1, 1, 1], 3, tolerance=0.0)
    >>> np.bincount(labels).tolist(), sum(labels[a] != labels[b] for a, b in ring)
    ([2, 2, 2], 3)
    """
    plan = search_cut_edges(
        pairs, weights, k, tolerance=tolerance, seed=seed, time_limit_s=time_limit_s, progress=progress
    )
    if not plan.complete:
        told = f"the time limit ended the search after {plan.rounds} rounds"
        warnings.warn(told, StoppedEarly, stacklevel=2)
    return plan.labels


def search_cut_edges(
    pairs: npt.ArrayLike,
    weights: npt.ArrayLike,
    k: int,
    *,
    tolerance: float | None,
    seed: int = 0,
    time_limit_s: float | None = None,
    progress: CutProgress | None = None,
) -> CutPlan:
    """Divide a graph into connected parts within a tolerance, with as few cut edges as can be found.

    Parameters
    ----------
    pairs : (m, 2) adjacent nodes, each pair once.
    weights : (n,) of the nodes, at least 0.
    k : number of parts.
    tolerance : largest deviation of a part from the mean, as a share of the mean; both sides, ends included.
    seed : of the random stream.
    time_limit_s : ends the search early, checked after each run of annealing.
    progress : called after each round as ``progress(fewest cut edges so far or None, rounds done)``.

    Raises
    ------
    InvalidInput
        Arrays that do not fit together, k below 1, no tolerance or one outside 0 … 1.
    Infeasible
        ``facts["constraint"]``: ``atoms`` (more parts than nodes), ``indivisible_atom`` (a node above what a
        part may weigh), ``contiguous`` (the connected pieces of the graph cannot be given whole parts) or
        ``balanced`` (no plan within the tolerance was found; for a search that time ended, so far).
    """
    pairs_ = np.asarray(pairs)
    graph = checked_graph(pairs, np.ones(len(pairs_)), weights, None, None, None)
    share = _checked(graph.weights, k, tolerance)
    pieces = graph.pieces(np.arange(graph.count))
    counts = _counts(graph.weights, pieces, k, share)
    watch = Stopwatch(time_limit_s)
    labels = np.zeros(graph.count, dtype=np.int64)
    first, rounds, complete = 0, 0, True
    for number, (piece, count) in enumerate(zip(pieces, counts, strict=True)):
        problem = _problem(graph, piece, count, float(graph.weights.sum()) / k, share)
        found, turns, ended = _search(problem, seed + number, watch, progress)
        labels[piece] = first + found
        first, rounds, complete = first + count, rounds + turns, complete and ended
    _, head, code = np.unique(labels, return_index=True, return_inverse=True)
    labels = np.argsort(np.argsort(head))[code].astype(np.int64)
    cut = int((labels[graph.pairs[:, 0]] != labels[graph.pairs[:, 1]]).sum())
    return CutPlan(labels, cut, rounds, complete)


def _checked(weights: FloatArray, k: int, tolerance: float | None) -> float:
    if tolerance is None or not 0.0 <= tolerance <= 1.0:
        raise InvalidInput(
            "the fewest cut edges need a tolerance from 0 to 1",
            argument="tolerance",
            tolerance=str(tolerance),
        )
    if k < 1:
        raise InvalidInput("the number of parts is at least 1", argument="k", k=k)
    if k > len(weights):
        raise Infeasible("more parts than nodes", constraint="atoms", k=k, nodes=len(weights))
    highest = float(weights.sum()) / k * (1.0 + tolerance + ROUNDING)
    if weights.max() > highest:
        raise Infeasible(
            "one node is heavier than a part may be",
            constraint="indivisible_atom",
            node=int(weights.argmax()),
            weight=float(weights.max()),
            highest=highest,
        )
    return float(tolerance)


def _counts(weights: FloatArray, pieces: list[IntArray], k: int, tolerance: float) -> list[int]:
    """Parts of each connected piece, so that each piece's mean keeps to the tolerance of the whole."""
    mean = float(weights.sum()) / k
    allowed = []
    for piece in pieces:
        load = float(weights[piece].sum()) / mean
        least = max(1, math.ceil(load / (1.0 + tolerance) - ROUNDING))
        most = k if tolerance >= 1.0 else math.floor(load / (1.0 - tolerance) + ROUNDING)
        allowed.append(range(least, min(most, len(piece), k) + 1))
    # Which sums the pieces so far can reach, each with one way to reach it.
    ways: dict[int, list[int]] = {0: []}
    for choice in allowed:
        ways = {s + c: [*way, c] for (s, way), c in itertools.product(ways.items(), choice) if s + c <= k}
    if k not in ways:
        raise Infeasible(
            "the connected pieces of the graph cannot be given whole parts within the tolerance",
            constraint="contiguous",
            k=k,
            pieces=len(pieces),
            weights=[float(weights[piece].sum()) for piece in pieces[:10]],
        )
    return ways[k]


def _problem(graph: Graph, piece: IntArray, count: int, mean: float, tolerance: float) -> Problem:
    local = np.full(graph.count, -1, dtype=np.int64)
    local[piece] = np.arange(len(piece))
    inside = local[graph.pairs[(local[graph.pairs] >= 0).all(axis=1)]]
    both = np.concatenate([inside, inside[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    first = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=len(piece)))])
    return Problem(
        first=first.astype(np.int64),
        neighbour=np.ascontiguousarray(both[:, 1]),
        source=np.ascontiguousarray(both[:, 0]),
        weight=np.ascontiguousarray(graph.weights[piece]),
        parts=count,
        mean=mean,
        tolerance=tolerance,
        code=np.random.default_rng(len(piece)).integers(1, 2**63, len(piece), dtype=np.uint64),
    )


def _search(
    problem: Problem, seed: int, watch: Stopwatch, progress: CutProgress | None
) -> tuple[IntArray, int, bool]:
    """Labels of one connected piece, the rounds it took, and whether the search ended by itself."""
    nodes = len(problem.weight)
    best, found = np.zeros(nodes, dtype=np.int64), np.zeros(nodes, dtype=np.int64)
    if problem.parts == 1:
        return best, 0, True
    rng = np.random.default_rng([seed, nodes, problem.parts])
    stream = rng.integers(0, 2**63, 1, dtype=np.uint64)
    zeros = np.zeros(nodes, dtype=np.int64)
    scratch = Scratch(zeros, np.zeros(1, dtype=np.int64), zeros.copy())
    pool, fewest, idle, rounds, over = empty_pool(nodes), NONE, 0, 0, False
    while not over and idle < (PATIENCE if fewest < NONE else HOPELESS):
        before, longest = fewest, useful(problem, pool, fewest)
        for _ in range(STARTS):
            cut = anneal(problem, pool, scratch, _schedule(problem, rng), stream, longest, found)
            if cut < fewest:
                fewest, best[:] = cut, found
            over = watch.over()
            if over:
                break
        fewest = combined(problem, pool, best, fewest)
        rounds += 1
        idle = idle + 1 if fewest == before else 0
        if progress is not None:
            progress(None if fewest == NONE else fewest, rounds)
    if fewest == NONE:
        raise Infeasible(
            "no plan within the tolerance was found",
            constraint="balanced",
            tolerance=problem.tolerance,
            parts=problem.parts,
            rounds=rounds,
            time_ran_out=over,
        )
    return best, rounds, not over


def _schedule(problem: Problem, rng: np.random.Generator) -> Schedule:
    proposals = min(MOST_PROPOSALS, max(LEAST_PROPOSALS, PROPOSALS_PER_EDGE * len(problem.neighbour)))
    hot, cold, mild, strict = (
        low * (high / low) ** luck
        for (low, high), luck in zip((HOT, COLD, MILD, STRICT), rng.random(4).tolist(), strict=True)
    )
    return Schedule(proposals, hot, cold, mild, strict)
