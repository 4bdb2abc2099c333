"""What stands beside a case: rulings kept, people told, joint calls, supervision orders; and deputies."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.domain.jointcall import OpinionBasis, Part, Purpose, TaskState
from gridmgmt.domain.org import Role
from gridmgmt.domain.telling import Kind
from gridmgmt.storage.tables.base import instant, metadata, words


def _street() -> Column[str]:
    return Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False)


precedents = Table(
    "precedents",
    metadata,
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    # The line of history that the ruling is; a case may be ruled on twice.
    Column("seq", Integer, nullable=False),
    _street(),
    Column("community_code", Text, nullable=False),
    Column("cell_code", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("unit_code", Text, ForeignKey("app.units.code"), nullable=False),
    Column("document_no", Text, nullable=False),
    Column("ruled_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("at"),
    PrimaryKeyConstraint("case_id", "seq"),
    Index("ix_precedents_place", "subdistrict_code", "category", text("at desc")),
)

feedbacks = Table(
    "feedbacks",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Whose reporter was told: the case of his own report, which may have been merged into another.
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    _street(),
    *words("kind", Kind),
    Column("reached", Boolean, nullable=False),
    Column("channel", Text, nullable=False),
    Column("words", Text, nullable=False),
    # What he answered: null where he was not reached or not asked.
    Column("satisfied", Boolean),
    Column("told_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("told_at"),
    CheckConstraint("reached or satisfied is null", name="answer"),
    Index("ix_feedbacks_case", "case_id", "kind"),
)

follow_ups = Table(
    "follow_ups",
    metadata,
    # The new case, and the closed one that it follows.
    Column("case_id", Uuid, ForeignKey("app.cases.id"), primary_key=True),
    Column("earlier_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    _street(),
    Column("reason", Text, nullable=False),
    Column("opened_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("at"),
    CheckConstraint("case_id <> earlier_id", name="another"),
    Index("ix_follow_ups_earlier", "earlier_id"),
)

joint_calls = Table(
    "joint_calls",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    _street(),
    *words("purpose", Purpose),
    Column("text", Text, nullable=False),
    Column("document_no", Text),
    Column("issued_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("issued_at"),
    Column("version", Integer, nullable=False),
    # Who answered or withdrew, for the separation of duties of the case.
    Column("hands", JSONB, nullable=False),
    instant("closed_at", nullable=True),
    Index("ix_joint_calls_case", "case_id"),
    Index("ix_joint_calls_open", "subdistrict_code", postgresql_where=text("closed_at is null")),
)

joint_call_tasks = Table(
    "joint_call_tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("call_id", Uuid, ForeignKey("app.joint_calls.id"), nullable=False),
    _street(),
    Column("position", SmallInteger, nullable=False),
    Column("unit_code", Text, ForeignKey("app.units.code"), nullable=False),
    *words("part", Part),
    Column("what", Text, nullable=False),
    *words("state", TaskState),
    instant("sign_in_due_at", nullable=True),
    instant("arrive_due_at", nullable=True),
    instant("due_at"),
    instant("signed_in_at", nullable=True),
    instant("arrived_at", nullable=True),
    instant("ended_at", nullable=True),
    Column("ended_by", Uuid, ForeignKey("app.people.id")),
    Column("words", Text),
    Column("photos", JSONB, nullable=False),
    # On which clock each limit was counted; null in rows older than this.
    *(Column(name, Text) for name in ("sign_in_unit", "arrive_unit", "due_unit")),
    UniqueConstraint("call_id", "unit_code"),
    # Two leads are refused here as well (R22c).
    Index("uq_joint_call_tasks_one_lead", "call_id", unique=True, postgresql_where=text("part = 'lead'")),
    # Nothing ends silently: when, by whom and with which words.
    CheckConstraint(
        "(state in ('done', 'refused', 'withdrawn')) = (ended_at is not null)"
        " and (ended_at is null) = (ended_by is null) and (ended_at is null) = (coalesce(words, '') = '')",
        name="ended",
    ),
    Index("ix_joint_call_tasks_unit", "unit_code", "state"),
)

joint_call_opinions = Table(
    "joint_call_opinions",
    metadata,
    Column("task_id", Uuid, ForeignKey("app.joint_call_tasks.id"), nullable=False),
    *words("basis", OpinionBasis),
    _street(),
    Column("score", SmallInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("given_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("at"),
    PrimaryKeyConstraint("task_id", "basis"),
    CheckConstraint("score between 1 and 5", name="score"),
)

joint_call_steps = Table(
    "joint_call_steps",
    metadata,
    Column("call_id", Uuid, ForeignKey("app.joint_calls.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    _street(),
    Column("task_id", Uuid, ForeignKey("app.joint_call_tasks.id")),
    Column("action", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("on_behalf_of", Uuid),
    instant("at"),
    Column("facts", JSONB, nullable=False),
    # The client's id of the command: sent twice, done once.
    Column("command_id", Uuid, unique=True),
    PrimaryKeyConstraint("call_id", "seq"),
)

refusal_packs = Table(
    "refusal_packs",
    metadata,
    Column("task_id", Uuid, ForeignKey("app.joint_call_tasks.id"), primary_key=True),
    Column("call_id", Uuid, ForeignKey("app.joint_calls.id"), nullable=False),
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    _street(),
    # The bytes themselves, so that the digest is of what is handed over.
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    instant("made_at"),
)

supervision_orders = Table(
    "supervision_orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    _street(),
    # Whom it is addressed to; null is the dispatcher.
    Column("unit_code", Text, ForeignKey("app.units.code")),
    Column("opinion", Text, nullable=False),
    Column("ordered_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("ordered_at"),
    instant("reply_due_at"),
    Column("reply", Text),
    Column("replied_by", Uuid, ForeignKey("app.people.id")),
    instant("replied_at", nullable=True),
    Column("reply_unit", Text),
    CheckConstraint(
        "(replied_at is null) = (reply is null) and (replied_at is null) = (replied_by is null)",
        name="reply",
    ),
    Index("ix_supervision_orders_case", "case_id"),
    Index(
        "ix_supervision_orders_owed",
        "subdistrict_code",
        "reply_due_at",
        postgresql_where=text("replied_at is null"),
    ),
)

deputies = Table(
    "deputies",
    metadata,
    Column("id", Uuid, primary_key=True),
    _street(),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("deputy_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    *words("role", Role),
    # Half open: from starts_at until before ends_at.
    instant("starts_at"),
    instant("ends_at"),
    Column("granted_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("granted_at"),
    CheckConstraint("person_id <> deputy_id", name="another"),
    CheckConstraint("starts_at <= ends_at", name="period"),
    Index("ix_deputies_deputy", "deputy_id", "ends_at"),
    Index("ix_deputies_person", "person_id", "ends_at"),
)
