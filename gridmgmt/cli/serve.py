"""gridmgmt serve, worker and watchdog: the processes of an installation."""

import ctypes
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gridmgmt.cli.console import console, settings_with_database

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from gridmgmt.settings import Settings

ALARM = 4


def serve(
    host: Annotated[str | None, typer.Option(help="Address; default from GRIDMGMT_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; default from GRIDMGMT_PORT.")] = None,
    processes: Annotated[int | None, typer.Option(help="Server processes.")] = None,
    with_worker: Annotated[
        bool, typer.Option("--with-worker/--without-worker", help="Run the background worker beside it.")
    ] = True,
) -> None:
    """Serve pages and API."""
    import uvicorn

    from gridmgmt.cli.safety import refuse_unsafe_server

    settings = settings_with_database()
    # Where the schema belongs to another login, gridmgmt db migrate is a step of its own.
    if settings.migration_database_url is not None:
        from gridmgmt.storage import schema  # Alembic

        schema.migrate(settings.require_migration_url())
    refuse_unsafe_server(settings)
    # Worker processes read their settings from the environment, as every process does.
    os.environ["GRIDMGMT_DATABASE_URL"] = settings.require_database_url()
    os.environ["GRIDMGMT_WORKER_DATABASE_URL"] = settings.require_worker_url()
    os.environ.pop("GRIDMGMT_MIGRATION_DATABASE_URL", None)
    with _measured(settings):
        companion = _start_worker() if with_worker else None
        address, number = host or settings.host, port or settings.port
        console.print(f"gridmgmt on http://{address}:{number}/  (phone page: /field)")
        try:
            uvicorn.run(
                "api.app:create_app_from_environment",
                factory=True,
                host=address,
                port=number,
                workers=processes or settings.processes,
                loop="uvloop",
                http="httptools",
                access_log=False,
                # Ours: each process sets up its own lines.
                log_config=None,
                timeout_graceful_shutdown=settings.stop_within_s,
                server_header=False,
            )
        finally:
            if companion is not None:
                companion.terminate()
                companion.wait(timeout=15)


@contextmanager
def _measured(settings: "Settings") -> Iterator[None]:
    """Serve ``/metrics`` for this process and all that it starts, where a port is set for it."""
    if settings.metrics_port is None:
        yield
        return
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory = tempfile.mkdtemp(prefix="gridmgmt-metrics-")
    server = _serve_metrics(settings, settings.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        shutil.rmtree(directory, ignore_errors=True)


def _serve_metrics(settings: "Settings", port: int) -> "WSGIServer":
    from gridmgmt.observe import metrics
    from gridmgmt.services import health
    from gridmgmt.settings import Environment
    from gridmgmt.storage.db import make_engine

    engine = make_engine(settings.require_database_url(), pool_size=1, application="gridmgmt-metrics")
    production = settings.environment is Environment.PRODUCTION
    limits = health.limits(settings.backup_within_h, production=production)

    places = health.places(settings.home, settings.photo_dir)

    def look() -> metrics.State:
        return health.gauges(*health.look_around(engine, None, limits, places))

    return metrics.serve_metrics(settings.metrics_host, port, look)


_PR_SET_PDEATHSIG = 1


def _start_worker() -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)

    def end_with_parent() -> None:
        # However the server dies, kill -9 included, its worker is told to end.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    # Nothing runs in other threads yet, so the child may run a line of ours before it becomes a worker.
    return subprocess.Popen([sys.executable, "-m", "gridmgmt", "worker"], preexec_fn=end_with_parent)  # noqa: PLW1509


