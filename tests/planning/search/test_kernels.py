"""The kernels: sums stay true, moves are possible moves, and the best state is what one gets."""

import numpy as np
import pytest

from gridmgmt.planning.graph import checked_graph
from gridmgmt.planning.search.annealing import anneal, gather_with, may_leave, take_best
from gridmgmt.planning.search.arrays import HOME, PINNED, make_luck
from gridmgmt.planning.search.compiled import draw
from gridmgmt.planning.search.costs import change_of, change_of_group
from gridmgmt.planning.search.presets import Terms
from gridmgmt.planning.search.regions import improve
from gridmgmt.planning.search.seeding import grow, pick_centres, spread_centres
from tests.builders_search import (
    cost_from_scratch,
    make_goal,
    make_lattice_graph,
    make_piece,
    make_random_graph,
    make_state,
    parts_are_connected,
)

TERMS = Terms(stay=0.7)
EFFORT = np.array([3.0, 60.0, 0.5, 0.02, 0.5])
FULL = dict.fromkeys(("coordinates", "area", "perimeter"))


def random_division(seed: int):
    """A random piece with homes and sometimes a pin, and a grown division of it."""
    rng = np.random.default_rng(seed)
    given = make_random_graph(rng)
    graph = checked_graph(**(FULL | given))
    cells = int(rng.integers(1, min(6, graph.count) + 1))
    piece = make_piece(graph, cells)
    goal = make_goal(graph.weights, cells, (0.5, 7.0))
    piece.tie[:, HOME] = rng.integers(-1, cells, graph.count)
    if seed % 3 == 0:
        piece.tie[int(rng.integers(graph.count)), PINNED] = 0
    state, scratch, _ = make_state(piece, [0] * graph.count, goal, TERMS)
    centres = np.full(cells, -1, dtype=np.int32)
    pinned = np.flatnonzero(piece.tie[:, PINNED] >= 0)
    centres[piece.tie[pinned, PINNED]] = pinned
    luck = make_luck(seed)
    pick_centres(piece, scratch, luck, centres, cells, graph.count)
    grow(piece, state, scratch, centres, cells, graph.count)
    state, scratch, energy = make_state(piece, state.label.tolist(), goal, TERMS)
    return given["edges"], piece, goal, state, scratch, luck, energy


def test_random_numbers_are_even_and_repeatable():
    luck, again = make_luck(3), make_luck(3)
    numbers = [draw(luck) for _ in range(4000)]
    assert numbers[:5] == [draw(again) for _ in range(5)]
    assert 0.0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1.0
    assert abs(np.mean(numbers) - 0.5) < 0.02
    assert numbers[:3] != [draw(make_luck(4)) for _ in range(3)]


def test_grown_cells_are_connected_and_none_is_empty():
    for number in range(250):
        edges, _, goal, state, *_ = random_division(number)
        assert set(range(len(goal))) == set(state.label.tolist())
        assert parts_are_connected(edges, state.label)


def test_the_sums_of_a_state_are_those_of_its_formula():
    for seed in range(100):
        _, piece, goal, state, _, _, energy = random_division(seed)
        assert energy == pytest.approx(cost_from_scratch(piece, state.label, goal, TERMS), abs=1e-9)


def test_the_change_of_any_single_move_is_the_difference_of_two_plans():
    for seed in range(40):
        _, piece, goal, state, scratch, _, energy = random_division(seed)
        for node in range(len(state.label)):
            for e in range(piece.first[node], piece.first[node + 1]):
                to = int(state.label[piece.edge[e, 0]])
                if to != state.label[node] and (state.label == state.label[node]).sum() > 1:
                    change = change_of(
                        piece.first, piece.edge, piece.border, piece.node, piece.tie, state.label,
                        state.cell, TERMS.as_array(), scratch.after, np.int32(node), np.int32(to),
                    )  # fmt: skip
                    moved = state.label.copy()
                    moved[node] = to
                    after = cost_from_scratch(piece, moved, goal, TERMS)
                    assert change == pytest.approx(after - energy, abs=1e-8)


def test_a_node_may_leave_when_and_only_when_its_cell_stays_connected():
    seen = set()
    for seed in range(60):
        edges, piece, _, state, scratch, _, _ = random_division(seed)
        for node in range(len(state.label)):
            if (state.label == state.label[node]).sum() == 1:
                continue
            alone = state.label.astype(np.int64)
            alone[node] = 99
            expected = parts_are_connected(edges, alone)
            seen.add(expected)
            assert expected == may_leave(
                piece.first,
                piece.edge,
                state.label,
                scratch.stamp,
                scratch.queue,
                scratch.tallies,
                np.int32(node),
            )
    assert {True, False} == seen


