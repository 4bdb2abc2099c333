"""The seal over the audit log: one leaf a line, one checkpoint a batch; and salts of commitments.

``audit_leaves`` and ``audit_checkpoints`` are only ever added to. ``audit_salts`` is not: deleting a salt is
how the personal values behind a person's commitments are erased.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from gridmgmt.domain.checkpoint import HeadKind
from gridmgmt.storage.tables.base import instant, metadata, words

audit_leaves = Table(
    "audit_leaves",
    metadata,
    # Without gaps, from 0: the place in the tree. Given by the sealer, hence no identity column.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("audit_id", BigInteger, nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("no", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    instant("at"),
    *words("kind", HeadKind),
    Column("note", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    # The tree's right edge, 32 bytes a hash: enough to go on without reading the leaves again.
    Column("edge", LargeBinary, nullable=False),
    # Lines up to here are sealed for certain; see storage.seal.
    Column("cursor_xact", BigInteger, nullable=False),
    Column("cursor_id", BigInteger, nullable=False),
    Index("ix_audit_checkpoints_size", "size", "no"),
)

audit_salts = Table(
    "audit_salts",
    metadata,
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    PrimaryKeyConstraint("object_kind", "object_id"),
)
