"""A boundary moves by an approved change alone, and who asks about a past day gets the past one."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import shapely

from gridmgmt.domain.boundary import BoundaryChange
from gridmgmt.domain.grid import GridPlan
from gridmgmt.errors import ContentDiffers, MissingFact, NotAllowed, NotFound, PlanNotAdoptable
from gridmgmt.services import boundary_changes, gridplans
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import boundaries
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_plans import drawn, move, redrawn
from tests.builders_street import Street

DAY = timedelta(days=1)
CHANGE_AT = NOW + 10 * DAY


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def change_of(street: Street, outline: shapely.MultiPolygon, **over: Any) -> BoundaryChange:
    facts: dict[str, Any] = {
        "id": uuid.uuid4(),
        "subdistrict_code": STREET,
        "approval_no": "津政函〔2026〕12号",
        "proposal_no": "津滨政报〔2026〕3号",
        "approved_on": date(2026, 11, 20),
        "valid_from": CHANGE_AT,
        "outlines": {STREET: outline},
    }
    return BoundaryChange(**{**facts, **over})


def without(plan: GridPlan, street: Street) -> tuple[GridPlan, BoundaryChange]:
    """The plan less one cell at its edge, and the change that gives that ground away."""
    now = boundaries.outlines_at(street.db, STREET, NOW)
    for cell in plan.cells:
        rest = now[STREET].difference(cell.polygon)
        home = now[cell.community_code].difference(cell.polygon)
        if cell.polygon.boundary.intersection(now[STREET].boundary).length == 0.0:
            continue
        parts = [shapely.MultiPolygon(list(shapely.get_parts(p))) for p in (rest, home)]
        if all(p.is_valid and not p.is_empty and p.geom_type == "MultiPolygon" for p in parts):
            outlines = {STREET: parts[0], cell.community_code: parts[1]}
            smaller = replace(plan, cells=tuple(c for c in plan.cells if c is not cell))
            return smaller, change_of(street, parts[0], outlines=outlines)
    raise AssertionError("no cell at the edge")


def test_a_change_is_entered_by_the_district_and_audited(street: Street) -> None:
    _, change = without(street.plan.plan, street)
    for _ in range(2):
        assert boundary_changes.enter_change(street.db, street.district, NOW, change) == change
    with pytest.raises(ContentDiffers):
        boundary_changes.enter_change(
            street.db, street.district, NOW, replace(change, approval_no="津政函〔2026〕13号")
        )
    (listed,) = boundary_changes.listed(street.db, street.district)
    assert (listed["approval_no"], listed["codes"]) == (change.approval_no, sorted(change.outlines))
    (line,) = street.audited("boundary", change.id)
    assert line.facts["approval_no"] == change.approval_no
    assert (line.action, line.actor_id) == ("boundary:change", street.district.id)


def test_without_a_number_nothing_is_entered(street: Street) -> None:
    _, change = without(street.plan.plan, street)
    with pytest.raises(MissingFact) as refused:
        boundary_changes.enter_change(street.db, street.district, NOW, replace(change, approval_no=" "))
    assert (refused.value.article, refused.value.rule) == ("5-2", "R05")
    assert boundary_changes.listed(street.db, street.district) == []


def test_the_street_does_not_enter_its_own_boundary(street: Street) -> None:
    _, change = without(street.plan.plan, street)
    for by in (street.planner, street.director):
        with pytest.raises(NotAllowed):
            boundary_changes.enter_change(street.db, by, NOW, change)


def test_outlines_of_communities_that_are_not_there_are_refused(street: Street) -> None:
    _, change = without(street.plan.plan, street)
    outlines = {**change.outlines, f"{STREET}999": change.outlines[STREET]}
    with pytest.raises(NotFound):
        boundary_changes.enter_change(street.db, street.district, NOW, replace(change, outlines=outlines))
    assert ELSEWHERE not in outlines


def test_the_outline_of_a_day_is_the_one_that_counted_then(street: Street) -> None:
    before = gridplans.extent(street.db, street.planner, NOW)
    _, change = without(street.plan.plan, street)
    boundary_changes.enter_change(street.db, street.district, NOW, change)
    last = boundaries.outlines_at(street.db, STREET, CHANGE_AT - timedelta.resolution)
    first = boundaries.outlines_at(street.db, STREET, CHANGE_AT)
    assert first[STREET].equals(change.outlines[STREET])
    assert last[STREET].area > first[STREET].area
    assert {c for c in last if not last[c].equals(first[c])} == set(change.outlines)
    assert gridplans.extent(street.db, street.planner, NOW) == before


def test_a_plan_has_to_fill_the_outline_of_the_day_it_begins(street: Street) -> None:
    smaller, change = without(street.plan.plan, street)
    early = replace(smaller, id=uuid.uuid4(), version=2, valid_from=NOW + DAY)
    late = replace(early, id=uuid.uuid4(), version=3, valid_from=CHANGE_AT)
    for plan in (early, late):
        drawn(street, plan)
        with pytest.raises(PlanNotAdoptable):
            move(street, plan.id, "check")
    boundary_changes.enter_change(street.db, street.district, NOW, change)
    with pytest.raises(PlanNotAdoptable) as refused:
        move(street, early.id, "check")
    assert refused.value.facts["failed"] == ["seamless"]
    for action in ("check", "review", "publish"):
        move(street, late.id, action)


def test_a_plan_for_the_old_outline_is_not_published_into_the_new_one(street: Street) -> None:
    _, change = without(street.plan.plan, street)
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    for action in ("check", "review"):
        move(street, plan.id, action)
    boundary_changes.enter_change(street.db, street.district, NOW, change)
    with pytest.raises(PlanNotAdoptable):
        move(street, plan.id, "publish", valid_from=CHANGE_AT.isoformat())
    move(street, plan.id, "publish")
