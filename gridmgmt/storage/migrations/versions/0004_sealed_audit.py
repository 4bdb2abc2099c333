"""The sealed audit log: leaves and signed heads, images of administrative rows, and triggers that guard them.

Nothing here adds work to whoever writes an audit line but one integer and one entry at the right end of
an index. Rows that are there already are sealed like new ones; watched tables that have rows already get
a line with each row's image to compare with later.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = ("audit_log", "audit_leaves", "audit_checkpoints")

# Administrative tables of low volume, and which of their columns are about a person.
_WATCHED = {
    "subdistricts": ("head",),
    "communities": (),
    "units": (),
    "people": ("login", "name"),
    "person_roles": (),
    "grid_plans": (),
    "grid_cells": (),
    "cell_workers": (),
    "categories": (),
    "handling_limits": (),
    "stage_limits": (),
    "filing_conditions": (),
    "closing_conditions": (),
    "duty_items": (),
    "routing_rule_sets": (),
    "work_calendars": (),
    "calendar_days": (),
}


def upgrade() -> None:
    op.execute(
        "alter table app.audit_log add column xact bigint not null"
        " default (pg_current_xact_id()::text)::bigint"
    )
    op.execute(
        "alter table app.audit_log alter column request_id"
        " set default nullif(current_setting('app.request_id', true), '')"
    )
    op.create_index("ix_audit_log_xact", "audit_log", ["xact", "id"], schema="app")
    op.create_index("ix_audit_log_at", "audit_log", ["at"], schema="app", postgresql_using="brin")
    op.create_table(
        "audit_leaves",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_leaves")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_leaves_audit_id")),
        schema="app",
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("cursor_xact", sa.BigInteger(), nullable=False),
        sa.Column("cursor_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind in ('seal', 'key_rotation', 'recovery')", name=op.f("ck_audit_checkpoints_kind")
        ),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_audit_checkpoints")),
        schema="app",
    )
    op.create_index("ix_audit_checkpoints_size", "audit_checkpoints", ["size", "no"], schema="app")
    op.create_table(
        "audit_salts",
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("object_kind", "object_id", name=op.f("pk_audit_salts")),
        schema="app",
    )
    _refuse_rewriting()
    _keep_images()
    for table, personal in _WATCHED.items():
        op.execute(f"select app.watch_rows('{table}', array[{_quoted(personal)}]::text[])")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _refuse_rewriting() -> None:
    for table in _APPEND_ONLY:
        op.execute(f"drop trigger if exists append_only on app.{table}")
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
        # Also in a session that calls itself a replica, where ordinary triggers sleep.
        op.execute(f"alter table app.{table} enable always trigger append_only")


def _keep_images() -> None:
    # A commitment hides a personal value and can still be opened by whoever knows value and salt. One salt
    # a person, not one a line, so that "changed or not" stays visible; deleting it is the erasure.
    op.execute("""
        create function app.commitment(kind text, subject text, value jsonb) returns jsonb
        language plpgsql security definer set search_path = pg_catalog, app as $$
        declare
            used bytea;
        begin
            if value is null or value = 'null' then
                return 'null';
            end if;
            select salt into used from app.audit_salts where object_kind = kind and object_id = subject;
            if used is null then
                -- Two version 4 UUIDs hold 244 random bits.
                insert into app.audit_salts
                values (kind, subject, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
                on conflict do nothing;
                select salt into used from app.audit_salts where object_kind = kind and object_id = subject;
            end if;
            return to_jsonb('sha256:' || encode(sha256(used || convert_to(value::text, 'UTF8')), 'hex'));
        end $$
    """)
    op.execute("""
        create function app.row_key(image jsonb, keys text[]) returns text
        language sql immutable parallel safe as $$
            select string_agg(image ->> k, '/' order by n) from unnest(keys) with ordinality as x(k, n)
        $$
    """)
    # jsonb renders a geometry as GeoJSON; its digest is enough to see that it changed.
    op.execute("""
        create function app.row_image(kind text, subject text, image jsonb, personal text[]) returns jsonb
        language plpgsql set search_path = pg_catalog, app as $$
        declare
            name text;
        begin
            foreach name in array personal loop
                image := jsonb_set(image, array[name], app.commitment(kind, subject, image -> name));
            end loop;
            for name in select key from jsonb_each(image) where value ? 'coordinates' loop
                image := jsonb_set(image, array[name], to_jsonb(
                    'sha256:' || encode(sha256(convert_to((image -> name)::text, 'UTF8')), 'hex')));
            end loop;
            return image;
        end $$
    """)
    op.execute("""
        create function app.keep_row_image() returns trigger
        language plpgsql security definer set search_path = pg_catalog, app, public as $$
        declare
            keys text[] := tg_argv[0]::text[];
            personal text[] := tg_argv[1]::text[];
            before jsonb;
            after jsonb;
            subject text;
            images jsonb := jsonb_build_object('database_role', session_user);
        begin
            if tg_op = 'TRUNCATE' then
                insert into app.audit_log (at, actor_id, action, object_kind, object_id, outcome, facts)
                values (clock_timestamp(), nullif(current_setting('app.uid', true), '')::uuid,
                        'row:truncate', tg_table_name, '', 'done', images);
                return null;
            end if;
            if tg_op <> 'INSERT' then
                before := to_jsonb(old);
            end if;
            if tg_op <> 'DELETE' then
                after := to_jsonb(new);
            end if;
            if before = after then
                return null;
            end if;
            subject := app.row_key(coalesce(after, before), keys);
            if before is not null then
                images := images || jsonb_build_object('old',
                    app.row_image(tg_table_name, app.row_key(before, keys), before, personal));
            end if;
            if after is not null then
                images := images || jsonb_build_object('new',
                    app.row_image(tg_table_name, subject, after, personal));
            end if;
            insert into app.audit_log
                (at, actor_id, subdistrict_code, action, object_kind, object_id, outcome, facts)
            values (
                clock_timestamp(), nullif(current_setting('app.uid', true), '')::uuid,
                coalesce(coalesce(after, before) ->> 'subdistrict_code',
                         case tg_table_name when 'subdistricts' then subject
                                            when 'grid_cells' then left(coalesce(after, before) ->> 'code', 9)
                         end),
                'row:' || lower(tg_op), tg_table_name, subject, 'done', images);
            return null;
        end $$
    """)
    op.execute("""
        create function app.watch_rows(table_name text, personal text[]) returns void
        language plpgsql set search_path = pg_catalog, app, public as $$
        declare
            relation regclass := format('app.%I', table_name)::regclass;
            keys text[];
        begin
            select array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum)) into keys
              from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
             where i.indrelid = relation and i.indisprimary;
            execute format(
                'create trigger keep_image after insert or update or delete on %s for each row
                 execute function app.keep_row_image(%L, %L)', relation, keys::text, personal::text);
            execute format(
                'create trigger keep_truncation after truncate on %s for each statement
                 execute function app.keep_row_image(%L, %L)', relation, keys::text, personal::text);
            execute format('alter table %s enable always trigger keep_image', relation);
            execute format('alter table %s enable always trigger keep_truncation', relation);
            execute format(
                'insert into app.audit_log (at, subdistrict_code, action, object_kind, object_id, outcome, facts)
                 select clock_timestamp(), j ->> ''subdistrict_code'', ''row:found'', %1$L, app.row_key(j, %2$L),
                        ''done'', jsonb_build_object(''database_role'', session_user, ''new'',
                            app.row_image(%1$L, app.row_key(j, %2$L), j, %3$L))
                   from (select to_jsonb(t) as j from %4$s t) x',
                table_name, keys::text, personal::text, relation);
        end $$
    """)


def downgrade() -> None:
    for table in _WATCHED:
        op.execute(f"drop trigger if exists keep_image on app.{table}")
        op.execute(f"drop trigger if exists keep_truncation on app.{table}")
    for function in (
        "watch_rows(text, text[])", "keep_row_image()",
        "row_image(text, text, jsonb, text[])", "row_key(jsonb, text[])", "commitment(text, text, jsonb)",
    ):  # fmt: skip
        op.execute(f"drop function app.{function}")
    for table in ("audit_salts", "audit_checkpoints", "audit_leaves"):
        op.drop_table(table, schema="app")
    op.execute("alter table app.audit_log enable trigger append_only")
    op.drop_index("ix_audit_log_at", table_name="audit_log", schema="app")
    op.drop_index("ix_audit_log_xact", table_name="audit_log", schema="app")
    op.execute("alter table app.audit_log alter column request_id drop default")
    op.drop_column("audit_log", "xact", schema="app")
