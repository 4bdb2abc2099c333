"""The arrays that the search runs on: one connected piece, its cells, and what is needed on the way.

Named tuples of arrays, because numba passes them to machine code without conversion. Edges are directed and
stored by node (compressed sparse rows). All lengths are in units of the side of a cell of mean area, so that
the weights of the objective mean the same for a hamlet and a city. Kernels take single arrays where they are
called often: a tuple of arrays costs a count of references at every access.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gridmgmt.planning.coverage import FloatArray
from gridmgmt.planning.search.compiled import Luck

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]

# Columns of ``Piece.node`` and, summed over their nodes, of ``State.cell``.
WEIGHT: Final = 0
AREA: Final = 1
OUTLINE: Final = 2
MOMENT_X: Final = 3
MOMENT_Y: Final = 4
MOMENT_2: Final = 5
WORK: Final = 6
NODES: Final = 7
SUMS: Final = 8

# Further columns of ``State.cell``: what the cell costs with these sums, and what is wanted of it.
COST: Final = 8
TARGET: Final = 9
LOW: Final = 10
HIGH: Final = 11
WORK_TARGET: Final = 12
COLUMNS: Final = 13
GOALS: Final = COLUMNS - TARGET

# Columns of ``Piece.edge``: the far end, and the same edge from there.
OTHER: Final = 0
BACK: Final = 1

# Columns of ``Piece.border``: the shared length, and that times the factor of what lies there.
LENGTH: Final = 0
PRICE: Final = 1

# Columns of ``Piece.tie``: the cell a node may never leave, and the one it was in before; -1 for none.
PINNED: Final = 0
HOME: Final = 1

LOG_ENTRIES: Final = 4096


class Piece(NamedTuple):
    """A connected graph to be divided.

    Attributes
    ----------
    first : (n + 1,) where the edges of a node begin.
    edge, border : (e, 2) see the columns above.
    node : (n, 8) weight, area, outline, first and second moments, workload, 1.
    place : (n, 2) for seeding and growing.
    tie : (n, 2) cells that a node is pinned to or was in.
    """

    first: Int64Array
    edge: Int32Array
    border: FloatArray
    node: FloatArray
    place: FloatArray
    tie: Int32Array


class State(NamedTuple):
    """A division of a piece and its sums.

    Attributes
    ----------
    label : (n,) cell of each node.
    cell : (k, 13) sums, cost and goal.
    anchor : (k,) some node of each cell, true whenever no kernel is running.
    """

    label: Int32Array
    cell: FloatArray
    anchor: Int32Array


class Scratch(NamedTuple):
    """Memory of the kernels, of one piece, reused from call to call.

    Attributes
    ----------
    cut, spot : directed edges between two chosen cells, and where an edge stands in that list (-1: nowhere).
    chosen, picked : (k,) 1 for cells that may change now, and the list of them.
    members, queue, group, best, old : (n,) lists of nodes, and labels kept for later.
    stamp : (n,) marks that need no clearing.
    log : moves since the best state, node and the cell it left.
    tallies : see :mod:`gridmgmt.planning.search.annealing`.
    after : (2, 9) sums and costs that two cells would have.
    far, load, heap, fringe, entry : of seeding and growing.
    """

    cut: Int32Array
    spot: Int32Array
    chosen: Int32Array
    picked: Int32Array
    members: Int32Array
    queue: Int32Array
    group: Int32Array
    best: Int32Array
    old: Int32Array
    stamp: Int64Array
    log: Int32Array
    tallies: Int64Array
    after: FloatArray
    far: FloatArray
    load: FloatArray
    heap: Int32Array
    fringe: Int32Array
    entry: Int32Array


def empty_state(nodes: int, goal: FloatArray) -> State:
    """Return a state without labels.

    Parameters
    ----------
    goal : (k, 4) wanted weight, lowest and highest weight, wanted workload of each cell.
    """
    cell = np.zeros((len(goal), COLUMNS))
    cell[:, TARGET:] = goal
    return State(np.zeros(nodes, dtype=np.int32), cell, np.zeros(len(goal), dtype=np.int32))


def make_scratch(nodes: int, edges: int, cells: int) -> Scratch:
    """Return the memory that a piece of this size needs."""

    def ints(*shape: int, fill: int = 0) -> Int32Array:
        return np.full(shape, fill, dtype=np.int32)

    return Scratch(
        cut=ints(edges),
        spot=ints(edges, fill=-1),
        chosen=ints(cells),
        picked=ints(cells),
        members=ints(nodes),
        queue=ints(nodes),
        group=ints(nodes),
        best=ints(nodes),
        old=ints(nodes),
        stamp=np.zeros(nodes, dtype=np.int64),
        log=ints(LOG_ENTRIES, 2),
        tallies=np.zeros(4, dtype=np.int64),
        after=np.zeros((2, SUMS + 1)),
        far=np.zeros(nodes),
        load=np.zeros(cells),
        heap=ints(cells),
        fringe=ints(cells, fill=-1),
        entry=ints(edges + nodes, 2),
    )


def make_luck(*words: int) -> Luck:
    """Return a random stream that depends on all of the words."""
    return np.random.SeedSequence(words).generate_state(1, np.uint64).astype(np.uint64)
