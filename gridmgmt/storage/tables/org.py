"""Subdistricts, communities, responsible units, people, roles, sessions."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    true,
)

from gridmgmt.domain.org import CommunityKind, Role, UnitKind
from gridmgmt.storage.tables.base import geometry, instant, metadata, words

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
    Index("ix_subdistricts_outline", "outline", postgresql_using="gist"),
)

communities = Table(
    "communities",
    metadata,
    Column("code", Text, primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    *words("kind", CommunityKind),
    Column("outline", geometry("MULTIPOLYGON"), nullable=False),
    Index("ix_communities_outline", "outline", postgresql_using="gist"),
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
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    *words("role", Role),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    PrimaryKeyConstraint("person_id", "role", "subdistrict_code"),
)

sessions = Table(
    "sessions",
    metadata,
    # Only the hash: whoever reads the table cannot sign in with it.
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False, index=True),
    instant("created_at"),
    instant("expires_at"),
    instant("revoked_at", nullable=True),
)
