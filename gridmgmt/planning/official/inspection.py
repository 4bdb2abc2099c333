"""Find what is wrong with cells that are placed: row by row, then on the noded faces.

Every defect has a place, a size and, where there is one, a proposal. Nothing is changed here. Two
suppositions are made for looking only, and each is a defect that has to be accepted before it is more than
that: a border that crosses itself stands for the areas it encloses, a row whose axes are exchanged for the
row with them exchanged back.

Sizes that are choices of this project, not of a standard: a *sliver* is thinner than half a metre on
average (:data:`gridmgmt.geo.topology.SLIVER_WIDTH_M`); a gap of a quarter of the median cell is large and
nobody's to give away; two rows with 98 % of their ground in common are one cell twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gridmgmt.geo.topology import SLIVER_WIDTH_M
from gridmgmt.planning.coverage import GRID_M, FloatArray, GeomArray, IntArray, dissolve
from gridmgmt.planning.official.defect import Defect, DefectKind, defect_at
from gridmgmt.planning.official.faces import NOBODY, Faces, noded, width_m

DUPLICATE_SHARE: Final = 0.98
OUTSIDE_SHARE: Final = 0.05
LARGE_GAP_SHARE: Final = 0.25
SMALL_PIECES_SHARE: Final = 0.1
NEAR_M: Final = 0.1
MOST_CROSSING_VERTICES: Final = 1000
"""A scribble of that many costs GEOS 4 s, and twice as many four times as much."""

TO_NEIGHBOURS, OWN_CELLS = "to_neighbours", "own_cells"

_PLACE = re.compile(r"\[(-?[0-9.eE+-]+) (-?[0-9.eE+-]+)\]")
_K = DefectKind


@dataclass(frozen=True, slots=True)
class Ground:
    """Rows as they are looked at.

    Attributes
    ----------
    given : (n,) metric polygons as in the file; a row with exchanged axes is exchanged back.
    sound : (n,) the same, made valid; empty for rows that claim nothing (no polygon, a second copy, outside).
    home : (n,) position of the community that most of a row lies in, or -1.
    faces : the noded coverage of ``sound`` and the communities.
    defects : of geometry.
    """

    given: GeomArray
    sound: GeomArray
    home: IntArray
    faces: Faces
    defects: tuple[Defect, ...]


def swapped_rows(shapes: GeomArray) -> npt.NDArray[np.bool_]:
    """Say which rows lie far from the rest, but among it once x and y are exchanged."""
    box = shapely.bounds(shapes)
    middle = np.column_stack([(box[:, 0] + box[:, 2]) / 2.0, (box[:, 1] + box[:, 3]) / 2.0])
    known = np.isfinite(middle).all(axis=1)
    if not known.any():
        return np.zeros(len(shapes), dtype=np.bool_)
    centre = np.median(middle[known], axis=0)
    off = np.hypot(*(middle - centre).T)
    back = np.hypot(*(middle[:, ::-1] - centre).T)
    reach = max(float(np.median(off[known])) * 10.0, 1e-9)
    return np.asarray(known & (off > reach) & (back <= reach), dtype=np.bool_)


def inspect_ground(
    shapes: GeomArray, swapped: npt.NDArray[np.bool_], labels: list[str], communities: gpd.GeoDataFrame
) -> Ground:
    """Look at the polygons.

    Parameters
    ----------
    shapes : (n,) polygons in the metric zone, missing ones allowed; ``swapped`` rows exchanged back.
    labels : what the file calls each row.
    communities : ``code`` and valid polygons in the same zone that do not overlap.
    """
    land = np.asarray(communities.geometry.array, dtype=object)
    found = [
        defect_at(_K.AXES_SWAPPED, shapes[row], rows=(row,), codes=(labels[row],))
        for row in np.flatnonzero(swapped).tolist()
    ]
    sound, faults = _sound(shapes, labels)
    found += faults
    home, share = _homes(sound, land)
    for row in np.flatnonzero(~shapely.is_empty(sound) & (share < OUTSIDE_SHARE)).tolist():
        found.append(_row_defect(_K.CELL_OUTSIDE, row, sound[row], labels, sound[row].area))
        sound[row] = shapely.Polygon()
    for first, row in _duplicates(sound):
        detail = f"the same ground as row {first} ({labels[first]})"
        found.append(_row_defect(_K.DUPLICATE_CELL, row, sound[row], labels, sound[row].area, detail))
        sound[row] = shapely.Polygon()
    faces = noded(sound, land)
    looked = _OnFaces(faces, sound, home, labels, communities)
    on_faces = [*looked.gaps(), *looked.overlaps(), *looked.outside(), *looked.crossing(), *looked.pieces()]
    unmatched = _unmatched(faces, sound, labels, on_faces)
    return Ground(shapes, sound, home, faces, (*found, *on_faces, *unmatched))


def _row_defect(
    kind: DefectKind, row: int, shape: BaseGeometry, labels: list[str], size: float, detail: str = ""
) -> Defect:
    return defect_at(
        kind,
        shape,
        rows=(row,),
        codes=(labels[row],),
        size=float(size),
        unit="m2",
        detail=detail or kind.about.english,
    )


def _sound(shapes: GeomArray, labels: list[str]) -> tuple[GeomArray, list[Defect]]:
    sound, found = shapes.copy(), []
    for row, shape in enumerate(shapes):
        polygonal = shape is not None and shape.geom_type in {"Polygon", "MultiPolygon"}
        if not polygonal or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
            found.append(defect_at(_K.GEOMETRY_MISSING, None, rows=(row,), codes=(labels[row],)))
            sound[row] = shapely.Polygon()
        elif not shape.is_valid and shapely.get_num_coordinates(shape) > MOST_CROSSING_VERTICES:
            detail = f"crosses itself and has more than {MOST_CROSSING_VERTICES} vertices: draw it anew"
            fault = _row_defect(_K.SELF_CROSSING, row, shape.envelope, labels, 0.0, detail)
            found.append(replace(fault, repair=""))
            sound[row] = shapely.Polygon()
        elif not shape.is_valid:
            valid = _areas(shapely.make_valid(shape, method="structure", keep_collapsed=False))
            reason = shapely.is_valid_reason(shape)
            place = _PLACE.search(reason)
            at = shapely.Point(float(place[1]), float(place[2])) if place else valid
            sound[row] = valid
            kind = _K.SELF_CROSSING if valid.area > 0 else _K.GEOMETRY_MISSING
            off_m2 = abs(valid.area - shape.area)
            found.append(_row_defect(kind, row, at, labels, off_m2, reason.partition("[")[0]))
    return sound, found


def _areas(shape: BaseGeometry) -> BaseGeometry:
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area > 0]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _homes(sound: GeomArray, land: GeomArray) -> tuple[IntArray, FloatArray]:
    """The community that most of each row lies in, and the share of the row that lies in any."""
    row, community = shapely.STRtree(land).query(sound, predicate="intersects")
    area = shapely.area(shapely.intersection(sound[row], land[community]))
    table = np.zeros((len(sound), len(land)))
    table[row, community] = area
    home = np.where(table.max(axis=1) > 0, table.argmax(axis=1), NOBODY)
    return home.astype(np.int64), table.sum(axis=1) / np.maximum(shapely.area(sound), 1e-9)


def _duplicates(sound: GeomArray) -> Iterator[tuple[int, int]]:
    pairs = shapely.STRtree(sound).query(sound, predicate="intersects").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    shared = shapely.area(shapely.intersection(sound[pairs[:, 0]], sound[pairs[:, 1]]))
    larger = np.maximum(shapely.area(sound[pairs[:, 0]]), shapely.area(sound[pairs[:, 1]]))
    gone: set[int] = set()
    for first, second in sorted(pairs[shared > DUPLICATE_SHARE * larger].tolist()):
        if first not in gone and second not in gone:
            gone.add(second)
            yield first, second


class _OnFaces:
    """Defects that are statuses of faces."""

    def __init__(
        self, faces: Faces, sound: GeomArray, home: IntArray, labels: list[str], communities: gpd.GeoDataFrame
    ) -> None:
        self.faces, self.sound, self.home, self.labels = faces, sound, home, labels
        self.codes = communities["code"].astype(str).tolist()
        sole = faces.sole()
        at_home = (sole != NOBODY) & (home[sole] == faces.community)
        self.owner = np.where(at_home, sole, NOBODY)
        face, row = faces.claims.T
        self.foreign = (home[row] != faces.community[face]) & (faces.community[face] != NOBODY)
        self.abroad = faces.community[face] == NOBODY

    def gaps(self) -> Iterator[Defect]:
        """Ground of a community that nobody claims."""
        area = shapely.area(self.sound)
        large_m2 = LARGE_GAP_SHARE * float(np.median(area[area > 0])) if (area > 0).any() else 0.0
        empty = set(range(len(self.codes))) - set(self.home.tolist())
        free = (self.faces.community != NOBODY) & (self.faces.claimants == 0)
        for group in self.faces.groups(free, self.faces.community):
            community = int(self.faces.community[group[0]])
            shape = self._shape(group)
            if community in empty:
                kind = _K.COMMUNITY_EMPTY
            else:
                thin = width_m(shape) < SLIVER_WIDTH_M
                kind = _K.GAP_SLIVER if thin else _K.GAP_LARGE if shape.area >= large_m2 else _K.GAP
            yield self._defect(kind, (), (self.codes[community],), group, self._heirs(group, community))

    def overlaps(self) -> Iterator[Defect]:
        """Ground that several cells of its own community claim."""
        face, row = self.faces.claims[~self.foreign & ~self.abroad].T
        several = np.bincount(face, minlength=self.faces.count) > 1
        claimants: dict[int, tuple[int, ...]] = {}
        for f, r in zip(face.tolist(), row.tolist(), strict=True):
            if several[f]:
                claimants[f] = (*claimants.get(f, ()), r)
        sets = {rows: number for number, rows in enumerate(sorted(set(claimants.values())))}
        label = np.full(self.faces.count, NOBODY, dtype=np.int64)
        for f, rows in claimants.items():
            label[f] = sets[rows]
        for group in self.faces.groups(several, label):
            rows = claimants[int(group[0])]
            metres = self.faces.beside(group, self.owner)
            ranked = sorted(rows, key=lambda r: (-metres.get(r, 0.0), r))
            kind = _K.OVERLAP_SLIVER if width_m(self._shape(group)) < SLIVER_WIDTH_M else _K.OVERLAP
            yield self._defect(kind, rows, tuple(self.labels[r] for r in rows), group, ranked)

    def outside(self) -> Iterator[Defect]:
        """Ground of a cell in no community."""
        for row, group in self._by_row(self.abroad):
            thin = width_m(self._shape(group)) < SLIVER_WIDTH_M
            kind = _K.OUTSIDE_SLIVER if thin else _K.OUTSIDE
            yield self._defect(kind, (row,), (self.labels[row],), group, None)

    def crossing(self) -> Iterator[Defect]:
        """Ground of a cell in another community than the one that most of it lies in."""
        for row, group in self._by_row(self.foreign):
            community = int(self.faces.community[group[0]])
            thin = width_m(self._shape(group)) < SLIVER_WIDTH_M
            kind = _K.CROSSES_SLIVER if thin else _K.CROSSES_COMMUNITY
            names = (self.labels[row], self.codes[community])
            yield self._defect(kind, (row,), names, group, self._heirs(group, community))

    def pieces(self) -> Iterator[Defect]:
        """Cells that are in several pieces inside their own community."""
        face, row = self.faces.claims[~self.foreign & ~self.abroad].T
        order = np.argsort(row, kind="stable")
        cuts = np.flatnonzero(np.diff(row[order])) + 1
        for members in np.split(order, cuts):
            if len(members) < 2:
                continue
            chosen = np.zeros(self.faces.count, dtype=bool)
            chosen[face[members]] = True
            groups = self.faces.groups(chosen, np.zeros(self.faces.count, dtype=np.int64))
            if len(groups) < 2:
                continue
            groups.sort(key=lambda g: -float(shapely.area(self.faces.shapes[g]).sum()))
            cell, small = int(row[members[0]]), np.sort(np.concatenate(groups[1:]))
            lost = float(shapely.area(self.faces.shapes[small]).sum())
            minor = lost < SMALL_PIECES_SHARE * float(self.sound[cell].area)
            choices = (TO_NEIGHBOURS, OWN_CELLS) if minor else (OWN_CELLS, TO_NEIGHBOURS)
            yield defect_at(
                _K.MULTIPART,
                self._shape(small),
                rows=(cell,),
                codes=(self.labels[cell],),
                size=lost,
                unit="m2",
                detail=f"{len(groups)} pieces; all but the largest have {lost:.1f} m2",
                repair="give the pieces to neighbours" if minor else "make the pieces cells of their own",
                choices=choices,
                faces=tuple(small.tolist()),
            )

    def _by_row(self, chosen: npt.NDArray[np.bool_]) -> Iterator[tuple[int, IntArray]]:
        claims = self.faces.claims[chosen]
        for row in np.unique(claims[:, 1]).tolist():
            mask = np.zeros(self.faces.count, dtype=bool)
            mask[claims[claims[:, 1] == row, 0]] = True
            for group in self.faces.groups(mask, self.faces.community):
                yield row, group

    def _heirs(self, group: IntArray, community: int) -> list[int]:
        metres = self.faces.beside(group, self.owner)
        return sorted((r for r in metres if self.home[r] == community), key=lambda r: (-metres[r], r))

    def _shape(self, group: IntArray) -> BaseGeometry:
        united: BaseGeometry = shapely.coverage_union_all(self.faces.shapes[group])
        return united

    def _defect(
        self,
        kind: DefectKind,
        rows: tuple[int, ...],
        codes: tuple[str, ...],
        group: IntArray,
        heirs: list[int] | None,
    ) -> Defect:
        shape = self._shape(group)
        detail = f"{shape.area:.2f} m2, {width_m(shape):.2f} m wide on average"
        repair = kind.about.repair
        if heirs is not None and repair:
            repair = f"give it to row {heirs[0]} ({self.labels[heirs[0]]})" if heirs else ""
        return defect_at(
            kind,
            shape,
            rows=rows,
            codes=codes,
            size=float(shape.area),
            unit="m2",
            detail=detail,
            repair=repair,
            choices=tuple(map(str, heirs or ())) if repair else (),
            faces=tuple(group.tolist()),
        )


def _unmatched(faces: Faces, sound: GeomArray, labels: list[str], others: list[Defect]) -> Iterator[Defect]:
    """Vertices that noding put on a cell's border because a neighbour has one there and the cell has none."""
    rows, labelled = np.unique(faces.claims[:, 1], return_inverse=True)
    if len(rows) == 0:
        return
    drawn = dissolve(faces.shapes[faces.claims[:, 0]], labelled.astype(np.int64))
    xy, owner = shapely.get_coordinates(drawn, return_index=True)
    owner = rows[owner]
    own_xy, own = shapely.get_coordinates(sound, return_index=True)
    tree = shapely.STRtree(np.asarray(shapely.points(own_xy), dtype=object))
    at, near = tree.query(shapely.points(xy), predicate="dwithin", distance=0.8 * GRID_M)
    order = np.argsort(at, kind="stable")
    at, near = at[order], near[order]
    known = np.zeros(len(xy), dtype=bool)
    known[at[own[near] == owner[at]]] = True
    shaken = shapely.STRtree(np.asarray([d.shape for d in others if d.faces], dtype=object))
    extra = np.flatnonzero(~known)
    touched = shaken.query(shapely.points(xy[extra]), predicate="dwithin", distance=NEAR_M)[0]
    extra = np.delete(extra, np.unique(touched))
    theirs: dict[tuple[int, int], set[tuple[float, float]]] = {}
    for position in extra.tolist():
        row = int(owner[position])
        first, last = np.searchsorted(at, [position, position + 1])
        beside = {int(own[n]) for n in near[first:last].tolist()} - {row}
        if not beside:
            # Only the community has a vertex here; on a straight side it changes nothing.
            off_m = shapely.distance(shapely.boundary(sound[row]), shapely.Point(xy[position]))
            beside = {NOBODY} if off_m > 0.05 * GRID_M else set()
        for other in beside:
            key = (min(row, other), max(row, other)) if other != NOBODY else (NOBODY, row)
            theirs.setdefault(key, set()).add((float(xy[position][0]), float(xy[position][1])))
    for (first, second), places in sorted(theirs.items()):
        pair = (second,) if first == NOBODY else (first, second)
        yield defect_at(
            _K.BORDER_UNMATCHED,
            shapely.MultiPoint(sorted(places)),
            rows=pair,
            codes=tuple(labels[r] for r in pair),
            size=float(len(places)),
            unit="count",
            detail=f"{len(places)} vertices on one side only",
        )
