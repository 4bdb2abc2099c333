"""Accounts, second factors, devices, sessions, one-time links, throttling, machine peers.

No secret is stored as it is: passwords as argon2 hashes, tokens and codes of high entropy as SHA-256, the
second factor's secret sealed by a key that the database does not have.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gridmgmt.domain.sessionrules import SessionKind
from gridmgmt.storage.tables.base import instant, metadata, words

accounts = Table(
    "accounts",
    metadata,
    Column("person_id", Uuid, ForeignKey("app.people.id"), primary_key=True),
    Column("password_hash", Text, nullable=False),
    instant("password_changed_at"),
    Column("must_change", Boolean, nullable=False, server_default=false()),
    Column("totp_sealed", LargeBinary, nullable=False),
    # The step of the last code taken: no code is taken twice, nor an older one after it.
    Column("totp_last_step", BigInteger, nullable=False),
    instant("created_at"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person_id", Uuid, ForeignKey("app.accounts.person_id"), nullable=False),
    Column("code_sha256", LargeBinary, nullable=False),
    instant("used_at", nullable=True),
    PrimaryKeyConstraint("person_id", "code_sha256"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    # One browser may be used by several people; each has a device of his own.
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    instant("first_seen_at"),
    instant("last_seen_at"),
    instant("revoked_at", nullable=True),
    UniqueConstraint("person_id", "secret_sha256"),
)

sessions = Table(
    "sessions",
    metadata,
    # Only the hash: whoever reads the table cannot sign in with it.
    Column("token_sha256", LargeBinary, primary_key=True),
    # Stays when the token is replaced, so that one hand ends them all.
    Column("id", Uuid, nullable=False, index=True, server_default=text("gen_random_uuid()")),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False, index=True),
    Column("device_id", Uuid, ForeignKey("app.devices.id"), index=True),
    *words("kind", SessionKind),
    Column("idle_s", Integer, nullable=False),
    instant("created_at"),
    instant("seen_at"),
    instant("idle_at"),
    instant("expires_at"),
    instant("step_up_at", nullable=True),
    instant("revoked_at", nullable=True),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False, index=True),
    Column("made_by", Uuid),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    # A sign-in, or a set-up, between its first step and its last.
    Column("ticket_sha256", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("device_id", Uuid, ForeignKey("app.devices.id")),
    Column("link_sha256", LargeBinary, ForeignKey("app.one_time_links.token_sha256")),
    Column("password_hash", Text),
    Column("totp_sealed", LargeBinary),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    CheckConstraint("step in ('code', 'change_password', 'enrol')", name="step"),
)

# Unlogged: what it holds is worth nothing after a crash, and no failed guess costs a WAL record.
throttle = Table(
    "throttle",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False, index=True),
    Column("failures", Integer, nullable=False),
    Column("level", Float, nullable=False),
    instant("at"),
    instant("until_at"),
    Index("ix_throttle_at", "at"),
    prefixes=["UNLOGGED"],
)

peers = Table(
    "peers",
    metadata,
    Column("person_id", Uuid, ForeignKey("app.people.id"), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("client_id", Text, nullable=False, unique=True),
    Column("algorithm", Text, nullable=False),
    Column("public_key_pem", Text, nullable=False),
    Column("sources", ARRAY(Text), nullable=False),
    instant("created_at"),
    instant("revoked_at", nullable=True),
    CheckConstraint("algorithm in ('ES256', 'Ed25519')", name="algorithm"),
)

peer_assertions = Table(
    "peer_assertions",
    metadata,
    # Each assertion once: a second one with the same id is a replay.
    Column("person_id", Uuid, ForeignKey("app.peers.person_id"), nullable=False),
    Column("jti_sha256", LargeBinary, nullable=False),
    instant("expires_at"),
    PrimaryKeyConstraint("person_id", "jti_sha256"),
    Index("ix_peer_assertions_expires_at", "expires_at"),
)
