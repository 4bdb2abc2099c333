"""Blocks to atoms: no building is cut, nothing is lost, no atom needlessly large."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.errors import InvalidGeometry, WrongCrs
from gridmgmt.geo.crs import MetricZone
from gridmgmt.planning.atoms import atoms_from_buildings
from gridmgmt.planning.blocks import blocks_from_lines
from gridmgmt.planning.constraints import buildings_uncut
from tests.builders_planning import at, make_box, make_frame, make_town


def make_block(shape: shapely.Polygon) -> gpd.GeoDataFrame:
    return make_frame([shape], block_id=["B001"])


def make_houses(*shapes: shapely.Polygon) -> gpd.GeoDataFrame:
    return make_frame(list(shapes), building_id=[f"H{n}" for n in range(len(shapes))])


BLOCK = make_block(make_box(0, 0, 100, 60))
TWO_ROWS = make_houses(make_box(10, 10, 90, 20), make_box(10, 40, 90, 50))


def test_two_rows_of_houses_share_a_block_half_and_half():
    atoms = atoms_from_buildings(BLOCK, TWO_ROWS)
    assert ["A0001", "A0002"] == atoms["atom_id"].tolist()
    assert [1, 1] == atoms["buildings"].tolist()
    assert np.allclose(3_000.0, atoms["area_m2"], atol=40)
    assert 6_000.0 == round(atoms["area_m2"].sum(), 6)


def test_houses_that_touch_share_an_atom():
    houses = make_houses(make_box(10, 10, 40, 20), make_box(40, 10, 70, 20), make_box(10, 45, 70, 55))
    atoms = atoms_from_buildings(BLOCK, houses)
    assert [1, 2] == sorted(atoms["buildings"].tolist())


def test_a_block_without_houses_is_one_atom():
    atoms = atoms_from_buildings(BLOCK, make_houses())
    assert [6_000.0] == atoms["area_m2"].tolist()
    assert [0] == atoms["buildings"].tolist()


def test_open_land_is_divided_to_the_size_asked():
    atoms = atoms_from_buildings(make_block(make_box(0, 0, 400, 400)), make_houses(), max_area_m2=10_000)
    assert 16 == len(atoms)
    assert atoms["area_m2"].max() <= 10_000.5


def test_a_dedicated_site_is_one_atom_whatever_stands_on_it():
    sites = make_frame(
        [make_box(0, 0, 100, 30), make_box(0, 30, 100, 60)], site_id=["S1", "S2"], dedicated=[True, False]
    )
    houses = make_houses(*(make_box(x, y, x + 10, y + 10) for x in (10, 40, 70) for y in (10, 40)))
    atoms = atoms_from_buildings(BLOCK, houses, sites=sites)
    assert 3 == atoms.loc[atoms["dedicated"], "buildings"].sum()
    assert 1 == atoms["dedicated"].sum()
    assert {"S1": 1, "S2": 3} == atoms["site_id"].value_counts().to_dict()


def test_a_wall_of_a_site_is_a_border_of_atoms():
    sites = make_frame(
        [make_box(0, 0, 100, 35), make_box(0, 35, 100, 60)], site_id=["S1", "S2"], dedicated=[False, False]
    )
    atoms = atoms_from_buildings(BLOCK, TWO_ROWS, sites=sites)
    assert [3_500.0, 2_500.0] == atoms.sort_values("site_id")["area_m2"].tolist()


def test_a_site_drawn_a_hand_beside_the_block_leaves_no_sliver():
    sites = make_frame([make_box(0.3, 0.3, 99.8, 60.2)], site_id=["S1"], dedicated=[False])
    atoms = atoms_from_buildings(BLOCK, TWO_ROWS, sites=sites)
    assert 2 == len(atoms)
    assert 6_000.0 == round(atoms["area_m2"].sum(), 6)


@pytest.mark.parametrize(("tip_m", "atoms"), [(18, 2), (24, 3)])
def test_a_scrap_of_land_nearer_to_a_house_across_a_yard_joins_what_it_lies_on(tip_m, atoms):
    land = [make_box(0, -30, 90, 0), make_box(0, 0, 40, 100), make_box(60, 0, 63, tip_m)]
    houses = make_houses(make_box(20, 14, 39, 24), make_box(10, -25, 80, -10))
    divided = atoms_from_buildings(make_block(shapely.union_all(land)), houses)
    assert atoms == len(divided)
    assert divided["area_m2"].min() > 20.0


def test_a_house_across_a_road_makes_one_atom_of_both_sides():
    blocks = make_frame([make_box(0, 0, 50, 60), make_box(50, 0, 100, 60)], block_id=["B001", "B002"])
    bridge = make_houses(make_box(40, 20, 60, 30))
    atoms = atoms_from_buildings(blocks, bridge)
    assert 1 == len(atoms)
    assert buildings_uncut(atoms.assign(code=atoms["atom_id"]), bridge).passed


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_atoms_of_any_town_cover_it_once_and_cut_no_building(seed):
    town = make_town(seed)
    blocks = blocks_from_lines(town["roads"], town["outline"].geometry.iloc[0])
    atoms = atoms_from_buildings(blocks, town["buildings"])
    shapes = np.asarray(atoms.geometry.array, dtype=object)
    assert shapely.coverage_is_valid(shapes)
    assert {3} == set(shapely.get_type_id(shapes).tolist())
    assert abs(shapely.area(shapes).sum() - shapely.union_all(shapes).area) < 0.01
    assert abs(atoms["area_m2"].sum() - blocks["area_m2"].sum()) < 0.01 * blocks.length.sum()
    assert buildings_uncut(atoms.assign(code=atoms["atom_id"]), town["buildings"]).passed
    assert len(town["buildings"]) == atoms["buildings"].sum()


def test_the_order_of_the_buildings_does_not_matter():
    town = make_town(3)
    blocks = blocks_from_lines(town["roads"], town["outline"].geometry.iloc[0])
    one = atoms_from_buildings(blocks, town["buildings"])
    other = atoms_from_buildings(blocks, town["buildings"].iloc[::-1].reset_index(drop=True))
    assert one["area_m2"].round(2).tolist() == other["area_m2"].round(2).tolist()


@pytest.mark.parametrize(
    "shape",
    [shapely.Point(at(5, 5)), shapely.Polygon(), shapely.Polygon([at(0, 0), at(9, 9), at(9, 0), at(0, 9)])],
)
def test_a_footprint_that_is_no_area_is_named(shape):
    with pytest.raises(InvalidGeometry) as refusal:
        atoms_from_buildings(BLOCK, make_houses(shape))
    assert ["H0"] == refusal.value.facts["ids"]


def test_layers_in_two_zones_are_refused():
    elsewhere = TWO_ROWS.set_crs(int(MetricZone.CM_120E), allow_override=True)
    with pytest.raises(WrongCrs):
        atoms_from_buildings(BLOCK, elsewhere)
