"""The planner's desk: a plan made of atoms, changed by hand, judged at once, taken back at will.

A :class:`Desk` is a value. Every edit gives a new desk, or a
:class:`~gridmgmt.planning.editing_division.Refusal` that names the constraint in the way; the desk it was
asked of stays as it is, so nothing is ever lost. Both sides of a shared border move together, since cells are
unions of atoms. What always holds on a desk: every atom in one cell, every cell connected and not empty, no
cell across a community, frozen cells and dedicated grids 专属网格 as they were. The band of households is not
among these: a planner passes through plans outside it, and the card says so.

Below it: ``editing_ground`` and ``editing_measures`` (what stays), ``editing_division`` (what changes),
``editing_moves``, ``editing_lines`` and ``editing_search`` (how), ``editing_card``, ``editing_cells`` (out
again), ``editing_scene`` (as plain facts, for a map).

::

    desk = lay_out(communities, atoms, cells, lines=roads, buildings=buildings)
    after = desk.move([12, 13], desk.number_of("120116005001002"))
    if isinstance(after, Refusal):
        print(after)                        # a cell would fall into pieces: 120116005001003
    else:
        print(after.card.report.in_band_share)
        draft = after.numbered()            # cells with codes
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.editing_card import DeskCard, desk_card
from gridmgmt.planning.editing_cells import cells_frame, numbered_cells
from gridmgmt.planning.editing_division import Division, Refusal, checked_atoms
from gridmgmt.planning.editing_ground import Ground, lay_ground
from gridmgmt.planning.editing_lines import redrawn, split_by_line
from gridmgmt.planning.editing_measures import Measures, measured
from gridmgmt.planning.editing_moves import advanced, frozen, merged, moved, row_along, split_off
from gridmgmt.planning.editing_search import halved, reoptimised

__all__ = ["Desk", "Refusal", "lay_out"]


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """A plan under the hand, with all that was done to it.

    Cells are named by their numbers, atoms by their positions in the frame of atoms.

    Attributes
    ----------
    ground, measures : what stays.
    now : the plan as it is. past, future : as it was before each edit, and after those taken back.
    card : of ``now``.
    """

    ground: Ground
    measures: Measures
    now: Division
    past: tuple[Division, ...] = ()
    future: tuple[Division, ...] = ()
    card: DeskCard = field(init=False)

    def __post_init__(self) -> None:
        """Judge the plan."""
        object.__setattr__(self, "card", desk_card(self.ground, self.measures, self.now))

    def move(self, atoms: Collection[int], cell: int) -> "Desk | Refusal":
        """Move atoms to a neighbouring cell of their community."""
        return self._then(moved(self.ground, self.now, checked_atoms(self.ground, atoms), cell))

    def advance(self, taker: int, giver: int) -> "Desk | Refusal":
        """Move the border of two cells one atom deep: the run of atoms along it goes to ``taker``."""
        return self._then(advanced(self.ground, self.now, taker, giver))

    def redraw(self, one: int, two: int, line: Any) -> "Desk | Refusal":
        """Move the border of two cells to a line, (k, 2) places in the CRS of the atoms."""
        return self._then(redrawn(self.ground, self.now, one, two, line))

    def split(
        self, cell: int, *, atoms: Collection[int] | None = None, line: Any = None, seed: int = 0
    ) -> "Desk | Refusal":
        """Split a cell: by the atoms that become the new one, by a line, or in balanced halves by the engine.

        Raises
        ------
        InvalidInput
            Both atoms and a line, or atoms of another cell.
        """
        if atoms is not None and line is not None:
            raise InvalidInput("a cell is split by atoms or by a line", argument="line")
        if line is not None:
            return self._then(split_by_line(self.ground, self.now, cell, line))
        if atoms is None:
            return self._then(halved(self.ground, self.now, cell, seed=seed))
        chosen = checked_atoms(self.ground, atoms)
        if not np.isin(chosen, self.now.atoms_of(cell)).all():
            raise InvalidInput("a cell is split by atoms of its own", argument="atoms")
        return self._then(split_off(self.ground, self.now, chosen))

    def merge(self, cells: Collection[int]) -> "Desk | Refusal":
        """Unite neighbouring cells of one community; the one with most demand goes on."""
        return self._then(merged(self.ground, self.now, list(cells)))

    def freeze(self, cells: Collection[int]) -> "Desk | Refusal":
        """Keep cells as they are, whatever is edited or searched."""
        return self._then(frozen(self.ground, self.now, list(cells)))

    def thaw(self, cells: Collection[int]) -> "Desk | Refusal":
        """Let frozen cells change again."""
        return self._then(frozen(self.ground, self.now, list(cells), thaw=True))

    def reoptimise(
        self,
        *,
        communities: Collection[str] | None = None,
        preset: str = "default",
        seed: int = 0,
        time_limit_s: float | None = None,
    ) -> "Desk | Refusal":
        """Let the engine go on from here with all that is not frozen.

        Parameters
        ----------
        communities : codes of those that are searched; all when None.
        preset, seed, time_limit_s : as :func:`~gridmgmt.planning.propose.propose_cells`.
        """
        rows = None
        if communities is not None:
            codes = self.ground.community_codes
            unknown = sorted(set(communities) - set(codes))
            if unknown:
                raise InvalidInput("there is no such community", unknown=unknown)
            rows = [codes.index(code) for code in communities]
        found = reoptimised(
            self.ground, self.now, communities=rows, preset=preset, seed=seed, time_limit_s=time_limit_s
        )
        return self._then(found)

    def undo(self) -> "Desk":
        """Take the last edit back; the first plan stays itself."""
        if not self.past:
            return self
        return Desk(self.ground, self.measures, self.past[-1], self.past[:-1], (self.now, *self.future))

    def redo(self) -> "Desk":
        """Make the edit again that was taken back last."""
        if not self.future:
            return self
        return Desk(self.ground, self.measures, self.future[0], (*self.past, self.now), self.future[1:])

    def cells(self) -> gpd.GeoDataFrame:
        """Return the cells as they are, ``code`` being the code before or a provisional name."""
        return cells_frame(self.ground, self.now, self.card.cells)

    def numbered(self, *, used: Collection[str] = ()) -> gpd.GeoDataFrame:
        """Return the cells with 15-digit codes: those before where the ground is the same, else new ones.

        Parameters
        ----------
        used : codes that were ever issued besides those of the plan that was laid on the desk.
        """
        return numbered_cells(self.ground, self.cells(), used)

    def atoms(self, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the atoms with ``cell_code`` from a frame that :meth:`numbered` or :meth:`cells` gave."""
        home = cells[["code", "atom_ids"]].explode("atom_ids").set_index("atom_ids")["code"]
        return self.ground.atoms.assign(cell_code=self.ground.atoms["atom_id"].map(home))

    def number_of(self, code: str) -> int:
        """Return the number of the cell that had this code when the plan was laid on the desk.

        Raises
        ------
        InvalidInput
            No cell had it, or that cell is gone.
        """
        if code not in self.ground.codes or self.ground.codes.index(code) not in self.now.cells():
            raise InvalidInput("there is no such cell", code=code)
        return self.ground.codes.index(code)

    def atoms_of(self, cell: int) -> IntArray:
        """Return the atoms of a cell, ascending."""
        return self.now.atoms_of(cell)

    def row_along(self, taker: int, giver: int) -> IntArray:
        """Return the run of atoms of ``giver`` along its border with ``taker``; empty if they share none."""
        return row_along(self.ground, self.now, taker, giver)

    def _then(self, outcome: Division | Refusal) -> "Desk | Refusal":
        if isinstance(outcome, Refusal):
            return outcome
        return Desk(self.ground, self.measures, outcome, (*self.past, self.now), ())


def lay_out(
    communities: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    demand: str = "households",
    band: tuple[float, float] = (300, 500),
) -> Desk:
    """Lay a plan on the desk.

    Parameters
    ----------
    communities, atoms, cells, lines, buildings : as :func:`~gridmgmt.planning.editing_ground.lay_ground`.
    demand : column of the atoms that is balanced. band : of a duty grid.

    Raises
    ------
    InvalidInput, InvalidGeometry, Infeasible, WrongCrs
        It is no plan: see :func:`~gridmgmt.planning.editing_ground.lay_ground`.
    """
    ground = lay_ground(communities, atoms, cells, lines=lines, buildings=buildings, demand=demand, band=band)
    return Desk(ground, measured(ground), Division.first(ground))
