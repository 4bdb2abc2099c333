"""The pages on importing and judging plans name every kind, and what they run holds."""

import re

from gridmgmt.planning.official.defect import DefectKind
from gridmgmt.planning.search.presets import PRESETS
from tests.architecture.sources import ROOT
from tests.docs.test_tutorials_run import run_page

PAGE = ROOT / "docs" / "how-to" / "import-official-grids.md"


def test_the_page_has_every_kind_of_defect_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = [kind for row in rows for kind in re.findall(r"`(\w+)`", row)]
    assert sorted(kind.value for kind in DefectKind) == sorted(named)


def test_the_proof_on_the_page_holds() -> None:
    assert run_page("how-to/judge-a-plan.md")["proof"].holds


def test_the_pictures_of_the_pages_are_there() -> None:
    for name in ("import", "plan-card", "partition-steps", "partition-presets"):
        assert (ROOT / "docs" / "images" / f"{name}.svg").is_file()


def test_the_page_on_plans_has_every_preset_with_its_figures() -> None:
    text = (ROOT / "docs" / "explanation" / "partition.md").read_text(encoding="utf-8")
    table = text.split("<!-- figures -->")[1].split("<!-- end of figures -->")[0]
    assert list(PRESETS) == re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(PRESETS) == set(re.findall(r"^\| `(\w+)` \|", text.replace(table, ""), re.MULTILINE))
