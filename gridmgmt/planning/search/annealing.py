"""Simulated annealing of moves across the borders of cells.

A list of the cut edges is kept, so every proposal is a possible move. A node may leave when its cell stays in
one piece; when it would not, the node takes the parts it cuts off along (a composite move, after the
districting literature's articulation points), all but the largest, if they are few. So every state is
connected and no cell is ever empty.

The best state is not copied on every improvement: moves since then are logged and taken back at the end.
"""

import math
from typing import Final

from gridmgmt.planning.coverage import FloatArray
from gridmgmt.planning.search.arrays import (
    BACK,
    LOG_ENTRIES,
    NODES,
    OTHER,
    PINNED,
    SUMS,
    Int32Array,
    Int64Array,
    Piece,
    Scratch,
    State,
)
from gridmgmt.planning.search.compiled import Luck, compiled, draw
from gridmgmt.planning.search.costs import CLOCK, change_of, change_of_group, refreshed

MOST_TOGETHER: Final = 6
"""Nodes of a composite move."""

CUTS: Final = 0
LOGGED: Final = 1
ASIDE: Final = 2
"""Places in ``scratch.tallies``; ``ASIDE`` is 1 while the best labels are in ``scratch.best``, not in the
log."""

ENERGY: Final = 0
BEST: Final = 1
"""Places in ``tally``, both relative to the state at the start."""

HOPELESS: Final = 14.0
"""A rise of more than so many temperatures is accepted less than once in a million."""


@compiled
def list_cut(cut: Int32Array, spot: Int32Array, count: Int64Array, e: int) -> None:
    """Put an edge on the list of cut edges."""
    if spot[e] < 0:
        spot[e] = count[CUTS]
        cut[count[CUTS]] = e
        count[CUTS] += 1


@compiled
def unlist_cut(cut: Int32Array, spot: Int32Array, count: Int64Array, e: int) -> None:
    """Take an edge off the list of cut edges; the last one takes its place."""
    if spot[e] >= 0:
        count[CUTS] -= 1
        last = cut[count[CUTS]]
        cut[spot[e]] = last
        spot[last] = spot[e]
        spot[e] = -1


@compiled
def relabel(
    first: Int64Array, edge: Int32Array, label: Int32Array, scratch: Scratch, which: int, to: int
) -> None:
    """Put a node into another cell: label, cut edges and log; the sums are the caller's."""
    cut, spot, count, log = scratch.cut, scratch.spot, scratch.tallies, scratch.log
    source = label[which]
    for e in range(first[which], first[which + 1]):
        where = label[edge[e, OTHER]]
        if where == source:
            list_cut(cut, spot, count, e)
            list_cut(cut, spot, count, edge[e, BACK])
        elif where == to:
            unlist_cut(cut, spot, count, e)
            unlist_cut(cut, spot, count, edge[e, BACK])
    label[which] = to
    log[count[LOGGED], 0] = which
    log[count[LOGGED], 1] = source
    count[LOGGED] += 1


@compiled
def settle(cell: FloatArray, after: FloatArray, source: int, to: int) -> None:
    """Make the sums in ``after`` those of the two cells."""
    for i in range(SUMS + 1):
        cell[source, i] = after[0, i]
        cell[to, i] = after[1, i]


@compiled
def set_aside(label: Int32Array, scratch: Scratch, members: int) -> None:
    """Write the best labels to ``scratch.best``: the present ones with the logged moves taken back."""
    count, best, log = scratch.tallies, scratch.best, scratch.log
    if count[ASIDE] == 0:
        for position in range(members):
            best[scratch.members[position]] = label[scratch.members[position]]
        for entry in range(count[LOGGED] - 1, -1, -1):
            best[log[entry, 0]] = log[entry, 1]
        count[ASIDE] = 1
    count[LOGGED] = 0


@compiled
def may_leave(
    first: Int64Array,
    edge: Int32Array,
    label: Int32Array,
    stamp: Int64Array,
    queue: Int32Array,
    count: Int64Array,
    which: int,
) -> bool:
    """Whether the neighbours of a node in its cell reach each other there without it."""
    own = label[which]
    count[CLOCK] += 2
    wanted_mark = count[CLOCK]
    seen_mark = wanted_mark + 1
    wanted, start = 0, -1
    for e in range(first[which], first[which + 1]):
        near = edge[e, OTHER]
        if label[near] == own:
            stamp[near] = wanted_mark
            wanted += 1
            start = near
    if wanted <= 1:
        return True
    stamp[start] = seen_mark
    wanted -= 1
    queue[0] = start
    read, written = 0, 1
    while read < written:
        here = queue[read]
        read += 1
        for e in range(first[here], first[here + 1]):
            near = edge[e, OTHER]
            if near != which and label[near] == own and stamp[near] != seen_mark:
                if stamp[near] == wanted_mark:
                    wanted -= 1
                    if wanted == 0:
                        return True
                stamp[near] = seen_mark
                queue[written] = near
                written += 1
    return False


@compiled
def flood(  # noqa: PLR0913  single arrays are fast, see arrays.py
    first: Int64Array,
    edge: Int32Array,
    label: Int32Array,
    stamp: Int64Array,
    queue: Int32Array,
    start: int,
    written: int,
    mark: int,
) -> int:
    """Append to ``queue`` all unmarked nodes that ``start`` reaches in its cell; return the new length."""
    own, read = label[start], written
    stamp[start] = mark
    queue[written] = start
    written += 1
    while read < written:
        here = queue[read]
        read += 1
        for e in range(first[here], first[here + 1]):
            near = edge[e, OTHER]
            if label[near] == own and stamp[near] != mark:
                stamp[near] = mark
                queue[written] = near
                written += 1
    return written


