"""The synthetic year says that it is, is the same every time, and has what it promises."""

import pytest

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.demo_year import demo_year


def test_the_year_is_synthetic_row_by_row_and_the_same_for_a_seed(street):
    border = street.outline.geometry.iloc[0]
    one, two, other = (
        demo_year(street.buildings, street.roads, border, cases=400, seed=seed) for seed in (1, 1, 2)
    )
    assert one["synthetic"].all()
    assert one.equals(two)
    assert not one.geometry.geom_equals(other.geometry).all()
    assert one["number"].is_unique
    assert (one["due_min"] > one["arrived_min"]).all()
    assert one["arrived_min"].is_monotonic_increasing
    assert one.geometry.within(border).all()
    assert 0 < one["trouble"].sum() < 100


def test_a_year_of_nobody_is_refused(street):
    with pytest.raises(InvalidInput):
        demo_year(street.buildings.assign(households=0), street.roads, street.outline.geometry.iloc[0])
