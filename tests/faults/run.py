"""One run: an installation under load, faults drawn from a seed, then the ledgers against the database."""

import asyncio
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from shapely.geometry import shape

from gridmgmt.demo.play import random_point
from gridmgmt.storage.postmaster import PORT
from gridmgmt.storage.rights.walls import Login
from tests.faults.ledger import Client, Ledger
from tests.faults.processes import CHECKOUT, FAKETIME, Database, Keeper, Process, monotonic
from tests.faults.proxy import Fault, Wire
from tests.faults.verify import Verdict, verify
from tests.journeys.installation import free_port

# The database dies most often: it is what holds what was acknowledged.
VICTIMS = ("database", "server", "database", "worker", "database")
WIRES = ("client_server", "server_database", "worker_database")
READY_S = 150.0
DRAIN_S = 60.0
VERDICTS = 5
"""Times that the outbox is drained and judged while it holds only what the worker has written meanwhile."""
BETWEEN = 3
"""Reports that are acknowledged from one fault to the next; the fault follows the last of them at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to an installation.

    ``kills`` and ``wires`` are how many of each fault; ``settings`` are of PostgreSQL; ``clock_jumps`` and
    ``full_disks`` add those.
    """

    seed: int = 1
    kills: int = 6
    wires: int = 6
    clock_jumps: int = 0
    full_disks: int = 0
    victims: tuple[str, ...] = VICTIMS
    reporters: int = 6
    pause_s: float = 0.05
    quiet_s: float = 1.0
    settings: dict[str, str] = field(default_factory=lambda: {"synchronous_commit": "on"})


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    verdict: Verdict
    ledger: Ledger
    done: Counter[str]
    slowest_recovery_s: float
    seconds: float
    fatal_signals: int

    def facts(self) -> dict[str, Any]:
        """For a result file."""
        return {
            "faults": dict(sorted(self.done.items())),
            "ledger": self.verdict.counts,
            "acknowledged reports": self.verdict.counts.get("report ok", 0),
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
            "invented": len(self.verdict.invented),
            "broken": len(self.verdict.broken),
            "unaudited": len(self.verdict.unaudited),
            "answers": {str(k): v for k, v in sorted(self.ledger.statuses.items())},
            "requests without an answer in 30 s": self.ledger.hangs,
            "slowest until ready again, s": round(self.slowest_recovery_s, 1),
            "events heard by the listener": len(self.ledger.heard),
            "seconds": round(self.seconds),
        }


