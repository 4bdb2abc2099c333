"""The card: shape, walking, stability and the proof of the seams, by figures that can be checked by hand."""

import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.errors import InvalidInput, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.planning.card import PlanFiles, plan_card, read_plan
from gridmgmt.planning.coverage import to_geographic_frame
from gridmgmt.planning.demo_plan import DemoStreet
from gridmgmt.planning.evaluate import report_card
from gridmgmt.planning.proof import prove_seamless
from gridmgmt.planning.shape import inertia, polsby_popper
from gridmgmt.planning.stability import stability, walking
from tests.builders_import import PLANTS, Plant, make_official, row_at
from tests.builders_planning import COMMUNITY, at, make_box, make_cells, make_frame, make_land


def geoms(*shapes: shapely.Geometry) -> np.ndarray:
    return np.asarray(shapes, dtype=object)


def test_a_circle_has_one_a_square_less_and_a_corridor_least_of_both_figures():
    circle = shapely.Point(at(0, 0)).buffer(100.0, quad_segs=256)
    shapes = geoms(circle, make_box(0, 0, 100, 100), make_box(0, 0, 1000, 10))
    for figure in (polsby_popper(shapes), inertia(shapes)):
        assert 1.0 == pytest.approx(figure[0], abs=1e-3)
        assert figure[0] > figure[1] > figure[2]
    assert (np.pi / 4, 3 / np.pi) == pytest.approx((polsby_popper(shapes)[1], inertia(shapes)[1]))


def test_a_hole_and_far_pieces_raise_the_moment_of_inertia():
    square = make_box(0, 0, 100, 100)
    ring = square - make_box(30, 30, 70, 70)
    apart = shapely.MultiPolygon([make_box(0, 0, 50, 100), make_box(500, 0, 550, 100)])
    whole, holed, split = inertia(geoms(square, ring, apart))
    assert whole > holed > split
    # By Steiner: two halves, each 50 by 100, whose middles lie 250 m from the common one.
    moment = 2 * (50 * 100 * (50**2 + 100**2) / 12 + 5000 * 250**2)
    assert 10_000**2 / (2 * np.pi * moment) == pytest.approx(split)


@given(st.floats(0.1, 50), st.floats(-1e5, 1e5), st.floats(0, 360))
def test_shape_does_not_depend_on_size_place_or_turn(factor: float, shift: float, degrees: float):
    shape = shapely.Polygon([(0, 0), (90, 10), (120, 80), (40, 60), (-10, 70)])
    turned = shapely.affinity.rotate(shapely.affinity.scale(shape, factor, factor), degrees)
    moved = shapely.affinity.translate(turned, shift, shift)
    for figure in (polsby_popper, inertia):
        one, other = figure(geoms(shape, moved))
        assert one == pytest.approx(other, rel=1e-6)


def test_walking_is_the_straight_line_to_the_middle_weighted_by_households():
    places = make_frame([shapely.Point(at(80, 50)), shapely.Point(at(150, 90))], households=[30, 10])
    measured = walking(make_cells(), places)
    assert ("households", 32.5, 40.0) == (measured.basis, measured.mean_m, measured.max_m)
    assert 32.5 / 1.2 / 60 == pytest.approx(measured.mean_min)
    assert 40.0 == measured.p90_m


def test_without_places_walking_is_over_the_ground_and_says_so():
    measured = walking(make_cells(), None)
    assert "area" == measured.basis
    # Mean distance from the middle of a square of side s: 0.3826 s.
    assert 38.26 == pytest.approx(measured.mean_m, rel=0.02)


def test_nobody_moves_when_only_the_codes_are_new():
    before = make_cells()
    after = make_cells(code=[f"{COMMUNITY}003", f"{COMMUNITY}004"])
    places = make_frame([shapely.Point(at(50, 50)), shapely.Point(at(150, 50))], households=[380, 420])
    for known in (places, None):
        measured = stability(after, before, places=known)
        assert (800.0, 0.0, 1.0) == (measured.households, measured.moved, measured.recoded_share)
        assert 2 == measured.cells_kept


def test_who_is_not_in_the_heir_of_his_cell_moves_and_so_do_his_cases():
    before = make_cells()
    after = make_cells(shapes=[make_box(0, 0, 120, 100), make_box(120, 0, 200, 100)])
    places = make_frame(
        [shapely.Point(at(x, 50)) for x in (50, 110, 150)], households=[380, 20, 400]
    )  # fmt: skip
    cases = make_frame([shapely.Point(at(x, 10)) for x in (10, 105, 115, 190)])
    measured = stability(after, before, places=places, cases=cases)
    assert (800.0, 20.0, 20.0) == (measured.households, measured.moved, measured.recoded)
    assert (4, 2, 2) == (measured.cases, measured.cases_moved, measured.cases_recoded)
    over_ground = stability(after, before)
    assert ("area", 84.0) == (over_ground.basis, pytest.approx(over_ground.moved))


def test_of_a_split_cell_the_larger_part_is_the_heir_and_the_rest_moves():
    after = make_cells(
        code=[f"{COMMUNITY}00{n}" for n in (1, 3, 2)],
        community_code=[COMMUNITY] * 3,
        kind=["duty"] * 3,
        households=[285, 95, 420],
        shapes=[make_box(0, 0, 75, 100), make_box(75, 0, 100, 100), make_box(100, 0, 200, 100)],
    )
    measured = stability(after, make_cells())
    assert (95.0, 2) == (pytest.approx(measured.moved), measured.cells_kept)


