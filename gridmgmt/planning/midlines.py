"""Midlines: where the land between several shapes is shared out to the nearest, many at once.

Points along the shapes carry the shape's number; the border between two numbers is made of the edges of the
Voronoi diagram between points that differ. It is read off the Delaunay triangulation, as an edge of the one
stands for an edge of the other, so that only borders are ever built and no polygon:
800,000 points take seconds (:mod:`gridmgmt.planning.tessellation`, which builds and unites the regions of
every point, takes a minute; it serves where every last corner is wanted).
"""

from typing import Final

import numpy as np
import shapely
from scipy.spatial import Delaunay, cKDTree  # type: ignore[import-untyped]

from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray, on_lattice

FAR: Final = 10.0
"""How far outside the points' frame, in sizes of it, the four helpers stand that close the diagram."""


def points_along(start: FloatArray, end: FloatArray, spacing_m: float) -> tuple[FloatArray, IntArray]:
    """Return points inside straight sides, ends left out, and the side that each lies on.

    Parameters
    ----------
    start, end : (n, 2) ends of the sides. Two sides that meet have no point in common.
    spacing_m : largest distance between neighbours of one side.
    """
    across = end - start
    count = np.maximum(np.ceil(np.hypot(*across.T) / spacing_m).astype(np.int64), 1)
    side = np.repeat(np.arange(len(start)), count)
    number = np.arange(len(side)) - np.repeat(np.cumsum(count) - count, count)
    share = (number + 0.5) / count[side]
    return start[side] + across[side] * share[:, None], side.astype(np.int64)


def borders_between(points: FloatArray, labels: IntArray, *, simplify_m: float) -> GeomArray:
    """Return the lines that are equally far from points of two labels.

    Parameters
    ----------
    points : (n, 2) metric. labels : (n,) at least 0.
    simplify_m : how far a border may be moved to lose its needless corners; end points stay.

    Returns
    -------
    Lines that may reach far beyond the points: the caller clips them to the land that is shared out.
    """
    if len(np.unique(labels)) < 2:
        return np.empty(0, dtype=object)
    centre = points.mean(axis=0)
    size = float(np.abs(points - centre).max()) + 1.0
    helpers = size * FAR * np.asarray([(-1.0, -1.1), (1.0, -0.9), (1.1, 1.0), (-0.9, 1.2)])
    placed = np.concatenate([points - centre, helpers])
    named = np.concatenate([labels, np.full(len(helpers), -1)])
    mesh = Delaunay(placed)
    centres = _circumcentres(placed[mesh.simplices])
    triangle, corner = np.nonzero(mesh.neighbors > np.arange(len(mesh.simplices))[:, None])
    one = named[mesh.simplices[triangle, (corner + 1) % 3]]
    two = named[mesh.simplices[triangle, (corner + 2) % 3]]
    apart = (one != two) & (one >= 0) & (two >= 0)
    ends = np.stack([centres[triangle], centres[mesh.neighbors[triangle, corner]]], axis=1)[apart]
    usable = np.isfinite(ends).all(axis=(1, 2)) & (np.abs(ends).max(axis=(1, 2), initial=0.0) < size * FAR**2)
    ends = on_lattice(ends[usable] + centre)
    ends = ends[(ends[:, 0] != ends[:, 1]).any(axis=1)]
    if len(ends) == 0:
        return np.empty(0, dtype=object)
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(ends)))
    return np.asarray(shapely.simplify(shapely.get_parts(merged), simplify_m), dtype=object)


def nearest_label(
    places: FloatArray, groups: IntArray, points: FloatArray, labels: IntArray, point_groups: IntArray
) -> IntArray:
    """Return the label of the point nearest to each place, among the points of the place's own group.

    Parameters
    ----------
    places, groups : (n, 2) and (n,). points, labels, point_groups : (m, 2), (m,) and (m,); every group of a
        place has a point.
    """
    apart = 10.0 * (np.abs(np.concatenate([places, points])).max(initial=0.0) + 1.0)
    tree = cKDTree(np.column_stack([points, point_groups * apart]))
    nearest = tree.query(np.column_stack([places, groups * apart]))[1]
    return np.asarray(labels[nearest], dtype=np.int64)


def _circumcentres(corners: FloatArray) -> FloatArray:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    double = 2.0 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
    ab2, ac2 = (ab**2).sum(axis=1), (ac**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (ac[:, 1] * ab2 - ab[:, 1] * ac2) / double
        y = (ab[:, 0] * ac2 - ac[:, 0] * ab2) / double
    return np.asarray(a + np.column_stack([x, y]), dtype=np.float64)
