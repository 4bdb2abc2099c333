"""Patrols 巡查: plans of cells, shifts, positions, and what those say of places.

Raw positions are the worker's own and go after their period; what they say of places stays.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.domain.atplace import AtPlace
from gridmgmt.domain.coverage import Verdict
from gridmgmt.domain.patrolshift import NoteKind
from gridmgmt.storage.tables.base import instant, metadata, words

patrol_plans = Table(
    "patrol_plans",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("cell_code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    # Targets as the planner gave them, geometry as GeoJSON that passed the gate.
    Column("targets", JSONB, nullable=False),
    Column("synthetic", Boolean, nullable=False, server_default=false()),
    Column("set_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("set_at"),
    UniqueConstraint("cell_code", "version"),
    CheckConstraint("substr(cell_code, 1, 9) = subdistrict_code", name="nested"),
)

patrol_shifts = Table(
    "patrol_shifts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("cell_codes", ARRAY(Text), nullable=False),
    # By the server's clock; beside them what the phone's clock said, and when the server heard of it.
    instant("on_at"),
    instant("phone_on_at"),
    instant("received_on_at"),
    instant("off_at", nullable=True),
    instant("phone_off_at", nullable=True),
    instant("received_off_at", nullable=True),
    Column("lapsed", Boolean, nullable=False, server_default=false()),
    # What coverage was computed from; it outlives the positions.
    Column("points", Integer, nullable=False, server_default=text("0")),
    Column("points_counted", Integer, nullable=False, server_default=text("0")),
    Column("unseen_s", Integer, nullable=False, server_default=text("0")),
    instant("track_erased_at", nullable=True),
    CheckConstraint("off_at >= on_at", name="period"),
    Index("uq_patrol_shifts_open", "person_id", unique=True, postgresql_where=text("off_at is null")),
    Index("ix_patrol_shifts_person_id", "person_id", "on_at"),
    Index("ix_patrol_shifts_on_at", "subdistrict_code", "on_at"),
)

track_points = Table(
    "track_points",
    metadata,
    Column("shift_id", Uuid, ForeignKey("app.patrol_shifts.id"), nullable=False),
    Column("no", Integer, nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("at"),
    instant("phone_at"),
    instant("received_at"),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("accuracy_m", Double),
    PrimaryKeyConstraint("shift_id", "no"),
    CheckConstraint("lon between 73 and 136 and lat between 3 and 54", name="position"),
)

patrol_coverage = Table(
    "patrol_coverage",
    metadata,
    Column("shift_id", Uuid, ForeignKey("app.patrol_shifts.id"), nullable=False),
    Column("cell_code", Text, nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("covered", ARRAY(BigInteger), nullable=False),
    Column("unknown", ARRAY(BigInteger), nullable=False),
    Column("not_covered", ARRAY(BigInteger), nullable=False),
    instant("computed_at"),
    PrimaryKeyConstraint("shift_id", "cell_code"),
)

patrol_visits = Table(
    "patrol_visits",
    metadata,
    Column("shift_id", Uuid, ForeignKey("app.patrol_shifts.id"), nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("plan_id", Uuid, ForeignKey("app.patrol_plans.id"), nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("cell_code", Text, nullable=False),
    *words("verdict", Verdict),
    Column("covered_share", Double, nullable=False),
    Column("unknown_share", Double, nullable=False),
    instant("reached_at", nullable=True),
    PrimaryKeyConstraint("shift_id", "target_id"),
    Index("ix_patrol_visits_target_id", "target_id"),
)

patrol_notes = Table(
    "patrol_notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("shift_id", Uuid, ForeignKey("app.patrol_shifts.id"), nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("target_id", Uuid),
    *words("kind", NoteKind),
    Column("report_id", Uuid, ForeignKey("app.reports.id")),
    instant("at"),
    instant("phone_at"),
    instant("received_at"),
    # Whether it was made at its place: what was said of a position that is not kept itself.
    *words("at_place", AtPlace, AtPlace.UNKNOWN),
    Column("distance_m", Double),
    CheckConstraint("(kind = 'finding') = (report_id is not null)", name="finding"),
    CheckConstraint("kind = 'finding' or target_id is not null", name="about"),
    Index("ix_patrol_notes_shift_id", "shift_id"),
    Index("ix_patrol_notes_report_id", "report_id", postgresql_where=text("report_id is not null")),
)
