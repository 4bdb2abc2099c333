"""A real browser's outbox on a bad line: nothing is lost, doubled or overwritten, and nobody is mixed up."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from gridmgmt.demo.client import DemoClient
from gridmgmt.storage.db import make_engine
from tests.journeys.field.badline import CuttingLine
from tests.journeys.field.outbox_play import Load, play, require_everything_once
from tests.journeys.field.scene import Morning
from tests.journeys.installation import CHECKOUT, Installation
from tests.journeys.pages import PATIENCE_MS, FieldPage, chromium
from tests.journeys.test_browser import require_parts

# Addresses of everything that the browser's caches of this page hold.
_KEPT = """async () => {
  const caches_of_page = await Promise.all((await caches.keys()).map((name) => caches.open(name)))
  const kept = await Promise.all(caches_of_page.map((cache) => cache.keys()))
  return kept.flat().map((request) => new URL(request.url).pathname)
}"""
FEW = Load(reports=8, through_form=2, photos=14, kills=2, cuts=24, most_pixels=420)
SEED = 20261126


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages, where a test may put a newer version."""
    require_parts()
    return Path(shutil.copytree(CHECKOUT / "web" / "dist", tmp_path_factory.mktemp("web") / "dist"))


@pytest.fixture(scope="module")
def installation(
    own_demo_url: str, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"), web_dir=str(web))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def engine(own_demo_url: str) -> Iterator[Engine]:
    made = make_engine(own_demo_url, pool_size=1)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as opened:
        yield opened


@pytest.fixture
def morning(installation: Installation) -> Iterator[Morning]:
    with DemoClient(installation.base_url) as client:
        yield Morning(client)


def keep(phone: FieldPage, *steps: dict[str, Any]) -> None:
    """Do it on the phone: two taps each."""
    for one in steps:
        phone.page.evaluate("(job) => Promise.all([1, 2].map(() => window.__field.keep(job)))", one)


def moves(case: dict[str, Any]) -> list[str]:
    """What was done to a case after it had been dispatched."""
    return [line["action"] for line in case["history"] if line["action"] in ("sign_for", "submit_result")]


def result(morning: Morning, words: str) -> dict[str, Any]:
    """The facts of a handling, its photo stored already."""
    return {"result": words, "photos": [morning.day.photo(morning.leader, words)]}


def test_reports_made_offline_arrive_once_with_their_photos_over_a_line_that_is_cut_at_random_bytes(
    installation: Installation, browser: Browser, engine: Engine, morning: Morning, tmp_path: Path
) -> None:
    line = CuttingLine(installation.port, seed=SEED)
    outcome = play(browser, line, morning.place, FEW, tmp_path, SEED)
    line.close()
    require_everything_once(engine, outcome)
    installation.run("evidence", "scrub")  # opens and hashes every original; any that differs fails it
    assert outcome.left_photos == 0, "the phone is free of what has arrived"
    assert outcome.kills == FEW.kills
    assert len(line.cuts) >= FEW.cuts
    assert line.lost_answers > 0
    assert outcome.foreign == []
