"""What separates land: roads, railways, water and walls as one list of classed lines.

A planner's layers come as they are drawn: every way of OpenStreetMap from motorway to footpath, subways
under the ground, ponds and rivers as polygons, points that strayed in. Here each layer becomes lines of one
of six classes (:class:`LineClass`); what separates nothing on the ground is left out, and the count of what
was left out, by reason, goes into the report. Nothing is guessed: a missing CRS, a coordinate that is not
finite or degrees in a metric CRS are refused.

Not done here: noding. Lines may cross, overlap and cross themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.errors import InvalidGeometry, InvalidInput, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import GeomArray, IntArray


class LineClass(StrEnum):
    """What runs along a border; the order is that of preference where two run together."""

    ARTERIAL = "arterial"
    """主干路: motorway, trunk and primary, with their ramps."""
    RAIL = "rail"
    WATER = "water"
    COLLECTOR = "collector"
    """次干路: secondary and tertiary."""
    WALL = "wall"
    LANE = "lane"
    """支路与街巷: residential streets and what is below them."""
    NONE = "none"
    """Nothing to see on the ground: a community's border or a cut through a large block."""


LINE_CLASSES: Final = tuple(LineClass)
NONE_AT: Final = LINE_CLASSES.index(LineClass.NONE)

_A, _C, _L = LineClass.ARTERIAL, LineClass.COLLECTOR, LineClass.LANE
ROAD_CLASSES: Final[Mapping[str, LineClass]] = {
    **dict.fromkeys(("motorway", "trunk", "primary", "major_road", "highway"), _A),
    **{f"{name}_link": _A for name in ("motorway", "trunk", "primary")},
    **dict.fromkeys(("secondary", "tertiary", "secondary_link", "tertiary_link"), _C),
    **dict.fromkeys(("residential", "unclassified", "living_street", "pedestrian", "road"), _L),
    **dict.fromkeys(("minor_road", "busway"), _L),
    **{line.value: line for line in LineClass if line is not LineClass.NONE},
}
"""Values of OpenStreetMap's ``highway`` (and of Tilezen's ``kind``) that separate land. Others, such as
footway, track or service, do not: they run inside a block."""

NOT_UNDERGROUND: Final = frozenset({"", "no", "false", "0", "none", "nan", "building_passage"})


@dataclass(frozen=True, slots=True)
class Lines:
    """Classed lines in one metric CRS: ``kind[i]`` is the position of line i's class in ``LINE_CLASSES``."""

    geometry: GeomArray
    kind: IntArray
    left_out: Mapping[str, int]
    """Rows that separate nothing, by reason such as ``roads: footway``, ``rail: underground``."""


def gather_lines(
    roads: gpd.GeoDataFrame,
    rail: gpd.GeoDataFrame | None,
    water: gpd.GeoDataFrame | None,
    walls: gpd.GeoDataFrame | None,
    *,
    crs: Any,
    road_class: str | None,
) -> Lines:
    """Return all that separates land, classed.

    Parameters
    ----------
    roads, rail, water, walls : lines or polygons (their outlines count); points and empty rows are left
        out. A column ``tunnel`` or ``is_tunnel`` says what runs under the ground.
    crs : of the plan; every layer must be in it.
    road_class : column of ``roads`` with values of :data:`ROAD_CLASSES`; None: every road is a lane.

    Raises
    ------
    WrongCrs
        A layer has no CRS, another one, or degrees in spite of it.
    InvalidGeometry
        A coordinate is not finite.
    InvalidInput
        ``roads`` lack the column, or none of its values is known.
    """
    left_out: dict[str, int] = {}
    shapes, kinds = [np.empty(0, dtype=object)], [np.empty(0, dtype=np.int64)]
    layers = (
        ("roads", roads, None),
        ("rail", rail, LineClass.RAIL),
        ("water", water, LineClass.WATER),
        ("walls", walls, LineClass.WALL),
    )
    for name, frame, line in layers:
        if frame is None:
            continue
        drawn, rows = _drawn(name, frame, crs, left_out)
        if line is None:
            kind = _road_kinds(frame, road_class, rows, left_out)
        else:
            kind = np.full(len(rows), LINE_CLASSES.index(line), dtype=np.int64)
        shapes.append(drawn[kind != NONE_AT])
        kinds.append(kind[kind != NONE_AT])
    lines, row = shapely.get_parts(np.concatenate(shapes), return_index=True)
    return Lines(np.asarray(lines, dtype=object), np.concatenate(kinds)[row], left_out)


