"""Roads to blocks: the land between lines, without the slivers that drawings of roads are full of.

Roads, and optionally water, railways and walls, are noded together with the outline of the subdistrict and
polygonised (partition principles of the unit-grid standards: cells follow roads, rivers and walls and never
cross the territory's border). Two habits of real maps are put right here:

* a road that ends just short of the next one is carried on straight (``extend_m``), otherwise a block leaks;
* the strip between two carriageways, a slip road's triangle or a roundabout is not a block: every face that
  nowhere is ``narrower_than_m`` wide is shared out to the nearest blocks, so that a border runs along the
  middle of a dual carriageway.

Not done here: no classes of barrier (a footpath cuts like a motorway: filter before), no repair of the input,
no splitting of large blocks (:mod:`gridmgmt.planning.atoms`).
"""

from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.errors import Infeasible, InvalidGeometry, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import GRID_M, GeomArray, absorb_small, dissolve, noded_faces
from gridmgmt.planning.numbering import reading_order
from gridmgmt.planning.tessellation import nearest_borders

SLIVER_AREA_M2: Final = 1.0
"""Faces below this come from rounding, not from the map."""


def blocks_from_lines(
    lines: gpd.GeoDataFrame,
    outline: shapely.Polygon,
    *,
    extend_m: float = 0.0,
    narrower_than_m: float = 40.0,
) -> gpd.GeoDataFrame:
    """Cut the outline into blocks along the lines.

    Parameters
    ----------
    lines : (multi)linestrings in a metric CRS; the part outside the outline is ignored.
    outline : polygon of the territory in the same CRS; its border always separates.
    extend_m : a dead end is carried on straight for at most this far when it then meets a line; 0 turns it
        off.
    narrower_than_m : a face in which no point is half of this from its border is shared out to its
        neighbours.

    Returns
    -------
    ------- Columns ``block_id`` (``B001`` … in reading order), ``area_m2`` and ``geometry``: a seamless
    coverage of the outline on the planning lattice.

    Raises
    ------
    WrongCrs
        The lines are not in a metric CRS.
    InvalidGeometry
        Empty or invalid outline, a line that is not finite, or something other than lines.
    Infeasible
        The outline is so narrow that no block is left.

    Examples
    --------
    >>> from gridmgmt.geo.crs import MetricZone
    >>> cross = gpd.GeoDataFrame(geometry=shapely.linestrings(
    ...     [[(0, 100), (200, 100)], [(100, 0), (100, 200)]]), crs=int(MetricZone.CM_117E))
    >>> blocks_from_lines(cross, shapely.box(0, 0, 200, 200))["area_m2"].tolist()
    [10000.0, 10000.0, 10000.0, 10000.0]
    """
    crs = require_metric(lines.crs)
    _require_outline(outline)
    drawn = _require_lines(lines)
    if extend_m > 0:
        drawn = extend_dead_ends([*drawn, shapely.boundary(outline)], extend_m)
    border = shapely.boundary(outline)
    inside = shapely.get_parts(shapely.intersection(drawn, outline))
    inside = inside[shapely.get_dimensions(inside) == 1]
    faces = _inside(noded_faces([*inside, border]), outline)
    faces = _share_out_narrow(faces, narrower_than_m)
    faces = dissolve(faces, absorb_small(faces, shapely.area(faces) < SLIVER_AREA_M2))
    return _numbered(faces, crs)


def extend_dead_ends(lines: Sequence[Any], extend_m: float) -> GeomArray:
    """Carry every dead end on in its own direction until it meets a line, if one is near enough.

    Parameters
    ----------
    lines : metric lines, noded or not.
    extend_m : farthest that an end is carried on. An end that meets nothing stays as it is.

    Returns
    -------
    The lines, noded, with the extensions appended.
    """
    noded = shapely.get_parts(shapely.union_all(np.asarray(lines, dtype=object), grid_size=GRID_M))
    merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(noded)))
    tree = shapely.STRtree(merged)
    added = []
    for tip, before in _dead_ends(merged):
        ray = shapely.linestrings([tip, tip + (tip - before) / np.hypot(*(tip - before)) * extend_m])
        crossed = shapely.intersection(merged[tree.query(ray, predicate="intersects")], ray)
        hits = shapely.get_coordinates(crossed)
        away = np.hypot(*(hits - tip).T)
        ahead = away > GRID_M
        if ahead.any():
            nearest = hits[ahead][np.argmin(away[ahead])]
            added.append(shapely.linestrings([tip, nearest]))
    return np.asarray([*merged, *added], dtype=object)


