"""How the installation itself is doing: who beats, and what became of the backups."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.storage.tables.base import instant, metadata

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("instance", Uuid, primary_key=True),
    # What kind of process: worker, sealer, backup.
    Column("kind", Text, nullable=False),
    instant("started_at"),
    instant("beat_at"),
    CheckConstraint("kind in ('worker', 'sealer', 'backup', 'drill')", name="kind"),
    Index("ix_heartbeats_kind", "kind", text("beat_at desc")),
)

backup_runs = Table(
    "backup_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    instant("at"),
    Column("what", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    # Which backup: its label, which is the instant it was begun at.
    Column("label", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    CheckConstraint("what in ('created', 'verified', 'restored', 'drilled')", name="what"),
    CheckConstraint("outcome in ('done', 'failed')", name="outcome"),
    Index("ix_backup_runs_what", "what", text("at desc")),
)
