"""Draw the pictures of the pages on importing and judging plans: ``python docs/plan_files.py``.

Both come from the demo's plan: one with planted faults, before and after the accepted repairs; one beside a
plan drawn with another seed. SVG by hand, the same on every machine.
"""

import tempfile
from html import escape
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from gridmgmt.planning.card import PlanFiles, plan_card
from gridmgmt.planning.coverage import shapes_on_lattice
from gridmgmt.planning.demo_plan import DemoStreet, build_demo_plan
from gridmgmt.planning.official.defect import DefectKind
from gridmgmt.planning.official.importing import ImportResult, import_plan
from gridmgmt.viz.plan_card import card_curves, plan_map

CHECKOUT: Final = Path(__file__).resolve().parents[1]
IMAGES: Final = CHECKOUT / "docs" / "images"
OTHER_SEED: Final = 6
SIDE_PX, FOOT_PX, GAP_PX, HEAD_PX = 440, 70, 20, 24
COLOURS: Final = {
    "overlap": "#d4523a", "overlap_sliver": "#d4523a", "gap": "#e0a01b", "gap_sliver": "#e0a01b",
    "crosses_community": "#7b3fa0", "multipart": "#1c7a3d", "duplicate_cell": "#1b5c90",
    "border_unmatched": "#2a2118",
}  # fmt: skip
NAMES: Final = (
    ("overlap", "overlap 重叠"), ("gap", "gap 空隙"), ("crosses_community", "in another community 跨社区"),
    ("multipart", "not in one piece 不连片"), ("duplicate_cell", "one cell twice 网格重复"),
    ("border_unmatched", "vertex on one side only 节点不一致"),
)  # fmt: skip


def faulty(street: DemoStreet, home: str) -> gpd.GeoDataFrame:
    """The demo's cells with faults planted in one community."""
    cells = street.cells[["code", "name", "community_code", "kind", "households", "geometry"]].copy()
    shapes = dict(enumerate(cells.geometry))
    land = street.communities.set_index("code").geometry[home]
    mine = cells.index[(cells["community_code"] == home) & (cells["kind"] == "duty")].tolist()
    rim = [row for row in mine if shapes[row].boundary.intersection(land.boundary).length > 50.0]
    inner = sorted(mine, key=lambda row: -shapes[row].centroid.distance(land.boundary))
    grown, shrunk = inner[0], inner[2]
    shapes[grown] = shapes[grown].buffer(9.0, join_style="mitre") & land
    shapes[shrunk] = shapes[shrunk].buffer(-7.0, join_style="mitre")
    guest = next(row for row in reversed(rim) if row not in {grown, shrunk})
    taken = shapes[guest].buffer(22.0) - land
    shapes = {row: shape if row == guest else shape - taken for row, shape in shapes.items()}
    shapes[guest] |= taken & street.outline.geometry.iloc[0]
    giver, taker = (row for row in (inner[1], inner[-1]))
    island = shapes[giver].centroid.buffer(16.0, quad_segs=3)
    shapes[giver], shapes[taker] = shapes[giver] - island, shapes[taker] | island
    drawn = cells.set_geometry(gpd.GeoSeries(shapes_on_lattice(pd.Series(shapes).to_numpy()), crs=cells.crs))
    twice = drawn.loc[[inner[3]]].assign(code=home + "790")
    return gpd.GeoDataFrame(pd.concat([drawn, twice], ignore_index=True), crs=cells.crs)


def busiest(street: DemoStreet) -> str:
    """The community with the most cells."""
    return str(street.cells["community_code"].value_counts().sort_index().idxmax())


