"""The schema itself: migrations match the tables, and the database refuses what must never be stored."""

import re
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import catalogue, grids, schema
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.revision import current_revision, head_revision
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_street import Street, found_small_street, make_small_plan

APPEND_ONLY = ("audit_log", "case_steps", "reports", "report_photos")


def refusal(db: Db, statement: str) -> str:
    """SQLSTATE of a refused statement; what went before it in the transaction stays."""
    with pytest.raises(DBAPIError) as refused, db.begin_nested():
        db.execute(text(statement))
    return str(getattr(refused.value.orig, "sqlstate", None))


def test_the_migrations_and_the_tables_agree(own_empty_url: str) -> None:
    assert schema.pending_changes(own_empty_url) == []


def test_the_migrations_have_one_head_and_it_is_read_as_alembic_reads_it() -> None:
    assert [head_revision()] == ScriptDirectory.from_config(schema._config()).get_heads()


def test_down_and_up_again_ends_at_the_same_schema(own_empty_url: str) -> None:
    engine = make_engine(own_empty_url, pool_size=1)
    schema.downgrade(own_empty_url, to="base")
    with transaction(engine, NOBODY, read_only=True) as db:
        left = db.execute(text("select count(*) from pg_tables where schemaname = 'app'")).scalar()
        assert left == 1, "only Alembic's own table is left"
    schema.migrate(own_empty_url)
    with transaction(engine, NOBODY, read_only=True) as db:
        assert current_revision(db) == head_revision()
    engine.dispose()
    assert schema.pending_changes(own_empty_url) == []


def test_migrating_a_migrated_database_changes_nothing(own_empty_url: str) -> None:
    schema.migrate(own_empty_url)
    assert schema.pending_changes(own_empty_url) == []


def test_an_empty_database_has_no_revision(cluster, clone) -> None:
    engine = make_engine(clone("template1"), pool_size=1)
    with transaction(engine, NOBODY, read_only=True) as db:
        assert current_revision(db) is None
    engine.dispose()


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["update app.{t} set {c} = {c}", "delete from app.{t}", "truncate app.{t}"]
)
def test_what_happened_cannot_be_rewritten(db: Db, table: str, statement: str) -> None:
    column = {"audit_log": "outcome", "case_steps": "action", "reports": "source", "report_photos": "sha256"}
    cascade = " cascade" if statement.startswith("truncate") else ""
    assert refusal(db, statement.format(t=table, c=column[table]) + cascade) == "23001"


def test_a_second_published_plan_for_one_instant_is_refused_by_the_database(db: Db) -> None:
    plan = found_small_street(db)
    copy = (
        "insert into app.grid_plans select gen_random_uuid(), subdistrict_code, 2, status, {begin}, {end},"
        f" base_map_version, metric_srid, synthetic, report_card from app.grid_plans where id = '{plan.id}'"
    )
    assert refusal(db, copy.format(begin="valid_from + interval '1 day'", end="null")) == "23P01"
    before = copy.format(begin="valid_from - interval '1 day'", end="valid_from + interval '1 second'")
    assert refusal(db, before) == "23P01"
    # Half-open: the plan before may end the very moment this one begins.
    db.execute(text(copy.format(begin="valid_from - interval '1 day'", end="valid_from")))


def test_a_draft_may_overlap_the_plan_in_force(db: Db) -> None:
    plan = found_small_street(db)
    statement = (
        "insert into app.grid_plans select gen_random_uuid(), subdistrict_code, 2, 'draft', valid_from,"
        " null, base_map_version, metric_srid, synthetic, report_card from app.grid_plans where id = :id"
    )
    db.execute(text(statement), {"id": plan.id})


def test_a_plan_that_ends_before_it_begins_is_refused(db: Db) -> None:
    plan = found_small_street(db)
    statement = f"update app.grid_plans set valid_to = valid_from where id = '{plan.id}'"
    assert refusal(db, statement) == "23514"