def _dead_ends(merged: GeomArray) -> list[tuple[Any, Any]]:
    """Tips of the network, each with the vertex before it."""
    ends = []
    for line in merged:
        coords = shapely.get_coordinates(line)
        if not np.array_equal(coords[0], coords[-1]):
            ends += [(coords[0], coords[1]), (coords[-1], coords[-2])]
    if not ends:
        return []
    _, where, uses = np.unique(
        np.asarray([tip for tip, _ in ends]), axis=0, return_inverse=True, return_counts=True
    )
    return [end for end, degree in zip(ends, uses[where.ravel()], strict=True) if degree == 1]


def _share_out_narrow(faces: GeomArray, narrower_than_m: float) -> GeomArray:
    """Divide the narrow faces among the wide ones by nearness and unite each share with its block."""
    narrow = shapely.is_empty(shapely.buffer(faces, -narrower_than_m / 2.0))
    if narrow.all():
        raise Infeasible(
            "no block is left: the outline is narrower than the strip between two carriageways",
            constraint="block_width",
            narrower_than_m=narrower_than_m,
        )
    if not narrow.any():
        return faces
    wide = faces[~narrow]
    strips = shapely.union_all(faces[narrow])
    cuts = nearest_borders(strips, wide, spacing_m=narrower_than_m / 8.0, simplify_m=1.0)
    pieces = noded_faces([*shapely.boundary(faces), *cuts])
    pieces = _inside(pieces, shapely.union_all(faces))
    owner = shapely.STRtree(wide).nearest(shapely.point_on_surface(pieces))
    return _one_piece_each(dissolve(pieces, owner.astype(np.int64)))


def _one_piece_each(blocks: GeomArray) -> GeomArray:
    """Keep the largest part of every block; the rest goes to the neighbour with the longest border."""
    parts, owner = shapely.get_parts(blocks, return_index=True)
    area = shapely.area(parts)
    order = np.lexsort((-area, owner))
    largest = np.zeros(len(parts), dtype=np.bool_)
    largest[order[np.unique(owner[order], return_index=True)[1]]] = True
    return dissolve(parts, absorb_small(parts, ~largest))


def _inside(faces: GeomArray, outline: Any) -> GeomArray:
    """Leave out faces that are holes of the outline."""
    shapely.prepare(outline)
    return faces[shapely.contains(outline, shapely.point_on_surface(faces))]


def _numbered(faces: GeomArray, crs: Any) -> gpd.GeoDataFrame:
    order = reading_order(shapely.get_coordinates(shapely.centroid(faces)), float(shapely.area(faces).sum()))
    faces = faces[order]
    width = max(3, len(str(len(faces))))
    return gpd.GeoDataFrame(
        {
            "block_id": [f"B{number:0{width}d}" for number in range(1, len(faces) + 1)],
            "area_m2": shapely.area(faces),
        },
        geometry=gpd.GeoSeries(faces, crs=crs),
    )


def _require_outline(outline: Any) -> None:
    if outline.is_empty or not outline.is_valid or shapely.get_dimensions(outline) != 2:
        raise InvalidGeometry(
            "the outline must be a valid, non-empty polygon", reason=shapely.is_valid_reason(outline)
        )


def _require_lines(lines: gpd.GeoDataFrame) -> GeomArray:
    drawn = np.asarray(lines.geometry.array, dtype=object)
    wrong = np.flatnonzero(shapely.is_missing(drawn) | (shapely.get_dimensions(drawn) != 1))
    if len(wrong):
        raise InvalidGeometry("only lines can cut land into blocks", positions=wrong[:10].tolist())
    coords = shapely.get_coordinates(drawn)
    if not np.isfinite(coords).all():
        raise InvalidGeometry("a line has a coordinate that is not finite")
    if len(coords) and np.abs(coords).max() <= 180.0:
        raise WrongCrs("the coordinates look like degrees although the CRS is metric")
    return drawn
