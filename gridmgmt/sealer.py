"""The sealing process: every two seconds what waits is sealed, each day a head goes to the witness.

It runs as a thread of ``gridmgmt worker`` or by itself as ``gridmgmt audit seal``. Any number may run and any
may be killed at any moment: what was not committed is sealed by the next. A log that is not as it was
left is not sealed on; that is said once a minute, and the lines wait.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import Engine

from gridmgmt.adapters import signing, witness
from gridmgmt.domain.checkpoint import Note, parse_note
from gridmgmt.errors import AuditLogDiffers, GridError, Unavailable
from gridmgmt.services import sealing
from gridmgmt.services.sealing import Sealer
from gridmgmt.settings import Environment, Settings
from gridmgmt.storage import seal
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting

log = structlog.get_logger(__name__)

EVERY_S = 2.0
_AFTER_A_FAULT_S = 10.0
_WHILE_BROKEN_S = 60.0


def server_clock() -> datetime:
    """The sealer's only clock."""
    return datetime.now(UTC)


def memory_of(settings: Settings, database: str) -> witness.HeadMemory:
    """Where the newest head of a database is remembered: beside the key."""
    return witness.HeadMemory(settings.audit_key_file.parent / f"newest-{database}.note")


def make_sealer(settings: Settings, database: str) -> Sealer:
    """The sealer that the settings describe; development and the demo make their key at the first use.

    Raises
    ------
    NotFound
        Production has no key yet.
    """
    production = settings.environment is Environment.PRODUCTION
    load = signing.load_key_file if production else signing.load_or_make_key_file
    key = load(settings.audit_key_file, settings.audit_origin)
    return Sealer(settings.audit_algorithm, key, memory_of(settings, database))


class Sealing:
    """One sealer at work.

    Parameters
    ----------
    engine : connections to the database; one is used at a time.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings
        self._sealer: Sealer | None = None

    def run(self, stop: threading.Event, *, clock: Callable[[], datetime] = server_clock) -> None:
        """Seal until ``stop`` is set."""
        while not stop.is_set():
            try:
                pause_s = 0.0 if self.turn(clock()) else EVERY_S
            except AuditLogDiffers as broken:
                log.error("audit_log_differs", reason=broken.message, **broken.facts)  # noqa: TRY400
                pause_s = _WHILE_BROKEN_S
            except GridError as fault:
                log.warning("audit_not_sealed", code=fault.code, reason=fault.message)
                pause_s = _AFTER_A_FAULT_S if isinstance(fault, Unavailable) else _WHILE_BROKEN_S
            except Exception:
                # Lines wait meanwhile; their age is what alarms look at.
                log.exception("audit_sealing_failed")
                pause_s = _AFTER_A_FAULT_S
            stop.wait(pause_s)

    def turn(self, now: datetime) -> bool:
        """Seal one batch; whether more waits."""
        with transaction(self._engine, Acting.sealer()) as db:
            if self._sealer is None:
                self._sealer = make_sealer(self._settings, seal.database_name(db))
            sealed = sealing.seal(db, self._sealer, now)
        if sealed is None:
            return False
        # Only now: a head that was rolled back must not be missed later.
        self._sealer.memory.remember(sealed.note)
        self._show_to_witness(sealed.note)
        return sealed.more

    def drain(self, now: datetime) -> int:
        """Seal all that waits; how many lines it was."""
        before = self._size()
        while self.turn(now):
            pass
        return self._size() - before

    def _size(self) -> int:
        with transaction(self._engine, Acting.sealer(), read_only=True) as db:
            last = seal.last_checkpoint(db)
        return last.size if last else 0

    def _show_to_witness(self, note: Note) -> None:
        directory = self._settings.audit_witness_dir
        day = note.head.at.astimezone(witness.CHINA).date()
        if directory is None:
            return
        try:
            if not witness.has_day(directory, day):
                witness.export_head(directory, note, day)
        except OSError as fault:
            log.warning("audit_witness_not_reached", reason=fault.strerror)


def rotate_key(engine: Engine, settings: Settings, now: datetime) -> Note:
    """Change to a new key.

    The new key's file is made first and moved into place last, so that a rotation which was interrupted
    is finished by asking again.
    """
    coming = settings.audit_key_file.with_name(f"{settings.audit_key_file.name}.new")
    new = signing.load_or_make_key_file(coming, settings.audit_origin)
    with transaction(engine, Acting.sealer()) as db:
        sealer = make_sealer(settings, seal.database_name(db))
        last = seal.last_checkpoint(db)
        if last is not None and last.public_key == new.public_key:
            note = parse_note(last.note)
        else:
            note = sealing.rotate(db, sealer, new, now)
    sealer.memory.remember(note)
    _put_in_place(coming, settings.audit_key_file)
    return note


def _put_in_place(coming: Path, place: Path) -> None:
    signing.public_file(coming).replace(signing.public_file(place))
    coming.replace(place)


def declare_recovery(
    engine: Engine, settings: Settings, now: datetime, *, by: str, reason: str, restored_to: datetime
) -> Note:
    """Write down a restore and seal on from what the database now holds; see ``services.sealing``."""
    with transaction(engine, Acting.sealer()) as db:
        sealer = make_sealer(settings, seal.database_name(db))
        note = sealing.declare_recovery(db, sealer, now, by=by, reason=reason, restored_to=restored_to)
    sealer.memory.remember(note)
    return note
