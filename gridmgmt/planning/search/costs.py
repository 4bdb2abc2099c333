"""What a plan costs, and what a move would change.

Summed over cells, with d = |W - T|/T for weight W and target T, area A, outline P and second moment I about
the centroid::

    share·d + excess·max(0, d - tolerance)² + band·(outside the band)/T
    + shape·(P / 2√(πA) - 1) + spread·(1 - A²/2πI) + the first two again for the workload

and over the plan: cut·(price of the borders between cells) + stay·(weight away from its former cell)/T. The
outline term is Schwartzberg's, 1/√(Polsby-Popper): it punishes the worst cells hardest.
"""

import math
from typing import Final

from gridmgmt.planning.coverage import FloatArray
from gridmgmt.planning.search.arrays import (
    AREA,
    COST,
    HIGH,
    HOME,
    LENGTH,
    LOW,
    MOMENT_2,
    MOMENT_X,
    MOMENT_Y,
    OTHER,
    OUTLINE,
    PRICE,
    SUMS,
    TARGET,
    WEIGHT,
    WORK,
    WORK_TARGET,
    Int32Array,
    Int64Array,
    Piece,
    Scratch,
    State,
)
from gridmgmt.planning.search.compiled import compiled

# Places of the weights in the array ``terms``.
SHARE: Final = 0
EXCESS: Final = 1
TOLERANCE: Final = 2
BAND: Final = 3
SHAPE: Final = 4
SPREAD: Final = 5
CUT: Final = 6
STAY: Final = 7
WORKLOAD: Final = 8

CLOCK: Final = 3
"""Place in ``scratch.tallies`` of the last mark that was set in ``scratch.stamp``."""

HALF_OUTLINE: Final = 1.0 / (2.0 * math.sqrt(math.pi))
HALF_SPREAD: Final = 1.0 / (2.0 * math.pi)


@compiled
def cost_of(sums: FloatArray, row: int, cell: FloatArray, which: int, terms: FloatArray) -> float:
    """Return what the cell ``which`` would cost with the sums in ``sums[row]``."""
    weight, target = sums[row, WEIGHT], cell[which, TARGET]
    off = abs(weight - target) / target
    cost = terms[SHARE] * off
    over = off - terms[TOLERANCE]
    if over > 0.0:
        cost += terms[EXCESS] * over * over
    if weight > cell[which, HIGH]:
        cost += terms[BAND] * (weight - cell[which, HIGH]) / target
    elif weight < cell[which, LOW]:
        cost += terms[BAND] * (cell[which, LOW] - weight) / target
    if terms[WORKLOAD] > 0.0:
        off = abs(sums[row, WORK] - cell[which, WORK_TARGET]) / cell[which, WORK_TARGET]
        over = max(0.0, off - terms[TOLERANCE])
        cost += terms[WORKLOAD] * (terms[SHARE] * off + terms[EXCESS] * over * over)
    area = sums[row, AREA]
    if area > 0.0:
        cost += terms[SHAPE] * (sums[row, OUTLINE] * HALF_OUTLINE / math.sqrt(area) - 1.0)
        x, y = sums[row, MOMENT_X], sums[row, MOMENT_Y]
        about = sums[row, MOMENT_2] - (x * x + y * y) / area
        if about > 0.0:
            cost += terms[SPREAD] * (1.0 - area * area * HALF_SPREAD / about)
    return float(cost)


@compiled
def stay_cost(tie: Int32Array, node: FloatArray, cell: FloatArray, which: int, where: int) -> float:
    """Return the share of a target by which it counts that node ``which`` is not in its former cell."""
    home = tie[which, HOME]
    if home < 0 or home == where:
        return 0.0
    return float(node[which, WEIGHT] / cell[home, TARGET])


