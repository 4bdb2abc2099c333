"""Draw how raw layers become atoms: ``python docs/atoms.py`` makes ``docs/images/atoms.svg`` anew.

A corner of the Shanghai Bund from ``data/osm``, three times: the layers as they came, the blocks between the
lines with dual carriageways collapsed, and the atoms with what runs along their borders. There is no
randomness, so the same data give the same file.
"""

import sys
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.planning.bordering import Adjacency
from gridmgmt.planning.drawing import draw_atoms
from gridmgmt.planning.drawn import Drawn
from gridmgmt.planning.lines import ROAD_CLASSES, LineClass

CHECKOUT: Final = Path(__file__).resolve().parents[1]
CLIPS: Final = CHECKOUT / "data" / "osm"
PICTURE: Final = CHECKOUT / "docs" / "images" / "atoms.svg"
COMMUNITY: Final = "bund-05"
PANEL_PX: Final = 420
GAP_PX: Final = 14
FOOT_PX: Final = 64
COLOURS: Final = {
    LineClass.ARTERIAL: "#b3261e",
    LineClass.COLLECTOR: "#e07b1a",
    LineClass.LANE: "#d9b13b",
    LineClass.RAIL: "#5b4a8a",
    LineClass.WATER: "#2176ae",
    LineClass.WALL: "#6b4f3a",
    LineClass.NONE: "#9aa0a6",
}
GROUND: Final = ("#e3ebe0", "#efe7d8", "#e2e6f0", "#f0e1e1", "#e6efee")


def layer(name: str, land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A clip in the CRS of the land."""
    return gpd.read_parquet(CLIPS / f"{name}.parquet").to_crs(land.crs)


class Panel:
    """One of the three drawings: from metres to pixels."""

    def __init__(self, frame: shapely.Polygon, number: int) -> None:
        self.frame = frame
        self.west, _, east, self.north = frame.bounds
        self.scale = PANEL_PX / (east - self.west)
        self.left = number * (PANEL_PX + GAP_PX)

    def path(self, shape: Any, style: str) -> str:
        """One path element; what lies outside the panel is cut off."""
        shape = shapely.simplify(shapely.intersection(shape, self.frame), 0.4)
        data = ""
        for part in shapely.get_parts(shape):
            rings = shapely.get_rings(part) if shapely.get_dimensions(part) == 2 else [part]
            for ring in rings:
                if shapely.get_dimensions(ring) < 1:
                    continue
                places = (shapely.get_coordinates(ring) - [self.west, self.north]) * [self.scale, -self.scale]
                data += "M" + "L".join(f"{x + self.left:.1f} {y:.1f}" for x, y in places)
        return f'<path d="{data}" {style}/>' if data else ""


def borders(atoms: gpd.GeoDataFrame, graph: Adjacency, line: LineClass) -> Any:
    """All borders of a class as one geometry."""
    chosen = graph.pairs[graph.line == line.value]
    shapes = np.asarray(atoms.geometry.array, dtype=object)
    common = shapely.intersection(shapes[chosen[:, 0]], shapes[chosen[:, 1]])
    return shapely.MultiLineString([p for p in shapely.get_parts(common) if p.geom_type == "LineString"])


def drawing(layers: dict[str, gpd.GeoDataFrame], drawn: Drawn, frame: shapely.Polygon) -> str:
    """The three panels."""
    raw, blocks, atoms = (Panel(frame, number) for number in range(3))
    height = round((frame.bounds[3] - frame.bounds[1]) * raw.scale)
    parts = [raw.path(shape, 'fill="#c9e0ee"') for shape in layers["water"].geometry if shape.area > 0]
    house = 'fill="#b9b4ac"'
    parts += [raw.path(shape, house) for shape in layers["buildings"].geometry]
    for kind, shape in zip(layers["roads"]["highway"], layers["roads"].geometry, strict=True):
        colour = COLOURS[ROAD_CLASSES.get(str(kind), LineClass.NONE)]
        parts.append(raw.path(shape, f'fill="none" stroke="{colour}" stroke-width="1"'))
    for number, shape in enumerate(drawn.blocks.geometry):
        parts.append(blocks.path(shape, f'fill="{GROUND[number % 5]}" stroke="#41464b" stroke-width="1.2"'))
    parts += [atoms.path(shape, 'fill="#f5f2ec"') for shape in drawn.atoms.geometry]
    parts += [atoms.path(shape, house) for shape in layers["buildings"].geometry]
    for line in reversed(LineClass):
        style = f'fill="none" stroke="{COLOURS[line]}" stroke-width="{1.1 if line is LineClass.NONE else 2}"'
        parts.append(atoms.path(borders(drawn.atoms, drawn.adjacency, line), style))
    titles = (
        "layers as they came",
        f"{len(drawn.blocks)} blocks",
        f"{len(drawn.atoms)} atoms of at most 2 ha",
    )
    words = [
        f'<text x="{panel.left + 4}" y="{height + 16}">{text}</text>'
        for panel, text in zip((raw, blocks, atoms), titles, strict=True)
    ]
    for number, line in enumerate(LineClass):
        x = 4 + number * 110
        words.append(f'<rect x="{x}" y="{height + 28}" width="22" height="4" fill="{COLOURS[line]}"/>')
        words.append(f'<text x="{x + 28}" y="{height + 34}">{line.value}</text>')
    note = "Shanghai, 外滩. © OpenStreetMap contributors, ODbL 1.0; the community is a rectangle, synthetic"
    words.append(f'<text x="4" y="{height + 54}">{note}</text>')
    width, tall = 3 * PANEL_PX + 2 * GAP_PX, height + FOOT_PX
    size = f'width="{width}" height="{tall}"'
    text = f'<g font-family="Noto Sans CJK SC, sans-serif" font-size="12" fill="#2a2118">{"".join(words)}</g>'
    body = "\n".join(part for part in [*parts, text] if part)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<rect {size} fill="#ffffff"/>\n{body}\n</svg>\n'


def main() -> None:
    """Draw and write."""
    land = gpd.read_parquet(CLIPS / "bund_communities.parquet")
    land = land[land["code"] == COMMUNITY]
    layers = {name: layer(f"bund_{name}", land) for name in ("roads", "rail", "water", "walls", "buildings")}
    others = {name: frame for name, frame in layers.items() if name != "roads"}
    drawn = draw_atoms(land, layers["roads"], **others)
    PICTURE.write_text(drawing(layers, drawn, land.geometry.iloc[0]), encoding="utf-8")
    sys.stdout.write(f"{PICTURE.name}  {PICTURE.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main()
