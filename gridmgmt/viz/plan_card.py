"""The page of a plan's card: one HTML file with everything in it, drawn as SVG by hand.

No script, no font and no tile from anywhere: the page is opened on machines without internet, and is kept
beside the plan for years. It takes plain facts (:meth:`gridmgmt.planning.card.PlanCard.as_facts`) and frames,
so that whoever has both can draw it.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

BAND: Final = (300.0, 500.0)
BAND_COLOURS: Final = ("#dfeaf2", "#bcd5e7", "#93bbd8", "#659cc4", "#3a7aab")
DEDICATED: Final = "#d8d3c8"
OUTSIDE: Final = "#d4523a"
PLAN_COLOURS: Final = ("#1b5c90", "#b3541e")
MAP_PX: Final = 560
CHART_PX: Final = (380, 250)

Facts = Mapping[str, Any]


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"


def _km(value: float) -> str:
    return f"{value / 1000:.2f} km"


def _plain(value: float) -> str:
    return f"{value:,.0f}"


def _three(value: float) -> str:
    return f"{value:.3f}"


_Row = tuple[str, str, str, Callable[[float], str], int]
ROWS: Final[tuple[tuple[str, tuple[_Row, ...]], ...]] = (
    (
        "Balance 均衡",
        (
            ("duty_cells", "基本网格", "duty grids", _plain, 0),
            ("demand_min", "最少户数", "fewest households", _plain, 0),
            ("demand_mean", "平均户数", "mean households", _plain, 0),
            ("demand_max", "最多户数", "most households", _plain, 0),
            ("in_band_share", "300–500 户内", "within 300 to 500", _share, 1),
            ("deviation_mean_share", "平均偏差", "mean deviation in the community", _share, -1),
            ("bound_mean_share", "平均偏差下界", "… its lower bound", _share, 0),
            ("deviation_max_share", "最大偏差", "largest deviation", _share, -1),
            ("bound_max_share", "最大偏差下界", "… its lower bound", _share, 0),
            ("gini", "基尼系数", "Gini", _three, -1),
        ),
    ),
    (
        "Shape 形状",
        (
            ("polsby_popper_mean", "紧凑度均值", "Polsby-Popper, mean", _three, 1),
            ("polsby_popper_p10", "紧凑度 P10", "… tenth percentile", _three, 1),
            ("polsby_popper_min", "紧凑度最小", "… least", _three, 1),
            ("inertia_mean", "转动惯量", "normalised moment of inertia, mean", _three, 1),
            ("inertia_min", "转动惯量最小", "… least", _three, 1),
            ("inner_border_m", "内部边界长", "cut length", _km, -1),
        ),
    ),
    (
        "Borders on roads 沿路边界",
        (
            ("border_on_road_share", "沿路", "on roads", _share, 1),
            ("border_on_line_share", "沿路或围墙", "on roads or walls", _share, 1),
        ),
    ),
    (
        "Walking 步行",
        (
            ("walking.mean_m", "平均直线距离", "straight line to the middle, mean (m)", _plain, -1),
            ("walking.p90_m", "P90 直线距离", "… ninetieth percentile (m)", _plain, -1),
            ("walking.mean_min", "平均步行分钟", "minutes at 1.2 m/s", _three, -1),
        ),
    ),
    (
        "Stability 稳定",
        (
            ("stability.moved_share", "换格住户", "households that change cell", _share, -1),
            ("stability.recoded_share", "换编码住户", "households whose code changes", _share, 0),
            ("stability.cases_moved", "换格在办案件", "open cases that change cell", _plain, -1),
            ("stability.cases", "在办案件", "open cases", _plain, 0),
        ),
    ),
)
"""Where a figure stands in the facts, its names, how it is written, whether more (1) or less (-1) is good."""


def card_page(
    cards: Sequence[tuple[Facts, gpd.GeoDataFrame, gpd.GeoDataFrame]], notices: Sequence[str] = ()
) -> str:
    """Draw the page.

    Parameters
    ----------
    cards : one or two plans: facts, cells and communities in a metric CRS. The second is compared with the
        first.
    notices : printed at the foot: sources, licences, what is synthetic.
    """
    facts = [card[0] for card in cards]
    frame = np.array([cells.total_bounds for _, cells, _ in cards])
    box = (*frame[:, :2].min(axis=0).tolist(), *frame[:, 2:].max(axis=0).tolist())
    maps = "".join(
        f"<figure><figcaption>{_title(f, n, len(cards))}</figcaption>{plan_map(cells, land, box)}</figure>"
        for n, (f, cells, land) in enumerate(cards)
    )
    curves = "".join(
        f"<figure><figcaption>{name}</figcaption>{drawn}</figure>" for name, drawn in card_curves(cards)
    )
    title = " · ".join(escape(str(f["name"])) for f in facts)
    notes = "".join(
        f"<li>{escape(str(f['name']))}: {escape(note)}</li>" for f in facts for note in f["notes"]
    )
    return (
        f'<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>Report card of a plan 网格方案成绩单</h1>"
        f"<p>{title}</p>{_rules(facts)}<div class='maps'>{maps}</div>{_legend()}"
        f"<div class='maps'>{curves}</div>{_figures(facts)}{_proofs(facts)}"
        f"<h2>Notes 说明</h2><ul>{notes}{''.join(f'<li>{escape(n)}</li>' for n in notices)}"
        "<li>Walking is the straight line from the middle of a cell, so a lower bound of the true walk.</li>"
        "<li>Lower bounds: what indivisible buildings force, whoever divides.</li></ul></body></html>\n"
    )


def plan_map(
    cells: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, box: tuple[float, float, float, float]
) -> str:
    """Draw cells shaded by households and communities outlined, as an SVG of a fixed width."""
    west, south, east, north = box
    scale = MAP_PX / max(east - west, 1e-9)
    height = (north - south) * scale

    def path(shape: Any, style: str) -> str:
        rings = shapely.get_rings(shapely.get_parts(shape))
        places = [(shapely.get_coordinates(ring) - [west, north]) * [scale, -scale] for ring in rings]
        data = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in places)
        return f'<path d="{data}" {style}/>'

    drawn = []
    for code, kind, households, shape in zip(
        cells["code"], cells["kind"], cells["households"], cells.geometry, strict=True
    ):
        fill = f'fill="{_colour(str(kind), float(households))}" fill-rule="evenodd"'
        style = f'{fill} stroke="#1b5c90" stroke-width="0.8"'
        words = f"{code} · {kind} · {households:.0f}"
        drawn.append(f"<g><title>{escape(words)}</title>{path(shape, style)}</g>")
    thick = 'fill="none" stroke="#2a2118" stroke-width="2"'
    drawn += [path(shape, thick) for shape in communities.geometry]
    return f'<svg viewBox="-2 -2 {MAP_PX + 4} {height + 4:.0f}" role="img">{"".join(drawn)}</svg>'


def _colour(kind: str, households: float) -> str:
    if kind == "dedicated":
        return DEDICATED
    share = (households - BAND[0]) / (BAND[1] - BAND[0])
    if not 0.0 <= share <= 1.0:
        return OUTSIDE
    return BAND_COLOURS[min(int(share * len(BAND_COLOURS)), len(BAND_COLOURS) - 1)]


def _legend() -> str:
    step = (BAND[1] - BAND[0]) / len(BAND_COLOURS)
    entries = [(c, f"{BAND[0] + n * step:.0f}+") for n, c in enumerate(BAND_COLOURS)]
    entries += [(DEDICATED, "dedicated 专属网格"), (OUTSIDE, "outside 300–500 户")]
    shown = "".join(f"<span><i style='background:{c}'></i>{escape(t)}</span>" for c, t in entries)
    return f"<p class='legend'>households per duty grid 户数 {shown}</p>"


def _title(facts: Facts, number: int, of: int) -> str:
    mark = f"<b style='color:{PLAN_COLOURS[number]}'>■</b> " if of > 1 else ""
    return mark + escape(str(facts["name"]))


def _rules(facts: Sequence[Facts]) -> str:
    names = list(dict.fromkeys(v["name"] for f in facts for v in f["verdicts"]))
    lines = []
    for name in names:
        row = [next((v for v in f["verdicts"] if v["name"] == name), None) for f in facts]
        lines.append(f"<tr><td>{escape(name)}</td>{''.join(map(_verdict, row))}</tr>")
    head = "".join(f"<th>{_title(f, n, len(facts))}</th>" for n, f in enumerate(facts))
    return f"<h2>Rules 硬约束</h2><table><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _verdict(verdict: Facts | None) -> str:
    if verdict is None:
        return "<td>—</td>"
    if verdict["passed"]:
        return "<td class='good'>✓ holds</td>"
    listed = ", ".join(map(str, verdict["failing"][:4]))
    return f"<td class='bad'>✗ {verdict['count']} fail<br><small>{escape(listed)}</small></td>"


def _value(facts: Facts, key: str) -> float | None:
    value: Any = facts
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def _figures(facts: Sequence[Facts]) -> str:
    tables = []
    head = "".join(f"<th>{_title(f, n, len(facts))}</th>" for n, f in enumerate(facts))
    for title, rows in ROWS:
        lines = []
        for key, chinese, english, written, better in rows:
            values = [_value(f, key) for f in facts]
            if any(value is not None for value in values):
                cells = "".join(
                    f"<td{_mark(values, n, better)}>{'—' if v is None else written(v)}</td>"
                    for n, v in enumerate(values)
                )
                lines.append(f"<tr><td>{chinese} <small>{english}</small></td>{cells}</tr>")
        if lines:
            tables.append(f"<h2>{title}</h2><table><tr><th></th>{head}</tr>{''.join(lines)}</table>")
    return "".join(tables) + _classes(facts)


def _mark(values: Sequence[float | None], number: int, better: int) -> str:
    """Mark the better one of two."""
    known = [value for value in values if value is not None]
    mine = values[number]
    if len(known) < 2 or mine is None or not better or known[0] == known[1]:
        return ""
    best = max(known) if better > 0 else min(known)
    return " class='good'" if mine == best else ""


def _classes(facts: Sequence[Facts]) -> str:
    names = list(dict.fromkeys(name for f in facts for name in f["border_by_class"]))
    if not names:
        return ""
    lines = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{_share(f['border_by_class'].get(name, 0.0))}</td>" for f in facts)
        + "</tr>"
        for name in names
    )
    return f"<h2>Borders by class of road 按道路等级</h2><table>{lines}</table>"


def _proofs(facts: Sequence[Facts]) -> str:
    rows = (
        ("cells_m2", "area of the cells (m²)", "{:,.2f}"),
        ("land_m2", "area of the land (m²)", "{:,.2f}"),
        ("rim_m", "sides used once (m)", "{:,.2f}"),
        ("land_rim_m", "outline of the land (m)", "{:,.2f}"),
        ("inner_sides", "sides of exactly two cells", "{:,}"),
        ("rim_sides", "sides on the rim", "{:,}"),
        ("faulty_sides", "any other side", "{:,}"),
        ("vertices", "vertices asked for their owner", "{:,}"),
        ("middles", "middles of sides asked", "{:,}"),
        ("owned_once", "points owned exactly once", "{:,}"),
    )
    lines = "".join(
        f"<tr><td>{text}</td>"
        + "".join(f"<td>{form.format(f['seam_proof'][key])}</td>" for f in facts)
        + "</tr>"
        for key, text, form in rows
    )
    holds = "".join(
        "<td class='good'>✓ proved</td>"
        if f["seam_proof"]["holds"]
        else "<td class='bad'>✗ not seamless</td>"
        for f in facts
    )
    return f"<h2>Proof of the seams 无缝证明</h2><table>{lines}<tr><td></td>{holds}</tr></table>"


def card_curves(
    cards: Sequence[tuple[Facts, gpd.GeoDataFrame, gpd.GeoDataFrame]],
) -> list[tuple[str, str]]:
    """Draw the curves of :func:`card_page`: title and SVG of each."""
    loads = [
        np.sort(cells.loc[cells["kind"] == "duty", "households"].to_numpy(dtype=np.float64))
        for _, cells, _ in cards
    ]
    top = max([BAND[1] * 1.1, *(float(load.max(initial=0.0)) for load in loads)])
    sorted_loads = [
        [(n / max(len(load) - 1, 1), value / top) for n, value in enumerate(load.tolist())] for load in loads
    ]
    lorenz = [
        [(0.0, 0.0), *zip(np.arange(1, len(v) + 1) / len(v), np.cumsum(v) / max(v.sum(), 1e-9), strict=True)]
        for v in loads
        if len(v)
    ]
    bounds = [(BAND[0] / top, f"{BAND[0]:.0f}"), (BAND[1] / top, f"{BAND[1]:.0f}")]
    return [
        (
            "Households, lightest cell to heaviest 户数由少到多",
            _chart(sorted_loads, bounds, diagonal=False),
        ),
        ("Lorenz curve: share of households by share of cells", _chart(lorenz, [], diagonal=True)),
    ]


def _chart(
    curves: Sequence[Sequence[tuple[float, float]]],
    levels: Sequence[tuple[float, str]],
    *,
    diagonal: bool,
) -> str:
    width, height = CHART_PX
    parts = [f'<rect width="{width}" height="{height}" fill="none" stroke="#888"/>']
    for level, text in levels:
        y = height * (1 - level)
        parts.append(f'<path d="M0 {y:.1f}H{width}" stroke="#888" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="4" y="{y - 3:.1f}" font-size="11">{text}</text>')
    if diagonal:
        parts.append(f'<path d="M0 {height}L{width} 0" stroke="#888" stroke-dasharray="4 3"/>')
    for colour, curve in zip(PLAN_COLOURS, curves, strict=False):
        places = " ".join(f"{x * width:.1f},{(1 - y) * height:.1f}" for x, y in curve)
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return f'<svg viewBox="-2 -2 {width + 4} {height + 4}" role="img">{"".join(parts)}</svg>'


_STYLE: Final = (
    "body{font:14px/1.5 'Noto Sans CJK SC',sans-serif;color:#2a2118;background:#fff;"
    "max-width:1180px;margin:24px auto;padding:0 16px}h1{font-size:22px}"
    "h2{font-size:16px;margin:20px 0 4px}"
    "table{border-collapse:collapse;min-width:520px}td,th{border-bottom:1px solid #ddd;"
    "padding:3px 14px 3px 0;text-align:left;vertical-align:top}"
    "small{color:#777}.good{color:#1c7a3d}.bad{color:#b3261e}"
    ".maps{display:flex;flex-wrap:wrap;gap:16px}figure{margin:8px 0;flex:1 1 360px;max-width:580px}"
    "figcaption{font-weight:bold}svg{width:100%;height:auto}.legend span{margin-left:12px}"
    ".legend i{display:inline-block;width:14px;height:11px;border:1px solid #1b5c90;margin-right:4px}"
)
