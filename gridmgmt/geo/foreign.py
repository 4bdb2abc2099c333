"""Geometry in the coordinates that others use, brought into the city's metric zone.

Nothing is guessed here: the caller says which system the coordinates are in
(:mod:`gridmgmt.planning.official.placing` is where that is concluded from evidence). A change is made vertex
by vertex, so that what is one vertex in the file is one vertex in metres, and a seamless file stays seamless.
"""

from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC, MetricZone

G = TypeVar("G", bound=BaseGeometry | npt.NDArray[np.object_])

_SEMI_MAJOR_M: Final = 6378137.0
"""Of CGCS2000 and of WGS 84; Beijing 1954 and Xi'an 1980 have others."""


def source_crs(crs: Any) -> pyproj.CRS:
    """Return the CRS of foreign data when it is of CGCS2000 or WGS 84.

    Raises
    ------
    WrongCrs
        Missing, unknown, or on another ellipsoid: Beijing 1954 and Xi'an 1980 need the parameters of the
        city's survey, and a general shift would be wrong by metres.
    """
    if crs is None:
        raise WrongCrs("the CRS is missing; it is not guessed", crs=None)
    try:
        known = pyproj.CRS.from_user_input(crs)
    except CRSError as error:
        raise WrongCrs("the CRS is not known", crs=str(crs)[:80]) from error
    if known.ellipsoid is None or known.ellipsoid.semi_major_metre != _SEMI_MAJOR_M:
        raise WrongCrs(
            "the CRS is on another datum than CGCS2000: have it transformed by the city's survey",
            crs=known.name,
            ellipsoid=known.ellipsoid.name if known.ellipsoid else None,
        )
    return known


def carried_to_metric(geom: G, source: pyproj.CRS, zone: MetricZone) -> G:
    """Bring foreign geometries into a metric zone; equal vertices stay equal.

    Parameters
    ----------
    geom : in ``source``, x before y.
    source : what :func:`source_crs` returned; WGS 84 is taken as CGCS2000.
    zone : the city's zone.

    Returns
    -------
    The same in metres. A vertex that has no place there becomes infinite, for the caller to judge.
    """
    if source.to_epsg() == int(zone):
        return geom
    if source.is_projected and source.geodetic_crs is not None:
        geom = _moved(geom, source.to_wkt(), source.geodetic_crs.to_wkt())
    return _moved(geom, GEOGRAPHIC, pyproj.CRS.from_epsg(int(zone)).to_wkt())


def _moved(geom: G, source: str, target: str) -> G:
    transformer = _transformer(source, target)

    def apply(coords: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(transformer.transform(coords[:, 0], coords[:, 1]))

    result: G = shapely.transform(geom, apply)  # type: ignore[type-var]
    return result


@lru_cache(maxsize=32)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def middle_lonlat(geom: npt.NDArray[np.object_], source: pyproj.CRS) -> tuple[float, float]:
    """Return the middle of what geometries span, in degrees of their own datum; not checked for sense."""
    xmin, ymin, xmax, ymax = shapely.total_bounds(geom).tolist()
    middle = shapely.Point((xmin + xmax) / 2.0, (ymin + ymax) / 2.0)
    if source.is_projected and source.geodetic_crs is not None:
        middle = _moved(middle, source.to_wkt(), source.geodetic_crs.to_wkt())
    return float(middle.x), float(middle.y)
