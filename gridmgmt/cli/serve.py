"""gridmgmt serve and gridmgmt worker: the two processes of an installation."""

import ctypes
import functools
import os
import signal
import subprocess
import sys
import threading
from typing import Annotated

import typer

from gridmgmt.cli.console import console, settings_with_database


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

    from gridmgmt.storage import schema

    settings = settings_with_database()
    # Where the schema belongs to another login, gridmgmt db migrate is a step of its own.
    if settings.migration_database_url is not None:
        schema.migrate(settings.require_migration_url())
    # Worker processes read their settings from the environment, as every process does.
    os.environ["GRIDMGMT_DATABASE_URL"] = settings.require_database_url()
    os.environ["GRIDMGMT_WORKER_DATABASE_URL"] = settings.require_worker_url()
    os.environ.pop("GRIDMGMT_MIGRATION_DATABASE_URL", None)
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
            log_level="warning",
            timeout_graceful_shutdown=3,
            server_header=False,
        )
    finally:
        if companion is not None:
            companion.terminate()
            companion.wait(timeout=15)


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
    from gridmgmt.keeping import Keeping
    from gridmgmt.sealer import Sealing
    from gridmgmt.services.exporting import FILES
    from gridmgmt.storage.db import make_engine

    settings = settings_with_database()
    engine = make_engine(settings.require_worker_url(), pool_size=2, application="gridmgmt-worker")
    keys = open_key_ring(settings.key_file_in_use, settings.key_dir, make=settings.makes_its_keys)
    files = SealedFiles(settings.export_dir, keys, FILES)
    keeping = Keeping(keys, files, most_rows=settings.export_most_rows)
    stop = background.stop_on_signals()
    sealing = threading.Thread(target=Sealing(engine, settings).run, args=(stop,), name="sealer", daemon=True)
    sealing.start()
    background.run_beside(slow_scrub(settings, engine), stop)
    background.run_beside(functools.partial(keeping, engine), stop)
    background.run(engine, stop)
    sealing.join()
