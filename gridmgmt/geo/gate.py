"""The one gate for geometry that comes from outside: GeoJSON in, checked shapely out, or a refusal.

Everything is bounded before anything is computed: bytes, levels, vertices, rings, extent. Then GEOS is asked
one cheap question (is it valid?), and what is not valid is refused with the reason and the place. It is
never repaired: a repaired border is another border than the sender drew, and repairing is the expensive
part (a 500-vertex scribble keeps GEOS 3.11 busy for minutes, in PostGIS beyond any statement timeout).

Stricter than RFC 7946: no ``crs``, no altitude, no collections, no line across the antimeridian, and
everything lies in the frame of the subdistrict that it is for. Coordinates are CRS84, longitude first;
axes that are exchanged are recognised and said, not exchanged back. The largest kinds are checked in a
bounded process (:mod:`gridmgmt.adapters.bounded`), so that an import never occupies a server.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import InvalidGeometry
from gridmgmt.geo.crs import CHINA_LAT, CHINA_LON, LonLat, lonlat

MOST_LEVELS: Final = 8
MOST_FEATURES: Final = 5_000
MOST_FILE_BYTES: Final = 20 * 2**20
FRAME_MARGIN_DEG: Final = 0.02
"""About 2 km: what is drawn for a subdistrict may reach a little beyond its outline, not to another city."""


class Kind(StrEnum):
    """What a geometry is for; each has its own limits."""

    POINT = "point"
    TRACK = "track"
    AREA = "area"
    BOUNDARY = "boundary"


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of its text, vertices and rings, and the types that it may be of."""

    types: frozenset[str]
    vertices: int
    rings: int
    bytes: int


LIMITS: Final[Mapping[Kind, Limits]] = {
    Kind.POINT: Limits(frozenset({"Point"}), 1, 0, 1_000),
    Kind.TRACK: Limits(frozenset({"LineString"}), 20_000, 0, 2**20),
    Kind.AREA: Limits(frozenset({"Polygon"}), 500, 10, 2**16),
    Kind.BOUNDARY: Limits(frozenset({"Polygon", "MultiPolygon"}), 20_000, 50, 2**21),
}
_LEVELS_OF: Final = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 3}
_MEMBERS: Final = {"type", "coordinates", "bbox"}
_PLACE: Final = re.compile(r"\[(-?[0-9.eE+-]+) (-?[0-9.eE+-]+)\]")