def worker() -> None:
    """Deliver events, run the clocks and seal the audit log until stopped."""
    from gridmgmt import worker as background
    from gridmgmt.adapters.keyring import open_key_ring
    from gridmgmt.adapters.sealedfiles import SealedFiles
    from gridmgmt.cli.evidence import slow_scrub
    from gridmgmt.cli.safety import refuse_unsafe_server
    from gridmgmt.escalation import Escalating, FollowingRules, each_apart
    from gridmgmt.keeping import Keeping
    from gridmgmt.pushing import PushSender
    from gridmgmt.sealer import Sealing
    from gridmgmt.services.exporting import FILES
    from gridmgmt.storage.db import make_engine
    from gridmgmt.switching import HandingOver

    settings = settings_with_database(process="worker")
    refuse_unsafe_server(settings)
    engine = make_engine(settings.require_worker_url(), pool_size=4, application="gridmgmt-worker")
    # Beside a server it shares that one's figures; alone it has an address of its own.
    alone = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    if alone and settings.worker_metrics_port is not None:
        _serve_metrics(settings, settings.worker_metrics_port)
    keys = open_key_ring(settings.key_file_in_use, settings.key_dir, make=settings.makes_its_keys)
    files = SealedFiles(settings.export_dir, keys, FILES)
    keeping = Keeping(keys, files, settings.tile_store(settings.home), most_rows=settings.export_most_rows)
    stop = background.stop_on_signals()
    sealing = threading.Thread(target=Sealing(engine, settings).run, args=(stop,), name="sealer", daemon=True)
    sealing.start()
    background.run_beside(slow_scrub(settings, engine), stop)
    background.run_beside(functools.partial(keeping, engine), stop)
    background.run_beside(functools.partial(HandingOver(), engine), stop)
    senders = settings.senders()
    if (service := settings.push_service()) is not None:
        senders.append(PushSender(engine, service))
    escalating = Escalating([sender.channel for sender in senders])
    background.run_beside(functools.partial(escalating, engine), stop, every_s=1.0)
    for sending in each_apart(senders):
        background.run_beside(functools.partial(sending, engine), stop, every_s=1.0)
    background.run_beside(functools.partial(FollowingRules(), engine), stop, every_s=5.0)
    background.run(engine, stop)
    sealing.join()


def watchdog(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")] = False,
    only: Annotated[str | None, typer.Option(help="Look at this part alone, and raise no alarm.")] = None,
    every: Annotated[
        int | None,
        typer.Option(min=5, help="Look again every so many seconds until stopped, for containers."),
    ] = None,
) -> None:
    """Look once, from outside, whether the clocks run; exit code 4 is an alarm. Start it every minute."""
    from gridmgmt.settings import load_settings
    from gridmgmt.worker import stop_on_signals

    settings = load_settings()
    if settings.database_url is None:
        settings = settings_with_database(process="watchdog")
    stop = stop_on_signals() if every else None
    while True:
        well = _look_once(settings, as_json=as_json, only=only)
        if stop is None:
            raise typer.Exit(0 if well else ALARM)
        if stop.wait(every):
            return


def _look_once(settings: "Settings", *, as_json: bool, only: str | None) -> bool:
    import json

    from gridmgmt.adapters.alarms import raise_alarm
    from gridmgmt.services import health
    from gridmgmt.settings import Environment
    from gridmgmt.storage.db import make_engine

    engine = make_engine(settings.require_database_url(), pool_size=1, application="gridmgmt-watchdog")
    production = settings.environment is Environment.PRODUCTION
    limits = health.limits(settings.backup_within_h, production=production)
    places = health.places(settings.home, settings.photo_dir)
    told, _ = health.look_around(engine, None, limits, places)
    engine.dispose()
    if only is not None:
        # Whoever cannot be asked is not well either.
        told = health.Health(tuple(c for c in told.checks if c.name in {only, "database"}))
    facts = {**told.told_to_an_administrator(), "at": datetime.now(UTC).isoformat()}
    faults = []
    if told.failing and only is None:
        alarm = {"alarm": [c.name for c in told.failing], **facts}
        faults = raise_alarm(alarm, command=settings.alarm_command, file=settings.alarm_file)
    if as_json:
        typer.echo(json.dumps(facts | {"faults": faults}, default=str))
    else:
        for check in told.checks:
            console.print(
                f"{check.standing.value:8} {check.name:14} {dict(check.seen) or ''}", highlight=False
            )
        for fault in faults:
            console.print(f"[red]{fault}[/]", highlight=False)
    return not (told.failing or faults)
