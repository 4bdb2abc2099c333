"""The search: every state is a valid division, sums stay true, the best state is what one gets."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.planning.coverage import components
from gridmgmt.planning.demo_grouping import Division, Effort, Region, Weights, anneal, divide, grown

OPEN = (0.0, float("inf"))


def make_region(columns: int, rows: int, weight: list[float] | None = None) -> Region:
    """A lattice of unit squares."""
    count = columns * rows
    neighbours: list[list[tuple[int, float, float]]] = [[] for _ in range(count)]
    for node in range(count):
        if node % columns + 1 < columns:
            neighbours[node].append((node + 1, 1.0, 1.0))
            neighbours[node + 1].append((node, 1.0, 1.0))
        if node + columns < count:
            neighbours[node].append((node + columns, 1.0, 1.0))
            neighbours[node + columns].append((node, 1.0, 1.0))
    places = [(float(n % columns), float(n // columns)) for n in range(count)]
    return Region(neighbours, weight or [1.0] * count, [1.0] * count, [4.0] * count, places)


def make_state(region: Region, label: list[int], targets: list[float]) -> Division:
    return Division(region, label, targets, [OPEN] * len(targets), Weights())


def is_connected(region: Region, label: list[int], cell: int) -> bool:
    members = [n for n, c in enumerate(label) if c == cell]
    local = {n: i for i, n in enumerate(members)}
    pairs = [(local[n], local[o]) for n in members for o, _, _ in region.neighbours[n] if o in local]
    return (
        bool(members) and components(len(members), np.array(pairs, dtype=np.int64).reshape(-1, 2)).max() == 0
    )


def test_sums_of_a_cell_are_those_of_its_nodes():
    state = make_state(make_region(3, 1, [1.0, 2.0, 4.0]), [0, 0, 1], [3.0, 3.0])
    assert [3.0, 4.0] == state.weight
    assert [2.0, 1.0] == state.area
    assert [6.0, 4.0] == state.perimeter
    assert 2.0 == state.cut_cost(range(3))


def test_the_predicted_change_is_the_real_one():
    region = make_region(3, 3, [float(n) for n in range(9)])
    label = [0, 0, 0, 0, 1, 1, 1, 1, 1]
    state = make_state(region, list(label), [18.0, 18.0])
    before = state.total()
    change, left, joined = state.change(4, 0)
    state.move(4, 0, left, joined)
    afresh = make_state(region, state.label, [18.0, 18.0])
    assert afresh.total() == pytest.approx(before + change)
    assert afresh.perimeter == pytest.approx(state.perimeter)


def test_a_node_that_holds_its_cell_together_may_not_leave():
    state = make_state(make_region(3, 1), [0, 0, 0], [3.0])
    assert [True, False, True] == [state.may_leave(node) for node in range(3)]


def test_the_last_node_of_a_cell_may_not_leave():
    assert not make_state(make_region(2, 1), [0, 1], [1.0, 1.0]).may_leave(0)


def test_a_ring_can_spare_any_one_node():
    ring = [0, 0, 0, 0, 1, 0, 0, 0, 0]
    state = make_state(make_region(3, 3), ring, [8.0, 1.0])
    assert all(state.may_leave(node) for node in range(9) if node != 4)


def test_growing_takes_every_node_and_leaves_no_cell_empty():
    region = make_region(5, 4, [0.0] * 10 + [1.0] * 10)
    taken = grown(region, range(20), range(4), [2.5] * 4, np.random.default_rng(1))
    label = [taken[n] for n in range(20)]
    assert {0, 1, 2, 3} == set(label)
    assert all(is_connected(region, label, cell) for cell in range(4))


def test_annealing_ends_on_a_state_no_worse_than_it_began_with():
    region = make_region(4, 4)
    state = make_state(region, [0] * 8 + [1] * 8, [8.0, 8.0])
    best = state.total()
    borders = [(n, o) for n in range(16) for o, _, _ in region.neighbours[n]]
    anneal(state, borders, np.random.default_rng(3), 500, (5.0, 4.0))
    assert state.total() <= best + 1e-9
    assert state.total() == pytest.approx(make_state(region, state.label, [8.0, 8.0]).total())


def test_a_square_town_is_divided_into_its_four_quarters():
    label = divide(make_region(4, 4), [4.0] * 4, [OPEN] * 4, rng=np.random.default_rng(0))
    quarters = [label[n] for n in (0, 3, 12, 15)]
    assert 4 == len(set(quarters))
    assert [quarters[0], quarters[0], quarters[1], quarters[1]] == label[:4]
    assert label[:4] == label[4:8]


def test_unlike_targets_are_met():
    label = divide(make_region(6, 1), [1.0, 2.0, 3.0], [OPEN] * 3, rng=np.random.default_rng(0))
    assert [1, 2, 3] == np.bincount(label).tolist()


def test_one_cell_for_each_node_is_possible():
    label = divide(make_region(3, 1), [1.0] * 3, [OPEN] * 3, rng=np.random.default_rng(0))
    assert 3 == len(set(label))


def test_borders_keep_to_the_cheap_edges_when_cutting_costs():
    region = make_region(4, 2)
    for node, neighbours in enumerate(region.neighbours):
        for position, (other, length, _) in enumerate(neighbours):
            cheap = {node % 4, other % 4} == {1, 2}
            neighbours[position] = (other, length, 0.1 if cheap else 1.0)
    label = divide(region, [4.0, 4.0], [OPEN] * 2, rng=np.random.default_rng(0), terms=Weights(cut=2.0))
    assert all(label[n] == label[n + 4] for n in range(4))
    assert [True, False, True] == [a == b for a, b in pairwise(label[:4])]


@settings(max_examples=40, deadline=None)
@given(
    columns=st.integers(2, 6),
    rows=st.integers(1, 5),
    k=st.integers(1, 6),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_any_division_is_connected_complete_and_the_same_for_the_same_seed(columns, rows, k, seed, data):
    count = columns * rows
    k = min(k, count)
    weight = data.draw(st.lists(st.integers(0, 50), min_size=count, max_size=count).filter(any))
    region = make_region(columns, rows, [float(w) for w in weight])
    targets = [sum(weight) / k] * k
    quick = Effort(rounds=1, least_rounds=2, least_proposals=300, anneal=10, again=5, starts=1)

    def run() -> list[int]:
        return divide(region, targets, [OPEN] * k, rng=np.random.default_rng(seed), effort=quick)

    label = run()
    assert set(range(k)) == set(label)
    assert all(is_connected(region, label, cell) for cell in range(k))
    assert label == run()
