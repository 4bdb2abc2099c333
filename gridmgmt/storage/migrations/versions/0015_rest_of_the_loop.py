"""What the closed loop still lacked: clocks of limits beside a case, looks that failed, stale deadlines.

Cases with an open joint call or a reply owed are looked at anew, as their limits climb the ladder from now on.

Revision ID: 0015
Revises: 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_PERIOD = (
    "project default: a year of assessment can be asked about; what climbed is kept beside it;"
    " PIPL art. 19 asks for the shortest time"
)
_UNITS = {
    "joint_call_tasks": ("sign_in_unit", "arrive_unit", "due_unit"),
    "supervision_orders": ("reply_unit",),
}


def upgrade() -> None:
    for table, names in _UNITS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True), schema="app")
    _keep_failed_looks()
    _create_clock_standings()
    op.create_index("ix_notifications_at", "notifications", ["at"], unique=False, schema="app")
    op.execute(
        "insert into app.retention_classes (code, name, keep_days, counted_from, source)"
        f" values ('notification', '消息记录', 365, 'told', '{_PERIOD}')"
    )
    op.execute("""
        insert into app.case_ladders (case_id, subdistrict_code, look_at)
        select distinct c.id, c.subdistrict_code, now() from app.cases c
         where exists (select from app.joint_calls j where j.case_id = c.id and j.closed_at is null)
            or exists (select from app.supervision_orders s where s.case_id = c.id and s.replied_at is null)
        on conflict (case_id) do update set look_at = excluded.look_at
    """)


def _create_clock_standings() -> None:
    op.create_table(
        "clock_standings",
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("-1"), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_case", sa.Uuid(), nullable=True),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_clock_standings_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("subdistrict_code", name=op.f("pk_clock_standings")),
        schema="app",
    )


def _keep_failed_looks() -> None:
    op.add_column(
        "case_ladders",
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="app",
    )
    op.add_column("case_ladders", sa.Column("fault", sa.Text(), nullable=True), schema="app")
    op.add_column(
        "case_ladders", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.create_index(
        "ix_case_ladders_failed",
        "case_ladders",
        ["failed_at"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("failures > 0"),
    )


def downgrade() -> None:
    op.drop_table("clock_standings", schema="app")
    op.execute("delete from app.retention_classes where code = 'notification'")
    op.drop_index("ix_notifications_at", table_name="notifications", schema="app")
    op.drop_index("ix_case_ladders_failed", table_name="case_ladders", schema="app")
    for name in ("failed_at", "fault", "failures"):
        op.drop_column("case_ladders", name, schema="app")
    for table, names in _UNITS.items():
        for name in names:
            op.drop_column(table, name, schema="app")
