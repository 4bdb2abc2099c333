"""What the database refuses of plans, whoever writes: a login with rights, the owner, a superuser.

Everything here is written by hand past the application.
"""

import uuid
from dataclasses import replace

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gridmgmt.domain.adoption import TOLERANCE_M2
from gridmgmt.domain.grid import GridPlan, PlanStatus
from gridmgmt.domain.org import Actor
from gridmgmt.domain.planlife import MOVES_OF_STATUS
from gridmgmt.storage import grids, plans
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.walls import OWNER, Acting
from tests.builders_cases import ELSEWHERE, NOW
from tests.builders_street import Street, elsewhere_street, found_small_street, make_small_plan

CM = 0.01 / 86_500.0
"""A centimetre in degrees of longitude there."""


@pytest.fixture
def first(db: Db) -> GridPlan:
    return found_small_street(db)


def broken(db: Db, statement: str, **values: object) -> str:
    """The constraint that refuses a statement, or the commit after it."""

    def to_the_commit() -> None:
        with db.begin_nested():
            db.execute(text(statement), values)
            db.execute(text("set constraints all immediate"))

    with pytest.raises(DBAPIError) as refused:
        to_the_commit()
    diagnosis = refused.value.orig.diag  # type: ignore[union-attr]
    return str(diagnosis.constraint_name or diagnosis.sqlstate)


def draft(db: Db, *edges: tuple[float, float], **over: object) -> GridPlan:
    """A draft of two cells, whose west and east edges (degrees) are moved; numbered anew."""
    plan = make_small_plan(**{"id": uuid.uuid4(), "version": 2, "status": PlanStatus.DRAFT, **over})
    cells = []
    for number, (cell, (west, east)) in enumerate(zip(plan.cells, edges, strict=True), start=11):
        w, s, e, n = cell.polygon.bounds
        shape = shapely.box(w + west, s, e + east, n)
        cells.append(replace(cell, code=f"{cell.community_code}{number:03d}", polygon=shape))
    plan = replace(plan, cells=tuple(cells))
    grids.add_plan(db, plan, [], {})
    return plan


CHECKED = "update app.grid_plans set status = 'checked' where id = :id"


@pytest.mark.parametrize(
    "edges",
    [((0, -CM), (0, 0)), ((0, CM), (0, 0)), ((-CM, 0), (0, 0)), ((CM, 0), (0, 0)), ((0, CM), (2 * CM, 0))],
    ids=["gap", "overlap", "overhang", "gap at the edge", "overlap and gap of one size"],
)
def test_a_seam_of_one_centimetre_keeps_a_plan_a_draft(db: Db, first: GridPlan, edges: tuple) -> None:
    plan = draft(db, *edges)
    assert broken(db, CHECKED, id=plan.id) == "seamless"


def test_rounding_of_a_hundredth_of_a_millimetre_is_forgiven(db: Db, first: GridPlan) -> None:
    plan = draft(db, (0, CM / 1000), (0, 0))
    plans.set_status(db, plan.id, PlanStatus.CHECKED)


def test_gap_and_overlap_of_one_size_do_not_cancel_out(db: Db, first: GridPlan) -> None:
    plan = draft(db, (CM, CM), (0, 0))
    assert broken(db, CHECKED, id=plan.id) == "seamless"


def test_the_database_forgives_what_the_application_forgives(db: Db) -> None:
    source = db.execute(text("select prosrc from pg_proc where proname = 'refuse_seams'")).scalar_one()
    assert f"forgiven constant float8 := {TOLERANCE_M2}" in source


def test_a_plan_without_cells_is_none(db: Db, first: GridPlan) -> None:
    copy = (
        "insert into app.grid_plans (id, subdistrict_code, version, status, valid_from, base_map_version,"
        " metric_srid, synthetic, report_card) select gen_random_uuid(), subdistrict_code, 7, :status,"
        " valid_from + interval '9 day', base_map_version, metric_srid, synthetic, report_card"
        " from app.grid_plans where id = :id"
    )
    for status in ("checked", "reviewed"):
        assert broken(db, copy, id=first.id, status=status) == "seamless"
    db.execute(text("update app.grid_plans set valid_to = valid_from + interval '8 day'"))
    assert broken(db, copy, id=first.id, status="published") == "seamless"
    db.execute(text(copy), {"id": first.id, "status": "draft"})


MEDDLING = {
    "add": "insert into app.grid_cells (plan_id, code, community_code, kind, name, households, area_m2, geom)"
    " select plan_id, community_code || '099', community_code, kind, name, households, area_m2, geom"
    " from app.grid_cells where plan_id = :id limit 1",
    "move a border": "update app.grid_cells set geom = st_translate(geom, 0.00001, 0) where plan_id = :id",
    "rename": "update app.grid_cells set code = community_code || '099'"
    " where plan_id = :id and code like '%001'",
    "take away": "delete from app.grid_cells where plan_id = :id",
}


@pytest.mark.parametrize("statement", MEDDLING.values(), ids=MEDDLING)
def test_the_cells_of_a_plan_that_left_the_draft_are_fixed(db: Db, first: GridPlan, statement: str) -> None:
    assert broken(db, statement, id=first.id) == "fixed_cells"


def test_all_cells_at_once_cannot_be_taken_away_either(db: Db) -> None:
    assert broken(db, "truncate app.grid_cells cascade") == "23001"


def test_the_owner_of_the_tables_is_refused_too(db: Db, first: GridPlan) -> None:
    plan = draft(db, (0, -CM), (0, 0))
    # He may lift row-level security, and then he may write; what is written is refused all the same.
    db.execute(text(f"set local role {OWNER}"))
    for table in ("grid_plans", "grid_cells"):
        db.execute(text(f"alter table app.{table} no force row level security"))
    assert broken(db, CHECKED, id=plan.id) == "seamless"
    for statement in MEDDLING.values():
        assert broken(db, statement, id=first.id) == "fixed_cells"
    db.execute(text("reset role"))


