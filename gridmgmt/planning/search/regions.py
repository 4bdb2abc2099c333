"""Two to four neighbouring cells, again and again: divided anew or shaken, and kept when better.

This large neighbourhood search is where most of the quality comes from. It works in place: the rest of the
piece stays as it is, and the old labels come back when nothing was gained. Early on, what is a little worse
is kept too (as in simulated annealing, with a neighbourhood for a move): otherwise the search would end in
the first plan that no single neighbourhood improves.
"""

import math
from typing import Final

import numpy as np

from gridmgmt.planning.coverage import FloatArray
from gridmgmt.planning.search.annealing import BEST, ENERGY, anneal, flood, take_best
from gridmgmt.planning.search.arrays import OTHER, PINNED, Piece, Scratch, State
from gridmgmt.planning.search.compiled import Luck, compiled, draw
from gridmgmt.planning.search.costs import CLOCK, refreshed
from gridmgmt.planning.search.seeding import grow, pick_centres

MOST_CELLS: Final = 4

# Places in ``effort``.
PER_EDGE: Final = 0
LEAST: Final = 1
HOT: Final = 2
COLD: Final = 3
RESEED: Final = 4
LENIENT: Final = 5


@compiled
def add_members(piece: Piece, state: State, scratch: Scratch, which: int, count: int) -> int:
    """Append the nodes of the cell ``which`` to the members; return how many there are now."""
    scratch.tallies[CLOCK] += 2
    return flood(
        piece.first, piece.edge, state.label, scratch.stamp, scratch.members,
        state.anchor[which], count, scratch.tallies[CLOCK],
    )  # fmt: skip


@compiled
def neighbour_of(piece: Piece, state: State, scratch: Scratch, luck: Luck, members: int) -> int:
    """Draw a cell beside the members; long borders are drawn more often. -1 when there is none."""
    first, edge, label, chosen, listed = piece.first, piece.edge, state.label, scratch.chosen, scratch.members
    tickets = 0
    for position in range(members):
        for e in range(first[listed[position]], first[listed[position] + 1]):
            tickets += 1 - chosen[label[edge[e, OTHER]]]
    drawn = int(draw(luck) * tickets)
    for position in range(members):
        for e in range(first[listed[position]], first[listed[position] + 1]):
            if not chosen[label[edge[e, OTHER]]]:
                if drawn == 0:
                    return int(label[edge[e, OTHER]])
                drawn -= 1
    return -1


@compiled
def pick_cells(piece: Piece, state: State, scratch: Scratch, luck: Luck) -> tuple[int, int]:
    """Choose a cell and one to three that touch it or each other; return how many, and how many members."""
    wanted = 2 + int(draw(luck) * (MOST_CELLS - 1))
    cells = members = 0
    which = int(draw(luck) * len(state.anchor))
    while which >= 0:
        scratch.picked[cells] = which
        scratch.chosen[which] = 1
        cells += 1
        members = add_members(piece, state, scratch, which, members)
        if cells == wanted:
            break
        which = neighbour_of(piece, state, scratch, luck, members)
    return cells, members


@compiled
def edges_inside(piece: Piece, state: State, scratch: Scratch, members: int) -> int:
    """Count the directed edges between members."""
    count = 0
    for position in range(members):
        node = scratch.members[position]
        for e in range(piece.first[node], piece.first[node + 1]):
            if scratch.chosen[state.label[piece.edge[e, OTHER]]]:
                count += 1
    return count


@compiled
def divide_anew(piece: Piece, state: State, scratch: Scratch, luck: Luck, cells: int, members: int) -> None:
    """Seed the picked cells and let them grow; pinned nodes are the centres of their cells."""
    centres = np.full(cells, -1, dtype=np.int32)
    for position in range(members):
        node = scratch.members[position]
        if piece.tie[node, PINNED] >= 0:
            for i in range(cells):
                if scratch.picked[i] == piece.tie[node, PINNED]:
                    centres[i] = node
    pick_centres(piece, scratch, luck, centres, cells, members)
    grow(piece, state, scratch, centres, cells, members)


@compiled
def improve(
    piece: Piece,
    state: State,
    scratch: Scratch,
    terms: FloatArray,
    luck: Luck,
    effort: FloatArray,
    rounds: int,
) -> float:
    """Solve ``rounds`` small neighbourhoods again; return by how much the objective fell.

    Parameters
    ----------
    effort : proposals for each edge and at least, first and last temperature, share of rounds from new seeds,
        mean rise that is kept (0: none).
    """
    gained = 0.0
    tally = np.zeros(2)
    for _ in range(rounds):
        cells, members = pick_cells(piece, state, scratch, luck)
        if cells > 1:
            for position in range(members):
                node = scratch.members[position]
                scratch.old[node] = state.label[node]
            before = refreshed(piece, state, scratch, terms, cells, members)
            hot = 0.5 * effort[HOT]
            if draw(luck) < effort[RESEED]:
                divide_anew(piece, state, scratch, luck, cells, members)
                refreshed(piece, state, scratch, terms, cells, members)
                hot = effort[HOT]
            for position in range(members):
                node = scratch.members[position]
                scratch.best[node] = state.label[node]
            tally[ENERGY] = 0.0
            tally[BEST] = 0.0
            per_edge = effort[PER_EDGE] * edges_inside(piece, state, scratch, members)
            total = int(max(effort[LEAST], per_edge))
            anneal(piece, state, scratch, terms, luck, tally, members, 0, total, total, hot, effort[COLD])
            after = take_best(piece, state, scratch, terms, cells, members)
            bar = before - 1e-9
            if effort[LENIENT] > 0.0:
                bar = before - effort[LENIENT] * math.log(max(1e-12, draw(luck)))
            if after < bar:
                gained += before - after
            else:
                for position in range(members):
                    node = scratch.members[position]
                    scratch.best[node] = scratch.old[node]
                take_best(piece, state, scratch, terms, cells, members)
        for i in range(cells):
            scratch.chosen[scratch.picked[i]] = 0
    return gained
