"""Workers go where the work is, and every cell has one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning.staffing import Shift, workers_needed, workers_placed


def test_a_cell_without_work_has_a_worker_all_the_same():
    assert [1, 1] == workers_needed([0.0, 12.0]).tolist()


def test_nobody_is_loaded_above_the_share():
    hours = np.array([800.0, 1500.0, 3100.0])
    heads = workers_needed(hours, fullest=0.8)
    assert (hours / heads <= 0.8 * Shift().hours_per_year).all()
    assert [1, 2, 3] == heads.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1000), min_size=1, max_size=4), st.integers(0, 5))
def test_no_other_way_to_place_workers_makes_the_fullest_emptier(hours, more):
    heads = workers_placed(hours, len(hours) + more)
    assert len(hours) + more == heads.sum()
    others = itertools.product(range(1, more + 2), repeat=len(hours))
    best = min(
        max(h / n for h, n in zip(hours, way, strict=True)) for way in others if sum(way) == heads.sum()
    )
    assert max(h / n for h, n in zip(hours, heads.tolist(), strict=True)) <= best + 1e-9


def test_fewer_workers_than_cells_is_refused_with_the_rule():
    with pytest.raises(Infeasible) as refused:
        workers_placed([1.0, 2.0, 3.0], 2)
    assert "one_worker_a_cell" == refused.value.facts["constraint"]


@pytest.mark.parametrize("hours", [[-1.0], [float("nan")]])
def test_hours_that_are_none_are_refused(hours):
    with pytest.raises(InvalidInput):
        workers_needed(hours)
    with pytest.raises(InvalidInput):
        workers_placed(hours, 3)


def test_a_worker_who_gives_nothing_is_refused():
    with pytest.raises(InvalidInput):
        workers_needed([5.0], shift=Shift(present_share=0.0))
