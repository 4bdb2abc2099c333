"""Share land out to the nearest of several shapes, as border lines ready to be noded.

The one primitive behind two steps: the strip between two carriageways goes half to the block on either
side, and the land of a compound goes to its buildings. Both ask which shape a place is nearest to; the
answer is the Voronoi diagram of points along the shapes' outlines, with the borders inside one shape's
share left out.

Only lines are returned. Polygons are made later, by one noding of all lines of a plan together
(:mod:`gridmgmt.planning.coverage`), which is what keeps neighbours seamless.
"""

from typing import Any

import numpy as np
import shapely

from gridmgmt.planning.coverage import GRID_M, FloatArray, GeomArray, IntArray, dissolve


def nearest_borders(area: Any, shapes: GeomArray, *, spacing_m: float, simplify_m: float) -> GeomArray:
    """Return the lines inside ``area`` that are equally far from two shapes.

    Parameters
    ----------
    area : metric polygon or multipolygon to be shared out.
    shapes : polygons, lines or points, pairwise disjoint; they may lie inside ``area`` or around it.
    spacing_m : distance of the points along the outlines. A border runs exactly between two shapes when it is
        smaller than twice their gap.
    simplify_m : how far a border may be moved to lose its needless corners; end points stay.

    Returns
    -------
    Lines clipped to ``area``; none when fewer than two shapes are given.
    """
    if len(shapes) < 2:
        return np.empty(0, dtype=object)
    points, owner = outline_points(shapes, spacing_m)
    frame = shapely.box(*shapely.total_bounds([area, *shapes])).buffer(spacing_m)
    regions = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=frame, ordered=True)
    )
    shares = dissolve(np.asarray(regions, dtype=object), owner)
    borders = shapely.line_merge(shapely.union_all(shapely.boundary(shares)))
    inside = shapely.intersection(shapely.get_parts(borders), area)
    lines = shapely.get_parts(inside)
    lines = lines[shapely.length(lines) > GRID_M]
    return np.asarray(shapely.simplify(lines, simplify_m), dtype=object)


def outline_points(shapes: GeomArray, spacing_m: float) -> tuple[FloatArray, IntArray]:
    """Return points along the outlines, no two alike, and the shape that each belongs to.

    Parameters
    ----------
    shapes : polygons, lines or points.
    spacing_m : largest distance between neighbours along an outline.

    Notes
    -----
    A place where two outlines meet is left to the shape that comes first.
    """
    lines = np.where(shapely.get_dimensions(shapes) == 2, shapely.boundary(shapes), shapes)
    coords, owner = shapely.get_coordinates(shapely.segmentize(lines, spacing_m), return_index=True)
    _, first = np.unique(np.rint(coords / GRID_M).astype(np.int64), axis=0, return_index=True)
    first.sort()
    coords, owner = coords[first], owner[first].astype(np.int64)
    # A shape whose points all belong to others keeps no share: renumber so that labels stay dense.
    return coords, np.unique(owner, return_inverse=True)[1].astype(np.int64)
