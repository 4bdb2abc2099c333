"""The way back: restore to a random second, compared with a ledger, against pg_restore of the same rows.

An installation is filled, backed up, and then loaded while its WAL is received. Every client of the load
notes which reports it was told are stored. Then a second within the load is drawn, the backup is verified
with single bits flipped, restored to that second, and compared: the reports that were acknowledged by then
and no other, and one hash per table over all rows as they were. Commit times are the server's own
(``track_commit_timestamp``, which an installation does not need).

The peer, ``pg_restore`` of a dump of the same database, brings back as many rows but to no point in time.
All rows are synthetic: copies of one report's rows, as the intake leaves them.
"""

import contextlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from bench.report import Options, Result, Side, main
from gridmgmt.demo.load import load_demo
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import schema
from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.create import Wanted, create
from gridmgmt.storage.backup.ledger import committed_by, state_of
from gridmgmt.storage.backup.receive import caught_up, note_segments, receive
from gridmgmt.storage.backup.restore import restore
from gridmgmt.storage.backup.tools import Source, program
from gridmgmt.storage.backup.verify import verify
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.embedded import Cluster
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_street import Street

DATA = Path(__file__).parent.parent / "data"
ROWS, ROWS_QUICK = 1_000_000, 24_000
ROWS_OF_A_REPORT = 12
WRITERS, LOAD_S, LOAD_QUICK_S = 2, 20.0, 3.0
FLIPS, FLIPS_QUICK = 20, 6
SEED = 20_261_125
KEY = b"key of the benchmark"
# Append-only while nobody delivers, so a row's last transaction is the one that made it.
TABLES = ("reports", "cases", "case_steps", "outbox", "audit_log")

# Rows of one report, made anew for each of the ids in a temporary table. Columns that must differ are named.
_COPIES = (
    ("reports", "id = %(id)s", {"id": "w.id"}),
    ("cases", "report_id = %(id)s", {"id": "w.case_id", "report_id": "w.id", "number": "w.number"}),
    ("case_steps", "case_id = %(case)s", {"case_id": "w.case_id", "command_id": "null::uuid"}),
    (
        "outbox", "case_id = %(case)s",
        {"case_id": "w.case_id", "delivered_at": "null::timestamptz", "delivery_no": "null::bigint"},
    ),
    ("audit_log", "object_id in (%(id)s::text, %(case)s::text)", {"object_id": "w.id::text"}),
)  # fmt: skip


def run(options: Options) -> Result:
    """Fill, back up, load, flip, restore, compare; then the peer."""
    rows, load_s, flips = (ROWS_QUICK, LOAD_QUICK_S, FLIPS_QUICK) if options.quick else (ROWS, LOAD_S, FLIPS)
    directory = Path(tempfile.mkdtemp(prefix="gridmgmt-bench-", dir="/var/tmp"))
    directory.chmod(0o755)
    cluster = Cluster(directory / "pg")
    try:
        return _measure(cluster, directory, rows, load_s, flips)
    finally:
        cluster.destroy()
        shutil.rmtree(directory, ignore_errors=True)


