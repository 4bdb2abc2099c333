"""What the seal costs the writers of the audit log, how late it comes, and how fast it is verified.

Writers: pgbench commits one line a transaction, 16 clients, into three logs in turn: ours with a sealer at
work, the same table without seal (no ``xact``, no index for it, no sealer), and the usual alternative, a
hash chain whose head row every writer locks. Crashes: 64 clients write while the sealer is killed with
SIGKILL again and again, and PostgreSQL as well. Length: a long log is sealed and verified.
"""

import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from bench.report import Options, Result, Side, in_own_process, main, peak_rss_mb
from gridmgmt.adapters.signing import load_key_file
from gridmgmt.sealer import Sealing
from gridmgmt.services.seal_check import Asked, verify
from gridmgmt.settings import Settings
from gridmgmt.storage import schema
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.embedded import Cluster, default_home
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import NOBODY

CLIENTS, ROUNDS, SECONDS = 16, 3, 5
WRITERS, EVENTS, KILLS, DATABASE_KILLS = 64, 100_000, 16, 4
LONG, LONG_QUICK = 1_000_000, 50_000
TEMPLATE, DATABASE = "bench_audit_template", "bench_audit"

_INSERT = """insert into app.audit_log
 (at, actor_id, subdistrict_code, action, object_kind, object_id, outcome, facts, request_id)
 values (clock_timestamp(), '00000000-0000-7000-8000-000000000001', '120116005', 'dispatch', 'case',
 md5(random()::text), 'done', '{"from": "filed", "to": "handling", "unit_code": "HZD-06"}',
 md5(random()::text));
"""
_WITHOUT_SEAL = "set app.migration = 'bench'; alter table app.audit_log drop column xact"
_CHAIN = """
    create table app.chain_head (one bool primary key, hash bytea);
    insert into app.chain_head values (true, '');
    alter table app.audit_log add column hash bytea;
    create function app.chain() returns trigger language plpgsql as $$
    declare before bytea;
    begin
        select hash into before from app.chain_head for update;
        new.hash := sha256(before || convert_to(new::text, 'UTF8'));
        update app.chain_head set hash = new.hash;
        return new;
    end $$;
    create trigger chain before insert on app.audit_log for each row execute function app.chain();
"""


# The head that sealed a line is the first whose size lies above its place.
_DELAYS = """
    select percentile_cont(array[0.5, 0.99, 1]) within group (
               order by greatest(0, extract(epoch from h.at - a.at)))
      from app.audit_leaves l join app.audit_log a on a.id = l.audit_id
      cross join lateral (select at from app.audit_checkpoints c where c.size > l.seq
                           order by c.size, c.no limit 1) h
"""


@dataclass(frozen=True, slots=True)
class Room:
    """A database on the bench's own cluster, and where its sealer keeps key and memory."""

    cluster: Cluster
    url: str
    home: Path

    @property
    def settings(self) -> Settings:
        """What the sealer runs with."""
        return Settings(home=self.home, database_url=self.url)

    def environment(self) -> dict[str, str]:
        """The same for a process."""
        return {**os.environ, "GRIDMGMT_HOME": str(self.home), "GRIDMGMT_DATABASE_URL": self.url}


def run(options: Options) -> Result:
    """Writers' cost in rounds, then crashes, then a long log."""
    cluster = Cluster(default_home() / "bench", durable=True)
    cluster.up()
    cluster.drop(TEMPLATE)
    cluster.create_template(TEMPLATE, _prepare)
    rates = _writers(cluster, options)
    delay = _steady_delay(cluster, options)
    crashes = _crashes(cluster, options)
    length = _length(cluster, options)
    cluster.drop(DATABASE)
    ours, plain, chain = (statistics.median(rates[name]) for name in ("sealed", "plain", "chain"))
    return Result(
        name="audit",
        question=f"How many lines a second do {CLIENTS} writers commit, sealed, not sealed, and chained?",
        unit="lines",
        sides=(
            Side("sealed, sealer at work", ours, "with its share of the cores"),
            Side("the same log, no seal", plain, "no transaction number, no index, no sealer"),
            Side("hash chain, head row locked", chain, "SHA-256 in a trigger; 0 forks"),
        ),
        facts={
            "by round": {name: [round(r) for r in found] for name, found in rates.items()},
            "delay": delay,
            "crashes": crashes,
            "long log": length,
            "rows are": "synthetic",
        },
        goals={
            "0 gaps, 0 forks, 0 lines left out after the crashes": crashes["sound"],
            "0 acknowledged lines lost": crashes["acknowledged_lost"] == 0,
            "99 % sealed within 5 s at a steady rate": delay["p99_s"] <= 5,
            "10 million lines verified in 5 minutes of CPU time (extrapolated)": length["ten_million_cpu_s"]
            <= 300,
            "verifier under 512 MiB": length["verify_peak_rss_mb"] <= 512,
        },
    )