def import_picture(street: DemoStreet) -> str:
    """The file with its defects beside the plan after the accepted repairs."""
    home = busiest(street)
    communities = street.communities[["code", "name", "geometry"]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cells.gpkg"
        cells = faulty(street, home)
        cells.to_file(file)
        looked = import_plan(file, communities)
        mended = import_plan(file, communities, accept=[kind.value for kind in DefectKind])
    assert not mended.why_not(), mended.why_not()
    frame = shapely.box(*communities.set_index("code").geometry[home].buffer(45.0).bounds)
    height = SIDE_PX * (frame.bounds[3] - frame.bounds[1]) / (frame.bounds[2] - frame.bounds[0])
    width = 2 * SIDE_PX + GAP_PX
    found = f"{len(looked.defects)} defects found, none repaired"
    parts = [
        panel(0, height, found, cells, communities, frame, marks(looked)),
        panel(SIDE_PX + GAP_PX, height, "a plan: every rule holds", mended.cells, communities, frame, []),
        legend(height + HEAD_PX + 22),
    ]
    return sheet(width, height + HEAD_PX + FOOT_PX, parts)


def marks(result: ImportResult) -> list[tuple[shapely.Geometry, str]]:
    """Ground of the defects and its colour."""
    return [
        (defect.shape, COLOURS[defect.kind.value])
        for defect in result.defects
        if defect.shape is not None and defect.kind.value in COLOURS
    ]


def panel(
    left: float, height: float, title: str, cells: Any, communities: Any, frame: Any, drawn: list[Any]
) -> str:
    """One map, clipped to the frame."""
    west, _, east, north = frame.bounds
    scale = SIDE_PX / (east - west)

    def path(shape: Any, style: str) -> str:
        if shape.geom_type == "MultiPoint":
            dots = [(p.x - west, north - p.y) for p in shape.geoms]
            return "".join(
                f'<circle cx="{x * scale:.1f}" cy="{y * scale:.1f}" r="3" {style}/>' for x, y in dots
            )
        rings = shapely.get_rings(shapely.get_parts(shape))
        places = [(shapely.get_coordinates(ring) - [west, north]) * [scale, -scale] for ring in rings]
        data = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in places)
        return f'<path d="{data}" {style}/>'

    near = [s for s in cells.geometry if s is not None and s.intersects(frame)]
    lines = [path(s, 'fill="#dfeaf2" fill-opacity="0.6" stroke="#1b5c90"') for s in near]
    around = [s for s in communities.geometry if s.intersects(frame)]
    lines += [path(s, 'fill="none" stroke="#2a2118" stroke-width="2.4"') for s in around]
    lines += [
        path(s, f'fill="{c}" fill-opacity="0.75" stroke="{c}"') for s, c in drawn if s.intersects(frame)
    ]
    return (
        f'<text x="{left}" y="16" font-weight="bold">{escape(title)}</text>'
        f'<svg x="{left}" y="{HEAD_PX}" width="{SIDE_PX}" height="{height:.0f}">{"".join(lines)}</svg>'
    )


def legend(top: float) -> str:
    """Colours and what they stand for, in two rows."""
    entries = []
    for n, (kind, words) in enumerate(NAMES):
        x, y = (n % 3) * 300, top + (n // 3) * 22
        entries.append(f'<rect x="{x}" y="{y - 11:.0f}" width="14" height="12" fill="{COLOURS[kind]}"/>')
        entries.append(f'<text x="{x + 20}" y="{y:.0f}">{words}</text>')
    return "".join(entries)


def card_picture(street: DemoStreet) -> str:
    """The demo's plan and another one, side by side, with their curves."""
    other = build_demo_plan(CHECKOUT / "data" / "demo", seed=OTHER_SEED)
    plans = [PlanFiles(s.cells, s.communities, ()) for s in (street, other)]
    cards = [
        (plan_card(name, plan, atoms=s.atoms, lines=s.roads, buildings=s.buildings).as_facts(), *frames(plan))
        for name, plan, s in zip(("as published", "another seed"), plans, (street, other), strict=True)
    ]
    box = tuple(street.outline.total_bounds.tolist())
    tall = round(SIDE_PX * (box[3] - box[1]) / (box[2] - box[0]))
    parts = []
    for n, (facts, cells, land) in enumerate(cards):
        left = n * (SIDE_PX + GAP_PX)
        told = (
            f"deviation {facts['deviation_mean_share']:.1%}, Polsby-Popper {facts['polsby_popper_mean']:.3f}"
        )
        parts.append(f'<text x="{left}" y="16" font-weight="bold">{facts["name"]}: {told}</text>')
        drawn = plan_map(cells, land, box)
        parts.append(
            drawn.replace("<svg ", f'<svg x="{left}" y="{HEAD_PX}" width="{SIDE_PX}" height="{tall}" ', 1)
        )
    for n, (title, drawn) in enumerate(card_curves(cards)):
        left, top = n * (SIDE_PX + GAP_PX), tall + HEAD_PX + 30
        parts.append(f'<text x="{left}" y="{top}">{escape(title)}</text>')
        parts.append(
            drawn.replace("<svg ", f'<svg x="{left}" y="{top + 8}" width="{SIDE_PX}" height="230" ', 1)
        )
    return sheet(2 * SIDE_PX + GAP_PX, tall + HEAD_PX + 290, parts)


def frames(plan: PlanFiles) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Cells and communities."""
    return plan.cells, plan.communities


def sheet(width: float, height: float, parts: list[str]) -> str:
    """A white drawing."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -4 {width + 16:.0f} {height + 8:.0f}" '
        'font-family="Noto Sans CJK SC, sans-serif" font-size="13" fill="#2a2118">'
        f'<rect x="-8" y="-4" width="{width + 16:.0f}" height="{height + 8:.0f}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def main() -> None:
    """Write both pictures."""
    street = build_demo_plan(CHECKOUT / "data" / "demo")
    for name, drawn in (("import", import_picture(street)), ("plan-card", card_picture(street))):
        (IMAGES / f"{name}.svg").write_text(drawn, encoding="utf-8")
        print(f"{name}.svg  {len(drawn) // 1000} kB")


if __name__ == "__main__":
    main()