def _measure(cluster: Cluster, directory: Path, rows: int, load_s: float, flips: int) -> Result:
    url, root = _filled(cluster, rows), directory / "backups"
    source = Source(url)
    connection = _connect(url)
    with _receiving(source, root):
        began = time.perf_counter()
        backup = create(source, root, _wanted(directory), at=datetime.now(UTC), tell=place.silently)
        create_s = time.perf_counter() - began
        ledger = _load(url, load_s)
        connection.execute("select pg_switch_wal()")
        _copy(connection, 1)
        assert caught_up(source, patience_s=60)
        note_segments(root / "wal")
        target = _second_within(connection, ledger)
        expected = {ledger[x] for x in committed_by(connection, list(ledger), target)}
        state = state_of(connection, TABLES, until=target)
        began = time.perf_counter()
        sound = verify(backup, seal_key=KEY, tell=place.silently)
        verify_s = time.perf_counter() - began
        found = _flipped_and_found(backup, flips)
        began = time.perf_counter()
        recovered = restore(place.find(root, at=target), directory / "back", at=target, tell=place.silently)
        restore_s = time.perf_counter() - began
    with _connect(recovered.url) as back:
        restored = state_of(back, TABLES)
        told = {
            row[0]
            for row in back.execute("select id from app.reports where id = any(%s)", [list(ledger.values())])
        }
    Cluster(directory / "back" / "pg").destroy()
    peer_s = _dump_and_restore(cluster, url, directory)
    total = sum(n for n, _ in restored.values())
    connection.close()
    return Result(
        name="restore",
        question="How long until every row is back, as it was at a random second?",
        unit="rows",
        sides=(
            Side(
                "gridmgmt backup restore, to a second",
                total / restore_s,
                f"{restore_s:.1f} s",
                differing=len(told ^ expected),
            ),
            Side("pg_restore, no point in time", total / peer_s, f"{peer_s:.1f} s, one job"),
        ),
        facts={
            "rows": total,
            "reports acknowledged in the load": len(ledger),
            "of them by that second": len(expected),
            "create_s": round(create_s, 1),
            "verify_s": round(verify_s, 1),
            "restore_s": round(restore_s, 1),
            "files verified": sound.files,
            "flipped bits found": f"{found} of {flips}",
        },
        goals={
            "what was acknowledged by that second, and nothing else": told == expected,
            "one hash a table as in the ledger": restored == state,
            "every flipped bit is found": found == flips and sound.sound,
            "a million rows in under 5 minutes": restore_s * 1e6 / max(total, 1_000_000) < 300,
        },
    )


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


def _wanted(directory: Path) -> Wanted:
    photos = directory / "photos"
    for n in range(50):
        content = random.Random(n).randbytes(40_000)
        (photos / f"{n:02}").mkdir(parents=True, exist_ok=True)
        (photos / f"{n:02}" / "photo").write_bytes(content)
    return Wanted({"photos": photos}, {}, KEY, {"database": "gridmgmt"})


def _filled(cluster: Cluster, rows: int) -> str:
    url = cluster.up()
    (cluster.home / "data" / "conf.d" / "70-ledger.conf").write_text("track_commit_timestamp = on\n")
    cluster.down()
    cluster.up()
    prepare(url)
    schema.migrate(url)
    engine = make_engine(url, pool_size=1)
    load_demo(engine, DATA, NOW, lambda *_: None)
    _first_report(engine)
    engine.dispose()
    with _connect(url) as connection:
        for _ in range(0, rows, 120_000):
            _copy(connection, min(rows, 120_000) // ROWS_OF_A_REPORT)
        connection.execute("vacuum analyze")
    return url


def _first_report(engine: Engine) -> None:
    """One real report by way of the intake; all others are its copies."""
    with transaction(engine, NOBODY) as db:
        Street(db, RuleBooks()).report()


_statements: list[str] = []


def _copy(connection: psycopg.Connection[Any], count: int) -> tuple[int, list[UUID]]:
    """Store so many copies of the first report in one transaction; its number and the reports' ids."""
    with connection.transaction():
        if not _statements:
            _statements.extend(_copying(connection))
        connection.execute("drop table if exists w")
        connection.execute(
            "create temporary table w as select gen_random_uuid() id, gen_random_uuid() case_id,"
            " '9' || lpad((random() * 1e10)::bigint::text, 11, '0') || lpad(n::text, 9, '0') number"
            " from generate_series(1, %s) n",
            [count],
        )
        for statement in _statements:
            connection.execute(statement)
        ((xid,),) = connection.execute("select pg_current_xact_id()::text::bigint").fetchall()
        return xid, [row[0] for row in connection.execute("select id from w").fetchall()]


def _copying(connection: psycopg.Connection[Any]) -> Iterator[str]:
    ((report, case),) = connection.execute(
        "select r.id, c.id from app.reports r join app.cases c on c.report_id = r.id"
        " order by c.reported_at limit 1"
    ).fetchall()
    for table, where, changed in _COPIES:
        columns = [
            row[0]
            for row in connection.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
                " and not attisdropped and attidentity = '' and attgenerated = '' order by attnum",
                [f"app.{table}"],
            ).fetchall()
        ]
        values = ", ".join(changed.get(c, f"t.{c}") for c in columns)
        condition = where % {"id": f"'{report}'::uuid", "case": f"'{case}'::uuid"}
        into = f"app.{table} ({', '.join(columns)})"
        yield f"insert into {into} select {values} from app.{table} t, w where t.{condition}"


