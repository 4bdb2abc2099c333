"""Backups: what was committed by an instant can be restored, and one wrong byte anywhere is found."""

import hashlib
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gridmgmt.errors import Conflict, InvalidInput, NotFound, Unavailable
from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.create import Wanted, create, mirror
from gridmgmt.storage.backup.ledger import committed_by, state_of
from gridmgmt.storage.backup.place import Backup, silently
from gridmgmt.storage.backup.receive import note_segments, receive
from gridmgmt.storage.backup.restore import Recovered, restore
from gridmgmt.storage.backup.retention import prune
from gridmgmt.storage.backup.tools import SLOT, Source
from gridmgmt.storage.backup.verify import missing_keys, verify
from gridmgmt.storage.embedded import Cluster

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else "/var/tmp"
KEY = b"k3y-of-this-installation"
SEED = 20_261_125
LOADED, WRITERS, WRITES = 2000, 3, 60


@dataclass
class Installation:
    """A small one that was backed up under load, with a ledger of what was acknowledged when."""

    directory: Path
    cluster: Cluster
    connection: psycopg.Connection[Any]
    backup: Backup
    ledger: dict[int, tuple[int, str]]
    """Transaction → key and text of the row that it acknowledged."""

    @property
    def root(self) -> Path:
        return self.directory / "backups"

    @property
    def photos(self) -> Path:
        return self.directory / "photos"

    def clock(self) -> datetime:
        return self.connection.execute("select clock_timestamp()").fetchall()[0][0]

    def received(self) -> None:
        """Return when the receiver has all that is committed now."""
        (lsn,) = self.connection.execute("select pg_current_wal_flush_lsn()").fetchall()[0]
        query = "select restart_lsn >= %s from pg_replication_slots where slot_name = %s"
        until_true(lambda: self.connection.execute(query, [lsn, SLOT]).fetchone() == (True,))


def until_true(question, patience_s: float = 30.0) -> None:
    """Wait for another process, which has no other way to tell."""
    deadline = time.monotonic() + patience_s
    while not question():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)  # another process works


