"""Standard codes for cells: 12-digit community code + 3-digit sequence, west → east and north → south.

A code has 15 digits, 6 (district) + 3 (subdistrict) + 3 (community) + 3 (sequence): GB/T 47678.3, before it
GB/T 30428.1. The sequence runs from west to east and from north to south inside a community (Beijing's DB11
standard on the division of unit grids); CJ/T 349 says left to right, top to bottom. Neither says when two
cells stand in the same row, so that two readers may number one plan in two ways. The rule here is the one of
a page of text, made exact:

1. a row is the northernmost cell not yet numbered and every other whose centroid lies less than half a mean
   cell side, √(area of the community / number of cells) / 2, south of that one's;
2. a row is numbered west → east by centroids, then the next row is taken;
3. equal eastings: the more northern first; still equal: the order of the frame.

A code once given is never given again, so that old cases keep their cell: ``used`` holds all codes ever
issued (``storage.grids.used_codes``: plans past and future, drafts, and codes from before the platform), and
their numbers are passed over. A cell whose ground is that of an earlier plan's cell keeps that one's code
(相对稳定): a code means one piece of ground for ever. Kept codes stand where they stood, so that west → east
holds among the new ones alone. Dedicated grids 专属网格 count from 801 in the same order, a band
of their own, so that the kind can be read off the code (a choice of this project, not of a standard).

Not done here: parsing and check of codes (:mod:`gridmgmt.domain.codes`).
"""

from collections.abc import Collection
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.domain.adoption import TOLERANCE_M2
from gridmgmt.domain.codes import GridCode
from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import Infeasible, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import FloatArray, IntArray

FIRST_DUTY: Final = 1
FIRST_DEDICATED: Final = 801
LAST_SEQUENCE: Final = 999


def reading_order(points: FloatArray, area_m2: float) -> IntArray:
    """Return positions in reading order: rows north → south, in each row west → east.

    Parameters
    ----------
    points : (n, 2) metric centroids, (easting, northing).
    area_m2 : area of the territory they stand for; it sets the height of a row. A point exactly half a mean
        cell side south of the first of a row belongs to the next row.

    Examples
    --------
    >>> reading_order(np.array([[15.0, 5.0], [5.0, 5.0], [15.0, 15.0], [5.0, 16.0]]), 400.0).tolist()
    [3, 2, 1, 0]
    """
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    half_side = np.sqrt(area_m2 / len(points)) / 2.0 * 100.0
    # Centimetres decide, not the last bit of a float, so that every machine numbers alike.
    east, north = np.rint(points * 100.0).T
    row = np.empty(len(points), dtype=np.int64)
    top, number = np.inf, -1
    for position in np.argsort(-north, kind="stable"):
        if top - north[position] >= half_side:
            top, number = north[position], number + 1
        row[position] = number
    return np.lexsort((-north, east, row)).astype(np.int64)


def surviving_codes(cells: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame) -> list[str | None]:
    """For each cell the code of the earlier cell that is the same ground, None where there is none.

    Parameters
    ----------
    cells : as :func:`number_cells` takes them.
    earlier : cells of an earlier plan with ``code`` and ``geometry``, in the CRS of ``cells``.

    Two cells are the same ground when they differ by no more than the rounding of coordinates, lie in one
    community and are of one kind.
    """
    if not require_metric(cells.crs).equals(require_metric(earlier.crs)):
        raise WrongCrs("both plans must be in one CRS", cells=str(cells.crs), earlier=str(earlier.crs))
    shapes = np.asarray(cells.geometry.array, dtype=object)
    before, codes = np.asarray(earlier.geometry.array, dtype=object), earlier["code"].to_numpy()
    found: list[str | None] = [None] * len(cells)
    communities, kinds = cells["community_code"].to_numpy(), cells["kind"].to_numpy()
    here, there = shapely.STRtree(before).query(shapely.point_on_surface(shapes), predicate="intersects")
    off_m2 = shapely.area(shapely.symmetric_difference(shapes[here], before[there]))
    for cell, old, off in zip(here, there, off_m2, strict=True):
        code = str(codes[old])
        dedicated = GridCode(code).sequence >= FIRST_DEDICATED
        same_kind = dedicated == (kinds[cell] == CellKind.DEDICATED)
        if off <= TOLERANCE_M2 and same_kind and code.startswith(str(communities[cell])):
            found[cell] = code
    return found


def number_cells(
    cells: gpd.GeoDataFrame,
    *,
    used: Collection[str] = frozenset(),
    earlier: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Give every cell its 15-digit code and return the cells in the order of their codes.

    Parameters
    ----------
    cells : columns ``community_code`` (12 digits), ``kind`` (``duty`` or ``dedicated``) and ``geometry`` in a
        metric CRS.
    used : every code that was ever issued; none of them is given again.
    earlier : cells of the plan in force, whose codes survive with their ground; None keeps none.

    Returns
    -------
    A new frame with ``code`` and ``sequence`` in front, sorted by code, index 0 … n-1.

    Raises
    ------
    InvalidCode
        A community code is malformed.
    Infeasible
        A community has no number left in the band of a kind; ``facts`` name it.
    """
    require_metric(cells.crs)
    centroids = shapely.get_coordinates(shapely.centroid(np.asarray(cells.geometry.array, dtype=object)))
    area_m2 = shapely.area(np.asarray(cells.geometry.array, dtype=object))
    community = cells["community_code"].to_numpy()
    dedicated = cells["kind"].to_numpy() == CellKind.DEDICATED
    sequence = np.zeros(len(cells), dtype=np.int64)
    kept = surviving_codes(cells, earlier) if earlier is not None else [None] * len(cells)
    taken = {*used, *(code for code in kept if code)}
    for position, code in enumerate(kept):
        sequence[position] = GridCode(code).sequence if code else 0
    for code in pd.unique(community):
        here = np.flatnonzero((community == code) & (sequence == 0))
        if not len(here):
            continue
        ordered = here[reading_order(centroids[here], float(area_m2[here].sum()))]
        for members, first, last in (
            (ordered[~dedicated[ordered]], FIRST_DUTY, FIRST_DEDICATED - 1),
            (ordered[dedicated[ordered]], FIRST_DEDICATED, LAST_SEQUENCE),
        ):
            sequence[members] = _free_numbers(str(code), len(members), first, last, taken)
    codes = [GridCode.of(str(c), int(s)).text for c, s in zip(community, sequence, strict=True)]
    numbered = cells.drop(columns=["code", "sequence"], errors="ignore")
    numbered.insert(0, "code", codes)
    numbered.insert(1, "sequence", sequence)
    return numbered.sort_values("code", ignore_index=True)


def _free_numbers(community: str, count: int, first: int, last: int, used: Collection[str]) -> list[int]:
    free = [n for n in range(first, last + 1) if f"{community}{n:03d}" not in used][:count]
    if len(free) < count:
        raise Infeasible(
            "the community has no sequence number left: codes are never given twice",
            rule="R21a",
            constraint="code_never_reused",
            community_code=community,
            wanted=count,
            left=len(free),
        )
    return free
