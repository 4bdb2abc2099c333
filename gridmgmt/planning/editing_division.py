"""A plan under the hand as a value: a label for each atom, which cells are frozen; and what refuses an edit.

Cells are numbered: 0 … K-1 as the plan had them when it was laid on the desk, new ones from K on. Along one
line of edits a number never names two cells; who takes edits back and goes another way may meet it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.editing_ground import Ground

REASONS: Final[Mapping[str, str]] = {
    "contiguous": "a cell would fall into pieces",
    "within_community": "a cell never crosses the border of its community",
    "not_empty": "a cell would be left without ground",
    "frozen": "the cell is frozen",
    "dedicated": "a dedicated grid keeps its border",
    "adjacent": "the ground does not share a border with the cell",
    "line": "the line does not divide the ground in two",
    "nothing_changes": "nothing would change",
}
"""Every constraint that an edit by hand can break, in words."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an edit was not made; the plan is as it was.

    Attributes
    ----------
    constraint : one of :data:`REASONS`.
    cells : names of the cells concerned.
    atoms : positions of the atoms in the way: cut off, frozen, or of another community.
    """

    constraint: str
    cells: tuple[str, ...] = ()
    atoms: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the reason with the cells concerned."""
        told = REASONS[self.constraint]
        return f"{told}: {', '.join(self.cells)}" if self.cells else told

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "constraint": self.constraint,
            "cells": list(self.cells),
            "atoms": list(self.atoms),
            "message": str(self),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Which cell each atom is in.

    Attributes
    ----------
    label : (n,) number of the cell; not writable.
    frozen : cells that no edit and no search may change; dedicated grids are so without being named here.
    following : number of the next new cell.
    """

    label: IntArray
    following: int
    frozen: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Lock the labels."""
        self.label.setflags(write=False)

    @classmethod
    def first(cls, ground: Ground) -> "Division":
        """Return the plan as it was laid on the desk."""
        return cls(ground.first_label.copy(), ground.given)

    def cells(self) -> IntArray:
        """Return the numbers in use, ascending."""
        return np.unique(self.label)

    def atoms_of(self, cell: int) -> IntArray:
        """Return the atoms of a cell, ascending.

        Raises
        ------
        InvalidInput
            There is no such cell.
        """
        atoms = np.flatnonzero(self.label == cell)
        if len(atoms) == 0:
            raise InvalidInput("there is no such cell", cell=int(cell))
        return atoms

    def relabelled(self, atoms: IntArray, cell: int) -> "Division":
        """Return the division with these atoms in another cell; nothing is checked."""
        label = self.label.copy()
        label[atoms] = cell
        return replace(self, label=label, following=max(self.following, cell + 1))

    def same_as(self, other: "Division") -> bool:
        """Whether both have the same cells, numbers included, and the same ones frozen."""
        return self.frozen == other.frozen and np.array_equal(self.label, other.label)


def name_of(ground: Ground, division: Division, cell: int) -> str:
    """Return what a cell is called until codes are given: its code before, or community and new number."""
    if cell < ground.given:
        return ground.codes[cell]
    home = ground.home[division.atoms_of(cell)[0]]
    return f"{ground.community_codes[home]}+{cell - ground.given + 1}"


def refusal(
    ground: Ground,
    division: Division,
    constraint: str,
    cells: tuple[int, ...] = (),
    atoms: IntArray | None = None,
) -> Refusal:
    """Return a refusal with names for the cells."""
    return Refusal(
        constraint,
        tuple(name_of(ground, division, cell) for cell in cells),
        () if atoms is None else tuple(int(atom) for atom in atoms),
    )


def held(ground: Ground, division: Division, cells: list[int]) -> Refusal | None:
    """Return the refusal if one of the cells may not change, None if all may."""
    for constraint, kept in (("dedicated", ground.dedicated), ("frozen", division.frozen)):
        stuck = [cell for cell in cells if cell in kept]
        if stuck:
            atoms = np.flatnonzero(np.isin(division.label, stuck))
            return refusal(ground, division, constraint, tuple(stuck), atoms)
    return None


def checked_atoms(ground: Ground, atoms: Any) -> IntArray:
    """Return positions of atoms, ascending and each once.

    Raises
    ------
    InvalidInput
        They are no positions of atoms.
    """
    given = np.asarray(list(atoms) if not isinstance(atoms, np.ndarray) else atoms)
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        raise InvalidInput("atoms are named by their positions", argument="atoms")
    if given.min() < 0 or given.max() >= ground.count:
        raise InvalidInput("there is no such atom", argument="atoms", atoms=ground.count)
    return np.unique(given.astype(np.int64))
