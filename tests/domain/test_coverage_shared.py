"""The phone's coverage and ours are one rule: both are tested with the cases of one file.

``python -m tests.domain.test_coverage_shared`` draws the file anew: walks with gaps, vague positions and
places all around, each place kept whose verdict does not hang on less than half a metre, since the phone
measures on another plane.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely import points
from shapely.geometry import Point

from gridmgmt.domain.atplace import seen_at
from gridmgmt.domain.coverage import CoverageRules, Fix, Trace
from gridmgmt.geo.crs import LonLat, to_metric
from tests.builders_patrol import RULES, ZONE, at_m

FILE = Path(__file__).resolve().parents[2] / "web" / "tests" / "core" / "coverage.json"
BEGAN = datetime.fromisoformat("2026-11-23T01:00:00+00:00")
SLACK_M = 0.5


def cases() -> list[dict[str, Any]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_verdicts_are_as_in_the_file_that_the_phone_is_tested_with(case: dict[str, Any]) -> None:
    assert case["verdicts"] == [v for v, _ in _judged(case, RULES)]
    assert case["unseen_s"] == _trace(case, RULES).unseen.total_seconds()
    assert case["taps"] == [str(_tap(case, place)) for place in case["places"]]


def _trace(case: dict[str, Any], rules: CoverageRules) -> Trace:
    fixes = [Fix(BEGAN + timedelta(seconds=t), LonLat(lon, lat), acc) for t, lon, lat, acc in case["fixes"]]
    return Trace.of(fixes, BEGAN, BEGAN + timedelta(seconds=case["until_s"]), rules, ZONE)


def _judged(case: dict[str, Any], rules: CoverageRules) -> Iterator[tuple[str, list[float]]]:
    trace = _trace(case, rules)
    for verdict, place in zip(
        trace.verdicts(to_metric(points(case["places"]), ZONE)), case["places"], strict=True
    ):
        yield str(verdict), place


def _tap(case: dict[str, Any], place: list[float], rules: CoverageRules = RULES) -> str:
    if not case["fixes"]:
        return str(seen_at(Point(place), None, None, rules).verdict)
    _, lon, lat, accuracy_m = case["fixes"][-1]
    return str(seen_at(Point(place), LonLat(lon, lat), accuracy_m, rules).verdict)


def _walk(
    draw: random.Random,
    name: str,
    gaps: tuple[int, ...],
    vague: float,
    *,
    stride: float = 1.0,
    far: float = 1.0,
) -> dict[str, Any]:
    east = north = 0.0
    t, fixes = draw.choice((5, 200)), []
    for step in range(40):
        east, north = east + stride * draw.uniform(-4, 14), north + stride * draw.uniform(-9, 9)
        accuracy_m = draw.choice((None, 120.0)) if draw.random() < vague else round(draw.uniform(4, 40), 1)
        fixes.append([t, *(round(x, 7) for x in at_m(east, north)), accuracy_m])
        t += draw.choice(gaps) if step % 13 == 7 else draw.randint(8, 30)
    places = [
        [round(x, 7) for x in at_m(far * draw.uniform(-700, 1100), far * draw.uniform(-700, 700))]
        for _ in range(30)
    ]
    places += [
        [round(x, 7) for x in at_m(draw.uniform(-40, east + 60), draw.uniform(-60, 60))] for _ in range(90)
    ]
    return {"name": name, "until_s": t + draw.choice((10, 400)), "fixes": fixes, "places": places}


def _settled(case: dict[str, Any]) -> dict[str, Any]:
    """The case with the places whose verdicts stand on firm ground, and the verdicts."""
    around = [replace(RULES, reach_m=RULES.reach_m + slack) for slack in (-SLACK_M, 0.0, SLACK_M)]
    judged = zip(*(list(_judged(case, rules)) for rules in around), strict=True)
    firm = [
        (verdict, place)
        for (low, place), (verdict, _), (high, _) in judged
        if low == verdict == high and len({_tap(case, place, rules) for rules in around}) == 1
    ]
    case["places"] = [place for _, place in firm]
    case["taps"] = [str(_tap(case, place)) for place in case["places"]]
    return case | {"verdicts": [v for v, _ in firm], "unseen_s": _trace(case, RULES).unseen.total_seconds()}


def _drawn() -> list[dict[str, Any]]:
    draw = random.Random(6)
    made = [
        _walk(draw, "a walk without gaps", (30,), 0.0),
        _walk(draw, "long strides between two positions", (30,), 0.0, stride=6.0),
        _walk(draw, "a phone that slept", (150, 300), 0.0, far=3.0),
        _walk(draw, "a phone that slept for long", (900,), 0.1, far=9.0),
        _walk(draw, "vague positions", (130,), 0.6),
        _walk(draw, "no accuracy at all", (30,), 1.0),
    ]
    made.append({"name": "no position", "until_s": 60, "fixes": [], "places": made[0]["places"][:3]})
    return [_settled(case) for case in made]


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in _drawn())
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
