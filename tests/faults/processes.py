"""The processes of an installation, each of which can be killed on the spot and is started again.

The database is a cluster of its own with the durable settings of an installation; server and worker are the
ones of the command line, each behind wires of its own. Whatever dies is started again by :class:`Keeper`, as
systemd does it (``Restart=always``).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from gridmgmt.demo.load import load_demo
from gridmgmt.storage import schema
from gridmgmt.storage.db import make_engine
from gridmgmt.storage.embedded import Cluster
from gridmgmt.storage.postmaster import PORT, _servers_in
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import Login

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
MADE_BEFORE = "GRIDMGMT_FAULTS_MADE_BEFORE"
"""Environment variable: home of a stopped cluster that several runs begin with."""
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


class Database:
    """A durable cluster with the demo street in it.

    Parameters
    ----------
    home : its directory.
    settings : of PostgreSQL that differ from an installation's, such as ``synchronous_commit``.
    """

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self.cluster = Cluster(home, durable=True)
        self._settings = settings

    def make(self) -> None:
        """Start it and load the street, or take a copy of one that was made before (:data:`MADE_BEFORE`)."""
        made_before = os.environ.get(MADE_BEFORE)
        if made_before:
            self.cluster.home.mkdir(parents=True)
            subprocess.run(["cp", "-a", f"{made_before}/data", str(self.cluster.home)], check=True)
        url = self.cluster.up()
        extra = self.cluster.home / "data" / "conf.d" / "90-faults.conf"
        extra.write_text("".join(f"{k} = '{v}'\n" for k, v in self._settings.items()), encoding="utf-8")
        extra.chmod(0o644)
        self.cluster.down()
        self.cluster.up()
        engine = make_engine(url, pool_size=1)
        if not made_before:
            prepare(url)
            schema.migrate(url)
            load_demo(engine, CHECKOUT / "data", datetime.now(UTC), lambda *_: None)
        for name, value in self._settings.items():
            with engine.connect() as connection:
                assert connection.execute(text(f"show {name}")).scalar() == value
        engine.dispose()

    @property
    def url(self) -> str:
        """Of the superuser, past every wire."""
        return self.cluster.dsn()

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.cluster.socket_dir / f".s.PGSQL.{PORT}"

    def url_through(self, directory: Path, login: Login) -> str:
        """The same database as a login that owns nothing, through a wire that listens in a directory."""
        return self.cluster.dsn(user=login).replace(str(self.cluster.socket_dir), str(directory))

    def pids(self) -> set[int]:
        """Every process of the server."""
        return _servers_in(self.cluster.home / "data")

    def kill(self) -> None:
        """All of its processes at once, as a power cut would."""
        while pids := self.pids():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class Process:
    """One of ours: a command of ``gridmgmt`` with an environment."""

    def __init__(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self._command, self._log = name, command, log
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GRIDMGMT_")}
        self._environment = kept | dict(environment)
        self._running: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self._running is None or self._running.poll() is not None:
            with self._log.open("ab") as log:
                self._running = subprocess.Popen(
                    [sys.executable, "-m", "gridmgmt", *self._command], env=self._environment,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip

    def kill(self) -> None:
        """Kill -9, children included."""
        if self._running is not None and self._running.poll() is None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait(PATIENCE_S)

    def once(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another command of ``gridmgmt`` with the same environment, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "gridmgmt", *command], env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False,
        )  # fmt: skip

    def said(self) -> str:
        """What it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""


class Keeper:
    """Starts again whatever has died; ``paused`` while somebody wants it dead."""

    def __init__(self, database: Database, processes: Mapping[str, Process]) -> None:
        self._database, self._processes = database, processes
        self.paused = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self.paused:
                if not self._database.pids():
                    with contextlib.suppress(Exception):  # a full disk, say: it is tried again
                        await asyncio.to_thread(self._database.cluster.up)
                for process in self._processes.values():
                    process.ensure()
            await asyncio.sleep(0.1)


def monotonic() -> float:
    """Seconds, for how long something took."""
    return time.monotonic()
