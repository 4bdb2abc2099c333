"""Draw the pictures of the pages on dividing a street, and write the measured table: ``python docs/partition.py``.

* ``partition-steps.svg``: a corner of the demo street from layers to cells;
* ``partition-presets.svg``: what each preset reaches against the seconds it has had;
* the table between the marks of ``docs/explanation/partition.md``.

Seconds are processor time of one thread on the machine that runs this, so they differ from run to run; all
other figures are the same everywhere. The street is the demo's: roads real, households synthetic.
"""

import time
import warnings
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely

from gridmgmt.planning.demo_plan import DemoStreet, build_demo_plan
from gridmgmt.planning.evaluate import report_card
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.partition import StoppedEarly, propose_cells
from gridmgmt.planning.search.presets import PRESETS

CHECKOUT: Final = Path(__file__).resolve().parents[1]
IMAGES: Final = CHECKOUT / "docs" / "images"
PAGE: Final = CHECKOUT / "docs" / "explanation" / "partition.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
SEEDS: Final = (1, 2, 3)
LIMITS_S: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
COLOURS: Final = {
    "flash": "#8d8778", "city": "#c2527f", "fast": "#e0a01b", "default": "#1b5c90",
    "tight": "#1c7a3d", "compact": "#7b3fa0", "road": "#b3541e", "quality": "#2a2118",
}  # fmt: skip
PANEL_PX, GAP_PX, HEAD_PX = 300, 16, 24
CHART_PX: Final = (440, 300)
CORNER_M: Final = 1100.0
Point = tuple[float, float, float]
"""Seconds, mean deviation in per cent, mean Polsby-Popper."""


