"""One private PostgreSQL server: its files, its process, its settings.

Used through :class:`gridmgmt.storage.embedded.Cluster`. Invariants:

* The server never runs as root: for root it belongs to ``postgres`` (made by the package), for
  anybody else to that person.
* No TCP. The socket lies in ``/tmp/.gridmgmt-<hash of home>``, 0700 and owned by the server's user
  (a socket path is limited to 107 bytes, which a deep home would overflow); within it: trust.
* Only an answering socket counts as running. A killed postmaster stays a zombie until its parent
  reaps it, and ``pg_ctl status`` calls a zombie "running"; :func:`_servers_in` does not.
* ``initdb`` works in ``data.new``, renamed at the end: an interrupted one leaves no half cluster.
* One ``flock`` is held around every change, so starts at once are one start.
* Our settings are ``data/conf.d/50-gridmgmt.conf``, rewritten when they differ. Put your own beside
  it in a file that sorts later.

Encoding UTF8 with locale C.UTF-8: under plain C, pg_trgm finds no trigrams in Chinese text.
No remote clients and no replicas: for those, administer a server of your own. Backups are taken through
the socket (:mod:`gridmgmt.storage.backup`).
"""

import contextlib
import enum
import fcntl
import functools
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.pq import PGconn, Ping

from gridmgmt.errors import Conflict, Unavailable
from gridmgmt.storage.server_settings import memory_bytes, server_settings

PACKAGE = "postgresql-15-postgis-3"
MAJOR_VERSION = "15"
INSTALLED_UNDER = Path("/usr/lib/postgresql")
SHARED_UNDER = Path("/usr/share/postgresql")
SUPERUSER = "postgres"
PORT = 5432

START_LIMIT_S = 120
START_ATTEMPTS = 3
STOP_LIMIT_S = 60
SILENT_LIMIT_S = 5
POLL_S = 0.02
LOG_LIMIT_BYTES = 16 * 2**20
LOG_TAIL_CHARACTERS = 2000


class ClusterState(enum.StrEnum):
    """What the socket and the process table say, never what a pid file says."""

    ABSENT = "absent"
    STOPPED = "stopped"
    STARTING = "starting"
    """A server process lives but does not take connections: starting, recovering or stopping."""
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """A look at a cluster; ``pid`` is the postmaster's, None unless that process lives."""

    state: ClusterState
    home: Path
    socket_dir: Path
    pid: int | None
    major_version: str | None


