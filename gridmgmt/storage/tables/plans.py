"""The life of grid plans beside their cells: history, codes ever issued, handovers, boundary changes."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.domain.boundary import APPROVAL_PATTERN
from gridmgmt.domain.planlife import PlanAction
from gridmgmt.storage.tables.base import MOST_VERTICES, geometry, geometry_limits, instant, metadata, words

plan_steps = Table(
    "plan_steps",
    metadata,
    Column("plan_id", Uuid, ForeignKey("app.grid_plans.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    *words("action", PlanAction),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("on_behalf_of", Uuid),
    instant("at"),
    Column("facts", JSONB, nullable=False),
    # The client's id of the command: sent twice, done once.
    Column("command_id", Uuid, unique=True),
    PrimaryKeyConstraint("plan_id", "seq"),
)

# Every code that a plan ever issued, drafts included, and those of official grids before this platform: never
# given again. Written by a trigger on grid_cells; plan_id names the plan whose cell the code means.
cell_codes = Table(
    "cell_codes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False, index=True),
    Column("plan_id", Uuid, ForeignKey("app.grid_plans.id")),
    Column("note", Text, nullable=False, server_default=""),
    CheckConstraint("code ~ '^[0-9]{15}$' and substr(code, 1, 9) = subdistrict_code", name="code"),
    CheckConstraint("plan_id is not null or note <> ''", name="origin"),
)

# One line for each open case and each plan that took effect while it was open.
plan_handovers = Table(
    "plan_handovers",
    metadata,
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    Column("plan_id", Uuid, ForeignKey("app.grid_plans.id"), nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("from_plan_id", Uuid, nullable=False),
    Column("from_cell", Text, nullable=False),
    # Null where the place lies in no cell of the plan: the case stays where it was.
    Column("to_cell", Text),
    Column("from_worker_id", Uuid, ForeignKey("app.people.id")),
    Column("to_worker_id", Uuid, ForeignKey("app.people.id")),
    Column("why", Text, nullable=False),
    instant("at"),
    PrimaryKeyConstraint("case_id", "plan_id"),
    Index("ix_plan_handovers_plan_id", "plan_id"),
)

boundary_changes = Table(
    "boundary_changes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("approval_no", Text, nullable=False),
    Column("proposal_no", Text, nullable=False),
    Column("approved_on", Date, nullable=False),
    instant("valid_from"),
    Column("note", Text, nullable=False, server_default=""),
    Column("entered_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("entered_at"),
    CheckConstraint(f"approval_no ~ '{APPROVAL_PATTERN}' and proposal_no <> ''", name="approved"),
    UniqueConstraint("subdistrict_code", "valid_from"),
)

# Outlines that count from a change on: of the subdistrict (nine digits) and of communities (twelve).
boundary_outlines = Table(
    "boundary_outlines",
    metadata,
    Column("change_id", Uuid, ForeignKey("app.boundary_changes.id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("outline", geometry("MULTIPOLYGON"), nullable=False),
    PrimaryKeyConstraint("change_id", "code"),
    CheckConstraint("substr(code, 1, 9) = subdistrict_code and length(code) in (9, 12)", name="code"),
    geometry_limits("outline", MOST_VERTICES),
)
