"""Hot spots are what the formula says, few are found where there are none, small numbers are not believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.hotspots import discoveries, getis_ord, hot_and_cold, shrunk_rates, two_sided_p
from tests.builders_planning import lattice_neighbours


def by_the_book(x: np.ndarray, near: list[list[int]]) -> list[float]:
    """Equation 14.3 of the paper, with a matrix of weights and no simplification."""
    n = len(x)
    w = np.eye(n)
    for i, others in enumerate(near):
        w[i, others] = 1.0
    mean, spread = x.mean(), np.sqrt((x**2).mean() - x.mean() ** 2)
    sums, squares = w.sum(axis=1), (w**2).sum(axis=1)
    return ((w @ x - mean * sums) / (spread * np.sqrt((n * squares - sums**2) / (n - 1)))).tolist()


def test_the_score_is_the_papers():
    near = lattice_neighbours(7, 5)
    x = np.random.default_rng(3).poisson(4.0, 35).astype(float)
    np.testing.assert_allclose(by_the_book(x, near), getis_ord(x, near), rtol=1e-9)


def test_a_pile_of_cases_is_hot_and_what_is_far_from_it_is_not():
    near = lattice_neighbours(20, 20)
    x = np.random.default_rng(1).poisson(3.0, 400)
    pile = [9 * 20 + 9, 9 * 20 + 10, 10 * 20 + 9, 10 * 20 + 10]
    x[pile] += 25
    found = hot_and_cold(getis_ord(x, near))
    assert all(found[at] == "hot" for at in pile)
    assert (found == "hot").sum() <= 20


def test_where_nothing_is_going_on_hardly_anything_is_called_hot():
    near = lattice_neighbours(20, 20)
    rng = np.random.default_rng(0)
    years = [hot_and_cold(getis_ord(rng.poisson(6.0, 400), near)) for _ in range(20)]
    assert sum((found != "").sum() for found in years) <= 0.005 * 20 * 400
    # The same without a correction for asking four hundred times: one place in twenty.
    raw = [(two_sided_p(getis_ord(rng.poisson(6.0, 400), near)) < 0.05).mean() for _ in range(20)]
    assert 0.03 < np.mean(raw) < 0.07


def test_alike_places_have_no_score():
    assert [0.0] * 4 == getis_ord([5, 5, 5, 5], [[1], [0], [3], [2]]).tolist()


def test_naming_a_place_among_its_own_neighbours_changes_nothing():
    x = [9, 1, 0, 4]
    assert getis_ord(x, [[0, 1], [0, 1], [3], [3, 2, 2]]).tolist() == pytest.approx(
        getis_ord(x, [[1], [0], [3], [2]]).tolist()
    )


@pytest.mark.parametrize(
    ("values", "near"), [([1.0, np.nan], [[], []]), ([1.0, 2.0], [[]]), ([1.0, 2.0], [[5], []])]
)
def test_what_is_no_map_is_refused(values, near):
    with pytest.raises(InvalidInput):
        getis_ord(values, near)


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg():
    # Their own example of fifteen tests: four are rejected at 0.05.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
         0.6528, 0.7590, 1.0]  # fmt: skip
    assert 4 == discoveries(np.array(p)[::-1]).sum()


def test_two_cases_of_four_households_are_not_a_rate_of_a_half():
    rates = shrunk_rates([2, 30, 110, 0], [4, 100, 1000, 0])
    mean = 142 / 1104
    assert abs(rates[0] - mean) < 0.2 * abs(0.5 - mean)
    assert mean == pytest.approx(rates[3])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 900)), min_size=1, max_size=30))
def test_a_shrunk_rate_lies_between_its_own_and_the_mean(rows):
    cases, households = np.array(rows).T
    rates, raw, mean = shrunk_rates(cases, households), cases / households, cases.sum() / households.sum()
    assert (rates >= np.minimum(raw, mean) - 1e-12).all()
    assert (rates <= np.maximum(raw, mean) + 1e-12).all()


def test_rates_of_nobody_are_refused():
    with pytest.raises(InvalidInput):
        shrunk_rates([1, 2], [0, 0])
