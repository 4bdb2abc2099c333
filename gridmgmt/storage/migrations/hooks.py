"""What Alembic compares: our schema and nothing else."""

from typing import Any

from geoalchemy2 import alembic_helpers

from gridmgmt.storage.tables import SCHEMA


def include_object(  # Alembic calls it with these five, by position
    object_: Any,
    name: str | None,
    type_: str,
    reflected: bool,  # noqa: FBT001
    compare_to: Any,
) -> bool:
    """Only our schema: PostGIS's own tables and those of other tools are not ours to drop."""
    if type_ == "table" and name == "schema_revision":
        return False
    if type_ == "table" and reflected and compare_to is None:
        return bool(object_.schema == SCHEMA)
    kept = alembic_helpers.include_object(object_, name, type_, reflected, compare_to)
    return bool(kept)


def include_name(name: str | None, type_: str, parent_names: Any) -> bool:  # noqa: ARG001  Alembic's hook
    """Look into schema ``app`` only."""
    return name == SCHEMA if type_ == "schema" else True
