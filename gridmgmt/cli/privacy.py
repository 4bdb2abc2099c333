"""gridmgmt exports and gridmgmt privacy: whose copy a file is, how long what is kept."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console, settings_with_database

exports_app = typer.Typer(help="Exports: whose copy a file is.", no_args_is_help=True)
privacy_app = typer.Typer(help="Personal data: how long they are kept.", no_args_is_help=True)


@exports_app.callback()
def _exports() -> None:
    """Keep ``trace`` a command of its own, although it is the only one."""


@exports_app.command()
def trace(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .csv, .geojson or .gpkg.")],
) -> None:
    """Whose copies a file was made of, by the marks in its times and degrees; exit code 3 for nobody's."""
    from gridmgmt.adapters.keyring import open_key_ring
    from gridmgmt.services import exporting
    from gridmgmt.storage import people
    from gridmgmt.storage.db import act_as, make_engine, transaction
    from gridmgmt.storage.rights.walls import NOBODY, Acting

    settings = settings_with_database()
    keys = open_key_ring(settings.key_file_in_use, settings.key_dir, make=False)
    engine = make_engine(settings.require_worker_url(), pool_size=1)
    with transaction(engine, NOBODY, read_only=True) as db:
        codes = people.every_subdistrict(db)
        act_as(db, Acting.system(codes))
        suspects = exporting.trace(db, keys, codes, file)
    table = Table("export", "recipient", "purpose", "made", "values with its mark", "by chance")
    for one in suspects:
        found = one.evidence
        table.add_row(
            str(one.export_id),
            one.recipient,
            one.purpose,
            one.ready_at.isoformat(timespec="minutes"),
            f"{found.matching} of {found.values}",
            f"{found.chance:.0e}",
        )
    console.print(table if suspects else "The file bears nobody's marks.")
    raise typer.Exit(0 if suspects else 3)


@privacy_app.command()
def retention() -> None:
    """How long each class is kept, and where that comes from.

    Counted from the end of the case; a track from the end of its shift, a notification from telling.
    """
    from gridmgmt.storage import retention as kept
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    engine = make_engine(settings_with_database().require_migration_url(), pool_size=1)
    with transaction(engine, Acting.setup(()), read_only=True) as db:
        classes = kept.classes(db)
    table = Table("class", "name", "days", "source")
    for row in classes:
        table.add_row(row["code"], row["name"], str(row["keep_days"]), row["source"])
    console.print(table)


@privacy_app.command("set-retention")
def set_retention(
    code: Annotated[str, typer.Argument(help="contact, resident_text, track or notification.")],
    days: Annotated[
        int,
        typer.Argument(min=1, max=36_500, help="Days after the end of a case or shift, or after telling."),
    ],
    source: Annotated[str, typer.Option(help="The document that says so.")],
) -> None:
    """Keep a class for another time; holds for what is there already."""
    from gridmgmt.errors import InvalidInput
    from gridmgmt.storage import retention as kept
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    if code not in set(kept.RetentionClass):
        raise InvalidInput("There is no such class.", known=sorted(kept.RetentionClass))
    engine = make_engine(settings_with_database().require_migration_url(), pool_size=1)
    with transaction(engine, Acting.setup(())) as db:
        kept.set_period(db, kept.RetentionClass(code), days, source)
    retention()
