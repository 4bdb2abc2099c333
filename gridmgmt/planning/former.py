"""The plan before, as the atoms of today see it: which cell was theirs, which cells stay as they are."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray

WHOLE_SHARE: Final = 0.01
"""Share of a fixed cell that its atoms may miss or add: drawings of one line differ a little."""


@dataclass(frozen=True, slots=True)
class Former:
    """Former cells of atoms.

    Attributes
    ----------
    cell : (n,) row of the plan before, -1 for none.
    fixed : (n,) whether that cell stays as it is. ``was_dedicated`` : whether it was a dedicated grid.
    codes, shapes : of the plan before; no rows when there is none. ``atoms`` : shapes of the atoms.
    """

    cell: IntArray
    fixed: npt.NDArray[np.bool_]
    was_dedicated: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.object_]
    shapes: GeomArray
    atoms: GeomArray

    @classmethod
    def of(
        cls, atoms: gpd.GeoDataFrame, previous: gpd.GeoDataFrame | None, fixed: Collection[str]
    ) -> "Former":
        """Find the former cell of each atom by a point inside it.

        Raises
        ------
        InvalidInput
            Columns missing, codes given twice, a fixed code that is not in the plan before.
        WrongCrs
            The plan before is in another CRS.
        """
        shapes = np.asarray(atoms.geometry.array, dtype=object)
        nothing = np.zeros(len(atoms), dtype=np.bool_)
        if previous is None:
            if fixed:
                raise InvalidInput("cells are fixed by codes of the plan before", fixed=sorted(fixed)[:10])
            empty: npt.NDArray[np.object_] = np.empty(0, dtype=object)
            cell = np.full(len(atoms), -1, dtype=np.int64)
            return cls(cell, nothing, nothing, empty, empty, shapes)
        missing = [c for c in ("code", "kind") if c not in previous]
        if missing:
            raise InvalidInput("a column is missing", missing=missing, layer="previous")
        if not require_metric(previous.crs).equals(require_metric(atoms.crs)):
            raise WrongCrs("the plan before must be in the CRS of the atoms", previous=str(previous.crs))
        codes = previous["code"].astype(str).to_numpy(dtype=object)
        unknown = sorted(set(fixed) - set(codes))
        if unknown or len(set(codes)) < len(codes):
            raise InvalidInput(
                "a fixed code is not in the plan before, or a code is there twice", unknown=unknown
            )
        old = np.asarray(previous.geometry.array, dtype=object)
        atom, row = shapely.STRtree(old).query(shapely.point_on_surface(shapes), predicate="intersects")
        cell = np.full(len(atoms), len(old), dtype=np.int64)
        np.minimum.at(cell, atom, row)
        cell[cell == len(old)] = -1
        within = cell >= 0
        stays = np.isin(codes, list(fixed))
        dedicated = (previous["kind"] == CellKind.DEDICATED).to_numpy(dtype=np.bool_)
        return cls(cell, within & stays[cell], within & dedicated[cell], codes, old, shapes)

    def require_whole(self, communities: gpd.GeoDataFrame, home: IntArray) -> None:
        """Refuse a fixed cell that is no union of atoms of one community.

        Raises
        ------
        Infeasible
            ``fixed``: ``facts["code"]`` names the cell.
        """
        for row in np.unique(self.cell[self.fixed]).tolist():
            here = self.cell == row
            area_m2 = float(shapely.area(self.shapes[row]))
            homes = np.unique(home[here])
            common_m2 = shapely.area(shapely.intersection(self.atoms[here], self.shapes[row])).sum()
            apart_m2 = area_m2 + shapely.area(self.atoms[here]).sum() - 2.0 * common_m2
            if len(homes) > 1 or apart_m2 > WHOLE_SHARE * area_m2:
                raise Infeasible(
                    "a fixed cell is no union of atoms of one community",
                    rule="R21a",
                    constraint="fixed",
                    code=str(self.codes[row]),
                    community_code=str(communities["code"].iloc[homes[0]]),
                    community_name=str(communities["name"].iloc[homes[0]]),
                    relax="leave the cell free, or cut the atoms along its border",
                )

    def searched(self, taken: npt.NDArray[np.bool_]) -> IntArray | None:
        """Former cells of the atoms that are searched; dedicated grids do not go on as duty grids."""
        if len(self.codes) == 0:
            return None
        return np.where(taken | self.was_dedicated, -1, self.cell)

    def codes_of(self, names: IntArray) -> npt.NDArray[np.object_]:
        """Return the codes of former cells, None for -1."""
        found: npt.NDArray[np.object_] = np.full(len(names), None, dtype=object)
        found[names >= 0] = self.codes[names[names >= 0]]
        return found

    def moved_share(self, weights: FloatArray, label: IntArray, names: IntArray) -> float | None:
        """Return the share of the demand with a former cell that is in another now; None without one."""
        had = self.cell >= 0
        if not had.any() or weights[had].sum() <= 0:
            return None
        moved = had & (names[label] != self.cell)
        return float(weights[moved].sum() / weights[had].sum())