@pytest.fixture
def planner(first: GridPlan, db: Db, books) -> Actor:
    return elsewhere_street(db, books).planner


def test_a_planner_past_the_application_gets_no_further(db: Db, first: GridPlan, planner: Actor) -> None:
    act_as(db, Acting.of(planner))
    plan = draft(db, (0, 0), (0, CM))
    assert broken(db, CHECKED, id=plan.id) == "seamless"
    assert broken(db, MEDDLING["add"], id=first.id) == "fixed_cells"
    straight = CHECKED.replace("checked", "published")
    assert broken(db, straight, id=plan.id) == "life"


@pytest.mark.parametrize("before", list(PlanStatus))
@pytest.mark.parametrize("after", list(PlanStatus))
def test_a_status_changes_as_the_table_of_the_life_says(
    db: Db, first: GridPlan, before: PlanStatus, after: PlanStatus
) -> None:
    if before is after:
        return
    plan = draft(db, (0, 0), (0, 0), valid_from=NOW)
    # Straight into the status, past the trigger, as nobody can without being a superuser.
    db.execute(text("set local session_replication_role = replica"))
    db.execute(text("update app.grid_plans set valid_to = :now where id = :id"), {"now": NOW, "id": first.id})
    db.execute(text(f"update app.grid_plans set status = '{before}' where id = :id"), {"id": plan.id})
    db.execute(text("set local session_replication_role = origin"))
    change = f"update app.grid_plans set status = '{after}' where id = :id"
    if (before, after) in MOVES_OF_STATUS:
        db.execute(text(change), {"id": plan.id})
        db.execute(text("set constraints all immediate"))
    else:
        assert broken(db, change, id=plan.id) == "life"


def test_a_code_means_one_piece_of_ground_for_ever(db: Db, first: GridPlan) -> None:
    kept = make_small_plan(id=uuid.uuid4(), version=2, status=PlanStatus.DRAFT)
    grids.add_plan(db, kept, [], {})  # the same ground keeps its code
    left, right = kept.cells
    other = replace(
        kept, id=uuid.uuid4(), version=3,
        cells=(replace(left, polygon=right.polygon), replace(right, polygon=left.polygon)),
    )  # fmt: skip
    assert grids.codes_of_other_ground(db, other) == [left.code, right.code]
    with pytest.raises(DBAPIError, match="other ground"), db.begin_nested():
        grids.add_plan(db, other, [], {})


def test_the_code_of_a_draft_that_was_given_up_stays_taken(db: Db, first: GridPlan) -> None:
    plan = draft(db, (0, 0), (0, 0))
    plans.set_status(db, plan.id, PlanStatus.WITHDRAWN)
    assert {c.code for c in plan.cells} <= grids.used_codes(db, ELSEWHERE)
    left, right = plan.cells
    swapped = (replace(left, polygon=right.polygon), replace(right, polygon=left.polygon))
    again = replace(plan, id=uuid.uuid4(), version=3, cells=swapped)
    with pytest.raises(DBAPIError, match="other ground"), db.begin_nested():
        grids.add_plan(db, again, [], {})


def test_a_code_from_before_this_platform_is_taken(db: Db, first: GridPlan) -> None:
    old = [f"{ELSEWHERE}001011", f"{ELSEWHERE}001012"]
    assert grids.retire_codes(db, ELSEWHERE, old, "区网格中心 2019") == 2
    assert grids.retire_codes(db, ELSEWHERE, old, "once more") == 0
    with pytest.raises(DBAPIError, match="other ground"), db.begin_nested():
        draft(db, (0, 0), (0, 0))


@pytest.mark.parametrize("statement", ["update app.cell_codes set note = 'x'", "delete from app.cell_codes"])
def test_issued_codes_are_not_forgotten(db: Db, first: GridPlan, statement: str) -> None:
    assert broken(db, statement) == "23001"


def test_an_outline_does_not_move_without_an_approved_change(db: Db, first: GridPlan) -> None:
    statement = "update app.subdistricts set outline = st_translate(outline, 0.001, 0) where code = :code"
    assert broken(db, statement, code=ELSEWHERE) == "approved_boundary"
    db.execute(text("update app.subdistricts set head = head"))


@pytest.mark.parametrize("number", ["", "12", "津政函(2026)12号"])
def test_a_change_without_an_approval_number_is_not_stored(
    db: Db, first: GridPlan, number: str, books
) -> None:
    statement = (
        "insert into app.boundary_changes values (gen_random_uuid(), :code, :number, '津滨政报〔2026〕3号',"
        " '2026-11-01', '2027-01-01', '', :by, now())"
    )
    by = Street(db, books).planner.id
    assert broken(db, statement, code=ELSEWHERE, number=number, by=by) == "ck_boundary_changes_approved"
    db.execute(text(statement), {"code": ELSEWHERE, "number": "津政函〔2026〕12号", "by": by})


def test_nothing_is_handed_over_to_a_plan_that_is_not_published(db: Db, books) -> None:
    found_small_street(db)
    case = Street(db, books).report()
    plan = draft(db, (0, 0), (0, 0))
    statement = (
        "insert into app.plan_handovers values (:case, :plan, :code, :before, :cell, null, null, null, 'x',"
        " now())"
    )
    values = {"case": case.id, "plan": plan.id, "code": ELSEWHERE, "before": case.plan_id, "cell": "x"}
    assert broken(db, statement, **values) == "published"
