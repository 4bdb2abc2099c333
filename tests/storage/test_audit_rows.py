"""Images of administrative rows: kept by the database when the code forgets, without personal data."""

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gridmgmt.storage import seal_check
from gridmgmt.storage.db import Db
from gridmgmt.storage.rights.walls import OWNER, Wall
from tests.builders_cases import STREET

ACTOR = uuid.UUID(int=77)
PERSON = uuid.UUID(int=4711)


def lines(db: Db, kind: str, key: str) -> list:
    query = text("""
        select action, actor_id, request_id, subdistrict_code, facts from app.audit_log
         where object_kind = :kind and object_id = :key order by id
    """)
    return list(db.execute(query, {"kind": kind, "key": key}))


def add_person(db: Db, name: str = "王小明") -> None:
    statement = "insert into app.people values (:id, 'wang', :name, null, true, true)"
    db.execute(text(statement), {"id": PERSON, "name": name})


def test_a_change_that_no_service_made_leaves_a_line_with_actor_and_request(db: Db) -> None:
    db.execute(text("select set_config('app.uid', :u, true), set_config('app.request_id', 'r-1', true)"),
               {"u": str(ACTOR)})  # fmt: skip
    db.execute(text("update app.units set active = false where code = 'HZD-01'"))
    line = lines(db, "units", "HZD-01")[-1]
    assert (line.action, line.actor_id, line.request_id) == ("row:update", ACTOR, "r-1")
    assert (line.facts["old"]["active"], line.facts["new"]["active"]) == (True, False)
    assert line.facts["database_role"]


def test_a_change_by_nobody_known_says_which_database_role_it_was(db: Db) -> None:
    db.execute(text("delete from app.stage_limits where state = 'reported'"))
    query = text(
        "select actor_id, facts from app.audit_log where action = 'row:delete' order by id desc limit 1"
    )
    line = db.execute(query).one()
    assert line.actor_id is None
    assert line.facts["database_role"] == db.execute(text("select session_user")).scalar()
    assert "new" not in line.facts


def test_an_update_that_changes_nothing_leaves_no_line(db: Db) -> None:
    before = len(lines(db, "units", "HZD-01"))
    db.execute(text("update app.units set active = active where code = 'HZD-01'"))
    assert len(lines(db, "units", "HZD-01")) == before


def test_personal_columns_are_commitments_that_show_a_change_and_hide_the_value(db: Db) -> None:
    add_person(db)
    db.execute(text("update app.people set active = false where id = :id"), {"id": PERSON})
    db.execute(text("update app.people set name = '李小红' where id = :id"), {"id": PERSON})
    inserted, switched, renamed = lines(db, "people", str(PERSON))
    assert "王小明" not in str(inserted.facts)
    assert "wang" not in str(inserted.facts)
    assert switched.facts["old"]["name"] == switched.facts["new"]["name"] == inserted.facts["new"]["name"]
    assert renamed.facts["new"]["name"] != renamed.facts["old"]["name"]
    assert inserted.facts["new"]["active"] is True


def test_a_commitment_can_be_opened_with_its_salt_and_two_people_never_share_one(db: Db) -> None:
    add_person(db)
    other = uuid.UUID(int=4712)
    db.execute(
        text("insert into app.people values (:id, 'wang2', '王小明', null, true, true)"), {"id": other}
    )
    mine, theirs = (lines(db, "people", str(p))[0].facts["new"]["name"] for p in (PERSON, other))
    assert mine != theirs
    opened = text("""
        select 'sha256:' || encode(sha256(salt || convert_to('"王小明"', 'UTF8')), 'hex') from app.audit_salts
         where object_kind = 'people' and object_id = :id
    """)
    assert db.execute(opened, {"id": str(PERSON)}).scalar() == mine


def test_a_geometry_is_a_digest(db: Db) -> None:
    image = lines(db, "subdistricts", STREET)[-1].facts["new"]
    assert image["outline"].startswith("sha256:")
    assert image["head"].startswith("sha256:")
    assert lines(db, "subdistricts", STREET)[-1].subdistrict_code == STREET


def test_a_truncation_leaves_a_line(db: Db) -> None:
    db.execute(text("truncate app.closing_conditions"))
    assert lines(db, "closing_conditions", "")[-1].action == "row:truncate"


def test_every_administrative_table_is_watched_and_no_hot_one(db: Db) -> None:
    names = {t.name for t in seal_check.watched_tables(db)}
    assert {
        "people", "person_roles", "units", "cell_workers", "duty_items", "routing_rule_sets", "grid_plans",
        "categories", "work_calendars", "calendar_days", "subdistricts", "communities",
    } <= names  # fmt: skip
    assert not names & {"reports", "cases", "case_steps", "outbox", "audit_log", "photos", "report_photos"}


def unlike(db: Db, name: str) -> list[tuple[str, str]]:
    (table,) = (t for t in seal_check.watched_tables(db) if t.name == name)
    return list(seal_check.rows_unlike_their_image(db, table))


def test_rows_as_they_were_loaded_are_like_their_images(db: Db) -> None:
    assert [] == [
        found for t in seal_check.watched_tables(db) for found in seal_check.rows_unlike_their_image(db, t)
    ]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("update app.people set name = '别人' where id = :id", "differs"),
        ("update app.people set active = false where id = :id", "differs"),
        ("delete from app.people where id = :id", "row gone"),
    ],
)
def test_a_row_changed_behind_the_triggers_back_is_unlike_its_image(
    db: Db, statement: str, what: str
) -> None:
    add_person(db)
    db.execute(text("set local app.migration = 'tampering'"))
    db.execute(text("alter table app.people disable trigger keep_image"))
    db.execute(text(statement), {"id": PERSON})
    assert unlike(db, "people") == [(str(PERSON), what)]


