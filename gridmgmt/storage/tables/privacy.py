"""What reports confide, kept apart; reveals, exports, retention, legal holds."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.domain.purposes import ExportFormat, ExportState, Purpose
from gridmgmt.storage.tables.base import instant, metadata, words

subject_keys = Table(
    "subject_keys",
    metadata,
    # The key that a report's own text is sealed under. Reports are append-only: destroying this row erases.
    Column("report_id", Uuid, ForeignKey("app.reports.id"), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    instant("made_at"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("report_id", Uuid, ForeignKey("app.reports.id"), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("name", LargeBinary),
    Column("phone", LargeBinary),
    # Keyed hash of the number: equality without opening anything.
    Column("phone_index", LargeBinary),
    instant("made_at"),
    CheckConstraint("name is not null or phone is not null", name="something"),
    CheckConstraint("(phone is null) = (phone_index is null)", name="indexed"),
    Index("ix_contacts_phone", "subdistrict_code", "phone_index"),
)

reveals = Table(
    "reveals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("report_id", Uuid, ForeignKey("app.reports.id"), nullable=False),
    *words("purpose", Purpose),
    Column("note", Text, nullable=False),
    instant("at"),
    Index("ix_reveals_person", "person_id", "at"),
)

exports = Table(
    "exports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("asked_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    # As he was called then: it is printed into every row.
    Column("recipient", Text, nullable=False),
    Column("unit_code", Text, ForeignKey("app.units.code")),
    *words("purpose", Purpose),
    Column("note", Text, nullable=False),
    *words("format", ExportFormat),
    Column("fields", JSONB, nullable=False),
    instant("reported_from", nullable=True),
    instant("reported_until", nullable=True),
    Column("personal", Boolean, nullable=False),
    Column("rows_expected", Integer, nullable=False),
    *words("state", ExportState),
    instant("asked_at"),
    Column("decided_by", Uuid, ForeignKey("app.people.id")),
    instant("decided_at", nullable=True),
    Column("opinion", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    instant("claimed_at", nullable=True),
    Column("rows", Integer),
    Column("bytes", Integer),
    Column("sha256", Text),
    instant("ready_at", nullable=True),
    instant("expires_at", nullable=True),
    CheckConstraint("decided_by is null or decided_by <> asked_by", name="second_person"),
    Index("ix_exports_queued", "asked_at", postgresql_where=text("state = 'queued'")),
    Index("ix_exports_subdistrict", "subdistrict_code", "asked_at"),
)

retention_classes = Table(
    "retention_classes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("keep_days", Integer, nullable=False),
    Column("counted_from", Text, nullable=False),
    Column("source", Text, nullable=False),
    CheckConstraint("keep_days > 0", name="keep_days"),
)

purges = Table(
    "purges",
    metadata,
    # The proof that something was erased: what, how much, and a hash of it; never what it said.
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("class_code", Text, ForeignKey("app.retention_classes.code"), nullable=False),
    Column("keep_days", Integer, nullable=False),
    Column("on_request", Boolean, nullable=False, server_default=false()),
    Column("erased", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("erased_sha256", LargeBinary, nullable=False),
    instant("at"),
)

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("report_id", Uuid, ForeignKey("app.reports.id"), nullable=False),
    Column("document_no", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("placed_at"),
    CheckConstraint("document_no <> ''", name="document_no"),
    Index("ix_legal_holds_report", "report_id"),
)

legal_hold_ends = Table(
    "legal_hold_ends",
    metadata,
    Column("hold_id", Uuid, ForeignKey("app.legal_holds.id"), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("document_no", Text, nullable=False),
    Column("ended_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("ended_at"),
    CheckConstraint("document_no <> ''", name="document_no"),
)
