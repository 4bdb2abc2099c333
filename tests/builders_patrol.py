"""Patrols for tests: positions by metres around one place, shifts of a morning, a plan of one cell."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shapely.geometry import LineString, Point

from gridmgmt.domain.coverage import CoverageRules, Fix, Trace
from gridmgmt.domain.patrol import Interval, Target, TargetKind, Unit
from gridmgmt.domain.patrolshift import Given, Shift
from gridmgmt.geo.crs import LonLat, MetricZone, to_geographic, to_metric
from tests.builders_cases import NOW, STREET

ZONE = MetricZone.CM_117E
HOME = LonLat(117.65, 39.03)
RULES = CoverageRules()
SECOND = timedelta(seconds=1)


def at_m(east_m: float, north_m: float = 0.0, home: LonLat = HOME) -> LonLat:
    """The position so many metres east and north of a place."""
    origin = to_metric(Point(home), ZONE)
    moved = to_geographic(Point(origin.x + east_m, origin.y + north_m), ZONE)
    return LonLat(moved.x, moved.y)


def fix(second: float, east_m: float, north_m: float = 0.0, accuracy_m: float | None = 8.0) -> Fix:
    """A position so many seconds after the shift began."""
    return Fix(NOW + second * SECOND, at_m(east_m, north_m), accuracy_m)


def trace_of(fixes: Sequence[Fix], lasting_s: float, rules: CoverageRules = RULES) -> Trace:
    """The trace of a shift that began at NOW."""
    return Trace.of(fixes, NOW, NOW + lasting_s * SECOND, rules, ZONE)


def line_m(*corners: tuple[float, float]) -> LineString:
    """A line by metres east and north of home."""
    return LineString([at_m(*corner) for corner in corners])


def make_shift(**over: Any) -> Shift:
    """An open shift that began at NOW."""
    facts: dict[str, Any] = {
        "id": UUID(int=7),
        "subdistrict_code": STREET,
        "person_id": UUID(int=101),
        "cell_codes": (f"{STREET}001001",),
        "on_at": NOW,
        "off_at": None,
        "received_on_at": NOW,
    }
    return Shift(**facts | over)


def given(no: int, at: datetime, place: LonLat = HOME, accuracy_m: float | None = 8.0) -> Given:
    """A position as a phone sends it."""
    return Given(no, at, place.lon, place.lat, accuracy_m)


def make_target(name: str = "巡查点", amount: int = 1, unit: Unit = Unit.DAYS, **over: Any) -> Target:
    """A checkpoint at home, to be visited every day."""
    facts: dict[str, Any] = {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, name),
        "kind": TargetKind.POINT,
        "name": name,
        "every": Interval(amount, unit),
        "shape": Point(HOME),
    }
    return Target(**facts | over)
