"""The page on tuning borders runs, names every refusal, and shows a picture."""

import re

from gridmgmt.planning.editing_division import REASONS
from gridmgmt.viz.borders import texts
from tests.architecture.sources import ROOT
from tests.docs.test_tutorials_run import run_page

PAGE = ROOT / "docs" / "how-to" / "tune-the-borders.md"


def test_the_page_runs_and_gives_a_draft():
    names = run_page("how-to/tune-the-borders.md")
    assert [200, 240, 360] == sorted(names["tuned"]["households"])
    assert names["file"].read_text(encoding="utf-8").startswith('{"type": "FeatureCollection"')


def test_the_page_has_every_refusal_and_every_tool_by_its_name_on_the_map():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    assert set(REASONS) == {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    tools = ("line", "split", "halve", "merge", "freeze", "here", "all", "undo", "redo", "fit")
    assert [] == [tool for tool in tools if texts()["zh"][f"do_{tool}"] not in text]


def test_the_picture_of_the_page_is_there():
    assert (ROOT / "docs" / "images" / "tune-the-borders.png").is_file()
