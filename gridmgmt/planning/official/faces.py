"""All borders of a file noded together: every face of land, with the cells that claim it.

Cells and communities are drawn over each other on the planning lattice; what comes out are faces that none of
their borders crosses. A face lies in one community or in none, and is claimed by no cell, by one or by
several. Gap, overlap, overhang and ground in a foreign community are then nothing but statuses of faces, and
to repair is to say who owns a face. Whatever is decided, the cells are united from faces and share their
vertices: no repair of one border can break another.

Snap rounding moves a border by at most a lattice width (10 mm); what parts two neighbours by less than that
is no face, only a vertex that one of them lacks.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gridmgmt.planning.coverage import (
    GRID_M,
    FloatArray,
    GeomArray,
    IntArray,
    SharedBorders,
    components,
    noded_faces,
    shared_borders,
)

NOBODY = -1
THIN_M = 0.05
"""Faces up to this mean width are told by area, not by a point inside: a rounded border may run beside it."""


@dataclass(frozen=True, slots=True)
class Faces:
    """A noded coverage and who claims what.

    Attributes
    ----------
    shapes : (f,) polygons.
    community : (f,) position of the community each lies in, or -1.
    claims : (c, 2) face and row, sorted: the row's polygon covers the face.
    borders : which faces border each other, and how long.
    """

    shapes: GeomArray
    community: IntArray
    claims: IntArray
    borders: SharedBorders

    @property
    def count(self) -> int:
        """Number of faces."""
        return len(self.shapes)

    @property
    def claimants(self) -> IntArray:
        """(f,) number of rows that claim each face."""
        return np.bincount(self.claims[:, 0], minlength=self.count).astype(np.int64)

    def sole(self) -> IntArray:
        """(f,) the row that alone claims a face, else -1."""
        owner = np.full(self.count, NOBODY, dtype=np.int64)
        alone = self.claimants[self.claims[:, 0]] == 1
        owner[self.claims[alone, 0]] = self.claims[alone, 1]
        return owner

    def groups(self, chosen: npt.NDArray[np.bool_], label: IntArray) -> list[IntArray]:
        """Chosen faces, grouped into connected pieces of equal label, in order of their first face."""
        pairs = self.borders.pairs
        alike = chosen[pairs].all(axis=1) & (label[pairs[:, 0]] == label[pairs[:, 1]])
        piece = components(self.count, pairs[alike])
        members = np.flatnonzero(chosen)
        order = members[np.argsort(piece[members], kind="stable")]
        cuts = np.flatnonzero(np.diff(piece[order])) + 1
        return sorted((np.sort(g) for g in np.split(order, cuts) if len(g)), key=lambda g: int(g[0]))

    def beside(self, faces: IntArray, owner: IntArray) -> dict[int, float]:
        """Metres of border that a group of faces shares with each owner outside the group."""
        inside = np.zeros(self.count, dtype=bool)
        inside[faces] = True
        ends = inside[self.borders.pairs]
        edge = np.flatnonzero(ends[:, 0] != ends[:, 1])
        outer = np.where(ends[edge, 0], self.borders.pairs[edge, 1], self.borders.pairs[edge, 0])
        metres: dict[int, float] = {}
        for face, length in zip(outer.tolist(), self.borders.lengths_m[edge].tolist(), strict=True):
            row = int(owner[face])
            if row != NOBODY:
                metres[row] = metres.get(row, 0.0) + length
        return metres


def noded(cells: GeomArray, communities: GeomArray) -> Faces:
    """Node cells and communities together.

    Parameters
    ----------
    cells : (n,) valid metric polygons on the lattice; empty ones claim nothing. Two copies of one side that
        differ by less than the lattice would else cross somewhere in the middle and get a vertex there.
    communities : (m,) valid metric polygons that do not overlap.
    """
    lines = shapely.boundary(np.concatenate([cells, communities]))
    shapes = noded_faces(lines[~shapely.is_empty(lines)])
    shapes = shapes[np.lexsort(_corner(shapes).T[::-1])]
    claims = _covered(shapes, cells)
    inside = _covered(shapes, communities)
    community = np.full(len(shapes), NOBODY, dtype=np.int64)
    # Backwards, so that the first of several communities stays.
    community[inside[::-1, 0]] = inside[::-1, 1]
    kept = (community >= 0) | (np.bincount(claims[:, 0], minlength=len(shapes)) > 0)
    new = np.cumsum(kept) - 1
    claims = claims[kept[claims[:, 0]]]
    claims = np.column_stack([new[claims[:, 0]], claims[:, 1]]).astype(np.int64)
    return Faces(shapes[kept], community[kept], claims, shared_borders(shapes[kept]))


def _corner(shapes: GeomArray) -> FloatArray:
    """South-west corners of the boxes, so that faces come in one order on every machine."""
    box: FloatArray = np.rint(shapely.bounds(shapes) / GRID_M)
    return box


def _covered(faces: GeomArray, polygons: GeomArray) -> IntArray:
    """(c, 2) face and polygon, sorted: the polygon covers the face, give or take the rounding."""
    thin = 2.0 * shapely.area(faces) / np.maximum(shapely.length(faces), 1e-12) < THIN_M
    tree = shapely.STRtree(polygons)
    broad = np.flatnonzero(~thin)
    at, polygon = tree.query(shapely.point_on_surface(faces[broad]), predicate="within")
    pairs = [np.column_stack([broad[at], polygon])]
    narrow = np.flatnonzero(thin)
    if len(narrow):
        at, polygon = tree.query(faces[narrow], predicate="intersects")
        shared = shapely.area(shapely.intersection(faces[narrow[at]], polygons[polygon]))
        covers = shared > 0.5 * shapely.area(faces[narrow[at]])
        pairs.append(np.column_stack([narrow[at[covers]], polygon[covers]]))
    both = np.concatenate(pairs).astype(np.int64)
    return both[np.lexsort((both[:, 1], both[:, 0]))]


def width_m(shape: BaseGeometry) -> float:
    """Mean width of a piece of ground: twice its area by its outline."""
    return 2.0 * float(shape.area) / max(float(shape.length), 1e-12)
