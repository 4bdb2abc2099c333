"""Alembic's entry. The connection comes from ``gridmgmt.storage.schema``; there is no alembic.ini."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection

from gridmgmt.storage.migrations.hooks import include_name, include_object
from gridmgmt.storage.tables import SCHEMA, metadata


def run(connection: Connection) -> None:
    """Bring one connection's database to the wanted revision."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        include_name=include_name,
        include_schemas=True,
        version_table="schema_revision",
        version_table_schema=SCHEMA,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
