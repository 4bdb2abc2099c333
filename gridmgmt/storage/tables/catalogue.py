"""Dated data that rules are made of: classes, limits, duty lists, routing rules, calendars.

The columns are those of the tables in ``data/catalogue``, so that a row from a file and a row from
here go through the same parser of the domain and are refused for the same faults. Any change to
these tables (and to plans, rosters, units) raises ``rulebook_revision`` by a trigger: a process knows
from one integer whether what it holds in memory is still true.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from gridmgmt.storage.tables.base import instant, metadata

categories = Table(
    "categories",
    metadata,
    Column("standard_ref", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("major_code", Text, nullable=False),
    Column("major_name", Text, nullable=False),
    Column("major_name_en", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("minor", Boolean, nullable=False),
    Column("evidence_required", Boolean, nullable=False),
    Column("emergency", Boolean, nullable=False),
    Column("auto_policy", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("standard_ref", "kind", "code", "valid_from"),
    CheckConstraint("kind in ('part', 'matter')", name="kind"),
)

handling_limits = Table(
    "handling_limits",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("category", Text, nullable=False),
    Column("area_class", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    CheckConstraint("amount > 0", name="amount"),
    UniqueConstraint("category", "area_class", "condition", "valid_from"),
)

# Parts of the work with their own limits (停工 → 处罚 → 拆除); the last one is the handling limit.
handling_milestones = Table(
    "handling_milestones",
    metadata,
    Column("category", Text, nullable=False),
    Column("no", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    CheckConstraint("amount > 0 and no > 0", name="amount"),
    PrimaryKeyConstraint("category", "no", "valid_from"),
)

stage_limits = Table(
    "stage_limits",
    metadata,
    Column("state", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("state", "urgency"),
)

filing_conditions = Table(
    "filing_conditions",
    metadata,
    Column("category", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("category", "code"),
)

closing_conditions = Table(
    "closing_conditions",
    metadata,
    Column("category", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
)

# What residents call classes; nothing is decided by these three.
category_synonyms = Table(
    "category_synonyms",
    metadata,
    Column("category", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("category", "word"),
)

category_phrases = Table(
    "category_phrases",
    metadata,
    # Empty: of every street. A street's own come in place of them, class by class.
    Column("subdistrict_code", Text, nullable=False, server_default=""),
    Column("category", Text, nullable=False),
    Column("no", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("source", Text, nullable=False),
    CheckConstraint("no > 0", name="no"),
    PrimaryKeyConstraint("subdistrict_code", "category", "no"),
)

spellings = Table(
    "spellings",
    metadata,
    # A class's name or another word for it, and its Pinyin.
    Column("text", Text, primary_key=True),
    Column("pinyin", Text, nullable=False),
    Column("source", Text, nullable=False),
)

duty_items = Table(
    "duty_items",
    metadata,
    Column("district_code", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("effective_to", Date),
    Column("published_on", Date),
    Column("no", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("duty_role", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("lead_unit_kind", Text, nullable=False),
    Column("lead_unit_code", Text, nullable=False),
    PrimaryKeyConstraint("district_code", "version", "no"),
    # An item without its legal basis cannot be published (R07a).
    CheckConstraint("legal_basis <> ''", name="legal_basis"),
)

routing_rule_sets = Table(
    "routing_rule_sets",
    metadata,
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("version", Text, nullable=False),
    # The document that domain.routing.parse_rules reads; the newest published set is the one in use.
    Column("document", JSONB, nullable=False),
    instant("published_at"),
    # The first day it is in use; null: from its publication on.
    Column("valid_from", Date),
    PrimaryKeyConstraint("subdistrict_code", "version"),
)

work_calendars = Table(
    "work_calendars",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("slots", JSONB, nullable=False),
    Column("covered_from", Date, nullable=False),
    Column("covered_until", Date, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
)

# Every calendar as it was, so that a deadline of then can be explained; appended to, never changed.
calendar_versions = Table(
    "calendar_versions",
    metadata,
    Column("calendar_id", Text, ForeignKey("app.work_calendars.id"), nullable=False),
    Column("version", Integer, nullable=False),
    instant("at"),
    Column("why", Text, nullable=False),
    Column("source", Text, nullable=False),
    # Slots, days that differ from their weekday, and the days that are covered.
    Column("document", JSONB, nullable=False),
    PrimaryKeyConstraint("calendar_id", "version"),
)

calendar_days = Table(
    "calendar_days",
    metadata,
    Column("calendar_id", Text, ForeignKey("app.work_calendars.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("working", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("calendar_id", "day"),
)

rulebook_revision = Table(
    "rulebook_revision",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    CheckConstraint("singleton", name="one_row"),
)
