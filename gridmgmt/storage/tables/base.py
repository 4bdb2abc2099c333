"""Metadata, naming convention and the column kinds that every table shares."""

from enum import StrEnum

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Text, text

from gridmgmt.geo.crs import GEOGRAPHIC_SRID
from gridmgmt.geo.gate import CHINA, LIMITS, Kind

SCHEMA = "app"
MOST_VERTICES = LIMITS[Kind.BOUNDARY].vertices

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)


def geometry(kind: str) -> Geometry:
    """The one geometry type: CGCS2000 geographic, no index of its own accord."""
    return Geometry(geometry_type=kind, srid=GEOGRAPHIC_SRID, spatial_index=False)


def geometry_limits(column: str, most_vertices: int) -> CheckConstraint:
    """Valid, not too large, in China: what no way in lets through the table refuses too."""
    edges = ", ".join(f"{edge:g}" for edge in CHINA)
    box = f"st_makeenvelope({edges}, {GEOGRAPHIC_SRID})"
    return CheckConstraint(
        f"case when st_npoints({column}) between 1 and {most_vertices}"
        f" then st_isvalid({column}) and {column} @ {box} else {column} is null end",
        name=f"{column}_limits",
    )


def instant(name: str, *, nullable: bool = False) -> Column[object]:
    """A ``timestamptz`` column."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def words(
    name: str, values: type[StrEnum], default: StrEnum | None = None
) -> tuple[Column[str], CheckConstraint]:
    """A text column that holds only the full English words of an enum, and the check for it."""
    listed = ", ".join(f"'{v.value}'" for v in values)
    given = None if default is None else text(f"'{default.value}'")
    column = Column(name, Text, nullable=False, server_default=given)
    return column, CheckConstraint(f"{name} in ({listed})", name=name)
