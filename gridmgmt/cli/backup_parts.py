"""What the backup commands share: the settings' part in a backup, and records of what was done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog

from gridmgmt import __version__
from gridmgmt.cli import audit_report
from gridmgmt.cli.console import progress
from gridmgmt.errors import GridError, InvalidInput, Unavailable
from gridmgmt.settings import Settings
from gridmgmt.storage import heartbeats
from gridmgmt.storage.backup import place, receive
from gridmgmt.storage.backup.create import Wanted, mirror
from gridmgmt.storage.backup.place import Backup, Tell
from gridmgmt.storage.backup.tools import Source
from gridmgmt.storage.backup.verify import Verdict, verify
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.embedded import Cluster
from gridmgmt.storage.rights.walls import Acting
from gridmgmt.worker import stop_on_signals

log = structlog.get_logger(__name__)

Note = Callable[[Db], Any]
Record = Callable[[Note], Any]

_LIFE_EVERY_BEATS = 10
_MIRROR_EVERY_BEATS = 30
_RECEIVING_S = 15


def source(settings: Settings) -> Source:
    """The server to back up, by the role that may replicate."""
    given = settings.backup_database_url
    return Source(given.get_secret_value() if given else settings.require_database_url())


def trees(settings: Settings) -> dict[str, Path]:
    """Directories of evidence, by the name that they have in a backup."""
    return {"photos": settings.photo_dir}


def keys(settings: Settings) -> dict[str, str]:
    """Fingerprints of the keys of this installation; the keys themselves are in no backup."""
    found = {"GRIDMGMT_SECRET_KEY": place.fingerprint(seal_key(settings))}
    wrapping = settings.key_file_in_use
    if wrapping.is_file():
        found["key_file"] = place.fingerprint(wrapping.read_bytes())
    if settings.audit_key_file.is_file():
        found["audit_key_file"] = place.fingerprint(settings.audit_key_file.read_bytes())
    for path in sorted(settings.key_dir.rglob("*")) if settings.key_dir.is_dir() else ():
        if path.is_file():
            found[f"key_dir/{path.relative_to(settings.key_dir)}"] = place.fingerprint(path.read_bytes())
    return found


def seal_key(settings: Settings) -> bytes:
    """What manifests are sealed with."""
    return settings.secret_key.get_secret_value().encode()


def wanted(settings: Settings, facts: dict[str, object]) -> Wanted:
    """All that belongs to a backup of this installation."""
    database = source(settings).parameters().get("dbname", "gridmgmt")
    return Wanted(
        trees(settings), keys(settings), seal_key(settings),
        {"database": database, "program_version": __version__, **facts},
    )  # fmt: skip


def verified(backup: Backup, settings: Settings, tell: Tell) -> Verdict:
    """Look at a backup with this installation's key."""
    return verify(backup, seal_key=seal_key(settings), tell=tell)


@contextmanager
def records(settings: Settings) -> Iterator[Record]:
    """Run functions of a transaction on the settings' database, each committed by itself."""
    engine = make_engine(settings.require_database_url(), pool_size=1, application="gridmgmt-backup")

    def record(note: Note) -> Any:
        with transaction(engine, Acting.lookout()) as db:
            return note(db)

    try:
        yield record
    finally:
        engine.dispose()


def instant(text: str | None) -> datetime | None:
    """An instant as somebody writes it; without a zone it would be anybody's guess.

    Raises
    ------
    InvalidInput : not ISO 8601, or without a zone.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidInput("A time is written as 2026-11-25T18:00:00Z.", given=text) from exc
    if found.tzinfo is None:
        raise InvalidInput("A time needs its zone: Z, or +08:00.", given=text)
    return found.astimezone(UTC)


def receive_on(settings: Settings, root: Path) -> None:
    """Receive WAL and evidence until SIGTERM, through restarts of the server."""
    stop, beats, instance = stop_on_signals(), 0, uuid4()

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats % _LIFE_EVERY_BEATS == 1:
            with records(settings) as record:
                record(lambda db: heartbeats.beat(db, "backup", instance))
        if beats % _MIRROR_EVERY_BEATS == 1:
            for name, tree in trees(settings).items():
                mirror(root, name, tree, place.silently)

    while not stop.is_set():
        try:
            receive.receive(source(settings), root, stop, beat)
        except (GridError, OSError) as exc:
            log.warning("wal_receiver_ended", error=type(exc).__name__, retry_in_s=5)
            stop.wait(5)


def received_until(settings: Settings, backup: Backup) -> datetime:
    """The instant up to which this backup can surely be restored.

    Now, once the receiver has what is committed now; else only the end of the backup itself.
    """
    database = source(settings)
    now = database.clock()
    with records(settings) as record:
        # Recovery stops behind a commit: there has to be one that is later than any instant drawn.
        record(lambda db: heartbeats.beat(db, "drill", uuid4()))
    return now if receive.caught_up(database, patience_s=_RECEIVING_S) else backup.finished_at


def throw_away(home: Path) -> None:
    """Stop and delete the cluster of a restored installation."""
    try:
        Cluster(home / "pg").destroy()
    except Unavailable as exc:
        log.warning("drill_left_something", reason=exc.message)


def audit_faults(settings: Settings, url: str) -> tuple[list[str], list[str]]:
    """Verify the sealed audit log of a restored database; what is wrong, and what could not be looked at.

    Heads of a witness are not asked for: those after the restored instant are missing there, rightly.
    """
    alone = settings.with_database_url(url).model_copy(update={"audit_witness_dir": None})
    engine = make_engine(url, pool_size=1, application="gridmgmt-drill")
    try:
        asked = audit_report.what_to_check(alone, [], [], None, None, frozenset())
        with progress(quiet=True) as bar:
            report = audit_report.run(engine, asked, datetime.now(UTC), bar, record=False)
    except GridError as exc:
        return [], [f"the audit log was not verified: {exc.message}"]
    finally:
        engine.dispose()
    return [f"audit log: {finding.kind}: {finding.detail}" for finding in report.findings], []
