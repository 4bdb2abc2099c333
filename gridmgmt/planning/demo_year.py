"""A year of SYNTHETIC cases for the demo subdistrict, so that a notebook needs no server.

Nobody reported any of them. Two thirds fall beside a dwelling, as often as households live there; the rest
beside roads; and some pile up at three *trouble spots* drawn by chance, so that a search for hot spots has
something to find. Times are working minutes of a year of 250 days of 8 hours; limits are drawn from a
list, not from the catalogue.
"""

from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray

WORK_MINUTES_PER_DAY: Final = 480.0
WORK_DAYS: Final = 250
LIMITS_MIN: Final = (240.0, 480.0, 1440.0, 3360.0)
"""Half a day, a day, three days, seven days."""

CATEGORIES: Final = ("暴露垃圾", "违章停车", "占道经营", "设施破损", "噪声扰民", "邻里纠纷")
TROUBLE_SPOTS: Final = 3
TROUBLE_M: Final = 60.0
_AT_HOMES, _AT_ROADS = 0.62, 0.26


def demo_year(
    buildings: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    outline: shapely.Polygon,
    *,
    cases: int = 6000,
    seed: int = 0,
) -> gpd.GeoDataFrame:
    """Make up cases.

    Parameters
    ----------
    buildings : with ``households``, in a metric CRS. roads : lines in the same.
    outline : points outside it are drawn again from the dwellings.

    Returns
    -------
    ``number``, ``category``, ``arrived_min`` and ``due_min`` (working minutes from the first day),
    ``handling_h``, ``open`` (of the last five days), ``trouble`` (at a trouble spot), ``synthetic`` and
    points, in the order in which they came.

    Raises
    ------
    InvalidInput
        No dwelling, or fewer than one case.
    """
    lived = buildings[buildings["households"].fillna(0) > 0]
    if cases < 1 or lived.empty:
        raise InvalidInput("there are no dwellings, or no cases are wanted", cases=cases)
    rng = np.random.default_rng(seed)
    homes = shapely.get_coordinates(shapely.point_on_surface(np.asarray(lived.geometry.array, dtype=object)))
    chance = lived["households"].to_numpy(dtype=np.float64)
    chance /= chance.sum()
    at_home = homes[rng.choice(len(homes), size=cases, p=chance)] + rng.normal(0.0, 12.0, (cases, 2))
    kind = rng.random(cases)
    spots = homes[rng.choice(len(homes), size=TROUBLE_SPOTS, replace=False)]
    trouble = kind >= _AT_HOMES + _AT_ROADS
    at = np.where((kind < _AT_HOMES)[:, None], at_home, _beside(roads, cases, rng))
    near = spots[rng.integers(0, TROUBLE_SPOTS, cases)] + rng.normal(0.0, TROUBLE_M / 2, (cases, 2))
    at[trouble] = near[trouble]
    outside = ~shapely.contains_xy(outline, at[:, 0], at[:, 1])
    at[outside] = homes[rng.choice(len(homes), size=int(outside.sum()), p=chance)]
    year = WORK_DAYS * WORK_MINUTES_PER_DAY
    arrived = np.sort(rng.uniform(0.0, year, cases))
    due = arrived + rng.choice(LIMITS_MIN, size=cases, p=(0.2, 0.3, 0.3, 0.2))
    frame = {
        "number": [f"SYN-{n:05d}" for n in range(1, cases + 1)],
        "category": rng.choice(CATEGORIES, size=cases),
        "arrived_min": arrived,
        "due_min": due,
        "handling_h": np.round(rng.gamma(2.0, 0.35, cases), 2),
        "open": arrived > year - 5 * WORK_MINUTES_PER_DAY,
        "trouble": trouble & ~outside,
        "synthetic": True,
    }
    return gpd.GeoDataFrame(frame, geometry=shapely.points(at), crs=buildings.crs)


def _beside(roads: gpd.GeoDataFrame, count: int, rng: np.random.Generator) -> FloatArray:
    lines = np.asarray(roads.geometry.array, dtype=object)
    length = shapely.length(lines)
    road = rng.choice(len(lines), size=count, p=length / length.sum())
    along = shapely.line_interpolate_point(lines[road], rng.random(count), normalized=True)
    return np.asarray(shapely.get_coordinates(along) + rng.normal(0.0, 6.0, (count, 2)), dtype=np.float64)