def add_photo(tree: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    path = tree / digest[:2] / digest[2:4] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest


def connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


def wanted(photos: Path, **over: Any) -> Wanted:
    given: dict[str, Any] = {
        "trees": {"photos": photos},
        "keys": {"master": place.fingerprint(b"one")},
        "seal_key": KEY,
        "facts": {"database": "gridmgmt", "schema_revision": "0001"},
    }
    return Wanted(**given | over)


def write(url: str, writer: int, ledger: dict[int, tuple[int, str]]) -> None:
    """A client that notes what it was told is stored, and nothing else."""
    with connect(url) as connection:
        for n in range(WRITES):
            key, text = 1_000_000 * (writer + 1) + n, f"writer {writer} row {n}"
            query = "insert into app.told values (%s, %s) returning pg_current_xact_id()::text::bigint"
            (xid,) = connection.execute(query, [key, text]).fetchall()[0]
            ledger[xid] = key, text


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    directory = Path(tempfile.mkdtemp(prefix="gridmgmt-test-", dir=MEMORY))
    directory.chmod(0o755)
    cluster = Cluster(directory / "pg")
    # The drill compares with the server's own record of commit times; an installation does not need it.
    url = cluster.up()
    (cluster.home / "data" / "conf.d" / "70-ledger.conf").write_text("track_commit_timestamp = on\n")
    cluster.down()
    cluster.up()
    connection = connect(url)
    connection.execute("create schema app")
    connection.execute("create table app.told (id bigint primary key, text text not null)")
    connection.execute(f"insert into app.told select n, 'loaded ' || n from generate_series(1, {LOADED}) n")
    photos, root = directory / "photos", directory / "backups"
    for n in range(5):
        add_photo(photos, b"photo %d" % n)
    stop, source = threading.Event(), Source(url)
    receiver = threading.Thread(target=receive, args=(source, root, stop, lambda: None), daemon=True)
    receiver.start()
    slot = f"select 1 from pg_replication_slots where slot_name = '{SLOT}' and active"
    until_true(lambda: connection.execute(slot).fetchone())
    backup = create(source, root, wanted(photos), at=datetime.now(UTC), tell=silently)
    ledger: dict[int, tuple[int, str]] = {}
    writers = [threading.Thread(target=write, args=(url, w, ledger)) for w in range(WRITERS)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join(60)
    made = Installation(directory, cluster, connection, backup, ledger)
    add_photo(photos, b"photo after the backup")
    mirror(root, "photos", photos, silently)
    connection.execute("select pg_switch_wal()")
    connection.execute("insert into app.told values (0, 'after the switch')")
    made.received()
    note_segments(root / "wal")
    yield made
    stop.set()
    receiver.join(30)
    connection.close()
    cluster.destroy()
    shutil.rmtree(directory)


@pytest.fixture
def home(installation: Installation) -> Iterator[Path]:
    """A place to restore into."""
    place_ = Path(tempfile.mkdtemp(prefix="back-", dir=installation.directory))
    place_.chmod(0o755)
    yield place_ / "home"
    if (place_ / "home" / "pg").exists():
        Cluster(place_ / "home" / "pg").destroy()
    shutil.rmtree(place_)


def test_a_sound_backup_is_called_sound(installation: Installation) -> None:
    verdict = verify(installation.backup, seal_key=KEY, tell=silently)
    assert (verdict.faults, verdict.notes) == ((), ())
    assert verdict.files > 900


def test_restored_to_a_random_second_it_has_what_was_acknowledged_by_then_and_nothing_else(
    installation: Installation, home: Path
) -> None:
    rng, ledger = random.Random(SEED), installation.ledger
    times = dict(
        installation.connection.execute(
            "select x, pg_xact_commit_timestamp(x::text::xid) from unnest(%s::bigint[]) x", [list(ledger)]
        ).fetchall()
    )
    first, last = min(times.values()), max(times.values())
    target = first + (last - first) * rng.uniform(0.2, 0.8)
    expected = {ledger[xid] for xid in committed_by(installation.connection, list(ledger), target)}
    assert 0 < len(expected) < len(ledger), "the instant lies within the load"
    state = state_of(installation.connection, ["told"], until=target)
    installation.received()

    found = place.find(installation.root, at=target)
    recovered: Recovered = restore(found, home, at=target, tell=silently)

    assert recovered.reached_at is not None
    assert recovered.reached_at <= target
    with connect(recovered.url) as connection:
        told = set(connection.execute("select id, text from app.told where id >= 1000000").fetchall())
        assert told == expected
        assert state_of(connection, ["told"]) == state
        connection.execute("insert into app.told values (-1, 'life goes on')")
    assert recovered.missing_files == 0
    assert sorted(p.name for p in (home / "photos").rglob("*") if p.is_file()) == sorted(
        p.name for p in installation.photos.rglob("*") if p.is_file()
    )


def test_without_a_time_all_that_was_received_is_there_and_the_server_starts_again_as_it_is(
    installation: Installation, home: Path
) -> None:
    installation.received()
    recovered = restore(installation.backup, home, at=None, tell=silently)
    everything = state_of(installation.connection, ["told"])
    cluster = Cluster(home / "pg")
    cluster.down()
    cluster.up()
    with connect(recovered.url) as connection:
        assert state_of(connection, ["told"]) == everything


def test_nothing_is_restored_over_anything(installation: Installation, home: Path) -> None:
    home.mkdir()
    (home / "something").touch()
    with pytest.raises(Conflict):
        restore(installation.backup, home, at=None, tell=silently)
    with pytest.raises(Conflict):
        restore(installation.backup, installation.directory, at=None, tell=silently)
    assert [p.name for p in home.iterdir()] == ["something"]


def test_a_time_that_was_not_received_is_refused_and_nothing_is_left(
    installation: Installation, home: Path
) -> None:
    later = installation.clock() + timedelta(hours=1)
    with pytest.raises(InvalidInput, match="ends before"):
        restore(installation.backup, home, at=later, tell=silently)
    assert not home.exists()


def test_a_time_before_the_first_backup_has_none(installation: Installation) -> None:
    before = installation.backup.finished_at - timedelta(seconds=1)
    with pytest.raises(NotFound):
        place.find(installation.root, at=before)
    with pytest.raises(InvalidInput):
        place.find(installation.backup.folder, at=before)


def flip(path: Path, rng: random.Random) -> tuple[int, int]:
    """Change one bit of one byte; where, and what it was."""
    at, bit = rng.randrange(path.stat().st_size), 1 << rng.randrange(8)
    with path.open("r+b") as file:
        file.seek(at)
        was = file.read(1)[0]
        file.seek(at)
        file.write(bytes([was ^ bit]))
    return at, was


def unflip(path: Path, at: int, was: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([was]))


def files_of(backup: Backup, kind: str) -> list[Path]:
    folder = {
        "base": backup.folder / "base",
        "wal": backup.root / "wal",
        "photo": backup.root / "files" / "photos",
        "lists": backup.folder,
    }[kind]
    found = [p for p in folder.rglob("*") if p.is_file() and p.stat().st_size]
    if kind == "wal":
        # Those before the backup began belong to older ones.
        return [p for p in found if place.SEGMENT.fullmatch(p.name) and p.name >= backup.first_segment]
    return [p for p in found if p.parent == folder] if kind == "lists" else found


@pytest.mark.parametrize(("kind", "count"), [("base", 6), ("wal", 3), ("photo", 3), ("lists", 4)])
def test_one_flipped_bit_anywhere_is_found(installation: Installation, kind: str, count: int) -> None:
    rng = random.Random(f"{SEED} {kind}")
    backup, missed = installation.backup, []
    paths = files_of(backup, kind)
    assert paths
    for _ in range(count):
        path = rng.choice(paths)
        if kind == "photo" and path.name not in (backup.folder / "photos.sha256").read_text():
            path = next(p for p in paths if p.name in (backup.folder / "photos.sha256").read_text())
        at, was = flip(path, rng)
        try:
            verdict = verify(backup, seal_key=KEY, tell=silently)
        finally:
            unflip(path, at, was)
        if verdict.sound or not any(path.name in fault or "seal" in fault for fault in verdict.faults):
            missed.append((str(path), at))
    assert missed == []
    assert verify(backup, seal_key=KEY, tell=silently).sound


@pytest.mark.parametrize("what", ["gone", "added", "short"])
def test_a_file_too_few_too_many_or_cut_short_is_found(installation: Installation, what: str) -> None:
    base = installation.backup.folder / "base"
    victim = base / "global" / "pg_filenode.map"
    kept = victim.read_bytes()
    try:
        if what == "gone":
            victim.unlink()
        elif what == "short":
            victim.write_bytes(kept[:-1])
        else:
            (base / "base" / "99999").write_bytes(b"")
        assert not verify(installation.backup, seal_key=KEY, tell=silently).sound
    finally:
        victim.write_bytes(kept)
        (base / "base" / "99999").unlink(missing_ok=True)


def test_lists_that_were_rewritten_to_fit_the_damage_do_not_bear_the_seal(installation: Installation) -> None:
    backup = installation.backup
    verdict = verify(backup, seal_key=b"the key of somebody else", tell=silently)
    assert "seal" in verdict.faults[0]
    assert verify(backup, seal_key=None, tell=silently).notes == (
        "the seal was not checked: no key was given",
    )


def test_a_hole_in_the_received_wal_is_noted(installation: Installation) -> None:
    wal = installation.root / "wal"
    hole = place.segments_in(wal)[-1]
    (wal / hole).rename(wal / "aside")
    try:
        verdict = verify(installation.backup, seal_key=KEY, tell=silently)
        assert f"missing: wal/{hole}" in verdict.faults
    finally:
        (wal / "aside").rename(wal / hole)


def test_no_key_is_in_a_backup_but_a_mark_that_tells_it_from_another(installation: Installation) -> None:
    backup = installation.backup
    assert missing_keys(backup, {"master": place.fingerprint(b"one")}) == []
    assert missing_keys(backup, {"master": place.fingerprint(b"two")}) == ["master"]
    assert missing_keys(backup, {}) == ["master"]
    for path in backup.folder.glob("*.*"):
        assert KEY not in path.read_bytes()


def test_a_backup_that_failed_leaves_nothing_that_looks_like_one(
    installation: Installation, tmp_path
) -> None:
    nowhere = Source(f"postgresql://postgres@/gridmgmt?host={tmp_path}")
    with pytest.raises(Unavailable):
        create(nowhere, tmp_path / "to", wanted(installation.photos), at=datetime.now(UTC), tell=silently)
    assert place.backups_in(tmp_path / "to") == []
    assert [p.name for p in (tmp_path / "to").iterdir()] == [".lock"]


def test_old_backups_go_with_the_wal_and_evidence_that_only_they_need(installation: Installation) -> None:
    source = Source(installation.cluster.dsn())
    root = installation.directory / "pruned"
    (root / "wal").mkdir(parents=True)
    tree = installation.directory / "few"
    erased = add_photo(tree, b"to be erased")
    begun = datetime.now(UTC)
    labels = []
    for n in range(3):
        at = begun + timedelta(seconds=n)
        labels.append(create(source, root, wanted(tree, trees={"photos": tree}), at=at, tell=silently).label)
        if n == 0:
            (tree / erased[:2] / erased[2:4] / erased).unlink()
            add_photo(tree, b"to stay")
    first = place.find(root / labels[0]).first_segment
    (root / "wal" / first).write_bytes(b"old")
    note_segments(root / "wal")
    interrupted = root / place.label_of(begun - timedelta(days=1))
    interrupted.mkdir()

    assert prune(root, keep=2) == [interrupted.name, labels[0]]
    assert [b.label for b in place.backups_in(root)] == labels[1:]
    assert place.segments_in(root / "wal") == []
    kept = [p.name for p in (root / "files" / "photos").rglob("*") if p.is_file()]
    assert erased not in kept
    assert len(kept) == 1
    assert all(verify(b, seal_key=KEY, tell=silently).sound for b in place.backups_in(root))
    assert prune(root, keep=1) == [labels[1]]
    assert prune(root, keep=1) == [], "the newest always stays"


def test_segments_follow_each_other_across_a_log_file() -> None:
    assert place.segment_after("0000000100000000000000FE", 2**24) == "0000000100000000000000FF"
    assert place.segment_after("0000000100000000000000FF", 2**24) == "000000010000000100000000"
    assert place.segment_after("00000002000000000000003F", 2**26) == "000000020000000100000000"


def test_a_password_is_not_among_the_arguments_of_a_program() -> None:
    source = Source("postgresql+psycopg://gridmgmt_backup:s3cret@db:5433/streets?sslmode=verify-full")
    environment = source.environment()
    assert (environment["PGPASSWORD"], environment["PGHOST"], environment["PGPORT"]) == (
        "s3cret",
        "db",
        "5433",
    )
    assert environment["PGSSLMODE"] == "verify-full"
