"""gridmgmt clocks: compute open deadlines anew after a calendar or a limit changed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer
from rich.table import Column, Table

from gridmgmt.cli.console import console, progress, settings_with_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gridmgmt.domain.rulebook import RuleBook
    from gridmgmt.errors import GridError
    from gridmgmt.services.reclocking import Batch
    from gridmgmt.settings import Settings
    from gridmgmt.storage.db import Db
    from gridmgmt.storage.reclockings import Reclocked

app = typer.Typer(help="Deadlines of open cases.", no_args_is_help=True)

_SHOWN = 20


@app.callback()
def _clocks() -> None:
    """Keep ``recompute`` a command of its own, although it is the only one."""


@app.command()
def recompute(
    why: Annotated[str, typer.Option(help="What changed; kept with every case.")],
    subdistrict: Annotated[str | None, typer.Option(help="Nine-digit code; default: all.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; store nothing.")
    ] = False,
) -> None:
    """Compute the deadlines of all open cases anew and record each that changes; safe to run again."""
    settings = settings_with_database()
    codes = [subdistrict] if subdistrict else every_subdistrict(settings)
    recompute_open(settings, codes, why, dry_run=dry_run)


def every_subdistrict(settings: "Settings") -> list[str]:
    """Codes of every subdistrict of the database."""
    from gridmgmt.storage import people
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import NOBODY

    engine = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-clocks")
    try:
        with transaction(engine, NOBODY, read_only=True) as db:
            return people.every_subdistrict(db)
    finally:
        engine.dispose()


def recompute_open(
    settings: "Settings",
    codes: Iterable[str],
    why: str,
    *,
    dry_run: bool,
    tried: "Callable[[str], RuleBook] | None" = None,
) -> None:
    """Recompute the open cases of some subdistricts with a progress bar, and tell what came of it.

    Parameters
    ----------
    tried : in a dry run, the rules of a subdistrict as they would be; default: as they are.
    """
    from gridmgmt.storage import reclockings
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    codes = list(codes)
    engine = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-clocks")
    changed: list[Reclocked] = []
    failed: list[tuple[str, GridError]] = []
    try:
        with transaction(engine, Acting.system(codes), read_only=True) as db:
            total = reclockings.count_open(db, codes)
        with progress() as bar:
            task = bar.add_task("computing open deadlines", total=total)
            for batch in _batches(engine, codes, why, dry_run=dry_run, tried=tried):
                changed += batch.changed
                failed += batch.failed
                bar.update(task, advance=batch.seen)
    finally:
        engine.dispose()
    _tell(total, changed, failed, dry_run=dry_run)
    if failed:
        raise typer.Exit(1)


def _batches(
    engine: "Engine",
    codes: list[str],
    why: str,
    *,
    dry_run: bool,
    tried: "Callable[[str], RuleBook] | None",
) -> "Iterator[Batch]":
    """Each batch in a transaction of its own."""
    from gridmgmt.domain.org import system_actor
    from gridmgmt.services.reclocking import Order, recompute_batch
    from gridmgmt.services.rulebooks import RuleBooks
    from gridmgmt.storage.db import transaction
    from gridmgmt.storage.rights.walls import Acting

    books, run_id = RuleBooks(), uuid4()

    def book_for(db: "Db", code: str) -> "RuleBook":
        return tried(code) if tried else books.current(db, code)

    for code in codes:
        order = Order(run_id, system_actor(code), why, dry_run)
        last: UUID | None = None
        while True:
            with transaction(engine, Acting.system([code])) as db:
                batch = recompute_batch(db, datetime.now(UTC), book_for(db, code), order, last)
            yield batch
            last = batch.last
            if last is None:
                break


def _tell(
    total: int, changed: "list[Reclocked]", failed: "list[tuple[str, GridError]]", *, dry_run: bool
) -> None:
    verb = "would change" if dry_run else "changed"
    console.print(f"{total} open cases, {len(changed)} {verb}, {len(failed)} could not be computed")
    if changed:
        table = Table(Column("case", no_wrap=True), "deadline", "was", "is")
        for one in changed[:_SHOWN]:
            for name in one.old:
                table.add_row(one.case.number, name, str(one.old[name]), str(one.new[name]))
        console.print(table)
    if len(changed) > _SHOWN:
        console.print(f"and {len(changed) - _SHOWN} more cases")
    for number, error in failed:
        console.print(f"[red]{number}[/]: {error.code}: {error.message}", highlight=False)
