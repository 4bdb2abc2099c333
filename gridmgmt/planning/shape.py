"""How compact a cell is: two figures that are 1 for a circle.

* Polsby-Popper, 4πA/P²: area against outline. A square has 0.785; a crinkled border lowers it.
* Normalised moment of inertia, A²/2πI: area against its spread about the middle. A square has 0.955; long
  arms lower it, crinkles do not.
"""

import numpy as np
import shapely

from gridmgmt.planning.coverage import FloatArray, GeomArray


def polsby_popper(shapes: GeomArray) -> FloatArray:
    """Return 4πA/P² of each polygon; 0 for an empty one."""
    outline = shapely.length(shapes)
    result: FloatArray = 4.0 * np.pi * shapely.area(shapes) / np.maximum(outline, 1e-12) ** 2
    return result


def inertia(shapes: GeomArray) -> FloatArray:
    """Return A²/2πI of each polygon, I being the second polar moment about its centroid.

    Examples
    --------
    >>> inertia(np.array([shapely.box(0, 0, 7, 7)])).round(4).tolist()
    [0.9549]
    """
    spread = np.zeros(len(shapes))
    parts, whole = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    owner = whole[part]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    # About the centroid from the start: about a distant origin the digits that matter would be lost.
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    xy = xy - middle[owner[ring]]
    same = ring[1:] == ring[:-1]
    (x0, y0), (x1, y1) = xy[:-1][same].T, xy[1:][same].T
    cross = x0 * y1 - x1 * y0
    # Green's theorem, side by side; holes run the other way and are taken off.
    moments = cross * (x0 * x0 + x0 * x1 + x1 * x1 + y0 * y0 + y0 * y1 + y1 * y1) / 12.0
    np.add.at(spread, owner[ring[:-1][same]], moments)
    area = shapely.area(shapes)
    return np.asarray(area**2 / np.maximum(2.0 * np.pi * np.abs(spread), 1e-12), dtype=np.float64)
