"""Addresses of map tiles, and the ground that each shows.

Two matrices of 256-pixel squares are in use, and both halve their tiles from zoom to zoom. The *projected*
one (``w``: Web Mercator) is the one that map programs draw; at zoom z it has 2^z columns and rows. The
*geographic* one (``c``: CGCS2000 degrees, as 天地图 names it) begins at (-180, 90) and has 2^z columns and
2^(z-1) rows of 360/2^z degrees each way. A column is the same strip of longitude in both; rows differ.

Nothing is measured here.
"""

import math
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

MAX_ZOOM: Final = 20


class Matrix(StrEnum):
    """How a map is cut into tiles."""

    PROJECTED = "w"
    GEOGRAPHIC = "c"


class Box(NamedTuple):
    """West, south, east, north in degrees."""

    west: float
    south: float
    east: float
    north: float

    def widened(self, by_deg: float) -> "Box":
        """The same with a margin."""
        return Box(self.west - by_deg, self.south - by_deg, self.east + by_deg, self.north + by_deg)

    def meets(self, other: "Box") -> bool:
        """Whether two boxes share ground."""
        return (
            self.west < other.east
            and other.west < self.east
            and self.south < other.north
            and other.south < self.north
        )


class Address(NamedTuple):
    """A tile: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int


def exists(tile: Address, matrix: Matrix = Matrix.PROJECTED) -> bool:
    """Whether a matrix has such a tile.

    Examples
    --------
    >>> exists(Address(1, 1, 1)), exists(Address(1, 1, 1), Matrix.GEOGRAPHIC)
    (True, False)
    """
    rows = 2**tile.z if matrix is Matrix.PROJECTED else 2 ** max(tile.z - 1, 0)
    return 0 <= tile.z <= MAX_ZOOM and 0 <= tile.x < 2**tile.z and 0 <= tile.y < rows


def bounds(tile: Address, matrix: Matrix = Matrix.PROJECTED) -> Box:
    """The ground that a tile shows.

    Examples
    --------
    >>> [round(edge, 3) for edge in bounds(Address(1, 0, 0))]
    [-180.0, 0.0, 0.0, 85.051]
    >>> bounds(Address(1, 0, 0), Matrix.GEOGRAPHIC)
    Box(west=-180.0, south=-90.0, east=0.0, north=90.0)
    """
    side = 360.0 / 2**tile.z
    west = tile.x * side - 180.0
    if matrix is Matrix.GEOGRAPHIC:
        north = 90.0 - tile.y * side
        return Box(west, north - side, west + side, north)
    return Box(west, _latitude(tile.z, tile.y + 1), west + side, _latitude(tile.z, tile.y))


def over(box: Box, zooms: Iterable[int]) -> Iterator[Address]:
    """The projected tiles that show any of a box, zoom by zoom, row by row.

    Parameters
    ----------
    box : within 85 degrees of latitude, not over the antimeridian.
    """
    for z in zooms:
        n = 2**z
        west, east = (int((lon + 180.0) / 360.0 * n) for lon in (box.west, box.east))
        north, south = (int(_row(lat) * n) for lat in (box.north, box.south))
        for y in range(max(north, 0), min(south, n - 1) + 1):
            for x in range(max(west, 0), min(east, n - 1) + 1):
                yield Address(z, x, y)


def _latitude(z: int, row: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1.0 - 2.0 * row / 2**z))))


def _row(lat: float) -> float:
    return (1.0 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2.0
