"""The ladder 逐级督促, what people are told, and how it is carried to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gridmgmt.domain.channel import Channel, DeliveryState
from gridmgmt.domain.presence import Because
from gridmgmt.storage.tables.base import instant, metadata, words

ladder_rungs = Table(
    "ladder_rungs",
    metadata,
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("no", SmallInteger, nullable=False),
    # Of the limit that is used up.
    Column("percent", Integer, nullable=False),
    Column("levels", ARRAY(Text), nullable=False),
    Column("acknowledge_minutes", Integer, nullable=False),
    PrimaryKeyConstraint("subdistrict_code", "no"),
    CheckConstraint("percent between 1 and 1000 and acknowledge_minutes >= 0", name="shares"),
)

case_ladders = Table(
    "case_ladders",
    metadata,
    Column("case_id", Uuid, ForeignKey("app.cases.id"), primary_key=True),
    Column("subdistrict_code", Text, nullable=False),
    # When to look at the case again; null while nothing of it runs.
    instant("look_at", nullable=True),
    # By limit: the round, what it runs from and to, and the rung that was reached.
    Column("rounds", JSONB, nullable=False, server_default=text("'{}'")),
    # Looks in a row that failed with something unforeseen, the newest one's kind and time; null while all is
    # well.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),
    instant("failed_at", nullable=True),
    Index("ix_case_ladders_due", "look_at", postgresql_where=text("look_at is not null")),
    Index("ix_case_ladders_failed", "failed_at", postgresql_where=text("failures > 0")),
)

# Each rung of each round is written once: the key is what two workers would meet at.
ladder_steps = Table(
    "ladder_steps",
    metadata,
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    Column("clock", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("subdistrict_code", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    instant("due_at"),
    instant("at"),
    # False where people were told of a higher rung at the same look.
    Column("told", Boolean, nullable=False),
    instant("acknowledge_by", nullable=True),
    instant("acknowledged_at", nullable=True),
    Column("acknowledged_by", Uuid, ForeignKey("app.people.id")),
    instant("passed_on_at", nullable=True),
    PrimaryKeyConstraint("case_id", "clock", "round", "rung"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Uuid, ForeignKey("app.cases.id")),
    instant("at"),
    Column("facts", JSONB, nullable=False),
    *words("because", Because),
    Column("instead_of", Uuid, ForeignKey("app.people.id")),
    # Why the person in whose place this one is told, or he himself, is not there.
    Column("absence", Text),
    # Of the ladder: which limit, which round of it, which rung; null for everything else.
    Column("clock", Text),
    Column("round", Integer),
    Column("rung", SmallInteger),
    instant("read_at", nullable=True),
    instant("acknowledged_at", nullable=True),
    CheckConstraint("num_nulls(clock, round, rung) in (0, 3)", name="step"),
    Index("ix_notifications_at", "at"),
    Index("ix_notifications_inbox", "person_id", text("at desc"), text("id desc")),
    Index("ix_notifications_unread", "person_id", postgresql_where=text("read_at is null")),
    Index(
        "ix_notifications_step",
        "case_id",
        "clock",
        "round",
        "rung",
        postgresql_where=text("rung is not null"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("notification_id", Uuid, nullable=False),
    *words("channel", Channel),
    Column("subdistrict_code", Text, nullable=False),
    *words("state", DeliveryState),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    instant("next_try_at"),
    Column("last_error", Text),
    instant("sent_at", nullable=True),
    PrimaryKeyConstraint("notification_id", "channel"),
    ForeignKeyConstraint(["notification_id"], ["app.notifications.id"], name="fk_deliveries_notification"),
    Index("ix_deliveries_waiting", "next_try_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_deliveries_dead", "subdistrict_code", postgresql_where=text("state = 'dead'")),
)

# Browsers that are woken. A trigger takes a row away with the session that it hangs on.
push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("endpoint_sha256", LargeBinary, nullable=False),
    Column("session_id", Uuid, nullable=False, index=True),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", LargeBinary, nullable=False),
    Column("auth", LargeBinary, nullable=False),
    Column("language", Text, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    PrimaryKeyConstraint("person_id", "endpoint_sha256"),
    CheckConstraint("language in ('zh-CN', 'en')", name="language"),
    CheckConstraint(
        "octet_length(endpoint_sha256) = 32 and octet_length(p256dh) = 65 and octet_length(auth) = 16"
        " and length(endpoint) <= 1024 and endpoint like 'https://%'",
        name="shape",
    ),
)

# How far readers of the outbox have come, by delivery number, which grows in commit order.
outbox_cursors = Table(
    "outbox_cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("delivery_no", BigInteger, nullable=False),
)
