"""PostgreSQL's own programs, and the connection that they and we use for a backup."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gridmgmt.errors import Unavailable
from gridmgmt.storage.postmaster import INSTALLED_UNDER, MAJOR_VERSION

SLOT = "gridmgmt_backup"
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "passfile": "PGPASSFILE",
}
_TAIL = 2000
_PROGRESS = re.compile(rb"(\d+)/(\d+) kB")


@dataclass(frozen=True, slots=True)
class Source:
    """The server that is backed up, reached by a role with REPLICATION.

    Parameters
    ----------
    url : SQLAlchemy or libpq URL. Its password is handed on in the environment, never in arguments,
        which every user of the machine could read.
    """

    url: str

    def parameters(self) -> dict[str, Any]:
        """Parameters of libpq."""
        return conninfo_to_dict(self.url.replace("postgresql+psycopg://", "postgresql://", 1))

    def environment(self) -> dict[str, str]:
        """The environment for PostgreSQL's programs."""
        given = {_VARIABLES[k]: str(v) for k, v in self.parameters().items() if k in _VARIABLES}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        return {
            **kept,
            **given,
            "LC_ALL": "C.UTF-8",
            "PGAPPNAME": "gridmgmt-backup",
            "PGCONNECT_TIMEOUT": "10",
        }

    def ask(self, command: str) -> tuple[Any, ...]:
        """The first row that the server answers to a replication command or a query.

        Raises
        ------
        Unavailable : it cannot be reached, or the role may not replicate.
        """
        try:
            # Replication commands know no parameters and no types: text both ways.
            with psycopg.connect(
                **self.parameters(),
                replication="database",
                autocommit=True,
                cursor_factory=psycopg.ClientCursor,
            ) as connection:
                row = connection.execute(command).fetchone()
        except psycopg.OperationalError as exc:
            raise Unavailable(
                "The database does not let itself be backed up.",
                retry_after_s=60,
                hint="does the role have REPLICATION, and pg_hba.conf a line for it?",
            ) from exc
        return row or ()

    def clock(self) -> datetime:
        """The server's own time, which the times in its WAL are of."""
        (now,) = self.ask("SELECT clock_timestamp()")
        return datetime.fromisoformat(str(now))

    def make_slot(self) -> None:
        """Have the server keep WAL until the receiver has it; nothing happens when it does already."""
        with suppress(psycopg.errors.DuplicateObject):
            self.ask(f"CREATE_REPLICATION_SLOT {SLOT} PHYSICAL RESERVE_WAL")

    def segment_bytes(self) -> int:
        """Size of one WAL segment."""
        (size,) = self.ask("SELECT pg_size_bytes(current_setting('wal_segment_size'))")
        return int(size)


def program(name: str) -> str:
    """Path of one of PostgreSQL's programs.

    Raises
    ------
    Unavailable : not installed.
    """
    installed = INSTALLED_UNDER / MAJOR_VERSION / "bin" / name
    found = str(installed) if installed.exists() else shutil.which(name)
    if found is None:
        package = f"postgresql-{MAJOR_VERSION}"
        raise Unavailable(f"{name} is not installed", package=package, hint=f"apt-get install {package}")
    return found


def run(
    command: Sequence[str | Path],
    *,
    environment: dict[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[int, str]:
    """Run one of them to its end; exit status and the end of what it said.

    Parameters
    ----------
    progress : gets kilobytes done and expected while a program that reports progress runs.
    """
    said = b""
    with subprocess.Popen(  # noqa: S603
        [str(part) for part in command],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        while process.stdout and (piece := os.read(process.stdout.fileno(), 65536)):
            said = (said + piece)[-4 * _TAIL :]
            if progress and (seen := _PROGRESS.findall(piece)):
                progress(int(seen[-1][0]), int(seen[-1][1]))
    lines = re.split(r"[\r\n]+", said.decode("utf-8", "replace"))
    told = "\n".join(line for line in lines if line.strip() and not re.search(r"\d+/\d+ kB", line))
    return process.returncode, told[-_TAIL:]
