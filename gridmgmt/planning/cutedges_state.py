"""The compiled part that knows the graph: randomness, connectedness, a first division.

Everything here is compiled by numba and works on arrays that the caller made; :mod:`.cutedges_anneal` and
:mod:`.cutedges_pool` build on it. Randomness is splitmix64 on one number of the caller: a seed means the
same on every machine and with every version of numpy.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from gridmgmt.planning.coverage import FloatArray, IntArray

Words = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint64]

ROUNDING = 1e-9
"""Share of the mean by which a sum of fractions may miss a bound."""


Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function that makes no array: no counting of references, which would cost more than it."""
    made: Function = njit(cache=True, _nrt=False)(function)  # type: ignore[call-overload]
    return made


class Problem(NamedTuple):
    """What is to be divided.

    Attributes
    ----------
    first, neighbour, source : the directed edges in compressed rows: those of node i are
        ``first[i] … first[i + 1]``, leading from ``source`` to ``neighbour``.
    weight : of each node.
    parts, mean, tolerance : how many parts, what each should weigh, and the share it may be off.
    code : one random 64-bit number a node; a set of nodes is known by the exclusive or of theirs.
    """

    first: IntArray
    neighbour: IntArray
    source: IntArray
    weight: FloatArray
    parts: int
    mean: float
    tolerance: float
    code: Words


class Scratch(NamedTuple):
    """Room for walks through the graph: marks, what they count from, and a stack."""

    seen: IntArray
    stamp: IntArray
    stack: IntArray


@compiled
def drawn(stream: Words) -> Any:
    """Next 64 random bits of splitmix64 (Steele, Lea and Flood 2014)."""
    stream[0] += np.uint64(0x9E3779B97F4A7C15)
    z = stream[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def below(stream: Words, count: int) -> Any:
    """A random whole number from 0 to count - 1; count is below 2³²."""
    return np.int64(((drawn(stream) >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))


@compiled
def unit(stream: Words) -> float:
    """A random number from 0 to 1, 1 excluded."""
    return np.float64(drawn(stream) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def excess(problem: Problem, weight: float) -> float:
    """How far a part of this weight is off beyond the tolerance, as a share of the mean; 0 within it."""
    off = abs(weight - problem.mean) / problem.mean - problem.tolerance
    return off if off > ROUNDING else 0.0


@compiled
def may_leave(problem: Problem, label: IntArray, node: int, scratch: Scratch) -> bool:
    """Whether the part of ``node`` is still one non-empty piece without it."""
    first, neighbour = problem.first, problem.neighbour
    seen, stack, part = scratch.seen, scratch.stack, label[node]
    scratch.stamp[0] += 1
    stamp = scratch.stamp[0]
    missing, start = 0, -1
    for j in range(first[node], first[node + 1]):
        if label[neighbour[j]] == part:
            start = neighbour[j]
            seen[start] = -stamp
            missing += 1
    if missing <= 1:
        return missing == 1
    seen[node], seen[start] = stamp, stamp
    missing -= 1
    stack[0], top = start, 1
    while top > 0:
        top -= 1
        inner = stack[top]
        for j in range(first[inner], first[inner + 1]):
            other = neighbour[j]
            if label[other] == part and seen[other] != stamp:
                if seen[other] == -stamp:
                    missing -= 1
                    if missing == 0:
                        return True
                seen[other] = stamp
                stack[top] = other
                top += 1
    return False


@compiled
def touches(problem: Problem, label: IntArray, node: int, part: int) -> bool:
    """Whether ``node`` has a neighbour in ``part``."""
    for j in range(problem.first[node], problem.first[node + 1]):
        if label[problem.neighbour[j]] == part:
            return True
    return False


@compiled
def copied(label: IntArray, best: IntArray) -> None:
    """Write labels over others, one by one: of a slice, the texts of its errors are compiled, for seconds."""
    for node in range(len(label)):
        best[node] = label[node]


@njit(cache=True)
def grow(problem: Problem, label: IntArray, stream: Words) -> None:
    """Label a connected graph: random centres, then the lightest part takes a random free neighbour."""
    neighbour, count, parts = problem.neighbour, len(label), problem.parts
    label[:] = -1
    load = np.zeros(parts)
    for part in range(parts):
        centre = below(stream, count)
        while label[centre] >= 0:
            centre = below(stream, count)
        label[centre] = part
        load[part] += problem.weight[centre]
    closed = np.zeros(parts, np.bool_)
    left = count - parts
    while left > 0:
        lightest = -1
        for part in range(parts):
            if not closed[part] and (lightest < 0 or load[part] < load[lightest]):
                lightest = part
        met, taken = 0, -1
        for j in range(len(neighbour)):
            if label[problem.source[j]] == lightest and label[neighbour[j]] < 0:
                met += 1
                if below(stream, met) == 0:
                    taken = neighbour[j]
        if taken < 0:
            closed[lightest] = True
            continue
        label[taken] = lightest
        load[lightest] += problem.weight[taken]
        left -= 1