def test_after_an_erasure_the_other_columns_are_still_compared(db: Db) -> None:
    add_person(db)
    db.execute(text("delete from app.audit_salts where object_id = :id"), {"id": str(PERSON)})
    assert unlike(db, "people") == []
    db.execute(text("alter table app.people disable trigger keep_image"))
    db.execute(text("update app.people set synthetic = false where id = :id"), {"id": PERSON})
    assert unlike(db, "people") == [(str(PERSON), "differs")]


def test_a_peers_key_changed_behind_the_triggers_back_is_unlike_its_image(db: Db) -> None:
    add_person(db)
    peer = "insert into app.peers values (:id, '120116005', 'p', 'ES256', 'key', array['video'], now(), null)"
    db.execute(text(peer), {"id": PERSON})
    assert lines(db, "peers", str(PERSON))[-1].facts["new"]["public_key_pem"] == "key"
    db.execute(text("set local app.migration = 'tampering'"))
    db.execute(text("alter table app.peers disable trigger keep_image"))
    db.execute(text("update app.peers set public_key_pem = 'another'"))
    assert unlike(db, "peers") == [(str(PERSON), "differs")]


# Nobody rewrites the log, its owner included.


def refused(db: Db, statement: str) -> str:
    with pytest.raises(DBAPIError) as fault, db.begin_nested():
        db.execute(text(statement))
    return str(getattr(fault.value.orig, "sqlstate", None))


LOG = ("audit_log", "audit_leaves", "audit_checkpoints")
COLUMN = {"audit_log": "facts", "audit_leaves": "leaf", "audit_checkpoints": "note"}


@pytest.mark.parametrize("table", LOG)
@pytest.mark.parametrize(
    "statement", ["update app.{t} set {c} = {c}", "delete from app.{t}", "truncate app.{t}"]
)
@pytest.mark.parametrize("mode", ["origin", "replica"])
def test_lines_leaves_and_heads_are_only_added(db: Db, table: str, statement: str, mode: str) -> None:
    db.execute(text(f"set local session_replication_role = {mode}"))
    assert refused(db, statement.format(t=table, c=COLUMN[table])) == "23001"


@pytest.mark.parametrize("wall", list(Wall))
def test_no_acting_role_rewrites_the_log_its_leaves_or_its_heads(db: Db, wall: Wall) -> None:
    db.execute(text(f"set local role {wall.role}"))
    for table in LOG:
        for statement in (
            f"delete from app.{table}",
            f"truncate app.{table}",
            f"alter table app.{table} disable trigger append_only",
            f"drop table app.{table}",
            f"update app.{table} set {COLUMN[table]} = {COLUMN[table]}",
        ):
            assert refused(db, statement) == "42501"


def test_only_the_sealer_adds_leaves_and_heads(db: Db) -> None:
    query = text("""
        select grantee, table_name from information_schema.role_table_grants
         where table_schema = 'app' and privilege_type = 'INSERT'
           and table_name in ('audit_leaves', 'audit_checkpoints') and grantee like 'gridmgmt%'
           and grantee <> :owner
    """)
    may = {tuple(row) for row in db.execute(query, {"owner": OWNER})}
    assert may == {(Wall.SEALER.role, "audit_leaves"), (Wall.SEALER.role, "audit_checkpoints")}


@pytest.mark.parametrize(
    "statement",
    [
        *(f"drop table app.{t} cascade" for t in LOG),
        *(f"alter table app.{t} disable trigger append_only" for t in LOG),
        *(f"drop trigger append_only on app.{t}" for t in LOG),
        "alter table app.audit_log drop column facts",
        "alter table app.audit_log rename to audit_log_2",
        "alter table app.audit_log alter column facts type text",
        (
            "create trigger swallow before insert on app.audit_log"
            " for each row execute function app.refuse_rewriting()"
        ),
        "create rule swallow as on insert to app.audit_log do instead nothing",
        (
            "create or replace function app.refuse_rewriting() returns trigger"
            " language plpgsql as 'begin return old; end'"
        ),
        "drop function app.refuse_rewriting() cascade",
        (
            "create or replace function app.keep_row_image() returns trigger"
            " language plpgsql as 'begin return null; end'"
        ),
        "drop trigger keep_image on app.people",
        "alter table app.audit_log set schema public",
        "alter schema app rename to app_2",
        "drop function app.guard_audit_structure()",
    ],
)
def test_the_logs_structure_changes_in_a_migration_that_names_itself_only(db: Db, statement: str) -> None:
    expected = "2BP01" if "guard_audit_structure" in statement else "23001"
    assert refused(db, statement) == expected
    with db.begin_nested() as savepoint:
        db.execute(text("set local app.migration = '0004'"))
        if "guard_audit_structure" not in statement:
            db.execute(text(statement))
        savepoint.rollback()


def test_whoever_takes_the_guard_itself_away_is_found_by_its_absence(db: Db) -> None:
    assert seal_check.missing_guards(db) == []
    db.execute(text("drop function app.guard_audit_structure() cascade"))
    assert seal_check.missing_guards(db) == ["guard_audit_removal", "guard_audit_structure"]


def test_other_tables_are_changed_as_ever(db: Db) -> None:
    db.execute(text("create table app.other (id int)"))
    db.execute(text("alter table app.other add column more int"))
    db.execute(text("create index on app.audit_log (outcome)"))
    db.execute(text("drop table app.other"))
