"""The report card: figures that can be checked by hand."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.planning.evaluate import gini, report_card
from tests.builders_planning import COMMUNITY, at, make_box, make_cells, make_frame, make_land, make_lattice


def make_pieces(**over: object):
    """Four atoms of the two cells, two in each."""
    lattice = make_lattice(4, 2, side_m=50.0, households=[100, 90, 110, 100, 100, 90, 110, 100])
    return lattice.assign(cell_code=[f"{COMMUNITY}00{1 + (n % 4) // 2}" for n in range(8)], **over)


def test_the_figures_of_two_squares():
    card = report_card(make_cells(), None, make_land())
    assert (2, 2, 0) == (card.cells, card.duty_cells, card.dedicated_cells)
    assert (800.0, 380.0, 400.0, 420.0) == (
        card.demand_total, card.demand_min, card.demand_mean, card.demand_max,
    )  # fmt: skip
    assert 0.05 == pytest.approx(card.deviation_mean_share)
    assert 0.05 == pytest.approx(card.deviation_max_share)
    assert np.pi / 4 == pytest.approx(card.polsby_popper_mean)
    assert 1.0 == card.in_band_share
    assert 100.0 == card.inner_border_m
    assert (None, None) == (card.bound_mean_share, card.border_on_road_share)
    assert card.passed


def test_the_lower_bound_is_what_indivisible_atoms_force():
    pieces = make_pieces(households=[600, 0, 50, 50, 0, 0, 50, 50])
    card = report_card(make_cells(households=[600, 200]), pieces, make_land())
    assert (0.5, 0.5) == (card.bound_max_share, card.bound_mean_share)
    assert card.deviation_mean_share >= card.bound_mean_share


def test_a_border_between_two_blocks_is_on_a_road():
    card = report_card(make_cells(), make_pieces(block_id=["W", "W", "E", "E"] * 2), make_land())
    assert (1.0, None) == (card.border_on_road_share, None)
    card = report_card(make_cells(), make_pieces(block_id=["N"] * 4 + ["S"] * 4), make_land())
    assert 0.0 == card.border_on_road_share


def test_a_border_along_a_wall_is_on_a_line_but_not_on_a_road():
    pieces = make_pieces(block_id=["B"] * 8, site_id=["W", "W", "E", "E"] * 2)
    card = report_card(make_cells(), pieces, make_land())
    assert (0.0, 1.0) == (card.border_on_road_share, card.border_on_line_share)


def test_with_lines_given_their_nearness_decides():
    road = make_frame([shapely.LineString([at(105, 0), at(105, 49)])])
    card = report_card(make_cells(), make_pieces(), make_land(), lines=road)
    assert 0.5 == card.border_on_road_share


def test_a_border_of_two_communities_is_no_inner_border():
    cells = make_cells(
        community_code=[COMMUNITY, "120116005002"], code=[f"{COMMUNITY}001", "120116005002001"]
    )
    land = make_frame(
        [make_box(0, 0, 100, 100), make_box(100, 0, 200, 100)],
        code=[COMMUNITY, "120116005002"],
        name=["a", "b"],
    )
    assert 0.0 == report_card(cells, None, land).inner_border_m


def test_a_dedicated_grid_counts_for_the_hard_rules_only():
    cells = make_cells(kind=["dedicated", "duty"], households=[0, 400])
    card = report_card(cells, None, make_land())
    assert (1, 400.0, 0.0) == (card.dedicated_cells, card.demand_total, card.deviation_max_share)
    assert card.passed


def test_a_failed_rule_fails_the_card_and_is_told_as_plain_values():
    card = report_card(make_cells(households=[100, 700]), None, make_land())
    facts = json.loads(json.dumps(card.as_facts()))
    assert not facts["passed"]
    assert ["in_band"] == [v["name"] for v in facts["verdicts"] if not v["passed"]]


def test_a_plan_of_dedicated_grids_alone_has_a_card():
    card = report_card(make_cells(kind=["dedicated"] * 2), None, make_land())
    assert (0, 0.0, 0.0) == (card.duty_cells, card.demand_mean, card.gini)


def test_a_cut_building_is_reported_when_buildings_are_given():
    house = make_frame([make_box(90, 40, 110, 50)], building_id=["H1"])
    assert not report_card(make_cells(), None, make_land(), buildings=house).passed


def test_gini_is_nothing_for_equals_and_for_nobody():
    assert 0.0 == pytest.approx(gini(np.full(7, 3.0)))
    assert 0.0 == gini(np.zeros(3))
    assert 0.75 == pytest.approx(gini(np.array([0.0, 0.0, 0.0, 5.0])))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any), st.integers(2, 9))
def test_gini_lies_between_0_and_1_and_does_not_depend_on_the_unit(values, factor):
    one, other = gini(np.array(values, dtype=float)), gini(np.array(values, dtype=float) * factor)
    assert -1e-9 <= one < 1.0
    assert one == pytest.approx(other)
