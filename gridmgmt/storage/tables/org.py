"""Subdistricts, communities, responsible units, people, roles."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    column,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from gridmgmt.domain.administrators import THE_THREE
from gridmgmt.domain.org import CommunityKind, Role, UnitKind
from gridmgmt.storage.tables.base import MOST_VERTICES, geometry, geometry_limits, metadata, words

_THREE = ", ".join(f"'{role}'" for role in sorted(THE_THREE))

subdistricts = Table(
    "subdistricts",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("district_code", Text, nullable=False),
    Column("district_name", Text, nullable=False),
    Column("head", Text, nullable=False),
    Column("outline", geometry("MULTIPOLYGON"), nullable=False),
    Column("outline_note", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("approval_no", Text),
    Column("calendar_id", Text, ForeignKey("app.work_calendars.id"), nullable=False),
    geometry_limits("outline", MOST_VERTICES),
    Index("ix_subdistricts_outline", "outline", postgresql_using="gist"),
)

communities = Table(
    "communities",
    metadata,
    Column("code", Text, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    *words("kind", CommunityKind),
    # 区域类别: limits may depend on it; empty means any.
    Column("area_class", Text, nullable=False, server_default=""),
    Column("outline", geometry("MULTIPOLYGON"), nullable=False),
    geometry_limits("outline", MOST_VERTICES),
    Index("ix_communities_outline", "subdistrict_code", "outline", postgresql_using="gist"),
)

units = Table(
    "units",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    *words("kind", UnitKind),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code")),
    Column("parent_code", Text),
    Column("active", Boolean, nullable=False, server_default=true()),
)

people = Table(
    "people",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("unit_code", Text, ForeignKey("app.units.code")),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("synthetic", Boolean, nullable=False),
    # Where somebody belongs who has no role yet; the administrators of that street look after him.
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code")),
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    *words("role", Role),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    PrimaryKeyConstraint("person_id", "role", "subdistrict_code"),
    # Whoever is one of the three administrators is nothing else, however grants race each other.
    ExcludeConstraint(
        (column("person_id"), "="),
        (text(f"(case when role in ({_THREE}) then role else 'business' end)"), "<>"),
        using="gist",
        name="ex_person_roles_administrators_apart",
    ),
)
