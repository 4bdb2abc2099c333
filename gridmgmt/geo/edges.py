"""Cutting long edges, so that a straight line stays the same line on another plane.

A border is straight in longitude and latitude: that is how PostGIS and the cell index read it. Projected,
or carried into another datum, it bows, and moving only its ends is wrong by the sagitta. Seen from the
metric zone an east-west edge at 39 °N bows by 6 mm over 600 m (2 m² of sliver where a neighbour has a
vertex half way) and by 7 µm over 20 m.

So whoever moves polygons and cares for the seam cuts first. Two neighbours must get the same new vertices
whichever way they run along their shared edge: that is the point of this file, and why it is not
``shapely.segmentize``.
"""

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]
G = TypeVar("G", bound=BaseGeometry | npt.NDArray[np.object_])

MAX_EDGE_DEG: Final = 0.0002
"""About 20 m: edges up to this length bow by less than a millimetre in every plane used here.

The worst is BD-09's ripple, amplitude 4e-4° and wave length 0.12°: L²/8 · 1.0 °/°² = 5e-9° = 0.6 mm.
"""


def cut_edges(geom: G, max_edge_deg: float = MAX_EDGE_DEG) -> G:
    """Insert vertices so that no edge of a polygon is longer than given.

    Parameters
    ----------
    geom : Polygon or MultiPolygon, or an array of them; other kinds come back untouched.
    max_edge_deg : degrees, counted on the longer of the two axes.

    Returns
    -------
    The same shape. An edge gets the same new vertices whichever way it is run through, bit for bit,
    so that neighbours stay neighbours; ``shapely.segmentize`` does not promise that.
    """
    if isinstance(geom, BaseGeometry):
        return _cut(geom, max_edge_deg)  # type: ignore[return-value]
    out = np.empty(geom.shape, dtype=object)
    for at, one in np.ndenumerate(geom):
        out[at] = _cut(one, max_edge_deg)
    return out  # type: ignore[return-value]


def _cut(geom: BaseGeometry, max_edge_deg: float) -> BaseGeometry:
    if isinstance(geom, shapely.MultiPolygon):
        parts = np.array([_cut(part, max_edge_deg) for part in geom.geoms], dtype=object)
        whole: BaseGeometry = shapely.multipolygons(parts)  # type: ignore[assignment]
        return whole
    if not isinstance(geom, shapely.Polygon) or geom.is_empty:
        return geom
    rings = [
        _cut_ring(shapely.get_coordinates(ring), max_edge_deg) for ring in (geom.exterior, *geom.interiors)
    ]
    return shapely.Polygon(rings[0], rings[1:])


def _cut_ring(coords: Floats, max_edge_deg: float) -> Floats:
    start, end = coords[:-1], coords[1:]
    pieces = np.maximum(np.ceil(np.abs(end - start).max(axis=1) / max_edge_deg), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(start)), pieces)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    backwards = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low = np.where(backwards[:, None], end, start)[edge]
    high = np.where(backwards[:, None], start, end)[edge]
    share = np.where(backwards[edge], pieces[edge] - step, step) / pieces[edge]
    cut = low + share[:, None] * (high - low)
    # The ring's own vertices are kept bit for bit: low + 1.0 * (high - low) may round away from high.
    cut[step == 0] = start
    return np.vstack([cut, cut[:1]])
