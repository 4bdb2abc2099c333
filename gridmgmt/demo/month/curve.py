"""The month as a picture: open cases by light, day by day, drawn from the event log alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

from gridmgmt.demo.month.plan import MonthPlan
from gridmgmt.domain.events import Event
from gridmgmt.domain.scoreboard import scoreboard
from gridmgmt.domain.standing import replay
from gridmgmt.domain.workcalendar import WorkCalendar
from gridmgmt.domain.worktime import Light

_LEFT, _TOP, _WIDE, _HIGH = 44, 34, 620, 220
_EVERY = timedelta(hours=6)
_LAYERS: Final = (
    (Light.GREEN, "绿 green", "#4d9f63"),
    (Light.YELLOW, "黄 yellow", "#e0b43c"),
    (Light.RED, "红 red", "#c8483c"),
    ("desk", "在各岗位或挂账 at a desk or on hold", "#9fb1c4"),
)


def moments(plan: MonthPlan) -> list[datetime]:
    """When the curve is measured: four times a day."""
    return [plan.start + n * _EVERY for n in range((plan.end - plan.start) // _EVERY + 1)]


def measured(events: Sequence[Event], plan: MonthPlan, calendar: WorkCalendar) -> list[dict[str, int]]:
    """Open cases by light at each moment; ``desk`` are those whose unit's clock does not run."""
    found = []
    for at in moments(plan):
        board = scoreboard(replay(events, until=at).values(), at, at, calendar, 9)
        lights = {str(light): board.lights.get(light, 0) for light in Light}
        found.append(lights | {"desk": board.totals["open"] - sum(lights.values())})
    return found


def picture(points: Sequence[dict[str, int]], plan: MonthPlan) -> str:
    """The curve as SVG, layer upon layer."""
    most = max(1, *(sum(point.values()) for point in points))
    edges = [list(accumulate((point[str(name)] for name, _, _ in _LAYERS), initial=0)) for point in points]

    def spot(n: int, height: int) -> str:
        x = _LEFT + _WIDE * n / max(1, len(points) - 1)
        return f"{x:.1f},{_TOP + _HIGH * (1 - height / most):.1f}"

    drawn = []
    for layer, (_, words, colour) in enumerate(_LAYERS):
        upper = [spot(n, edge[layer + 1]) for n, edge in enumerate(edges)]
        lower = [spot(n, edge[layer]) for n, edge in enumerate(edges)]
        drawn.append(f'<polygon fill="{colour}" points="{" ".join(upper + lower[::-1])}"/>')
        x = _LEFT + (0, 90, 190, 270)[layer]
        drawn.append(f'<rect fill="{colour}" x="{x}" y="{_TOP + _HIGH + 28}" width="10" height="10"/>')
        drawn.append(f'<text x="{x + 14}" y="{_TOP + _HIGH + 37}">{words}</text>')
    title = f"SYNTHETIC 合成数据 · {plan.cases} cases, {plan.days} days · 未结案件 open cases by light"
    axis = (
        f'<text x="{_LEFT}" y="20">{title}</text>'
        f'<text x="{_LEFT - 8}" y="{_TOP + 8}" text-anchor="end">{most}</text>'
        f'<text x="{_LEFT - 8}" y="{_TOP + _HIGH}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_TOP + _HIGH + 15}">day 1</text>'
        f'<text x="{_LEFT + _WIDE}" y="{_TOP + _HIGH + 15}" text-anchor="end">day {plan.days}</text>'
    )
    size = f'width="{_LEFT + _WIDE + 16}" height="{_TOP + _HIGH + 50}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" '
        f'fill="#333">\n' + "\n".join([axis, *drawn]) + "\n</svg>\n"
    )
