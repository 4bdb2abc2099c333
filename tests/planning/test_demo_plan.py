"""The demo subdistrict from real roads to numbered cells: every hard rule holds, in metres and in degrees."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.codes import GridCode
from gridmgmt.errors import NotFound
from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.planning.coverage import shared_borders
from gridmgmt.planning.demo_plan import DEFAULT_SEED, NOTES, DemoStreet, build_demo_plan
from gridmgmt.planning.evaluate import ReportCard, report_card
from gridmgmt.planning.partition import propose_cells


@pytest.fixture(scope="module")
def card(street: DemoStreet) -> ReportCard:
    return report_card(
        street.cells, street.atoms, street.communities, lines=street.roads, buildings=street.buildings
    )


@pytest.fixture(scope="module")
def degrees(street: DemoStreet) -> DemoStreet:
    return street.to_geographic()


def shapes_of(frame) -> np.ndarray:
    return np.asarray(frame.geometry.array, dtype=object)


def test_the_plan_has_at_least_a_hundred_duty_grids_and_keeps_every_hard_rule(card: ReportCard):
    assert [] == [verdict.name for verdict in card.verdicts if not verdict.passed]
    assert {"contiguous", "within_community", "seamless", "in_band", "numbered", "buildings_uncut"} == {
        verdict.name for verdict in card.verdicts
    }
    assert card.duty_cells >= 100
    assert card.dedicated_cells >= 10


def test_the_plan_is_balanced_and_compact(card: ReportCard):
    assert card.in_band_share >= 0.95
    assert card.deviation_mean_share < 0.06
    assert card.polsby_popper_mean > 0.6
    assert card.border_on_line_share is not None
    assert card.border_on_line_share > 0.4
    assert card.gap_m2 < 0.01
    assert abs(card.overlap_m2) < 0.01


def test_nobody_is_lost_between_buildings_and_cells(street: DemoStreet):
    households = street.buildings["households"].sum()
    assert 40_000 <= households <= 44_000
    assert [households] * 3 == [
        frame["households"].sum() for frame in (street.atoms, street.communities, street.cells)
    ]


def test_all_29_communities_of_the_register_are_there_and_differ_in_size(street: DemoStreet):
    assert [f"120116005{n:03d}" for n in range(1, 30)] == street.communities["code"].tolist()
    cells = street.cells.groupby("community_code").size()
    assert cells.max() >= 4 * cells.min()


def test_every_layer_is_made_of_the_same_vertices(street: DemoStreet):
    atoms = {tuple(c) for c in shapely.get_coordinates(shapes_of(street.atoms)).tolist()}
    for frame in (street.cells, street.communities, street.blocks, street.outline):
        assert {tuple(c) for c in shapely.get_coordinates(shapes_of(frame)).tolist()} <= atoms


def test_the_area_of_the_parts_is_the_area_of_the_whole(street: DemoStreet):
    whole_m2 = street.outline.area.sum()
    assert 3.4e6 < whole_m2 < 4.2e6
    for frame in (street.cells, street.communities, street.blocks, street.atoms):
        assert abs(frame.area.sum() - whole_m2) < 0.01


def test_blocks_are_unions_of_atoms_and_so_are_cells(street: DemoStreet):
    assert street.atoms["cell_code"].notna().all()
    assert set(street.cells["code"]) == set(street.atoms["cell_code"])
    assert set(street.blocks["block_id"]) == set(street.atoms["block_id"])
    assert len(street.atoms) == street.cells["atoms"].sum()


def test_codes_are_standard_and_sorted(street: DemoStreet):
    codes = street.cells["code"].tolist()
    assert sorted(codes) == codes
    parsed = [GridCode.parse(code) for code in codes]
    assert street.cells["community_code"].tolist() == [code.community_code for code in parsed]
    assert street.cells["name"].is_unique


def test_dedicated_grids_are_sites_without_households(street: DemoStreet):
    dedicated = street.cells[street.cells["kind"] == "dedicated"]
    assert 0 == dedicated["households"].sum()
    sites = street.sites.set_index("site_id")
    assert sites.loc[dedicated["site_id"], "dedicated"].all()


def test_in_degrees_the_cells_are_still_one_seamless_coverage(street: DemoStreet, degrees: DemoStreet):
    assert GEOGRAPHIC == degrees.cells.crs.to_string()
    for metric, geographic in ((street.cells, degrees.cells), (street.communities, degrees.communities)):
        assert shapely.is_valid(shapes_of(geographic)).all()
        assert shapely.coverage_is_valid(shapes_of(geographic))
        pairs = shared_borders(shapes_of(metric)).pairs.tolist()
        assert pairs == shared_borders(shapes_of(geographic)).pairs.tolist()


def test_every_vertex_and_the_middle_of_every_inner_side_has_one_owner(degrees: DemoStreet):
    index = CellIndex.build(zip(degrees.cells["code"], degrees.cells.geometry, strict=True))
    cells = shapes_of(degrees.cells)
    points = np.concatenate([shapely.get_coordinates(cells), shared_borders(cells).side_middles])
    owners = index.codes_at(points[:, 0], points[:, 1])
    assert len(points) > 5_000
    assert (owners >= 0).all()


def test_a_community_planned_alone_gets_the_cells_it_got_among_all(street: DemoStreet):
    some = street.communities.iloc[[3, 11, 20]].reset_index(drop=True)
    atoms = street.atoms[street.atoms["community_code"].isin(some["code"])].reset_index(drop=True)
    again = propose_cells(some, atoms, seed=DEFAULT_SEED)
    before = street.cells[street.cells["community_code"].isin(some["code"])]
    assert set(before["atom_ids"]) == set(again["atom_ids"])
    assert {g.normalize().wkb for g in before.geometry} == {g.normalize().wkb for g in again.geometry}


def test_the_notes_name_source_licence_and_what_is_synthetic():
    assert "© OpenStreetMap contributors, ODbL 1.0" == NOTES[0]
    assert any("synthetic" in note for note in NOTES)
    assert any("illustrative" in note for note in NOTES)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(NotFound) as refusal:
        build_demo_plan(tmp_path)
    assert "roads.geojson" == refusal.value.facts["file"]
