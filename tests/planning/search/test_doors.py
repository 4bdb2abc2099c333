"""The door of graphs: valid on thousands of small instances, by any preset, seed, clock and former plan."""

import warnings

import numpy as np
import pytest

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning.bounds import bounds_of
from gridmgmt.planning.partition import StoppedEarly, partition_graph, plan_graph
from gridmgmt.planning.search.presets import LONG, PRESETS, Preset
from gridmgmt.planning.search.solve import Search, Task
from tests.builders_search import lattice_edges, make_random_graph, parts_are_connected

SMALL = 6
"""Presets with few rounds are enough for validity; the others are tried on fewer instances."""


def random_question(seed: int):
    """A random connected graph, cut into groups that may each be in pieces, with a k that fits."""
    rng = np.random.default_rng(seed)
    given = make_random_graph(rng)
    count = len(given["weights"])
    groups = rng.integers(0, 3, count) if rng.random() < 0.5 else np.zeros(count, dtype=int)
    edges = given["edges"]
    same = edges[groups[edges[:, 0]] == groups[edges[:, 1]]]
    k = {}
    for group in np.unique(groups).tolist():
        nodes = np.flatnonzero(groups == group)
        around = [set(pair) for pair in same.tolist() if groups[pair[0]] == group]
        root = {int(n): {int(n)} for n in nodes}
        for a, b in (tuple(pair) for pair in around):
            if root[a] is not root[b]:
                root[a] |= root[b]
                for n in root[b]:
                    root[n] = root[a]
        pieces = len({id(part) for part in root.values()})
        k[group] = int(rng.integers(pieces, min(len(nodes), pieces + SMALL) + 1))
    return given, groups, k, rng


def require_valid(given, groups, k, label):
    """Complete, exactly k in each group, nested, connected, none empty."""
    assert label.shape == (len(given["weights"]),)
    assert parts_are_connected(given["edges"], label)
    for group, wanted in k.items():
        assert wanted == len(set(label[groups == group].tolist()))
    assert sum(k.values()) == len(set(label.tolist()))


@pytest.mark.parametrize("start", range(0, 2000, 500))
def test_any_graph_is_divided_into_exactly_k_connected_nested_parts(start):
    for seed in range(start, start + 500):
        given, groups, k, _ = random_question(seed)
        preset = ("flash", "fast")[seed % 2]
        label = partition_graph(**given, k=k, groups=groups, preset=preset, seed=seed)
        require_valid(given, groups, k, label)
        assert set(range(sum(k.values()))) == set(label.tolist())


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_the_same_for_the_same_seed_on_any_number_of_threads(preset):
    for seed in range(8):
        given, groups, k, _ = random_question(seed)
        one = plan_graph(**given, k=k, groups=groups, preset=preset, seed=seed)
        three = plan_graph(**given, k=k, groups=groups, preset=preset, seed=seed, threads=3)
        require_valid(given, groups, k, one.labels)
        assert one.labels.tolist() == three.labels.tolist()
        assert one.objective == three.objective


def test_neither_the_order_nor_the_direction_of_the_edges_changes_the_plan():
    for seed in range(60):
        given, groups, k, rng = random_question(seed)
        order = rng.permutation(len(given["edges"]))
        turned = {**given, "edges": given["edges"][order][:, ::-1], "lengths": given["lengths"][order]}
        one = partition_graph(**given, k=k, groups=groups, preset="fast")
        assert one.tolist() == partition_graph(**turned, k=k, groups=groups, preset="fast").tolist()


def test_renumbered_nodes_give_a_valid_plan_too():
    for seed in range(60):
        given, groups, k, rng = random_question(seed)
        new = rng.permutation(len(groups))
        moved = {name: value for name, value in given.items() if name in ("edges", "lengths")}
        moved["edges"] = new[given["edges"]]
        for name in ("weights", "coordinates", "area", "perimeter"):
            if name in given:
                moved[name] = np.empty_like(given[name])
                moved[name][new] = given[name]
        there = np.empty_like(groups)
        there[new] = groups
        require_valid(moved, there, k, partition_graph(**moved, k=k, groups=there, preset="fast"))


def test_stopped_after_any_step_the_labels_are_valid_and_the_best_so_far():
    for seed in range(40):
        given, groups, k, _ = random_question(seed)
        full = plan_graph(**given, k=k, groups=groups, preset="fast", seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoppedEarly)
            cut = plan_graph(**given, k=k, groups=groups, preset="fast", seed=seed, time_limit_s=0.0)
        require_valid(given, groups, k, cut.labels)
        assert full.objective <= cut.objective + 1e-9
        assert full.finished