class Installation:
    """Database, server and worker behind wires, and the clients."""

    def __init__(self, home: Path, plan: Plan) -> None:
        self.home, self.plan = home, plan
        self.rng = random.Random(plan.seed)
        self.database = Database(home / "pg", plan.settings)
        self.ledger = Ledger()
        self.scheduled = self._schedule()
        self.done: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.port = free_port()
        front = free_port()
        self.front_url = f"http://127.0.0.1:{front}"
        self.direct = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=5)
        behind = {name: home / f"wire-{name}" for name in ("server", "worker")}
        self.wires = {
            "client_server": Wire(("127.0.0.1", front), ("127.0.0.1", self.port)),
            "server_database": Wire(behind["server"] / f".s.PGSQL.{PORT}", self.database.socket),
            "worker_database": Wire(behind["worker"] / f".s.PGSQL.{PORT}", self.database.socket),
        }
        self.clock = home / "clock"
        self.processes = {
            "server": Process(
                "server", ("serve", "--port", str(self.port), "--without-worker"),
                self._environment(behind), home / "server.log",
            ),
            "worker": Process(
                "worker", ("worker",), self._environment(behind), home / "worker.log"
            ),
        }  # fmt: skip
        self.keeper = Keeper(self.database, self.processes)

    def _environment(self, wires: dict[str, Path]) -> dict[str, str]:
        base = {
            "GRIDMGMT_ENVIRONMENT": "demo",
            "GRIDMGMT_DATABASE_URL": self.database.url_through(wires["server"], Login.APP),
            "GRIDMGMT_WORKER_DATABASE_URL": self.database.url_through(wires["worker"], Login.WORKER),
            "GRIDMGMT_HOME": str(self.home / "state"),
            "GRIDMGMT_DATA_DIR": str(CHECKOUT / "data"),
            "GRIDMGMT_LOG_LEVEL": "warning",
        }
        if self.plan.clock_jumps:
            assert FAKETIME.exists(), "the Debian package libfaketime is missing"
            base |= {
                "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }  # fmt: skip
        return base

    async def ready(self) -> float:
        """Wait until the server says that it is; seconds."""
        began = monotonic()
        while monotonic() - began < READY_S:
            with suppress(httpx.HTTPError):
                if (await self.direct.get("/readyz")).status_code == 200:
                    return monotonic() - began
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready in {READY_S} s: {self.processes['server'].said()[-3000:]}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything up; killed in the end."""
        self.clock.write_text("+0\n")
        self.home.chmod(0o755)
        (self.home / "state").mkdir(exist_ok=True)
        await asyncio.to_thread(self.database.make)
        for wire in self.wires.values():
            await wire.__aenter__()
        keeping = asyncio.create_task(self.keeper.run())
        try:
            await self.ready()
            yield
        finally:
            keeping.cancel()
            for process in self.processes.values():
                process.kill()
            for wire in self.wires.values():
                await wire.__aexit__()
            await self.direct.aclose()

    async def clients(self) -> list[Client]:
        """Signed in by their first request: reporters, and a listener."""
        people = (await self.direct.get("/api/v1/demo")).json()["people"]
        workers = [p for p in people if p["login"].startswith("demo-worker-")][: self.plan.reporters]
        cast = [*workers, next(p for p in people if p["login"] == "demo-shift")]
        rngs = [random.Random(self.rng.random()) for _ in cast]
        return [Client(self.front_url, p, self.ledger, r) for p, r in zip(cast, rngs, strict=True)]

    async def places(self, one: Client) -> dict[str, list[dict[str, float]]]:
        """Positions inside each of the street's cells, by its code."""
        answer = None
        while answer is None:
            answer = await one.ask("GET", "/cells")
        found: dict[str, list[dict[str, float]]] = {}
        for feature in answer.json()["features"]:
            polygon = shape(feature["geometry"])
            points = [random_point(polygon, self.rng) for _ in range(20)]
            found[feature["properties"]["code"]] = [{"lon": p.x, "lat": p.y} for p in points]
        return found

    async def fault(self, kind: str) -> None:
        """One fault, until it is over and the server is ready again."""
        if kind in VICTIMS:
            victim = self.database if kind == "database" else self.processes[kind]
            await asyncio.to_thread(victim.kill)
            # Starting again is the keeper's; readiness counts from when the database takes connections.
            self.done[f"kill -9 {kind}"] += 1
        elif kind in WIRES:
            drawn = Fault.drawn(self.rng)
            await self.wires[kind].suffer(drawn)
            self.done[f"{kind} {drawn.mode}"] += 1
        elif kind == "clock":
            hours = self.rng.choice([-2, 2])
            self.clock.write_text(f"{hours:+}h\n")
            self.done[f"clock {hours:+} h"] += 1
        elif kind == "disk":
            await self._full_disk()
            self.done["disk full"] += 1
        self.slowest_s = max(self.slowest_s, await self.ready())
        sys.stderr.write(f"\r{self.done.total()} of {len(self.scheduled)} faults  ")

    async def _full_disk(self) -> None:
        ballast = self.home / "ballast"
        with ballast.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(2**16))
                file.flush()
        await asyncio.sleep(2.0)
        ballast.unlink()

    def _schedule(self) -> list[str]:
        """Faults in a random order."""
        plan = self.plan
        kinds = [
            *(plan.victims[n % len(plan.victims)] for n in range(plan.kills)),
            *(WIRES[n % len(WIRES)] for n in range(plan.wires)),
            *("clock" for _ in range(plan.clock_jumps)),
            *("disk" for _ in range(plan.full_disks)),
        ]
        self.rng.shuffle(kinds)
        return kinds


