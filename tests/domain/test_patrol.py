"""Plans of patrols: what a cell may be asked to have walked, and what is due on a day."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from shapely.geometry import LineString, Point

from gridmgmt.domain.patrol import (
    MOST_TARGETS,
    LastVisit,
    PatrolPlan,
    Target,
    TargetKind,
    Unit,
    check_plan,
    plan_of_day,
)
from gridmgmt.errors import InvalidGeometry, InvalidInput
from tests.builders_cases import STREET
from tests.builders_geo import make_box
from tests.builders_patrol import HOME, ZONE, at_m, line_m, make_target

TODAY = date(2026, 11, 23)
CELL = make_box(400.0, HOME)


def check(*targets: Target) -> None:
    plan = PatrolPlan(UUID(int=1), STREET, f"{STREET}001001", 1, targets)
    check_plan(plan, CELL, ZONE)


def is_due(target: Target, days_ago: int | None, shifts_since: int = 0) -> bool:
    last = {} if days_ago is None else {target.id: LastVisit(TODAY - timedelta(days=days_ago), shifts_since)}
    return plan_of_day([target], last, TODAY)[0].due


def test_what_was_never_covered_is_due() -> None:
    assert is_due(make_target(amount=30), None)


@pytest.mark.parametrize(("days_ago", "due"), [(0, False), (2, False), (3, True), (9, True)])
def test_a_target_of_every_third_day_is_due_on_the_third(days_ago: int, due: bool) -> None:
    assert due is is_due(make_target(amount=3), days_ago)


@pytest.mark.parametrize(("shifts", "due"), [(0, False), (1, False), (2, True)])
def test_a_target_of_every_second_shift_counts_shifts_and_no_days(shifts: int, due: bool) -> None:
    assert due is is_due(make_target(amount=2, unit=Unit.SHIFTS), days_ago=40, shifts_since=shifts)


def test_the_longest_overdue_comes_first_and_what_is_not_due_last() -> None:
    targets = [make_target(name, amount=2) for name in "abcd"]
    ago = dict(zip("abcd", (2, 9, 1, 4), strict=True))
    visits = {t.id: LastVisit(TODAY - timedelta(days=ago[t.name]), 0) for t in targets}
    found = plan_of_day(targets, visits, TODAY)
    assert list("bdac") == [d.target.name for d in found]
    assert [7, 2, 0, 0] == [d.overdue for d in found]


def test_a_target_lies_in_its_cell_or_on_its_border_road() -> None:
    check(make_target(shape=Point(at_m(240))))
    check(make_target(kind=TargetKind.SEGMENT, shape=line_m((-240, 0), (240, 0))))
    for shape, kind in (
        (Point(at_m(260)), TargetKind.POINT),
        (line_m((0, 0), (260, 0)), TargetKind.SEGMENT),
        (Point(HOME), TargetKind.SEGMENT),
        (LineString([HOME, at_m(10)]), TargetKind.POINT),
    ):
        with pytest.raises(InvalidGeometry):
            check(make_target(shape=shape, kind=kind))


@pytest.mark.parametrize(
    "targets",
    [
        [make_target(amount=0)],
        [make_target(amount=367)],
        [make_target(" ")],
        [make_target(), make_target()],
        [make_target(str(n)) for n in range(MOST_TARGETS + 1)],
    ],
    ids=["no interval", "over a year", "no name", "twice", "too many"],
)
def test_a_plan_that_cannot_be_walked_is_refused(targets: list[Target]) -> None:
    with pytest.raises(InvalidInput):
        check(*targets)


def test_an_empty_plan_ends_the_patrols_of_a_cell() -> None:
    check()
