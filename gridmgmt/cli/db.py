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
def prepare(
    print_: Annotated[
        bool, typer.Option("--print", help="Print the statements for a superuser to run in the database.")
    ] = False,
) -> None:
    """Roles, extensions and ownership: the step that needs a superuser; the embedded database needs none."""
    from gridmgmt.errors import InvalidInput
    from gridmgmt.settings import load_settings
    from gridmgmt.storage.rights.prepare import PREPARE_FILE

    if print_:
        typer.echo(PREPARE_FILE.read_text(encoding="utf-8"))
        return
    if load_settings().database_url is not None:
        raise InvalidInput("Pipe what --print prints into psql as the superuser of your database server.")
    settings_with_database()
    console.print("The embedded database is prepared.")


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    from gridmgmt.storage import schema
    from gridmgmt.storage.revision import head_revision

    schema.migrate(settings_with_database().require_migration_url())
    console.print(f"schema {head_revision()}")


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")] = False,
) -> None:
    """Whether schema and rights are those of this version, and the server keeps what is promised.

    Exit code 1: schema or rights deviate; 3: the server's settings may lose acknowledged records.
    """
    import json
    from dataclasses import asdict

    from rich.table import Table

    from gridmgmt.cli.safety import findings_of, require_schema_and_rights
    from gridmgmt.storage.server_check import Severity

    settings = settings_with_database()
    revision = require_schema_and_rights(settings)
    found = findings_of(settings)
    if as_json:
        typer.echo(json.dumps({"schema": revision, "settings": [asdict(f) for f in found]}))
    else:
        console.print(f"schema {revision}, rights as written")
        table = Table("setting", "is", "should be", "verdict", "because")
        for f in found:
            good = f.severity is Severity.FINE
            table.add_row(f.setting, f.value, f.wanted, f.severity.value, "" if good else f.why)
        console.print(table)
    raise typer.Exit(3 if any(f.severity is Severity.UNSAFE for f in found) else 0)


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
    from gridmgmt.storage.rights.prepare import prepare
    from gridmgmt.storage.rights.walls import Login

    settings = load_settings()
    settings.require_demo()
    if settings.database_url is not None:
        raise NotAllowed("A database given by URL is reset by its own administrator, not from here.")
    if not yes:
        typer.confirm("Delete all cases, plans and people in the embedded database?", abort=True)
    cluster = default_cluster(settings.home)
    cluster.up()
    cluster.drop(DATABASE)
    prepare(cluster.ensure_database(DATABASE))
    schema.migrate(cluster.dsn(user=Login.MIGRATE))
    # The new log begins with nothing; the sealer would take the emptied one for a rolled-back one.
    memory_of(settings, DATABASE).forget()
    console.print("The database is empty and ready.")
