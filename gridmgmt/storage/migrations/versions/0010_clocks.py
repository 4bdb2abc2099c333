"""Clocks: area classes, filing conditions, sign-for deadlines and milestones; calendars keep their versions.

Deadlines that are computed anew are recorded in ``case_reclockings``, which is only appended to, as are the
versions of calendars. Calendars that exist become their own first version.

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = ("case_reclockings", "calendar_versions")


def upgrade() -> None:
    _add_columns()
    _create_milestones()
    _create_versions()
    _create_reclockings()
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
    op.execute(
        "create trigger raise_revision after insert or update or delete or truncate"
        " on app.handling_milestones for each statement execute function app.raise_rulebook_revision()"
    )
    op.execute("select app.watch_rows('handling_milestones', array[]::text[])")


def _add_columns() -> None:
    empty = sa.text("''")
    op.add_column(
        "communities", sa.Column("area_class", sa.Text(), server_default=empty, nullable=False), schema="app"
    )
    for name in ("area_class", "filing_condition"):
        op.add_column(
            "cases", sa.Column(name, sa.Text(), server_default=empty, nullable=False), schema="app"
        )
    op.add_column(
        "cases", sa.Column("sign_due_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.add_column(
        "cases",
        sa.Column("milestones", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        schema="app",
    )
    op.add_column(
        "work_calendars", sa.Column("version", sa.Integer(), server_default="1", nullable=False), schema="app"
    )


def _create_milestones() -> None:
    op.create_table(
        "handling_milestones",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("amount > 0 and no > 0", name=op.f("ck_handling_milestones_amount")),
        sa.PrimaryKeyConstraint("category", "no", "valid_from", name=op.f("pk_handling_milestones")),
        schema="app",
    )


def _create_versions() -> None:
    op.create_table(
        "calendar_versions",
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["app.work_calendars.id"], name=op.f("fk_calendar_versions_calendar_id")
        ),
        sa.PrimaryKeyConstraint("calendar_id", "version", name=op.f("pk_calendar_versions")),
        schema="app",
    )
    op.execute("""
        insert into app.calendar_versions
        select w.id, 1, now(), 'first version', 'stored before versions were kept',
               jsonb_build_object('name', w.name, 'timezone', w.timezone, 'slots', w.slots,
                                  'covered_from', w.covered_from, 'covered_until', w.covered_until,
                                  'days', coalesce((select jsonb_object_agg(d.day, d.working)
                                                      from app.calendar_days d
                                                     where d.calendar_id = w.id), '{}'::jsonb))
          from app.work_calendars w
    """)


def _create_reclockings() -> None:
    op.create_table(
        "case_reclockings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("rules_revision", sa.BigInteger(), nullable=False),
        sa.Column("old", JSONB(), nullable=False),
        sa.Column("new", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_case_reclockings_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_reclockings")),
        schema="app",
    )
    op.create_index(
        op.f("ix_case_reclockings_case_id"), "case_reclockings", ["case_id"], unique=False, schema="app"
    )


def downgrade() -> None:
    for table in (*_APPEND_ONLY, "handling_milestones"):
        op.drop_table(table, schema="app")
    op.drop_column("work_calendars", "version", schema="app")
    for name in ("milestones", "sign_due_at", "filing_condition", "area_class"):
        op.drop_column("cases", name, schema="app")
    op.drop_column("communities", "area_class", schema="app")
