"""Plans are published whole or not at all; the one before ends the moment the next begins."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import shapely
from shapely.affinity import translate
from sqlalchemy import text

from gridmgmt.domain.grid import GridPlan, PlanStatus
from gridmgmt.domain.org import Role
from gridmgmt.errors import NotAllowed, NotFound, OutsideArea, PlanNotAdoptable, PlanNotInForce
from gridmgmt.geo.crs import Datum
from gridmgmt.geo.datum import point_in_datum
from gridmgmt.services import gridplans
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import grids
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW
from tests.builders_street import (
    Street,
    elsewhere_street,
    found_small_street,
    inner_point,
    make_small_plan,
    outline_of,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def elsewhere(db: Db, books: RuleBooks) -> Street:
    found_small_street(db)
    return elsewhere_street(db, books)


def second_plan(**over):
    return make_small_plan(**{"id": uuid.uuid4(), "version": 2, "valid_from": NOW + HOUR} | over)


def test_the_plan_in_force_ends_the_moment_the_next_begins(elsewhere: Street) -> None:
    plan = second_plan()
    gridplans.publish_plan(elsewhere.db, elsewhere.planner, NOW, plan, outline_of(plan), {"cells": 2})
    first, second = grids.published_plans(elsewhere.db, ELSEWHERE)
    assert first.valid_to == second.valid_from == NOW + HOUR
    before = [p.version for p in (first, second) if p.in_force(NOW + HOUR - timedelta.resolution)]
    after = [p.version for p in (first, second) if p.in_force(NOW + HOUR)]
    assert (before, after) == ([1], [2])


def test_publishing_is_told_and_audited(elsewhere: Street) -> None:
    plan = second_plan()
    gridplans.publish_plan(elsewhere.db, elsewhere.planner, NOW, plan, outline_of(plan), {})
    (line,) = elsewhere.audited("plan", plan.id)
    assert (line.action, line.actor_id, line.facts["cells"]) == ("plan:publish", elsewhere.planner.id, 2)
    query = text("select kind, facts from app.outbox where subdistrict_code = :c order by id desc limit 1")
    kind, facts = elsewhere.db.execute(query, {"c": ELSEWHERE}).one()
    assert (kind, facts["plan_id"], facts["version"]) == ("plan_published", str(plan.id), 2)


def test_only_who_may_publish_publishes_and_only_at_home(elsewhere: Street, books: RuleBooks) -> None:
    plan = second_plan()
    strangers = Street(elsewhere.db, books).planner
    for by in (elsewhere.shift_leader, elsewhere.person("elsewhere-worker"), strangers):
        with pytest.raises(NotAllowed):
            gridplans.publish_plan(elsewhere.db, by, NOW, plan, outline_of(plan), {})


def refused(street: Street, plan: GridPlan, outline=None) -> PlanNotAdoptable:
    with pytest.raises(PlanNotAdoptable) as refusal:
        gridplans.publish_plan(street.db, street.planner, NOW, plan, outline or outline_of(plan), {})
    assert (refusal.value.article, refusal.value.rule) == ("21-1", "R21a")
    assert refusal.value.facts["defects"]
    assert len(grids.published_plans(street.db, ELSEWHERE)) == 1
    return refusal.value


def test_a_plan_with_a_gap_is_refused(elsewhere: Street) -> None:
    plan = second_plan()
    refusal = refused(elsewhere, replace(plan, cells=plan.cells[:1]), outline_of(plan))
    assert refusal.facts["failed"] == ["seamless"]


def test_a_plan_that_is_elsewhere_or_too_large_is_refused_before_it_is_laid_over_anything(
    elsewhere: Street, monkeypatch
) -> None:
    plan = second_plan()
    whole, (left, right) = outline_of(plan), plan.cells
    monkeypatch.setattr(
        "gridmgmt.domain.adoption.to_metric", lambda *_: pytest.fail("it was laid over something")
    )
    # (A cell that is not valid cannot even be made.)
    for shape in (shapely.segmentize(left.polygon, 1e-7), translate(left.polygon, 5.0)):
        odd = replace(plan, cells=(replace(left, polygon=shape), right))
        refusal = refused(elsewhere, odd, whole)
        assert refusal.facts["failed"] == ["within_limits"]
        assert refusal.facts["defects"][0].startswith(left.code)


def test_a_plan_with_an_overlap_is_refused(elsewhere: Street) -> None:
    plan = second_plan()
    left, right = plan.cells
    wider = shapely.box(*(left.polygon | shapely.box(*right.polygon.buffer(-0.001).bounds)).bounds)
    overlapping = replace(plan, cells=(replace(left, polygon=wider), right))
    assert refused(elsewhere, overlapping, outline_of(plan)).facts["failed"] == ["seamless"]


def test_a_plan_that_overhangs_its_subdistrict_is_refused(elsewhere: Street) -> None:
    plan = second_plan()
    half = shapely.MultiPolygon([plan.cells[0].polygon])
    assert refused(elsewhere, plan, half).facts["failed"] == ["seamless"]


def test_a_cell_outside_its_community_is_refused(elsewhere: Street) -> None:
    plan = second_plan()
    moved = tuple(replace(c, polygon=translate(c.polygon, 0.01)) for c in plan.cells)
    assert refused(elsewhere, replace(plan, cells=moved)).facts["failed"] == ["within_community"]


def test_a_cell_in_pieces_is_refused(elsewhere: Street) -> None:
    plan = second_plan()
    left, right = plan.cells
    apart = shapely.MultiPolygon([left.polygon, translate(left.polygon, 0.02)])
    refusal = refused(elsewhere, replace(plan, cells=(replace(left, polygon=apart), right)), outline_of(plan))
    assert (refusal.facts["failed"], refusal.facts["defects"]) == (["contiguous"], [left.code])


@pytest.mark.parametrize("status", [PlanStatus.DRAFT, PlanStatus.CHECKED, PlanStatus.WITHDRAWN])
def test_only_a_plan_that_the_district_reviewed_is_published(elsewhere: Street, status: PlanStatus) -> None:
    assert refused(elsewhere, second_plan(status=status)).facts["failed"] == ["reviewed"]


@pytest.mark.parametrize(
    "over", [{"version": 1}, {"valid_from": NOW - timedelta(days=2)}, {"valid_from": NOW - timedelta(days=3)}]
)
def test_a_plan_follows_those_before_it_in_time_and_number(elsewhere: Street, over: dict) -> None:
    assert refused(elsewhere, second_plan(**over)).facts["failed"] == ["succession"]


def test_plans_are_listed_newest_first(elsewhere: Street) -> None:
    plan = second_plan()
    gridplans.publish_plan(elsewhere.db, elsewhere.planner, NOW, plan, outline_of(plan), {"balance": 0.9})
    listed = gridplans.list_plans(elsewhere.db, elsewhere.shift_leader)
    assert [(p["version"], p["cells"], p["report_card"]) for p in listed] == [
        (2, 2, {"balance": 0.9}),
        (1, 2, {}),
    ]


def test_cells_of_a_plan_are_geojson_with_longitude_first(elsewhere: Street) -> None:
    found = gridplans.cells_as_geojson(elsewhere.db, elsewhere.shift_leader, NOW, None)
    assert [f["properties"]["code"] for f in found["features"]] == [
        f"{ELSEWHERE}001001",
        f"{ELSEWHERE}001002",
    ]
    lon, lat = found["features"][0]["geometry"]["coordinates"][0][0]
    assert 117.8 < lon < 117.9
    assert 39.0 < lat < 39.1


def test_a_plan_that_is_over_can_still_be_looked_at_by_its_id(elsewhere: Street) -> None:
    (first,) = grids.published_plans(elsewhere.db, ELSEWHERE)
    plan = second_plan()
    gridplans.publish_plan(elsewhere.db, elsewhere.planner, NOW, plan, outline_of(plan), {})
    found = gridplans.cells_as_geojson(elsewhere.db, elsewhere.shift_leader, NOW + 2 * HOUR, first.id)
    assert len(found["features"]) == 2


def test_a_plan_of_another_street_is_not_found(elsewhere: Street, books: RuleBooks) -> None:
    here = Street(elsewhere.db, books)
    for plan_id in (here.plan.plan.id, uuid.uuid4()):
        with pytest.raises(NotFound):
            gridplans.cells_as_geojson(elsewhere.db, elsewhere.shift_leader, NOW, plan_id)


def test_who_owns_a_point_is_told_with_worker_and_plan(db: Db, books: RuleBooks) -> None:
    street = Street(db, books)
    cell = street.duty_cells[7]
    place = inner_point(cell.polygon)
    for datum in Datum:
        sent = point_in_datum(place, datum)
        told = gridplans.cell_at(db, street.planner, books, sent.lon, sent.lat, datum, NOW)
        assert (told["code"], told["community_code"]) == (cell.code, cell.community_code)
        assert told["worker"]["id"] == street.worker_of(cell.code).id
        assert told["plan_version"] == 1


def test_a_point_has_no_owner_outside_or_without_a_plan(db: Db, books: RuleBooks) -> None:
    street = Street(db, books)
    place = inner_point(street.duty_cells[0].polygon)
    with pytest.raises(OutsideArea):
        gridplans.cell_at(db, street.planner, books, 117.2, 39.1, Datum.WGS84, NOW)
    with pytest.raises(PlanNotInForce):
        gridplans.cell_at(
            db, street.planner, books, place.lon, place.lat, Datum.WGS84, NOW - timedelta(days=30)
        )


def test_every_map_says_what_is_made_up_and_whom_it_is_from(db: Db, books: RuleBooks) -> None:
    street = Street(db, books)
    told = gridplans.extent(db, street.shift_leader, NOW)
    assert told["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert any("illustrative outline" in note for note in told["notes"])
    assert any("synthetic buildings, households and people" in note for note in told["notes"])
    west, south, east, north = told["bbox"]
    assert west < told["centre"][0] < east
    assert south < told["centre"][1] < north


def test_maps_are_for_those_who_read_plans(db: Db, books: RuleBooks) -> None:
    admin = Street(db, books).person("demo-admin")
    assert admin.roles == {Role.ADMINISTRATOR}
    for read in (
        lambda: gridplans.list_plans(db, admin),
        lambda: gridplans.cells_as_geojson(db, admin, NOW, None),
        lambda: gridplans.extent(db, admin, NOW),
        lambda: gridplans.tile(db, admin, "cells", 0, 0, 0, NOW),
        lambda: gridplans.cell_at(db, admin, books, 117.65, 39.03, Datum.WGS84, NOW),
    ):
        with pytest.raises(NotAllowed):
            read()
