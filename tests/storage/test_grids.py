"""Plans come back as published; hexes and polygons in SQL tell the same owner as the index in memory."""

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.grid import GridPlan, PlanStatus
from gridmgmt.domain.org import Actor, Role
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import LonLat
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import grids
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, STREET, make_actor
from tests.builders_geo import vertices_and_midpoints
from tests.builders_street import Street, found_small_street, inner_point, make_small_plan, outline_of

RANDOM_POINTS, BORDER_POINTS = 1500, 600


@pytest.fixture
def plan(db: Db) -> GridPlan:
    (published,) = grids.published_plans(db, STREET)
    return published


@pytest.fixture
def reader() -> Actor:
    return make_actor(Role.SHIFT_LEADER)


def owners_by_sql(db: Db, reader: Actor, points: np.ndarray) -> list[str | None]:
    return [
        grids.cell_at_by_sql(db, reader, hexes.hex_of(LonLat(lon, lat)), LonLat(lon, lat), NOW)
        for lon, lat in points.tolist()
    ]


def owners_by_index(plan: GridPlan, points: np.ndarray) -> list[str | None]:
    index = CellIndex.build(plan.polygons())
    return [index.code_at(LonLat(lon, lat)) for lon, lat in points.tolist()]


def drawn(points: np.ndarray, count: int) -> np.ndarray:
    rng = np.random.default_rng(20261123)
    return points[rng.choice(len(points), size=min(count, len(points)), replace=False)]


def test_sql_and_index_name_the_same_owner_of_random_points(db: Db, plan: GridPlan, reader: Actor) -> None:
    west, south, east, north = shapely.total_bounds([c.polygon for c in plan.cells])
    rng = np.random.default_rng(7)
    points = np.column_stack(
        [rng.uniform(west, east, RANDOM_POINTS), rng.uniform(south, north, RANDOM_POINTS)]
    )
    by_index = owners_by_index(plan, points)
    assert owners_by_sql(db, reader, points) == by_index
    assert None in by_index, "some lie outside, so the absence of an owner is compared too"
    assert len(set(by_index)) > 0.9 * len(plan.cells)


def test_sql_and_index_name_the_same_owner_of_every_kind_of_corner(
    db: Db, plan: GridPlan, reader: Actor
) -> None:
    vertices = shapely.get_coordinates(np.array([c.polygon for c in plan.cells], dtype=object))
    points = drawn(np.unique(vertices, axis=0), BORDER_POINTS)
    assert owners_by_sql(db, reader, points) == owners_by_index(plan, points)


def test_sql_and_index_name_the_same_owner_beside_the_middle_of_borders(
    db: Db, plan: GridPlan, reader: Actor
) -> None:
    """A rounded midpoint lies on no line exactly; both must see the same side of it."""
    points = drawn(
        np.unique(vertices_and_midpoints([(c.code, c.polygon) for c in plan.cells]), axis=0), BORDER_POINTS
    )
    by_index = owners_by_index(plan, points)
    assert owners_by_sql(db, reader, points) == by_index
    assert sum(owner is not None for owner in by_index) > 0.9 * len(points)


def test_a_shared_corner_belongs_to_the_smallest_code_by_sql(db: Db, plan: GridPlan, reader: Actor) -> None:
    tree = shapely.STRtree([c.polygon for c in plan.cells])
    coordinates = np.unique(
        shapely.get_coordinates(np.array([c.polygon for c in plan.cells], dtype=object)), axis=0
    )
    shared = 0
    for lon, lat in drawn(coordinates, BORDER_POINTS).tolist():
        touching = [plan.cells[i].code for i in tree.query(shapely.Point(lon, lat), predicate="intersects")]
        point = LonLat(lon, lat)
        assert grids.cell_at_by_sql(db, reader, hexes.hex_of(point), point, NOW) == min(touching)
        shared += len(touching) > 1
    assert shared > BORDER_POINTS / 10


def test_the_hex_cover_is_stored_row_for_row(db: Db, plan: GridPlan) -> None:
    rows = db.execute(
        text("select h3, cell_code, wholly from app.cell_hexes where plan_id = :p order by h3, cell_code"),
        {"p": plan.id},
    )
    assert [tuple(r) for r in rows] == [tuple(r) for r in CellIndex.build(plan.polygons()).hex_cover()]


def test_a_hex_that_is_wholly_in_one_cell_has_one_row(db: Db, plan: GridPlan) -> None:
    query = text("""
        select count(*) from app.cell_hexes x where x.plan_id = :p and x.wholly and exists (
            select 1 from app.cell_hexes y where y.plan_id = x.plan_id and y.h3 = x.h3
               and y.cell_code <> x.cell_code)
    """)
    assert db.execute(query, {"p": plan.id}).scalar() == 0


def test_a_plan_comes_back_as_it_was_published(db: Db) -> None:
    published = found_small_street(db)
    assert grids.published_plans(db, ELSEWHERE) == [published]
    assert published.status is PlanStatus.PUBLISHED


def test_before_its_first_plan_and_after_its_last_a_point_has_no_owner(db: Db) -> None:
    plan = found_small_street(db)
    reader = make_actor(Role.SHIFT_LEADER, subdistricts=frozenset({ELSEWHERE}))
    point = inner_point(plan.cells[0].polygon)
    h3 = hexes.hex_of(point)
    grids.end_plan(db, plan.id, NOW)
    at = {"before": plan.valid_from - (NOW - plan.valid_from), "during": plan.valid_from, "after": NOW}
    found = {name: grids.cell_at_by_sql(db, reader, h3, point, when) for name, when in at.items()}
    assert found == {"before": None, "during": plan.cells[0].code, "after": None}


def test_codes_that_were_ever_used_are_known(db: Db) -> None:
    plan = found_small_street(db)
    grids.end_plan(db, plan.id, NOW)
    assert grids.used_codes(db, ELSEWHERE) == {c.code for c in plan.cells}


def test_cells_are_shown_with_worker_and_open_cases(db: Db, books: RuleBooks, reader: Actor) -> None:
    street = Street(db, books)
    busy = street.duty_cells[3]
    street.report(cell=busy)
    street.closed(street.handled(street.report(cell=busy)))
    shown = {row["code"]: row for row in grids.cells_with_load(db, reader, NOW, None)}
    assert set(shown) == {c.code for c in street.plan.plan.cells}
    assert shown[busy.code]["open_cases"] == 1
    assert shown[busy.code]["worker_name"] == street.worker_of(busy.code).name
    assert shown[busy.code]["households"] == busy.households
    assert sum(row["open_cases"] for row in shown.values()) == 1


def test_the_extent_is_that_of_the_outline_and_says_what_is_made_up(db: Db) -> None:
    plan = found_small_street(db)
    row = grids.extent(db, ELSEWHERE, NOW)
    assert row is not None
    assert (row["w"], row["s"], row["e"], row["n"]) == pytest.approx(outline_of(plan).bounds)
    assert row["synthetic"] is True
    assert grids.extent(db, "120116999", NOW) is None


def test_versions_count_on(db: Db) -> None:
    assert grids.next_version(db, ELSEWHERE) == 1
    found_small_street(db)
    assert grids.next_version(db, ELSEWHERE) == 2
    assert make_small_plan().version == 1
