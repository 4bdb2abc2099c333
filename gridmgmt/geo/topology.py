"""The seams of a plan: its cells fit together without gap, overlap or overhang (无缝拼接).

The partition principle "seamless" is a hard check: nothing is published that fails it (DOMAIN.md §2.1,
§2.4). This module finds and names what is wrong, and where; it never repairs, because whoever drew the
border must say where it runs.

Method: the gaps are the outline less the union of the cells, the overhang is the union less the outline,
the overlaps are the pairwise intersections that an STRtree finds. The area identity

    Σ area(cells) − area(outline) = overlap + overhang − gap      (where no three cells share ground)

is reported as ``residual_m2`` and ties the three together.

Everything is in one metric CRS, which is asked for by name. Ground is what counts: cells that merely
touch have no overlap, and a vertex that only one of two neighbours has is no defect while it leaves no
area. Long edges do leave some when they come from degrees: see :mod:`gridmgmt.geo.edges`, and cut them
before projecting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import InvalidCode, InvalidGeometry
from gridmgmt.geo.crs import require_metric

SLIVER_WIDTH_M: Final = 0.5
"""Mean width (2 · area / perimeter) under which a defect counts as a sliver of two clumsy borders."""

Cell = tuple[str, Polygon | MultiPolygon]


class DefectKind(StrEnum):
    """What is wrong at a place."""

    GAP = "gap"
    """Ground of the outline that no cell covers."""
    OVERLAP = "overlap"
    """Ground that two cells claim."""
    OVERHANG = "overhang"
    """Ground of a cell outside the outline."""
    SLIVER = "sliver"
    """A gap, overlap or overhang thinner than half a metre; ``Defect.of`` says which."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One piece of ground that breaks the seam.

    ``x_m`` and ``y_m`` are a point inside it in the CRS of the check. ``codes`` names the cells: the
    two that overlap, the one that hangs over, the neighbours of a gap.
    """

    kind: DefectKind
    of: DefectKind
    area_m2: float
    width_m: float
    x_m: float
    y_m: float
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeamReport:
    """The outcome of :func:`seamless`. ``ok`` is the verdict; the numbers say why."""

    defects: tuple[Defect, ...]
    outline_area_m2: float
    cells_area_m2: float
    gap_m2: float
    overlap_m2: float
    overhang_m2: float
    forgiven_m2: float
    """Total of the pieces that were each within the tolerance."""
    tolerance_m2: float

    @property
    def residual_m2(self) -> float:
        """Σ area(cells) − area(outline); 0 for a perfect partition."""
        return self.cells_area_m2 - self.outline_area_m2

    @property
    def ok(self) -> bool:
        """No defect, and what was forgiven stays within the tolerance in sum as well."""
        return not self.defects and self.forgiven_m2 <= self.tolerance_m2


def seamless(
    cells: Iterable[Cell],
    outline: Polygon | MultiPolygon,
    *,
    crs: Any,
    tolerance_m2: float = 1.0,
) -> SeamReport:
    """Check that cells tile an outline.

    Parameters
    ----------
    cells : (code, polygon) pairs in ``crs``.
    outline : the ground to be tiled, in ``crs``.
    crs : the metric CRS that both are in.
    tolerance_m2 : pieces up to and including this area are forgiven one by one; their sum is held to
        the same figure.

    Returns
    -------
    SeamReport
        Its defects are ordered by falling area, then by place.

    Raises
    ------
    WrongCrs
        ``crs`` is not one that areas are taken in.
    InvalidGeometry
        A cell or the outline is empty, not an area, not finite or not valid; it is not repaired.
    InvalidCode
        Two cells bear one code.
    """
    require_metric(crs)
    codes, polygons = _checked(cells, outline)
    union = shapely.union_all(polygons)
    tree = shapely.STRtree(polygons)
    gaps = [(piece, _touching(tree, codes, piece)) for piece in _areas(shapely.difference(outline, union))]
    overhang = _overhang(codes, polygons, outline)
    overlaps = _overlaps(tree, codes, polygons)
    found = {DefectKind.GAP: gaps, DefectKind.OVERLAP: overlaps, DefectKind.OVERHANG: overhang}
    pieces = [(kind, piece, named) for kind, these in found.items() for piece, named in these]
    defects = [_defect(*piece) for piece in pieces if piece[1].area > tolerance_m2]
    defects.sort(key=lambda d: (-d.area_m2, d.x_m, d.y_m, d.kind))
    total_m2 = {kind: float(sum(piece.area for piece, _ in these)) for kind, these in found.items()}
    return SeamReport(
        defects=tuple(defects),
        outline_area_m2=float(outline.area),
        cells_area_m2=float(shapely.area(polygons).sum()),
        gap_m2=total_m2[DefectKind.GAP],
        overlap_m2=total_m2[DefectKind.OVERLAP],
        overhang_m2=total_m2[DefectKind.OVERHANG],
        forgiven_m2=float(sum(piece.area for _, piece, _ in pieces if piece.area <= tolerance_m2)),
        tolerance_m2=tolerance_m2,
    )


def _checked(cells: Iterable[Cell], outline: BaseGeometry) -> tuple[list[str], Any]:
    pairs = sorted(cells, key=lambda pair: pair[0])
    codes = [code for code, _ in pairs]
    twice = sorted({a for a, b in pairwise(codes) if a == b})
    if twice:
        raise InvalidCode("two cells bear one code", codes=twice)
    require_area(outline, "outline")
    for code, polygon in pairs:
        require_area(polygon, code)
    polygons = np.empty(len(pairs), dtype=object)
    polygons[:] = [polygon for _, polygon in pairs]
    return codes, polygons


def require_area(geom: BaseGeometry | None, name: str) -> None:
    """Refuse what is not a valid, finite, non-empty polygon or multipolygon.

    Parameters
    ----------
    geom : the geometry, in any CRS.
    name : its code, for the message.

    Raises
    ------
    InvalidGeometry
        ``facts["reason"]`` is ``not_an_area``, ``empty``, ``not_finite`` or GEOS's own reason.
    """
    if not isinstance(geom, Polygon | MultiPolygon):
        raise InvalidGeometry("a cell must be a polygon", name=name, reason="not_an_area")
    if geom.is_empty:
        raise InvalidGeometry("the polygon is empty", name=name, reason="empty")
    if not np.isfinite(shapely.get_coordinates(geom)).all():
        raise InvalidGeometry("a coordinate is not a finite number", name=name, reason="not_finite")
    if not shapely.is_valid(geom):
        raise InvalidGeometry("the polygon is not valid", name=name, reason=shapely.is_valid_reason(geom))


def _areas(geom: BaseGeometry) -> list[Polygon]:
    """The polygons of a geometry collection; points and lines that overlays leave behind have no ground."""
    parts = shapely.get_parts(shapely.get_parts(geom))
    return [part for part in parts if isinstance(part, Polygon) and part.area > 0.0]


def _touching(tree: shapely.STRtree, codes: Sequence[str], piece: Polygon) -> tuple[str, ...]:
    near = tree.query(piece, predicate="dwithin", distance=SLIVER_WIDTH_M)
    return tuple(sorted(codes[i] for i in near))


def _overlaps(
    tree: shapely.STRtree, codes: Sequence[str], polygons: Any
) -> list[tuple[Polygon, tuple[str, ...]]]:
    left, right = tree.query(polygons, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    shared = shapely.intersection(polygons[left], polygons[right])
    return [
        (piece, (codes[i], codes[j]))
        for i, j, ground in zip(left.tolist(), right.tolist(), shared, strict=True)
        for piece in _areas(ground)
    ]


def _overhang(
    codes: Sequence[str], polygons: Any, outline: BaseGeometry
) -> list[tuple[Polygon, tuple[str, ...]]]:
    shapely.prepare(outline)
    sticking_out = np.flatnonzero(~shapely.covered_by(polygons, outline)).tolist()
    return [
        (piece, (codes[i],))
        for i in sticking_out
        for piece in _areas(shapely.difference(polygons[i], outline))
    ]


def _defect(kind: DefectKind, piece: Polygon, codes: tuple[str, ...]) -> Defect:
    width_m = 2.0 * piece.area / piece.length
    inside = shapely.point_on_surface(piece)
    return Defect(
        kind=DefectKind.SLIVER if width_m < SLIVER_WIDTH_M else kind,
        of=kind,
        area_m2=float(piece.area),
        width_m=float(width_m),
        x_m=float(inside.x),
        y_m=float(inside.y),
        codes=codes,
    )
