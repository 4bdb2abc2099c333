"""gridmgmt backup: take, check, restore and practise. Exit code 3 means that damage was found."""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridmgmt.cli.console import console, progress, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.settings import Settings
    from gridmgmt.storage.backup.place import Tell
    from gridmgmt.storage.backup.restore import Recovered

app = typer.Typer(help="Backups, to any second since the oldest kept one.", no_args_is_help=True)

DAMAGED = 3
_AGAIN_AFTER_S = 600
As = Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")]
Where = Annotated[
    Path | None, typer.Argument(help="Backup or directory of backups; default from GRIDMGMT_BACKUP_DIR.")
]


@app.command()
def create(
    to: Annotated[
        Path | None, typer.Option(help="Directory of backups; default from GRIDMGMT_BACKUP_DIR.")
    ] = None,
    verify_it: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Read everything again before old ones are removed.")
    ] = True,
    every: Annotated[
        int | None,
        typer.Option(min=1, help="Take another every so many hours until stopped, for containers."),
    ] = None,
    as_json: As = False,
) -> None:
    """Take a backup of database and evidence, check it, and remove those beyond GRIDMGMT_BACKUP_KEEP."""
    from gridmgmt.errors import GridError
    from gridmgmt.worker import stop_on_signals

    settings = settings_with_database()
    root = (to or settings.backup_dir).resolve()
    if every is None:
        _end(_create(settings, root, verify_it=verify_it, as_json=as_json), quiet=as_json)
        return
    stop = stop_on_signals()
    while True:
        try:
            sound = not _create(settings, root, verify_it=verify_it, as_json=as_json)
        except GridError as exc:
            sound = False
            console.print(f"{exc.code}: {exc.message}", highlight=False)
        if stop.wait(every * 3600 if sound else _AGAIN_AFTER_S):
            return


def _create(settings: "Settings", root: Path, *, verify_it: bool, as_json: bool) -> list[str]:
    """One backup; what is wrong with it."""
    from gridmgmt.cli import backup_parts as parts
    from gridmgmt.services import backups
    from gridmgmt.storage.backup.create import create as take
    from gridmgmt.storage.backup.retention import prune

    with parts.records(settings) as record, _told(quiet=as_json) as tell:
        wanted = parts.wanted(settings, record(backups.schema_facts))
        made = take(parts.source(settings), root, wanted, at=datetime.now(UTC), tell=tell)
        verdict = parts.verified(made, settings, tell) if verify_it else None
        if verdict is not None:
            record(lambda db: backups.note_verified(db, datetime.now(UTC), verdict))
        sound = verdict is None or verdict.sound
        removed = prune(root, keep=settings.backup_keep) if sound else []
        if sound:
            record(lambda db: backups.note_created(db, datetime.now(UTC), made, removed))
    facts = {**made.facts, "place": str(made.folder), "removed": removed}
    faults = list(verdict.faults) if verdict else []
    _say(
        as_json,
        facts | {"faults": faults, "notes": list(verdict.notes) if verdict else []},
        f"backup {made.label} in {made.folder}: {made.facts['database_bytes'] / 2**20:.0f} MiB of database, "
        f"{made.facts.get('photos_files', 0)} photos, {'checked' if verdict else 'not checked'}",
    )
    return faults


@app.command("list")
def list_(place: Where = None, as_json: As = False) -> None:
    """Every finished backup, oldest first."""
    from rich.table import Table

    from gridmgmt.settings import load_settings
    from gridmgmt.storage.backup.place import backups_in

    root = (place or load_settings().backup_dir).resolve()
    found = backups_in(root)
    if as_json:
        typer.echo(json.dumps([dict(b.facts) | {"place": str(b.folder)} for b in found]))
        return
    table = Table("backup", "finished", "database", "photos", "schema")
    for b in found:
        size = f"{b.facts['database_bytes'] / 2**20:.0f} MiB"
        table.add_row(
            b.label,
            b.facts["finished_at"],
            size,
            str(b.facts.get("photos_files", 0)),
            str(b.facts.get("schema_revision")),
        )
    console.print(table)


@app.command()
def verify(place: Where = None, as_json: As = False) -> None:
    """Compare every byte of a backup with its digests. Needs no database."""
    from gridmgmt.cli import backup_parts as parts
    from gridmgmt.settings import load_settings
    from gridmgmt.storage.backup.place import find

    settings = load_settings()
    found = find(place or settings.backup_dir)
    with _told(quiet=as_json) as tell:
        verdict = parts.verified(found, settings, tell)
    _say(
        as_json,
        {
            "label": verdict.label,
            "files": verdict.files,
            "faults": list(verdict.faults),
            "notes": list(verdict.notes),
        },
        f"backup {verdict.label}: {verdict.files} files, {'sound' if verdict.sound else 'DAMAGED'}",
    )
    if not as_json:
        for note in verdict.notes:
            console.print(f"  note: {note}", highlight=False)
    _end(list(verdict.faults), quiet=as_json)