@pytest.mark.parametrize("code", ["12011600600100", "1201160060010011", "12011600600100A", "120116006002001"])
def test_a_cell_code_has_fifteen_digits_and_begins_with_its_community(db: Db, code: str) -> None:
    found_small_street(db)
    statement = f"update app.grid_cells set code = '{code}' where code = '{ELSEWHERE}001001'"
    db.execute(text("delete from app.cell_hexes where cell_code like :c"), {"c": f"{ELSEWHERE}%"})
    assert refusal(db, statement) == "23514"


def test_a_duty_item_without_legal_basis_cannot_be_stored(db: Db) -> None:
    assert refusal(db, "update app.duty_items set legal_basis = ''") == "23514"


@pytest.mark.parametrize(
    ("table", "column"),
    [("cases", "state"), ("person_roles", "role"), ("units", "kind"), ("grid_plans", "status")],
)
def test_enums_hold_only_their_words(db: Db, books: RuleBooks, table: str, column: str) -> None:
    Street(db, books).report()
    assert refusal(db, f"update app.{table} set {column} = 'm'") == "23514"


def revision(db: Db) -> int:
    return catalogue.revision(db)


RULEBOOK_TABLES = {
    "base_features", "calendar_days", "categories", "cell_workers", "closing_conditions", "communities",
    "duty_items", "duty_shifts", "filing_conditions", "grid_cells", "grid_plans", "handling_limits",
    "handling_milestones", "leaves", "people", "precedents",
    "person_roles", "routing_rule_sets", "stage_limits", "subdistricts", "units", "work_calendars",
}  # fmt: skip


ONLY_ADDED_TO = {"precedents"}


@pytest.mark.parametrize("table", sorted(ONLY_ADDED_TO))
def test_every_row_added_to_a_rulebook_table_raises_the_revision(db: Db, table: str) -> None:
    before = revision(db)
    db.execute(text(f"insert into app.{table} select * from app.{table} where false"))
    assert revision(db) == before + 1


@pytest.mark.parametrize("table", sorted(RULEBOOK_TABLES - ONLY_ADDED_TO))
def test_every_change_to_a_rulebook_table_raises_the_revision(db: Db, table: str) -> None:
    column = db.execute(
        text(
            "select column_name from information_schema.columns where table_schema = 'app'"
            " and table_name = :t and is_identity = 'NO' order by ordinal_position limit 1"
        ),
        {"t": table},
    ).scalar_one()
    for statement in (
        f"insert into app.{table} ({column}) select {column} from app.{table} where false",
        f"update app.{table} set {column} = {column} where false",
        f"delete from app.{table} where false",
    ):
        before = revision(db)
        db.execute(text(statement))
        assert revision(db) == before + 1, statement


@pytest.mark.parametrize("table", ["base_features", "duty_items", "handling_limits", "stage_limits"])
def test_emptying_a_rulebook_table_raises_the_revision_too(db: Db, table: str) -> None:
    before = revision(db)
    db.execute(text(f"truncate app.{table}"))
    assert revision(db) == before + 1


def test_whatever_a_rulebook_is_made_of_raises_the_revision(engine: Engine, db: Db) -> None:
    read: set[str] = set()

    def listen(conn, cursor, statement, parameters, context, executemany) -> None:
        read.update(re.findall(r"app\.(\w+)", statement))

    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        catalogue.load_rulebook(db, STREET)
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)
    assert read - RULEBOOK_TABLES == {"rulebook_revision"}


def test_a_report_does_not_make_anybody_read_the_rules_again(db: Db, books: RuleBooks) -> None:
    before = revision(db)
    Street(db, books).report()
    assert revision(db) == before


def test_the_rulebook_table_has_one_row(db: Db) -> None:
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(text("insert into app.rulebook_revision values (true, 7)"))
    assert refusal(db, "insert into app.rulebook_revision values (false, 7)") == "23514"


def test_two_plans_of_a_subdistrict_have_two_versions(db: Db) -> None:
    found_small_street(db)
    second = make_small_plan(id=uuid.uuid4(), valid_from=NOW + timedelta(days=400), version=1)
    with pytest.raises(IntegrityError), db.begin_nested():
        grids.add_plan(db, second, [], {})
    assert grids.next_version(db, ELSEWHERE) == 2
