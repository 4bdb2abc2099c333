"""Coordinate reference systems: the only file of the project that names an EPSG code.

One rule carries the rest: **positions are stored in one geographic CRS, lengths and areas are taken
in one metric zone, and nothing in between guesses**. Coordinates are (lon, lat), x before y,
everywhere; pyproj is always asked for ``always_xy`` because EPSG itself puts latitude first in
4490 and northing first in the Gauss-Krüger zones.

* Storage: CGCS2000 geographic, EPSG:4490, as the city's survey base and the grid standards ask.
* Measuring: CGCS2000 / 3-degree Gauss-Krüger zones on 114, 117 and 120 °E. Which one is the city's
  choice and arrives as a value, so that geometry stays pure. Tianjin lies in the 117 °E zone.
* Phones give WGS 84 (EPSG:4326); it differs from CGCS2000 by centimetres, so at phone accuracy it is
  taken as CGCS2000 and only the label is kept.
* GCJ-02 and BD-09 are datums of commercial maps without an EPSG code: see :mod:`gridmgmt.geo.datum`.

* Files of others come in any Gauss-Krüger zone of CGCS2000, with the zone's number before the easting or
  without (:class:`GaussKruger`). Which one is concluded, and said, in
  :mod:`gridmgmt.planning.official.placing`.

Not done here: no guessing of a missing CRS, no repair of swapped axes (they are refused with a
hint), no network for transformation grids.
"""

import math
from collections.abc import Callable
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import InvalidGeometry, WrongCrs

GEOGRAPHIC: Final = "EPSG:4490"
"""CGCS2000, longitude and latitude in degrees: the CRS that everything is stored in."""

GEOGRAPHIC_SRID: Final = 4490
"""The same as a number, for geometry columns."""

WGS84: Final = "EPSG:4326"
"""What phones and GeoJSON give."""

WEB_MERCATOR: Final = "EPSG:3857"
"""For map tiles only; :func:`require_metric` refuses it."""

MAX_ZONE_OFFSET_DEG: Final = 3.0
"""Farthest from its central meridian that a zone is used: beyond, areas err by more than 0.2 %."""

CHINA_LON: Final = (73.0, 136.0)
CHINA_LAT: Final = (3.0, 54.0)
"""Generous frame of China, used only to recognise swapped axes."""

G = TypeVar("G", bound=BaseGeometry | npt.NDArray[np.object_])


class Datum(StrEnum):
    """The datum a position was given in; a position without one is refused, not guessed."""

    CGCS2000 = "cgcs2000"
    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    """国测局 offset of commercial maps such as Amap and Tencent."""
    BD09 = "bd09"
    """Baidu's offset on top of GCJ-02."""

    @property
    def is_offset(self) -> bool:
        """Whether positions in this datum lie some 500 m beside their CGCS2000 place."""
        return self in {Datum.GCJ02, Datum.BD09}


class MetricZone(IntEnum):
    """CGCS2000 / 3-degree Gauss-Krüger zones by central meridian; the value is the EPSG code."""

    CM_114E = 4547
    CM_117E = 4548
    CM_120E = 4549

    @property
    def central_meridian_deg(self) -> float:
        """Central meridian in degrees east."""
        return _CENTRAL_MERIDIAN_DEG[self]


_CENTRAL_MERIDIAN_DEG: Final = {
    MetricZone.CM_114E: 114.0,
    MetricZone.CM_117E: 117.0,
    MetricZone.CM_120E: 120.0,
}


class GaussKruger(NamedTuple):
    """A Gauss-Krüger system of CGCS2000: zones of 3° on 75, 78 … 135 °E, or of 6° on 75, 81 … 135 °E.

    ``prefixed`` ones write the number of the zone before the easting (39 555 000 m instead of 555 000 m).
    """

    width_deg: int
    central_meridian_deg: int
    prefixed: bool

    @property
    def crs(self) -> str:
        """Its name for pyproj."""
        first = {(3, True): 4513, (3, False): 4534, (6, True): 4491, (6, False): 4502}
        step = (self.central_meridian_deg - 75) // self.width_deg
        return f"EPSG:{first[self.width_deg, self.prefixed] + step}"

    @classmethod
    def of_zone(cls, number: int) -> "GaussKruger | None":
        """The system whose eastings start with this number: 25-45 are 3° zones, 13-23 are 6° zones."""
        if 25 <= number <= 45:
            return cls(3, 3 * number, prefixed=True)
        return cls(6, 6 * number - 3, prefixed=True) if 13 <= number <= 23 else None

    @classmethod
    def without_prefix(cls) -> "list[GaussKruger]":
        """Every central meridian that an easting of six digits may count from.

        A 6° zone on the same meridian has the same coordinates, so those are not listed besides.
        """
        return [cls(3, meridian, prefixed=False) for meridian in range(75, 136, 3)]


