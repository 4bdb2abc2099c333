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
from gridmgmt.planning.search.arrays import GOALS, PINNED, make_luck
from gridmgmt.planning.search.presets import Preset, Terms
from gridmgmt.planning.search.solve import OnStep, Task, run

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
    """Labels 0 … of all nodes laid out, -1 of the others; see :func:`divided`."""

    label: IntArray
    objective: float
    finished: bool


def divided(  # noqa: PLR0913  what is divided, how, and how long
    graph: Graph,
    layout: Layout,
    orders: Sequence[Order],
    preset: Preset,
    *,
    seed: int,
    time_limit_s: float | None = None,
    threads: int = 1,
    on_step: OnStep | None = None,
) -> Outcome:
    """Divide every piece of the layout as ordered; cells are numbered piece by piece."""
    terms = preset.terms
    if graph.area.sum() <= 0.0:
        terms = replace(terms, cut=max(terms.cut, CUT_ALONE))
    tasks: list[Callable[[], Task]] = [
        partial(_task, layout, piece, order, replace(preset, terms=terms), seed)
        for piece, order in enumerate(orders)
    ]
    pieces, energy, finished = run(tasks, time_limit_s=time_limit_s, threads=threads, on_step=on_step)
    label = np.full(graph.count, -1, dtype=np.int64)
    first = 0
    for nodes, order, found in zip(layout.nodes, orders, pieces, strict=True):
        label[nodes] = first + found
        first += order.count
    return Outcome(label, energy, finished)


def _task(layout: Layout, number: int, order: Order, preset: Preset, seed: int) -> Task:
    piece = layout.piece(number, order.count)
    pinned, goal = goals_of(piece.node[:, 0], piece.node[:, 6], order, preset.terms)
    piece.tie[pinned, PINNED] = np.arange(len(pinned))
    return Task(
        piece=piece,
        goal=goal,
        terms=preset.terms,
        effort=preset.effort,
        luck=make_luck(seed, zlib.crc32(order.name.encode()), order.number),
    )


def goals_of(
    weights: FloatArray, work: FloatArray, order: Order, terms: Terms
) -> tuple[IntArray, FloatArray]:
    """Return the nodes that get a cell of their own, which come first, and the goal of each cell."""
    count = order.count
    high = order.band[1] if order.band is not None else np.inf
    heavy: list[int] = []
    rest = float(weights.sum())
    for node in np.argsort(-weights, kind="stable")[: count - 1].tolist():
        mean = rest / (count - len(heavy))
        if weights[node] <= min(high, (1.0 + SOFT_BAND_SHARE) * mean) or weights[node] <= mean:
            break
        if weights[node] <= high < np.inf:
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
