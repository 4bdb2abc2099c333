"""CGCS2000 → GCJ-02 and BD-09, forward only.

What for: a department that works on Amap, Tencent or Baidu sends positions in their datum. Such a
position stays as sent, with its tag, and is located by carrying the *cells* forward into its datum
(:meth:`gridmgmt.domain.cellindex.CellIndex.in_datum`); it is also used to draw on such a base map.

There is no inverse here, on purpose: taking the offset off again is held to be unlawful in mainland
China, and it is an approximation besides (DOMAIN.md §9). Transforming the cells gives the right cell
without it.

The formulas are the publicly known ones: a polynomial with sines on the Krasovsky 1940 ellipsoid for
GCJ-02, a small twist in polar coordinates for BD-09. Test vectors: eviltransform's and
coordtransform's published ones, in tests/geo/test_datum.py. The offset is about 550 m in Tianjin.

WGS 84 is taken as CGCS2000 (see :mod:`gridmgmt.geo.crs`). Outside the frame of China nothing moves.
"""

from typing import Final, TypeVar, overload

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import WrongCrs
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.geo.edges import cut_edges

Floats = npt.NDArray[np.float64]
G = TypeVar("G", bound=BaseGeometry | npt.NDArray[np.object_])

_KRASOVSKY_A_M: Final = 6378245.0
_KRASOVSKY_E2: Final = 0.00669342162296594323
_FRAME_LON: Final = (72.004, 137.8347)
_FRAME_LAT: Final = (0.8293, 55.8271)
_BD_TURNS: Final = np.pi * 3000.0 / 180.0


@overload
def to_gcj02(lon: float, lat: float) -> tuple[float, float]: ...
@overload
def to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]: ...
def to_gcj02(lon: float | Floats, lat: float | Floats) -> tuple[float | Floats, float | Floats]:
    """Move positions from CGCS2000 to GCJ-02.

    Parameters
    ----------
    lon, lat : degrees, numbers or arrays of one shape.

    Returns
    -------
    Longitudes and latitudes in GCJ-02; unchanged outside lon 72.004–137.8347, lat 0.8293–55.8271
    (both ends belong to the inside).

    Examples
    --------
    >>> [round(v, 6) for v in to_gcj02(116.377817, 39.911954)]
    [116.384047, 39.913345]
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    east_m, north_m = _offset_m(x - 105.0, y - 35.0)
    phi = np.radians(y)
    magic = 1.0 - _KRASOVSKY_E2 * np.sin(phi) ** 2
    meridian_m = _KRASOVSKY_A_M * (1.0 - _KRASOVSKY_E2) / (magic * np.sqrt(magic))
    parallel_m = _KRASOVSKY_A_M / np.sqrt(magic) * np.cos(phi)
    inside = _in_frame(x, y)
    moved_x = np.where(inside, x + np.degrees(east_m / parallel_m), x)
    moved_y = np.where(inside, y + np.degrees(north_m / meridian_m), y)
    return _like(lon, moved_x), _like(lat, moved_y)


@overload
def to_bd09(lon: float, lat: float) -> tuple[float, float]: ...
@overload
def to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]: ...
def to_bd09(lon: float | Floats, lat: float | Floats) -> tuple[float | Floats, float | Floats]:
    """Move positions from CGCS2000 to BD-09, by way of GCJ-02.

    Parameters
    ----------
    lon, lat : degrees, numbers or arrays of one shape.

    Returns
    -------
    Longitudes and latitudes in BD-09; unchanged outside the frame of :func:`to_gcj02`.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    gx, gy = to_gcj02(x, y)
    radius = np.hypot(gx, gy) + 0.00002 * np.sin(gy * _BD_TURNS)
    theta = np.arctan2(gy, gx) + 0.000003 * np.cos(gx * _BD_TURNS)
    inside = _in_frame(x, y)
    moved_x = np.where(inside, radius * np.cos(theta) + 0.0065, x)
    moved_y = np.where(inside, radius * np.sin(theta) + 0.006, y)
    return _like(lon, moved_x), _like(lat, moved_y)


def point_in_datum(point: LonLat, datum: Datum) -> LonLat:
    """Carry one CGCS2000 position forward into a datum.

    Parameters
    ----------
    point : CGCS2000 (or WGS 84) degrees.
    datum : where to; CGCS2000 and WGS 84 leave the point as it is.
    """
    if not datum.is_offset:
        return point
    return LonLat(*(to_gcj02 if datum is Datum.GCJ02 else to_bd09)(point.lon, point.lat))


def geometry_in_datum(geom: G, datum: Datum) -> G:
    """Carry geometries forward from CGCS2000 into a datum, cutting long edges first.

    Two neighbours get the same new vertices on a shared edge: edges are cut by a rule that does not
    depend on their direction.

    Parameters
    ----------
    geom : lines, polygons or arrays of them, CGCS2000 degrees.
    datum : where to; CGCS2000 and WGS 84 return ``geom`` itself.

    Raises
    ------
    WrongCrs
        Not a :class:`~gridmgmt.geo.crs.Datum`.
    """
    if not isinstance(datum, Datum):
        raise WrongCrs("not a datum", datum=str(datum), datums=[d.value for d in Datum])
    if not datum.is_offset:
        return geom
    forward = to_gcj02 if datum is Datum.GCJ02 else to_bd09

    def move(coords: Floats) -> Floats:
        return np.column_stack(forward(coords[:, 0].copy(), coords[:, 1].copy()))

    moved: G = shapely.transform(cut_edges(geom), move)  # type: ignore[type-var]
    return moved


def _offset_m(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Offset (east, north) in metres on the Krasovsky ellipsoid, x and y counted from 105 °E 35 °N."""
    common = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (common + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (common + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    return east, north


def _in_frame(x: Floats, y: Floats) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (
        (x >= _FRAME_LON[0]) & (x <= _FRAME_LON[1]) & (y >= _FRAME_LAT[0]) & (y <= _FRAME_LAT[1])
    )
    return inside


def _like(given: float | Floats, result: Floats) -> float | Floats:
    return result if isinstance(given, np.ndarray) else float(result)