class LonLat(NamedTuple):
    """A position in degrees, longitude first; build it with :func:`lonlat`, which checks it."""

    lon: float
    lat: float


def lonlat(lon: float, lat: float) -> LonLat:
    """Return a checked position.

    Parameters
    ----------
    lon, lat : degrees; -180 ≤ lon ≤ 180 and -90 ≤ lat ≤ 90, both ends included.

    Raises
    ------
    InvalidGeometry
        NaN or infinite, out of range, or most likely swapped: a place in China read as (lat, lon).
        ``facts["hint"]`` is ``not_finite``, ``out_of_range``, ``axes_swapped`` or ``metric_coordinates``.

    Examples
    --------
    >>> lonlat(117.65, 39.03)
    LonLat(lon=117.65, lat=39.03)
    """
    lon, lat = float(lon), float(lat)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise InvalidGeometry(
            "a coordinate is not a finite number", hint="not_finite", lon=str(lon), lat=str(lat)
        )
    if _looks_swapped(lon, lat):
        raise InvalidGeometry(
            "latitude and longitude look swapped: give longitude first",
            hint="axes_swapped",
            lon=lon,
            lat=lat,
        )
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        metric = max(abs(lon), abs(lat)) > 1000.0
        raise InvalidGeometry(
            "the coordinates are outside the range of longitude and latitude",
            hint="metric_coordinates" if metric else "out_of_range",
            lon=lon,
            lat=lat,
        )
    return LonLat(lon, lat)


def _looks_swapped(lon: float, lat: float) -> bool:
    return CHINA_LAT[0] <= lon <= CHINA_LAT[1] and CHINA_LON[0] <= lat <= CHINA_LON[1]


def require_lonlat_bounds(xmin: float, ymin: float, xmax: float, ymax: float) -> None:
    """Refuse a bounding box that cannot be one of longitudes and latitudes.

    Parameters
    ----------
    xmin, ymin, xmax, ymax : corners, x being longitude in degrees.

    Raises
    ------
    InvalidGeometry
        As :func:`lonlat`, for either corner.
    """
    lonlat(xmin, ymin)
    lonlat(xmax, ymax)


def metric_zone_for(lon: float) -> MetricZone:
    """Return the zone whose central meridian is nearest.

    Parameters
    ----------
    lon : degrees east. On the line between two zones (115.5, 118.5) the western one is taken.

    Raises
    ------
    WrongCrs
        More than 1.5° from the three meridians: no zone is set up for that place.
    """
    if not math.isfinite(lon):
        raise InvalidGeometry("a longitude is not a finite number", hint="not_finite", lon=str(lon))
    zone = min(MetricZone, key=lambda z: (abs(lon - z.central_meridian_deg), z))
    if abs(lon - zone.central_meridian_deg) > 1.5:
        raise WrongCrs(
            "no metric zone is set up for this longitude",
            lon=lon,
            central_meridians_deg=[z.central_meridian_deg for z in MetricZone],
        )
    return zone


def to_metric(geom: G, zone: MetricZone | int) -> G:
    """Project from CGCS2000 degrees into a metric zone.

    Parameters
    ----------
    geom : a geometry or an array of geometries in (lon, lat) degrees.
    zone : the city's zone.

    Returns
    -------
    The same in metres, (easting, northing), easting 500 000 on the central meridian.

    Raises
    ------
    InvalidGeometry
        Not finite, not degrees, or axes swapped.
    WrongCrs
        More than 3° from the zone's central meridian, where it no longer measures well.
    """
    zone = _known_zone(zone)
    bounds = _checked_lonlat_bounds(geom)
    if bounds is not None:
        meridian_deg = zone.central_meridian_deg
        offset_deg = max(abs(bounds[0] - meridian_deg), abs(bounds[2] - meridian_deg))
        if offset_deg > MAX_ZONE_OFFSET_DEG:
            raise WrongCrs(
                "the geometry lies too far from the zone's central meridian",
                zone=int(zone),
                central_meridian_deg=meridian_deg,
                offset_deg=round(offset_deg, 3),
            )
    return _transformed(geom, _transform(GEOGRAPHIC, f"EPSG:{int(zone)}"))