def test_a_composite_move_leaves_both_cells_connected_and_its_change_is_true():
    tried = 0
    for seed in range(120):
        edges, piece, goal, state, scratch, _, energy = random_division(seed)
        for node in range(len(state.label)):
            beside = {int(state.label[o]) for o in piece.edge[piece.first[node] : piece.first[node + 1], 0]}
            count = gather_with(piece, state.label, scratch, np.int32(node))
            if count < 2:
                continue
            group = scratch.group[:count].copy()
            for to in beside - {int(state.label[node])}:
                change = change_of_group(piece, state.label, state.cell, TERMS.as_array(), scratch, count, to)
                moved = state.label.copy()
                moved[group] = to
                assert parts_are_connected(edges, moved)
                assert set(moved.tolist()) == set(state.label.tolist())
                after = cost_from_scratch(piece, moved, goal, TERMS)
                assert change == pytest.approx(after - energy, abs=1e-8)
                tried += 1
    assert tried > 20


@pytest.mark.parametrize("heat", [(5.0, 4.0), (0.4, 0.01)])
def test_annealing_ends_on_its_best_state_which_is_valid_and_counted_right(heat):
    for seed in range(80):
        edges, piece, goal, state, scratch, luck, energy = random_division(seed)
        tally, count = np.zeros(2), len(state.label)
        scratch.best[:] = state.label
        for start in range(0, 600, 200):
            anneal(
                piece, state, scratch, TERMS.as_array(), luck, tally, count, start, start + 200, 600, *heat
            )
            assert parts_are_connected(edges, state.label)
        reached = take_best(piece, state, scratch, TERMS.as_array(), len(goal), count)
        assert tally[1] <= 0.0
        assert reached == pytest.approx(energy + tally[1], abs=1e-7)
        assert reached == pytest.approx(cost_from_scratch(piece, state.label, goal, TERMS), abs=1e-7)
        assert parts_are_connected(edges, state.label)
        assert set(range(len(goal))) == set(state.label.tolist())
        pinned = piece.tie[:, PINNED] >= 0
        assert state.label[pinned].tolist() == piece.tie[pinned, PINNED].tolist()
        assert (scratch.spot == -1).all()


def test_neighbourhoods_solved_again_never_make_it_worse_and_gain_what_they_say():
    gained = 0
    for seed in range(80):
        edges, piece, goal, state, scratch, luck, energy = random_division(seed)
        scratch.chosen[:] = 0
        gain = improve(piece, state, scratch, TERMS.as_array(), luck, EFFORT, 12)
        reached = cost_from_scratch(piece, state.label, goal, TERMS)
        assert gain >= 0.0
        assert reached == pytest.approx(energy - gain, abs=1e-7)
        assert parts_are_connected(edges, state.label)
        assert set(range(len(goal))) == set(state.label.tolist())
        pinned = piece.tie[:, PINNED] >= 0
        assert state.label[pinned].tolist() == piece.tie[pinned, PINNED].tolist()
        gained += gain > 0
    assert gained > 25


def test_a_log_that_is_full_loses_nothing(monkeypatch):
    piece = make_piece(make_lattice_graph(12, 12), 4)
    goal = make_goal(piece.node[:, 0], 4)
    label = [(n % 12 >= 6) + 2 * (n // 12 >= 6) for n in range(144)]
    state, scratch, energy = make_state(piece, label, goal, Terms())
    scratch.best[:] = state.label
    tally = np.zeros(2)
    anneal(piece, state, scratch, Terms().as_array(), make_luck(1), tally, 144, 0, 60_000, 60_000, 50.0, 40.0)
    assert take_best(piece, state, scratch, Terms().as_array(), 4, 144) == pytest.approx(energy + tally[1])


def test_centres_along_a_curve_are_different_nodes_however_the_weight_lies():
    for weights in ([1.0] * 100, [0.0] * 99 + [5.0], [9.0] * 3 + [0.0] * 97):
        piece = make_piece(make_lattice_graph(10, 10, weights), 40)
        centres = np.full(40, -1, dtype=np.int32)
        centres[7] = 3
        spread_centres(piece, centres, make_luck(2))
        assert 40 == len(set(centres.tolist()))
        assert 3 == centres[7]
        assert 0 <= centres.min() <= centres.max() < 100
