"""Durable intake over HTTP against the raw commit rate of the same rows on the same cluster.

Ours: 16 phones post reports to the real server (HTTP in, committed with history, outbox and audit rows,
answer out). Peer: ``pgbench`` with 16 clients inserts the very rows that one of those reports left
behind, one multi-row INSERT a table, BEGIN and COMMIT around them, statements prepared. The server, the
load, pgbench and PostgreSQL share the cores. fsync is on on both sides.
"""

import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from shapely.geometry import shape
from sqlalchemy import Engine, text

from bench.load import Fired, fire
from bench.report import Options, Result, Side, main
from gridmgmt.demo.client import DemoClient, Person
from gridmgmt.demo.load import load_demo
from gridmgmt.demo.photos import draw_photo
from gridmgmt.demo.play import Cast, random_point, uuid7
from gridmgmt.domain.org import Role
from gridmgmt.storage import schema
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.embedded import Cluster, default_home
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import NOBODY, Login

CLIENTS = 16
PORT = 8139
REPORTS, REPORTS_QUICK = 3200, 960
PGBENCH_S, PGBENCH_QUICK_S = 6, 3
# Many short rounds: where the cores are shared with others, both sides of a ratio must see the same hour.
ROUNDS = 7
WARM = 25
"""Reports of each client before the clock starts."""
DATABASE, TEMPLATE = "bench_intake", "bench_intake_template"
DATA = Path(__file__).parent.parent / "data"

# Tables in the order of their references, and what must differ from row to row.
_ROWS = (
    ("app.reports", "id = :id", {"id": "{id}"}),
    ("app.report_photos", "report_id = :id", {"report_id": "{id}"}),
    ("app.cases", "id = :id", {"id": "{id}", "report_id": "{id}", "number": "{number}"}),
    ("app.case_steps", "case_id = :id", {"case_id": "{id}"}),
    ("app.outbox", "case_id = :id", {"delivered_at": "null", "delivery_no": "null"}),
    ("app.audit_log", "object_id = cast(:id as text)", {}),
)
_ID = "(lpad(to_hex(:a::int),8,'0')||lpad(to_hex(:b::int),8,'0')||'0000000000000000')::uuid"
_NUMBER = "'9'||lpad(:a::text,10,'0')||lpad(:b::text,10,'0')"


def run(options: Options) -> Result:
    """Measure both sides in turn, round after round; medians count."""
    cluster = Cluster(default_home() / "bench", durable=True)
    cluster.up()
    cluster.drop(TEMPLATE)
    cluster.create_template(TEMPLATE, _load)
    reports = REPORTS_QUICK if options.quick else REPORTS
    seconds = PGBENCH_QUICK_S if options.quick else PGBENCH_S
    ours: list[Fired] = []
    theirs: list[tuple[float, float]] = []
    rows = 0
    for _ in range(1 if options.quick else ROUNDS):
        # Every round begins with the same rows, so that no run pays for those before it.
        url = cluster.clone(TEMPLATE, DATABASE)
        # A sealer remembers the heads that it signed, so each round has a new one, else it would not seal.
        with tempfile.TemporaryDirectory() as seal, _server(cluster, Path(seal)) as base_url:
            ours.append(_fire(base_url, url, reports))
        engine = make_engine(url, pool_size=1)
        script, rows = _pgbench_script(engine)
        engine.dispose()
        theirs.append(_pgbench(cluster, script, seconds))
    cluster.drop(DATABASE)
    return _result(ours, theirs, rows)


def _load(url: str) -> None:
    prepare(url)
    schema.migrate(url)
    engine = make_engine(url, pool_size=1)
    load_demo(engine, DATA, datetime.now(UTC), lambda *_: None)
    engine.dispose()


