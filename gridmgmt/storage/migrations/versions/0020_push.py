"""Push: browsers that are woken, gone with the session that they hang on; a channel of deliveries.

Revision ID: 0020
Revises: 0019
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Runs as the owner of the schema: whoever ends a session may not reach the rows of another person.
_END_PUSH = """
    create function app.end_push() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
        delete from app.push_subscriptions where session_id = new.id;
        return null;
    end $$
"""


def upgrade() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.LargeBinary(), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language in ('zh-CN', 'en')", name=op.f("ck_push_subscriptions_language")),
        sa.CheckConstraint(
            "octet_length(endpoint_sha256) = 32 and octet_length(p256dh) = 65 and octet_length(auth) = 16"
            " and length(endpoint) <= 1024 and endpoint like 'https://%'",
            name=op.f("ck_push_subscriptions_shape"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["app.people.id"], name=op.f("fk_push_subscriptions_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "endpoint_sha256", name=op.f("pk_push_subscriptions")),
        schema="app",
    )
    op.create_index(
        op.f("ix_push_subscriptions_session_id"), "push_subscriptions", ["session_id"], schema="app"
    )
    op.execute(_END_PUSH)
    op.execute(
        "create trigger end_push after update of revoked_at on app.sessions for each row"
        " when (old.revoked_at is null and new.revoked_at is not null) execute function app.end_push()"
    )
    _channels("'webhook', 'sms', 'push'")


def downgrade() -> None:
    op.execute("delete from app.deliveries where channel = 'push'")
    _channels("'webhook', 'sms'")
    op.execute("drop trigger end_push on app.sessions")
    op.execute("drop function app.end_push()")
    op.drop_table("push_subscriptions", schema="app")


def _channels(listed: str) -> None:
    op.drop_constraint("ck_deliveries_channel", "deliveries", schema="app")
    op.create_check_constraint(
        op.f("ck_deliveries_channel"), "deliveries", f"channel in ({listed})", schema="app"
    )
