"""gridmgmt roster: a street's shifts and leaves from two tables, and who works in the cells of a plan."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridmgmt.cli.console import console, reading, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.errors import InvalidInput

app = typer.Typer(help="Shifts, leaves, and who works in which cell 排班.", no_args_is_help=True)
Subdistrict = Annotated[str, typer.Option("--subdistrict", help="Nine-digit code of the subdistrict.")]
_STAFF_COLUMNS = ("cell_code", "login", "duty", "valid_from", "valid_to")


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
    subdistrict: Subdistrict,
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
        _tell_faults(fault)
        raise
    finally:
        engine.dispose()
    done = "would be" if dry_run else "are"
    console.print(
        f"shifts: {replaced.shifts_new} {done} new, {replaced.shifts_gone} {done} gone;"
        f" leaves: {replaced.leaves_new} {done} new, {replaced.leaves_gone} {done} gone",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


@app.command()
def propose(
    plan: Annotated[str, typer.Argument(help="Id of the plan that is to begin.")],
    staff: Annotated[Path, typer.Argument(help="CSV to write; change it, then hand it to `assign`.")],
    subdistrict: Subdistrict,
) -> None:
    """Propose who works in the cells of a plan: whoever had most of the ground; nothing is stored."""
    import uuid

    from gridmgmt.services import staffing
    from gridmgmt.storage import rosters
    from gridmgmt.storage.rights.walls import Acting

    url = settings_with_database().require_migration_url()
    with reading(url, Acting.setup([subdistrict])) as db:
        proposed = staffing.proposed_for(db, subdistrict, uuid.UUID(plan))
        logins = {person: login for login, person in rosters.people_of(db, subdistrict).items()}
    with staff.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_STAFF_COLUMNS)
        for entry in proposed.entries:
            rows.writerow((entry.cell_code, logins[entry.person_id], entry.role, entry.valid_from, ""))
    console.print(f"{len(proposed.entries)} assignments → {staff}", highlight=False, soft_wrap=True)
    for code in proposed.nobody:
        console.print(f"nobody for {code}", highlight=False)


@app.command()
def assign(
    staff: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=f"CSV: {', '.join(_STAFF_COLUMNS)}.")
    ],
    subdistrict: Subdistrict,
) -> None:
    """Assign people to cells by a table; assignments that are there already stay."""
    from gridmgmt.errors import InvalidInput
    from gridmgmt.services import staffing
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    settings = settings_with_database()
    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-roster")
    try:
        with transaction(engine, Acting.setup([subdistrict])) as db:
            given, new = staffing.assign(db, subdistrict, _rows(staff))
    except InvalidInput as fault:
        _tell_faults(fault)
        raise
    finally:
        engine.dispose()
    console.print(f"{new} of {given} assignments are new", highlight=False)


def _tell_faults(fault: "InvalidInput") -> None:
    for one in fault.facts.get("faults", ()):
        console.print(
            f"{fault.facts['table']}, row {one['row']}, {one['column'] or 'whole row'}: {one['fault']}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as rows:
        return list(csv.DictReader(rows))
