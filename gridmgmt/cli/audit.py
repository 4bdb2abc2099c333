"""gridmgmt audit: seal the audit log, verify it, hand its heads to witnesses."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridmgmt.cli.console import console, progress, settings_with_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gridmgmt.settings import Settings

app = typer.Typer(
    help="The audit log: seal it, verify it, hand its heads to witnesses.", no_args_is_help=True
)
head = typer.Typer(help="Signed heads.", no_args_is_help=True)
key = typer.Typer(help="The sealing key.", no_args_is_help=True)
app.add_typer(head, name="head")
app.add_typer(key, name="key")


@app.command()
def seal(
    once: Annotated[bool, typer.Option("--once", help="Seal what waits and stop.")] = False,
) -> None:
    """Seal the audit log until stopped; the worker does this by itself."""
    from gridmgmt import sealer as background
    from gridmgmt.worker import stop_on_signals

    settings = settings_with_database()
    with _engine(settings) as engine:
        sealing = background.Sealing(engine, settings)
        if once:
            console.print(f"{sealing.drain(datetime.now(UTC))} lines sealed", highlight=False)
        else:
            sealing.run(stop_on_signals())


@app.command()
def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", help="Heads from a witness: .note, .json, .jsonl or a directory."),
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option("--key", help="Trusted public key; default: the one beside the sealing key."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", help="Read again only what was sealed since.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="Read again only what was sealed until.")
    ] = None,
    accept_recovery: Annotated[
        list[int] | None, typer.Option(help="Number of a recovery head whose loss was accepted.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output.")] = False,
    record: Annotated[bool, typer.Option(help="Write the outcome into the audit log.")] = True,
) -> None:
    """Read the whole log again. Exit code 0: sound; 1: not as it was sealed; 2: could not be verified."""
    from gridmgmt.cli import audit_report
    from gridmgmt.errors import GridError

    try:
        settings = settings_with_database()
        asked = audit_report.what_to_check(
            settings, checkpoint or [], public_key or [], since, until, frozenset(accept_recovery or ())
        )
        with _engine(settings) as engine, progress(quiet=as_json) as bar:
            report = audit_report.run(engine, asked, datetime.now(UTC), bar, record=record)
    except GridError as fault:
        audit_report.could_not(fault, as_json=as_json)
        raise typer.Exit(2) from None
    audit_report.show(report, as_json=as_json)
    raise typer.Exit(0 if report.sound else 1)


@head.command("show")
def head_show() -> None:
    """Print the newest signed head."""
    from gridmgmt.services.auditing import newest_head
    from gridmgmt.storage.db import transaction
    from gridmgmt.storage.rights.walls import Acting

    with (
        _engine(settings_with_database()) as engine,
        transaction(engine, Acting.sealer(), read_only=True) as db,
    ):
        console.print(newest_head(db).text, highlight=False, markup=False, end="", soft_wrap=True)


@head.command("export")
def head_export(
    to: Annotated[Path, typer.Argument(help="Directory of the witness.")],
    day: Annotated[datetime | None, typer.Option(help="Last head of that day; default: the newest.")] = None,
) -> None:
    """Write a head for a witness: note, JSON, a page to print, and a line in its append-only journal."""
    from gridmgmt.adapters.witness import CHINA, export_head
    from gridmgmt.services.auditing import head_of_day, newest_head
    from gridmgmt.storage.db import transaction
    from gridmgmt.storage.rights.walls import Acting

    with (
        _engine(settings_with_database()) as engine,
        transaction(engine, Acting.sealer(), read_only=True) as db,
    ):
        note = newest_head(db) if day is None else head_of_day(db, day.date(), CHINA)
    on: date = note.head.at.astimezone(CHINA).date()
    for path in export_head(to, note, on):
        console.print(path, highlight=False, soft_wrap=True)
    console.print(
        f"head {note.head.no}: {note.head.size} lines, root {note.head.root.hex()}", highlight=False
    )


@key.command("create")
def key_create() -> None:
    """Make the sealing key; refuses to write over one."""
    from gridmgmt.adapters.signing import make_key_file, public_text
    from gridmgmt.errors import NotAllowed
    from gridmgmt.settings import load_settings

    settings = load_settings()
    try:
        made = make_key_file(settings.audit_key_file, settings.audit_origin)
    except FileExistsError:
        raise NotAllowed("There is a sealing key already; rotate it instead.") from None
    console.print(public_text(made.name, made.public_key), highlight=False, end="", soft_wrap=True)


@key.command("public")
def key_public() -> None:
    """Print the public key, to be given to auditors and witnesses."""
    from gridmgmt.adapters.signing import load_key_file, public_text
    from gridmgmt.settings import load_settings

    settings = load_settings()
    found = load_key_file(settings.audit_key_file, settings.audit_origin)
    console.print(public_text(found.name, found.public_key), highlight=False, end="", soft_wrap=True)


@key.command("rotate")
def key_rotate() -> None:
    """Change to a new sealing key; the change is a head that bears both signatures."""
    from gridmgmt import sealer as background

    settings = settings_with_database()
    with _engine(settings) as engine:
        note = background.rotate_key(engine, settings, datetime.now(UTC))
    console.print(note.text, highlight=False, markup=False, end="", soft_wrap=True)


@app.command()
def recover(
    by: Annotated[str, typer.Option(help="Who answers for the restore.")],
    reason: Annotated[str, typer.Option(help="Why the database was restored.")],
    restored_to: Annotated[datetime, typer.Option(help="The moment whose state was restored (UTC).")],
) -> None:
    """After a restore: write down the recovery point, and seal on from what the database now holds."""
    from gridmgmt import sealer as background

    settings = settings_with_database()
    with _engine(settings) as engine:
        at = restored_to if restored_to.tzinfo else restored_to.replace(tzinfo=UTC)
        note = background.declare_recovery(
            engine, settings, datetime.now(UTC), by=by, reason=reason, restored_to=at
        )
    console.print(note.text, highlight=False, markup=False, end="", soft_wrap=True)


@contextmanager
def _engine(settings: "Settings") -> Iterator["Engine"]:
    from gridmgmt.storage.db import make_engine

    engine = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-audit")
    try:
        yield engine
    finally:
        engine.dispose()
