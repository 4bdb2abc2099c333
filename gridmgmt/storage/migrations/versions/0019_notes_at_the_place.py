"""A note of a patrol says whether it was made at its place: a verdict and a distance, no position.

Revision ID: 0019
Revises: 0016
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Nothing is known of the notes made before.
    op.add_column(
        "patrol_notes",
        sa.Column("at_place", sa.Text(), server_default=sa.text("'unknown'"), nullable=False),
        schema="app",
    )
    op.add_column("patrol_notes", sa.Column("distance_m", sa.Double(), nullable=True), schema="app")
    op.create_check_constraint(
        op.f("ck_patrol_notes_at_place"),
        "patrol_notes",
        "at_place in ('at_place', 'not_at_place', 'unknown')",
        schema="app",
    )


def downgrade() -> None:
    op.drop_constraint("ck_patrol_notes_at_place", "patrol_notes", schema="app")
    op.drop_column("patrol_notes", "distance_m", schema="app")
    op.drop_column("patrol_notes", "at_place", schema="app")
