"""Machine peers keep images of their rows, as people do; newest cases and events have an index.

Whoever changes a peer's key past the application leaves an image in the sealed log. Accounts do not: to
compare them with their images, the verifier would have to read password hashes.

With it the two lists that every page opens with, newest cases and newest events, get an index that starts
with the subdistrict: behind row-level security they walked through the rows of all others.

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("select app.watch_rows('peers', array[]::text[])")
    op.create_index("ix_cases_newest", "cases", ["subdistrict_code", "updated_at", "id"], schema="app")
    op.create_index("ix_outbox_newest", "outbox", ["subdistrict_code", "id"], schema="app")


def downgrade() -> None:
    op.drop_index("ix_outbox_newest", "outbox", schema="app")
    op.drop_index("ix_cases_newest", "cases", schema="app")
    op.execute("drop trigger if exists keep_image on app.peers")
    op.execute("drop trigger if exists keep_truncation on app.peers")
