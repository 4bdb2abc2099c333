"""A real JupyterLab for one test: a free port here, no token, everything in a folder of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, sync_playwright

from tests.architecture.sources import ROOT

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 120_000
PLACES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
CHROMIUM_ARGS = (
    "--no-sandbox", "--use-gl=swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def laboratory(folder: Path, notebook: str) -> Iterator[str]:
    """Serve a copy of a notebook beside the demo's data; gives the address of its page."""
    (folder / "notebooks").mkdir()
    (folder / "data").symlink_to(ROOT / "data")
    shutil.copy(ROOT / "notebooks" / notebook, folder / "notebooks" / notebook)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {name: str(folder / name.lower()) for name in PLACES}
    # Asking whether to fetch news is the one thing that JupyterLab does with the outside by itself.
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (folder / "jupyter_config_dir" / "labconfig").mkdir(parents=True)
    (folder / "jupyter_config_dir" / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
    options = (
        "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    )  # fmt: skip
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ | places, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            answered(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}/lab/tree/notebooks/{notebook}?reset"
        finally:
            server.terminate()
            server.wait(timeout=30)


def answered(url: str, server: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers; fail at once if it has ended."""
    for _ in range(600):
        assert server.poll() is None, "JupyterLab has ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            # What waits here is the process itself: a tenth of a second of its life, not of a clock.
            with_timeout(server)
    raise AssertionError("JupyterLab does not answer")


def with_timeout(server: subprocess.Popen[bytes]) -> None:
    """Give the server a tenth of a second, less if it ends."""
    try:
        server.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return


@contextmanager
def browser_page(outside: list[str]) -> Iterator[Page]:
    """A page that reaches this machine alone; what else is asked for is refused and listed in ``outside``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        context: BrowserContext = browser.new_context(
            viewport={"width": 1500, "height": 1000}, locale="zh-CN", service_workers="block"
        )

        def judged(route: Route) -> None:
            if urlsplit(route.request.url).hostname == "127.0.0.1":
                route.continue_()
            else:
                outside.append(route.request.url)
                route.abort()

        context.route("**/*", judged)
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context.new_page()
        finally:
            browser.close()


def run_all(page: Page, url: str) -> None:
    """Open the notebook and run every cell."""
    page.goto(url)
    page.wait_for_function(
        "() => { const shown = window.jupyterapp?.shell?.currentWidget; return shown?.context?.isReady"
        " && shown.sessionContext?.session?.kernel?.connectionStatus === 'connected'; }"
    )
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
