"""The Python, and some commands, of tutorials and how-tos run as they stand on the page, in order.

(That their links lead somewhere is checked for all pages in ``test_pages_agree_with_the_project.py``.)
"""

import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest
import uvicorn
from sqlalchemy import Engine
from typer.testing import CliRunner

from api.app import create_app
from gridmgmt.cli import app as command_line
from gridmgmt.demo.load import read_catalogue
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.services.cataloguing import check_tables
from gridmgmt.settings import Environment, Settings
from gridmgmt.storage import catalogue
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.architecture.sources import ROOT
from tests.builders_cases import NOW, STREET

DOCS = ROOT / "docs"
FIRST_DAY = date(2026, 12, 1)
"""From which the how-tos' changes hold."""
PRINTED_URL = "http://127.0.0.1:8000"
PRINTED_TIME = "datetime.now(UTC)"
GIVEN_TIME = f"datetime.fromisoformat({NOW.isoformat()!r})"


def blocks(language: str, text: str) -> Iterator[tuple[int, str]]:
    """(line of the fence, content) of every fenced block of a language."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text.count("\n", 0, found.start()) + 1, found[1]


def run_page(name: str, instead: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a page's blocks in one namespace; an error names the line of the page."""
    page = DOCS / name
    text = page.read_text(encoding="utf-8")
    for words, meant in (instead or {}).items():
        assert words in text
        text = text.replace(words, meant)
    names: dict[str, Any] = {}
    try:
        for line, code in blocks("python", text):
            exec(compile("\n" * line + code, str(page), "exec"), names)
    finally:
        for made in names.values():
            if isinstance(made, httpx.Client):
                made.close()
            elif isinstance(made, Engine):
                made.dispose()
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


@pytest.fixture
def checkout(own_demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that has data of its own, where commands work on a database of the module's own."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("GRIDMGMT_HOME", str(tmp_path))
    return tmp_path


def printed(page: str, language: str) -> str:
    """The one block of a language on a page: what the reader is told to write into a file."""
    ((_, content),) = blocks(language, (DOCS / page).read_text(encoding="utf-8"))
    return content


def read_back(url: str) -> RuleBook:
    """The rulebook as a server reads it."""
    engine = make_engine(url, pool_size=1)
    try:
        with transaction(engine, NOBODY, read_only=True) as db:
            return catalogue.load_rulebook(db, STREET)
    finally:
        engine.dispose()


def test_the_first_report_reaches_its_closure(demo_server: str) -> None:
    names = run_page(
        "tutorials/file-your-first-report.md", {PRINTED_URL: demo_server, PRINTED_TIME: GIVEN_TIME}
    )
    walked = [step["action"] for step in names["closed"]["history"]]
    assert [
        "report", "accept", "file", "dispatch", "sign_for", "reach_milestone",
        "reach_milestone", "submit_result", "pass_verification", "close",
    ] == walked  # fmt: skip


def test_the_first_cells_are_drawn_and_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    names = run_page("tutorials/draw-your-first-cells.md")
    cells, card = names["cells"], names["card"]
    assert 29 == cells["community_code"].nunique()
    assert 1.0 == card.in_band_share
    assert len(cells) == pyogrio.read_info(tmp_path / "build" / "first_cells.gpkg")["features"]


def test_the_cells_of_a_street_are_drawn_twice_and_the_fixed_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    names = run_page("tutorials/draw-the-cells-of-a-street.md")
    again, chosen, out = names["again"], names["chosen"].set_index("code"), tmp_path / "build" / "street"
    fixed = again[again["code"].isin(names["kept"])]
    assert [chosen.loc[row.code, "households"] for row in fixed.itertuples()] == fixed["households"].tolist()
    assert {"cards.html", "default.html", "road.html", "cells.gpkg"} == {p.name for p in out.iterdir()}


def test_a_class_that_was_added_is_known_and_the_streets_duty(checkout: Path, own_demo_url: str) -> None:
    page = "how-to/add-a-category.md"
    with (checkout / "data" / "catalogue" / "local_tj_demo.csv").open("a", encoding="utf-8") as file:
        file.write(printed(page, "csv"))
    run_page(page)
    book = read_back(own_demo_url)
    added = book.catalogue.find("matter:L02005", FIRST_DAY)
    noon = datetime(2026, 12, 1, 4, tzinfo=UTC)
    assert book.duty(added, noon).allowed
    assert not book.duty(added, NOW).allowed


def test_a_deadline_that_was_changed_holds_from_its_day_on(checkout: Path, own_demo_url: str) -> None:
    page = "how-to/change-a-deadline.md"
    file = checkout / "data" / "catalogue" / "handling_limits.csv"
    ended, successor = printed(page, "csv").splitlines()
    before = ended.replace("2026-12-01", "")
    assert before in file.read_text(encoding="utf-8")
    file.write_text(
        file.read_text(encoding="utf-8").replace(before, f"{ended}\n{successor}"), encoding="utf-8"
    )
    run_page(page)  # it reads the file that was changed above
    known = read_back(own_demo_url).catalogue
    rubbish = known.find("matter:06010", FIRST_DAY)
    limits = [known.limit_for(rubbish, on).limit for on in (NOW.date(), FIRST_DAY)]
    assert [(4, LimitUnit.WORKING_HOUR), (8, LimitUnit.WORKING_HOUR)] == [(x.amount, x.unit) for x in limits]
    check_tables(read_catalogue(checkout / "data" / "catalogue"), FIRST_DAY)


def test_a_routing_rule_that_was_added_is_tried_before_the_next(checkout: Path, own_demo_url: str) -> None:
    page = "how-to/add-a-routing-rule.md"
    file = checkout / "data" / "catalogue" / "routing_rules_demo.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["rules"].append(json.loads(printed(page, "json")))
    file.write_text(json.dumps(document | {"version": "with-R-190"}), encoding="utf-8")
    text = (DOCS / page).read_text(encoding="utf-8")
    for line in (line for _, block in blocks("sh", text) for line in block.splitlines()):
        words = line.removeprefix(".venv/bin/gridmgmt ").split()
        ran = CliRunner().invoke(command_line, words)
        assert 0 == ran.exit_code, (line, ran.output)
    tried = [rule.id for rule in read_back(own_demo_url).rules.rules]
    assert tried.index("R-200") - 1 == tried.index("R-190")


def test_a_plan_that_was_adopted_begins_when_the_old_one_ends(checkout: Path, own_demo_url: str) -> None:
    assert (checkout / "data" / "demo").is_dir()
    names = run_page("how-to/adopt-a-plan.md", {PRINTED_TIME: GIVEN_TIME})
    book = read_back(own_demo_url)
    old, new = (held.plan for held in book.plans)
    assert old.valid_to == new.valid_from == names["plan"].valid_from
    assert not {cell.code for cell in old.cells} & {cell.code for cell in new.cells}
    assert all(book.roster.choose(cell.code, FIRST_DAY)[0] for cell in new.cells)
