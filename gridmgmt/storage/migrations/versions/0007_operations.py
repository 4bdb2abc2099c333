"""Operations: heartbeats and backups.

Revision ID: 0007
Revises: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("instance", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('worker', 'sealer', 'backup', 'drill')", name=op.f("ck_heartbeats_kind")),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_heartbeats")),
        schema="app",
    )
    op.create_index("ix_heartbeats_kind", "heartbeats", ["kind", sa.text("beat_at desc")], schema="app")
    op.create_table(
        "backup_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "what in ('created', 'verified', 'restored', 'drilled')", name=op.f("ck_backup_runs_what")
        ),
        sa.CheckConstraint("outcome in ('done', 'failed')", name=op.f("ck_backup_runs_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_runs")),
        schema="app",
    )
    op.create_index("ix_backup_runs_what", "backup_runs", ["what", sa.text("at desc")], schema="app")
    # Whether there was a backup is a statement about the past: it is added to, never rewritten.
    op.execute(
        "create trigger append_only before update or delete or truncate on app.backup_runs"
        " for each statement execute function app.refuse_rewriting()"
    )


def downgrade() -> None:
    op.execute("drop trigger append_only on app.backup_runs")
    op.drop_index("ix_backup_runs_what", table_name="backup_runs", schema="app")
    op.drop_table("backup_runs", schema="app")
    op.drop_index("ix_heartbeats_kind", table_name="heartbeats", schema="app")
    op.drop_table("heartbeats", schema="app")