class Frame(NamedTuple):
    """Where everything must lie: west, south, east, north in degrees."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        """Whether a position lies inside or on the border."""
        return self.west <= lon <= self.east and self.south <= lat <= self.north


CHINA: Final = Frame(CHINA_LON[0], CHINA_LAT[0], CHINA_LON[1], CHINA_LAT[1])


def frame_of(outline: BaseGeometry) -> Frame:
    """The frame of a subdistrict: the box of its outline with a margin, within China."""
    west, south, east, north = outline.bounds
    return Frame(
        max(west - FRAME_MARGIN_DEG, CHINA.west),
        max(south - FRAME_MARGIN_DEG, CHINA.south),
        min(east + FRAME_MARGIN_DEG, CHINA.east),
        min(north + FRAME_MARGIN_DEG, CHINA.north),
    )


def parse_geometry(content: bytes, kind: Kind, frame: Frame = CHINA) -> BaseGeometry:
    """A GeoJSON geometry, checked.

    Parameters
    ----------
    content : the text of one geometry, UTF-8.
    kind : what it is for; its limits are :data:`LIMITS`.
    frame : where it must lie.

    Raises
    ------
    InvalidGeometry
        ``facts["hint"]`` is one of ``too_many_bytes``, ``not_json``, ``too_deep``, ``not_a_geometry``,
        ``wrong_type``, ``crs``, ``unknown_member``, ``not_a_position``, ``too_many_vertices``,
        ``too_many_rings``, ``too_few_vertices``, ``ring_not_closed``, ``not_finite``, ``out_of_range``,
        ``axes_swapped``, ``metric_coordinates``, ``antimeridian``, ``outside_frame``, ``not_valid``.

    Examples
    --------
    >>> parse_geometry(b'{"type": "Point", "coordinates": [117.65, 39.03]}', Kind.POINT)
    <POINT (117.65 39.03)>
    """
    limits = LIMITS[kind]
    if len(content) > limits.bytes:
        raise _refused("The geometry has too many bytes.", "too_many_bytes", limit=limits.bytes)
    return _checked(_json_of(content), kind, frame)


def parse_cells(content: bytes, frame: Frame = CHINA) -> list[tuple[Mapping[str, Any], BaseGeometry]]:
    """Properties and polygon of each feature of a GeoJSON FeatureCollection, checked one by one.

    Raises
    ------
    InvalidGeometry
        As :func:`parse_geometry`; ``facts["feature"]`` is the number of the feature, from 0. Besides:
        ``too_many_features``, ``not_a_collection``.
    """
    if len(content) > MOST_FILE_BYTES:
        raise _refused("The file has too many bytes.", "too_many_bytes", limit=MOST_FILE_BYTES)
    document = _json_of(content, spare_levels=3)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise _refused("This is no FeatureCollection.", "not_a_collection")
    if "crs" in document:
        raise _crs_refused()
    if len(features) > MOST_FEATURES:
        raise _refused("The file has too many features.", "too_many_features", limit=MOST_FEATURES)
    return [_feature(number, feature, frame) for number, feature in enumerate(features)]


def require_shape(shape: BaseGeometry, kind: Kind, frame: Frame = CHINA) -> None:
    """Refuse a geometry that exists already as :func:`parse_geometry` would refuse its text.

    Raises
    ------
    InvalidGeometry
        With the same hints.
    """
    limits = LIMITS[kind]
    if shape.geom_type not in limits.types:
        raise _wrong_type(shape.geom_type, limits)
    if shape.is_empty:
        raise _refused("The geometry is empty.", "too_few_vertices")
    if shape.has_z:
        raise _refused("A position is longitude and latitude, without height.", "not_a_position")
    _require_few(int(shapely.get_num_coordinates(shape)), _rings_of(shape), limits)
    xy = shapely.get_coordinates(shape)
    if not np.isfinite(xy).all():
        raise _refused("A coordinate is not a finite number.", "not_finite")
    west, south, east, north = shape.bounds
    for lon, lat in ((west, south), (east, north)):
        _require_in_frame(lonlat(lon, lat), frame)
    _require_valid(shape)


def _feature(number: int, feature: Any, frame: Frame) -> tuple[Mapping[str, Any], BaseGeometry]:
    try:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise _refused("This is no Feature.", "not_a_geometry")
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise _refused("The properties of a feature are an object.", "not_a_geometry")
        return properties, _checked(feature.get("geometry"), Kind.BOUNDARY, frame)
    except InvalidGeometry as fault:
        raise InvalidGeometry(fault.message, **{**fault.facts, "feature": number}) from None


def _json_of(content: bytes, spare_levels: int = 0) -> Any:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise _refused(f"This is not JSON: {exc.msg}.", "not_json") from None
    # Level by level and not by recursion: how deep it is, is the question.
    level: list[Any] = [document]
    for _ in range(MOST_LEVELS + spare_levels):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return document
    raise _refused("The geometry has too many levels.", "too_deep", limit=MOST_LEVELS)


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _checked(document: Any, kind: Kind, frame: Frame) -> BaseGeometry:
    limits = LIMITS[kind]
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        raise _refused("This is no GeoJSON geometry.", "not_a_geometry")
    if "crs" in document:
        raise _crs_refused()
    if document["type"] not in limits.types:
        raise _wrong_type(document["type"], limits)
    if document.keys() - _MEMBERS:
        raise _refused("The geometry has members that are not read here.", "unknown_member")
    chains = list(_chains(document.get("coordinates"), _LEVELS_OF[document["type"]], limits))
    for chain in chains:
        _require_chain(chain, frame, closed="Polygon" in document["type"])
    shape: BaseGeometry = shapely.geometry.shape(
        {"type": document["type"], "coordinates": document["coordinates"]}
    )
    _require_valid(shape)
    return shape


def _chains(coordinates: Any, levels: int, limits: Limits) -> Iterator[list[Any]]:
    """The lines and rings of a geometry, counted as they are met; a point is a line of one position."""
    if levels == 0:
        yield [coordinates]
        return
    if not isinstance(coordinates, list) or not coordinates:
        raise _refused("Coordinates are missing.", "too_few_vertices")
    level = [coordinates]
    for _ in range(levels - 1):
        if not all(isinstance(one, list) and one for one in level):
            raise _refused("Coordinates are missing.", "too_few_vertices")
        level = [part for one in level for part in one]
    rings = len(level) if levels > 1 else 0
    _require_few(sum(len(one) if isinstance(one, list) else 1 for one in level), rings, limits)
    for one in level:
        if not isinstance(one, list):
            raise _refused("A line or ring is a list of positions.", "not_a_position")
        yield one


def _require_few(vertices: int, rings: int, limits: Limits) -> None:
    if vertices > limits.vertices:
        raise _refused(
            "The geometry has too many vertices.", "too_many_vertices",
            limit=limits.vertices, vertices=vertices,
        )  # fmt: skip
    if rings > limits.rings:
        raise _refused("The geometry has too many rings.", "too_many_rings", limit=limits.rings, rings=rings)


def _require_chain(chain: Sequence[Any], frame: Frame, *, closed: bool) -> None:
    positions = [_position(one) for one in chain]
    for one in positions:
        _require_in_frame(one, frame)
    if closed and len(positions) < 4:
        raise _refused("A ring has at least four positions.", "too_few_vertices")
    if closed and positions[0] != positions[-1]:
        raise _refused("A ring ends where it began.", "ring_not_closed", **positions[0]._asdict())


def _position(given: Any) -> LonLat:
    if not isinstance(given, list) or len(given) != 2 or not all(type(one) in (int, float) for one in given):
        raise _refused("A position is two numbers: longitude and latitude.", "not_a_position")
    return lonlat(*given)


def _require_in_frame(one: LonLat, frame: Frame) -> None:
    if frame.holds(*one):
        return
    # Within China's frame no step is half so long; to call it by its name helps whoever drew it.
    hint = "antimeridian" if one.lon < -90 else "outside_frame"
    raise _refused("The geometry leaves the frame that it is for.", hint, **one._asdict(), frame=list(frame))


def _require_valid(shape: BaseGeometry) -> None:
    if shapely.is_valid(shape):
        return
    reason = str(shapely.is_valid_reason(shape))
    found = _PLACE.search(reason)
    place = {"lon": float(found[1]), "lat": float(found[2])} if found else {}
    raise _refused(
        "The geometry is not valid; mend it where it was drawn.", "not_valid",
        reason=reason.partition("[")[0], **place,
    )  # fmt: skip


def _rings_of(shape: BaseGeometry) -> int:
    return int(sum(1 + shapely.get_num_interior_rings(part) for part in shapely.get_parts(shape)
                   if part.geom_type == "Polygon"))  # fmt: skip


def _wrong_type(given: str, limits: Limits) -> InvalidGeometry:
    return _refused(
        "The geometry is of a type that is not taken here.", "wrong_type",
        given=given[:40], taken=sorted(limits.types),
    )  # fmt: skip


def _crs_refused() -> InvalidGeometry:
    return _refused("GeoJSON is in CRS84; a crs member is refused, not interpreted.", "crs")


def _refused(message: str, hint: str, **facts: Any) -> InvalidGeometry:
    clean = {k: v if not isinstance(v, float) or math.isfinite(v) else str(v) for k, v in facts.items()}
    return InvalidGeometry(message, hint=hint, **clean)