@compiled
def gather_with(piece: Piece, label: Int32Array, scratch: Scratch, which: int) -> int:
    """List in ``scratch.group`` the node and all parts of its cell that it alone holds, but the largest.

    Returns
    -------
    How many nodes; 0 when they are more than :data:`MOST_TOGETHER`, one is pinned, or nothing would stay.
    """
    first, edge, stamp = piece.first, piece.edge, scratch.stamp
    queue, group, own = scratch.queue, scratch.group, label[which]
    scratch.tallies[CLOCK] += 2
    mark = scratch.tallies[CLOCK]
    stamp[which] = mark
    written = largest_from = largest = 0
    for e in range(first[which], first[which + 1]):
        start = edge[e, OTHER]
        if label[start] != own or stamp[start] == mark:
            continue
        begun = written
        written = flood(first, edge, label, stamp, queue, start, begun, mark)
        if written - begun > largest:
            largest, largest_from = written - begun, begun
    if largest == 0 or written - largest + 1 > MOST_TOGETHER:
        return 0
    count = 1
    group[0] = which
    for position in range(written):
        if position < largest_from or position >= largest_from + largest:
            if piece.tie[queue[position], PINNED] >= 0:
                return 0
            group[count] = queue[position]
            count += 1
    return count


@compiled
def accepted(luck: Luck, change: float, heat: float) -> bool:
    """Metropolis: every fall, and a rise with the probability exp(-change/heat)."""
    if change <= 0.0:
        return True
    if change > HOPELESS * heat:
        return False
    return draw(luck) < math.exp(-change / heat)


@compiled
def together(  # noqa: PLR0913  the kernel's arrays
    piece: Piece,
    state: State,
    scratch: Scratch,
    terms: FloatArray,
    luck: Luck,
    which: int,
    to: int,
    heat: float,
) -> float:
    """Try to move a node with the parts that it alone holds; return the change, 0 when it is refused."""
    source = state.label[which]
    count = gather_with(piece, state.label, scratch, which)
    if count < 2:
        return 0.0
    change = change_of_group(piece, state.label, state.cell, terms, scratch, count, to)
    if not accepted(luck, change, heat):
        return 0.0
    settle(state.cell, scratch.after, source, to)
    for position in range(count):
        relabel(piece.first, piece.edge, state.label, scratch, scratch.group[position], to)
    return change


@compiled
def list_borders(piece: Piece, state: State, scratch: Scratch, members: int) -> None:
    """List the edges between the chosen cells."""
    label = state.label
    for position in range(members):
        which = scratch.members[position]
        for e in range(piece.first[which], piece.first[which + 1]):
            where = label[piece.edge[e, OTHER]]
            if where != label[which] and scratch.chosen[where]:
                list_cut(scratch.cut, scratch.spot, scratch.tallies, e)


@compiled
def anneal(  # noqa: PLR0913  the kernel's arrays, and the part of a schedule
    piece: Piece,
    state: State,
    scratch: Scratch,
    terms: FloatArray,
    luck: Luck,
    tally: FloatArray,
    members: int,
    start: int,
    stop: int,
    total: int,
    hot: float,
    cold: float,
) -> None:
    """Run the proposals ``start`` … ``stop`` of a schedule of ``total`` from ``hot`` to ``cold``.

    Parameters
    ----------
    scratch : ``members`` and ``chosen`` say which cells may change; ``best`` holds the best labels so far
        (before the first call: the present ones) and holds them again afterwards.
    tally : energy now and at best, relative to the state before the first call.
    """
    first, edge, border, node, tie = piece.first, piece.edge, piece.border, piece.node, piece.tie
    label, cell, cut, count = state.label, state.cell, scratch.cut, scratch.tallies
    after, stamp, queue = scratch.after, scratch.stamp, scratch.queue
    count[CUTS], count[LOGGED], count[ASIDE] = 0, 0, 1
    list_borders(piece, state, scratch, members)
    step = (cold / hot) ** (1.0 / total)
    heat = hot * step**start
    for _ in range(start, stop):
        if count[CUTS] == 0:
            break
        heat *= step
        e = cut[int(draw(luck) * count[CUTS])]
        which, to = edge[edge[e, BACK], OTHER], label[edge[e, OTHER]]
        source = label[which]
        if tie[which, PINNED] >= 0 or cell[source, NODES] < 1.5:
            continue
        change = change_of(first, edge, border, node, tie, label, cell, terms, after, which, to)
        if not accepted(luck, change, heat):
            continue
        if may_leave(first, edge, label, stamp, queue, count, which):
            settle(cell, after, source, to)
            relabel(first, edge, label, scratch, which, to)
        else:
            change = together(piece, state, scratch, terms, luck, which, to, heat)
        tally[ENERGY] += change
        if tally[ENERGY] < tally[BEST] - 1e-12:
            tally[BEST] = tally[ENERGY]
            count[LOGGED], count[ASIDE] = 0, 0
        elif count[LOGGED] > LOG_ENTRIES - MOST_TOGETHER:
            set_aside(label, scratch, members)
    set_aside(label, scratch, members)
    for position in range(count[CUTS]):
        scratch.spot[cut[position]] = -1


@compiled
def take_best(
    piece: Piece, state: State, scratch: Scratch, terms: FloatArray, cells: int, members: int
) -> float:
    """Return to the best labels; return what the picked cells cost with them."""
    for position in range(members):
        which = scratch.members[position]
        state.label[which] = scratch.best[which]
    return refreshed(piece, state, scratch, terms, cells, members)
