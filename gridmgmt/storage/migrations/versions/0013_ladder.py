"""The ladder, the inbox, and deliveries to channels outside.

Open cases are looked at for the first time at the migration; events delivered before it are told to nobody.

Revision ID: 0013
Revises: 0012
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BECAUSE = (
    "'worker', 'unit', 'desk', 'grid_worker', 'grid_leader', 'community', 'street', 'district', 'reporter', "
    "'requester', 'named'"
)
_FINAL = "'closed', 'rejected', 'merged', 'voided'"


def upgrade() -> None:
    _create_ladder()
    _create_notifications()
    _create_deliveries()
    op.create_table(
        "outbox_cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("delivery_no", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outbox_cursors")),
        schema="app",
    )
    op.execute("select app.watch_rows('ladder_rungs', array[]::text[])")
    op.execute(
        "insert into app.outbox_cursors (name, delivery_no)"
        " select 'inbox', coalesce(max(delivery_no), 0) from app.outbox"
    )
    op.execute(
        "insert into app.case_ladders (case_id, subdistrict_code, look_at)"
        f" select id, subdistrict_code, now() from app.cases where state not in ({_FINAL})"
    )


def _create_ladder() -> None:
    op.create_table(
        "ladder_rungs",
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("levels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("acknowledge_minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "percent between 1 and 1000 and acknowledge_minutes >= 0", name=op.f("ck_ladder_rungs_shares")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_ladder_rungs_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("subdistrict_code", "no", name=op.f("pk_ladder_rungs")),
        schema="app",
    )
    op.create_table(
        "case_ladders",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rounds", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_case_ladders_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_ladders")),
        schema="app",
    )
    op.create_index(
        "ix_case_ladders_due",
        "case_ladders",
        ["look_at"],
        schema="app",
        postgresql_where=sa.text("look_at is not null"),
    )
    op.create_table(
        "ladder_steps",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("acknowledge_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("passed_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_ladder_steps_case_id")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["app.people.id"], name=op.f("fk_ladder_steps_acknowledged_by")
        ),
        sa.PrimaryKeyConstraint("case_id", "clock", "round", "rung", name=op.f("pk_ladder_steps")),
        schema="app",
    )


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("instead_of", sa.Uuid(), nullable=True),
        sa.Column("absence", sa.Text(), nullable=True),
        sa.Column("clock", sa.Text(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("rung", sa.SmallInteger(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"because in ({_BECAUSE})", name=op.f("ck_notifications_because")),
        sa.CheckConstraint("num_nulls(clock, round, rung) in (0, 3)", name=op.f("ck_notifications_step")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_notifications_subdistrict_code")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_notifications_person_id")),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_notifications_case_id")),
        sa.ForeignKeyConstraint(["instead_of"], ["app.people.id"], name=op.f("fk_notifications_instead_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        schema="app",
    )
    newest = [sa.text("person_id"), sa.text("at desc"), sa.text("id desc")]
    op.create_index("ix_notifications_inbox", "notifications", newest, schema="app")
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["person_id"],
        schema="app",
        postgresql_where=sa.text("read_at is null"),
    )
    op.create_index(
        "ix_notifications_step",
        "notifications",
        ["case_id", "clock", "round", "rung"],
        schema="app",
        postgresql_where=sa.text("rung is not null"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel in ('webhook', 'sms')", name=op.f("ck_deliveries_channel")),
        sa.CheckConstraint("state in ('waiting', 'sent', 'dead')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["app.notifications.id"], name="fk_deliveries_notification"
        ),
        sa.PrimaryKeyConstraint("notification_id", "channel", name=op.f("pk_deliveries")),
        schema="app",
    )
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["next_try_at"],
        schema="app",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_deliveries_dead",
        "deliveries",
        ["subdistrict_code"],
        schema="app",
        postgresql_where=sa.text("state = 'dead'"),
    )


def downgrade() -> None:
    for table in (
        "outbox_cursors", "deliveries", "notifications", "ladder_steps", "case_ladders", "ladder_rungs",
    ):  # fmt: skip
        op.drop_table(table, schema="app")
