"""What happened: the audit log and the outbox."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.storage.tables.base import instant, metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    instant("at"),
    Column("actor_id", Uuid),
    Column("subdistrict_code", Text),
    Column("action", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("article", Text),
    Column("rule", Text),
    Column("request_id", Text, server_default=text("nullif(current_setting('app.request_id', true), '')")),
    Column("facts", JSONB, nullable=False),
    # The transaction that wrote the line: what tells the sealer where it has finished for certain.
    Column("xact", BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text)::bigint")),
    CheckConstraint("outcome in ('done', 'refused')", name="outcome"),
    Index("ix_audit_log_object", "object_kind", "object_id"),
    Index("ix_audit_log_xact", "xact", "id"),
    # Lines come nearly in order of time, so a block's first and last time find a day at no cost to writers.
    Index("ix_audit_log_at", "at", postgresql_using="brin"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subdistrict_code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Uuid),
    instant("at"),
    Column("facts", JSONB, nullable=False),
    instant("delivered_at", nullable=True),
    # Given at delivery under one lock, so it grows in commit order; ``id`` does not.
    Column("delivery_no", BigInteger, unique=True),
    Index("ix_outbox_waiting", "id", postgresql_where=text("delivered_at is null")),
    Index("ix_outbox_newest", "subdistrict_code", "id"),
)
