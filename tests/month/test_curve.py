"""The picture of a month and the plan of the command, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from xml.etree import ElementTree as ET

from gridmgmt.cli.demo_month import plan_of
from gridmgmt.demo.month import curve
from gridmgmt.demo.month.diary import Diary, Life
from gridmgmt.domain.events import Event, EventKind
from tests.builders_cases import STREET, UNIT, make_calendar
from tests.month.playing import MIDNIGHT, make_plan

PLAN = make_plan(days=2)
HOUR = timedelta(hours=1)


def event(kind: EventKind, hour: float, **facts: object) -> Event:
    given = {"state": "reported", "cell_code": "c", "unit_code": None, "category": "k", "source": "patrol"}
    return Event(kind, STREET, PLAN.start + hour * HOUR, UUID(int=1), given | facts)


def test_each_open_case_is_in_one_layer_at_each_moment() -> None:
    due = (PLAN.start + 30 * HOUR).isoformat()
    facts = {"unit_code": UNIT, "due_at": due, "stage_due_at": due, "limit_unit": "natural_hour"}
    log = [
        event(EventKind.REPORT_RECEIVED, 1),
        event(EventKind.CASE_DISPATCHED, 7, state="handling", **facts),
        event(EventKind.CASE_CLOSED, 47, state="closed", **facts),
    ]
    points = curve.measured(log, PLAN, make_calendar())
    layers = ["desk", "green", "green", "green", "yellow", "red", "red"]
    seen = [[name for name, count in point.items() if count] for point in points]
    assert [[], *[[layer] for layer in layers], []] == seen


def test_the_picture_is_well_formed_and_says_that_it_is_synthetic() -> None:
    points = [{"green": n, "yellow": 1, "red": 0, "desk": 2} for n, _ in enumerate(curve.moments(PLAN))]
    drawn = ET.fromstring(curve.picture(points, PLAN))
    assert len(drawn.findall("{*}polygon")) == 4
    assert any("SYNTHETIC" in (t.text or "") for t in drawn.findall("{*}text"))


def test_the_month_of_the_command_ends_at_the_streets_last_midnight() -> None:
    late_evening = datetime(2026, 11, 25, 15, 59, tzinfo=UTC)
    assert plan_of(50, 1, 1, late_evening).end == MIDNIGHT + timedelta(days=1)
    assert plan_of(50, 1, 1, late_evening + 2 * timedelta(minutes=1)).end == MIDNIGHT + timedelta(days=2)


def test_whoever_waits_goes_on_in_the_order_of_time_and_then_of_waiting() -> None:
    seen: list[str] = []

    def life(name: str, *hours: float) -> Life:
        for hour in hours:
            seen.append(name)
            yield MIDNIGHT + hour * HOUR
        seen.append(f"{name}.")

    diary = Diary(MIDNIGHT)
    diary.begin(life("a", 2, 3), MIDNIGHT + HOUR)
    diary.begin(life("b", 2), MIDNIGHT + HOUR)
    diary.until(MIDNIGHT + 2 * HOUR, lambda _: None)
    assert (seen, diary.now) == (["a", "b", "a", "b."], MIDNIGHT + 2 * HOUR)
    diary.until(MIDNIGHT + 9 * HOUR, lambda _: None)
    assert (seen[-1], diary.now) == ("a.", MIDNIGHT + 9 * HOUR)