@compiled
def change_of(  # noqa: PLR0913  single arrays are fast, see arrays.py
    first: Int64Array,
    edge: Int32Array,
    border: FloatArray,
    node: FloatArray,
    tie: Int32Array,
    label: Int32Array,
    cell: FloatArray,
    terms: FloatArray,
    after: FloatArray,
    which: int,
    to: int,
) -> float:
    """Return the change if node ``which`` went to the cell ``to``; ``after`` gets the sums of both cells."""
    source = label[which]
    left = joined = paid = 0.0
    for e in range(first[which], first[which + 1]):
        where = label[edge[e, OTHER]]
        if where == source:
            left += border[e, LENGTH]
            paid += border[e, PRICE]
        elif where == to:
            joined += border[e, LENGTH]
            paid -= border[e, PRICE]
    for i in range(SUMS):
        after[0, i] = cell[source, i] - node[which, i]
        after[1, i] = cell[to, i] + node[which, i]
    after[0, OUTLINE] += 2.0 * left
    after[1, OUTLINE] -= 2.0 * joined
    paid *= terms[CUT]
    if terms[STAY] > 0.0:
        there = stay_cost(tie, node, cell, which, to)
        paid += terms[STAY] * (there - stay_cost(tie, node, cell, which, source))
    after[0, COST] = cost_of(after, 0, cell, source, terms)
    after[1, COST] = cost_of(after, 1, cell, to, terms)
    return float(after[0, COST] + after[1, COST] - cell[source, COST] - cell[to, COST] + paid)


@compiled
def change_of_group(
    piece: Piece,
    label: Int32Array,
    cell: FloatArray,
    terms: FloatArray,
    scratch: Scratch,
    count: int,
    to: int,
) -> float:
    """Return the change if the first ``count`` nodes of ``scratch.group``, of one cell, went to ``to``."""
    after, group, stamp = scratch.after, scratch.group, scratch.stamp
    source = label[group[0]]
    scratch.tallies[CLOCK] += 2
    mark = scratch.tallies[CLOCK]
    for i in range(SUMS):
        after[0, i] = cell[source, i]
        after[1, i] = cell[to, i]
    for position in range(count):
        stamp[group[position]] = mark
    left = joined = inner = paid = moved = 0.0
    for position in range(count):
        which = group[position]
        for i in range(SUMS):
            after[0, i] -= piece.node[which, i]
            after[1, i] += piece.node[which, i]
        for e in range(piece.first[which], piece.first[which + 1]):
            near = piece.edge[e, OTHER]
            if label[near] == source and stamp[near] == mark:
                inner += piece.border[e, LENGTH]
            elif label[near] == source:
                left += piece.border[e, LENGTH]
                paid += piece.border[e, PRICE]
            elif label[near] == to:
                joined += piece.border[e, LENGTH]
                paid -= piece.border[e, PRICE]
        moved += stay_cost(piece.tie, piece.node, cell, which, to)
        moved -= stay_cost(piece.tie, piece.node, cell, which, source)
    after[0, OUTLINE] += inner + 2.0 * left
    after[1, OUTLINE] -= inner + 2.0 * joined
    after[0, COST] = cost_of(after, 0, cell, source, terms)
    after[1, COST] = cost_of(after, 1, cell, to, terms)
    change = after[0, COST] + after[1, COST] - cell[source, COST] - cell[to, COST]
    return float(change + terms[CUT] * paid + terms[STAY] * moved)


@compiled
def refreshed(
    piece: Piece, state: State, scratch: Scratch, terms: FloatArray, cells: int, members: int
) -> float:
    """Recompute the sums of the picked cells from the labels; return what they cost together.

    Parameters
    ----------
    cells, members : how many entries of ``scratch.picked`` and of ``scratch.members`` count; the members are
        all nodes of the picked cells, which are marked in ``scratch.chosen``.
    """
    first, edge, border, node, tie = piece.first, piece.edge, piece.border, piece.node, piece.tie
    cell, label, anchor = state.cell, state.label, state.anchor
    picked, chosen, listed = scratch.picked, scratch.chosen, scratch.members
    for position in range(cells):
        for i in range(SUMS):
            cell[picked[position], i] = 0.0
    energy = 0.0
    for position in range(members):
        which = listed[position]
        own = label[which]
        anchor[own] = which
        for i in range(SUMS):
            cell[own, i] += node[which, i]
        energy += terms[STAY] * stay_cost(tie, node, cell, which, own)
        for e in range(first[which], first[which + 1]):
            where = label[edge[e, OTHER]]
            if where == own:
                cell[own, OUTLINE] -= border[e, LENGTH]
            elif chosen[where]:
                energy += 0.5 * terms[CUT] * border[e, PRICE]
    for position in range(cells):
        cell[picked[position], COST] = cost_of(cell, picked[position], cell, picked[position], terms)
        energy += cell[picked[position], COST]
    return energy
