"""The page about duplicates says what the score does now; its threshold is the best where it was chosen."""

import importlib.util
from types import ModuleType

import pytest

from gridmgmt.demo.duplicate_pairs import make_pairs
from gridmgmt.domain.duplicates import SUGGESTED_FROM
from tests.architecture.sources import ROOT


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("duplicates_page", ROOT / "docs/duplicates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_picture_are_fresh(drawing: ModuleType) -> None:
    """Run ``python docs/duplicates.py`` after a change of the score or of its data."""
    tables, drawn = drawing.figures()
    page = drawing.PAGE.read_text(encoding="utf-8")
    assert page == drawing.page_with(tables, page)
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawn


def test_the_threshold_is_where_f1_is_best_on_the_set_it_was_chosen_on(drawing: ModuleType) -> None:
    pairs = make_pairs(drawing.CHOSEN_ON)
    duplicates = sum(p.duplicate for p in pairs)
    scored = drawing.scored(pairs)
    best = drawing.best_f1(drawing.curve(scored, duplicates))
    assert drawing.f1(*drawing.at(scored, duplicates, SUGGESTED_FROM)) > drawing.f1(best[1], best[2]) - 0.01
