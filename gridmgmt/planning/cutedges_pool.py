"""Parts that were met on the way, and the best plan that can be put together from them.

Annealing meets far more parts that keep to the tolerance than plans whose parts all do. Each such part is
kept as a set of bits with the number of edges that leave it. :func:`combine` then looks for parts that cover
every node once with fewer cut edges than the best plan so far. It is an exact search: the next part holds the
first node that is not covered, in an order in which rare nodes come first; parts with few leaving edges are
tried first, and a branch ends when even the best parts could not beat the plan. The last part need not have
been met: what is left over is checked itself. On the Louisiana counties this finds in two seconds what
annealing alone takes minutes for.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from gridmgmt.planning.coverage import FloatArray, IntArray
from gridmgmt.planning.cutedges_state import Bits, Problem, Words, compiled, excess

ROOM = 1 << 16
"""So many parts are kept; later ones are passed over."""

STEPS = 10_000_000
"""So many parts are looked at in one combination at most: a fraction of a second."""


class Pool(NamedTuple):
    """The parts.

    Attributes
    ----------
    slot : hash table of the codes of the parts; 0 is free.
    member : (room, words) bit sets of nodes.
    border, weight : of each part: the edges that leave it, and what it weighs.
    used : one number, how many parts there are.
    """

    slot: Words
    member: Bits
    border: IntArray
    weight: FloatArray
    used: IntArray


def empty_pool(nodes: int) -> Pool:
    """Return a pool without parts for a graph of so many nodes."""
    return Pool(
        slot=np.zeros(4 * ROOM, dtype=np.uint64),
        member=np.zeros((ROOM, (nodes + 63) // 64), dtype=np.uint64),
        border=np.zeros(ROOM, dtype=np.int64),
        weight=np.zeros(ROOM),
        used=np.zeros(1, dtype=np.int64),
    )


@compiled
def keep(pool: Pool, code: int, label: IntArray, part: int, border: int, weight: float) -> None:
    """Put a part into the pool unless it is there already or the pool is full."""
    slot = pool.slot
    place = np.int64(code & np.uint64(len(slot) - 1))
    while slot[place] != 0:
        if slot[place] == code:
            return
        place = (place + 1) & (len(slot) - 1)
    row = pool.used[0]
    if row == len(pool.border):
        return
    slot[place] = code
    pool.used[0] += 1
    pool.border[row], pool.weight[row] = border, weight
    for node in range(len(label)):
        if label[node] == part:
            pool.member[row, node >> 6] |= np.uint64(1) << np.uint64(node & 63)


def useful(problem: Problem, pool: Pool, fewest: int) -> int:
    """Return the most edges that may leave a part of a plan with fewer than ``fewest`` cut edges."""
    used = int(pool.used[0])
    least = int(pool.border[:used].min()) if used else 0
    return 2 * fewest - (problem.parts - 1) * least


def combined(problem: Problem, pool: Pool, best: IntArray, fewest: int) -> int:
    """Return the fewest cut edges of ``best`` and of plans made of pooled parts; ``best`` is replaced."""
    used, count = int(pool.used[0]), len(problem.weight)
    if used == 0:
        return fewest
    node = np.arange(count)
    bits = (pool.member[:used, node >> 6] >> (node & 63).astype(np.uint64)) & np.uint64(1)
    order = np.argsort(bits.sum(axis=0), kind="stable")
    head = np.argmax(bits[:, order] != 0, axis=1)
    rows = np.lexsort((pool.border[:used], head))
    start = np.searchsorted(head[rows], np.arange(count + 1))
    return int(combine(problem, pool, (order, start, rows), best, fewest))


@compiled
def least_border(pool: Pool) -> int:
    """The fewest edges that leave a pooled part; there is at least one."""
    least = pool.border[0]
    for row in range(1, pool.used[0]):
        least = min(least, pool.border[row])
    return int(least)


@compiled
def total_weight(problem: Problem) -> float:
    """Of all nodes, summed in their order."""
    total = 0.0
    for node in range(len(problem.weight)):
        total += problem.weight[node]
    return total


@njit(cache=True)
def combine(
    problem: Problem, pool: Pool, index: tuple[IntArray, IntArray, IntArray], best: IntArray, fewest: int
) -> int:
    """Search depth first; ``index`` lists, for each place in an order of nodes, the parts beginning there."""
    order, start, rows = index
    member, border = pool.member, pool.border
    parts, words = problem.parts, member.shape[1]
    least = least_border(pool)
    covered = np.zeros((parts + 1, words), np.uint64)
    cursor, place, edges = (
        np.zeros(parts + 1, np.int64), np.zeros(parts + 1, np.int64), np.zeros(parts + 1, np.int64)
    )  # fmt: skip
    picked = np.zeros(parts, np.int64)
    total, load = total_weight(problem), np.zeros(parts + 1)
    cursor[0] = start[0]
    depth, steps = 0, 0
    while depth >= 0 and steps < STEPS:
        if cursor[depth] == start[place[depth] + 1]:
            depth -= 1
            continue
        row = rows[cursor[depth]]
        cursor[depth] += 1
        steps += 1
        if edges[depth] + border[row] + (parts - depth - 1) * least >= 2 * fewest:
            cursor[depth] = start[place[depth] + 1]
            continue
        if overlaps(member, row, covered, depth):
            continue
        picked[depth] = row
        for word in range(words):
            covered[depth + 1, word] = covered[depth, word] | member[row, word]
        edges[depth + 1] = edges[depth] + border[row]
        load[depth + 1] = load[depth] + pool.weight[row]
        if depth + 2 == parts:
            leaving = rest_border(problem, covered[depth + 1], total - load[depth + 1])
            if leaving >= 0 and edges[depth + 1] + leaving < 2 * fewest:
                fewest = (edges[depth + 1] + leaving) // 2
                write(member, picked, depth + 1, best)
            continue
        nearest = uncovered(order, place[depth] + 1, covered[depth + 1])
        if nearest < len(order):
            depth += 1
            place[depth], cursor[depth] = nearest, start[nearest]
    return fewest


@compiled
def overlaps(member: Bits, row: int, covered: Bits, depth: int) -> bool:
    """Whether a part holds a node that is covered."""
    common = np.uint64(0)
    for word in range(member.shape[1]):
        common |= member[row, word] & covered[depth, word]
    return bool(common != 0)


@compiled
def holds(words: Words, node: int) -> bool:
    """Whether a bit set holds a node."""
    return bool((words[node >> 6] >> np.uint64(node & 63)) & np.uint64(1) != 0)


@compiled
def uncovered(order: IntArray, begin: int, covered: Words) -> int:
    """The first place from ``begin`` on in an order of nodes that is not covered."""
    while begin < len(order) and holds(covered, order[begin]):
        begin += 1
    return begin


@njit(cache=True)
def rest_border(problem: Problem, covered: Words, weight: float) -> int:
    """Edges that leave the nodes not covered, or -1 when those are no part: weight off, not one piece."""
    if excess(problem, weight) > 0.0:
        return -1
    first, neighbour, count = problem.first, problem.neighbour, len(problem.weight)
    free = np.zeros(count, np.bool_)
    stack, begin, left = np.empty(count, np.int64), -1, -1
    for node in range(count):
        free[node] = not holds(covered, node)
        if free[node]:
            begin = node
            left += 1
    if begin < 0:
        return -1
    leaving, top = 0, 1
    stack[0], free[begin] = begin, False
    while top > 0:
        top -= 1
        node = stack[top]
        for j in range(first[node], first[node + 1]):
            other = neighbour[j]
            if free[other]:
                free[other] = False
                stack[top] = other
                top += 1
                left -= 1
            elif holds(covered, other):
                leaving += 1
    return leaving if left == 0 else -1


@compiled
def write(member: Bits, picked: IntArray, depth: int, best: IntArray) -> None:
    """Turn the picked parts into labels; the rest is the last part."""
    best[:] = depth
    for part in range(depth):
        for node in range(len(best)):
            if holds(member[picked[part]], node):
                best[node] = part
