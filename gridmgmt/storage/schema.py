"""Bringing a database to the schema of this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.exc import DBAPIError, OperationalError

from gridmgmt.errors import NotPrepared
from gridmgmt.storage.revision import current_revision, head_revision
from gridmgmt.storage.rights import policies
from gridmgmt.storage.rights.walls import OWNER
from gridmgmt.storage.tables import SCHEMA

_HERE = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config


def migrate(url: str, *, to: str = "head") -> None:
    """Upgrade the database at ``url`` and write the rights; one that is there already is left alone.

    Parameters
    ----------
    url : of a login that may become the owner of schema ``app`` (``gridmgmt_migrate``), in a database
        that was prepared (:func:`gridmgmt.storage.rights.prepare.prepare`).

    Raises
    ------
    NotPrepared
        There is no owner, or the login may not become it.
    """
    with _owner_of(url) as (connection, config):
        if current_revision(connection) != head_revision():
            # A migration may change what policies rest on, and must see the rows that it moves.
            policies.lift(connection)
        command.upgrade(config, to)
        if to == "head":
            policies.apply(connection)
        connection.commit()


def downgrade(url: str, *, to: str) -> None:
    """Step back; only tests and a person who knows why do this. Rights are gone until the next migrate."""
    with _owner_of(url) as (connection, config):
        policies.lift(connection)
        command.downgrade(config, to)
        connection.commit()


def new_revision(url: str, message: str) -> None:
    """Write the next migration from what the tables say and the database lacks."""
    with _owner_of(url) as (_connection, config):
        command.revision(config, message=message, autogenerate=True)


@contextmanager
def _owner_of(url: str) -> Iterator[tuple[Connection, Config]]:
    """A connection that acts as the owner of schema ``app``; one at a time in a database."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        try:
            connection.execute(text(f"set role {OWNER}"))
        except DBAPIError as exc:
            if exc.connection_invalidated or isinstance(exc, OperationalError):
                raise
            raise NotPrepared(
                "This database is not prepared: a superuser runs what gridmgmt db prepare --print says.",
                role=OWNER,
            ) from exc
        # The audit log's structure changes only for whoever says that he is a migration.
        connection.execute(text("set app.migration = 'alembic'"))
        # A migration that waits for a lock holds up everybody behind it: give up and try later.
        connection.execute(text("set lock_timeout = '5s'"))
        connection.execute(text("set statement_timeout = '60s'"))
        connection.execute(text("select pg_advisory_lock(hashtextextended('gridmgmt migrate', 0))"))
        connection.commit()
        config = _config()
        config.attributes["connection"] = connection
        yield connection, config


def pending_changes(url: str) -> list[object]:
    """Differences between the tables in the code and the database; empty when they agree."""
    from gridmgmt.storage.migrations import hooks  # noqa: PLC0415  Alembic only, never at run time
    from gridmgmt.storage.tables import metadata  # noqa: PLC0415

    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": hooks.include_object,
                "include_name": hooks.include_name,
                "include_schemas": True,
                "version_table": "schema_revision",
                "version_table_schema": SCHEMA,
                "compare_type": True,
            },
        )
        return list(compare_metadata(context, metadata))
