"""What every command shares: the console, readable failures, the database that settings point at."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from gridmgmt.errors import GridError

if TYPE_CHECKING:
    from gridmgmt.settings import Settings
    from gridmgmt.storage.db import Db
    from gridmgmt.storage.rights.walls import Acting

console = Console()


@contextmanager
def fail_readably() -> Iterator[None]:
    """Turn an error of ours into one line on stderr and exit code 1."""
    try:
        yield
    except GridError as exc:
        Console(stderr=True).print(f"[bold red]{exc.code}[/]: {exc.message}", highlight=False)
        faults = exc.facts.get("faults")
        for fault in faults if isinstance(faults, list) else []:
            Console(stderr=True).print(f"  {fault}", highlight=False)
        sys.exit(1)


def progress(*, quiet: bool = False) -> Progress:
    """The project's progress bar; ``quiet`` for output that a program reads."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
    )


def settings_with_database(*, process: str = "cli") -> "Settings":
    """Settings whose database is up: the embedded cluster is started when no URL is set."""
    from pydantic import SecretStr

    from gridmgmt.settings import Environment, load_settings
    from gridmgmt.storage.embedded import default_cluster
    from gridmgmt.storage.rights.prepare import prepare
    from gridmgmt.storage.rights.walls import Login

    settings = load_settings()
    if settings.database_url is None:
        cluster = default_cluster(settings.home)
        prepare(cluster.up())
        settings = settings.model_copy(
            update={
                "database_url": SecretStr(cluster.dsn(user=Login.APP)),
                "worker_database_url": SecretStr(cluster.dsn(user=Login.WORKER)),
                "migration_database_url": SecretStr(cluster.dsn(user=Login.MIGRATE)),
                "backup_database_url": SecretStr(cluster.dsn(user=Login.BACKUP)),
            }
        )
    configure_logging(
        settings.log_level, as_json=settings.environment is not Environment.DEVELOPMENT, process=process
    )
    return settings


@contextmanager
def reading(url: str, rights: "Acting") -> "Iterator[Db]":
    """One read-only transaction with these rights, on a connection that is closed behind it."""
    from gridmgmt.storage.db import make_engine, transaction

    engine = make_engine(url, pool_size=1)
    try:
        with transaction(engine, rights, read_only=True) as db:
            yield db
    finally:
        engine.dispose()


def configure_logging(level: str, *, as_json: bool = True, process: str = "cli") -> None:
    """Set up this process's log lines on stderr."""
    from gridmgmt.observe import logs

    logs.configure(level, as_json=as_json, process=process)
