"""From the pieces of a graph to labels: targets, heavy nodes, random streams, and the search.

A node that is heavier than a cell may be is pinned: it has a cell of its own, which only empty neighbours and
those it cuts off join, and the others share what is left. Targets of the others are therefore the mean of the
rest, not of the whole.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray
from gridmgmt.planning.graph import Graph, Layout
from gridmgmt.planning.search.arrays import GOALS, HOME, PINNED, WEIGHT, WORK, make_luck
from gridmgmt.planning.search.presets import Preset
from gridmgmt.planning.search.solve import OnStep, Task, run
from gridmgmt.planning.search.warm import warm_start

STAY: Final = 3.0
"""Weight of a household's move to another cell, when there is a plan before: moving one in a hundred of a
cell costs as much as a deviation of three in a hundred."""

WARM_BAND: Final = 50.0
WARM_HOT: Final = 0.15
"""With a plan before the band is mended at any price, the rest hardly shaken."""

WORKLOAD_WEIGHT: Final = 1.0
"""A cell's deviation in a second demand counts as much as one in the first; only the first has a band."""

SOFT_BAND_SHARE: Final = 0.25
"""How far from its target a cell may be before leaving the band costs extra, when no band is given."""

CUT_ALONE: Final = 1.5
"""Least weight of the cut when areas and outlines are unknown and shape is judged by it alone."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of one connected piece.

    Attributes
    ----------
    name, number : of the group and of the piece in it, for the random stream.
    count : cells.
    band : lowest and highest weight of a cell; None for a soft one around the target.
    """

    name: str
    number: int
    count: int
    band: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Labels 0 … of all nodes laid out, -1 of the others; see :func:`divided`.

    Attributes
    ----------
    names : (K,) for each label the former cell that it goes on as, -1 for a new one.
    """

    label: IntArray
    names: IntArray
    objective: float
    finished: bool


def divided(  # noqa: PLR0913  what is divided, how, and how long
    graph: Graph,
    layout: Layout,
    orders: Sequence[Order],
    preset: Preset,
    *,
    seed: int,
    before: IntArray | None = None,
    time_limit_s: float | None = None,
    threads: int = 1,
    on_step: OnStep | None = None,
) -> Outcome:
    """Divide every piece of the layout as ordered; cells are numbered piece by piece.

    Parameters
    ----------
    before : (n,) former cell of each node, -1 for none: the search begins there and moves what pays for
        moving.
    """
    terms = preset.terms
    if graph.work is not None:
        terms = replace(terms, workload=WORKLOAD_WEIGHT)
    if graph.area.sum() <= 0.0:
        terms = replace(terms, cut=max(terms.cut, CUT_ALONE))
    chosen = replace(preset, terms=terms)
    if before is not None:
        before = claimed_once(layout, before, graph.weights)
    names: list[IntArray] = [np.full(order.count, -1, dtype=np.int64) for order in orders]
    tasks: list[Callable[[], Task]] = [
        partial(_task, layout, piece, order, chosen, seed, before, names[piece])
        for piece, order in enumerate(orders)
    ]
    pieces, energy, finished = run(tasks, time_limit_s=time_limit_s, threads=threads, on_step=on_step)
    label = np.full(graph.count, -1, dtype=np.int64)
    first = 0
    for nodes, order, found in zip(layout.nodes, orders, pieces, strict=True):
        label[nodes] = first + found
        first += order.count
    known = np.concatenate(names) if names else np.empty(0, dtype=np.int64)
    return Outcome(label, known, energy, finished)


def claimed_once(layout: Layout, before: IntArray, weights: FloatArray) -> IntArray:
    """Leave each former cell to one piece alone, where it weighs most: no cell goes on twice."""
    claims: dict[int, tuple[float, int]] = {}
    for piece, nodes in enumerate(layout.nodes):
        former = before[nodes]
        cells, where = np.unique(former[former >= 0], return_inverse=True)
        for cell, weight in zip(cells.tolist(), np.bincount(where, weights[nodes][former >= 0]), strict=True):
            claims[cell] = max(claims.get(cell, (-1.0, 0)), (float(weight), -piece))
    kept = before.copy()
    for piece, nodes in enumerate(layout.nodes):
        elsewhere = [
            cell for cell in np.unique(before[nodes]).tolist() if claims.get(cell, (0, 0))[1] != -piece
        ]
        kept[nodes[np.isin(before[nodes], elsewhere)]] = -1
    return kept


def _task(
    layout: Layout,
    number: int,
    order: Order,
    preset: Preset,
    seed: int,
    before: IntArray | None,
    names: IntArray,
) -> Task:
    piece = layout.piece(number, order.count)
    pinned, goal = goals_of(piece.node[:, WEIGHT], piece.node[:, WORK], order)
    piece.tie[pinned, PINNED] = np.arange(len(pinned))
    luck = make_luck(seed, zlib.crc32(order.name.encode()), order.number)
    task = Task(piece, goal, preset.terms, preset.effort, luck)
    if before is None:
        return task
    former = before[layout.nodes[number]]
    begun = warm_start(piece, former, order.count, pinned)
    if begun is None:
        return task
    names[:] = begun.names
    going_on = np.flatnonzero(begun.names >= 0)
    order_of = np.argsort(begun.names[going_on])
    place = np.searchsorted(begun.names[going_on][order_of], former)
    cell = going_on[order_of][np.minimum(place, max(0, len(going_on) - 1))] if len(going_on) else former
    piece.tie[:, HOME] = np.where((former >= 0) & (begun.names[cell] == former), cell, -1)
    terms = replace(
        preset.terms, stay=STAY, tolerance_share=0.1, excess=200.0, band=max(preset.terms.band, WARM_BAND)
    )
    effort = replace(preset.effort, hot=WARM_HOT, reseed=0.0, lenient=0.0)
    return replace(task, terms=terms, effort=effort, start=begun.label)


def goals_of(weights: FloatArray, work: FloatArray, order: Order) -> tuple[IntArray, FloatArray]:
    """Return the nodes that get a cell of their own, which come first, and the goal of each cell."""
    count = order.count
    high = order.band[1] if order.band is not None else np.inf
    heavy: list[int] = []
    rest = float(weights.sum())
    for node in np.argsort(-weights, kind="stable")[: count - 1].tolist():
        highest = order.band[1] if order.band else (1.0 + SOFT_BAND_SHARE) * rest / (count - len(heavy))
        if weights[node] <= highest:
            break
        heavy.append(node)
        rest -= float(weights[node])
    mean = max(rest, 0.0) / (count - len(heavy)) or 1.0
    low, high = order.band or ((1.0 - SOFT_BAND_SHARE) * mean, (1.0 + SOFT_BAND_SHARE) * mean)
    goal = np.empty((count, GOALS))
    goal[:] = (mean, low, high, float(work.sum()) / count or 1.0)
    for cell, node in enumerate(heavy):
        goal[cell, :3] = (weights[node], 0.0, np.inf)
    return np.array(heavy, dtype=np.int64), goal


def checked_seed(seed: int) -> int:
    """Return the seed.

    Raises
    ------
    InvalidInput
        It is not a whole number of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidInput("the seed is a whole number of at least 0", seed=str(seed))
    return int(seed)


class StoppedEarly(UserWarning):
    """A time limit cut the search short; the plan is valid, but more time would have made it better."""


def checked_limit(time_limit_s: float | None) -> float | None:
    """Return the limit.

    Raises
    ------
    InvalidInput
        It is negative or not a number.
    """
    if time_limit_s is not None and not time_limit_s >= 0:
        raise InvalidInput(
            "a time limit is a number of seconds of at least 0", time_limit_s=str(time_limit_s)
        )
    return time_limit_s


def checked_threads(threads: int) -> int:
    """Return the number of threads.

    Raises
    ------
    InvalidInput
        It is no whole number of at least 1.
    """
    if not isinstance(threads, int) or threads < 1:
        raise InvalidInput("threads are a whole number of at least 1", threads=str(threads))
    return threads
