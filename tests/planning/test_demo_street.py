"""The invented part of the demo subdistrict: labelled synthetic, believable, the same for the same seed."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridmgmt.demo import loaded
from gridmgmt.planning import demo_street
from gridmgmt.planning.demo_buildings import STYLES, compound, dedicated, row_angle_deg
from gridmgmt.planning.demo_files import GENERATOR_SEED, read_layer, read_register, write_layer
from gridmgmt.planning.demo_plan import DemoStreet
from gridmgmt.planning.demo_street import StreetInputs, generate
from tests.builders_planning import make_box

NOWHERE = shapely.Polygon()


@pytest.fixture(scope="module")
def generated(demo_dir: Path) -> StreetInputs:
    return generate(read_layer(demo_dir, "roads"), read_register(demo_dir), GENERATOR_SEED)


def test_the_committed_files_are_what_the_generator_makes(generated: StreetInputs, street: DemoStreet):
    for made, kept in ((generated.sites, street.sites), (generated.buildings, street.buildings)):
        columns = [c for c in made.columns if c != "geometry"]
        assert made[columns].astype(str).to_dict("list") == kept[columns].astype(str).to_dict("list")
        assert shapely.equals_exact(made.geometry.to_numpy(), kept.geometry.to_numpy(), tolerance=0.02).all()


@pytest.mark.parametrize("name", ["sites", "buildings"])
def test_every_invented_row_says_that_it_is_synthetic(demo_dir: Path, name: str):
    collection = json.loads((demo_dir / f"{name}.geojson").read_text(encoding="utf-8"))
    assert collection["synthetic"] is True
    assert all(feature["properties"]["synthetic"] is True for feature in collection["features"])


@pytest.mark.parametrize("name", ["roads", "outline", "sites", "buildings"])
def test_every_file_carries_the_notice_of_openstreetmap(demo_dir: Path, name: str):
    collection = json.loads((demo_dir / f"{name}.geojson").read_text(encoding="utf-8"))
    assert "© OpenStreetMap contributors, ODbL 1.0" == collection["attribution"]
    assert "ODbL-1.0" == collection["licence"]


def test_the_outline_says_that_it_is_not_the_legal_boundary(demo_dir: Path):
    collection = json.loads((demo_dir / "outline.geojson").read_text(encoding="utf-8"))
    assert "not the legal boundary" in collection["note"]
    assert "not the legal boundary" in collection["features"][0]["properties"]["note"]


def test_the_files_of_the_demo_are_small(demo_dir: Path):
    assert sum(file.stat().st_size for file in demo_dir.iterdir()) < 6_000_000


def test_no_two_buildings_overlap_and_none_stands_on_a_road(street: DemoStreet):
    houses = street.buildings.geometry.to_numpy()
    a, b = shapely.STRtree(houses).query(houses, predicate="intersects")
    assert (a == b).all()
    on_road = shapely.STRtree(street.roads.geometry.to_numpy()).query(houses, predicate="intersects")
    assert 0 == on_road.shape[1]


def test_every_building_stands_inside_its_site(street: DemoStreet):
    land = street.sites.set_index("site_id").geometry.loc[street.buildings["site_id"]].to_numpy()
    assert shapely.covers(land, street.buildings.geometry.to_numpy()).all()


def test_people_live_at_a_density_of_tianjin(street: DemoStreet):
    people_per_km2 = street.buildings["households"].sum() * 2.4 / street.outline.area.sum() * 1e6
    assert 20_000 < people_per_km2 < 35_000


def test_nobody_lives_in_schools_hospitals_malls_and_parks(street: DemoStreet):
    use = street.sites.set_index("site_id")["dedicated"]
    dedicated_site = use.loc[street.buildings["site_id"]].to_numpy()
    assert 0 == street.buildings["households"].to_numpy()[dedicated_site].sum()


def test_a_community_named_after_a_road_lies_on_it(street: DemoStreet):
    road = shapely.union_all(street.roads.loc[street.roads["name"] == "京山道"].geometry.to_numpy())
    community = street.communities.set_index("code").geometry["120116005010"]
    assert community.distance(road) < 40.0


def test_rows_of_houses_follow_the_side_of_their_site():
    tilted = shapely.affinity.rotate(make_box(0, 0, 200, 120), 15.0)
    assert 15.0 == pytest.approx(row_angle_deg(tilted), abs=0.01)
    houses = compound(tilted, NOWHERE, STYLES["old_slab"], np.random.default_rng(1))
    assert len(houses) > 5
    assert all(
        15.0 == pytest.approx(row_angle_deg(h.footprint), abs=0.01) for h in houses if h.kind == "slab"
    )


def test_nothing_is_built_on_the_verge_of_a_road():
    site, verge = make_box(0, 0, 200, 120), make_box(0, 0, 200, 60)
    houses = compound(site, verge, STYLES["tower"], np.random.default_rng(1))
    assert houses
    assert not any(h.footprint.intersects(verge) for h in houses)


@pytest.mark.parametrize("kind", ["school", "hospital", "mall", "market", "office", "park"])
def test_a_dedicated_site_is_built_up_for_its_use(kind: str):
    houses = dedicated(make_box(0, 0, 180, 160), NOWHERE, kind, np.random.default_rng(2))
    assert houses
    assert {(kind, 0)} == {(h.kind, h.households) for h in houses}


def test_a_site_that_is_all_verge_stays_empty():
    site = make_box(0, 0, 10, 10)
    assert [] == dedicated(site, site, "park", np.random.default_rng(2))
    assert [] == compound(site, site, STYLES["old_slab"], np.random.default_rng(2))


def test_a_layer_is_written_a_feature_a_line(street: DemoStreet, tmp_path: Path):
    write_layer(tmp_path, "outline", street.to_geographic().outline, 9)
    lines = (tmp_path / "outline.geojson").read_text(encoding="utf-8").splitlines()
    assert 3 == len(lines)
    assert "120116005" == json.loads(lines[1])["properties"]["code"]


def test_whether_the_demo_is_there_is_asked_of_the_street_that_planning_draws() -> None:
    assert demo_street.SUBDISTRICT_CODE == loaded.SUBDISTRICT_CODE
