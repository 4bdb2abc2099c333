"""What stays while borders are moved by hand: atoms, who borders whom, and what a card needs of each.

A plan under the hand is a label for each atom (:mod:`gridmgmt.planning.editing_division`); everything that
does not depend on the labels is computed here once, when the plan is laid on the desk. Sums over atoms then
give areas, outlines, moments and borders of any cells, without touching a polygon.

A plan is laid on the desk only if it is one: every cell a connected union of atoms of one community. What is
not is refused with the cell, never mended silently.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import InvalidGeometry, InvalidInput
from gridmgmt.planning.admission import community_of_atoms, require_frames
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray, SharedBorders, shared_borders
from gridmgmt.planning.graph import Graph
from gridmgmt.planning.propose import graph_of

BoolArray = npt.NDArray[np.bool_]

MOST_SHAPES: Final = 20_000
"""Cells whose polygons are remembered; beyond, all are forgotten and drawn again when needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Atoms of a street, in the order of the frame they came from.

    Attributes
    ----------
    atoms, communities, cells : the frames as given; ``cells`` is the plan as it was laid on the desk.
    demand : name of the column that is balanced. band : of a duty grid, both ends allowed.
    home : (n,) row of the community of each atom.
    first_label : (n,) row of ``cells`` of each atom.
    codes, community_codes : of ``cells`` and ``communities``, as text.
    dedicated : rows of ``cells`` that are dedicated grids 专属网格; they never change.
    graph : the atoms as the engine sees them. borders : the same with single sides.
    first, other : neighbours of atom ``i`` are ``other[first[i]:first[i + 1]]``.
    inside : (n, 2) a point inside each atom, in the CRS. shapes : (n,) polygons.
    lines, buildings : for the card; None when not known.
    """

    atoms: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    demand: str
    band: tuple[float, float]
    home: IntArray
    first_label: IntArray
    codes: tuple[str, ...]
    community_codes: tuple[str, ...]
    dedicated: frozenset[int]
    graph: Graph
    borders: SharedBorders
    first: IntArray
    other: IntArray
    inside: FloatArray
    shapes: GeomArray
    lines: gpd.GeoDataFrame | None
    buildings: gpd.GeoDataFrame | None
    drawn: dict[bytes, Any] = field(default_factory=dict, repr=False)
    """Polygons already dissolved, by the atoms they are made of: a memory, no value depends on it."""

    @property
    def count(self) -> int:
        """Number of atoms."""
        return len(self.home)

    @property
    def given(self) -> int:
        """Number of cells that the plan had when it was laid on the desk; new cells are numbered from it."""
        return len(self.cells)

    def neighbours(self, atom: int) -> IntArray:
        """Return the atoms that share a border with one."""
        return self.other[self.first[atom] : self.first[atom + 1]]

    def pieces(self, atoms: IntArray) -> list[IntArray]:
        """Split atoms into connected pieces, ordered by their first atom; a corner does not connect."""
        left = set(atoms.tolist())
        pieces = []
        for start in sorted(left):
            if start not in left:
                continue
            left.discard(start)
            reached, waiting = [start], [start]
            while waiting:
                near = self.neighbours(waiting.pop()).tolist()
                new = [atom for atom in near if atom in left]
                left.difference_update(new)
                reached += new
                waiting += new
            pieces.append(np.array(sorted(reached), dtype=np.int64))
        return pieces

    def touching(self, atoms: IntArray) -> IntArray:
        """Return the atoms outside that share a border with one of ``atoms``, ascending."""
        near = [self.neighbours(int(atom)) for atom in atoms]
        return np.setdiff1d(np.concatenate([np.empty(0, dtype=np.int64), *near]), atoms)

    def shape(self, atoms: IntArray) -> Any:
        """Return the polygon of atoms united; no vertex is made or moved."""
        key = atoms.tobytes()
        if key not in self.drawn:
            if len(self.drawn) >= MOST_SHAPES:
                self.drawn.clear()
            united = shapely.coverage_union_all(self.shapes[atoms])
            parts = shapely.get_parts(united)
            self.drawn[key] = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
        return self.drawn[key]


def lay_ground(
    communities: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    demand: str = "households",
    band: tuple[float, float] = (300, 500),
) -> Ground:
    """Compute what stays while borders are moved.

    Parameters
    ----------
    communities, atoms : as :func:`~gridmgmt.planning.propose.propose_cells` takes them.
    cells : numbered cells with ``code``, ``kind`` and ``community_code``; which atoms they are made of is
        told by ``atom_ids``, or by a column ``cell_code`` of the atoms.
    lines, buildings : as :func:`~gridmgmt.planning.evaluate.report_card` takes them; with ``line_class`` the
        lines also guide the engine.

    Raises
    ------
    InvalidInput
        A column is missing, an atom is in no cell or in two, a cell is in several pieces or communities, or
        of another community than its ``community_code`` says; ``facts["cells"]`` names them.
    InvalidGeometry
        Atoms overlap, repeat, or do not share their vertices.
    Infeasible, WrongCrs
        As :func:`~gridmgmt.planning.admission.community_of_atoms`.
    """
    require_frames(communities, atoms, demand, None)
    atoms, cells = atoms.reset_index(drop=True), cells.reset_index(drop=True)
    shapes = np.asarray(atoms.geometry.array, dtype=object)
    borders = shared_borders(shapes)
    if len(borders.faults) or not shapely.coverage_is_valid(shapes):
        raise InvalidGeometry("atoms are no seamless coverage", places=borders.faults[:20].tolist())
    classed = lines if lines is not None and "line_class" in lines else None
    a, b = borders.pairs.T
    source = np.concatenate([a, b])
    ground = Ground(
        atoms=atoms,
        communities=communities.reset_index(drop=True),
        cells=cells,
        demand=demand,
        band=band,
        home=community_of_atoms(communities, atoms),
        first_label=_labels(atoms, cells),
        codes=tuple(cells["code"].astype(str)),
        community_codes=tuple(communities["code"].astype(str)),
        dedicated=frozenset(np.flatnonzero((cells["kind"] == CellKind.DEDICATED).to_numpy()).tolist()),
        graph=graph_of(atoms, borders, demand, None, classed),
        borders=borders,
        first=np.searchsorted(np.sort(source), np.arange(len(atoms) + 1)).astype(np.int64),
        other=np.concatenate([b, a])[np.argsort(source, kind="stable")],
        inside=shapely.get_coordinates(shapely.point_on_surface(shapes)),
        shapes=shapes,
        lines=lines,
        buildings=buildings,
    )
    _require_plan(ground)
    return ground


def _labels(atoms: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> IntArray:
    missing = [column for column in ("code", "kind", "community_code") if column not in cells]
    if missing:
        raise InvalidInput("a column is missing", missing=missing, layer="cells")
    if cells["code"].duplicated().any():
        raise InvalidInput("two cells have one code", cells=_some(cells["code"][cells["code"].duplicated()]))
    if "atom_ids" in cells:
        named = cells[["code", "atom_ids"]].explode("atom_ids").dropna()
        if named["atom_ids"].duplicated().any():
            twice = named["atom_ids"][named["atom_ids"].duplicated()]
            raise InvalidInput("an atom is in two cells", atom_ids=_some(twice))
        codes = atoms["atom_id"].map(named.set_index("atom_ids")["code"])
    elif "cell_code" in atoms:
        codes = atoms["cell_code"]
    else:
        raise InvalidInput("nothing tells which atoms a cell is made of", missing=["atom_ids", "cell_code"])
    label: IntArray = np.asarray(pd.Index(cells["code"]).get_indexer(codes), dtype=np.int64)
    if (label < 0).any():
        raise InvalidInput("an atom is in no cell", atom_ids=_some(atoms["atom_id"][label < 0]))
    return label


def _require_plan(ground: Ground) -> None:
    members = np.bincount(ground.first_label, minlength=ground.given)
    faulty: dict[str, list[int]] = {"empty": [], "contiguous": [], "within_community": []}
    for row in range(ground.given):
        if not members[row]:
            faulty["empty"].append(row)
            continue
        atoms = np.flatnonzero(ground.first_label == row)
        homes = np.unique(ground.home[atoms])
        if len(ground.pieces(atoms)) > 1:
            faulty["contiguous"].append(row)
        if len(homes) > 1 or ground.community_codes[homes[0]] != str(
            ground.cells["community_code"].iloc[row]
        ):
            faulty["within_community"].append(row)
    for constraint, rows in faulty.items():
        if rows:
            raise InvalidInput(
                "only a plan whose cells are connected and lie in their community can be edited",
                constraint=constraint,
                cells=_some(ground.cells["code"].iloc[rows]),
            )


def _some(names: pd.Series) -> list[str]:
    return [str(name) for name in names.iloc[:10]]
