"""gridmgmt db: the embedded database and the schema."""

from typing import Annotated

import typer

from gridmgmt.cli.console import console, settings_with_database

app = typer.Typer(help="The embedded PostgreSQL + PostGIS, and the schema.", no_args_is_help=True)


@app.command()
def up() -> None:
    """Start the embedded database; nothing happens when it runs."""
    settings = settings_with_database()
    console.print(settings.require_database_url(), highlight=False)


@app.command()
def down() -> None:
    """Stop the embedded database; the data stay."""
    from gridmgmt.settings import load_settings
    from gridmgmt.storage.embedded import default_cluster

    default_cluster(load_settings().home).down()


@app.command()
def status() -> None:
    """Whether the embedded database answers, and where it lives."""
    from gridmgmt.settings import load_settings
    from gridmgmt.storage.embedded import ClusterState, default_cluster

    state = default_cluster(load_settings().home).status()
    console.print(state, highlight=False)
    raise typer.Exit(0 if state.state is ClusterState.RUNNING else 3)


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    from gridmgmt.storage import schema

    schema.migrate(settings_with_database().require_database_url())
    console.print(f"schema {schema.head_revision()}")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything in the embedded database and begin anew. Not for a database given by URL."""
    from gridmgmt.errors import NotAllowed
    from gridmgmt.sealer import memory_of
    from gridmgmt.settings import load_settings
    from gridmgmt.storage import schema
    from gridmgmt.storage.embedded import DATABASE, default_cluster

    settings = load_settings()
    settings.require_demo()
    if settings.database_url is not None:
        raise NotAllowed("A database given by URL is reset by its own administrator, not from here.")
    if not yes:
        typer.confirm("Delete all cases, plans and people in the embedded database?", abort=True)
    cluster = default_cluster(settings.home)
    cluster.up()
    cluster.drop(DATABASE)
    schema.migrate(cluster.ensure_database(DATABASE))
    # The new log begins with nothing; the sealer would take the emptied one for a rolled-back one.
    memory_of(settings, DATABASE).forget()
    console.print("The database is empty and ready.")
