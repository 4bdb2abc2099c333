"""Alembic's entry. The URL comes from ``gridmgmt.storage.schema``; there is no alembic.ini."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, create_engine, pool, text

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


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        # A migration that waits for a lock holds up everybody behind it: give up and try later.
        connection.execute(text("set lock_timeout = '5s'"))
        connection.execute(text("set statement_timeout = '60s'"))
        # The audit log's structure changes only for whoever says that he is a migration.
        connection.execute(text("set app.migration = 'alembic'"))
        connection.execute(text(f"create schema if not exists {SCHEMA}"))
        connection.commit()
        run(connection)
