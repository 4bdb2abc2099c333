"""The way back: a new cluster from a backup and the WAL received since, stopped at an instant.

Never over anything: the target is a new directory, laid out as the home of an installation, so that
``GRIDMGMT_HOME`` pointing there is a working one. The segments that recovery reads are put where it
looks by itself (``pg_wal``); it needs no shell command and no access to the backup while it runs.
"""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from gridmgmt.errors import Conflict, InvalidInput, Unavailable
from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.place import Backup, Tell
from gridmgmt.storage.embedded import Cluster
from gridmgmt.storage.postmaster import Postmaster

PATIENCE_S = 24 * 3600
_ENDED_BEFORE = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A restored installation.

    ``reached_at``: commit time of the last transaction that is in it; None: exactly the base.
    ``url``: of its database.
    """

    home: Path
    url: str
    label: str
    asked_for: datetime | None
    reached_at: datetime | None
    reached_lsn: str | None
    missing_files: int


def restore(backup: Backup, to: Path, *, at: datetime | None, tell: Tell) -> Recovered:
    """Make a new installation below ``to`` and start its database.

    Parameters
    ----------
    at : the last instant that shall be in it, by the clock of the server that was backed up; None:
        everything that was received.

    Raises
    ------
    Conflict : there is something at ``to``.
    InvalidInput : the received WAL ends before ``at``.
    Unavailable : the disk is full or the server does not start; nothing is left behind.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Conflict("A backup is restored into a new directory only, never over anything.", place=str(to))
    to.mkdir(parents=True, exist_ok=True)
    # The server's user has to reach his part below it; the parts themselves are private.
    to.chmod(0o711)
    postmaster = Postmaster(to / "pg", durable=True, patience_s=PATIENCE_S)
    try:
        postmaster.take_over(lambda fresh: _fill(fresh, backup, at, tell))
        tell("recovery", 0, 1)
        _start(postmaster)
        tell("recovery", 1, 1)
        names = _copy_files(backup, to, tell)
        return _look(backup, to, at, names)
    except BaseException:
        postmaster.destroy()
        shutil.rmtree(to, ignore_errors=True)
        raise


def _fill(fresh: Path, backup: Backup, at: datetime | None, tell: Tell) -> None:
    """Everything of the data directory: the base, the WAL, and what recovery shall do."""
    base = backup.folder / "base"
    files = [p for p in base.rglob("*") if p.is_file()]
    for folder in (base, *(p for p in base.rglob("*") if p.is_dir())):
        (fresh / folder.relative_to(base)).mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(files, 1):
        shutil.copyfile(path, fresh / path.relative_to(base))
        tell("database", number, len(files))
    _put_wal(fresh / "pg_wal", backup, tell)
    for name in ("postgresql.conf", "pg_hba.conf"):
        # Of the server that was backed up: its addresses, certificates and limits are not those of here.
        if (fresh / name).exists():
            (fresh / name).rename(fresh / f"{name}.of-the-source")
    (fresh / "postgresql.conf").write_text("include_dir = 'conf.d'\n")
    (fresh / "pg_hba.conf").write_text("local all all trust\nlocal replication all trust\n")
    (fresh / "pg_ident.conf").touch()
    (fresh / "conf.d").mkdir(exist_ok=True)
    (fresh / "postgresql.auto.conf").unlink(missing_ok=True)
    target = f"recovery_target_time = '{at.isoformat()}'\n" if at else ""
    (fresh / "conf.d" / "99-recovery.conf").write_text(
        # All WAL lies in pg_wal already: there is nothing to fetch.
        f"restore_command = '/bin/false'\n{target}recovery_target_action = 'promote'\nhot_standby = off\n"
    )
    (fresh / "recovery.signal").touch()


def _put_wal(target: Path, backup: Backup, tell: Tell) -> None:
    wal = backup.root / "wal"
    later = [s for s in place.segments_in(wal) if s[8:] >= backup.first_segment[8:]]
    for number, segment in enumerate(later, 1):
        shutil.copyfile(wal / segment, target / segment)
        tell("wal", number, len(later))
    for history in wal.glob("*.history") if wal.is_dir() else ():
        shutil.copyfile(history, target / history.name)
    # What was still being received is whole up to its last record; recovery finds that end by itself.
    for partial in sorted(wal.glob("*.partial")) if wal.is_dir() else ():
        if not (target / partial.stem).exists():
            shutil.copyfile(partial, target / partial.stem)


def _start(postmaster: Postmaster) -> None:
    try:
        postmaster.up()
    except Unavailable as exc:
        if _ENDED_BEFORE in str(exc.facts.get("log")):
            raise InvalidInput("The WAL that was received ends before this time.") from exc
        raise
    (postmaster.data / "conf.d" / "99-recovery.conf").unlink()


def _copy_files(backup: Backup, to: Path, tell: Tell) -> dict[str, set[str]]:
    """Evidence, also what came after the base was taken; names by tree."""
    copied = {}
    for name in backup.facts["trees"]:
        pool = backup.root / "files" / name
        relatives = sorted(place.read_list(pool.with_name(f"{name}.sha256")))
        (to / name).mkdir(mode=0o700)
        for number, relative in enumerate(relatives, 1):
            target = to / name / relative
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(pool / relative, target)
            target.chmod(0o600)
            tell(name, number, len(relatives))
        copied[name] = {Path(relative).name for relative in relatives}
    return copied


def _look(backup: Backup, to: Path, at: datetime | None, names: dict[str, set[str]]) -> Recovered:
    cluster = Cluster(to / "pg")
    url = cluster.dsn(str(backup.facts["database"]))
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        found = connection.execute(
            "select pg_last_xact_replay_timestamp(), pg_last_wal_replay_lsn()::text, pg_is_in_recovery(),"
            " to_regclass('app.photos') is not null"
        ).fetchall()
        ((reached_at, reached_lsn, recovering, has_photos),) = found
        if recovering:
            raise Unavailable("The restored server has not ended its recovery.", retry_after_s=60)
        missing = _missing(connection, names["photos"]) if has_photos and "photos" in names else 0
    return Recovered(to, url, backup.label, at, reached_at, reached_lsn, missing)


def _missing(connection: psycopg.Connection, present: Collection[str]) -> int:
    """How many photos the restored rows name whose bytes are not there."""
    rows = connection.execute("select distinct sha256 from app.photos")
    return sum(1 for (sha256,) in rows if sha256 not in present)