@app.command()
def restore(
    place: Annotated[Path, typer.Argument(help="Backup or directory of backups.")],
    to: Annotated[Path, typer.Option(help="A new directory: it becomes the home of an installation.")],
    at: Annotated[
        str | None,
        typer.Option(help="Last instant to be in it, such as 2026-11-25T18:00:00Z; default: all there is."),
    ] = None,
    although_damaged: Annotated[
        bool, typer.Option("--although-damaged", help="When there is no better backup than a damaged one.")
    ] = False,
    as_json: As = False,
) -> None:
    """Restore into a new directory, never over a live one, and start its database there."""
    from gridmgmt.cli import backup_parts as parts
    from gridmgmt.services import backups
    from gridmgmt.settings import load_settings
    from gridmgmt.storage.backup.place import find
    from gridmgmt.storage.backup.restore import restore as bring_back
    from gridmgmt.storage.backup.verify import missing_keys

    settings, wanted_at = load_settings(), parts.instant(at)
    found = find(place, at=wanted_at)
    with _told(quiet=as_json) as tell:
        verdict = parts.verified(found, settings, tell)
        if not (verdict.sound or although_damaged):
            _end(list(verdict.faults), quiet=False)
        recovered = bring_back(found, to.resolve(), at=wanted_at, tell=tell)
    with parts.records(settings.with_database_url(recovered.url)) as record:
        record(lambda db: backups.note_recovery(db, datetime.now(UTC), recovered))
    absent = missing_keys(found, parts.keys(settings))
    facts = backups.recovery_facts(recovered) | {"url": recovered.url, "keys_missing_here": absent}
    _say(as_json, facts, _recovery_in_words(recovered, absent))


@app.command()
def receive(
    to: Annotated[
        Path | None, typer.Option(help="Directory of backups; default from GRIDMGMT_BACKUP_DIR.")
    ] = None,
) -> None:
    """Receive WAL and new evidence as they are written, until stopped. Run it as a service."""
    from gridmgmt.cli import backup_parts as parts

    settings = settings_with_database()
    parts.receive_on(settings, (to or settings.backup_dir).resolve())


@app.command()
def drill(
    place: Where = None,
    within: Annotated[
        Path | None, typer.Option("--in", help="Where there is room for a second database.")
    ] = None,
    as_json: As = False,
) -> None:
    """Practise: restore to a random second since the newest backup, read every row, and throw it away."""
    from gridmgmt.cli import backup_parts as parts
    from gridmgmt.services import backups
    from gridmgmt.storage.backup.ledger import read_everything
    from gridmgmt.storage.backup.place import find
    from gridmgmt.storage.backup.restore import restore as bring_back

    settings = settings_with_database()
    found = find(place or settings.backup_dir)
    latest = parts.received_until(settings, found)
    span_s = max(0.0, (latest - found.finished_at).total_seconds())
    wanted_at = found.finished_at + timedelta(seconds=random.uniform(0, span_s))  # noqa: S311  no secret
    room = Path(tempfile.mkdtemp(prefix="gridmgmt-drill-", dir=within))
    room.chmod(0o711)
    began = datetime.now(UTC)
    try:
        with _told(quiet=as_json) as tell:
            verdict = parts.verified(found, settings, tell)
            recovered = bring_back(found, room / "home", at=wanted_at if span_s else None, tell=tell)
            rows = read_everything(recovered.url)
            unsound, notes = parts.audit_faults(settings, recovered.url)
        seconds = (datetime.now(UTC) - began).total_seconds()
    finally:
        parts.throw_away(room / "home")
        shutil.rmtree(room, ignore_errors=True)
    facts = backups.recovery_facts(recovered) | {"seconds": round(seconds, 1), "rows": rows}
    facts.pop("home")
    lost = [f"{recovered.missing_files} photos are missing"] if recovered.missing_files else []
    faults = [*verdict.faults, *unsound, *lost]
    facts["notes"] = notes
    with parts.records(settings) as record:
        record(lambda db: backups.note_drill(db, datetime.now(UTC), found.label, facts, ok=not faults))
    _say(
        as_json,
        facts | {"faults": faults},
        f"restored {sum(rows.values())} rows to {wanted_at:%Y-%m-%d %H:%M:%S} UTC in {seconds:.0f} s",
    )
    _end(faults, quiet=as_json)


def _recovery_in_words(recovered: "Recovered", absent: list[str]) -> str:
    reached = recovered.reached_at.isoformat() if recovered.reached_at else "the end of the base itself"
    lines = [
        f"Restored from {recovered.label} into {recovered.home}; the last transaction in it: {reached}.",
        "What was acknowledged later is NOT in it. The recovery is on record in its audit log.",
        f"Its database runs: {recovered.url}",
        f"To work on with it: GRIDMGMT_HOME={recovered.home}",
    ]
    if recovered.missing_files:
        lines.append(f"{recovered.missing_files} photos are named by rows but were not in the backup.")
    lines += [f"Not the key that the backup was made with: {name}" for name in absent]
    lines.append(
        "Before anything is sealed on, somebody answers for it: gridmgmt audit recover --by … --reason …"
        f" --restored-to {reached if recovered.reached_at else recovered.label}"
    )
    return "\n".join(lines)


@contextmanager
def _told(*, quiet: bool) -> Iterator["Tell"]:
    if quiet:
        yield lambda *_: None
        return
    with progress() as bar:
        tasks: dict[str, Any] = {}

        def tell(step: str, done: int, of: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=of)
            bar.update(tasks[step], completed=done, total=of)

        yield tell


def _say(as_json: bool, facts: dict[str, Any], words: str) -> None:  # noqa: FBT001
    if as_json:
        typer.echo(json.dumps(facts, default=str))
    else:
        console.print(words, highlight=False, soft_wrap=True)


def _end(faults: list[str], *, quiet: bool) -> None:
    if not faults:
        return
    if not quiet:
        for fault in faults[:50]:
            console.print(f"  [red]{fault}[/]", highlight=False)
    raise typer.Exit(DAMAGED)
