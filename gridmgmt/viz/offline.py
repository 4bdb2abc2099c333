"""folium maps that need nobody: Leaflet stands in the page itself, and there are no tiles.

folium links Leaflet, jQuery, Bootstrap and icon fonts from servers on the internet, and the grid centre's
machines have none. :class:`OfflineMap` writes Leaflet from this package into the page and links nothing else,
so of folium that much works: ``GeoJson`` with ``GeoJsonTooltip``, ``CircleMarker``, ``PolyLine``,
``FeatureGroup`` and ``LayerControl``. Popups and icon markers want the rest: use tooltips and circles.
:func:`save` refuses a page that would ask for anything.
"""

import re
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import folium
from branca.element import Element

from gridmgmt.errors import InvalidInput

DEEPEST_ZOOM: Final = 20
PAPER: Final = "#f8f5ee"
_BLANK: Final = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
_ASKS: Final = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?!data:)[^\"'\s>]+"
    r"|url\(\s*[\"']?(?!data:|#)[^)\"']+|@import|L\.tileLayer\(\s*[\"']",
    re.IGNORECASE,
)


class OfflineMap(folium.Map):
    """A folium map whose page asks for nothing.

    Parameters
    ----------
    bounds : west, south, east, north in degrees: what is shown first.
    notice : a line at the foot: sources, licences, what is synthetic.
    height_px : of the map in a notebook; a saved page fills its window.
    """

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  as folium declares it
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(
        self, bounds: tuple[float, float, float, float], *, notice: str = "", height_px: int = 480
    ) -> None:
        west, south, east, north = bounds
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            tiles=None,
            maxZoom=DEEPEST_ZOOM,
            zoomSnap=0.25,
            control_scale=True,
        )
        self.fit_bounds([[south, west], [north, east]])
        self._notice = notice
        self._height_px = height_px

    def render(self, **kwargs: Any) -> str:
        """Write Leaflet and the notice into the page, then what folium writes."""
        figure: Any = self.get_root()
        figure.height = self._height_px
        style, script = _leaflet()
        paper = f".leaflet-container{{background:{PAPER}}}"
        figure.header.add_child(_Raw(f"<style>{style}{paper}</style>"), name="leaflet_css")
        figure.header.add_child(_Raw(f"<script>{script}</script>"), name="leaflet")
        figure.html.add_child(_Raw(_foot(self._notice)), name="notice")
        return str(super().render(**kwargs))  # type: ignore[no-untyped-call]


class _Raw(Element):
    """Text that goes into the page as it is: a template would read Leaflet's own braces."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_kwargs: Any) -> str:
        return self._text


@cache
def _leaflet() -> tuple[str, str]:
    place = files("gridmgmt.viz") / "leaflet"
    style, script = ((place / f"leaflet.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return re.sub(r"url\((?!#)[^)]*\)", f"url({_BLANK})", style), script


def _foot(notice: str) -> str:
    if not notice:
        return ""
    style = (
        "position:absolute;left:96px;bottom:0;z-index:900;padding:2px 8px;background:rgba(255,255,255,.85);"
        "font:12px sans-serif;color:#2a2118"
    )
    return f'<div style="{style}">{escape(notice)}</div>'


def page_of(drawn: folium.Map) -> str:
    """Return the whole page of a map.

    Raises
    ------
    InvalidInput
        The page would ask for something outside; ``facts["asks"]`` says what.
    """
    page = str(drawn.get_root().render())
    found = sorted({match.group()[:120] for match in _ASKS.finditer(_without_leaflet(page))})
    if found:
        raise InvalidInput("the map would ask for files from outside", asks=found[:10])
    return page


def _without_leaflet(page: str) -> str:
    """Leaflet's own text names images that it never asks for unless a marker with an icon is drawn."""
    return page.replace(_leaflet()[1], "")


def save(drawn: folium.Map, file: Path) -> Path:
    """Write a map as one HTML file that works without internet; the folder is made when missing.

    Raises
    ------
    InvalidInput
        As :func:`page_of`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page_of(drawn), encoding="utf-8")
    return file


def side_by_side(maps: "dict[str, folium.Map]", *, height_px: int = 520) -> str:
    """Return one page with maps beside each other, each below its title.

    Parameters
    ----------
    maps : by title, in order.

    Raises
    ------
    InvalidInput
        As :func:`page_of`.
    """
    frame = f"width:100%;height:{height_px}px;border:1px solid #ccc"
    parts = "".join(
        f'<figure style="flex:1 1 360px;margin:0"><figcaption style="font:bold 14px sans-serif">'
        f'{escape(title)}</figcaption><iframe title="{escape(title)}" style="{frame}"'
        f' srcdoc="{escape(page_of(drawn))}"></iframe></figure>'
        for title, drawn in maps.items()
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{parts}</div>'
