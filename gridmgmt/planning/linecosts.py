"""What a metre of border costs where it is drawn: little on a road or river, all of it across a yard.

A cell's border should be something one can see. The classes are those of
:class:`~gridmgmt.planning.lines.LineClass`, the factors:

============= ======= ===========================================================
class         factor  what
============= ======= ===========================================================
``water``     0.2     rivers, canals, lakes
``rail``      0.2     railways
``arterial``  0.2     主干路: motorway, trunk and primary roads
``collector`` 0.4     次干路: secondary and tertiary roads
``wall``      0.6     walls and fences of compounds
``lane``      0.65    residential and service roads, paths
============= ======= ===========================================================

and 1 where there is nothing. The weight of it all against balance and shape is the preset's ``cut``: the
preset ``road`` follows lines most.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, SharedBorders
from gridmgmt.planning.lines import ROAD_CLASSES, LineClass

FACTORS: Final[Mapping[LineClass, float]] = MappingProxyType(
    {
        LineClass.WATER: 0.2,
        LineClass.RAIL: 0.2,
        LineClass.ARTERIAL: 0.2,
        LineClass.COLLECTOR: 0.4,
        LineClass.WALL: 0.6,
        LineClass.LANE: 0.65,
    }
)

NEAR_M: Final = 12.0
"""A side of a border runs on a line when its middle lies so near: half a road of four lanes."""


def line_classes(highway: pd.Series) -> pd.Series:
    """Return the class of each road by its ``highway``; a kind that is not listed is a lane."""
    return highway.astype(str).map(ROAD_CLASSES).fillna(LineClass.LANE)


def border_costs(borders: SharedBorders, lines: gpd.GeoDataFrame, *, near_m: float = NEAR_M) -> FloatArray:
    """Return for each pair of neighbours the length of its border times the factors of what lies there.

    Parameters
    ----------
    borders : of a coverage in metres.
    lines : ``line_class`` and lines in the same CRS; of several lines beside a side the cheapest counts.

    Raises
    ------
    InvalidInput
        There is no column ``line_class``, or an unknown class in it.
    """
    if "line_class" not in lines:
        raise InvalidInput("a column is missing", missing=["line_class"])
    factor = lines["line_class"].map(FACTORS).to_numpy(dtype=np.float64)
    if not np.isfinite(factor).all():
        unknown = sorted({str(c) for c in lines["line_class"].to_numpy()[~np.isfinite(factor)]})
        raise InvalidInput("a class of lines is unknown", unknown=unknown, supported=list(FACTORS))
    side = np.ones(len(borders.side_middles))
    if len(lines):
        tree = shapely.STRtree(np.asarray(lines.geometry.array, dtype=object))
        middle, line = tree.query(shapely.points(borders.side_middles), predicate="dwithin", distance=near_m)
        np.minimum.at(side, middle, factor[line])
    costs = np.bincount(borders.side_pairs, borders.side_lengths_m * side, len(borders.pairs))
    return costs.astype(np.float64)
