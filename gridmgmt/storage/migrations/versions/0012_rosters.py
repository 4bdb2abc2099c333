"""Shifts and leaves of people; open work by person by index; rules in use from a day on.

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What the district ruled is proposed the next time: precedents belong to what decisions rest on.
_RULEBOOK_TABLES = ("duty_shifts", "leaves", "precedents")
_WATCHED = ("duty_shifts", "leaves")
_OPEN_WORK = "worker_id is not null and state not in ('closed', 'rejected', 'merged', 'voided')"


def upgrade() -> None:
    op.create_table(
        "duty_shifts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("cell_code", sa.Text(), nullable=True),
        sa.Column("weekdays", sa.Text(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "weekdays ~ '^1?2?3?4?5?6?7?$' and weekdays <> ''", name=op.f("ck_duty_shifts_weekdays")
        ),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_duty_shifts_period")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_duty_shifts_subdistrict_code")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_duty_shifts_person_id")),
        sa.ForeignKeyConstraint(["unit_code"], ["app.units.code"], name=op.f("fk_duty_shifts_unit_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shifts")),
        schema="app",
    )
    op.create_index("ix_duty_shifts_person_id", "duty_shifts", ["person_id"], schema="app")
    op.create_table(
        "leaves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("deputy_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_leaves_period")),
        sa.CheckConstraint("deputy_id <> person_id", name=op.f("ck_leaves_deputy")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_leaves_subdistrict_code")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_leaves_person_id")),
        sa.ForeignKeyConstraint(["deputy_id"], ["app.people.id"], name=op.f("fk_leaves_deputy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaves")),
        schema="app",
    )
    op.create_index("ix_leaves_person_id", "leaves", ["person_id"], schema="app")
    for table in _RULEBOOK_TABLES:
        op.execute(
            f"create trigger raise_revision after insert or update or delete or truncate on app.{table}"
            " for each statement execute function app.raise_rulebook_revision()"
        )
    for table in _WATCHED:
        op.execute(f"select app.watch_rows('{table}', array[]::text[])")
    op.add_column("routing_rule_sets", sa.Column("valid_from", sa.Date(), nullable=True), schema="app")
    op.create_index(
        "ix_cases_worker", "cases", ["worker_id"], schema="app", postgresql_where=sa.text(_OPEN_WORK)
    )


def downgrade() -> None:
    op.execute("drop trigger raise_revision on app.precedents")
    op.drop_index("ix_cases_worker", table_name="cases", schema="app")
    op.drop_column("routing_rule_sets", "valid_from", schema="app")
    op.drop_index("ix_leaves_person_id", table_name="leaves", schema="app")
    op.drop_table("leaves", schema="app")
    op.drop_index("ix_duty_shifts_person_id", table_name="duty_shifts", schema="app")
    op.drop_table("duty_shifts", schema="app")