class Postmaster:
    """The server of ``home``: its data in ``home/data``, its log in ``home/postgres.log``."""

    def __init__(self, home: Path, *, durable: bool, patience_s: int = START_LIMIT_S) -> None:
        self.home = home.expanduser().resolve()
        self.durable = durable
        self._patience_s = patience_s
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.socket_dir = Path("/tmp") / f".gridmgmt-{short_hash(str(self.home))}"  # noqa: S108
        self._uid, self._gid = _server_ids()

    def up(self) -> None:
        """Make and start the server where needed; an answering one costs under a millisecond."""
        if self.answers() and self._settings_are_current():
            return
        with self._locked():
            try:
                self._make_and_start()
            except Unavailable:
                if self.durable or not self.data.exists():
                    raise
                self._wipe()
                self._make_and_start()

    def down(self) -> None:
        """Stop the server; committed data stay. Nothing happens when none runs."""
        if self.data.exists():
            with self._locked():
                self._stop()

    def take_over(self, fill: Callable[[Path], None]) -> None:
        """Make the data directory from something else than ``initdb``; does not start.

        Parameters
        ----------
        fill : gets the path of a directory that becomes the data directory when it returns.

        Raises
        ------
        Conflict : there is one.
        """
        with self._locked():
            if self.data.exists():
                raise Conflict("There is a cluster already.", place=str(self.home))
            fresh = self.home / "data.new"
            shutil.rmtree(fresh, ignore_errors=True)
            fill(fresh)
            for path in (fresh, *fresh.rglob("*")):
                os.chown(path, self._uid, self._gid, follow_symlinks=False)
                path.chmod(0o700 if path.is_dir() else 0o600)
            os.sync()
            fresh.rename(self.data)
            _sync_directory(self.home)

    def destroy(self) -> None:
        """Stop the server and delete its data."""
        if self.home.exists():
            with self._locked():
                self._wipe()

    def status(self) -> ClusterStatus:
        """Look without touching."""
        answers = self.answers()
        servers = _servers_in(self.data)
        if answers:
            state = ClusterState.RUNNING
        elif servers:
            state = ClusterState.STARTING
        else:
            state = ClusterState.STOPPED if self.data.exists() else ClusterState.ABSENT
        pid = self._recorded_pid()
        return ClusterStatus(
            state, self.home, self.socket_dir, pid if pid in servers else None, self._major_version()
        )

    def answers(self) -> bool:
        """Whether the server takes connections now."""
        return self._ping() is Ping.OK

    def program(self, name: str) -> Path:
        """Path of a program of the version that made the data (of PostgreSQL 15 before there are any).

        Raises
        ------
        Unavailable : not installed; ``facts`` names the Debian package and what to do.
        """
        major = self._major_version() or MAJOR_VERSION
        programs = INSTALLED_UNDER / major / "bin"
        for needed in (programs / name, SHARED_UNDER / major / "extension" / "postgis.control"):
            if not needed.exists():
                package = PACKAGE.replace(MAJOR_VERSION, major)
                raise Unavailable(
                    f"PostgreSQL {major} with PostGIS is not installed: {needed} is missing",
                    package=package,
                    hint=f"run `make setup` or `apt-get install {package}`,"
                    " or name another server in GRIDMGMT_DATABASE_URL",
                )
        return programs / name

    def hold(self, name: str, mode: int) -> int:
        """Take a kernel lock on a file of this home; answer its descriptor, to be closed by the caller."""
        self._prepare_home()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.home / name, flags, 0o600)
        fcntl.flock(descriptor, mode)
        return descriptor

    def _make_and_start(self) -> None:
        if not self.data.exists():
            self._make()
        if self._write_settings() and self.answers():
            self._pg_ctl("reload")
        self._start()

    def _make(self) -> None:
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["--username", SUPERUSER, "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"]
        options += ["--auth-local", "trust", "--auth-host", "scram-sha-256"]
        options += [] if self.durable else ["--no-sync"]
        returncode, output = self._run(self.program("initdb"), "--pgdata", fresh, *options)
        if returncode:
            raise Unavailable("initdb failed", hint=f"is there room in {self.home}?", log=output)
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write("\ninclude_dir = 'conf.d'\n")
        _make_private_directory(fresh / "conf.d", self._uid, self._gid)
        fresh.rename(self.data)
        if self.durable:
            _sync_directory(self.home)

    def _start(self) -> None:
        give_up_at = time.monotonic() + self._patience_s
        silent_since = time.monotonic()
        attempts = 0
        while (ping := self._ping()) is not Ping.OK:
            now = time.monotonic()
            servers = _servers_in(self.data)
            if ping is Ping.REJECT:
                silent_since = now
            elif not servers and attempts < START_ATTEMPTS:
                attempts += 1
                self._start_once()
                silent_since = time.monotonic()
            elif servers and now - silent_since > SILENT_LIMIT_S:
                self._end_mute(servers)
            if now > give_up_at or not (servers or attempts < START_ATTEMPTS or self.answers()):
                raise Unavailable(
                    "the embedded database does not start",
                    retry_after_s=30,
                    hint=f"read {self.log}",
                    log=self._log_tail(),
                )
            time.sleep(POLL_S)

    def _start_once(self) -> None:
        _make_private_directory(self.socket_dir, self._uid, self._gid)
        # No process works in this data directory, so lock files are left over. The number in them is a
        # zombie's, or by now a stranger's, and at either the server would refuse to start.
        for leftover in (self.data / "postmaster.pid", *self.socket_dir.iterdir()):
            leftover.unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._pg_ctl("start", "--log", str(self.log), "--timeout", str(self._patience_s))

    def _stop(self) -> None:
        if _servers_in(self.data):
            self._pg_ctl("stop", "--mode", "fast", "--timeout", str(STOP_LIMIT_S))
        if servers := _servers_in(self.data):
            self._end_mute(servers)

    def _end_mute(self, servers: set[int]) -> None:
        """End a server whose socket was deleted, or the orphans of a killed one; the next start recovers."""
        if self._recorded_pid() in servers:
            self._pg_ctl("stop", "--mode", "fast", "--timeout", str(SILENT_LIMIT_S))
        for pid in _servers_in(self.data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _wipe(self) -> None:
        self._stop()
        for leftover in (self.data, self.home / "data.new", self.socket_dir):
            shutil.rmtree(leftover, ignore_errors=True)

    def _pg_ctl(self, verb: str, *options: str) -> None:
        """Ask for it; whether it happened is read from the socket and the process table."""
        self._run(self.program("pg_ctl"), verb, "--pgdata", self.data, "--silent", *options)

    def _run(self, *command: str | Path) -> tuple[int, str]:
        """Run as the server's user, never as root; answer the exit status and the end of the output."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        drop: dict[str, Any] = {}
        if os.geteuid() == 0:
            drop = {"user": self._uid, "group": self._gid, "extra_groups": []}
        # A file and not a pipe: the server may inherit it, and a pipe stays open as long as that lives.
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            done = subprocess.run(  # noqa: S603
                command,
                cwd="/",
                env={**environment, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **drop,
            )
            output.seek(0)
            return done.returncode, output.read()[-LOG_TAIL_CHARACTERS:]

    def _ping(self) -> Ping:
        conninfo = f"host={self.socket_dir} port={PORT} user={SUPERUSER} dbname=postgres connect_timeout=3"
        return Ping(PGconn.ping(conninfo.encode()))

    def _recorded_pid(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        return None

    def _major_version(self) -> str | None:
        with contextlib.suppress(OSError):
            return (self.data / "PG_VERSION").read_text().strip()
        return None

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:] if self.log.exists() else ""

    @functools.cached_property
    def _settings(self) -> str:
        return server_settings(self.socket_dir, PORT, durable=self.durable, memory_bytes=memory_bytes())

    def _settings_file(self) -> Path:
        return self.data / "conf.d" / "50-gridmgmt.conf"

    def _settings_are_current(self) -> bool:
        with contextlib.suppress(OSError):
            return self._settings_file().read_text(encoding="utf-8") == self._settings
        return False

    def _write_settings(self) -> bool:
        """Write the settings file if it differs; answer whether it did."""
        if self._settings_are_current():
            return False
        fresh = self._settings_file().with_suffix(".new")
        fresh.write_text(self._settings, encoding="utf-8")
        os.chown(fresh, self._uid, self._gid)
        fresh.replace(self._settings_file())
        return True

    def _prepare_home(self) -> None:
        hint = "choose a place that the server's user can reach (not below /root) with GRIDMGMT_HOME"
        try:
            self.home.parent.mkdir(parents=True, exist_ok=True)
            _make_private_directory(self.home, self._uid, self._gid)
        except OSError as error:
            raise Unavailable(f"the directory {self.home} cannot be used", hint=hint) from error
        if self._run("/usr/bin/test", "-w", self.home)[0]:
            user = pwd.getpwuid(self._uid).pw_name
            raise Unavailable(f"the user {user} cannot reach {self.home}", hint=hint)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = self.hold("lock", fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(descriptor)


def short_hash(text: str) -> str:
    """Ten hex digits that tell homes and checkouts apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _server_ids() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise Unavailable("there is no user to run the database as", package=PACKAGE, hint="run `make setup`")


def _servers_in(data: Path) -> set[int]:
    """Pids of live server processes of one data directory; a zombie works in none and is not live."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # An upgraded package leaves " (deleted)" behind the name of a running program.
            program = (entry / "exe").readlink().name.split(" ")[0]
            if program == "postgres" and (entry / "cwd").readlink() == data:
                found.add(int(entry.name))
    return found


def _make_private_directory(path: Path, uid: int, gid: int) -> None:
    """Make ``path`` a 0700 directory of that user; refuse what somebody else put there."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {uid, os.geteuid()}:
        raise Unavailable(f"{path} belongs to somebody else", hint=f"remove {path}")
    os.chown(path, uid, gid)
    path.chmod(0o700)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
