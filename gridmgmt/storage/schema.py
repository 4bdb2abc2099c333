"""Bringing a database to the schema of this version, and asking which one it has."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import SCHEMA

_HERE = Path(__file__).parent / "migrations"


def _config(url: str | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def migrate(url: str, *, to: str = "head") -> None:
    """Upgrade the database at ``url``; one that is there already is left alone."""
    command.upgrade(_config(url), to)


def downgrade(url: str, *, to: str) -> None:
    """Step back; only tests and a person who knows why do this."""
    command.downgrade(_config(url), to)


def new_revision(url: str, message: str) -> None:
    """Write the next migration from what the tables say and the database lacks."""
    command.revision(_config(url), message=message, autogenerate=True)


def head_revision() -> str:
    """The revision that this version of the code expects."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def current_revision(db: Db) -> str | None:
    """The revision that the database has; None for an empty one."""
    known = db.execute(text("select to_regclass('app.schema_revision')")).scalar()
    if known is None:
        return None
    return db.execute(text("select version_num from app.schema_revision")).scalar()


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
