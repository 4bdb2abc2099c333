"""The fewest cut edges within a tolerance: known optima, what always holds, and what is refused."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning import cutedges
from gridmgmt.planning.coverage import components
from gridmgmt.planning.cutedges import minimise_cut_edges, search_cut_edges
from gridmgmt.planning.engine import StoppedEarly
from gridmgmt.planning.partition import partition_graph

DATA = Path(__file__).parents[2] / "data" / "districting"
FL25 = json.loads((DATA / "fl25.json").read_text())
OPTIMA = json.loads((DATA / "proved_optima.json").read_text())


def county_graph(state: str) -> tuple[Any, Any, int, int]:
    known = OPTIMA["states"][state]
    graph = json.loads((DATA / "county" / known["file"]).read_text())
    pairs = np.array([edge[:2] for edge in graph["edges"]])
    weights = np.array([node["population"] for node in graph["nodes"]])
    return pairs, weights, known["k"], known["fewest_cut_edges"]


def require_valid(labels: Any, pairs: Any, weights: Any, k: int, tolerance: float) -> int:
    """Number of cut edges of labels that are checked from nothing."""
    pairs, weights = np.asarray(pairs), np.asarray(weights, dtype=float)
    assert list(range(k)) == np.unique(labels).tolist()
    inner = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    assert k == len(np.unique(components(len(weights), inner)))
    loads = np.bincount(labels, weights)
    assert (np.abs(loads - weights.sum() / k) <= (tolerance + 1e-9) * weights.sum() / k).all()
    return len(pairs) - len(inner)


def lattice(width: int, height: int) -> list[tuple[int, int]]:
    right = [(y * width + x, y * width + x + 1) for y in range(height) for x in range(width - 1)]
    down = [(y * width + x, (y + 1) * width + x) for y in range(height - 1) for x in range(width)]
    return right + down


@pytest.fixture
def a_third_of_the_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optima are found with fewer proposals than a search makes: there is room, and the tests are quick."""
    monkeypatch.setattr(cutedges, "LEAST_PROPOSALS", cutedges.LEAST_PROPOSALS // 3)
    monkeypatch.setattr(cutedges, "PROPOSALS_PER_EDGE", cutedges.PROPOSALS_PER_EDGE // 3)


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of nodes, or a rule that holds at any length, needs no 300,000 proposals a run."""
    monkeypatch.setattr(cutedges, "LEAST_PROPOSALS", 3_000)
    monkeypatch.setattr(cutedges, "PROPOSALS_PER_EDGE", 100)


@pytest.mark.usefixtures("a_third_of_the_effort")
@pytest.mark.parametrize("tolerance", FL25["fewest_cut_edges_by_tolerance"])
def test_the_enumerated_optimum_of_25_precincts_is_found_at_each_tolerance(tolerance):
    labels = minimise_cut_edges(FL25["edges"], FL25["populations"], 3, tolerance=float(tolerance), seed=3)
    cut = require_valid(labels, FL25["edges"], FL25["populations"], 3, float(tolerance))
    assert FL25["fewest_cut_edges_by_tolerance"][tolerance] == cut


@pytest.mark.usefixtures("a_third_of_the_effort")
@pytest.mark.parametrize("state", ["ME", "NM", "ID", "WV"])
def test_proved_optima_of_counties_are_found(state):
    pairs, weights, k, fewest = county_graph(state)
    plan = search_cut_edges(pairs, weights, k, tolerance=0.005)
    assert fewest == plan.cut_edges == require_valid(plan.labels, pairs, weights, k, 0.005)
    assert plan.complete


@pytest.mark.usefixtures("a_third_of_the_effort")
def test_the_pool_finds_what_annealing_alone_does_not():
    pairs, weights, k, fewest = county_graph("LA")
    seen: list[int | None] = []
    plan = search_cut_edges(
        pairs, weights, k, tolerance=0.005, seed=1, progress=lambda cut, _: seen.append(cut)
    )
    assert fewest == plan.cut_edges
    assert plan.rounds == len(seen)
    assert sorted(seen, reverse=True) == seen


@pytest.mark.usefixtures("short_runs")
def test_the_same_seed_gives_the_same_plan_and_the_door_of_graphs_leads_here():
    pairs, weights, k, _ = county_graph("NM")
    first, again = (minimise_cut_edges(pairs, weights, k, tolerance=0.005, seed=7) for _ in range(2))
    assert np.array_equal(first, again)
    by_door = partition_graph(
        pairs,
        lengths=np.ones(len(pairs)),
        weights=weights,
        k=k,
        tolerance=0.005,
        objective="cut_edges",
        seed=7,
    )
    assert np.array_equal(first, by_door)


@pytest.mark.usefixtures("short_runs")
def test_a_time_limit_is_told_and_leaves_a_valid_plan():
    pairs = lattice(12, 12)
    with pytest.warns(StoppedEarly, match="time limit"):
        labels = minimise_cut_edges(pairs, np.ones(144), 4, tolerance=0.2, time_limit_s=0.0)
    require_valid(labels, pairs, np.ones(144), 4, 0.2)


@pytest.mark.usefixtures("short_runs")
def test_each_group_is_divided_on_its_own():
    pairs = lattice(6, 4)
    groups = np.array(["a"] * 12 + ["b"] * 12)
    labels = partition_graph(
        pairs,
        lengths=np.ones(len(pairs)),
        weights=np.ones(24),
        k={"a": 2, "b": 3},
        groups=groups,
        tolerance=0.0,
        objective="cut_edges",
    )
    assert {0, 1} == set(labels[:12].tolist())
    assert {2, 3, 4} == set(labels[12:].tolist())
    assert [6, 6, 4, 4, 4] == np.bincount(labels).tolist()


@pytest.mark.usefixtures("short_runs")
def test_as_many_parts_as_nodes_leave_nothing_to_move():
    assert [0, 1] == minimise_cut_edges([(0, 1)], [1, 1], 2, tolerance=0.0).tolist()


@pytest.mark.usefixtures("short_runs")
def test_pieces_that_are_not_connected_get_whole_parts():
    pairs = [(0, 1), (2, 3), (3, 4), (4, 5)]
    labels = minimise_cut_edges(pairs, [1] * 6, 3, tolerance=0.0)
    assert [0, 0, 1, 1, 2, 2] == labels.tolist()


@pytest.mark.usefixtures("short_runs")
@pytest.mark.parametrize(
    ("weights", "k", "tolerance", "constraint"),
    [
        ([1, 1, 1, 1], 5, 0.1, "atoms"),
        ([1, 1, 1, 9], 2, 0.1, "indivisible_atom"),
        ([2, 3, 3, 2], 2, 0.0, None),
        ([3, 2, 2, 3], 2, 0.01, None),
        ([1, 4, 2, 3], 2, 0.01, None),
        ([4, 2, 1, 3], 2, 0.01, "balanced"),
    ],
)
def test_what_cannot_be_names_the_constraint(weights, k, tolerance, constraint, monkeypatch):
    monkeypatch.setattr(cutedges, "HOPELESS", 1)
    path = [(0, 1), (1, 2), (2, 3)]
    if constraint is None:
        require_valid(minimise_cut_edges(path, weights, k, tolerance=tolerance), path, weights, k, tolerance)
        return
    with pytest.raises(Infeasible) as refused:
        minimise_cut_edges(path, weights, k, tolerance=tolerance)
    assert constraint == refused.value.facts["constraint"]


def test_pieces_that_cannot_have_whole_parts_are_refused():
    with pytest.raises(Infeasible) as refused:
        minimise_cut_edges([(0, 1), (1, 2)], [1, 1, 1, 2], 2, tolerance=0.1)
    assert "contiguous" == refused.value.facts["constraint"]


@pytest.mark.parametrize(
    "change", [{"tolerance": None}, {"tolerance": 1.5}, {"tolerance": float("nan")}, {"k": 0}]
)
def test_arguments_that_mean_nothing_are_refused(change):
    with pytest.raises(InvalidInput):
        minimise_cut_edges([(0, 1)], [1, 1], **({"k": 2, "tolerance": 0.1} | change))


def fewest_by_enumeration(count, k, pairs, weights, tolerance):
    """Of all plans, the fewest first, the cut of the first valid one; None when none is valid."""
    plans = np.array(list(product(range(k), repeat=count)))
    loads = np.stack([(plans == part) @ np.array(weights) for part in range(k)], axis=1)
    ideal = sum(weights) / k
    # Only to be quick: the judge of validity is the same as everywhere.
    near = (np.abs(loads - ideal) <= tolerance * ideal + 1e-6).all(axis=1)
    plans = plans[near]
    cuts = (plans[:, pairs[:, 0]] != plans[:, pairs[:, 1]]).sum(axis=1)
    for index in np.argsort(cuts, kind="stable"):
        if len(set(plans[index].tolist())) < k:
            continue
        try:
            return require_valid(plans[index], pairs, weights, k, tolerance)
        except AssertionError:
            continue
    return None


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_plan_of_a_small_graph_cuts_fewer_edges(data):
    width, height = data.draw(st.integers(2, 3)), data.draw(st.integers(2, 3))
    count, k = width * height, data.draw(st.integers(2, 3))
    pairs = np.array(lattice(width, height))
    weights = data.draw(st.lists(st.integers(0, 5), min_size=count, max_size=count).filter(any))
    tolerance = data.draw(st.sampled_from([0.1, 0.3, 0.6]))
    fewest = fewest_by_enumeration(count, k, pairs, weights, tolerance)
    with pytest.MonkeyPatch.context() as patch:
        # Nine nodes need no 300,000 proposals, thirty rounds long.
        patch.setattr(cutedges, "LEAST_PROPOSALS", 3_000)
        patch.setattr(cutedges, "PROPOSALS_PER_EDGE", 100)
        patch.setattr(cutedges, "HOPELESS", 3)
        try:
            labels = minimise_cut_edges(pairs, weights, k, tolerance=tolerance)
        except Infeasible:
            assert fewest is None
            return
    assert fewest == require_valid(labels, pairs, weights, k, tolerance)