def _prepare(url: str) -> None:
    prepare(url)
    schema.migrate(url)


@contextmanager
def _room(cluster: Cluster, *changes: str) -> Iterator[Room]:
    with tempfile.TemporaryDirectory() as home:
        room = Room(cluster, cluster.clone(TEMPLATE, DATABASE), Path(home))
        engine = make_engine(room.url, pool_size=1)
        with engine.begin() as db:
            driver: Any = db.connection.driver_connection
            for change in changes:
                driver.execute(change)
        engine.dispose()
        yield room


def _writers(cluster: Cluster, options: Options) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"sealed": [], "plain": [], "chain": []}
    for _ in range(1 if options.quick else ROUNDS):
        with _room(cluster) as room, _sealer(room):
            found["sealed"].append(_pgbench(room, CLIENTS, "-T", str(SECONDS))[0])
        with _room(cluster, _WITHOUT_SEAL) as room:
            found["plain"].append(_pgbench(room, CLIENTS, "-T", str(SECONDS))[0])
        with _room(cluster, _WITHOUT_SEAL + ";" + _CHAIN) as room:
            found["chain"].append(_pgbench(room, CLIENTS, "-T", str(SECONDS))[0])
    return found


@contextmanager
def _sealer(room: Room) -> Iterator[subprocess.Popen[bytes]]:
    process = _start_sealer(room)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _start_sealer(room: Room) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "gridmgmt", "audit", "seal"],
        env=room.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _pgbench(room: Room, clients: int, *limit: str) -> tuple[float, int]:
    """(lines a second, lines acknowledged)."""
    script = room.home / "line.sql"
    script.write_text(" ".join(_INSERT.split("\n")) + "\n", encoding="utf-8")
    done = subprocess.run(
        [
            str(room.cluster.program("pgbench")), "-n", "-M", "prepared", "-c", str(clients), "-j", "2",
            "-h", str(room.cluster.socket_dir), "-U", "postgres", "-f", str(script), *limit, DATABASE,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )  # fmt: skip
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    if not count or int(count[1]) == 0:
        raise RuntimeError(done.stderr[-2000:])
    return float(rate[1]) if rate else 0.0, int(count[1])


def _crashes(cluster: Cluster, options: Options) -> dict[str, Any]:
    """64 writers; the sealer is killed again and again, PostgreSQL a few times."""
    rng = random.Random(1)
    share = 10 if options.quick else 1
    database_kills = 1 if options.quick else DATABASE_KILLS
    acknowledged, stop = 0, threading.Event()
    with _room(cluster) as room:
        kills = threading.Thread(target=_kill_sealers, args=(room, stop, counted := []))
        kills.start()
        for segment in range(database_kills + 1):
            killer = None
            if segment < database_kills:
                killer = threading.Timer(rng.uniform(3.0, 8.0), _kill_database, (cluster,))
                killer.start()
            count = EVENTS // share // (database_kills + 1) // WRITERS
            acknowledged += _pgbench(room, WRITERS, "-t", str(count), "-R", "1500")[1]
            if killer is not None:
                killer.join()
                _bring_up(cluster)
        stop.set()
        kills.join()
        return _after_crashes(room, acknowledged, sealer_kills=len(counted), database_kills=database_kills)


def _steady_delay(cluster: Cluster, options: Options) -> dict[str, Any]:
    """How late lines are sealed while 16 clients write at a steady rate and nobody is killed."""
    seconds = 5 if options.quick else 30
    with _room(cluster) as room, _sealer(room):
        engine = make_engine(room.url, pool_size=1)
        _pgbench(room, 1, "-t", "1")
        while not _count(engine, "audit_checkpoints"):
            time.sleep(0.2)
        _pgbench(room, CLIENTS, "-T", str(seconds), "-R", "300")
        while _count(engine, "audit_leaves") < _count(engine, "audit_log"):
            time.sleep(0.2)
        with engine.connect() as db:
            p50, p99, longest = db.execute(text(_DELAYS)).scalar_one()
        engine.dispose()
    return {"lines_per_s": 300, "p50_s": round(p50, 2), "p99_s": round(p99, 2), "max_s": round(longest, 2)}


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as db:
        return int(db.execute(text(f"select count(*) from app.{table}")).scalar_one())


def _kill_sealers(room: Room, stop: threading.Event, counted: list[int]) -> None:
    rng = random.Random(2)
    while not stop.is_set():
        process = _start_sealer(room)
        stop.wait(rng.uniform(3.0, 8.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        counted.append(process.pid)


def _kill_database(cluster: Cluster) -> None:
    """SIGKILL to the postmaster and all of its children at once."""
    (pid_file,) = cluster.home.rglob("postmaster.pid")
    postmaster = int(pid_file.read_text().split("\n", 1)[0])
    children = [
        int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent_of(stat) == postmaster
    ]
    for pid in (postmaster, *children):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _parent_of(stat: Path) -> int | None:
    with suppress(OSError):
        return int(stat.read_text().rpartition(")")[2].split()[1])
    return None


def _bring_up(cluster: Cluster) -> None:
    for _ in range(20):
        with suppress(Exception):
            cluster.up()
            return
        time.sleep(0.5)


def _after_crashes(
    room: Room, acknowledged: int, *, sealer_kills: int, database_kills: int
) -> dict[str, Any]:
    engine = make_engine(room.url, pool_size=1)
    Sealing(engine, room.settings).drain(datetime.now(UTC))
    with transaction(engine, NOBODY) as db:
        lines = db.execute(text("select count(*) from app.audit_log")).scalar_one()
        leaves = db.execute(text("select count(*) from app.audit_leaves")).scalar_one()
        delays = db.execute(text(_DELAYS)).scalar_one()
        report = verify(db, _asked(room), datetime.now(UTC))
    engine.dispose()
    return {
        "writers": WRITERS, "acknowledged": acknowledged, "lines": lines, "leaves": leaves,
        "acknowledged_lost": max(0, acknowledged - lines), "heads": report.heads,
        "sealer_kills": sealer_kills, "database_kills": database_kills,
        "delay_p50_s": round(delays[0], 2), "delay_p99_s": round(delays[1], 2),
        "delay_max_s": round(delays[2], 2),
        "sound": report.sound and lines == leaves == report.rows,
        "findings": [f.kind for f in report.findings],
    }  # fmt: skip


def _asked(room: Room) -> Asked:
    settings = room.settings
    return Asked([load_key_file(settings.audit_key_file, settings.audit_origin).public_key])


def _length(cluster: Cluster, options: Options) -> dict[str, Any]:
    """Seal and verify a long log."""
    count = LONG_QUICK if options.quick else LONG
    with _room(cluster) as room:
        engine = make_engine(room.url, pool_size=1)
        _fill(engine, count)
        began = time.perf_counter()
        Sealing(engine, room.settings).drain(datetime.now(UTC))
        seal_s = time.perf_counter() - began
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("vacuum analyze app.audit_log"))
            db.execute(text("vacuum analyze app.audit_leaves"))
        engine.dispose()
        verify_s, cpu_s, rss_mb, rows, sound = in_own_process(_verify, room.url, str(room.home))
    return {
        "lines": rows, "sound": sound, "seal_s": round(seal_s, 1), "sealed_per_s": round(rows / seal_s),
        "verify_s": round(verify_s, 1), "verified_per_s": round(rows / verify_s),
        "verify_cpu_s": round(cpu_s, 1), "verify_peak_rss_mb": round(rss_mb),
        "ten_million_s": round(verify_s / rows * 10_000_000),
        "ten_million_cpu_s": round(cpu_s / rows * 10_000_000),
        "ten_million_is": "extrapolated from this run, in proportion; cpu: verifier and its database process",
    }  # fmt: skip


def _fill(engine: Engine, count: int) -> None:
    values = _INSERT.partition("values (")[2].rpartition(")")[0]
    statement = _INSERT.partition("values")[0] + f"select {values} from generate_series(1, :n)"
    for _ in range(0, count, 10_000):
        with engine.begin() as db:
            driver: Any = db.connection.driver_connection
            driver.execute(statement.replace(":n", "10000"))


def _verify(url: str, home: str) -> tuple[float, float, float, int, bool]:
    room = Room(Cluster(default_home() / "bench"), url, Path(home))
    engine = make_engine(url, pool_size=1)
    began = time.perf_counter()
    with transaction(engine, NOBODY, read_only=True) as db:
        backend = Path("/proc") / str(db.execute(text("select pg_backend_pid()")).scalar_one()) / "stat"
        began_cpu_s = time.process_time()
        report = verify(db, _asked(room), datetime.now(UTC))
        seconds = time.perf_counter() - began
        ticks = sum(map(int, backend.read_text().rpartition(")")[2].split()[11:13]))
    engine.dispose()
    cpu_s = time.process_time() - began_cpu_s + ticks / os.sysconf("SC_CLK_TCK")
    return seconds, cpu_s, peak_rss_mb(), report.rows, report.sound


if __name__ == "__main__":
    sys.exit(main([run]))
