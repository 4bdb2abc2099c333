"""Annealing for the fewest cut edges: single nodes change sides, and pairs of nodes change places.

Energy: cut edges + penalty · Σ excess, where the excess of a part is how far its weight lies outside the
tolerance, as a share of the mean. The temperature falls while the penalty rises, both geometrically: a run
first finds short borders and then keeps to the tolerance. Exchanges of two nodes matter as much as
single moves: with a tight tolerance hardly any single move is allowed.

Every state has connected, non-empty parts. Connectedness is tested last, when a move would be made otherwise.
Each part that keeps to the tolerance goes into the pool, see :mod:`.cutedges_pool`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from gridmgmt.planning.coverage import FloatArray, IntArray
from gridmgmt.planning.cutedges_pool import Pool, keep
from gridmgmt.planning.cutedges_state import (
    Problem,
    Scratch,
    Words,
    below,
    compiled,
    copied,
    drawn,
    excess,
    grow,
    may_leave,
    touches,
    unit,
)

NONE = 1 << 40
"""More cut edges than any graph has: no plan within the tolerance yet."""

STEP = 256
"""Proposals between two changes of temperature and penalty."""

TRIES = 12
"""So often a partner for an exchange is drawn."""


class Schedule(NamedTuple):
    """How one run cools: proposals, first and last temperature, first and last penalty."""

    proposals: int
    hot: float
    cold: float
    mild: float
    strict: float


class Parts(NamedTuple):
    """Sums of the parts as they are: weight, nodes, leaving edges, code; and the total excess in ``off``."""

    weight: FloatArray
    size: IntArray
    border: IntArray
    code: Words
    off: FloatArray


@compiled
def sides(problem: Problem, label: IntArray, node: int, inner: int, outer: int) -> tuple[int, int]:
    """How many neighbours of ``node`` lie in either of two parts."""
    here, there = 0, 0
    for j in range(problem.first[node], problem.first[node + 1]):
        where = label[problem.neighbour[j]]
        here += where == inner
        there += where == outer
    return here, there


@compiled
def worse(problem: Problem, parts: Parts, source: int, target: int, moved: float) -> float:
    """Change of the excess when so much weight goes from one part to another."""
    before = excess(problem, parts.weight[source]) + excess(problem, parts.weight[target])
    after = excess(problem, parts.weight[source] - moved) + excess(problem, parts.weight[target] + moved)
    return after - before


@compiled
def place(problem: Problem, parts: Parts, label: IntArray, node: int, target: int) -> None:
    """Move a node into a part and keep the sums up to date."""
    source = label[node]
    here, there = sides(problem, label, node, source, target)
    degree = problem.first[node + 1] - problem.first[node]
    label[node] = target
    parts.weight[source] -= problem.weight[node]
    parts.weight[target] += problem.weight[node]
    parts.size[source] -= 1
    parts.size[target] += 1
    parts.border[source] += 2 * here - degree
    parts.border[target] += degree - 2 * there
    parts.code[source] ^= problem.code[node]
    parts.code[target] ^= problem.code[node]


@compiled
def partner(problem: Problem, label: IntArray, node: int, target: int, stream: Words) -> int:
    """A random node of ``target`` beside the part of ``node``, or -1."""
    source = label[node]
    for _ in range(TRIES):
        edge = below(stream, len(problem.neighbour))
        other, beyond = problem.source[edge], problem.neighbour[edge]
        if label[other] == target and label[beyond] == source and beyond != node:
            return int(other)
    return -1


@compiled
def may_change_places(problem: Problem, label: IntArray, node: int, other: int, scratch: Scratch) -> bool:
    """Whether both parts stay whole when ``node`` and ``other`` change places; labels stay as they are."""
    source, target = label[node], label[other]
    label[other] = source
    whole = may_leave(problem, label, node, scratch)
    if whole:
        label[node], label[other] = target, target
        whole = may_leave(problem, label, other, scratch)
    if whole:
        label[node], label[other] = target, source
        whole = touches(problem, label, other, source) and touches(problem, label, node, target)
    label[node], label[other] = source, target
    return whole


@compiled
def gained(problem: Problem, label: IntArray, node: int, other: int, target: int) -> tuple[int, float]:
    """Change of cut edges and weight moved if ``node`` goes to ``target`` and ``other``, if any, back."""
    source = label[node]
    here, there = sides(problem, label, node, source, target)
    if other < 0:
        return here - there, problem.weight[node]
    label[node] = target
    back, away = sides(problem, label, other, target, source)
    label[node] = source
    return here - there + back - away, problem.weight[node] - problem.weight[other]


@compiled
def proposed(
    problem: Problem, parts: Parts, label: IntArray, scratch: Scratch, stream: Words, heat: FloatArray
) -> tuple[int, int, int]:
    """Draw one move and make it if luck and connectedness allow.

    Returns
    -------
    Change of cut edges, and the two parts that changed, or (0, -1, -1).
    """
    edge = below(stream, len(problem.neighbour))
    node = problem.source[edge]
    source, target = label[node], label[problem.neighbour[edge]]
    if source == target:
        return 0, -1, -1
    exchange = drawn(stream) & np.uint64(1) != 0
    other = partner(problem, label, node, target, stream) if exchange else -1
    if other < 0 and (exchange or parts.size[source] == 1):
        return 0, -1, -1
    change, moved = gained(problem, label, node, other, target)
    off = worse(problem, parts, source, target, moved)
    energy = change + heat[1] * off
    if energy > 0.0 and unit(stream) >= np.exp(-energy / heat[0]):
        return 0, -1, -1
    if exchange:
        whole = may_change_places(problem, label, node, other, scratch)
    else:
        whole = may_leave(problem, label, node, scratch)
    if not whole:
        return 0, -1, -1
    place(problem, parts, label, node, target)
    if exchange:
        place(problem, parts, label, other, source)
    parts.off[0] += off
    return change, source, target


@njit(cache=True)
def summed(problem: Problem, label: IntArray) -> Parts:
    """The sums of all parts, from nothing."""
    count = problem.parts
    weight, size, border = np.zeros(count), np.zeros(count, np.int64), np.zeros(count, np.int64)
    code, off = np.zeros(count, np.uint64), np.zeros(1)
    for node in range(len(label)):
        weight[label[node]] += problem.weight[node]
        size[label[node]] += 1
        code[label[node]] ^= problem.code[node]
    for j in range(len(problem.neighbour)):
        border[label[problem.source[j]]] += label[problem.source[j]] != label[problem.neighbour[j]]
    for part in range(count):
        off[0] += excess(problem, weight[part])
    return Parts(weight, size, border, code, off)


@njit(cache=True, nogil=True)
def anneal(
    problem: Problem,
    pool: Pool,
    scratch: Scratch,
    schedule: Schedule,
    stream: Words,
    longest: int,
    best: IntArray,
) -> int:
    """Run once from a random division; the best plan goes into ``best``.

    Parameters
    ----------
    longest : parts with more leaving edges than this are not pooled.

    Returns
    -------
    Cut edges of ``best``, or :data:`NONE`.
    """
    label = np.empty(len(best), np.int64)
    grow(problem, label, stream)
    parts = summed(problem, label)
    cut = 0
    for part in range(problem.parts):
        cut += parts.border[part]
    cut //= 2
    heat = np.empty(2)
    heat[0], heat[1] = schedule.hot, schedule.mild
    steps = max(1, schedule.proposals // STEP)
    cooling = (schedule.cold / schedule.hot) ** (1.0 / steps)
    hardening = (schedule.strict / schedule.mild) ** (1.0 / steps)
    fewest = NONE
    if kept_to(problem, parts):
        fewest = cut
        copied(label, best)
    for turn in range(schedule.proposals):
        if turn % STEP == STEP - 1:
            heat[0] *= cooling
            heat[1] *= hardening
        change, source, target = proposed(problem, parts, label, scratch, stream, heat)
        if source < 0:
            continue
        cut += change
        for part in (source, target):
            if parts.border[part] <= longest and excess(problem, parts.weight[part]) == 0.0:
                keep(pool, parts.code[part], label, part, parts.border[part], parts.weight[part])
        if cut < fewest and parts.off[0] < 1e-6 and kept_to(problem, parts):
            fewest = cut
            copied(label, best)
    return fewest


@compiled
def kept_to(problem: Problem, parts: Parts) -> bool:
    """Whether every part keeps to the tolerance."""
    off = 0.0
    for part in range(problem.parts):
        off += excess(problem, parts.weight[part])
    return off == 0.0
