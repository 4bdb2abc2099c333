"""gridmgmt ladder: which share of a limit tells whom in a street."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from gridmgmt.cli.console import console, settings_with_database
from gridmgmt.domain.rows import Faults, Row

app = typer.Typer(help="Who is told when a limit runs out 逐级督促.", no_args_is_help=True)

Street = Annotated[str, typer.Option("--subdistrict", help="Nine-digit code of the subdistrict.")]


@app.command("show")
def show(subdistrict: Street) -> None:
    """Print the rungs of a street: its own, or the default."""
    from gridmgmt.domain.ladder import DEFAULT_RUNGS
    from gridmgmt.storage import ladders
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    settings = settings_with_database()
    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-ladder")
    try:
        with transaction(engine, Acting.setup([subdistrict]), read_only=True) as db:
            own = ladders.rungs_of(db, subdistrict)
    finally:
        engine.dispose()
    console.print("the street's own" if own else "the default", highlight=False)
    for rung in own or DEFAULT_RUNGS:
        levels = ", ".join(rung.levels)
        within = f"acknowledged within {rung.acknowledge_minutes} min" if rung.acknowledge_minutes else ""
        console.print(f"{rung.no}  {rung.percent:4} %  {levels}  {within}".rstrip(), highlight=False)


@app.command("aside")
def aside() -> None:
    """Cases that the ladder could not look at for a fault of the program; exit 3 where there are any."""
    from gridmgmt.storage import ladders
    from gridmgmt.storage.db import make_engine
    from gridmgmt.worker import for_every_subdistrict

    settings = settings_with_database()
    engine = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-ladder")
    try:
        with for_every_subdistrict(engine) as db:
            found = ladders.aside(db)
    finally:
        engine.dispose()
    for one in found:
        console.print(
            f"{one['number']}  {one['fault']}  failed {one['failures']} times,"
            f" last {one['failed_at']:%F %R}Z, again {one['look_at']:%F %R}Z",
            highlight=False,
        )
    console.print(f"{len(found)} cases stand aside", highlight=False)
    raise typer.Exit(3 if found else 0)


@app.command("set")
def set_(
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV: no, percent, levels (with spaces between), acknowledge_minutes."),
    ] = None,
    *,
    subdistrict: Street,
    default: Annotated[bool, typer.Option("--default", help="Go back to the default.")] = False,
) -> None:
    """Replace the rungs of a street. Limits that run go on at the rung that they have reached."""
    from gridmgmt.domain.ladder import Level, Rung, check_rungs
    from gridmgmt.storage import ladders
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    if (file is None) != default:
        raise typer.BadParameter("give a file, or --default")

    def build(row: Row) -> Rung:
        names = row.text("levels").split()
        if unknown := [name for name in names if name not in set(Level)]:
            row.refuse("levels", f"{unknown[0]!r} is none of {', '.join(Level)}")
        return Rung(
            row.whole("no", least=1),
            row.whole("percent", least=1),
            tuple(map(Level, names)),
            row.whole("acknowledge_minutes", least=0),
        )

    rungs: tuple[Rung, ...] = ()
    if file is not None:
        faults = Faults("ladder_rungs")
        with file.open(encoding="utf-8-sig", newline="") as opened:
            found = faults.collect(csv.DictReader(opened), build)
        faults.raise_if_any()
        rungs = check_rungs([rung for _, rung in found])
    settings = settings_with_database()
    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-ladder")
    try:
        with transaction(engine, Acting.setup([subdistrict])) as db:
            ladders.set_rungs(db, subdistrict, rungs)
    finally:
        engine.dispose()
    console.print(f"{len(rungs)} rungs" if rungs else "the default", highlight=False)
