"""SYNTHETIC buildings of the demo subdistrict: rows of slabs and towers inside invented compounds.

Nothing here exists. The layouts imitate what stands in such a part of Tianjin: six-storey slabs in rows
facing south (里), mid-rise slabs and towers in gated compounds (园, 城), schools, a hospital, malls, markets,
offices and parks on ground of their own. Distances between rows follow the usual rule of about 1.3 to 1.6
times the height.

Pure functions: the random generator is an argument, all lengths are metres in the metric zone. The numbers of
households are flats times an occupancy of 88 to 100 %.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely import affinity

STOREY_M: Final = 2.9
STAIR_M: Final = 14.0
"""Length of a slab along one staircase, which serves two or three flats a storey."""


@dataclass(frozen=True, slots=True)
class Style:
    """A way to build a residential compound.

    Attributes
    ----------
    floors, stairs : lowest and highest, both drawn.
    flats_per_stair : flats that one staircase serves on one floor.
    depth_m : of a building, south to north.
    pitch_m : from one row to the next.
    gap_m : between two buildings of a row.
    fill_share : share of the places that are built on; the rest is garden and parking.
    """

    kind: str
    floors: tuple[int, int]
    stairs: tuple[int, int]
    flats_per_stair: int
    depth_m: float
    pitch_m: float
    gap_m: float
    fill_share: float


STYLES: Final = {
    "old_slab": Style("slab", (5, 6), (2, 4), 2, 11.0, 27.0, 9.0, 0.84),
    "mid_slab": Style("slab", (9, 12), (1, 3), 2, 13.0, 44.0, 14.0, 0.87),
    "tower": Style("tower", (16, 22), (2, 2), 2, 17.0, 58.0, 24.0, 0.90),
}
"""Residential styles by name."""


@dataclass(frozen=True, slots=True)
class Building:
    """One synthetic building."""

    kind: str
    floors: int
    households: int
    footprint: shapely.Polygon


def row_angle_deg(site: shapely.Polygon) -> float:
    """Return the direction of the site's east-west side, in degrees from east, between -45 and 45."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(site))
    sides = np.diff(corners, axis=0)[:2]
    angles = np.degrees(np.arctan2(sides[:, 1], sides[:, 0]))
    turned = (angles + 90.0) % 180.0 - 90.0
    return float(turned[np.argmin(np.abs(turned))])


def compound(site: shapely.Polygon, keep_off: Any, style: Style, rng: np.random.Generator) -> list[Building]:
    """Lay out the rows of one residential compound.

    Parameters
    ----------
    site : the parcel.
    keep_off : roads with their verges; nothing is built there.
    """
    angle = row_angle_deg(site)
    ground = shapely.difference(shapely.buffer(site, -6.0), keep_off)
    if ground.is_empty:
        return []
    turned = affinity.rotate(ground, -angle, origin=(0.0, 0.0))
    return [
        Building(kind, floors, households, affinity.rotate(shape, angle, origin=(0.0, 0.0)))
        for kind, floors, households, shape in _rows(turned, style, rng)
    ]


