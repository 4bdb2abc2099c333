"""gridmgmt roster: take a street's shifts and leaves in from two tables."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from gridmgmt.cli.console import console, settings_with_database

app = typer.Typer(help="Shifts and leaves 排班.", no_args_is_help=True)


@app.callback()
def _roster() -> None:
    """Keep ``import`` a command of its own, although it is the only one."""


@app.command("import")
def import_(
    shifts: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV: login, weekdays (12345), starts, ends, valid_from, valid_to, unit_code, cell_code.",
        ),
    ],
    leaves: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV: login, valid_from, valid_to (first day back), deputy."
        ),
    ],
    subdistrict: Annotated[str, typer.Option("--subdistrict", help="Nine-digit code of the subdistrict.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; store nothing.")
    ] = False,
) -> None:
    """Replace the roster of a street by what the two tables say; rows that are in neither end."""
    from gridmgmt.domain.rostering import parse_roster
    from gridmgmt.errors import InvalidInput
    from gridmgmt.services import rostering
    from gridmgmt.storage import rosters
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    settings = settings_with_database()
    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-roster")
    try:
        with transaction(engine, Acting.setup([subdistrict])) as db:
            rosters.lock(db, subdistrict)
            known = rostering.known_of(db, subdistrict)
            given = parse_roster(_rows(shifts), _rows(leaves), known)
            if dry_run:
                replaced = rostering.compare(rosters.kept(db, subdistrict), given)
            else:
                replaced = rostering.replace_roster(db, subdistrict, given)
    except InvalidInput as fault:
        for one in fault.facts.get("faults", ()):
            console.print(
                f"{fault.facts['table']}, row {one['row']}, {one['column'] or 'whole row'}: {one['fault']}",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
        raise
    finally:
        engine.dispose()
    done = "would be" if dry_run else "are"
    console.print(
        f"shifts: {replaced.shifts_new} {done} new, {replaced.shifts_gone} {done} gone;"
        f" leaves: {replaced.leaves_new} {done} new, {replaced.leaves_gone} {done} gone",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as rows:
        return list(csv.DictReader(rows))