def test_the_border_is_shared_out_among_the_classes_of_road_beside_it():
    roads = make_frame(
        [shapely.LineString([at(105, 0), at(105, 39)]), shapely.LineString([at(103, 41), at(103, 100)])],
        highway=["primary", "residential"],
    )
    cells = make_cells(shapes=[make_box(0, 0, 100, 100), make_box(100, 0, 200, 100)])
    halves = make_cells(
        shapes=[
            shapely.Polygon([at(0, 0), at(100, 0), at(100, 40), at(100, 100), at(0, 100)]),
            shapely.Polygon([at(100, 0), at(200, 0), at(200, 100), at(100, 100), at(100, 40)]),
        ]
    )
    assert {} == report_card(cells, None, make_land()).border_by_class
    card = report_card(halves, None, make_land(), lines=roads)
    assert {"residential": 0.6, "primary": 0.4} == card.border_by_class
    far = make_frame([shapely.LineString([at(150, 0), at(150, 100)])], highway=["primary"])
    assert {"none": 1.0} == report_card(cells, None, make_land(), lines=far).border_by_class


def test_the_proof_of_a_sound_plan_counts_every_vertex_and_side():
    proof = prove_seamless(make_cells(), make_land())
    assert proof.holds
    assert (7, 1, 6, 0) == (proof.sides, proof.inner_sides, proof.rim_sides, proof.faulty_sides)
    assert (6, 7, 13) == (proof.vertices, proof.middles, proof.owned_once)
    assert (20_000.0, 600.0) == (proof.land_m2, proof.rim_m)


SEAMS = ("gap", "overlap", "outside", "border_unmatched", "duplicate_cell")
BREAKING = [plant for plant in PLANTS if plant.kind.startswith(SEAMS)]


@pytest.mark.parametrize("plant", BREAKING, ids=lambda plant: plant.kind)
def test_no_seam_that_is_broken_is_proved(plant: Plant):
    cells, communities = make_official(3)
    assert prove_seamless(cells, communities).holds
    faulty = plant.plant(cells, row_at(*(plant.where or (1, 1))))
    proof = prove_seamless(faulty, communities)
    assert not proof.holds


@pytest.mark.parametrize("seed", range(6))
def test_proof_and_constraint_agree_though_they_share_no_arithmetic(seed: int):
    from gridmgmt.planning.constraints import seamless  # noqa: PLC0415

    cells, communities = make_official(seed)
    rng = np.random.default_rng(seed)
    for plant in [None, *rng.choice(np.array(BREAKING, dtype=object), 3)]:
        plan = cells if plant is None else plant.plant(cells, row_at(*(plant.where or (4, 3))))
        assert seamless(plan, communities).passed == prove_seamless(plan, communities).holds


def test_the_demo_plan_is_proved_seamless_and_its_card_takes_less_than_two_seconds(street: DemoStreet):
    plan = PlanFiles(street.cells, street.communities, ())
    started = time.process_time()
    card = plan_card(
        "demo", plan, atoms=street.atoms, lines=street.roads, buildings=street.buildings, before=plan
    )  # fmt: skip
    assert time.process_time() - started < 2.0
    assert card.passed
    assert card.proof.vertices > 1_500
    assert card.proof.owned_once == card.proof.vertices + card.proof.middles
    assert (0.0, 0.0) == (card.stability.moved, card.stability.recoded)
    assert 0.8 < card.report.inertia_mean < 0.95
    assert 1.0 == pytest.approx(sum(card.report.border_by_class.values()), abs=1e-4)
    assert 1 - card.report.border_on_road_share == pytest.approx(
        card.report.border_by_class["none"], abs=1e-5
    )
    assert card.as_facts() == orjson.loads(orjson.dumps(card.as_facts()))


def test_a_plan_is_read_with_what_its_file_leaves_open_noted(tmp_path: Path):
    file = tmp_path / "plan.gpkg"
    cells = to_geographic_frame(make_cells().drop(columns=["kind", "community_code"]))
    cells.to_file(file, layer="cells")
    plan = read_plan(file)
    assert [COMMUNITY] * 2 == plan.cells["community_code"].tolist()
    assert 2 == len(plan.notes)
    to_geographic_frame(make_land()).to_file(file, layer="communities")
    again = read_plan(file)
    assert 1 == len(again.notes)
    assert plan_card("p", again).passed


def test_a_file_without_codes_or_without_coordinates_system_is_no_plan(tmp_path: Path):
    file = tmp_path / "plan.gpkg"
    to_geographic_frame(make_cells().drop(columns="code")).to_file(file)
    with pytest.raises(InvalidInput) as refusal:
        read_plan(file)
    assert ["code"] == refusal.value.facts["missing"]
    shapefile = tmp_path / "plan.shp"
    make_cells().drop(columns="community_code").to_file(shapefile)
    shapefile.with_suffix(".prj").unlink()
    with pytest.raises(WrongCrs):
        read_plan(shapefile)


def test_degrees_and_metres_give_one_card(tmp_path: Path):
    cells, communities = make_official()
    cells["households"] = cells["households"].astype(int)
    metric, degrees = tmp_path / "m.gpkg", tmp_path / "d.gpkg"
    for file, frames in ((metric, (cells, communities)), (degrees, tuple(map(to_geographic_frame, (cells, communities))))):  # fmt: skip  # noqa: E501
        frames[0].to_file(file, layer="cells")
        frames[1].to_file(file, layer="communities")
    one, other = (plan_card("p", read_plan(file)).as_facts() for file in (metric, degrees))
    assert one == other
    assert GEOGRAPHIC == gpd.read_file(degrees, layer="cells").crs.to_string()
