"""gridmgmt demo: load the synthetic demo, run the main job on it, play a day of reports."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridmgmt.cli.console import console, progress, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.demo.play import Day
    from gridmgmt.settings import Settings

app = typer.Typer(help="The synthetic demo subdistrict 杭州道街道.", no_args_is_help=True)

_PATIENCE_S = 60


@app.command()
def load() -> None:
    """Plan the demo street and load it; nothing happens when it is there already."""
    _load(_ready())


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="TCP port; default from GRIDMGMT_PORT.")] = None,
    reports: Annotated[int, typer.Option(min=0, help="Reports to play after the told case.")] = 40,
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the main job instead of serving on.")
    ] = False,
) -> None:
    """The main job: plan the street, take a report through the loop, then keep serving until Ctrl-C."""
    from gridmgmt.demo.client import DemoClient
    from gridmgmt.demo.play import Day
    from gridmgmt.demo.story import tell_main_job

    settings = _ready()
    _load(settings)
    number = port or settings.port
    base_url = f"http://{settings.host}:{number}"
    with _server(settings, number) as server:
        with DemoClient(base_url) as client:
            _wait_until_ready(server, base_url)
            tell_main_job(client, datetime.now(UTC), lambda line: console.print(line, highlight=False))
            _play(Day(client, seed=int(time.time()), now=datetime.now(UTC)), reports)
        if once:
            return
        console.print(f"\n[bold]{base_url}/[/]        command centre 指挥中心")
        console.print(f"[bold]{base_url}/field[/]   grid worker's phone 网格员手机页")
        console.print("More reports while you watch: gridmgmt demo play. Ctrl-C stops; the data stay.")
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


@app.command()
def play(
    reports: Annotated[int, typer.Option(min=1, help="How many reports.")] = 200,
    seed: Annotated[int | None, typer.Option(help="Same seed, same day; default: another each time.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Server; default from GRIDMGMT_HOST and GRIDMGMT_PORT.")
    ] = None,
) -> None:
    """Replay a day of synthetic reports through the whole loop on a running server."""
    from gridmgmt.demo.client import DemoClient
    from gridmgmt.demo.play import Day
    from gridmgmt.settings import load_settings

    settings = load_settings()
    settings.require_demo()
    with DemoClient(url or f"http://{settings.host}:{settings.port}") as client:
        _play(Day(client, int(time.time()) if seed is None else seed, datetime.now(UTC)), reports)


@app.command()
def month(
    cases: Annotated[int, typer.Option(min=24, help="Cases of the month.")] = 800,
    seed: Annotated[int, typer.Option(help="Same seed, same month.")] = 1,
    patrol_every: Annotated[
        int, typer.Option(min=1, help="Working days from one patrol of a worker to his next.")
    ] = 1,
    curve: Annotated[
        Path | None, typer.Option(dir_okay=False, help="SVG file for the curve of open cases by light.")
    ] = None,
) -> None:
    """Play the last month of the whole loop into an empty demo; rebuild its figures from the event log."""
    from gridmgmt.cli import demo_month

    settings = _ready()
    plan = demo_month.plan_of(cases, seed, patrol_every, datetime.now(UTC))
    _load(settings, plan.start)
    demo_month.play(settings, plan, curve)


def _ready() -> "Settings":
    """Settings of the demo with a migrated database."""
    from gridmgmt.storage import schema

    os.environ.setdefault("GRIDMGMT_ENVIRONMENT", "demo")
    settings = settings_with_database()
    settings.require_demo()
    schema.migrate(settings.require_migration_url())
    return settings


def _load(settings: "Settings", now: datetime | None = None) -> None:
    from gridmgmt.demo.loaded import is_loaded
    from gridmgmt.storage.db import make_engine

    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-demo")
    try:
        if is_loaded(engine):
            console.print("The demo is loaded; its data are kept.")
            return
        from gridmgmt.demo.load import load_demo

        with progress() as bar:
            tasks: dict[str, object] = {}

            def tell(step: str, done: int, of: int) -> None:
                task = tasks.setdefault(step, bar.add_task(step, total=of) if step not in tasks else None)
                bar.update(task, completed=done, total=of)  # type: ignore[arg-type]

            card = load_demo(engine, settings.data_dir, now or datetime.now(UTC), tell)
        console.print(
            f"Published: {card['duty_cells']} duty grids and {card['dedicated_cells']} dedicated ones · "
            f"{card['in_band_share']:.1%} within 300-500 households · "
            f"mean deviation {card['deviation_mean_share']:.1%} · "
            f"Polsby-Popper {card['polsby_popper_mean']:.2f} · households synthetic",
            highlight=False,
        )
    finally:
        engine.dispose()


def _play(day: "Day", reports: int) -> None:
    if reports == 0:
        return
    began_at = time.monotonic()
    with progress() as bar:
        task = bar.add_task("synthetic reports through the loop", total=reports)
        played = day.play(reports, lambda done: bar.update(task, completed=done))
    took_s = time.monotonic() - began_at
    console.print(
        f"{played.reports} reports, {played.moves} further moves, {played.closed} closed in {took_s:.1f} s",
        highlight=False,
    )


@contextlib.contextmanager
def _server(settings: "Settings", port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "GRIDMGMT_ENVIRONMENT": "demo",
        "GRIDMGMT_DATABASE_URL": settings.require_database_url(),
        "GRIDMGMT_WORKER_DATABASE_URL": settings.require_worker_url(),
    }
    server = subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-m", "gridmgmt", "serve", "--port", str(port)], env=environment
    )
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, previous)
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _wait_until_ready(server: subprocess.Popen[bytes], base_url: str) -> None:
    import httpx

    from gridmgmt.errors import Unavailable

    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable("The server did not start; is the port taken?", url=base_url)
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{base_url}/readyz", timeout=5, trust_env=False).is_success:
                return
        time.sleep(0.2)
    raise Unavailable("The server did not become ready in time.", url=base_url)
