"""The page of a card: complete, alone, and honest about what is not known."""

import re

import pytest

from gridmgmt.planning.card import PlanFiles, plan_card
from gridmgmt.viz.plan_card import ROWS, card_page
from tests.builders_planning import make_box, make_cells, make_land


def page_of(*names: str, **over: object) -> str:
    cells, land = make_cells(**over), make_land()
    plan = PlanFiles(cells, land, ())
    before = plan if len(names) > 1 else None
    return card_page(
        [(plan_card(n, plan, before=before).as_facts(), cells, land) for n in names], ["SYNTHETIC"]
    )


def test_the_page_needs_nothing_from_anywhere():
    page = page_of("p")
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)


def test_every_rule_is_named_with_its_outcome():
    page = page_of("p", households=[100, 700])
    for rule in ("contiguous", "within_community", "seamless", "in_band", "numbered"):
        assert f"<td>{rule}</td>" in page
    assert 4 == page.count("✓ holds")
    assert "✗ 2 fail" in page


def test_a_plan_that_is_not_seamless_is_not_called_proved():
    page = page_of("p", shapes=[make_box(0, 0, 90, 100), make_box(100, 0, 200, 100)])
    assert "✗ not seamless" in page
    assert "✓ proved" not in page


def test_two_plans_stand_side_by_side_with_stability():
    page = page_of("old", "new")
    assert 2 == page.count("<title>120116005001001")
    assert "households that change cell" in page
    assert "old" in page
    assert "new" in page


def test_what_is_unknown_is_left_out_or_noted_and_never_a_zero():
    page = page_of("p")
    assert "on roads or walls" not in page
    assert "the lower bounds of balance are not known" in page
    assert "open cases" not in page


def test_names_from_files_are_escaped():
    assert "<b>x" not in page_of("<b>x</b>")


@pytest.mark.parametrize(("group", "rows"), ROWS)
def test_every_figure_of_the_page_is_one_of_the_card(group, rows):
    cells, land = make_cells(), make_land()
    plan = PlanFiles(cells, land, ())
    facts = plan_card("p", plan, before=plan).as_facts()
    for key, *_ in rows:
        head, _, tail = key.partition(".")
        assert head in facts
        assert not tail or tail in facts[head]
