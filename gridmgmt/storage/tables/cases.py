"""Photos, reports, cases, their append-only history, and requests that wait for an answer."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
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
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.domain.request import RequestStatus
from gridmgmt.domain.workflow import State
from gridmgmt.storage.tables.base import geometry, geometry_limits, instant, metadata, words

photos = Table(
    "photos",
    metadata,
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    # Of a picture; a recording 语音 has its length in time instead.
    Column("width", Integer),
    Column("height", Integer),
    Column("duration_ms", Integer),
    Column("received_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("received_at"),
    PrimaryKeyConstraint("subdistrict_code", "sha256"),
    CheckConstraint(
        "case when media_type like 'audio/%' then duration_ms > 0 and width is null and height is null"
        " else duration_ms is null and width is not null and height is not null end",
        name="measures",
    ),
)

reports = Table(
    "reports",
    metadata,
    # The phone's own UUIDv7: two taps, a lost reply and a replay are the same row.
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("reporter_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False),
    # As sent, in the datum sent: a GCJ-02 or BD-09 position is never converted back.
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("datum", Text, nullable=False),
    Column("accuracy_m", Double),
    Column("self_handled", Boolean, nullable=False),
    instant("observed_at"),
    instant("received_at"),
    Column("content_sha256", LargeBinary, nullable=False),
    # The answer that left the first time; a replay gets it again, letter for letter.
    Column("answer", JSONB, nullable=False),
    # Instead of the description, where it may name somebody: sealed under the report's key in subject_keys.
    Column("description_sealed", LargeBinary),
    # The time of observation as a phone with a wrong clock told it; observed_at is then put right.
    instant("device_at", nullable=True),
    CheckConstraint(
        "lon between -180 and 180 and lat between -90 and 90 and coalesce(accuracy_m, 0) between 0 and 1e6",
        name="position",
    ),
)

report_photos = Table(
    "report_photos",
    metadata,
    Column("report_id", Uuid, ForeignKey("app.reports.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("subdistrict_code", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("report_id", "position"),
    ForeignKeyConstraint(
        ["subdistrict_code", "sha256"],
        ["app.photos.subdistrict_code", "app.photos.sha256"],
        name="fk_report_photos_photo",
    ),
    # To tell the case of a photo, for the strip below it.
    Index("ix_report_photos_photo", "subdistrict_code", "sha256"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("report_id", Uuid, ForeignKey("app.reports.id"), nullable=False, unique=True),
    Column("subdistrict_code", Text, nullable=False),
    Column("community_code", Text, nullable=False),
    Column("cell_code", Text, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("category", Text, nullable=False),
    Column("source", Text, nullable=False),
    *words("state", State),
    Column("version", Integer, nullable=False),
    Column("reported_by", Uuid, nullable=False),
    instant("reported_at"),
    instant("updated_at"),
    Column("needs_confirmation", Boolean, nullable=False),
    Column("needs_feedback", Boolean, nullable=False),
    Column("confirmed", Boolean),
    Column("unit_code", Text, ForeignKey("app.units.code")),
    Column("worker_id", Uuid, ForeignKey("app.people.id")),
    Column("area_class", Text, nullable=False, server_default=""),
    Column("filing_condition", Text, nullable=False, server_default=""),
    Column("rule_id", Text),
    Column("limit_amount", Integer),
    Column("limit_unit", Text),
    instant("clock_started_at", nullable=True),
    instant("clock_paused_at", nullable=True),
    instant("due_at", nullable=True),
    instant("sign_due_at", nullable=True),
    # The parts of the work before the last: code, amount, unit, due_at, reached_at.
    Column("milestones", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    instant("stage_due_at", nullable=True),
    instant("filed_at", nullable=True),
    instant("dispatched_at", nullable=True),
    instant("signed_at", nullable=True),
    instant("handled_at", nullable=True),
    instant("verified_at", nullable=True),
    instant("closed_at", nullable=True),
    # The deadline whose passing was announced, so that each is announced once.
    instant("overdue_announced_for", nullable=True),
    Column("ruled", Boolean, nullable=False),
    Column("rework_count", Integer, nullable=False),
    Column("return_count", Integer, nullable=False),
    Column("extension_count", Integer, nullable=False, server_default=text("0")),
    Column("merged_into", Uuid),
    Column("acted", JSONB, nullable=False),
    Column("routing", JSONB, nullable=False),
    Column("duty", JSONB, nullable=False),
    # Null when the sender's datum cannot be drawn in ours; the cell is known all the same.
    Column("place", geometry("POINT")),
    Column("h3", BigInteger),
    ForeignKeyConstraint(
        ["plan_id", "cell_code"], ["app.grid_cells.plan_id", "app.grid_cells.code"], name="fk_cases_cell"
    ),
    geometry_limits("place", 1),
    Index("ix_cases_place", "subdistrict_code", "place", postgresql_using="gist"),
    Index("ix_cases_open", "subdistrict_code", "state", "updated_at"),
    Index("ix_cases_newest", "subdistrict_code", "updated_at", "id"),
    Index("ix_cases_reported", "subdistrict_code", "reported_at"),
    Index("ix_cases_h3", "h3"),
    # What a plan that takes effect has to hand over.
    Index(
        "ix_cases_open_plan",
        "subdistrict_code",
        "plan_id",
        postgresql_where=text("state not in ('closed', 'rejected', 'merged', 'voided')"),
    ),
    # How much open work somebody has, where a roster leaves several to choose from.
    Index(
        "ix_cases_worker",
        "worker_id",
        postgresql_where=text(
            "worker_id is not null and state not in ('closed', 'rejected', 'merged', 'voided')"
        ),
    ),
    # Whose reporters wait for the answer that a case gives.
    Index("ix_cases_merged_into", "merged_into", postgresql_where=text("merged_into is not null")),
    Index(
        "ix_cases_due",
        "stage_due_at",
        postgresql_where=text("state not in ('closed', 'rejected', 'merged', 'voided')"),
    ),
)

case_steps = Table(
    "case_steps",
    metadata,
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    instant("at"),
    Column("facts", JSONB, nullable=False),
    Column("article", Text, nullable=False),
    # The client's id of the command: sent twice, done once.
    Column("command_id", Uuid, unique=True),
    # The case's own, so that row-level security need not look it up.
    Column("subdistrict_code", Text, nullable=False),
    # Whom a deputy stood in for.
    Column("on_behalf_of", Uuid),
    PrimaryKeyConstraint("case_id", "seq"),
)

# Deadlines that were computed anew because a calendar or a limit changed; appended to, never changed.
case_reclockings = Table(
    "case_reclockings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False, index=True),
    Column("subdistrict_code", Text, nullable=False),
    # One run touches many cases.
    Column("run_id", Uuid, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    instant("at"),
    Column("why", Text, nullable=False),
    Column("case_version", Integer, nullable=False),
    Column("calendar_id", Text, nullable=False),
    Column("calendar_version", Integer, nullable=False),
    Column("rules_revision", BigInteger, nullable=False),
    # The deadlines that changed, by name, before and after.
    Column("old", JSONB, nullable=False),
    Column("new", JSONB, nullable=False),
)

case_requests = Table(
    "case_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    Column("subdistrict_code", Text, nullable=False),
    Column("action", Text, nullable=False),
    *words("status", RequestStatus),
    Column("facts", JSONB, nullable=False),
    Column("asked_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("asked_at"),
    # A person, or the platform where the request goes to the district by itself.
    Column("decided_by", Uuid),
    Column("decided_at", DateTime(timezone=True)),
    Column("opinion", Text),
    # Whom a deputy stood in for when he asked.
    Column("asked_for", Uuid),
    Index(
        "uq_case_requests_one_pending",
        "case_id",
        "action",
        unique=True,
        postgresql_where=text("status = 'pending'"),
    ),
)