def judged(street: DemoStreet, preset: str, seed: int, limit_s: float | None) -> tuple[float, Any]:
    """Processor seconds and card of one plan."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        proposed = propose_cells(
            street.communities, street.atoms, preset=preset, seed=seed, time_limit_s=limit_s
        )
    spent = time.process_time() - start
    cells = number_cells(proposed)
    home = cells.explode("atom_ids").set_index("atom_ids")["code"]
    atoms = street.atoms.assign(cell_code=street.atoms["atom_id"].map(home))
    return spent, report_card(cells, atoms, street.communities, lines=street.roads)


def measured(street: DemoStreet) -> tuple[dict[str, list[Point]], list[str]]:
    """The curve of each preset, its last point being the whole search, and the rows of the table."""
    curves: dict[str, list[Point]] = {}
    rows = [
        "| preset | CPU s | mean deviation | largest | Polsby-Popper | on roads or walls | in band |",
        "|---|---|---|---|---|---|---|",
    ]
    judged(street, "flash", 0, None)  # compiled code is loaded before the clock starts
    for preset in PRESETS:
        whole = [judged(street, preset, seed, None) for seed in SEEDS]
        seconds, *figures = (
            float(np.mean(values))
            for values in zip(*((s, *_figures(card)) for s, card in whole), strict=True)
        )
        cut = [
            [judged(street, preset, seed, limit) for seed in SEEDS] for limit in LIMITS_S if limit < seconds
        ]
        last = _point(whole)
        # A search that was nearly done when it was cut may by chance have taken longer than the whole one.
        curves[preset] = [*sorted(p for p in map(_point, cut) if p[0] < 0.95 * last[0]), last]
        off, worst, shape, lines, band = figures
        rows.append(
            f"| `{preset}` | {seconds:.1f} | {off:.1%} | {worst:.1%} | {shape:.3f} | {lines:.0%} | {band:.1%} |"
        )
        print(rows[-1], flush=True)
    return curves, rows


def _figures(card: Any) -> tuple[float, ...]:
    return (
        card.deviation_mean_share, card.deviation_max_share, card.polsby_popper_mean,
        card.border_on_line_share, card.in_band_share,
    )  # fmt: skip


def _point(runs: list[tuple[float, Any]]) -> Point:
    return (
        float(np.mean([seconds for seconds, _ in runs])),
        float(np.mean([card.deviation_mean_share for _, card in runs])) * 100,
        float(np.mean([card.polsby_popper_mean for _, card in runs])),
    )


def presets_picture(curves: dict[str, list[Point]]) -> str:
    """Two charts: deviation and compactness against processor seconds, the latter on a logarithmic axis."""
    width, height = CHART_PX
    parts = [
        chart(0, "mean deviation from the community's mean, % (less is better)", curves, 1),
        chart(width + 70, "mean Polsby-Popper (more is better)", curves, 2),
    ]
    for n, preset in enumerate(curves):
        x = n * 125
        parts.append(f'<rect x="{x}" y="{height + 72}" width="14" height="12" fill="{COLOURS[preset]}"/>')
        parts.append(f'<text x="{x + 20}" y="{height + 82}">{preset}</text>')
    note = "demo street, 1,182 atoms, 108 duty grids, households SYNTHETIC; mean of seeds 1, 2, 3; dot: the whole search"
    parts.append(f'<text x="0" y="{height + 106}" font-size="12">{note}</text>')
    return sheet(2 * width + 90, height + 112, parts)


def chart(left: float, title: str, curves: dict[str, list[Point]], value: int) -> str:
    """One chart with its axes."""
    width, height = CHART_PX
    points = [point for curve in curves.values() for point in curve]
    low, high = min(p[value] for p in points), max(p[value] for p in points)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    first, last = (np.log10(f(p[0] for p in points)) for f in (min, max))
    first, last = first - 0.05, last + 0.05

    def place(point: Point) -> tuple[float, float]:
        x = left + 34 + (np.log10(point[0]) - first) / (last - first) * (width - 34)
        return float(x), float(HEAD_PX + (high - point[value]) / (high - low) * height)

    parts = [
        f'<text x="{left}" y="14" font-weight="bold">{escape(title)}</text>',
        f'<rect x="{left + 34}" y="{HEAD_PX}" width="{width - 34}" height="{height}" fill="none" stroke="#888"/>',
    ]
    for level in np.linspace(low, high, 6)[1:-1]:
        y = HEAD_PX + (high - level) / (high - low) * height
        parts.append(f'<path d="M{left + 34} {y:.1f}h{width - 34}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left}" y="{y + 4:.1f}" font-size="11">{level:.{3 if value == 2 else 1}f}</text>'
        )
    for second in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10):
        if first <= np.log10(second) <= last:
            x = left + 34 + (np.log10(second) - first) / (last - first) * (width - 34)
            parts.append(f'<path d="M{x:.1f} {HEAD_PX}v{height}" stroke="#eee"/>')
            parts.append(
                f'<text x="{x - 8:.1f}" y="{HEAD_PX + height + 15}" font-size="11">{second:g} s</text>'
            )
    for preset, curve in curves.items():
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, curve))
        x, y = place(curve[-1])
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[preset]}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{COLOURS[preset]}"/>')
    return "".join(parts)


def steps_picture(street: DemoStreet) -> str:
    """A corner of the street: layers, blocks, atoms, cells."""
    west, south, east, north = street.outline.total_bounds
    middle = ((west + east) / 2, (south + north) / 2)
    frame = shapely.box(*(np.array([*middle, *middle]) + np.array([-0.5, -0.5, 0.5, 0.5]) * CORNER_M))
    thin, thick = (
        'fill="none" stroke="#b3541e" stroke-width="1.6"',
        'fill="none" stroke="#2a2118" stroke-width="2.2"',
    )
    houses = [(s, 'fill="#8d8778"') for s in street.buildings.geometry]
    roads = [(s, thin) for s in street.roads.geometry]
    pastel = ("#dfeaf2", "#e9e4d8", "#e3eed9", "#f2e3da", "#ece0ef")
    land = [(s, thick) for s in street.communities.geometry]
    panels = (
        ("1  roads and buildings", [*houses, *roads]),
        (
            "2  blocks between roads",
            [
                *(
                    (s, f'fill="{pastel[n % 5]}" stroke="#1b5c90"')
                    for n, s in enumerate(street.blocks.geometry)
                ),
                *houses,
            ],
        ),
        (
            "3  atoms: no building is cut",
            [
                *((s, 'fill="#f8f5ee" stroke="#1b5c90" stroke-width="0.8"') for s in street.atoms.geometry),
                *houses,
            ],
        ),
        (
            "4  duty grids inside communities",
            [
                *(
                    (row.geometry, f'fill="{shade(row)}" stroke="#1b5c90" stroke-width="1.4"')
                    for row in street.cells.itertuples()
                ),
                *land,
            ],
        ),
    )
    parts = []
    for n, (title, shapes) in enumerate(panels):
        left, top = (n % 2) * (PANEL_PX + GAP_PX), (n // 2) * (PANEL_PX + HEAD_PX + 10)
        parts.append(f'<text x="{left}" y="{top + 16}" font-weight="bold">{title}</text>')
        near = "".join(path(s, style, frame) for s, style in shapes if s.intersects(frame))
        parts.append(
            f'<svg x="{left}" y="{top + HEAD_PX}" width="{PANEL_PX}" height="{PANEL_PX}">{near}</svg>'
        )
    foot = 2 * (PANEL_PX + HEAD_PX + 10) + 10
    parts.append(
        f'<text x="0" y="{foot}" font-size="11">Roads © OpenStreetMap contributors, ODbL 1.0. Buildings and households SYNTHETIC; '
        "beige: dedicated.</text>"
    )
    return sheet(2 * PANEL_PX + GAP_PX, foot + 6, parts)


def shade(cell: Any) -> str:
    """Colour of a cell by its households, as on every map of plans."""
    if cell.kind == "dedicated":
        return "#d8d3c8"
    colours = ("#dfeaf2", "#bcd5e7", "#93bbd8", "#659cc4", "#3a7aab")
    return colours[min(max(int((cell.households - 300) / 40), 0), 4)]


def path(shape: Any, style: str, frame: Any) -> str:
    """One shape as an SVG path, cut at the frame."""
    west, _, _, north = frame.bounds
    scale = PANEL_PX / CORNER_M
    drawn = []
    for part in shapely.get_parts(shapely.intersection(shape, frame)):
        lines = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
        for line in lines:
            if line.geom_type in {"LineString", "LinearRing"}:
                places = (shapely.get_coordinates(line) - [west, north]) * [scale, -scale]
                data = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
                drawn.append(data + ("Z" if line.geom_type == "LinearRing" else ""))
    return f'<path d="{"".join(drawn)}" fill-rule="evenodd" {style}/>' if drawn else ""


def sheet(width: float, height: float, parts: list[str]) -> str:
    """A white drawing."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -4 {width + 16:.0f} {height + 8:.0f}" '
        'font-family="Noto Sans CJK SC, sans-serif" font-size="13" fill="#2a2118">'
        f'<rect x="-8" y="-4" width="{width + 16:.0f}" height="{height + 8:.0f}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def main() -> None:
    """Write both pictures and the table."""
    street = build_demo_plan(CHECKOUT / "data" / "demo")
    curves, rows = measured(street)
    for name, drawn in (("steps", steps_picture(street)), ("presets", presets_picture(curves))):
        (IMAGES / f"partition-{name}.svg").write_text(drawn, encoding="utf-8")
        print(f"partition-{name}.svg  {len(drawn) // 1000} kB")
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    tail = rest.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n\n" + "\n".join(rows) + f"\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
