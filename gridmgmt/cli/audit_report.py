"""How ``gridmgmt audit verify`` is asked and answered on a terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gridmgmt.adapters import signing, witness
from gridmgmt.cli.console import console
from gridmgmt.errors import GridError
from gridmgmt.services import auditing, seal_check
from gridmgmt.services.seal_check import Asked, Report
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy import Engine

    from gridmgmt.settings import Settings


def what_to_check(
    settings: "Settings",
    files: Sequence[Path],
    key_files: Sequence[Path],
    since: datetime | None,
    until: datetime | None,
    accepted: frozenset[int],
) -> Asked:
    """The question as the command line puts it; the configured witness is always heard."""
    key_files = key_files or [signing.public_file(settings.audit_key_file)]
    witnesses = list(files)
    configured = settings.audit_witness_dir
    if configured is not None and (configured / witness.JOURNAL).exists():
        witnesses.append(configured)
    return Asked(
        keys=[signing.read_public_text(_text(path)) for path in key_files],
        heads=[note for path in witnesses for note in witness.read_heads(path)],
        since=_utc(since),
        until=_utc(until),
        accepted_recoveries=accepted,
    )


def run(engine: "Engine", asked: Asked, now: datetime, bar: "Progress", *, record: bool) -> Report:
    """Verify, and write down that and how it ended."""
    task = bar.add_task("lines read again", total=None)
    with transaction(engine, Acting.sealer(), read_only=True) as db:
        report = seal_check.verify(
            db, asked, now, lambda done, of: bar.update(task, completed=done, total=of)
        )
    if record:
        with transaction(engine, Acting.sealer()) as db:
            auditing.record_verification(db, report, now)
    return report


def show(report: Report, *, as_json: bool) -> None:
    """Print a report."""
    if as_json:
        _print_json(as_data(report))
        return
    console.print(
        f"{report.size} lines under seal, {report.rows} read again, {report.heads} heads,"
        f" {report.heads_from_outside} from outside (they cover {report.covered_size} lines);"
        f" {report.waiting} wait",
        highlight=False,
    )
    for warning in report.warnings:
        console.print(f"[yellow]warning[/] {escape(warning)}", highlight=False)
    first = report.first
    if first is None:
        console.print(f"[bold green]sound[/] root {report.root}", highlight=False, soft_wrap=True)
        return
    where = "" if first.seq is None else f" at {first.seq}" + _until(first.seq, first.until)
    console.print(
        f"[bold red]NOT SOUND[/]: first{where}: {first.kind}: {escape(first.detail)}", soft_wrap=True
    )
    for finding in report.findings:
        if finding is not first:
            place = "-" if finding.seq is None else f"{finding.seq}{_until(finding.seq, finding.until)}"
            console.print(
                f"  {place}  {finding.kind}  {escape(finding.detail)}", highlight=False, soft_wrap=True
            )


def as_data(report: Report) -> Mapping[str, Any]:
    """A report as data."""
    first = report.first
    return {"sound": report.sound, "first": None if first is None else asdict(first), **asdict(report)}


def could_not(fault: GridError, *, as_json: bool) -> None:
    """Say why nothing could be verified."""
    if as_json:
        _print_json({"sound": None, "code": fault.code, "detail": fault.message})
    else:
        console.print(f"[bold red]could not verify[/]: {escape(fault.message)}", highlight=False)


def _print_json(value: Mapping[str, Any]) -> None:
    console.print(json.dumps(value, ensure_ascii=False), highlight=False, markup=False, soft_wrap=True)


def _until(seq: int, until: int | None) -> str:
    return "" if until is None or until <= seq else f"-{until}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _utc(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
