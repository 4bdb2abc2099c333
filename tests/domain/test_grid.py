"""A plan is one dated version of a subdistrict's cells."""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from shapely.geometry import Point, Polygon, box

from gridmgmt.domain.grid import CellKind, GridCell, GridPlan, PlanStatus
from gridmgmt.errors import InvalidCode, InvalidGeometry, InvalidInput
from gridmgmt.geo.crs import MetricZone
from tests.builders_geo import COMMUNITY, make_box

FROM = datetime(2026, 7, 1, tzinfo=UTC)
TO = datetime(2026, 10, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def make_cell(**over: object) -> GridCell:
    facts = {
        "code": f"{COMMUNITY}001",
        "community_code": COMMUNITY,
        "name": "第一网格",
        "kind": CellKind.DUTY,
        "polygon": make_box(100.0),
        "area_m2": 10_000.0,
    }
    return GridCell(**{**facts, **over})  # type: ignore[arg-type]


def make_grid_plan(**over: object) -> GridPlan:
    facts = {
        "id": UUID(int=1),
        "subdistrict_code": "120116005",
        "version": 1,
        "status": PlanStatus.PUBLISHED,
        "valid_from": FROM,
        "valid_to": TO,
        "cells": (make_cell(),),
        "base_map_version": "OSM 2024-12-14",
        "synthetic": True,
        "zone": MetricZone.CM_117E,
    }
    return GridPlan(**{**facts, **over})  # type: ignore[arg-type]


def test_a_plan_is_in_force_from_its_first_moment_and_no_longer_at_its_end() -> None:
    plan = make_grid_plan()
    moments = [FROM - MOMENT, FROM, TO - MOMENT, TO]
    assert [False, True, True, False] == [plan.in_force(at) for at in moments]


def test_a_plan_without_end_stays_in_force() -> None:
    assert make_grid_plan(valid_to=None).in_force(FROM + timedelta(days=36_500))


def test_two_plans_in_a_row_leave_no_moment_to_both_or_to_none() -> None:
    old, new = make_grid_plan(), make_grid_plan(id=UUID(int=2), version=2, valid_from=TO, valid_to=None)
    for at in (TO - MOMENT, TO, TO + MOMENT):
        assert 1 == old.in_force(at) + new.in_force(at)


@pytest.mark.parametrize("status", [status for status in PlanStatus if status is not PlanStatus.PUBLISHED])
def test_only_a_published_plan_is_in_force(status: PlanStatus) -> None:
    assert not make_grid_plan(status=status).in_force(FROM)


def test_moments_compare_across_time_zones() -> None:
    beijing = timezone(timedelta(hours=8))
    assert make_grid_plan().in_force(datetime(2026, 7, 1, 8, 0, tzinfo=beijing))
    assert not make_grid_plan().in_force(datetime(2026, 7, 1, 7, 59, tzinfo=beijing))


def test_a_time_without_zone_is_refused() -> None:
    naive = FROM.replace(tzinfo=None)
    with pytest.raises(InvalidInput):
        make_grid_plan().in_force(naive)
    with pytest.raises(InvalidInput):
        make_grid_plan(valid_from=naive)
    with pytest.raises(InvalidInput):
        make_grid_plan(valid_to=naive)


@pytest.mark.parametrize("end", [FROM, FROM - MOMENT])
def test_a_plan_must_end_after_it_begins(end: datetime) -> None:
    with pytest.raises(InvalidInput):
        make_grid_plan(valid_to=end)


def test_versions_count_from_one() -> None:
    with pytest.raises(InvalidInput):
        make_grid_plan(version=0)


def test_a_code_occurs_once_in_a_plan() -> None:
    with pytest.raises(InvalidCode) as refusal:
        make_grid_plan(cells=(make_cell(), make_cell(name="第二网格")))
    assert [make_cell().code] == refusal.value.facts["codes"]


def test_a_cell_of_another_subdistrict_is_refused() -> None:
    with pytest.raises(InvalidCode) as refusal:
        make_grid_plan(cells=(make_cell(community_code="120116006001"),))
    assert [make_cell().code] == refusal.value.facts["codes"]


def test_a_cell_is_found_by_its_code_or_not_at_all() -> None:
    plan = make_grid_plan()
    assert plan.cells[0] is plan.cell(make_cell().code)
    assert plan.cell("999") is None


def test_polygons_come_for_the_kinds_asked_for() -> None:
    school = make_cell(code=f"{COMMUNITY}Z01", kind=CellKind.DEDICATED)
    plan = make_grid_plan(cells=(make_cell(), school))
    assert [make_cell().code, school.code] == [code for code, _ in plan.polygons()]
    assert [(school.code, school.polygon)] == list(plan.polygons(CellKind.DEDICATED))
    assert [] == list(plan.polygons(CellKind.UNIT))


@pytest.mark.parametrize(
    ("over", "refusal"),
    [
        ({"code": ""}, InvalidCode),
        ({"polygon": Polygon()}, InvalidGeometry),
        ({"polygon": Point(117.0, 39.0)}, InvalidGeometry),
        ({"polygon": box(39.0, 117.0, 39.1, 117.1)}, InvalidGeometry),
        ({"area_m2": 0.0}, InvalidGeometry),
        ({"area_m2": float("nan")}, InvalidGeometry),
        ({"households": -1}, InvalidInput),
        ({"starts_on": date(2026, 7, 1), "ends_on": date(2026, 7, 1)}, InvalidInput),
    ],
)
def test_a_cell_that_cannot_be_one_is_refused(over: dict[str, object], refusal: type[InvalidInput]) -> None:
    with pytest.raises(refusal):
        make_cell(**over)


def test_uncounted_households_are_not_zero() -> None:
    assert make_cell().households is None
    assert 0 == make_cell(households=0).households


def test_cells_and_plans_do_not_change() -> None:
    with pytest.raises(AttributeError):
        make_cell().code = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        make_grid_plan().version = 2  # type: ignore[misc]
