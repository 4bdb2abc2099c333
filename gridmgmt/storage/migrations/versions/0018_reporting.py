"""Reporting from a phone: how people speak of classes, recordings beside photos, the same thing seen again.

Revision ID: 0018
Revises: 0017
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WORDING = ("category_synonyms", "category_phrases", "spellings")


def upgrade() -> None:
    _create_wording()
    for name in ("width", "height"):
        op.alter_column("photos", name, existing_type=sa.Integer(), nullable=True, schema="app")
    op.add_column("photos", sa.Column("duration_ms", sa.Integer(), nullable=True), schema="app")
    op.create_check_constraint(
        op.f("ck_photos_measures"),
        "photos",
        "case when media_type like 'audio/%' then duration_ms > 0 and width is null and height is null"
        " else duration_ms is null and width is not null and height is not null end",
        schema="app",
    )
    _create_sightings()
    op.execute(
        "create trigger append_only before update or delete or truncate on app.case_sightings"
        " for each statement execute function app.refuse_rewriting()"
    )
    for table in _WORDING:
        op.execute(
            f"create trigger raise_revision after insert or update or delete or truncate on app.{table}"
            " for each statement execute function app.raise_rulebook_revision()"
        )
        op.execute(f"select app.watch_rows('{table}', array[]::text[])")


def _create_wording() -> None:
    op.create_table(
        "category_synonyms",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("category", "word", name=op.f("pk_category_synonyms")),
        schema="app",
    )
    op.create_table(
        "category_phrases",
        sa.Column("subdistrict_code", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("no > 0", name=op.f("ck_category_phrases_no")),
        sa.PrimaryKeyConstraint("subdistrict_code", "category", "no", name=op.f("pk_category_phrases")),
        schema="app",
    )
    op.create_table(
        "spellings",
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pinyin", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("text", name=op.f("pk_spellings")),
        schema="app",
    )


def _create_sightings() -> None:
    op.create_table(
        "case_sightings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("seen_by", sa.Uuid(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("photos", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("recordings", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "standing in ('at_place', 'away', 'uncertain', 'not_measured')",
            name=op.f("ck_case_sightings_standing"),
        ),
        sa.CheckConstraint(
            "case when standing = 'not_measured'"
            " then distance_m is null and accuracy_m is null and basis is null"
            " else distance_m >= 0 and basis in ('point', 'cell') end",
            name=op.f("ck_case_sightings_measured"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_case_sightings_case_id")),
        sa.ForeignKeyConstraint(["seen_by"], ["app.people.id"], name=op.f("fk_case_sightings_seen_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_sightings")),
        schema="app",
    )
    op.create_index("ix_case_sightings_case", "case_sightings", ["case_id", "received_at"], schema="app")


def downgrade() -> None:
    op.drop_table("case_sightings", schema="app")
    op.drop_constraint("ck_photos_measures", "photos", schema="app")
    op.drop_column("photos", "duration_ms", schema="app")
    for name in ("width", "height"):
        op.alter_column("photos", name, existing_type=sa.Integer(), nullable=False, schema="app")
    for table in reversed(_WORDING):
        op.drop_table(table, schema="app")
