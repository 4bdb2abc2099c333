"""Buildings that no border may cut: overlapping ones taken together, and borders led around them.

Lines are drawn as if there were no buildings; then the outlines of those that a line enters are noded too,
and all ground inside goes to whichever land has most of the building. The border so follows the building's
wall for a few metres instead of cutting it, and the blocks on both sides stay two.

A community's border is stronger: nothing leads it around a building. Such a building is kept whole on each
side and reported.
"""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.errors import InvalidGeometry
from gridmgmt.planning.coverage import GRID_M, GeomArray, IntArray, components
from gridmgmt.planning.lines import require_places, require_plan_crs

CUT_AREA_M2: Final = 0.01
"""A building counts as cut, and two as overlapping, when more than this is concerned."""

TOUCH_M: Final = 2 * GRID_M
"""A line that enters a building by less only touches it."""


@dataclass(frozen=True, slots=True)
class Footprints:
    """Buildings, and the clusters of those that overlap.

    Attributes
    ----------
    ids, geometry : (n,) as given. cluster : (n,) position in ``clusters``.
    clusters : (k,) united footprints.
    points : rows of the layer that were points or empty.
    """

    ids: npt.NDArray[np.object_]
    geometry: GeomArray
    cluster: IntArray
    clusters: GeomArray
    points: int

    @property
    def overlapping(self) -> int:
        """Buildings that overlap another."""
        size = np.bincount(self.cluster, minlength=len(self.clusters))
        return int((size[self.cluster] > 1).sum()) if len(self.cluster) else 0

    def entered_by(self, lines: GeomArray) -> IntArray:
        """Clusters that one of the lines enters."""
        if len(self.clusters) == 0 or len(lines) == 0:
            return np.empty(0, dtype=np.int64)
        cores = shapely.buffer(self.clusters, -TOUCH_M, join_style="mitre")
        at, _ = shapely.STRtree(lines).query(cores, predicate="intersects")
        return np.unique(at).astype(np.int64)

    def names(self, clusters: IntArray) -> tuple[str, ...]:
        """Ids of the buildings of some clusters."""
        return tuple(str(name) for name in self.ids[np.isin(self.cluster, clusters)])


def checked_footprints(buildings: gpd.GeoDataFrame | None, crs: Any) -> Footprints:
    """Return the buildings, or say which of them is wrong.

    Parameters
    ----------
    buildings : polygons, optionally with ``building_id``; points (an address, an entrance) are left out.
    crs : of the plan.

    Raises
    ------
    WrongCrs, InvalidGeometry
        Another CRS; an invalid footprint (``ids`` and ``reason``), or a line.
    """
    nothing = np.empty(0, dtype=object)
    if buildings is None or len(buildings) == 0:
        return Footprints(nothing, nothing, np.empty(0, dtype=np.int64), nothing, 0)
    require_plan_crs("buildings", buildings, crs)
    shapes = shapely.force_2d(np.asarray(buildings.geometry.array, dtype=object))
    require_places("buildings", shapes)
    column = buildings.get("building_id", buildings.index)
    ids = np.asarray(column, dtype=object)
    out = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.get_dimensions(shapes) == 0)
    shapes, ids = shapes[~out], ids[~out]
    wrong = ~shapely.is_valid(shapes) | (shapely.get_dimensions(shapes) != 2)
    if wrong.any():
        first = shapes[int(np.flatnonzero(wrong)[0])]
        raise InvalidGeometry(
            "a building footprint must be a valid polygon",
            ids=[str(name) for name in ids[wrong][:10]],
            count=int(wrong.sum()),
            reason=str(shapely.is_valid_reason(first)),
        )
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    common = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    pairs = np.column_stack([one, two])[common > CUT_AREA_M2]
    cluster = components(len(shapes), pairs)
    return Footprints(ids, shapes, cluster, _united(shapes, cluster), int(out.sum()))


def _united(shapes: GeomArray, cluster: IntArray) -> GeomArray:
    order = np.argsort(cluster, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(cluster[order]) > 0])
    size = np.diff(np.r_[first, len(order)])
    result = shapes[order[first]]
    for number in np.flatnonzero(size > 1):
        members = order[first[number] : first[number] + size[number]]
        result[number] = shapely.union_all(shapes[members])
    return result


def kept_whole(
    label: IntArray, cluster: IntArray, community: IntArray, area_m2: npt.NDArray[np.float64]
) -> IntArray:
    """Give all faces of one building in one community the label that most of it has.

    Parameters
    ----------
    label, community, area_m2 : (n,) of each face. cluster : (n,) building it lies in, -1 for none.
    """
    inside = np.flatnonzero(cluster >= 0)
    if len(inside) == 0:
        return label
    building = np.unique(np.column_stack([cluster[inside], community[inside]]), axis=0, return_inverse=True)[
        1
    ]
    building = building.ravel()
    key, where = np.unique(np.column_stack([building, label[inside]]), axis=0, return_inverse=True)
    total = np.bincount(where.ravel(), area_m2[inside])
    order = np.lexsort((key[:, 1], -total, key[:, 0]))
    first = order[np.unique(key[order, 0], return_index=True)[1]]
    result = label.copy()
    result[inside] = key[first, 1][building]
    return result
