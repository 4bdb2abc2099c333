"""Privacy: what reports confide lies apart and sealed; reveals, exports, retention, legal holds.

Reports stay append-only. A report that may name somebody holds its text sealed under a key of its own in
subject_keys; that row may go, and with it what the text said.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = ("legal_hold_ends", "legal_holds", "purges", "reveals")

# Neither the regulation nor a standard names these periods; PIPL art. 19 asks for the shortest that the
# purpose needs. An office sets its own with: gridmgmt privacy retention-set
_RETENTION = (
    (
        "contact",
        "联系方式",
        180,
        "case_ended",
        "project default: calls back and disputes about a closed case end within half a year",
    ),
    (
        "resident_text",
        "诉求原文",
        1095,
        "case_ended",
        "project default: three years, as long as a claim usually lapses (Civil Code art. 188)",
    ),
)


def upgrade() -> None:
    _create_tables()
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
    classes = sa.table(
        "retention_classes",
        *(sa.column(name) for name in ("code", "name", "keep_days", "counted_from", "source")),
        schema="app",
    )
    names = ("code", "name", "keep_days", "counted_from", "source")
    op.bulk_insert(classes, [dict(zip(names, row, strict=True)) for row in _RETENTION])
    # How long something is kept is administration: each change leaves an image in the log (migration 0004).
    op.execute("select app.watch_rows('retention_classes', array[]::text[])")


def _create_tables() -> None:
    op.create_table(
        "retention_classes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("counted_from", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("keep_days > 0", name=op.f("ck_retention_classes_keep_days")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_retention_classes")),
        schema="app",
    )
    op.create_table(
        "purges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("on_request", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("erased", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("erased_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_code"], ["app.retention_classes.code"], name=op.f("fk_purges_class_code")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_purges_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
        schema="app",
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reported_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("rows_expected", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format in ('csv', 'geojson', 'gpkg')", name=op.f("ck_exports_format")),
        sa.CheckConstraint(
            "purpose in ('case_handling', 'callback', 'emergency', 'verification', 'inspection', 'statistics', 'legal')",
            name=op.f("ck_exports_purpose"),
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'queued', 'ready', 'refused', 'expired', 'failed')",
            name=op.f("ck_exports_state"),
        ),
        sa.CheckConstraint(
            "decided_by is null or decided_by <> asked_by", name=op.f("ck_exports_second_person")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["app.people.id"], name=op.f("fk_exports_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["app.people.id"], name=op.f("fk_exports_decided_by")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_exports_subdistrict_code")
        ),
        sa.ForeignKeyConstraint(["unit_code"], ["app.units.code"], name=op.f("fk_exports_unit_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        schema="app",
    )
    op.create_index(
        "ix_exports_queued",
        "exports",
        ["asked_at"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_exports_subdistrict", "exports", ["subdistrict_code", "asked_at"], unique=False, schema="app"
    )
    op.create_table(
        "contacts",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(phone is null) = (phone_index is null)", name=op.f("ck_contacts_indexed")),
        sa.CheckConstraint("name is not null or phone is not null", name=op.f("ck_contacts_something")),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_contacts_report_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_contacts_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_contacts")),
        schema="app",
    )
    op.create_index(
        "ix_contacts_phone", "contacts", ["subdistrict_code", "phone_index"], unique=False, schema="app"
    )
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("document_no <> ''", name=op.f("ck_legal_holds_document_no")),
        sa.ForeignKeyConstraint(["placed_by"], ["app.people.id"], name=op.f("fk_legal_holds_placed_by")),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_legal_holds_report_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_legal_holds_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
        schema="app",
    )
    op.create_index("ix_legal_holds_report", "legal_holds", ["report_id"], unique=False, schema="app")
    op.create_table(
        "reveals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose in ('case_handling', 'callback', 'emergency', 'verification', 'inspection', 'statistics', 'legal')",
            name=op.f("ck_reveals_purpose"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_reveals_person_id")),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_reveals_report_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_reveals_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveals")),
        schema="app",
    )
    op.create_index("ix_reveals_person", "reveals", ["person_id", "at"], unique=False, schema="app")
    op.create_table(
        "subject_keys",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_subject_keys_report_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_subject_keys_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_subject_keys")),
        schema="app",
    )
    op.create_table(
        "legal_hold_ends",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("document_no <> ''", name=op.f("ck_legal_hold_ends_document_no")),
        sa.ForeignKeyConstraint(["ended_by"], ["app.people.id"], name=op.f("fk_legal_hold_ends_ended_by")),
        sa.ForeignKeyConstraint(["hold_id"], ["app.legal_holds.id"], name=op.f("fk_legal_hold_ends_hold_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_legal_hold_ends_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_legal_hold_ends")),
        schema="app",
    )
    op.add_column("reports", sa.Column("description_sealed", sa.LargeBinary(), nullable=True), schema="app")


def downgrade() -> None:
    op.drop_column("reports", "description_sealed", schema="app")
    op.drop_table("legal_hold_ends", schema="app")
    op.drop_table("subject_keys", schema="app")
    op.drop_index("ix_reveals_person", table_name="reveals", schema="app")
    op.drop_table("reveals", schema="app")
    op.drop_index("ix_legal_holds_report", table_name="legal_holds", schema="app")
    op.drop_table("legal_holds", schema="app")
    op.drop_index("ix_contacts_phone", table_name="contacts", schema="app")
    op.drop_table("contacts", schema="app")
    op.drop_index("ix_exports_subdistrict", table_name="exports", schema="app")
    op.drop_index(
        "ix_exports_queued", table_name="exports", schema="app", postgresql_where=sa.text("state = 'queued'")
    )
    op.drop_table("exports", schema="app")
    op.drop_table("purges", schema="app")
    op.drop_table("retention_classes", schema="app")
