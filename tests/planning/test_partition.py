"""Cells: connected, nested, in the band, seamless, seeded; what cannot be had is refused by name."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridmgmt.errors import Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC, MetricZone
from gridmgmt.planning import constraints
from gridmgmt.planning.allotment import feasible_counts
from gridmgmt.planning.coverage import components
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.partition import partition_graph, propose_cells
from tests.builders_planning import make_box, make_communities, make_frame, make_lattice

PATH = {"edges": [[n, n + 1] for n in range(5)], "lengths": [1.0] * 5, "weights": [1.0] * 6}


def failed(cells: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, band=(300, 500)) -> list[str]:
    numbered = number_cells(cells)
    verdicts = [
        constraints.contiguous(numbered),
        constraints.within_community(numbered, communities),
        constraints.seamless(numbered, communities),
        constraints.in_band(numbered, band),
    ]
    return [verdict.name for verdict in verdicts if not verdict.passed]


def test_a_lattice_of_nine_is_divided_into_three_times_three():
    atoms = make_lattice(3, 3, households=130)
    cells = propose_cells(make_communities(atoms), atoms)
    assert [390, 390, 390] == cells["households"].tolist()
    assert [3, 3, 3] == cells["atoms"].tolist()
    assert set(atoms["atom_id"]) == {name for ids in cells["atom_ids"] for name in ids}
    assert [] == failed(cells, make_communities(atoms))


def test_two_squares_are_the_most_compact_division_of_a_double_square():
    atoms = make_lattice(4, 2, households=100)
    cells = propose_cells(make_communities(atoms), atoms)
    assert [800.0, 800.0] == [round(length, 6) for length in cells.length]


def test_a_cell_stays_in_its_community():
    atoms = make_lattice(4, 2, households=[100, 100, 150, 150, 100, 100, 150, 150])
    communities = make_communities(atoms, [0, 0, 1, 1, 0, 0, 1, 1])
    cells = propose_cells(communities, atoms)
    assert {"120116005001": [400], "120116005002": [300, 300]} == {
        code: group["households"].tolist() for code, group in cells.groupby("community_code")
    }
    assert [] == failed(cells, communities)


def test_a_dedicated_site_is_a_cell_of_its_own_outside_the_band():
    atoms = make_lattice(3, 2, households=[200, 200, 0, 200, 200, 0]).assign(
        site_id=["S1", "S1", "S2", "S1", "S1", "S2"], dedicated=[False, False, True] * 2
    )
    cells = propose_cells(make_communities(atoms), atoms)
    assert ["dedicated", "duty", "duty"] == sorted(cells["kind"])
    school = cells[cells["kind"] == "dedicated"].iloc[0]
    assert ("S2", 0, 2) == (school["site_id"], school["households"], school["atoms"])
    assert [] == failed(cells, make_communities(atoms))


@pytest.mark.parametrize("column", ["block_id", "site_id"])
@pytest.mark.parametrize("sides", [["W", "W", "E", "E"] * 4, ["N"] * 8 + ["S"] * 8])
def test_of_two_equally_good_borders_the_one_on_a_road_or_wall_is_taken(sides, column):
    atoms = make_lattice(4, 4, households=50).assign(**{column: sides})
    cells = propose_cells(make_communities(atoms), atoms)
    side = atoms.set_index("atom_id")[column]
    assert all(1 == side[list(ids)].nunique() for ids in cells["atom_ids"])


def test_the_same_seed_gives_the_same_plan_and_the_order_of_communities_does_not_matter():
    rng = np.random.default_rng(5)
    atoms = make_lattice(8, 4, households=rng.integers(60, 160, 32).tolist())
    communities = make_communities(atoms, [0, 0, 0, 0, 1, 1, 1, 1] * 4)
    first = propose_cells(communities, atoms, seed=7)
    again = propose_cells(communities, atoms, seed=7)
    turned = propose_cells(communities.iloc[::-1].reset_index(drop=True), atoms, seed=7)
    assert first["atom_ids"].tolist() == again["atom_ids"].tolist()
    assert set(first["atom_ids"]) == set(turned["atom_ids"])


@settings(max_examples=12, deadline=None)
@given(
    columns=st.integers(2, 7), rows=st.integers(2, 6), seed=st.integers(0, 10_000), split=st.integers(0, 7)
)  # fmt: skip
def test_any_plan_is_contiguous_nested_and_seamless(columns, rows, seed, split):
    rng = np.random.default_rng(seed)
    atoms = make_lattice(columns, rows, households=rng.integers(0, 120, columns * rows).tolist())
    members = [int(n % columns >= split) for n in range(columns * rows)]
    communities = make_communities(atoms, (np.unique(members, return_inverse=True)[1]).tolist())
    demands = atoms["households"].groupby(members).sum()
    assume(all(len(feasible_counts(demand, (150, 350))) for demand in demands))
    cells = propose_cells(communities, atoms, band=(150, 350), target=250, seed=seed)
    assert not {"contiguous", "within_community", "seamless"} & set(failed(cells, communities))
    assert atoms["households"].sum() == cells["households"].sum()
    assert len(atoms) == cells["atoms"].sum()


def test_progress_counts_the_communities():
    atoms = make_lattice(4, 2, households=100)
    told: list[tuple[int, int]] = []
    propose_cells(
        make_communities(atoms, [0, 0, 1, 1] * 2), atoms, progress=lambda done, of: told.append((done, of))
    )
    assert [(1, 2), (2, 2)] == told


def test_a_community_that_no_number_of_cells_fits_is_named():
    atoms = make_lattice(4, 2, households=[100, 100, 140, 130, 100, 100, 140, 140])
    with pytest.raises(Infeasible) as refusal:
        propose_cells(make_communities(atoms, [0, 0, 1, 1] * 2), atoms)
    facts = refusal.value.facts
    assert ("120116005002", "合成社区2", "household_band") == (
        facts["community_code"], facts["community_name"], facts["constraint"],
    )  # fmt: skip


def test_one_block_of_900_households_is_named_as_indivisible():
    atoms = make_lattice(2, 1, households=[900, 300])
    with pytest.raises(Infeasible) as refusal:
        propose_cells(make_communities(atoms), atoms)
    assert "indivisible_atom" == refusal.value.facts["constraint"]


def test_an_atom_across_two_communities_is_refused():
    atoms = make_lattice(3, 1, households=400)
    communities = make_frame(
        [make_box(0, 0, 145, 100), make_box(145, 0, 300, 100)], code=["1", "2"], name=["one", "two"]
    )
    with pytest.raises(Infeasible) as refusal:
        propose_cells(communities, atoms)
    assert ("within_community", ["A02"]) == tuple(refusal.value.facts[k] for k in ("constraint", "atom_ids"))


def test_a_community_without_atoms_is_named():
    atoms = make_lattice(2, 1, households=400)
    communities = make_frame(
        [make_box(0, 0, 200, 100), make_box(200, 0, 300, 100)], code=["1", "2"], name=["one", "two"]
    )
    with pytest.raises(Infeasible) as refusal:
        propose_cells(communities, atoms)
    assert ("atoms", "two") == tuple(refusal.value.facts[k] for k in ("constraint", "community_name"))


def test_a_part_that_a_dedicated_site_cuts_off_cannot_stand_alone_with_few_households():
    atoms = make_lattice(3, 1, households=[400, 0, 50]).assign(dedicated=[False, True, False])
    with pytest.raises(Infeasible) as refusal:
        propose_cells(make_communities(atoms), atoms)
    assert "contiguous" == refusal.value.facts["constraint"]


def test_atoms_outside_all_communities_or_in_two_are_refused():
    atoms = make_lattice(2, 1, households=400)
    with pytest.raises(InvalidInput) as refusal:
        propose_cells(make_communities(atoms.iloc[:1]), atoms)
    assert ["A02"] == refusal.value.facts["atom_ids"]
    twice = make_frame([make_box(0, 0, 200, 100)] * 2, code=["1", "2"], name=["one", "two"])
    with pytest.raises(InvalidInput):
        propose_cells(twice, atoms)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_demand_is_a_finite_number_of_at_least_0(wrong):
    atoms = make_lattice(2, 1).assign(households=[400.0, wrong])
    with pytest.raises(InvalidInput) as refusal:
        propose_cells(make_communities(atoms), atoms)
    assert ["A02"] == refusal.value.facts["atom_ids"]


def test_a_missing_column_is_named():
    atoms = make_lattice(2, 1)
    with pytest.raises(InvalidInput) as refusal:
        propose_cells(make_communities(atoms), atoms, demand="incidents_per_year")
    assert ["incidents_per_year"] == refusal.value.facts["missing"]


def test_no_atoms_are_refused():
    atoms = make_lattice(2, 1)
    with pytest.raises(InvalidInput):
        propose_cells(make_communities(atoms), atoms.iloc[:0])


def test_degrees_and_two_zones_are_refused():
    atoms = make_lattice(2, 1, households=400)
    communities = make_communities(atoms)
    with pytest.raises(WrongCrs):
        propose_cells(communities, atoms.set_crs(GEOGRAPHIC, allow_override=True))
    with pytest.raises(WrongCrs):
        propose_cells(communities.set_crs(int(MetricZone.CM_120E), allow_override=True), atoms)


def test_a_path_is_cut_into_equal_pieces():
    assert [0, 0, 0, 1, 1, 1] == np.sort(partition_graph(**PATH, k=2)).tolist()
    assert [2, 2, 2] == np.bincount(partition_graph(**PATH, target=2.0)).tolist()


def test_groups_are_never_mixed_and_numbered_one_after_another():
    label = partition_graph(**PATH, k={"a": 1, "b": 2}, groups=["b", "b", "b", "b", "a", "a"])
    assert [0, 0] == label[4:].tolist()
    assert {1, 2} == set(label[:4].tolist())


def test_a_graph_in_two_pieces_gets_parts_in_each():
    label = partition_graph([[0, 1], [2, 3]], lengths=[1, 1], weights=[1, 1, 4, 4], k=3)
    assert label[0] == label[1]
    assert 3 == len(set(label.tolist()))


def test_a_tolerance_is_kept_or_the_plan_is_refused():
    label = partition_graph(**PATH, k=3, tolerance=0.0)
    assert [2, 2, 2] == np.bincount(label).tolist()
    with pytest.raises(Infeasible) as refusal:
        partition_graph([[0, 1], [1, 2]], lengths=[1, 1], weights=[3, 3, 3], k=2, tolerance=0.1)
    assert "balanced" == refusal.value.facts["constraint"]


def test_with_places_and_shapes_a_lattice_graph_is_divided_into_quarters():
    squares = make_lattice(4, 4)
    places = shapely.get_coordinates(squares.centroid)
    edges = [[a, b] for a in range(16) for b in range(a) if abs(places[a] - places[b]).sum() == 100.0]
    label = partition_graph(
        edges, lengths=[100.0] * len(edges), weights=[1] * 16, k=4,
        coordinates=places, area=[1e4] * 16, perimeter=[400.0] * 16,
    )  # fmt: skip
    assert 4 == len({tuple(label[[n, n + 1, n + 4, n + 5]]) for n in (0, 2, 8, 10)})
    assert [4, 4, 4, 4] == np.bincount(label).tolist()


@settings(max_examples=12, deadline=None)
@given(count=st.integers(1, 14), extra=st.integers(0, 12), k=st.integers(1, 6), seed=st.integers(0, 999))
def test_any_connected_graph_is_divided_into_exactly_k_connected_parts(count, extra, k, seed):
    rng = np.random.default_rng(seed)
    tree = {(int(rng.integers(n)), n) for n in range(1, count)}
    more = {tuple(sorted(rng.integers(0, count, 2).tolist())) for _ in range(extra)}
    edges = sorted(tree | {pair for pair in more if pair[0] != pair[1]})
    weights = rng.integers(1, 9, count).tolist()
    args = {"lengths": [1.0] * len(edges), "weights": weights, "k": min(k, count), "seed": seed}
    label = partition_graph(edges or np.empty((0, 2), int), **args)
    assert set(range(min(k, count))) == set(label.tolist())
    same = [pair for pair in edges if label[pair[0]] == label[pair[1]]]
    parts = components(count, np.array(same, dtype=np.int64).reshape(-1, 2))
    assert min(k, count) == parts.max() + 1
    assert label.tolist() == partition_graph(edges or np.empty((0, 2), int), **args).tolist()


@pytest.mark.parametrize(
    "option",
    [
        {"k": 2, "objective": "beauty"},
        {"k": 2, "preset": "best"},
        {"k": 2, "time_limit_s": -1.0},
        {"k": 2, "time_limit_s": float("nan")},
        {"k": 2, "target": 3.0},
        {},
        {"target": 0.0},
        {"k": 2, "groups": [0, 0, 0, 1, 1, 1]},
        {"k": {0: 1}, "groups": [0, 0, 0, 1, 1, 1]},
        {"k": 2, "groups": [0, 0]},
        {"k": 2, "seed": -1},
        {"k": 0},
        {"k": 1.5},
        {"k": True},
        {"k": 2, "weights": [1e308] * 6},
    ],
)
def test_an_option_that_is_not_supported_or_makes_no_sense_is_refused_not_ignored(option):
    with pytest.raises(InvalidInput):
        partition_graph(**{**PATH, **option})


def test_more_parts_than_nodes_are_refused():
    with pytest.raises(Infeasible) as refusal:
        partition_graph(**PATH, k=7)
    assert "atoms" == refusal.value.facts["constraint"]
