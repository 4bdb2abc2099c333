"""The planner's door beyond the first plan: former plans, fixed cells, heavy atoms, workload, lines."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmgmt.errors import Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import MetricZone
from gridmgmt.planning import constraints
from gridmgmt.planning.coverage import shared_borders
from gridmgmt.planning.linecosts import FACTORS, border_costs, line_classes
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.partition import StoppedEarly, propose_cells
from gridmgmt.planning.workload import Norms, with_workload
from tests.builders_planning import at, make_communities, make_frame, make_lattice


def make_town(seed: int = 1) -> gpd.GeoDataFrame:
    """Ten by ten atoms of about 40 households."""
    rng = np.random.default_rng(seed)
    return make_lattice(10, 10, households=rng.integers(20, 60, 100).tolist())


def make_plan(atoms: gpd.GeoDataFrame, **options) -> gpd.GeoDataFrame:
    return number_cells(propose_cells(make_communities(atoms), atoms, preset="fast", **options))


def test_a_plan_goes_on_from_the_one_before_and_its_cells_keep_their_codes():
    atoms = make_town()
    old = make_plan(atoms)
    new = propose_cells(make_communities(atoms), atoms, preset="fast", seed=8, previous=old)
    assert set(old["code"]) == set(new["previous_code"])
    assert new.attrs["search"]["moved_share"] < 0.05
    same = new.merge(old[["code", "atom_ids"]], left_on="previous_code", right_on="code")
    assert (same["atom_ids_x"].map(set) == same["atom_ids_y"].map(set)).mean() > 0.5


def test_with_more_households_a_cell_is_split_and_the_new_one_has_no_code_of_before():
    atoms = make_town()
    old = make_plan(atoms)
    atoms["households"] = (atoms["households"] * 1.12).round().astype(int)
    atoms.loc[:20, "households"] += 30
    new = propose_cells(make_communities(atoms), atoms, preset="fast", previous=old)
    assert len(new) > len(old)
    assert set(old["code"]) == set(new["previous_code"].dropna())
    assert len(new) - len(old) == new["previous_code"].isna().sum()
    assert constraints.in_band(number_cells(new)).passed


def test_fixed_cells_stay_as_they_are_whatever_their_kind():
    atoms = make_town()
    old = make_plan(atoms)
    kept = old["code"].iloc[0]
    old.loc[old["code"] == kept, "kind"] = "dedicated"
    new = propose_cells(make_communities(atoms), atoms, preset="fast", previous=old, fixed=[kept], seed=3)
    row = new[new["previous_code"] == kept].iloc[0]
    assert "dedicated" == row["kind"]
    assert set(old.set_index("code").loc[kept, "atom_ids"]) == set(row["atom_ids"])


def test_a_fixed_cell_that_is_no_union_of_atoms_is_named():
    atoms = make_town()
    old = make_plan(atoms)
    moved = old.assign(geometry=old.geometry.translate(30.0, 0.0))
    with pytest.raises(Infeasible) as refusal:
        propose_cells(
            make_communities(atoms), atoms, previous=moved.iloc[[0]], fixed=[str(old["code"].iloc[0])]
        )
    assert ("fixed", old["code"].iloc[0]) == tuple(refusal.value.facts[k] for k in ("constraint", "code"))


def test_a_plan_before_in_another_zone_or_a_code_that_is_not_in_it_is_refused():
    atoms = make_town()
    old = make_plan(atoms)
    communities = make_communities(atoms)
    with pytest.raises(WrongCrs):
        propose_cells(communities, atoms, previous=old.set_crs(int(MetricZone.CM_120E), allow_override=True))
    for option in ({"previous": old, "fixed": ["120116005001999"]}, {"fixed": ["120116005001001"]}):
        with pytest.raises(InvalidInput):
            propose_cells(communities, atoms, **option)
    with pytest.raises(InvalidInput):
        propose_cells(communities, atoms, previous=old.drop(columns="kind"))


def test_a_dedicated_site_goes_on_with_its_code():
    atoms = make_town().assign(site_id="S0", dedicated=False)
    atoms.loc[[44, 45], ["site_id", "dedicated"]] = ["S1", True]
    old = make_plan(atoms)
    new = propose_cells(make_communities(atoms), atoms, preset="fast", previous=old)
    code = old.loc[old["kind"] == "dedicated", "code"].iloc[0]
    assert [code] == new.loc[new["kind"] == "dedicated", "previous_code"].tolist()


def test_an_atom_above_the_band_gets_a_cell_of_its_own_when_asked_for():
    atoms = make_town()
    atoms.loc[55, "households"] = 900
    with pytest.raises(Infeasible) as refusal:
        propose_cells(make_communities(atoms), atoms)
    assert "cell of its own" in refusal.value.facts["relax"]
    cells = propose_cells(make_communities(atoms), atoms, preset="fast", oversized="own_cell")
    tower = cells[cells["households"] > 500]
    assert [(atoms["atom_id"].iloc[55],)] == tower["atom_ids"].tolist()
    assert cells.loc[cells["households"] <= 500, "households"].between(300, 500).all()
    assert cells.attrs["search"]["least_max_share"] > 0.5


def test_what_the_search_knows_is_told_beside_the_cells():
    atoms = make_town()
    told = propose_cells(make_communities(atoms), atoms, preset="flash", seed=4).attrs["search"]
    assert ("flash", 4, True) == (told["preset"], told["seed"], told["finished"])
    assert told["least_mean_share"] <= told["mean_share"] <= told["max_share"]
    assert told["moved_share"] is None


def test_a_time_limit_says_so_and_leaves_a_lawful_plan():
    atoms = make_town()
    communities = make_communities(atoms)
    with pytest.warns(StoppedEarly):
        cells = propose_cells(communities, atoms, preset="quality", time_limit_s=0.0)
    assert not cells.attrs["search"]["finished"]
    assert constraints.contiguous(number_cells(cells)).passed
    assert constraints.seamless(number_cells(cells), communities).passed


def test_hours_of_work_are_households_incidents_and_walking():
    atoms = make_lattice(1, 1, households=10).assign(incidents_per_year=[4.0])
    norms = Norms(
        visit_h_per_household=2.0, handling_h_per_incident=0.5, patrols_per_year=30.0, walking_km_per_h=3.0
    )
    walked_km = atoms.length.iloc[0] / 1000 / 2
    found = with_workload(atoms, norms=norms)["workload_h_per_year"].iloc[0]
    assert found == pytest.approx(10 * 2.0 + 4 * 0.5 + 30 * walked_km / 3.0)
    measured = with_workload(atoms.assign(handling_h_per_year=[7.0]), norms=norms)
    assert measured["workload_h_per_year"].iloc[0] == pytest.approx(20.0 + 7.0 + 30 * walked_km / 3.0)
    with pytest.raises(InvalidInput):
        with_workload(atoms, norms=Norms(walking_km_per_h=0.0))
    with pytest.raises(InvalidInput):
        with_workload(atoms.assign(incidents_per_year=[-1.0]))


def test_workload_is_balanced_beside_the_households():
    atoms = make_lattice(8, 8, households=25)
    atoms["hours"] = [10.0 if n % 8 < 4 else 1.0 for n in range(64)]
    hours = atoms.set_index("atom_id")["hours"]

    def spread(cells: gpd.GeoDataFrame) -> float:
        loads = cells["atom_ids"].map(lambda ids: hours[list(ids)].sum())
        return float(loads.max() / loads.mean())

    communities = make_communities(atoms)
    without = propose_cells(communities, atoms)
    beside = propose_cells(communities, atoms, workload="hours")
    assert spread(beside) < spread(without)
    assert beside["households"].between(300, 500).all()


def test_the_cheapest_line_beside_a_side_sets_its_price():
    borders = shared_borders(np.asarray(make_lattice(2, 1).geometry.array, dtype=object))
    river = make_frame([shapely.LineString([at(100, -50), at(100, 150)])] * 2, line_class=["lane", "water"])
    assert [100.0 * FACTORS["water"]] == border_costs(borders, river).round(6).tolist()
    far = make_frame([shapely.LineString([at(150, -50), at(150, 150)])], line_class=["water"])
    assert [100.0] == border_costs(borders, far).tolist()
    with pytest.raises(InvalidInput):
        border_costs(borders, far.assign(line_class="dream"))
    with pytest.raises(InvalidInput):
        border_costs(borders, far.drop(columns="line_class"))


def test_the_classes_of_openstreetmap_are_known():
    kinds = gpd.pd.Series(["primary_link", "tertiary", "residential", "corridor"])
    assert ["arterial", "collector", "lane", "lane"] == line_classes(kinds).tolist()
