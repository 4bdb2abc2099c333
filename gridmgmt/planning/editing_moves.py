"""Edits of a division by hand: move atoms, advance a border, split off, merge, freeze.

Each function takes a division and gives another one, or the :class:`Refusal` that names what stands in the
way. The checks are local: only the cells that change are walked through.
"""

from dataclasses import replace

import numpy as np

from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.editing_division import Division, Refusal, held, refusal
from gridmgmt.planning.editing_ground import Ground


def moved(ground: Ground, division: Division, atoms: IntArray, cell: int) -> Division | Refusal:
    """Move atoms to a cell of the same community.

    Parameters
    ----------
    atoms : of one or more cells; those that are in the cell already do not matter.
    """
    target = division.atoms_of(cell)
    atoms = atoms[division.label[atoms] != cell]
    if len(atoms) == 0:
        return refusal(ground, division, "nothing_changes", (cell,))
    givers = np.unique(division.label[atoms]).tolist()
    stuck = held(ground, division, [cell, *givers])
    if stuck is not None:
        return stuck
    abroad = atoms[ground.home[atoms] != ground.home[target[0]]]
    if len(abroad):
        return refusal(ground, division, "within_community", (cell,), abroad)
    reached = ground.pieces(np.union1d(target, atoms))
    if len(reached) > 1:
        apart = np.concatenate([piece for piece in reached if target[0] not in piece])
        return refusal(ground, division, "adjacent", (cell,), apart)
    return _left_whole(ground, division, atoms, givers) or division.relabelled(atoms, cell)


def _left_whole(ground: Ground, division: Division, atoms: IntArray, givers: list[int]) -> Refusal | None:
    """Refuse if a giver would be left empty or in pieces; the lighter pieces are named."""
    for giver in givers:
        left = np.setdiff1d(division.atoms_of(giver), atoms)
        if len(left) == 0:
            return refusal(ground, division, "not_empty", (giver,))
        pieces = ground.pieces(left)
        if len(pieces) > 1:
            pieces.sort(key=lambda piece: (-ground.graph.weights[piece].sum(), piece[0]))
            return refusal(ground, division, "contiguous", (giver,), np.concatenate(pieces[1:]))
    return None


def row_along(ground: Ground, division: Division, taker: int, giver: int) -> IntArray:
    """Return the run of atoms of ``giver`` along its border with ``taker``."""
    return np.intersect1d(ground.touching(division.atoms_of(taker)), division.atoms_of(giver))


def advanced(ground: Ground, division: Division, taker: int, giver: int) -> Division | Refusal:
    """Move a border one atom deep: the whole run of atoms along it goes to ``taker``."""
    row = row_along(ground, division, taker, giver)
    if len(row) == 0:
        return refusal(ground, division, "adjacent", (taker, giver))
    return moved(ground, division, row, taker)


def split_off(ground: Ground, division: Division, atoms: IntArray) -> Division | Refusal:
    """Make a new cell of some atoms of one cell; both parts stay connected."""
    givers = np.unique(division.label[atoms]).tolist()
    if len(atoms) == 0:
        return refusal(ground, division, "nothing_changes")
    stuck = held(ground, division, givers)
    if stuck is not None:
        return stuck
    if len(givers) > 1:
        return refusal(ground, division, "adjacent", tuple(givers))
    pieces = ground.pieces(atoms)
    if len(pieces) > 1:
        return refusal(ground, division, "contiguous", tuple(givers), np.concatenate(pieces[1:]))
    return _left_whole(ground, division, atoms, givers) or division.relabelled(atoms, division.following)


def merged(ground: Ground, division: Division, cells: list[int]) -> Division | Refusal:
    """Unite neighbouring cells of one community; the heaviest goes on, of equal ones the first."""
    cells = sorted(set(cells))
    members = {cell: division.atoms_of(cell) for cell in cells}
    if len(cells) < 2:
        return refusal(ground, division, "nothing_changes", tuple(cells))
    stuck = held(ground, division, cells)
    if stuck is not None:
        return stuck
    together = np.sort(np.concatenate(list(members.values())))
    if len(np.unique(ground.home[together])) > 1:
        return refusal(ground, division, "within_community", tuple(cells))
    if len(ground.pieces(together)) > 1:
        return refusal(ground, division, "adjacent", tuple(cells))
    heir = max(cells, key=lambda cell: (float(ground.graph.weights[members[cell]].sum()), -cell))
    return division.relabelled(together, heir)


def frozen(ground: Ground, division: Division, cells: list[int], *, thaw: bool = False) -> Division | Refusal:
    """Freeze cells, or thaw them; a dedicated grid cannot be thawed."""
    for cell in cells:
        division.atoms_of(cell)
    dedicated = tuple(sorted(set(cells) & ground.dedicated))
    if thaw and dedicated:
        return refusal(ground, division, "dedicated", dedicated)
    chosen = frozenset(cells) - ground.dedicated
    kept = division.frozen - chosen if thaw else division.frozen | chosen
    if kept == division.frozen:
        return refusal(ground, division, "nothing_changes", tuple(sorted(set(cells))))
    return replace(division, frozen=kept)
