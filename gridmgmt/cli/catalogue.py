"""gridmgmt catalogue: take tables of classes and limits into a database that is in use."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console

if TYPE_CHECKING:
    from gridmgmt.storage.db import Db

app = typer.Typer(help="Classes, conditions and limits.", no_args_is_help=True)


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="Named like the tables: handling_limits.csv."),
    ],
    why: Annotated[str, typer.Option(help="Why; kept with every case that it moves.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; store nothing.")
    ] = False,
) -> None:
    """Add and change rows of catalogue tables, check the whole, and compute the open deadlines anew.

    A row whose key is known (for a limit: class, area, condition and first day) is changed, any other is
    added, and none is removed.
    """
    from gridmgmt.cli.changing import change_rules
    from gridmgmt.services import cataloguing
    from gridmgmt.storage import people

    given = {file.stem: _rows(file) for file in files}

    def change(db: "Db") -> list[str]:
        taken = cataloguing.take_in(db, given, datetime.now(UTC).date())
        table = Table("table", "new", "changed", "as before")
        for name, counts in taken.items():
            table.add_row(name, str(counts.new), str(counts.changed), str(counts.same))
        console.print(table)
        return people.subdistricts_in_scope(db)

    change_rules(change, why, dry_run=dry_run)


@app.command("areas")
def areas(
    subdistrict: Annotated[str, typer.Option("--subdistrict", help="Nine-digit code of the subdistrict.")],
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="CSV: community_code, area_class (empty for none)."),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; store nothing.")
    ] = False,
) -> None:
    """Show the area class of each community, or set it: it chooses among limits that differ by area.

    It holds for what is reported from now on; cases keep the class that they were opened with.
    """
    from gridmgmt.cli.console import settings_with_database
    from gridmgmt.services import cataloguing
    from gridmgmt.storage import grids
    from gridmgmt.storage.db import make_engine, savepoint, transaction
    from gridmgmt.storage.rights.walls import Acting

    settings = settings_with_database()
    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-catalogue")
    try:
        with transaction(engine, Acting.setup([subdistrict])) as db:
            before = grids.area_classes(db, subdistrict)
            changed = {}
            if file is not None:
                with savepoint(db) as undo:
                    changed = cataloguing.set_areas(db, subdistrict, _rows(file))
                    if dry_run:
                        undo.rollback()
    finally:
        engine.dispose()
    table = Table("community", "name", "area class", "would be" if dry_run else "is")
    for code, (name, area_class) in before.items():
        if file is None or code in changed:
            table.add_row(code, name, area_class or "-", changed.get(code, ("", area_class))[1] or "-")
    console.print(table)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as rows:
        return list(csv.DictReader(rows))
