"""What a plan must keep to, as named predicates that say which cells fail and where.

Each function judges one rule and returns a :class:`Verdict`; none raises because a plan is bad, since a
planner wants to see all that is wrong at once. :func:`require` turns verdicts into the refusal that
publishing needs. The rules are the partition principles of the unit-grid standards (territory, seamless,
no object cut, sequence codes) and the practice that a duty grid 基本网格 holds 300 to 500 households.

The predicates take any plan, own or imported, and trust nothing that the partition did: areas are measured,
not remembered. Areas of gaps and overlaps have one fixed tolerance, :data:`AREA_TOLERANCE_M2`, for the
whole plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.domain.codes import GridCode
from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import InvalidInput, PlanNotAdoptable
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import GeomArray

AREA_TOLERANCE_M2: Final = 0.01
"""Gap or overlap of a whole plan that is taken as rounding."""

SCRAP_OF_BUILDING_M2: Final = 0.1
"""Land lies on a lattice of 1 cm and footprints do not: less of a building than this is rounding, no cut."""

LISTED: Final = 20
"""At most so many failures are listed; ``count`` has the true number."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one constraint.

    Attributes
    ----------
    name : of the constraint; stable, clients key on it.
    passed : whether the plan keeps to it.
    count : how many cells, pairs or objects fail.
    failing : the first of them: codes, or ``code|code`` for a pair.
    measures : figures with their unit in the name.
    places : up to twenty (easting, northing) of faults.
    """

    name: str
    passed: bool
    count: int = 0
    failing: tuple[str, ...] = ()
    measures: tuple[tuple[str, float], ...] = ()
    places: tuple[tuple[float, float], ...] = ()

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "passed": self.passed,
            "count": self.count,
            "failing": list(self.failing),
            "measures": dict(self.measures),
            "places": [list(place) for place in self.places],
        }


def contiguous(cells: gpd.GeoDataFrame) -> Verdict:
    """Every cell is one valid piece; touching in a corner does not connect.

    Parameters
    ----------
    cells : ``code`` and polygons.
    """
    shapes = _shapes(cells)
    sound = shapely.is_valid(shapes) & ~shapely.is_empty(shapes) & (shapely.get_num_geometries(shapes) == 1)
    return _by_cell("contiguous", cells, ~sound)


def within_community(cells: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> Verdict:
    """Every cell lies in the community it is numbered under (属地管理).

    Parameters
    ----------
    cells : ``code``, ``community_code`` and polygons in a metric CRS.
    communities : ``code`` and polygons. A cell of an unknown community fails.
    """
    require_metric(cells.crs)
    shapes = _shapes(cells)
    row = pd.Index(communities["code"]).get_indexer(cells["community_code"])
    outside_m2 = shapely.area(shapes)
    known = row >= 0
    home = _shapes(communities)[row[known]]
    outside_m2[known] = shapely.area(shapely.difference(shapes[known], home))
    verdict = _by_cell("within_community", cells, outside_m2 > AREA_TOLERANCE_M2)
    return _measured(verdict, outside_m2=float(outside_m2.sum()))


def in_band(
    cells: gpd.GeoDataFrame, band: tuple[float, float] = (300, 500), *, demand: str = "households"
) -> Verdict:
    """Every duty grid has a demand inside the band, both ends allowed; dedicated grids are exempt.

    Parameters
    ----------
    cells : ``code``, ``kind`` and the ``demand`` column.
    """
    low, high = band
    duty = (cells["kind"] == CellKind.DUTY).to_numpy()
    values = cells[demand].to_numpy(dtype=np.float64)
    outside = duty & ~((values >= low) & (values <= high))
    share = 1.0 - outside.sum() / max(1, duty.sum())
    return _measured(_by_cell("in_band", cells, outside), in_band_share=float(share))


def balanced(cells: gpd.GeoDataFrame, tolerance_share: float, *, demand: str = "households") -> Verdict:
    """No duty grid deviates from the mean of its community by more than the tolerance.

    Parameters
    ----------
    tolerance_share : such as 0.25; exactly that much is allowed.
    """
    off = deviations(cells, demand)
    verdict = _by_cell("balanced", cells, np.nan_to_num(off, nan=0.0) > tolerance_share + 1e-12)
    return _measured(verdict, deviation_max_share=float(np.nanmax(off, initial=0.0)))


def deviations(
    cells: gpd.GeoDataFrame, demand: str = "households"
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return |demand - mean| / mean of each duty grid within its community; NaN for dedicated grids."""
    duty = (cells["kind"] == CellKind.DUTY).to_numpy()
    values = cells[demand].where(duty).astype(np.float64)
    mean = values.groupby(cells["community_code"]).transform("mean")
    return np.asarray((values - mean).abs() / mean.where(mean > 0, 1.0), dtype=np.float64)


