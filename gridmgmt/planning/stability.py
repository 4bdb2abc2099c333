"""How near people are to the middle of their cell, and how many change cells from one plan to the next.

**Walking.** The straight line from the centroid of a cell to each place where people live, weighted by
households: no paths are known here, so it is a lower bound of the true walk. Minutes are at 1.2 m/s (4 ft/s,
the walking speed of the Highway Capacity Manual). Without places it is the mean over the ground of a cell,
on a lattice of ten metres, and ``basis`` says so.

**Stability.** A code is never given twice, so a new plan may have all codes new and every resident where he
was. What counts is whether people stay together: every old cell gets at most one *heir* among the new cells,
the pair with the most households in common first, and whoever is not in the heir of his old cell *moves*.
Changed codes are counted beside it. Without places, households are spread evenly over the ground of their old
cell.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray

WALKING_M_PER_S: Final = 1.2
LATTICE_M: Final = 10.0


@dataclass(frozen=True, slots=True)
class Walking:
    """Straight-line distances from the middle of the cell.

    Attributes
    ----------
    basis : ``households`` at their places, or ``area`` where no places are known.
    mean_m, p90_m, max_m : over households (or ground).
    mean_min : of ``mean_m`` at :data:`WALKING_M_PER_S`.
    """

    basis: str
    mean_m: float
    p90_m: float
    max_m: float
    mean_min: float

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Stability:
    """What changes against a plan before.

    Attributes
    ----------
    basis : as :class:`Walking`.
    households : that lie in a cell of both plans.
    moved, moved_share : not in the heir of their old cell.
    recoded, recoded_share : in a cell with another code than before.
    cases, cases_moved, cases_recoded : open cases, counted alike; None when none were given.
    cells_kept : new cells that are heir of an old one.
    """

    basis: str
    households: float
    moved: float
    moved_share: float
    recoded: float
    recoded_share: float
    cases: int | None
    cases_moved: int | None
    cases_recoded: int | None
    cells_kept: int

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(self).items()}


def walking(cells: gpd.GeoDataFrame, places: gpd.GeoDataFrame | None, demand: str = "households") -> Walking:
    """Measure how far people are from the middle of their cell.

    Parameters
    ----------
    cells : polygons in a metric CRS.
    places : where people live, with the ``demand`` column; their middles count. None when unknown.
    """
    require_metric(cells.crs)
    shapes = np.asarray(cells.geometry.array, dtype=object)
    basis, points, weight = _people(shapes, places, demand)
    cell = owner_of(points, shapes)
    inside = (cell >= 0) & (weight > 0)
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    metres = np.hypot(*(points[inside] - middle[cell[inside]]).T)
    weight = weight[inside]
    if len(metres) == 0:
        return Walking(basis, 0.0, 0.0, 0.0, 0.0)
    mean = float(np.average(metres, weights=weight))
    order = np.argsort(metres, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    p90 = float(metres[order][np.searchsorted(reached, 0.9)])
    return Walking(basis, mean, p90, float(metres.max()), mean / WALKING_M_PER_S / 60.0)


def stability(
    cells: gpd.GeoDataFrame,
    before: gpd.GeoDataFrame,
    *,
    places: gpd.GeoDataFrame | None = None,
    cases: gpd.GeoDataFrame | None = None,
    demand: str = "households",
) -> Stability:
    """Count who changes cells.

    Parameters
    ----------
    cells, before : the plan and the one before it: ``code``, ``demand`` column, polygons in one metric CRS.
    places : as :func:`walking`.
    cases : points of open cases, in the same CRS.
    """
    require_metric(cells.crs)
    new, old = (np.asarray(frame.geometry.array, dtype=object) for frame in (cells, before))
    if places is not None:
        basis, points, weight = _people(old, places, demand)
        was, now = owner_of(points, old), owner_of(points, new)
    else:
        basis, was, now, weight = "area", *_shared(old, new, before[demand].to_numpy(dtype=np.float64))
    heir = heirs(was, now, weight, len(old))
    both = (was >= 0) & (now >= 0)
    codes, old_codes = cells["code"].to_numpy(), before["code"].to_numpy()
    moved, recoded = _changed(was[both], now[both], heir, codes, old_codes)
    total = float(weight[both].sum())
    share = max(total, 1e-12)
    counted: tuple[int | None, int | None, int | None] = (None, None, None)
    if cases is not None:
        at = shapely.get_coordinates(shapely.centroid(np.asarray(cases.geometry.array, dtype=object)))
        case_was, case_now = owner_of(at, old), owner_of(at, new)
        known = (case_was >= 0) & (case_now >= 0)
        case_moved, case_recoded = _changed(case_was[known], case_now[known], heir, codes, old_codes)
        counted = (int(known.sum()), int(case_moved.sum()), int(case_recoded.sum()))
    lost, renamed = float(weight[both][moved].sum()), float(weight[both][recoded].sum())
    kept = int((heir >= 0).sum())
    return Stability(basis, total, lost, lost / share, renamed, renamed / share, *counted, kept)


def owner_of(points: FloatArray, shapes: GeomArray) -> IntArray:
    """Position of the cell that each point lies in, the first of several on a border, -1 outside all."""
    at, cell = shapely.STRtree(shapes).query(shapely.points(points), predicate="intersects")
    owner = np.full(len(points), len(shapes), dtype=np.int64)
    np.minimum.at(owner, at, cell)
    owner[owner == len(shapes)] = -1
    return owner


def _people(
    shapes: GeomArray, places: gpd.GeoDataFrame | None, demand: str
) -> tuple[str, FloatArray, FloatArray]:
    if places is not None:
        middles = shapely.point_on_surface(np.asarray(places.geometry.array, dtype=object))
        weight = places[demand].fillna(0).to_numpy(dtype=np.float64)
        return "households", shapely.get_coordinates(middles), weight
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    xs = np.arange(west + LATTICE_M / 2, east, LATTICE_M)
    ys = np.arange(south + LATTICE_M / 2, north, LATTICE_M)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return "area", points, np.ones(len(points))


def _shared(old: GeomArray, new: GeomArray, households: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    was, now = shapely.STRtree(new).query(old, predicate="intersects")
    ground = shapely.area(shapely.intersection(old[was], new[now]))
    share = ground / np.maximum(shapely.area(old)[was], 1e-12)
    kept = ground > 0
    return was[kept].astype(np.int64), now[kept].astype(np.int64), (share * households[was])[kept]


def heirs(was: IntArray, now: IntArray, weight: FloatArray, count: int) -> IntArray:
    """For each old cell its heir among the new ones, or -1: pairs by falling weight, each cell once.

    Parameters
    ----------
    was, now : (m,) old and new cell of each place, -1 for none. weight : (m,) its households.
    count : number of old cells.
    """
    known = (was >= 0) & (now >= 0)
    many = int(now.max(initial=-1)) + 1
    pairs, row = np.unique(was[known] * many + now[known], return_inverse=True)
    shared = np.bincount(row, weight[known], len(pairs))
    # Pairs ascend, so a stable sort leaves equal weights in the order of old cells, then of new ones.
    ranked = [n for n in np.argsort(-shared, kind="stable").tolist() if shared[n] > 0]
    heir = np.full(count, -1, dtype=np.int64)
    taken: set[int] = set()
    for old, new in (divmod(int(pairs[n]), many) for n in ranked):
        if heir[old] < 0 and new not in taken:
            heir[old] = new
            taken.add(new)
    return heir


def _changed(
    was: IntArray, now: IntArray, heir: IntArray, codes: Any, old_codes: Any
) -> tuple["np.ndarray[Any, np.dtype[np.bool_]]", "np.ndarray[Any, np.dtype[np.bool_]]"]:
    return heir[was] != now, np.asarray(codes[now] != old_codes[was], dtype=np.bool_)