def test_a_limit_that_is_not_reached_changes_nothing():
    given, groups, k, _ = random_question(5)
    one = plan_graph(**given, k=k, groups=groups, preset="fast")
    two = plan_graph(**given, k=k, groups=groups, preset="fast", time_limit_s=1e6)
    assert one.labels.tolist() == two.labels.tolist()
    assert two.finished


def make_town(columns=20, rows=20, seed=3):
    rng = np.random.default_rng(seed)
    edges = lattice_edges(columns, rows)
    count = columns * rows
    return {
        "edges": np.array(edges),
        "lengths": np.ones(len(edges)),
        "weights": rng.integers(1, 40, count).astype(float),
        "coordinates": np.array([[n % columns, n // columns] for n in range(count)], dtype=float),
        "area": np.ones(count),
        "perimeter": np.full(count, 4.0),
    }


def test_a_search_that_a_clock_cuts_short_says_so():
    with pytest.warns(StoppedEarly):
        plan = plan_graph(**make_town(), k=20, preset="quality", time_limit_s=0.05)
    assert not plan.finished
    require_valid(make_town(), np.zeros(400), {0: 20}, plan.labels)


def test_every_step_is_valid_never_worse_and_as_many_as_were_announced(monkeypatch):
    seen = []

    def watched(self, task):
        original(self, task)
        seen.append(self)

    original = Search.__init__
    monkeypatch.setattr(Search, "__init__", watched)
    town = make_town()
    told = []
    plan_graph(
        **town, k=20, preset="fast",
        progress=lambda done, of: told.append((done, of, seen[0].label.copy())),
    )  # fmt: skip
    assert seen[0].done == seen[0].count_steps() == len(told) > 2
    assert (1000, 1000) == told[-1][:2]
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert isinstance(seen[0].task, Task)
    for _, _, label in told:
        require_valid(town, np.zeros(400), {0: 20}, label)


def test_more_effort_gives_a_better_plan(monkeypatch):
    # Judged alike: the same terms, other efforts.
    monkeypatch.setitem(PRESETS, "default", Preset(PRESETS["fast"].terms, LONG))
    reached = [
        sum(plan_graph(**make_town(), k=20, preset=preset, seed=seed).objective for seed in range(4))
        for preset in ("flash", "fast", "default")
    ]
    assert reached[0] > reached[1] > reached[2]


def test_a_heavy_node_has_a_part_of_its_own_and_the_others_share_the_rest():
    weights = [10.0] * 25
    weights[12] = 200.0
    edges = lattice_edges(5, 5)
    plan = plan_graph(edges, lengths=[1.0] * len(edges), weights=weights, k=5, preset="default")
    alone = plan.labels == plan.labels[12]
    assert 1 == alone.sum()
    rest = np.bincount(plan.labels, weights)
    rest = np.delete(rest, plan.labels[12])
    assert [60.0] * 4 == rest.tolist()


def test_a_heavy_node_that_cuts_the_graph_takes_what_it_cuts_off_when_no_part_is_left_for_it():
    path = [[n, n + 1] for n in range(4)]
    label = partition_graph(path, lengths=[1.0] * 4, weights=[1.0, 0.0, 90.0, 0.0, 9.0], k=2)
    assert 2 == len(set(label.tolist()))
    assert parts_are_connected(path, label)


def test_the_lower_bounds_are_those_of_indivisible_nodes():
    bounds = bounds_of(np.array([9.0, 1.0, 1.0, 1.0]), np.zeros(4, int), np.array([0, 1, 1, 2]))
    assert bounds.least_max_share == pytest.approx(9 / 4 - 1)
    assert bounds.least_mean_share == pytest.approx(2 * (9 / 4 - 1) / 3)
    assert bounds.max_share == pytest.approx(9 / 4 - 1)
    for seed in range(60):
        given, groups, k, _ = random_question(seed)
        found = plan_graph(**given, k=k, groups=groups, preset="fast").bounds
        assert found.least_max_share <= found.max_share + 1e-9
        assert found.least_mean_share <= found.mean_share + 1e-9


def test_borders_go_where_factors_are_low():
    edges = np.array(lattice_edges(8, 8))
    town = make_town(8, 8) | {"weights": np.ones(64)}
    road = ((edges % 8).min(axis=1) == 3) & (edges[:, 1] - edges[:, 0] == 1)
    plan = plan_graph(**town, k=2, preset="road", factors=np.where(road, 0.2, 1.0))
    assert (plan.labels.reshape(8, 8)[:, :4] == plan.labels[0]).all()
    across = plan_graph(
        **town, k=2, preset="road", factors=np.where(edges[:, 1] - edges[:, 0] == 8, 0.2, 1.0)
    )
    assert (across.labels.reshape(8, 8) == across.labels.reshape(8, 8)[:, :1]).all()


def test_a_second_demand_is_balanced_beside_the_first():
    town = make_town(8, 8) | {"weights": np.ones(64)}
    work = np.where(np.arange(64) % 8 < 4, 10.0, 1.0)
    plan = plan_graph(**town, k=2, work=work, preset="default")
    hours = np.bincount(plan.labels, work)
    assert abs(hours[0] - hours[1]) / hours.mean() < 0.1


def test_the_plan_before_goes_on_where_nothing_has_changed():
    town = make_town()
    old = partition_graph(**town, k=20, preset="fast")
    names = old * 7 + 3
    again = plan_graph(**town, k=20, preset="fast", previous=names, seed=9)
    moved = town["weights"][again.labels != names].sum() / town["weights"].sum()
    assert set(names.tolist()) == set(again.labels.tolist())
    assert moved < 0.05


def test_after_change_few_are_moved_and_the_parts_are_mended():
    town, rng = make_town(), np.random.default_rng(4)
    old = partition_graph(**town, k=20, preset="default")
    grown = town["weights"] * np.where(rng.random(400) < 0.04, 3.0, 1.0)
    new = town | {"weights": grown}
    warm = plan_graph(**new, k=20, preset="default", previous=old)
    require_valid(new, np.zeros(400), {0: 20}, warm.labels)
    moved = grown[warm.labels != old].sum() / grown.sum()
    before = bounds_of(grown, np.zeros(400, dtype=np.int64), old)
    assert moved < 0.15
    assert warm.bounds.max_share < before.max_share


@pytest.mark.parametrize("k", [17, 19, 21, 24])
def test_with_another_k_cells_are_split_or_merged_and_the_others_keep_their_number(k):
    town = make_town()
    old = partition_graph(**town, k=20, preset="fast")
    plan = plan_graph(**town, k=k, preset="fast", previous=old)
    require_valid(town, np.zeros(400), {0: k}, plan.labels)
    kept = set(plan.labels.tolist()) & set(range(20))
    assert min(k, 20) == len(kept)
    assert set(plan.labels.tolist()) - kept == set(range(20, 20 + max(0, k - 20)))


def test_any_plan_before_even_a_torn_one_gives_a_valid_plan():
    for seed in range(150):
        given, groups, k, rng = random_question(seed)
        previous = rng.integers(-1, 5, len(groups))
        label = partition_graph(**given, k=k, groups=groups, preset="flash")
        warm = plan_graph(**given, k=k, groups=groups, preset="flash", previous=previous)
        require_valid(given, groups, k, warm.labels)
        own = plan_graph(**given, k=k, groups=groups, preset="flash", previous=label)
        require_valid(given, groups, k, own.labels)


def test_fixed_parts_stay_as_they_are():
    town = make_town()
    old = partition_graph(**town, k=20, preset="fast")
    corner = old == old[0]
    plan = plan_graph(**town, k=21, preset="fast", previous=old, fixed=corner)
    assert (plan.labels[corner] == old[0]).all()
    assert not (plan.labels[~corner] == old[0]).any()
    assert 21 == len(set(plan.labels.tolist()))
    assert parts_are_connected(town["edges"], plan.labels)


@pytest.mark.parametrize(
    "wrong",
    [
        {"previous": [0.5] * 6},
        {"previous": [0] * 5},
        {"fixed": [True] * 6},
        {"previous": [0] * 6, "fixed": [True] * 3 + [False] * 3},
        {"factors": [1.0]},
        {"work": [-1.0] * 6},
    ],
)
def test_a_former_plan_factors_or_work_that_do_not_fit_are_refused(wrong):
    path = [[n, n + 1] for n in range(5)]
    with pytest.raises(InvalidInput):
        plan_graph(path, lengths=[1.0] * 5, weights=[1.0] * 6, k=2, **wrong)


def test_what_cannot_be_had_names_the_constraint_and_what_to_relax():
    path = [[n, n + 1] for n in range(5)]
    for over in ({"k": 7}, {"k": 2, "weights": [9.0, *[1.0] * 5], "tolerance": 0.1}):
        with pytest.raises(Infeasible) as refusal:
            plan_graph(path, **({"lengths": [1.0] * 5, "weights": [1.0] * 6} | over))
        assert {"constraint", "group", "relax"} <= set(refusal.value.facts)
