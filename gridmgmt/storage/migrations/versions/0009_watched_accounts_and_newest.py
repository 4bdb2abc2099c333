"""Accounts and machine peers keep images of their rows, as people do; newest cases and events by index.

Whoever changes a password, a second factor or a peer's key past the application leaves an image in the
sealed log. Secrets are in it as salted commitments only.

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

_WATCHED = {"accounts": "'password_hash', 'totp_sealed'", "peers": ""}


def upgrade() -> None:
    for table, personal in _WATCHED.items():
        op.execute(f"select app.watch_rows('{table}', array[{personal}]::text[])")
    op.create_index("ix_cases_newest", "cases", ["subdistrict_code", "updated_at", "id"], schema="app")
    op.create_index("ix_outbox_newest", "outbox", ["subdistrict_code", "id"], schema="app")


def downgrade() -> None:
    op.drop_index("ix_outbox_newest", "outbox", schema="app")
    op.drop_index("ix_cases_newest", "cases", schema="app")
    for table in _WATCHED:
        op.execute(f"drop trigger if exists keep_image on app.{table}")
        op.execute(f"drop trigger if exists keep_truncation on app.{table}")
