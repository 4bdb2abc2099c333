"""Maps of plans for notebooks: cells by households, load or lights, hexagons of heat, routes.

Frames come in any CRS and are shown in degrees. Every function returns a
:class:`~gridmgmt.viz.offline.OfflineMap`, on which more folium layers may be put; what reads it on a screen
is a tooltip with the row's columns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import Element

from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.viz.offline import OfflineMap
from gridmgmt.viz.plan_card import BAND, BAND_COLOURS, DEDICATED, OUTSIDE

LIGHTS: Final = {"green": "#3c9a5f", "yellow": "#e0a01b", "red": "#d4523a"}
HEAT: Final = ("#fff3d6", "#fdd49e", "#fc8d59", "#e34a33", "#990000")
SPOTS: Final = {"hot": "#c1272d", "cold": "#2c6fbb", "": "#e9e4d8"}
LINE: Final = "#1b5c90"
INK: Final = "#2a2118"
_DECIMALS_DEG: Final = 1e-7

Colour = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Shading:
    """What colour a row gets, and what the legend says of it.

    Attributes
    ----------
    title : of the legend.
    colour : of a row, given its columns.
    legend : (words, colour) from top to bottom.
    """

    title: str
    colour: Colour
    legend: tuple[tuple[str, str], ...]


def by_households() -> Shading:
    """Duty grids in fifths of the band of 300 to 500 households, dedicated grids grey, the rest red."""
    low, high = BAND
    step = (high - low) / len(BAND_COLOURS)

    def colour(row: Mapping[str, Any]) -> str:
        if row.get("kind") == "dedicated":
            return DEDICATED
        share = (float(row["households"]) - low) / (high - low)
        if not 0.0 <= share <= 1.0:
            return OUTSIDE
        return BAND_COLOURS[min(int(share * len(BAND_COLOURS)), len(BAND_COLOURS) - 1)]

    steps = tuple((f"{low + n * step:.0f}+", colour_) for n, colour_ in enumerate(BAND_COLOURS))
    rest = (("dedicated 专属网格", DEDICATED), ("outside the band", OUTSIDE))
    return Shading("households 户数", colour, steps + rest)


def by_steps(column: str, values: "pd.Series[float]", title: str | None = None) -> Shading:
    """Fifths of the values that occur, light to dark; a missing value is grey."""
    known = pd.to_numeric(values, errors="coerce").dropna().to_numpy(dtype=np.float64)
    edges = np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8])) if len(known) else np.zeros(0)

    def colour(row: Mapping[str, Any]) -> str:
        value = row[column]
        if value is None or pd.isna(value):
            return DEDICATED
        return HEAT[int(np.searchsorted(edges, float(value), side="right"))]

    lows = [f"below {edges[0]:,.3g}" if len(edges) else "all", *(f"from {edge:,.3g}" for edge in edges)]
    return Shading(title or column, colour, tuple(zip(lows, HEAT, strict=False)))


def by_name(column: str, colours: Mapping[str, str], title: str | None = None) -> Shading:
    """One colour a name, such as :data:`LIGHTS`; unknown names are grey."""
    known = tuple((name or "neither", colour) for name, colour in colours.items())
    return Shading(title or column, lambda row: colours.get(str(row[column]), DEDICATED), known)


def plan_map(
    cells: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    *,
    roads: gpd.GeoDataFrame | None = None,
    shading: Shading | None = None,
    tooltip: Sequence[str] = ("code", "name", "kind", "households"),
    notice: str = "",
    height_px: int = 480,
) -> OfflineMap:
    """Show areas with a colour each: cells, atoms or hexagons.

    Parameters
    ----------
    cells : polygons with the columns that the shading and the tooltip name.
    communities : outlined thickly.
    roads : thin lines, so that a place is found without tiles.
    shading : by households of the band when None.
    tooltip : columns shown under the pointer; those that are missing are left out.
    """
    chosen = shading or by_households()
    shown = _degrees(cells)
    west, south, east, north = shown.total_bounds.tolist()
    drawn = OfflineMap((west, south, east, north), notice=notice, height_px=height_px)
    columns = [name for name in tooltip if name in shown]
    plain = shown[[*columns, "geometry"]].copy()
    plain["_fill"] = [
        chosen.colour(row) for row in cells.drop(columns=cells.geometry.name).to_dict("records")
    ]
    folium.GeoJson(
        plain.to_json(),
        name="areas",
        style_function=_area_style,
        tooltip=folium.GeoJsonTooltip(fields=columns) if columns else None,
    ).add_to(drawn)
    if roads is not None:
        add_lines(drawn, roads, colour="#8d8778", weight=1.0, name="roads")
    if communities is not None:
        edges = _degrees(communities).set_geometry(_degrees(communities).geometry.boundary)
        add_lines(drawn, edges, colour=INK, weight=2.5, name="communities")
    add_legend(drawn, chosen)
    return drawn


def add_lines(
    drawn: OfflineMap,
    lines: gpd.GeoDataFrame,
    *,
    colour: str = LINE,
    weight: float = 2.0,
    dashed: bool = False,
    name: str = "lines",
) -> None:
    """Put lines on a map; they take no pointer, so what lies below keeps its tooltip."""
    shown = _degrees(lines)[["geometry"]]
    style = {"color": colour, "weight": weight, "fill": False, "dashArray": "5 5" if dashed else None}
    folium.GeoJson(shown.to_json(), name=name, style_function=lambda _: style, interactive=False).add_to(
        drawn
    )


def add_points(
    drawn: OfflineMap, points: gpd.GeoDataFrame, *, words: str | None = None, colour: str = LINE,
    radius_px: float = 5.0,
) -> None:  # fmt: skip
    """Put circles on a map.

    Parameters
    ----------
    words : column shown under the pointer.
    """
    shown = _degrees(points)
    told = shown[words].astype(str).tolist() if words is not None else [None] * len(shown)
    for point, text in zip(shown.geometry, told, strict=True):
        folium.CircleMarker(
            [point.y, point.x], radius=radius_px, color=INK, weight=1, fill=True, fill_color=colour,
            fill_opacity=0.9, tooltip=None if text is None else escape(text),
        ).add_to(drawn)  # fmt: skip


def add_legend(drawn: OfflineMap, shading: Shading) -> None:
    """Write a legend into the upper right corner."""
    rows = "".join(
        f'<div><i style="display:inline-block;width:14px;height:11px;border:1px solid #888;'
        f'background:{colour};margin-right:6px"></i>{escape(words)}</div>'
        for words, colour in shading.legend
    )
    box = (
        "position:absolute;right:8px;top:8px;z-index:900;padding:6px 10px;background:rgba(255,255,255,.9);"
        "font:12px/1.5 sans-serif;color:#2a2118;border:1px solid #ccc"
    )
    text = f'<div style="{box}"><b>{escape(shading.title)}</b>{rows}</div>'
    page: Any = drawn.get_root()
    page.html.add_child(Element("{% raw %}" + text + "{% endraw %}"))


def still_map(
    axes: Any,
    cells: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    *,
    roads: gpd.GeoDataFrame | None = None,
    shading: Shading | None = None,
    title: str = "",
) -> None:
    """Draw the same on axes of matplotlib, to be saved as a picture; in the frames' own CRS.

    Parameters
    ----------
    axes : of matplotlib, which this package does not import.
    """
    chosen = shading or by_households()
    rows = cells.drop(columns=cells.geometry.name).to_dict("records")
    cells.plot(ax=axes, color=[chosen.colour(row) for row in rows], edgecolor=LINE, linewidth=0.5)
    if roads is not None:
        roads.plot(ax=axes, color="#8d8778", linewidth=0.5)
    if communities is not None:
        communities.boundary.plot(ax=axes, color=INK, linewidth=1.4)
    west, south, east, north = cells.total_bounds.tolist()
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)


def _area_style(feature: Mapping[str, Any]) -> dict[str, Any]:
    fill = feature["properties"]["_fill"]
    return {"fillColor": fill, "color": LINE, "weight": 0.8, "fillOpacity": 0.75}


def _degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shown = frame.to_crs(GEOGRAPHIC)
    # Seven decimals are a centimetre: a page of a street stays below a megabyte.
    shapes = np.asarray(shown.geometry.array, dtype=object)
    thin = shapely.set_precision(shapes, _DECIMALS_DEG, mode="pointwise")
    plain = pd.DataFrame(shown.drop(columns=shown.geometry.name))
    return gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(thin, index=shown.index, crs=GEOGRAPHIC))