async def _run(home: Path, plan: Plan) -> Outcome:
    began = monotonic()
    installation = Installation(home, plan)
    async with installation.running():
        clients = await installation.clients()
        places = await installation.places(clients[0])
        reporters, listener = clients[:-1], clients[-1]
        work = [asyncio.create_task(c.keep_reporting(places, plan.pause_s)) for c in reporters]
        work.append(asyncio.create_task(listener.keep_listening()))
        for kind in installation.scheduled:
            await asyncio.sleep(plan.quiet_s * installation.rng.uniform(0.5, 1.5))
            # Not by the clock: on a machine with other work nothing might be on its way yet.
            await asyncio.wait_for(installation.ledger.next_acknowledgements(BETWEEN), READY_S)
            await installation.fault(kind)
        installation.clock.write_text("+0\n")
        await asyncio.sleep(plan.quiet_s)
        for client in reporters:
            client.stopping.set()
        await asyncio.wait_for(asyncio.gather(*work[:-1]), 2 * READY_S)
        verdict = await _settled(installation)
        listener.stopping.set()
        work[-1].cancel()
        for client in clients:
            await client.close()
        verdict.broken.extend(await asyncio.to_thread(_own_findings, installation.processes["worker"]))
        log = (installation.database.cluster.home / "postgres.log").read_text(errors="replace")
        crashed = sum("signal 11" in line or "signal 6" in line for line in log.splitlines())
    return Outcome(
        verdict, installation.ledger, installation.done, installation.slowest_s, monotonic() - began, crashed
    )


def _own_findings(worker: Process) -> list[str]:
    """What the installation's own verifiers find: of the audit log, once all is sealed, and of the photos."""
    commands = (("audit", "seal", "--once"), ("audit", "verify", "--no-record"), ("evidence", "scrub"))
    checks = [(words, worker.once(*words)) for words in commands]
    return [f"{' '.join(w)}: {c.stdout[-500:]}{c.stderr[-500:]}" for w, c in checks if c.returncode != 0]


async def _settled(installation: Installation) -> Verdict:
    dsn = installation.database.url.replace("+psycopg", "")
    return await settled(
        lambda: _drained(installation), lambda: asyncio.to_thread(verify, dsn, installation.ledger)
    )


async def settled(
    drained: Callable[[], Awaitable[bool]], judged: Callable[[], Awaitable[Verdict]]
) -> Verdict:
    """Drain and judge; again if the worker wrote an event in between, such as a rung of the ladder.

    What no draining empties, and what is wrong in any other way, is judged once and stays found.
    """
    for _ in range(VERDICTS - 1):
        empty = await drained()
        verdict = await judged()
        if not (empty and verdict.waiting):
            return verdict
    await drained()
    return await judged()


async def _drained(installation: Installation) -> bool:
    """Wait until the outbox is empty, and the listener has heard the last of it; whether both came about."""
    dsn = installation.database.url.replace("+psycopg", "")
    began = monotonic()
    while monotonic() - began < DRAIN_S:
        with suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True) as db:
            query = "select count(*) filter (where delivery_no is null), max(delivery_no) from app.outbox"
            waiting, last = db.execute(query).fetchone() or (1, 0)
            if waiting == 0 and (not installation.ledger.heard or installation.ledger.heard[-1] == last):
                return True
        await asyncio.sleep(0.2)
    return False


def run(home: Path, plan: Plan) -> Outcome:
    """Make an installation in a directory, do to it what is planned, judge it, and remove it."""
    home.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(_run(home, plan))
    finally:
        Database(home / "pg", {}).cluster.destroy()
        if os.environ.get("KEEP_FAULTS") is None:
            shutil.rmtree(home, ignore_errors=True)
