"""The private PostgreSQL + PostGIS cluster that ``make run``, the tests and the benchmarks use.

A :class:`Cluster` is made and started on demand from Debian's packages; how, and what is promised
about its process, is in :mod:`gridmgmt.storage.postmaster`. This file adds the databases in it:
one for the installation, and for tests a template with cheap clones. With ``GRIDMGMT_DATABASE_URL``
set nothing of this runs.

It does not migrate, and reads no settings (only ``XDG_STATE_HOME``).
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from gridmgmt.errors import Unavailable
from gridmgmt.storage.postmaster import (
    PORT,
    SUPERUSER,
    ClusterState,
    ClusterStatus,
    Postmaster,
    short_hash,
)

__all__ = ["Cluster", "ClusterState", "ClusterStatus", "default_cluster", "default_home", "test_cluster"]

DATABASE = "gridmgmt"
TEST_ROOM_BYTES = 2 * 2**30


class Cluster:
    """One private cluster with its databases.

    Parameters
    ----------
    home : its directory, made when missing. For root it must be reachable by the user ``postgres``, so
        not below a 0700 directory such as /root.
    durable : False gives up all promises about a crash of the machine, for speed: tests only.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self._postmaster = Postmaster(home, durable=durable)
        self.home = self._postmaster.home
        self.socket_dir = self._postmaster.socket_dir

    def up(self) -> str:
        """Make and start what is missing; answer the DSN of the database ``gridmgmt``.

        Any number of processes may call it at once.

        Raises
        ------
        Unavailable : packages missing, home not usable, or the server does not start. ``facts`` has
            ``hint`` and, where known, ``package`` and ``log``.
        """
        self._postmaster.up()
        return self.ensure_database(DATABASE)

    def down(self) -> None:
        """Stop the server; committed data stay. Nothing happens when none runs."""
        self._postmaster.down()

    def destroy(self) -> None:
        """Stop the server and delete the cluster with all its databases."""
        self._postmaster.destroy()

    def status(self) -> ClusterStatus:
        """Look without touching: only an answering server is called running."""
        return self._postmaster.status()

    def program(self, name: str) -> Path:
        """Path of a program of the server's own version, such as ``pgbench`` or ``pg_dump``."""
        return self._postmaster.program(name)

    def dsn(self, database: str = DATABASE, *, user: str = SUPERUSER) -> str:
        """SQLAlchemy URL of a database here (psycopg 3, through the socket).

        It contains ``&`` and may contain ``%``, which an ini file wants doubled.
        """
        return f"postgresql+psycopg://{quote(user)}@/{quote(database)}?host={self.socket_dir}&port={PORT}"

    def ensure_database(self, name: str) -> str:
        """Create an empty database if there is none of that name; answer its DSN."""
        with self._connect() as connection:
            if not _exists(connection, name):
                # Two processes may both have seen none: the second creation is no fault.
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def drop(self, name: str) -> None:
        """Drop a database and cut off whoever is connected; nothing happens when there is none."""
        database = sql.Identifier(name)
        with self._connect() as connection:
            with contextlib.suppress(psycopg.errors.InvalidCatalogName):
                connection.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false").format(database))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))

    def create_template(self, name: str, build: Callable[[str], None]) -> None:
        """Build a template database once, whoever asks first; the others wait and then use it.

        Parameters
        ----------
        name : put a hash of the schema into it, since a finished template is never rebuilt.
        build : gets the DSN of an empty database and fills it. If it raises, no template appears.
        """
        database = sql.Identifier(name)
        with self._connect() as connection:
            connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            if _exists(connection, name, template=True):
                return
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
            build(self.dsn(name))
            # The mark comes last: a build that died half way is built anew by the next who asks.
            connection.execute(
                sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(database)
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    def clone(self, template: str, name: str) -> str:
        """Make the database ``name`` a fresh copy of a template, replacing any; answer its DSN."""
        self.drop(name)
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with self._connect() as connection:
            connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        return self.dsn(name)

    @contextlib.contextmanager
    def shared(self) -> Iterator[str]:
        """Keep the cluster up while any process is inside; the last one out sweeps and stops it.

        For test runs, also several at once. Swept away are all databases but ``gridmgmt`` and the newest
        template. A killed process counts as out, for the lock is the kernel's.
        """
        descriptor = self._postmaster.hold("users", fcntl.LOCK_SH)
        try:
            yield self.up()
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._postmaster.answers():
                    self._sweep()
                self.down()
            os.close(descriptor)

    def _sweep(self) -> None:
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT datname, datistemplate FROM pg_database"
                " WHERE datname NOT IN ('postgres', 'template0', 'template1', %s) ORDER BY oid DESC",
                [DATABASE],
            ).fetchall()
        newest_template = next((name for name, is_template in rows if is_template), None)
        for name, _ in rows:
            if name != newest_template:
                self.drop(name)

    @contextlib.contextmanager
    def _connect(self) -> Iterator[psycopg.Connection]:
        try:
            connection = psycopg.connect(
                host=str(self.socket_dir), port=PORT, user=SUPERUSER, dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError as error:
            raise Unavailable(
                "the embedded database does not answer",
                retry_after_s=5,
                hint="start it with `gridmgmt db up`",
            ) from error
        with contextlib.closing(connection):
            yield connection


def default_home() -> Path:
    """Where this installation keeps its state: /var/lib/gridmgmt for root, else below XDG_STATE_HOME."""
    if os.geteuid() == 0:
        return Path("/var/lib/gridmgmt")
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "gridmgmt"


def default_cluster(home: Path | None = None) -> Cluster:
    """The durable cluster of this installation, in ``pg`` below ``home`` (or :func:`default_home`)."""
    return Cluster((home or default_home()) / "pg")


def test_cluster() -> Cluster:
    """The fast cluster for the tests of this checkout: in memory where there is room, never durable."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > TEST_ROOM_BYTES
    checkout = short_hash(str(Path(__file__).resolve()))
    parent = memory if roomy else Path(tempfile.gettempdir())
    return Cluster(parent / f"gridmgmt-test-{os.geteuid()}-{checkout}", durable=False)


test_cluster.__test__ = False  # type: ignore[attr-defined]  # pytest would take an import of it for a test


def _exists(connection: psycopg.Connection, name: str, *, template: bool = False) -> bool:
    query = "SELECT datistemplate FROM pg_database WHERE datname = %s"
    row = connection.execute(query, [name]).fetchone()
    return row is not None and (row[0] or not template)
