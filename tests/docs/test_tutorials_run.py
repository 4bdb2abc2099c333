"""The tutorials' Python runs as it stands on the page, block after block.

(That their links lead somewhere is checked for all pages in ``test_pages_agree_with_the_project.py``.)
"""

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest
import uvicorn

from api.app import create_app
from gridmgmt.settings import Environment, Settings
from tests.architecture.sources import ROOT
from tests.builders_cases import NOW

TUTORIALS = ROOT / "docs" / "tutorials"
PRINTED_URL = "http://127.0.0.1:8000"
PRINTED_TIME = "datetime.now(UTC).isoformat()"


def python_blocks(text: str) -> Iterator[tuple[int, str]]:
    """(line of the fence, code) of every Python block of a page."""
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text.count("\n", 0, found.start()) + 1, found[1]


def run_page(name: str, instead: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a page's blocks in one namespace; an error names the line of the page."""
    page = TUTORIALS / name
    text = page.read_text(encoding="utf-8")
    for printed, meant in (instead or {}).items():
        assert printed in text
        text = text.replace(printed, meant)
    names: dict[str, Any] = {}
    try:
        for line, code in python_blocks(text):
            exec(compile("\n" * line + code, str(page), "exec"), names)
    finally:
        for made in names.values():
            if isinstance(made, httpx.Client):
                made.close()
    return names


@pytest.fixture
def demo_server(own_demo_url: str, tmp_path: Path) -> Iterator[str]:
    """A server with the demo street, at the fixed time of the tests; its URL."""
    settings = Settings(environment=Environment.DEMO, home=tmp_path, web_dir=tmp_path).with_database_url(
        own_demo_url
    )
    app = create_app(settings, clock=lambda: NOW)
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="critical", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # It listens already: whoever connects before the server has started waits for it.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=20)
    assert not thread.is_alive()


def test_the_first_report_reaches_its_closure(demo_server: str) -> None:
    names = run_page(
        "file-your-first-report.md", {PRINTED_URL: demo_server, PRINTED_TIME: repr(NOW.isoformat())}
    )
    walked = [step["action"] for step in names["closed"]["history"]]
    assert [
        "report", "accept", "file", "dispatch", "sign_for", "submit_result", "pass_verification", "close",
    ] == walked  # fmt: skip


def test_the_first_cells_are_drawn_and_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    names = run_page("draw-your-first-cells.md")
    cells, card = names["cells"], names["card"]
    assert 29 == cells["community_code"].nunique()
    assert 1.0 == card.in_band_share
    assert len(cells) == pyogrio.read_info(tmp_path / "build" / "first_cells.gpkg")["features"]