def to_geographic(geom: G, zone: MetricZone | int) -> G:
    """Bring a geometry of a metric zone back to CGCS2000 degrees, (lon, lat).

    Parameters
    ----------
    geom : a geometry or an array of geometries in metres of ``zone``, (easting, northing).
    zone : the zone it is in; the geometry itself cannot tell.

    Raises
    ------
    InvalidGeometry
        The result is no position on Earth: the input was not in metres of that zone.
    """
    zone = _known_zone(zone)
    result = _transformed(geom, _transform(f"EPSG:{int(zone)}", GEOGRAPHIC))
    _checked_lonlat_bounds(result)
    return result


def require_metric(crs: Any) -> pyproj.CRS:
    """Return the CRS when lengths and areas may be taken in it, else refuse.

    Parameters
    ----------
    crs : anything that ``pyproj.CRS.from_user_input`` reads: a zone, a code, a CRS, a frame's ``.crs``.

    Raises
    ------
    WrongCrs
        Missing, in degrees, not in metres, or a Mercator projection: a 100 m square of Beijing
        measures 17 009 m² in Web Mercator.
    """
    if isinstance(crs, int | str):
        return _metric_by_name(int(crs) if isinstance(crs, int) else crs)
    return _checked_metric(_parsed(crs))


@lru_cache(maxsize=64)
def _metric_by_name(crs: int | str) -> pyproj.CRS:
    return _checked_metric(_parsed(crs))


def _checked_metric(known: pyproj.CRS) -> pyproj.CRS:
    if not known.is_projected:
        raise WrongCrs("lengths and areas are not taken in degrees", crs=known.to_string())
    method = known.coordinate_operation.method_name if known.coordinate_operation else ""
    if "mercator" in method.lower() and "transverse" not in method.lower():
        raise WrongCrs(
            "Mercator stretches lengths and areas: measure in the city's zone",
            crs=known.to_string(),
            method=method,
        )
    if any(axis.unit_name not in {"metre", "meter"} for axis in known.axis_info):
        raise WrongCrs("the axes are not in metres", crs=known.to_string())
    return known


def require_geographic(crs: Any) -> pyproj.CRS:
    """Return the CRS when it is one of stored positions (CGCS2000, or WGS 84 taken as such).

    Raises
    ------
    WrongCrs
        Missing, projected, or on another datum such as Beijing 1954.
    """
    known = _parsed(crs)
    if known.to_epsg() not in _STORED_AS_GEOGRAPHIC and not known.equals(pyproj.CRS("OGC:CRS84")):
        raise WrongCrs("positions are stored in CGCS2000 longitude and latitude", crs=known.to_string())
    return known


_STORED_AS_GEOGRAPHIC: Final = frozenset({4490, 4326})


def _parsed(crs: Any) -> pyproj.CRS:
    if crs is None:
        raise WrongCrs("the CRS is missing; it is not guessed", crs=None)
    try:
        return pyproj.CRS.from_user_input(int(crs) if isinstance(crs, int) else crs)
    except CRSError as error:
        raise WrongCrs("the CRS is not known", crs=str(crs)[:80]) from error


def _known_zone(zone: MetricZone | int) -> MetricZone:
    try:
        return MetricZone(zone)
    except ValueError as error:
        raise WrongCrs(
            "not one of the metric zones", zone=str(zone), zones=[int(z) for z in MetricZone]
        ) from error


def _checked_lonlat_bounds(geom: Any) -> tuple[float, float, float, float] | None:
    """Bounds in degrees, None for an empty geometry; NaN is seen here, where GEOS would skip it."""
    coords = shapely.get_coordinates(geom)
    if len(coords) == 0:
        return None
    (xmin, ymin), (xmax, ymax) = coords.min(axis=0).tolist(), coords.max(axis=0).tolist()
    require_lonlat_bounds(xmin, ymin, xmax, ymax)
    return xmin, ymin, xmax, ymax


# One Transformer may be shared: it keeps a PROJ object per thread itself (pyproj's TransformerLocal).
@lru_cache(maxsize=16)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _transform(source: str, target: str) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    transformer = _transformer(source, target)

    def apply(coords: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = transformer.transform(coords[:, 0], coords[:, 1])
        return np.column_stack([x, y])

    return apply


def _transformed(geom: G, apply: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> G:
    result: G = shapely.transform(geom, apply)  # type: ignore[type-var]
    return result
