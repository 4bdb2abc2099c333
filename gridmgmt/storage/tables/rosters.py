"""Rosters 排班: shifts and leaves of people. They are part of the rulebook, as who works in which cell is."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    Time,
    Uuid,
)

from gridmgmt.storage.tables.base import metadata

duty_shifts = Table(
    "duty_shifts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    # What the person is on duty for, beside his own cells or desk; a community is a unit too.
    Column("unit_code", Text, ForeignKey("app.units.code")),
    Column("cell_code", Text),
    # Days of the week that the shift begins on, Monday being 1: '12345', '67'.
    Column("weekdays", Text, nullable=False),
    # Local times; an end that is not after the start lies on the next day.
    Column("starts", Time, nullable=False),
    Column("ends", Time, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    CheckConstraint("weekdays ~ '^1?2?3?4?5?6?7?$' and weekdays <> ''", name="weekdays"),
    CheckConstraint("valid_to > valid_from", name="period"),
    Index("ix_duty_shifts_person_id", "person_id"),
)

leaves = Table(
    "leaves",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("person_id", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("valid_from", Date, nullable=False),
    # The first day back.
    Column("valid_to", Date, nullable=False),
    Column("deputy_id", Uuid, ForeignKey("app.people.id")),
    CheckConstraint("valid_to > valid_from", name="period"),
    CheckConstraint("deputy_id <> person_id", name="deputy"),
    Index("ix_leaves_person_id", "person_id"),
)