def seamless(cells: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> Verdict:
    """The cells cover the communities without gap, overlap or anything outside (无缝拼接).

    Parameters
    ----------
    cells : ``code`` and polygons in a metric CRS.
    communities : the land to be covered, in the same CRS.

    Notes
    -----
    ----- Two proofs that do not share their arithmetic: areas (gap, overlap and outside each below the
    tolerance) and borders (every side of a cell is a side of its neighbour too, vertex for vertex, or lies
    on the rim). ``failing`` names overlapping pairs; ``places`` are points of mismatched sides and of gaps.
    """
    require_metric(cells.crs)
    shapes, land = _shapes(cells), shapely.union_all(_shapes(communities))
    covered = shapely.union_all(shapes)
    gap, outside = shapely.difference(land, covered), shapely.difference(covered, land)
    overlap_m2 = float(shapely.area(shapes).sum() - covered.area)
    pairs = _overlapping(shapes)
    sides = shapely.get_parts(shapely.coverage_invalid_edges(shapes))
    sides = sides[~shapely.is_empty(sides)]
    faulty_gaps = shapely.get_parts(gap)
    faulty_gaps = faulty_gaps[shapely.area(faulty_gaps) > AREA_TOLERANCE_M2 / LISTED]
    places = [
        *shapely.point_on_surface(faulty_gaps),
        *shapely.line_interpolate_point(sides, 0.5, normalized=True),
    ]
    off = max(gap.area, outside.area, abs(overlap_m2)) > AREA_TOLERANCE_M2
    codes = cells["code"].to_numpy()
    return Verdict(
        "seamless",
        passed=not (off or len(pairs) or len(sides)),
        count=len(pairs) + len(faulty_gaps) + len(sides),
        failing=tuple(f"{codes[a]}|{codes[b]}" for a, b in pairs[:LISTED]),
        measures=(("gap_m2", gap.area), ("overlap_m2", overlap_m2), ("outside_m2", outside.area)),
        places=tuple((float(p.x), float(p.y)) for p in places[:LISTED]),
    )


def buildings_uncut(cells: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> Verdict:
    """No building lies in two cells.

    Parameters
    ----------
    buildings : ``building_id`` and footprints in the CRS of the cells; those outside all cells are not
        judged.
    """
    require_metric(cells.crs)
    footprints, shapes = _shapes(buildings), _shapes(cells)
    building, cell = shapely.STRtree(shapes).query(footprints, predicate="intersects")
    area = shapely.area(shapely.intersection(footprints[building], shapes[cell]))
    parts = np.bincount(building[area > SCRAP_OF_BUILDING_M2], minlength=len(footprints))
    cut = np.flatnonzero(parts > 1)
    names = buildings["building_id"].to_numpy()
    return Verdict("buildings_uncut", len(cut) == 0, len(cut), tuple(str(names[i]) for i in cut[:LISTED]))


def numbered(cells: gpd.GeoDataFrame) -> Verdict:
    """Every cell has a well-formed 15-digit code under its own community, and no code is used twice."""
    codes = cells["code"].astype(str)
    formed = codes.map(GridCode.is_valid).to_numpy(dtype=bool)
    own = (codes.str.slice(0, 12) == cells["community_code"].astype(str)).to_numpy()
    return _by_cell("numbered", cells, ~formed | ~own | codes.duplicated(keep=False).to_numpy())


def require(verdicts: Iterable[Verdict]) -> None:
    """Refuse a plan that fails a constraint.

    Raises
    ------
    PlanNotAdoptable
        ``facts["failed"]`` names the constraints, ``facts["verdicts"]`` has them in full.
    """
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if failed:
        raise PlanNotAdoptable(
            "the plan breaks " + ", ".join(verdict.name for verdict in failed),
            article="21-1",
            rule="R21a",
            failed=[verdict.name for verdict in failed],
            verdicts=[verdict.as_facts() for verdict in failed],
        )


def _shapes(frame: gpd.GeoDataFrame) -> GeomArray:
    shapes = np.asarray(frame.geometry.array, dtype=object)
    if shapely.is_missing(shapes).any():
        raise InvalidInput(
            "a row has no geometry", rows=np.flatnonzero(shapely.is_missing(shapes))[:10].tolist()
        )
    return shapes


def _overlapping(shapes: GeomArray) -> "np.ndarray[Any, np.dtype[np.int64]]":
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    shared_m2 = shapely.area(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    found: np.ndarray[Any, np.dtype[np.int64]] = pairs[shared_m2 > AREA_TOLERANCE_M2 / LISTED]
    return found


def _by_cell(name: str, cells: gpd.GeoDataFrame, failing: "np.ndarray[Any, np.dtype[np.bool_]]") -> Verdict:
    rows = np.flatnonzero(failing)
    shapes = np.asarray(cells.geometry.array, dtype=object)[rows[:LISTED]]
    points = shapely.point_on_surface(shapes)
    return Verdict(
        name,
        passed=len(rows) == 0,
        count=len(rows),
        failing=tuple(str(code) for code in cells["code"].to_numpy()[rows[:LISTED]]),
        places=tuple((float(p.x), float(p.y)) for p in points if not p.is_empty),
    )


def _measured(verdict: Verdict, **measures: float) -> Verdict:
    return Verdict(
        verdict.name, verdict.passed, verdict.count, verdict.failing, tuple(measures.items()), verdict.places
    )
