"""The main job: people, plans, catalogue, reports, cases, history, outbox, audit.

Beside the tables: the number sequences, the trigger that keeps history and audit append-only, and the
one that raises the rulebook revision.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_RULEBOOK_TABLES = (
    "subdistricts",
    "communities",
    "units",
    "people",
    "person_roles",
    "grid_plans",
    "grid_cells",
    "cell_workers",
    "base_features",
    "categories",
    "handling_limits",
    "stage_limits",
    "filing_conditions",
    "closing_conditions",
    "duty_items",
    "routing_rule_sets",
    "work_calendars",
    "calendar_days",
)
_APPEND_ONLY = ("audit_log", "case_steps", "reports", "report_photos")


def upgrade() -> None:
    for extension in ("postgis", "btree_gist", "pg_trgm"):
        op.execute(f"create extension if not exists {extension}")
    _create_tables()
    _create_rules()


def _create_rules() -> None:
    op.execute("create sequence app.case_number_seq maxvalue 999999 cycle cache 20")
    op.execute("create sequence app.outbox_delivery_seq")
    op.execute("insert into app.rulebook_revision values (true, 1)")
    op.execute("""
        create function app.raise_rulebook_revision() returns trigger language plpgsql as $$
        begin
            update app.rulebook_revision set revision = revision + 1;
            return null;
        end $$
    """)
    op.execute("""
        create function app.refuse_rewriting() returns trigger language plpgsql as $$
        begin
            raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
        end $$
    """)
    for table in _RULEBOOK_TABLES:
        op.execute(
            f"create trigger raise_revision after insert or update or delete or truncate on app.{table}"
            " for each statement execute function app.raise_rulebook_revision()"
        )
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )


def _create_tables() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subdistrict_code", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("article", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("outcome in ('done', 'refused')", name=op.f("ck_audit_log_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        schema="app",
    )
    op.create_index(
        "ix_audit_log_object", "audit_log", ["object_kind", "object_id"], unique=False, schema="app"
    )
    op.create_table(
        "categories",
        sa.Column("standard_ref", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("major_code", sa.Text(), nullable=False),
        sa.Column("major_name", sa.Text(), nullable=False),
        sa.Column("major_name_en", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("minor", sa.Boolean(), nullable=False),
        sa.Column("evidence_required", sa.Boolean(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("auto_policy", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('part', 'matter')", name=op.f("ck_categories_kind")),
        sa.PrimaryKeyConstraint("standard_ref", "kind", "code", "valid_from", name=op.f("pk_categories")),
        schema="app",
    )
    op.create_table(
        "closing_conditions",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("category", name=op.f("pk_closing_conditions")),
        schema="app",
    )
    op.create_table(
        "duty_items",
        sa.Column("district_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("duty_role", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("lead_unit_kind", sa.Text(), nullable=False),
        sa.Column("lead_unit_code", sa.Text(), nullable=False),
        sa.CheckConstraint("legal_basis <> ''", name=op.f("ck_duty_items_legal_basis")),
        sa.PrimaryKeyConstraint("district_code", "version", "no", name=op.f("pk_duty_items")),
        schema="app",
    )
    op.create_table(
        "filing_conditions",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("category", "code", name=op.f("pk_filing_conditions")),
        schema="app",
    )
    op.create_table(
        "handling_limits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("area_class", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_handling_limits_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handling_limits")),
        sa.UniqueConstraint(
            "category",
            "area_class",
            "condition",
            "valid_from",
            name=op.f("uq_handling_limits_category_area_class_condition_valid_from"),
        ),
        schema="app",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivery_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("delivery_no", name=op.f("uq_outbox_delivery_no")),
        schema="app",
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["id"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("delivered_at is null"),
    )
    op.create_table(
        "rulebook_revision",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_rulebook_revision_one_row")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_rulebook_revision")),
        schema="app",
    )
    op.create_table(
        "stage_limits",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("state", "urgency", name=op.f("pk_stage_limits")),
        schema="app",
    )
    op.create_table(
        "work_calendars",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("slots", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("covered_from", sa.Date(), nullable=False),
        sa.Column("covered_until", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_calendars")),
        schema="app",
    )
    op.create_table(
        "calendar_days",
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["app.work_calendars.id"], name=op.f("fk_calendar_days_calendar_id")
        ),
        sa.PrimaryKeyConstraint("calendar_id", "day", name=op.f("pk_calendar_days")),
        schema="app",
    )
    op.create_geospatial_table(
        "subdistricts",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district_code", sa.Text(), nullable=False),
        sa.Column("district_name", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column(
            "outline",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("outline_note", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("approval_no", sa.Text(), nullable=True),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["app.work_calendars.id"], name=op.f("fk_subdistricts_calendar_id")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_subdistricts")),
        schema="app",
    )
    op.create_geospatial_index(
        "ix_subdistricts_outline",
        "subdistricts",
        ["outline"],
        unique=False,
        schema="app",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "base_features",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("layer in ('blocks', 'roads', 'buildings')", name=op.f("ck_base_features_layer")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_base_features_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_base_features")),
        schema="app",
    )
    op.create_geospatial_index(
        "ix_base_features_geom",
        "base_features",
        ["geom"],
        unique=False,
        schema="app",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_base_features_layer", "base_features", ["subdistrict_code", "layer"], unique=False, schema="app"
    )
    op.create_geospatial_table(
        "communities",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "outline",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("kind in ('residents', 'villagers')", name=op.f("ck_communities_kind")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_communities_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_communities")),
        schema="app",
    )
    op.create_geospatial_index(
        "ix_communities_outline",
        "communities",
        ["outline"],
        unique=False,
        schema="app",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        op.f("ix_communities_subdistrict_code"),
        "communities",
        ["subdistrict_code"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "routing_rule_sets",
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"],
            ["app.subdistricts.code"],
            name=op.f("fk_routing_rule_sets_subdistrict_code"),
        ),
        sa.PrimaryKeyConstraint("subdistrict_code", "version", name=op.f("pk_routing_rule_sets")),
        schema="app",
    )
    op.create_table(
        "units",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=True),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "kind in ('subdistrict_office', 'community', 'department', 'outpost', 'public_service', 'district')",
            name=op.f("ck_units_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_units_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_units")),
        schema="app",
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["unit_code"], ["app.units.code"], name=op.f("fk_people_unit_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("login", name=op.f("uq_people_login")),
        schema="app",
    )
    op.create_table(
        "cell_workers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cell_code", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("on_leave", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("duty in ('worker', 'leader', 'deputy')", name=op.f("ck_cell_workers_duty")),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_cell_workers_person_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_cell_workers_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell_workers")),
        schema="app",
    )
    op.create_index("ix_cell_workers_cell_code", "cell_workers", ["cell_code"], unique=False, schema="app")
    op.create_index("ix_cell_workers_person_id", "cell_workers", ["person_id"], unique=False, schema="app")
    op.create_table(
        "grid_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("base_map_version", sa.Text(), nullable=False),
        sa.Column("metric_srid", sa.Integer(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("report_card", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("subdistrict_code"), "="),
            (sa.text("tstzrange(valid_from, valid_to)"), "&&"),
            where=sa.text("status = 'published'"),
            using="gist",
            name="ex_grid_plans_one_in_force",
        ),
        sa.CheckConstraint(
            "status in ('draft', 'checked', 'reviewed', 'published', 'withdrawn')",
            name=op.f("ck_grid_plans_status"),
        ),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_grid_plans_validity")),
        sa.ForeignKeyConstraint(["published_by"], ["app.people.id"], name=op.f("fk_grid_plans_published_by")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_grid_plans_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_plans")),
        sa.UniqueConstraint(
            "subdistrict_code", "version", name=op.f("uq_grid_plans_subdistrict_code_version")
        ),
        schema="app",
    )
    op.create_table(
        "person_roles",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role in ('grid_worker', 'acceptor', 'shift_leader', 'dispatcher', 'handler', 'supervisor', 'director', 'district_officer', 'planner', 'administrator', 'auditor', 'system')",
            name=op.f("ck_person_roles_role"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_person_roles_person_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_person_roles_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("person_id", "role", "subdistrict_code", name=op.f("pk_person_roles")),
        schema="app",
    )
    op.create_table(
        "photos",
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["received_by"], ["app.people.id"], name=op.f("fk_photos_received_by")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_photos_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("subdistrict_code", "sha256", name=op.f("pk_photos")),
        schema="app",
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("datum", sa.Text(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("self_handled", sa.Boolean(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["reporter_id"], ["app.people.id"], name=op.f("fk_reports_reporter_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_reports_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        schema="app",
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["app.people.id"], name=op.f("fk_sessions_person_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sessions")),
        schema="app",
    )
    op.create_index(op.f("ix_sessions_person_id"), "sessions", ["person_id"], unique=False, schema="app")
    op.create_geospatial_table(
        "grid_cells",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("code ~ '^[0-9]{15}$'", name=op.f("ck_grid_cells_code")),
        sa.CheckConstraint("kind in ('duty', 'dedicated', 'unit')", name=op.f("ck_grid_cells_kind")),
        sa.CheckConstraint("substr(code, 1, 12) = community_code", name=op.f("ck_grid_cells_nested")),
        sa.ForeignKeyConstraint(
            ["community_code"], ["app.communities.code"], name=op.f("fk_grid_cells_community_code")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["app.grid_plans.id"], name=op.f("fk_grid_cells_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "code", name=op.f("pk_grid_cells")),
        schema="app",
    )
    op.create_geospatial_index(
        "ix_grid_cells_geom",
        "grid_cells",
        ["geom"],
        unique=False,
        schema="app",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "report_photos",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_report_photos_report_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code", "sha256"],
            ["app.photos.subdistrict_code", "app.photos.sha256"],
            name="fk_report_photos_photo",
        ),
        sa.PrimaryKeyConstraint("report_id", "position", name=op.f("pk_report_photos")),
        schema="app",
    )
    op.create_geospatial_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=False),
        sa.Column("cell_code", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("needs_confirmation", sa.Boolean(), nullable=False),
        sa.Column("needs_feedback", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.Text(), nullable=True),
        sa.Column("limit_amount", sa.Integer(), nullable=True),
        sa.Column("limit_unit", sa.Text(), nullable=True),
        sa.Column("clock_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_announced_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ruled", sa.Boolean(), nullable=False),
        sa.Column("rework_count", sa.Integer(), nullable=False),
        sa.Column("return_count", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("acted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("routing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("duty", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "place",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("h3", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state in ('reported', 'self_handled', 'accepted', 'filed', 'referred', 'handling', 'on_hold', 'handled', 'verified', 'closed', 'rejected', 'merged', 'voided')",
            name=op.f("ck_cases_state"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id", "cell_code"], ["app.grid_cells.plan_id", "app.grid_cells.code"], name="fk_cases_cell"
        ),
        sa.ForeignKeyConstraint(["report_id"], ["app.reports.id"], name=op.f("fk_cases_report_id")),
        sa.ForeignKeyConstraint(["unit_code"], ["app.units.code"], name=op.f("fk_cases_unit_code")),
        sa.ForeignKeyConstraint(["worker_id"], ["app.people.id"], name=op.f("fk_cases_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
        sa.UniqueConstraint("report_id", name=op.f("uq_cases_report_id")),
        schema="app",
    )
    op.create_index(
        "ix_cases_due",
        "cases",
        ["stage_due_at"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("state not in ('closed', 'rejected', 'merged', 'voided')"),
    )
    op.create_index("ix_cases_h3", "cases", ["h3"], unique=False, schema="app")
    op.create_index(
        "ix_cases_open", "cases", ["subdistrict_code", "state", "updated_at"], unique=False, schema="app"
    )
    op.create_geospatial_index(
        "ix_cases_place",
        "cases",
        ["place"],
        unique=False,
        schema="app",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_cases_reported", "cases", ["subdistrict_code", "reported_at"], unique=False, schema="app"
    )
    op.create_table(
        "cell_hexes",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("h3", sa.BigInteger(), nullable=False),
        sa.Column("cell_code", sa.Text(), nullable=False),
        sa.Column("wholly", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id", "cell_code"],
            ["app.grid_cells.plan_id", "app.grid_cells.code"],
            name="fk_cell_hexes_cell",
        ),
        sa.PrimaryKeyConstraint("plan_id", "h3", "cell_code", name=op.f("pk_cell_hexes")),
        schema="app",
    )
    op.create_table(
        "case_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status in ('pending', 'granted', 'refused')", name=op.f("ck_case_requests_status")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["app.people.id"], name=op.f("fk_case_requests_asked_by")),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_case_requests_case_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["app.people.id"], name=op.f("fk_case_requests_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_requests")),
        schema="app",
    )
    op.create_index(
        "uq_case_requests_one_pending",
        "case_requests",
        ["case_id", "action"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "case_steps",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_case_steps_case_id")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_case_steps")),
        sa.UniqueConstraint("command_id", name=op.f("uq_case_steps_command_id")),
        schema="app",
    )


def downgrade() -> None:
    for table in _RULEBOOK_TABLES + _APPEND_ONLY:
        op.execute(f"drop trigger if exists raise_revision on app.{table}")
        op.execute(f"drop trigger if exists append_only on app.{table}")
    op.execute("drop function app.raise_rulebook_revision()")
    op.execute("drop function app.refuse_rewriting()")
    op.execute("drop sequence app.case_number_seq")
    op.execute("drop sequence app.outbox_delivery_seq")
    op.drop_table("case_steps", schema="app")
    op.drop_index(
        "uq_case_requests_one_pending",
        table_name="case_requests",
        schema="app",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("case_requests", schema="app")
    op.drop_table("cell_hexes", schema="app")
    op.drop_index("ix_cases_reported", table_name="cases", schema="app")
    op.drop_geospatial_index(
        "ix_cases_place", table_name="cases", schema="app", postgresql_using="gist", column_name="place"
    )
    op.drop_index("ix_cases_open", table_name="cases", schema="app")
    op.drop_index("ix_cases_h3", table_name="cases", schema="app")
    op.drop_index(
        "ix_cases_due",
        table_name="cases",
        schema="app",
        postgresql_where=sa.text("state not in ('closed', 'rejected', 'merged', 'voided')"),
    )
    op.drop_geospatial_table("cases", schema="app")
    op.drop_table("report_photos", schema="app")
    op.drop_geospatial_index(
        "ix_grid_cells_geom",
        table_name="grid_cells",
        schema="app",
        postgresql_using="gist",
        column_name="geom",
    )
    op.drop_geospatial_table("grid_cells", schema="app")
    op.drop_index(op.f("ix_sessions_person_id"), table_name="sessions", schema="app")
    op.drop_table("sessions", schema="app")
    op.drop_table("reports", schema="app")
    op.drop_table("photos", schema="app")
    op.drop_table("person_roles", schema="app")
    op.drop_table("grid_plans", schema="app")
    op.drop_index("ix_cell_workers_person_id", table_name="cell_workers", schema="app")
    op.drop_index("ix_cell_workers_cell_code", table_name="cell_workers", schema="app")
    op.drop_table("cell_workers", schema="app")
    op.drop_table("people", schema="app")
    op.drop_table("units", schema="app")
    op.drop_table("routing_rule_sets", schema="app")
    op.drop_index(op.f("ix_communities_subdistrict_code"), table_name="communities", schema="app")
    op.drop_geospatial_index(
        "ix_communities_outline",
        table_name="communities",
        schema="app",
        postgresql_using="gist",
        column_name="outline",
    )
    op.drop_geospatial_table("communities", schema="app")
    op.drop_index("ix_base_features_layer", table_name="base_features", schema="app")
    op.drop_geospatial_index(
        "ix_base_features_geom",
        table_name="base_features",
        schema="app",
        postgresql_using="gist",
        column_name="geom",
    )
    op.drop_geospatial_table("base_features", schema="app")
    op.drop_geospatial_index(
        "ix_subdistricts_outline",
        table_name="subdistricts",
        schema="app",
        postgresql_using="gist",
        column_name="outline",
    )
    op.drop_geospatial_table("subdistricts", schema="app")
    op.drop_table("calendar_days", schema="app")
    op.drop_table("work_calendars", schema="app")
    op.drop_table("stage_limits", schema="app")
    op.drop_table("rulebook_revision", schema="app")
    op.drop_index(
        "ix_outbox_waiting",
        table_name="outbox",
        schema="app",
        postgresql_where=sa.text("delivered_at is null"),
    )
    op.drop_table("outbox", schema="app")
    op.drop_table("handling_limits", schema="app")
    op.drop_table("filing_conditions", schema="app")
    op.drop_table("duty_items", schema="app")
    op.drop_table("closing_conditions", schema="app")
    op.drop_table("categories", schema="app")
    op.drop_index("ix_audit_log_object", table_name="audit_log", schema="app")
    op.drop_table("audit_log", schema="app")
