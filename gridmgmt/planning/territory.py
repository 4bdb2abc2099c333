"""The communities that atoms are drawn in: checked, and their clumsy seams closed.

Two drawings of one border differ by centimetres. Ground that two communities claim or none, nowhere wider
than :data:`SEAM_M`, is such a seam: it is shared out and reported. Wider ground is a question that only the
subdistrict can answer, so it is refused with the place and the communities; a hole may be declared to be
land of somebody else (``keep_holes``). Parts that lie apart (exclaves 飞地, islands) are as good as any.
"""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.errors import InvalidGeometry, InvalidInput, WrongCrs
from gridmgmt.geo.crs import CHINA_LAT, CHINA_LON, require_metric
from gridmgmt.planning.coverage import GRID_M, GeomArray, IntArray
from gridmgmt.planning.lines import require_places

SEAM_M: Final = 0.5
"""Ground in dispute that is nowhere wider than this is a seam between two drawings."""


@dataclass(frozen=True, slots=True)
class Territory:
    """Communities ready to be drawn in; ``seams`` are the closed cracks, ``overlaps`` their area in m²."""

    codes: npt.NDArray[np.object_]
    shapes: GeomArray
    crs: Any
    seams: GeomArray
    overlap_m2: float
    in_pieces: tuple[str, ...]

    @property
    def seam_m2(self) -> float:
        """Area that belonged to no community and was shared out."""
        return float(shapely.area(self.seams).sum())

    def owners(self, points: GeomArray) -> IntArray:
        """Position of the community that holds each point: the first where two do, -1 for none."""
        found = np.full(len(points), len(self.shapes), dtype=np.int64)
        point, member = shapely.STRtree(self.shapes).query(points, predicate="intersects")
        np.minimum.at(found, point, member)
        found[found == len(self.shapes)] = -1
        return found


def checked_territory(communities: gpd.GeoDataFrame, *, keep_holes: bool) -> Territory:
    """Return the communities, or say what is wrong with them.

    Parameters
    ----------
    communities : ``code`` and polygons in a metric CRS.
    keep_holes : ground that the communities enclose and none claims is somebody else's.

    Raises
    ------
    WrongCrs
        No CRS, or one that does not measure, or coordinates that lie nowhere near its area (axes swapped).
    InvalidInput
        No community, no ``code``, or one twice.
    InvalidGeometry
        Empty, invalid, no polygon, thinner than the lattice; ``hint`` ``communities_overlap`` or
        ``communities_gap`` with area, place and codes.
    """
    crs = require_metric(communities.crs)
    if len(communities) == 0 or "code" not in communities:
        raise InvalidInput("give at least one community, with its code", argument="communities")
    codes = communities["code"].astype(str).to_numpy(dtype=object)
    if communities["code"].isna().any() or len(set(codes)) != len(codes):
        raise InvalidInput("every community has a code of its own", argument="communities")
    shapes = shapely.force_2d(np.asarray(communities.geometry.array, dtype=object))
    _require_polygons(shapes, codes)
    require_places("communities", shapes)
    _require_area_of(crs, shapes)
    overlap_m2 = _overlap_of_seams(shapes, codes)
    seams = _seams(shapes, codes, keep_holes=keep_holes)
    several = shapely.get_num_geometries(shapes) > 1
    return Territory(codes, shapes, crs, seams, overlap_m2, tuple(codes[several].tolist()))


def _require_polygons(shapes: GeomArray, codes: npt.NDArray[np.object_]) -> None:
    wrong = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    wrong |= shapely.get_dimensions(shapes) != 2
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise InvalidGeometry(
            "a community must be a valid, non-empty polygon",
            codes=codes[wrong].tolist()[:10],
            reason=str(shapely.is_valid_reason(shapes[first])),
        )
    thin = shapely.is_empty(shapely.buffer(shapes, -GRID_M))
    if thin.any():
        raise InvalidGeometry(
            "a community is thinner than the planning lattice", codes=codes[thin].tolist()[:10]
        )


