"""Where cells begin, and how they grow: a connected division before any search.

Centres by k-means++ on the weight (far apart, and where the people are); then the cell that has least of its
target takes its nearest free neighbour, until all is taken. Whatever the weights, every cell is connected and
none is empty.
"""

from typing import Final

import numpy as np

from gridmgmt.planning.coverage import FloatArray
from gridmgmt.planning.search.arrays import OTHER, TARGET, WEIGHT, Int32Array, Piece, Scratch, State
from gridmgmt.planning.search.compiled import Luck, compiled, draw

SPREAD_CELLS: Final = 400
"""From so many cells on centres are drawn along a curve through the plane instead, which is fast."""


@compiled
def pick_centres(
    piece: Piece, scratch: Scratch, luck: Luck, centres: Int32Array, cells: int, members: int
) -> None:
    """Fill the empty (-1) places of ``centres[:cells]`` with nodes far apart and where the weight is.

    Parameters
    ----------
    scratch : ``members[:members]`` are the nodes to choose from, at least as many as cells.
    """
    far, place = scratch.far, piece.place
    least = 0.0
    for position in range(members):
        least += piece.node[scratch.members[position], WEIGHT]
    least = 1e-9 * least / members + 1e-12
    for position in range(members):
        far[scratch.members[position]] = 1.0
    known = 0
    for cell in range(cells):
        if centres[cell] >= 0:
            measure(scratch, place, centres[cell], members, known)
            known += 1
    for cell in range(cells):
        if centres[cell] >= 0:
            continue
        chosen = drawn_far(piece, scratch, luck, members, least)
        centres[cell] = chosen
        measure(scratch, place, chosen, members, known)
        known += 1


@compiled
def drawn_far(piece: Piece, scratch: Scratch, luck: Luck, members: int, least: float) -> int:
    """Draw a node by its weight times its squared distance to the nearest centre."""
    far, total, chosen = scratch.far, 0.0, -1
    for position in range(members):
        node = scratch.members[position]
        total += (piece.node[node, WEIGHT] + least) * far[node]
    goal = draw(luck) * total
    for position in range(members):
        node = scratch.members[position]
        if far[node] > 0.0:
            chosen = node
            goal -= (piece.node[node, WEIGHT] + least) * far[node]
            if goal < 0.0:
                break
    return chosen


@compiled
def measure(scratch: Scratch, place: FloatArray, centre: int, members: int, known: int) -> None:
    """Shorten the distances to the nearest centre; 0 for the centre itself and for it alone."""
    far = scratch.far
    for position in range(members):
        node = scratch.members[position]
        if known > 0 and far[node] == 0.0:
            continue
        across, up = place[node, 0] - place[centre, 0], place[node, 1] - place[centre, 1]
        square = across * across + up * up + 1e-12
        if known == 0 or square < far[node]:
            far[node] = square
    far[centre] = 0.0


@compiled
def sink(heap: Int32Array, load: FloatArray, at: int, count: int) -> None:
    """Move an entry of the heap down until no cell below it has less."""
    while True:
        below = 2 * at + 1
        if below >= count:
            return
        if below + 1 < count and lighter(load, heap[below + 1], heap[below]):
            below += 1
        if not lighter(load, heap[below], heap[at]):
            return
        heap[at], heap[below] = heap[below], heap[at]
        at = below


@compiled
def lighter(load: FloatArray, one: int, two: int) -> bool:
    """Whether a cell has less of its target; of two with the same share the lower number comes first."""
    return load[one] < load[two] or (load[one] == load[two] and one < two)


