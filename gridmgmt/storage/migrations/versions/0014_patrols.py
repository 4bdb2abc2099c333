"""Patrols: plans of cells, shifts, positions, coverage, visits, notes; positions have a period of their own.

Revision ID: 0014
Revises: 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = ("patrol_plans", "patrol_notes")
_PERIOD = (
    "project default: attendance and coverage of a month can be asked about while the positions are there;"
    " PIPL art. 19 asks for the shortest time"
)


def upgrade() -> None:
    _create_plans_and_shifts()
    _create_what_follows()
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
    op.execute(
        "insert into app.retention_classes (code, name, keep_days, counted_from, source)"
        f" values ('track', '巡查轨迹', 30, 'shift_ended', '{_PERIOD}')"
    )


def _create_plans_and_shifts() -> None:
    op.create_table(
        "patrol_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("cell_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("targets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("substr(cell_code, 1, 9) = subdistrict_code", name=op.f("ck_patrol_plans_nested")),
        sa.ForeignKeyConstraint(["set_by"], ["app.people.id"], name=op.f("fk_patrol_plans_set_by")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_patrol_plans_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_plans")),
        sa.UniqueConstraint("cell_code", "version", name=op.f("uq_patrol_plans_cell_code_version")),
        schema="app",
    )
    op.create_table(
        "patrol_shifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("cell_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("on_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone_on_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_on_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phone_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lapsed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("points", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("points_counted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unseen_s", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("track_erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("off_at >= on_at", name=op.f("ck_patrol_shifts_period")),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_patrol_shifts_person_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_patrol_shifts_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_shifts")),
        schema="app",
    )
    op.create_index(
        "ix_patrol_shifts_on_at", "patrol_shifts", ["subdistrict_code", "on_at"], unique=False, schema="app"
    )
    op.create_index(
        "ix_patrol_shifts_person_id", "patrol_shifts", ["person_id", "on_at"], unique=False, schema="app"
    )
    op.create_index(
        "uq_patrol_shifts_open",
        "patrol_shifts",
        ["person_id"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("off_at is null"),
    )


def _create_what_follows() -> None:
    op.create_table(
        "patrol_coverage",
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("cell_code", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("covered", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("unknown", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("not_covered", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shift_id"], ["app.patrol_shifts.id"], name=op.f("fk_patrol_coverage_shift_id")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_patrol_coverage_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("shift_id", "cell_code", name=op.f("pk_patrol_coverage")),
        schema="app",
    )
    op.create_table(
        "patrol_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'finding') = (report_id is not null)", name=op.f("ck_patrol_notes_finding")
        ),
        sa.CheckConstraint("kind = 'finding' or target_id is not null", name=op.f("ck_patrol_notes_about")),
        sa.CheckConstraint("kind in ('nothing_found', 'finding')", name=op.f("ck_patrol_notes_kind")),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_patrol_notes_report_id")),
        sa.ForeignKeyConstraint(
            ["shift_id"], ["app.patrol_shifts.id"], name=op.f("fk_patrol_notes_shift_id")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_patrol_notes_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_notes")),
        schema="app",
    )
    op.create_index(
        "ix_patrol_notes_report_id",
        "patrol_notes",
        ["report_id"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("report_id is not null"),
    )
    op.create_index("ix_patrol_notes_shift_id", "patrol_notes", ["shift_id"], unique=False, schema="app")
    op.create_table(
        "patrol_visits",
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("cell_code", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("covered_share", sa.Double(), nullable=False),
        sa.Column("unknown_share", sa.Double(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "verdict in ('covered', 'not_covered', 'unknown')", name=op.f("ck_patrol_visits_verdict")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["app.patrol_plans.id"], name=op.f("fk_patrol_visits_plan_id")),
        sa.ForeignKeyConstraint(
            ["shift_id"], ["app.patrol_shifts.id"], name=op.f("fk_patrol_visits_shift_id")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_patrol_visits_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("shift_id", "target_id", name=op.f("pk_patrol_visits")),
        schema="app",
    )
    op.create_index("ix_patrol_visits_target_id", "patrol_visits", ["target_id"], unique=False, schema="app")
    op.create_table(
        "track_points",
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "lon between 73 and 136 and lat between 3 and 54", name=op.f("ck_track_points_position")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_track_points_person_id")),
        sa.ForeignKeyConstraint(
            ["shift_id"], ["app.patrol_shifts.id"], name=op.f("fk_track_points_shift_id")
        ),
        sa.PrimaryKeyConstraint("shift_id", "no", name=op.f("pk_track_points")),
        schema="app",
    )


def downgrade() -> None:
    op.execute("delete from app.retention_classes where code = 'track'")
    op.drop_table("track_points", schema="app")
    op.drop_index("ix_patrol_visits_target_id", table_name="patrol_visits", schema="app")
    op.drop_table("patrol_visits", schema="app")
    op.drop_index("ix_patrol_notes_shift_id", table_name="patrol_notes", schema="app")
    op.drop_index(
        "ix_patrol_notes_report_id",
        table_name="patrol_notes",
        schema="app",
        postgresql_where=sa.text("report_id is not null"),
    )
    op.drop_table("patrol_notes", schema="app")
    op.drop_table("patrol_coverage", schema="app")
    op.drop_index(
        "uq_patrol_shifts_open",
        table_name="patrol_shifts",
        schema="app",
        postgresql_where=sa.text("off_at is null"),
    )
    op.drop_index("ix_patrol_shifts_person_id", table_name="patrol_shifts", schema="app")
    op.drop_index("ix_patrol_shifts_on_at", table_name="patrol_shifts", schema="app")
    op.drop_table("patrol_shifts", schema="app")
    op.drop_table("patrol_plans", schema="app")
