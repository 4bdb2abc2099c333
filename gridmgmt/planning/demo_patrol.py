"""Patrol plans of the demo: the roads of each duty grid, cut at its border, main roads more often.

Roads are real (OpenStreetMap); that anybody should walk them so often is synthetic, and the plans say so.
Names of checkpoints and intervals are the demo's own.
"""

import uuid
from collections.abc import Iterator
from typing import Final

import geopandas as gpd
import shapely
from shapely.geometry import LineString, Point

from gridmgmt.domain.grid import CellKind
from gridmgmt.domain.patrol import Interval, PatrolPlan, Target, TargetKind, Unit
from gridmgmt.geo.crs import to_geographic
from gridmgmt.planning.demo_street import ZONE

BORDER_M: Final = 15.0
"""A border runs along the middle of a road: a road so near belongs to both cells."""
SHORTEST_M: Final = 60.0
MOST_SEGMENTS: Final = 12
_EVERY_DAY: Final = frozenset({"primary", "secondary", "tertiary", "residential"})
_EVERY_DAYS: Final = 3
_DECIMALS_DEG: Final = 1e-7


def demo_patrols(roads: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> Iterator[PatrolPlan]:
    """A plan for each duty grid that has a road.

    Parameters
    ----------
    roads : with ``highway`` and ``name``, in the demo's metric zone.
    cells : as of :class:`~gridmgmt.planning.demo_plan.DemoStreet`, in the same zone.
    """
    lines = roads[roads.geometry.geom_type == "LineString"]
    for cell in cells[cells["kind"] == CellKind.DUTY].sort_values("code").itertuples():
        targets = _targets(cell.code, lines[lines.intersects(cell.geometry)], cell.geometry)
        if targets:
            plan_id = _id(f"{cell.code}:1")
            yield PatrolPlan(plan_id, cell.code[:9], cell.code, 1, targets, synthetic=True)


def _id(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"gridmgmt:demo:patrol:{name}")


def _targets(code: str, roads: gpd.GeoDataFrame, cell: shapely.Polygon) -> tuple[Target, ...]:
    ground = cell.buffer(BORDER_M)
    pieces = [
        (part, row.name_, row.highway)
        for row in roads.rename(columns={"name": "name_"}).itertuples()
        for part in shapely.get_parts(row.geometry.intersection(ground))
        if isinstance(part, LineString) and part.length >= SHORTEST_M
    ]
    longest = sorted(pieces, key=lambda piece: (-piece[0].length, piece[0].wkb))[:MOST_SEGMENTS]
    segments = [
        _segment(code, number, line, name, kind) for number, (line, name, kind) in enumerate(longest, 1)
    ]
    return (*segments, _checkpoint(code, longest[0][0])) if segments else ()


def _segment(code: str, number: int, line: LineString, name: object, highway: object) -> Target:
    known = name if isinstance(name, str) and name else "未命名道路"
    every = Interval(1 if highway in _EVERY_DAY else _EVERY_DAYS, Unit.DAYS)
    shape = shapely.set_precision(to_geographic(line, ZONE), _DECIMALS_DEG)
    return Target(_id(f"{code}:{number}"), TargetKind.SEGMENT, f"{known} {number}", every, shape)


def _checkpoint(code: str, line: LineString) -> Target:
    middle: Point = line.interpolate(0.5, normalized=True)
    shape = shapely.set_precision(to_geographic(middle, ZONE), _DECIMALS_DEG)
    return Target(_id(f"{code}:point"), TargetKind.POINT, "巡查点（示例）", Interval(1, Unit.SHIFTS), shape)
