"""How many cells is settled by arithmetic, before any border is drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning.allotment import cells_for, counts_for, feasible_counts, require_tolerance, tolerated

BAND = (300.0, 500.0)


def make_weights(total: float, atoms: int = 20) -> np.ndarray:
    weights = np.full(atoms, float(total // atoms))
    weights[0] += total % atoms
    return weights


@given(demand=st.integers(0, 20_000))
def test_a_number_of_cells_is_feasible_exactly_when_the_mean_lies_in_the_band(demand):
    by_hand = [k for k in range(1, 80) if 300 * k <= demand <= 500 * k]
    assert by_hand == list(feasible_counts(demand, BAND))


@pytest.mark.parametrize(("demand", "cells"), [(300, 1), (500, 1), (600, 2), (1000, 3), (1400, 4), (1200, 3)])
def test_the_mean_nearest_to_the_target_decides_and_a_tie_makes_more_cells(demand, cells):
    assert cells == cells_for(make_weights(demand), BAND, 400)


def test_a_sum_of_fractions_a_hair_beside_the_band_counts_as_on_it():
    assert [1] == list(feasible_counts(sum([0.1] * 3) * 1000, (100.0, 300.0)))[:1]
    assert 1 == cells_for(np.full(10, 0.1), (1.0, 1.0), 1.0)


def test_of_two_equally_near_means_more_cells_are_made():
    assert 2 == cells_for(make_weights(600), (200, 600), 450)


@pytest.mark.parametrize("demand", [0, 299, 501, 599])
def test_a_community_that_no_number_of_cells_fits_is_refused_with_its_name(demand):
    with pytest.raises(Infeasible) as refusal:
        cells_for(make_weights(demand), BAND, 400, community_code="120116005001")
    facts = refusal.value.facts
    assert ("household_band", "120116005001", demand) == (
        facts["constraint"], facts["community_code"], facts["demand"],
    )  # fmt: skip


def test_the_refusal_says_which_means_are_nearest():
    with pytest.raises(Infeasible) as refusal:
        cells_for(make_weights(550), BAND, 400)
    assert [550.0, 275.0] == refusal.value.facts["nearest"]


def test_one_house_above_the_band_is_refused_as_indivisible():
    with pytest.raises(Infeasible) as refusal:
        cells_for(np.array([900.0, 100.0, 100.0]), BAND, 400)
    assert ("indivisible_atom", 900.0) == (refusal.value.facts["constraint"], refusal.value.facts["demand"])


def test_a_small_piece_cut_off_from_its_community_is_refused_as_not_contiguous():
    with pytest.raises(Infeasible) as refusal:
        cells_for(make_weights(40), BAND, 400, pieces=2)
    assert "contiguous" == refusal.value.facts["constraint"]


def test_fewer_atoms_than_cells_are_refused():
    with pytest.raises(Infeasible) as refusal:
        cells_for(np.array([300.0, 300.0, 0.0]) * 1.6, (100, 490), 100)
    assert "atoms" == refusal.value.facts["constraint"]


@pytest.mark.parametrize("band", [(0, 500), (500, 300), (450, 500), (300, np.inf), (np.nan, 500)])
def test_a_band_that_does_not_hold_the_target_is_refused(band):
    with pytest.raises(InvalidInput):
        cells_for(make_weights(1000), band, 400)


def test_every_piece_gets_a_part_and_the_rest_goes_where_the_mean_is_largest():
    assert [1, 3] == counts_for([5, 5], [10.0, 90.0], 4, group="g")
    assert [2, 1] == counts_for([2, 9], [90.0, 10.0], 3, group="g")


def test_a_piece_never_gets_more_parts_than_it_has_nodes():
    assert [1, 2] == counts_for([1, 9], [99.0, 1.0], 3, group="g")
    assert [2, 1] == counts_for([2, 4], [0.0, 0.0], [5, 1], group="g")


@pytest.mark.parametrize(("wanted", "constraint"), [(11, "atoms"), (1, "contiguous")])
def test_too_many_or_too_few_parts_are_refused_by_name(wanted, constraint):
    with pytest.raises(Infeasible) as refusal:
        counts_for([5, 5], [1.0, 1.0], wanted, group="g")
    assert (constraint, "g") == (refusal.value.facts["constraint"], refusal.value.facts["group"])


def test_a_number_of_parts_is_at_least_one():
    with pytest.raises(InvalidInput):
        counts_for([5], [1.0], 0, group="g")


def test_a_tolerance_is_a_band_around_the_mean():
    assert (90.0, 110.00000000000001) == tolerated(np.array([50.0]), 100.0, 0.1, "g")
    assert (0.0, np.inf) == tolerated(np.array([50.0]), 100.0, None, "g")


def test_a_node_heavier_than_the_tolerance_allows_is_refused():
    with pytest.raises(Infeasible) as refusal:
        tolerated(np.array([120.0]), 100.0, 0.1, "g")
    assert "indivisible_atom" == refusal.value.facts["constraint"]


@pytest.mark.parametrize("tolerance", [-0.1, 1.5, np.nan])
def test_a_tolerance_is_a_share(tolerance):
    with pytest.raises(InvalidInput):
        tolerated(np.array([1.0]), 1.0, tolerance, "g")


def test_a_plan_outside_the_tolerance_says_how_far_it_came():
    label, weights, group = np.array([0, 0, 1]), np.array([1.0, 1.0, 1.0]), np.zeros(3)
    require_tolerance(label, weights, group, 0.34)
    with pytest.raises(Infeasible) as refusal:
        require_tolerance(label, weights, group, 0.33)
    assert 1 / 3 == pytest.approx(refusal.value.facts["reached"])
