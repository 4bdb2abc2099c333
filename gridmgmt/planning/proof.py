"""Proof that cells tile the land: three identities and a count of every vertex and every side.

The constraint ``seamless`` says yes or no by overlaying polygons. This is the same question asked without any
overlay, so that one answers for the other:

* **area**: the areas of the cells add up to the area of the land;
* **sides**: every side of a cell is the side of exactly one other cell, run through in the other direction,
  or it lies on the rim of the land, used once; the lengths of the latter add up to that of the rim;
* **points**: every vertex, and the middle of every side, belongs to some cell and lies strictly inside none,
  so that the rule "the smaller code owns the border" gives each exactly one owner.

A gap has a rim of its own, an overlap a side inside another cell, a missing vertex two sides without partner:
each shows in one count at least.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import FloatArray, GeomArray, segments

AREA_M2: Final = 0.01
LENGTH_M: Final = 0.01
ON_RIM_M: Final = 0.005
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class SeamProof:
    """The counts; :attr:`holds` says whether they are those of a seamless plan.

    Attributes
    ----------
    cells_m2, land_m2 : areas that have to be the same.
    rim_m, land_rim_m : length of sides used once, and of the outline of the land: the same.
    sides : undirected sides of all cells.
    inner_sides : used by two cells, once in each direction.
    rim_sides : used once and on the outline of the land.
    faulty_sides : any other.
    vertices, middles : points that were asked for their owner.
    owned_once : of them, those that belong to some cell and lie strictly inside none.
    places : up to twenty (easting, northing) where something is wrong.
    """

    cells_m2: float
    land_m2: float
    rim_m: float
    land_rim_m: float
    sides: int
    inner_sides: int
    rim_sides: int
    faulty_sides: int
    vertices: int
    middles: int
    owned_once: int
    places: tuple[tuple[float, float], ...]

    @property
    def holds(self) -> bool:
        """Whether the cells tile the land."""
        return (
            abs(self.cells_m2 - self.land_m2) <= AREA_M2
            and abs(self.rim_m - self.land_rim_m) <= LENGTH_M
            and self.faulty_sides == 0
            and self.owned_once == self.vertices + self.middles
        )

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"holds": self.holds, "places": [list(place) for place in self.places]}


def prove_seamless(cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> SeamProof:
    """Count what makes a plan seamless.

    Parameters
    ----------
    cells : valid polygons in a metric CRS.
    land : what they have to tile, in the same CRS; only its outline matters.
    """
    require_metric(cells.crs)
    shapes = np.asarray(cells.geometry.array, dtype=object)
    whole = shapely.union_all(np.asarray(land.geometry.array, dtype=object))
    side = segments(shapes)
    key, forward = side.keys()
    uses, forwards = np.bincount(key), np.bincount(key, forward)
    inner = (uses == 2) & (forwards == 1)
    _, first = np.unique(key, return_index=True)
    middles = (side.start[first] + side.end[first]) / 2.0
    rim = uses == 1
    off = shapely.distance(shapely.points(middles[rim]), whole.boundary) > ON_RIM_M
    rim[np.flatnonzero(rim)[off]] = False
    faulty = middles[~inner & ~rim]
    vertices = np.unique(np.concatenate([side.start, side.end]), axis=0)
    lost = [*_not_once(vertices, shapes), *_strictly_inside(middles, shapes)]
    places = [*faulty.tolist(), *(p.tolist() for p in lost)][:LISTED]
    return SeamProof(
        cells_m2=float(shapely.area(shapes).sum()),
        land_m2=float(whole.area),
        rim_m=float(side.lengths[first][uses == 1].sum()),
        land_rim_m=float(whole.length),
        sides=len(uses),
        inner_sides=int(inner.sum()),
        rim_sides=int(rim.sum()),
        faulty_sides=len(faulty),
        vertices=len(vertices),
        middles=len(middles),
        owned_once=len(vertices) + len(middles) - len(lost),
        places=tuple((float(x), float(y)) for x, y in places),
    )


def _not_once(points: FloatArray, shapes: GeomArray) -> FloatArray:
    """Vertices that lie strictly inside a cell; each belongs to the cell it is a vertex of."""
    found = shapely.STRtree(shapes).query(shapely.points(points), predicate="within")[0]
    lost: FloatArray = points[np.unique(found)]
    return lost


def _strictly_inside(points: FloatArray, shapes: GeomArray) -> FloatArray:
    """Middles that lie inside a cell by more than what computing a middle may err."""
    at, cell = shapely.STRtree(shapes).query(shapely.points(points), predicate="within")
    deep = shapely.distance(shapely.points(points[at]), shapely.boundary(shapes[cell])) > 1e-6
    lost: FloatArray = points[np.unique(at[deep])]
    return lost