def _rows(ground: Any, style: Style, rng: np.random.Generator) -> list[tuple[str, int, int, Any]]:
    west, south, east, north = shapely.bounds(ground)
    shapely.prepare(ground)
    floors = int(rng.integers(style.floors[0], style.floors[1] + 1))
    usual = int(rng.integers(style.stairs[0], style.stairs[1] + 1))
    rows = max(1, int((north - south - style.depth_m) // style.pitch_m) + 1)
    spare = max(0.0, north - south - style.depth_m - (rows - 1) * style.pitch_m)
    pitch = style.pitch_m + (spare / (rows - 1) if rows > 1 else 0.0) * 0.9
    built = []
    for row in range(rows):
        y = south + row * pitch + (spare / 2.0 if rows == 1 else spare * 0.05)
        x = west
        while x < east:
            stairs = usual if rng.random() < 0.75 else int(rng.integers(style.stairs[0], style.stairs[1] + 1))
            shape = _fitting(ground, x, y, stairs, style)
            if shape is None:
                x += 3.0
                continue
            draw = rng.random()
            if draw < style.fill_share:
                height = floors - (1 if rng.random() < 0.2 else 0)
                flats = height * stairs * style.flats_per_stair
                built.append((style.kind, height, math.ceil(flats * rng.uniform(0.88, 1.0)), shape))
            elif draw > 0.98:
                small = shapely.box(
                    *(np.asarray(shape.bounds) * [1, 1, 0, 1] + [0, 0, shape.bounds[0] + 14.0, 0])
                )
                built.append(("service", 1, 0, small))
            x = shape.bounds[2] + style.gap_m + rng.uniform(0.0, 2.0)
    return built


def _fitting(ground: Any, x: float, y: float, stairs: int, style: Style) -> Any:
    """The slab at this place, shortened to the least number of stairs if it must be, or None."""
    for count in range(stairs, style.stairs[0] - 1, -1):
        shape = shapely.box(x, y, x + count * STAIR_M, y + style.depth_m)
        if shapely.contains_properly(ground, shape):
            return shape
    return None


def dedicated(site: shapely.Polygon, keep_off: Any, kind: str, rng: np.random.Generator) -> list[Building]:
    """Lay out a dedicated site 专属网格; nobody lives there.

    Parameters
    ----------
    kind : ``school``, ``hospital``, ``mall``, ``market``, ``office`` or ``park``.
    """
    angle = row_angle_deg(site)
    ground = affinity.rotate(
        shapely.difference(shapely.buffer(site, -9.0), keep_off), -angle, origin=(0.0, 0.0)
    )
    if ground.is_empty:
        return []
    shapely.prepare(ground)
    west, south, east, north = shapely.bounds(ground)
    built = []
    for floors, shape in _PLANS[kind](west, south, east, north, rng):
        if shapely.contains(ground, shape):
            built.append(Building(kind, floors, 0, affinity.rotate(shape, angle, origin=(0.0, 0.0))))
    return built


Plan = list[tuple[int, shapely.Polygon]]
Planner = Callable[[float, float, float, float, np.random.Generator], Plan]


def _school(west: float, south: float, east: float, north: float, rng: np.random.Generator) -> Plan:
    """Teaching wings in the north, a hall in the west; the south stays open as the sports ground."""
    width = min(62.0, (east - west) * 0.62)
    middle = (west + east) / 2.0 + rng.uniform(-6.0, 6.0)
    wings = [
        (
            4,
            shapely.box(
                middle - width / 2, north - 20.0 - 30.0 * i, middle + width / 2, north - 5.0 - 30.0 * i
            ),
        )
        for i in range(2)
    ]
    return [*wings, (2, shapely.box(west + 4.0, south + 6.0, west + 34.0, south + 30.0))]


def _hospital(west: float, south: float, east: float, north: float, rng: np.random.Generator) -> Plan:
    """A ward tower, an outpatient block and a wing."""
    x, y = (west + east) / 2.0, (south + north) / 2.0
    return [
        (14, shapely.box(x - 40.0, y + 12.0, x + 40.0, y + 36.0)),
        (5, shapely.box(x - 46.0, y - 34.0, x + 20.0, y - 2.0)),
        (3, shapely.box(x + 32.0, y - 34.0, x + 58.0, y - 8.0 + rng.uniform(0.0, 4.0))),
    ]


def _mall(west: float, south: float, east: float, north: float, rng: np.random.Generator) -> Plan:
    """One large box; smaller when the site is."""
    x, y = (west + east) / 2.0, (south + north) / 2.0
    share = rng.uniform(0.52, 0.6)
    half_x, half_y = (east - west) * share / 2.0, (north - south) * share / 2.0
    return [(5, shapely.box(x - half_x, y - half_y, x + half_x, y + half_y))]


def _market(west: float, south: float, east: float, north: float, rng: np.random.Generator) -> Plan:
    """Two halls side by side."""
    x, y = (west + east) / 2.0, (south + north) / 2.0
    half = min(38.0, (east - west) * 0.36)
    gap = rng.uniform(9.0, 12.0)
    return [
        (1, shapely.box(x - half, y + gap / 2, x + half, y + gap / 2 + 26.0)),
        (1, shapely.box(x - half, y - gap / 2 - 26.0, x + half, y - gap / 2)),
    ]


def _office(west: float, south: float, east: float, north: float, rng: np.random.Generator) -> Plan:
    """Two towers on the diagonal."""
    x, y = (west + east) / 2.0, (south + north) / 2.0
    floors = int(rng.integers(12, 21))
    return [
        (floors, shapely.box(x - 44.0, y + 4.0, x - 8.0, y + 34.0)),
        (floors - 4, shapely.box(x + 6.0, y - 34.0, x + 40.0, y - 6.0)),
    ]


def _park(west: float, south: float, east: float, north: float, rng: np.random.Generator) -> Plan:
    """A pavilion."""
    x, y = (west + east) / 2.0 + rng.uniform(-8, 8), (south + north) / 2.0 + rng.uniform(-8, 8)
    return [(1, shapely.box(x - 6.0, y - 5.0, x + 6.0, y + 5.0))]


_PLANS: Final[dict[str, Planner]] = {
    "school": _school,
    "hospital": _hospital,
    "mall": _mall,
    "market": _market,
    "office": _office,
    "park": _park,
}
