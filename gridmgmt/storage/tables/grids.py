"""Grid plans, their cells and hex cover, who answers for a cell, and the base layers under them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    column,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

from gridmgmt.domain.grid import CellKind, PlanStatus
from gridmgmt.storage.tables.base import MOST_VERTICES, geometry, geometry_limits, instant, metadata, words

grid_plans = Table(
    "grid_plans",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("version", Integer, nullable=False),
    *words("status", PlanStatus),
    instant("valid_from"),
    instant("valid_to", nullable=True),
    Column("base_map_version", Text, nullable=False),
    Column("metric_srid", Integer, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("report_card", JSONB, nullable=False),
    Column("published_by", Uuid, ForeignKey("app.people.id")),
    instant("published_at", nullable=True),
    UniqueConstraint("subdistrict_code", "version"),
    # One published plan for any instant: the database refuses a second one.
    ExcludeConstraint(
        (column("subdistrict_code"), "="),
        (func.tstzrange(column("valid_from"), column("valid_to")), "&&"),
        name="ex_grid_plans_one_in_force",
        where=column("status") == "published",
        using="gist",
    ),
    CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
)

grid_cells = Table(
    "grid_cells",
    metadata,
    Column("plan_id", Uuid, ForeignKey("app.grid_plans.id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("community_code", Text, ForeignKey("app.communities.code"), nullable=False),
    *words("kind", CellKind),
    Column("name", Text, nullable=False),
    Column("households", Integer, nullable=False),
    Column("area_m2", Double, nullable=False),
    Column("geom", geometry("POLYGON"), nullable=False),
    # For row-level security: the first nine digits of the code.
    Column("subdistrict_code", Text, Computed("substr(code, 1, 9)", persisted=True), nullable=False),
    PrimaryKeyConstraint("plan_id", "code"),
    CheckConstraint("code ~ '^[0-9]{15}$'", name="code"),
    CheckConstraint("substr(code, 1, 12) = community_code", name="nested"),
    geometry_limits("geom", MOST_VERTICES),
    Index("ix_grid_cells_geom", "subdistrict_code", "geom", postgresql_using="gist"),
)

cell_hexes = Table(
    "cell_hexes",
    metadata,
    Column("plan_id", Uuid, nullable=False),
    Column("h3", BigInteger, nullable=False),
    Column("cell_code", Text, nullable=False),
    Column("wholly", Boolean, nullable=False),
    Column("subdistrict_code", Text, Computed("substr(cell_code, 1, 9)", persisted=True), nullable=False),
    PrimaryKeyConstraint("plan_id", "h3", "cell_code"),
    ForeignKeyConstraint(
        ["plan_id", "cell_code"], ["app.grid_cells.plan_id", "app.grid_cells.code"], name="fk_cell_hexes_cell"
    ),
)

cell_workers = Table(
    "cell_workers",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("cell_code", Text, nullable=False),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("duty", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("on_leave", Boolean, nullable=False, server_default=false()),
    CheckConstraint("duty in ('worker', 'leader', 'deputy')", name="duty"),
    Index("ix_cell_workers_cell_code", "cell_code"),
    Index("ix_cell_workers_person_id", "person_id"),
)

base_features = Table(
    "base_features",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("layer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("households", Integer),
    Column("synthetic", Boolean, nullable=False),
    Column("geom", geometry("GEOMETRY"), nullable=False),
    CheckConstraint("layer in ('blocks', 'roads', 'buildings')", name="layer"),
    geometry_limits("geom", MOST_VERTICES),
    Index("ix_base_features_geom", "subdistrict_code", "geom", postgresql_using="gist"),
    Index("ix_base_features_layer", "subdistrict_code", "layer"),
)