@contextlib.contextmanager
def _receiving(source: Source, root: Path) -> Iterator[None]:
    stop = threading.Event()
    receiver = threading.Thread(target=receive, args=(source, root, stop, lambda: None))
    source.make_slot()
    receiver.start()
    try:
        assert caught_up(source, patience_s=60)
        yield
    finally:
        stop.set()
        receiver.join(30)


def _load(url: str, seconds: float) -> dict[int, UUID]:
    """Clients that note, by the number of its transaction, each report that they were told is stored."""
    ledger: dict[int, UUID] = {}
    until = time.monotonic() + seconds

    def write() -> None:
        with _connect(url) as connection:
            while time.monotonic() < until:
                xid, (report,) = _copy(connection, 1)
                ledger[xid] = report

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    return ledger


def _second_within(connection: psycopg.Connection[Any], ledger: dict[int, UUID]) -> datetime:
    ((first, last),) = connection.execute(
        "select min(t), max(t) from (select pg_xact_commit_timestamp(x::text::xid) t"
        " from unnest(%s::bigint[]) x) times",
        [list(ledger)],
    ).fetchall()
    return first + (last - first) * random.Random(SEED).uniform(0.1, 0.9)


def _flipped_and_found(backup: place.Backup, flips: int) -> int:
    """How many of so many single flipped bits are found, in base, WAL and evidence in turn."""
    rng, found = random.Random(SEED), 0
    kinds = [
        sorted(p for p in (backup.folder / "base").rglob("*") if p.is_file() and p.stat().st_size),
        sorted(
            p
            for p in (backup.root / "wal").glob("0*")
            if place.SEGMENT.fullmatch(p.name) and p.name >= backup.first_segment
        ),
        sorted(p for p in (backup.root / "files" / "photos").rglob("*") if p.is_file()),
    ]
    for number in range(flips):
        path = rng.choice(kinds[number % len(kinds)])
        at, bit = rng.randrange(path.stat().st_size), 1 << rng.randrange(8)
        _flip(path, at, bit)
        faults = verify(backup, seal_key=KEY, tell=place.silently).faults
        _flip(path, at, bit)
        found += any(path.name in fault for fault in faults)
    return found


def _flip(path: Path, at: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (was,) = file.read(1)
        file.seek(at)
        file.write(bytes([was ^ bit]))


def _dump_and_restore(cluster: Cluster, url: str, directory: Path) -> float:
    """Seconds of pg_restore alone; the dump is made beforehand."""
    environment = Source(url).environment()
    dump, target = directory / "dump", cluster.ensure_database("peer")
    subprocess.run(
        [program("pg_dump"), "--format", "custom", "--file", str(dump), "--dbname", "gridmgmt"],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    began = time.perf_counter()
    # Complaints about extensions that are there already do not end it.
    subprocess.run(
        [program("pg_restore"), "--dbname", "peer", str(dump)],
        env=environment,
        check=False,
        capture_output=True,
    )
    seconds = time.perf_counter() - began
    with _connect(target) as connection:
        state_of(connection, TABLES)
    return seconds


if __name__ == "__main__":
    sys.exit(main([run]))