@compiled
def grow(piece: Piece, state: State, scratch: Scratch, centres: Int32Array, cells: int, members: int) -> None:
    """Divide ``scratch.members[:members]``, which are connected, among ``scratch.picked[:cells]``.

    Parameters
    ----------
    centres : the node each cell begins with, all different.
    """
    label, heap, fringe, entry = state.label, scratch.heap, scratch.fringe, scratch.entry
    load = scratch.load
    for position in range(members):
        label[scratch.members[position]] = -1
    entries = 0
    for i in range(cells):
        cell, node = scratch.picked[i], centres[i]
        label[node] = cell
        load[i] = piece.node[node, WEIGHT] / state.cell[cell, TARGET]
        fringe[i] = -1
    for i in range(cells):
        entries = reach(piece, label, scratch, centres[i], i, entries)
        heap[i] = i
    for i in range(cells // 2 - 1, -1, -1):
        sink(heap, load, i, cells)
    open_cells = cells
    while open_cells > 0:
        i = heap[0]
        nearest = nearest_free(piece.place, label, fringe, entry, i, centres[i])
        if nearest < 0:
            open_cells -= 1
            heap[0] = heap[open_cells]
        else:
            cell = scratch.picked[i]
            label[nearest] = cell
            load[i] += piece.node[nearest, WEIGHT] / state.cell[cell, TARGET]
            entries = reach(piece, label, scratch, nearest, i, entries)
        sink(heap, load, 0, open_cells)


@compiled
def nearest_free(
    place: FloatArray, label: Int32Array, fringe: Int32Array, entry: Int32Array, i: int, centre: int
) -> int:
    """Return the free node on the fringe of the cell at ``i`` that is nearest to its centre; -1 for none."""
    x, y = place[centre, 0], place[centre, 1]
    nearest, least, before, at = -1, np.inf, -1, fringe[i]
    while at >= 0:
        node, ahead = entry[at, 0], entry[at, 1]
        if label[node] != -1:
            if before < 0:
                fringe[i] = ahead
            else:
                entry[before, 1] = ahead
        else:
            before = at
            away = (place[node, 0] - x) ** 2 + (place[node, 1] - y) ** 2
            if away < least or (away == least and node < nearest):
                nearest, least = node, away
        at = ahead
    return nearest


@compiled
def reach(piece: Piece, label: Int32Array, scratch: Scratch, node: int, i: int, entries: int) -> int:
    """Add the free neighbours of ``node`` to the fringe of the cell at ``i``; return the entries in use."""
    for e in range(piece.first[node], piece.first[node + 1]):
        if label[piece.edge[e, OTHER]] == -1:
            scratch.entry[entries, 0] = piece.edge[e, OTHER]
            scratch.entry[entries, 1] = scratch.fringe[i]
            scratch.fringe[i] = entries
            entries += 1
    return entries


def spread_centres(piece: Piece, centres: Int32Array, luck: Luck) -> None:
    """Fill the empty places of ``centres`` along a Z-curve, one in each equal share of weight.

    For very many cells: its time does not grow with nodes times cells.
    """
    place = piece.place
    low, span = place.min(axis=0), np.ptp(place, axis=0).max() or 1.0
    grid = ((place - low) / span * ((1 << 16) - 1)).astype(np.uint64)
    key = np.zeros(len(place), dtype=np.uint64)
    for bit in range(16):
        for axis in range(2):
            key |= ((grid[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    taken = set(centres[centres >= 0].tolist())
    order = [node for node in np.argsort(key, kind="stable").tolist() if node not in taken]
    empty = np.flatnonzero(centres < 0)
    weight = piece.node[order, WEIGHT]
    mass = np.cumsum(weight + 1e-9 * weight.mean() + 1e-12)
    shift = draw(luck)
    wanted = (np.arange(len(empty)) + shift) / len(empty) * mass[-1]
    spots = np.searchsorted(mass, wanted)
    # Each centre at least one further than the last, and enough left for those to come.
    ahead = np.arange(len(empty))
    spots = np.maximum.accumulate(spots - ahead) + ahead
    spots = np.minimum(spots, len(order) - len(empty) + ahead)
    centres[empty] = np.asarray(order)[spots]