def _require_area_of(crs: Any, shapes: GeomArray) -> None:
    """Refuse coordinates that lie far from where the CRS is made for: mostly swapped axes."""
    west, south, east, north = shapely.total_bounds(shapes)
    centre = gpd.GeoSeries([shapely.Point((west + east) / 2.0, (south + north) / 2.0)], crs=crs)
    place = centre.to_crs(crs.geodetic_crs).iloc[0]
    lon, lat = (float(place.x), float(place.y)) if not place.is_empty else (np.nan, np.nan)
    if not (np.isfinite(lon) and np.isfinite(lat)):
        raise WrongCrs("the communities lie nowhere in this CRS", hint="axes_swapped")
    area = crs.area_of_use
    bounds = area.bounds if area is not None else (-180.0, -80.0, 180.0, 84.0)
    west, south, east, north = bounds
    if west <= east and not (west - 3.0 <= lon <= east + 3.0 and south - 3.0 <= lat <= north + 3.0):
        swapped = gpd.GeoSeries([shapely.Point(centre.iloc[0].y, centre.iloc[0].x)], crs=crs)
        other = swapped.to_crs(crs.geodetic_crs).iloc[0]
        likely = CHINA_LON[0] <= other.x <= CHINA_LON[1] and CHINA_LAT[0] <= other.y <= CHINA_LAT[1]
        raise WrongCrs(
            "the communities lie outside the area of their CRS",
            hint="axes_swapped" if likely else "out_of_range",
            lon=round(lon, 4),
            lat=round(lat, 4),
        )


def _overlap_of_seams(shapes: GeomArray, codes: npt.NDArray[np.object_]) -> float:
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    common = shapely.intersection(shapes[one], shapes[two])
    area = shapely.area(common)
    real = area > 0.0
    wide = real & ~shapely.is_empty(shapely.buffer(common, -SEAM_M / 2.0))
    if wide.any():
        worst = int(np.argmax(np.where(wide, area, -1.0)))
        place = shapely.point_on_surface(common[worst])
        raise InvalidGeometry(
            "two communities overlap",
            hint="communities_overlap",
            codes=[codes[one[worst]], codes[two[worst]]],
            pairs=int(wide.sum()),
            area_m2=round(float(area[worst]), 2),
            x_m=round(float(place.x), 2),
            y_m=round(float(place.y), 2),
        )
    return float(area[real].sum())


def _seams(shapes: GeomArray, codes: npt.NDArray[np.object_], *, keep_holes: bool) -> GeomArray:
    """Cracks between communities; a hole that is wider than one is refused unless it is to be kept."""
    union = shapely.union_all(shapes)
    half = SEAM_M / 2.0
    closed = shapely.buffer(shapely.buffer(union, half, join_style="mitre"), -half, join_style="mitre")
    cracks = np.asarray(shapely.get_parts(shapely.difference(closed, union)), dtype=object)
    cracks = cracks[shapely.area(cracks) > GRID_M**2]
    tree = shapely.STRtree(shapes)
    crack, _ = tree.query(cracks, predicate="dwithin", distance=GRID_M)
    cracks = cracks[np.bincount(crack, minlength=len(cracks)) > 1]
    if not keep_holes:
        holes = _holes(shapely.union_all([union, *cracks]))
        own = _holes(shapes)
        filled = shapely.STRtree(own).query(holes, predicate="covered_by")[0] if len(own) else []
        open_holes = np.delete(holes, np.unique(np.asarray(filled, dtype=np.int64)))
        # A hole inside one community alone was drawn on purpose: a lake, or another street's exclave.
        _refuse_hole(open_holes, tree, codes)
    return cracks


def _holes(shapes: Any) -> GeomArray:
    parts = shapely.get_parts(shapes)
    count = shapely.get_num_interior_rings(parts)
    found = [shapely.get_interior_ring(part, np.arange(n)) for part, n in zip(parts, count, strict=True) if n]
    return np.asarray(shapely.polygons(np.concatenate(found)) if found else [], dtype=object)


def _refuse_hole(holes: GeomArray, tree: shapely.STRtree, codes: npt.NDArray[np.object_]) -> None:
    if len(holes) == 0:
        return
    worst = holes[int(np.argmax(shapely.area(holes)))]
    place = shapely.point_on_surface(worst)
    around = tree.query(worst, predicate="dwithin", distance=GRID_M)
    raise InvalidGeometry(
        "the communities leave a gap that none of them claims",
        hint="communities_gap",
        codes=sorted(codes[around].tolist())[:10],
        gaps=len(holes),
        area_m2=round(float(worst.area), 2),
        x_m=round(float(place.x), 2),
        y_m=round(float(place.y), 2),
    )
