"""The replay by hand: a worker who takes one case after the other, and what a change of cells means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.whatif import Ground, PastCase, heirs, what_if
from gridmgmt.errors import InvalidInput


def make_past(number: int, arrived: float, due: float | None, before: str, after: str, **over) -> PastCase:
    return PastCase(f"n{number}", "c", arrived, due, over.get("open", False), before, after)


GROUNDS = [Ground("a", "x", 300, 9.0), Ground("b", "x", 100, 9.0), Ground("b", "y", 250, 9.0)]


def run(*cases: PastCase, effort: float = 60.0, **over):
    facts = {
        "cells_after": ["x", "y"],
        "workers_before": {"a": "W1", "b": "W2"},
        "workers_after": {"x": "W1", "y": "W2"},
    }
    return what_if(list(cases), GROUNDS, effort_min=effort, **facts | over)


def test_most_households_in_common_make_the_heir_and_each_old_cell_has_one() -> None:
    assert heirs(GROUNDS) == {"x": "a", "y": "b"}
    assert heirs([Ground("a", "x", 5, 1.0), Ground("a", "y", 4, 1.0)]) == {"x": "a"}
    assert heirs([Ground("a", "x", 0, 1.0), Ground("b", "x", 0, 2.0)]) == {"x": "b"}
    assert heirs([Ground("b", "a", 900, 9.0), Ground("a", "a", 0, 1.0)]) == {"a": "a"}, "the same code"


def test_a_worker_takes_one_case_after_the_other() -> None:
    found = run(*(make_past(i, 0.0, 120.0, "a", "x") for i in range(3)))
    (x, _) = found.cells
    assert (x.after.cases, x.after.minutes, x.after.overdue) == (3, 180.0, 1)
    assert x.after.longest_wait_min == 120.0
    assert found.totals["expected_overdue_before"] == found.totals["expected_overdue_after"] == 1


def test_two_cells_of_one_worker_share_his_time() -> None:
    cases = [make_past(1, 0.0, 60.0, "a", "x"), make_past(2, 0.0, 60.0, "b", "y")]
    apart, together = run(*cases), run(*cases, workers_after={"x": "W1", "y": "W1"})
    assert apart.totals["expected_overdue_after"] == 0
    assert together.totals["expected_overdue_after"] == 1
    assert [(w.worker, w.cells_after, w.after.cases) for w in together.workers] == [
        ("W1", ("x", "y"), 2),
        ("W2", (), 0),
    ]


def test_a_case_without_a_limit_is_work_and_never_overdue() -> None:
    found = run(make_past(1, 0.0, None, "a", "x"), make_past(2, 0.0, 60.0, "a", "x"))
    assert found.totals["cases_without_limit"] == 1
    assert found.totals["expected_overdue_after"] == 1, "the one that waited behind it"


def test_residents_and_open_cases_that_change_cell_are_counted_against_the_heir() -> None:
    found = run(
        make_past(1, 0.0, 99.0, "a", "x", open=True),
        make_past(2, 1.0, 99.0, "b", "x", open=True),
        make_past(3, 2.0, 99.0, "b", "y", open=True),
    )
    assert found.totals["households"] == 650
    assert found.totals["households_changing_cell"] == 100
    assert found.totals["open_cases_changing_cell"] == 1
    (moved,) = found.moved
    assert (moved.number, moved.from_cell, moved.to_cell) == ("n2", "b", "x")
    assert (moved.from_worker, moved.to_worker) == ("W2", "W1")
    x, y = found.cells
    assert (x.heir_of, x.households, x.households_joined, x.open_cases_joined) == ("a", 400, 100, 1)
    assert (y.heir_of, y.households, y.households_joined, y.open_cases_joined) == ("b", 250, 0, 0)


def test_an_effort_of_nothing_is_refused() -> None:
    for effort in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput):
            run(effort=effort)


_CASES = st.lists(
    st.tuples(
        st.floats(0, 1e5), st.one_of(st.none(), st.floats(0, 2e5)), st.sampled_from(["a", "b", None]),
        st.sampled_from(["x", "y", None]), st.booleans(),
    ),
    max_size=40,
)  # fmt: skip


@given(drawn=_CASES, effort=st.floats(1, 500))
def test_no_case_and_no_minute_is_lost(drawn: list, effort: float) -> None:
    cases = [
        PastCase(f"n{i:03}", "c", at, due, is_open, before, after)
        for i, (at, due, before, after, is_open) in enumerate(drawn)
    ]
    found = run(*cases, effort=effort)
    placed = sum(c.after is not None for c in cases)
    assert sum(c.after.cases for c in found.cells) == placed
    assert sum(w.after.cases for w in found.workers) == placed
    assert sum(c.after.minutes for c in found.cells) == pytest.approx(placed * effort)
    assert found.totals["cases_outside_after"] == len(cases) - placed


@given(drawn=_CASES)
def test_a_plan_against_itself_changes_nothing(drawn: list) -> None:
    cases = [
        PastCase(f"n{i:03}", "c", at, due, is_open, before, before)
        for i, (at, due, before, _, is_open) in enumerate(drawn)
    ]
    workers = {"a": "W1", "b": "W2"}
    grounds = [Ground("a", "a", 300, 9.0), Ground("b", "b", 100, 9.0)]
    found = what_if(cases, grounds, cells_after=["a", "b"], workers_before=workers, workers_after=workers)
    assert found.moved == ()
    assert found.totals["households_changing_cell"] == 0
    assert all(c.before == c.after for c in found.cells)