def require_plan_crs(name: str, frame: gpd.GeoDataFrame, crs: Any) -> None:
    """Refuse a layer that is not in the CRS of the plan."""
    if not require_metric(frame.crs).equals(crs):
        raise WrongCrs("all layers must be in one CRS", layer=name, crs=str(frame.crs)[:80])


def require_places(name: str, shapes: GeomArray) -> None:
    """Refuse coordinates that are not finite, or degrees although the CRS is metric."""
    coords = shapely.get_coordinates(shapes)
    if not np.isfinite(coords).all():
        raise InvalidGeometry("a coordinate is not a finite number", layer=name, hint="not_finite")
    if len(coords) and np.abs(coords).max() <= 180.0:
        raise WrongCrs("the coordinates look like degrees although the CRS is metric", layer=name)


def _drawn(
    name: str, frame: gpd.GeoDataFrame, crs: Any, left_out: dict[str, int]
) -> tuple[GeomArray, IntArray]:
    """Lines of a layer that lie on the ground, and the rows they come from."""
    require_plan_crs(name, frame, crs)
    shapes = shapely.force_2d(np.asarray(frame.geometry.array, dtype=object))
    require_places(name, shapes)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    flat = ~empty & (shapely.get_dimensions(shapes) < 1)
    under = _underground(frame) & ~empty & ~flat
    for reason, which in (("empty", empty), ("points", flat), ("underground", under)):
        if which.any():
            left_out[f"{name}: {reason}"] = int(which.sum())
    rows = np.flatnonzero(~(empty | flat | under))
    shapes = shapes[rows]
    areas = shapely.get_dimensions(shapes) == 2
    shapes[areas] = shapely.boundary(shapes[areas])
    return shapes, rows.astype(np.int64)


def _underground(frame: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    under = np.zeros(len(frame), dtype=np.bool_)
    for column in ("tunnel", "is_tunnel"):
        if column in frame:
            values = frame[column].astype("string").str.lower().fillna("")
            under |= ~values.isin(NOT_UNDERGROUND).to_numpy(dtype=bool)
    return under


def _road_kinds(
    roads: gpd.GeoDataFrame, road_class: str | None, rows: IntArray, left_out: dict[str, int]
) -> IntArray:
    if road_class is None:
        return np.full(len(rows), LINE_CLASSES.index(LineClass.LANE), dtype=np.int64)
    if road_class not in roads:
        raise InvalidInput(
            "the roads lack the column with their class",
            argument="road_class",
            column=road_class,
            columns=[str(name) for name in roads.columns[:30]],
        )
    value = roads[road_class].iloc[rows].astype("string").fillna("not given")
    kind = value.map({name: LINE_CLASSES.index(line) for name, line in ROAD_CLASSES.items()})
    unknown = pd.Series(value[kind.isna()])
    if len(rows) and len(unknown) == len(rows):
        raise InvalidInput(
            "no road has a class that separates land",
            argument="road_class",
            column=road_class,
            values=sorted(set(unknown.tolist()))[:10],
        )
    for name, count in unknown.value_counts(sort=False).items():
        left_out[f"roads: {name}"] = int(count)
    return np.asarray(kind.fillna(NONE_AT).to_numpy(dtype=np.int64), dtype=np.int64)