def _result(ours: list[Fired], theirs: list[tuple[float, float]], rows: int) -> Result:
    best = sorted(ours, key=lambda f: len(f.latencies_s) / f.wall_s)[len(ours) // 2]
    rate = len(best.latencies_s) / best.wall_s
    peer_rate, peer_ms = sorted(theirs)[len(theirs) // 2]
    sorted_ms = sorted(s * 1000 for s in best.latencies_s)
    p50, p99 = sorted_ms[len(sorted_ms) // 2], sorted_ms[int(len(sorted_ms) * 0.99)]
    shares = [len(f.latencies_s) / f.wall_s / t[0] for f, t in zip(ours, theirs, strict=True)]
    share = statistics.median(shares)
    refused = sum(len(f.unexpected) for f in ours)
    return Result(
        name="intake",
        question=f"How many reports a second become durable, {CLIENTS} clients at once?",
        unit="reports",
        sides=(
            Side("gridmgmt over HTTP", rate, f"p50 {p50:.0f} ms, p99 {p99:.0f} ms", differing=refused),
            Side("pgbench, the same rows", peer_rate, f"mean {peer_ms:.0f} ms; no HTTP, no decision"),
        ),
        facts={
            "rows per report": rows,
            "share of pgbench": f"{share:.0%}",
            "share of pgbench by round": [f"{s:.0%}" for s in shares],
            "server processes": _PROCESSES,
            "answers other than 201": refused,
        },
        goals={
            "at least 25 % of pgbench": share >= 0.25,
            "p99 under 150 ms": p99 < 150,
            "every answer 201": refused == 0,
        },
    )


_PROCESSES = 2


@contextlib.contextmanager
def _server(cluster: Cluster, seal: Path) -> Iterator[str]:
    # As the logins of an installation: row-level security is part of what is measured.
    environment = {
        **os.environ,
        "GRIDMGMT_ENVIRONMENT": "demo",
        "GRIDMGMT_DATABASE_URL": cluster.dsn(DATABASE, user=Login.APP),
        "GRIDMGMT_WORKER_DATABASE_URL": cluster.dsn(DATABASE, user=Login.WORKER),
        "GRIDMGMT_PHOTO_DIR": str(default_home() / "bench" / "photos"),
        "GRIDMGMT_AUDIT_KEY_FILE": str(seal / "sealer.key"),
    }
    command = [sys.executable, "-m", "gridmgmt", "serve", "--port", str(PORT), "--processes", str(_PROCESSES)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    base_url = f"http://127.0.0.1:{PORT}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{base_url}/readyz", trust_env=False).is_success:
                    break
            time.sleep(0.2)
        yield base_url
    finally:
        server.terminate()
        server.wait(timeout=30)


def _fire(base_url: str, url: str, reports: int) -> Fired:
    with DemoClient(base_url) as client:
        requests = _requests(client, reports)
    fire("127.0.0.1", PORT, [r[:WARM] for r in requests])
    # As a day of autovacuum would have left it; on empty tables the planner's guesses are not ours to time.
    engine = make_engine(url, pool_size=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    engine.dispose()
    return fire("127.0.0.1", PORT, [r[WARM:] for r in requests])


def _requests(client: DemoClient, reports: int) -> list[list[bytes]]:
    rng = random.Random()
    cast = Cast(client)
    features = client.get(cast.desk(Role.SHIFT_LEADER), "/cells")["features"]
    shapes = [shape(f["geometry"]) for f in features]
    codes = [f["properties"]["code"] for f in features]
    photo = draw_photo(random.Random(1), "bench")
    client.put_photo(cast.worker_of(codes[0]), photo.sha256, photo.content)
    return [
        [
            _request(cast.worker_of(codes[i]), random_point(rng.choice(shapes), rng), photo.sha256, rng)
            for _ in range(reports // CLIENTS + WARM)
        ]
        for i in range(CLIENTS)
    ]


def _request(who: Person, point: Any, photo: str, rng: random.Random) -> bytes:
    now = datetime.now(UTC)
    body = json.dumps(
        {
            "id": str(uuid7(now, rng)),
            "category": "matter:09006",
            "description": "占道经营影响通行",
            "position": {"lon": point.x, "lat": point.y, "datum": "wgs84", "accuracy_m": 8.0},
            "observed_at": now.isoformat(),
            "photos": [photo],
        }
    ).encode()
    head = (
        f"POST /api/v1/reports HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\n"
        f"Authorization: {who.headers['Authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _pgbench_script(engine: Engine) -> tuple[str, int]:
    """A script that inserts the rows of the newest dispatched case again, and how many they are."""
    lines, rows = ["\\set a random(1, 2000000000)", "\\set b random(1, 2000000000)", "begin;"], 0
    with transaction(engine, NOBODY) as db:
        case_id = db.execute(
            text("select id from app.cases where state = 'handling' order by reported_at desc limit 1")
        ).scalar_one()
        for table, where, changed in _ROWS:
            columns = list(
                db.execute(
                    text(
                        "select attname from pg_attribute where attrelid = cast(:t as regclass)"
                        " and attnum > 0 and not attisdropped and attidentity = '' order by attnum"
                    ),
                    {"t": table},
                ).scalars()
            )
            values = ", ".join(f"quote_nullable({c}::text)" for c in columns)
            found = db.execute(text(f"select {values} from {table} where {where}"), {"id": case_id}).all()
            tuples = [_tuple(columns, row, changed) for row in found]
            lines.append(f"insert into {table} ({', '.join(columns)}) values {', '.join(tuples)};")
            rows += len(tuples)
    return "\n".join([*lines, "commit;", ""]), rows


def _tuple(columns: Sequence[str], row: Sequence[str], changed: dict[str, str]) -> str:
    new = {"{id}": _ID, "{number}": _NUMBER}
    cells = (
        new.get(changed[c], changed[c]) if c in changed else _without_colons(v)
        for c, v in zip(columns, row, strict=True)
    )
    return f"({', '.join(cells)})"


def _without_colons(literal: str) -> str:
    """The same SQL literal; pgbench would take a colon and what follows for one of its variables."""
    if ":" not in literal:
        return literal
    escaped = literal[1:] if literal.startswith("E") else literal.replace("\\", "\\\\")
    return "E" + escaped.replace(":", "\\x3a")


def _pgbench(cluster: Cluster, script: str, seconds: int) -> tuple[float, float]:
    """Commits per second and mean latency in ms."""
    path = cluster.home / "pgbench-intake.sql"
    path.write_text(script, encoding="utf-8")
    command = [
        str(cluster.program("pgbench")), "--host", str(cluster.socket_dir), "--username", "postgres",
        "--no-vacuum", "--client", str(CLIENTS), "--jobs", "2", "--time", str(seconds),
        "--protocol", "prepared", "--file", str(path), DATABASE,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"tps = ([0-9.]+)", done.stdout)
    latency = re.search(r"latency average = ([0-9.]+) ms", done.stdout)
    if done.returncode or rate is None or latency is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-500:]}")
    return float(rate[1]), float(latency[1])


if __name__ == "__main__":
    raise SystemExit(main([run]))
