"""Raw layers to atoms: seamless, inside communities, no building cut, on anything that is not refused."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.errors import InvalidGeometry, InvalidInput, WrongCrs
from gridmgmt.planning.bordering import Adjacency
from gridmgmt.planning.coverage import GRID_M, segments, shared_borders
from gridmgmt.planning.drawing import draw_atoms
from gridmgmt.planning.drawn import Drawing, Drawn
from gridmgmt.planning.lines import LINE_CLASSES, LineClass
from tests.builders_planning import at, make_box, make_frame, make_town

SIZES = {"largest_m2": 6_000.0, "smallest_m2": 600.0}


def make_land(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return make_frame(list(shapes), code=[f"120116005{n:03d}" for n in range(1, len(shapes) + 1)])


def make_ways(*ways: tuple[str, list[tuple[float, float]]]) -> gpd.GeoDataFrame:
    lines = [shapely.LineString([at(x, y) for x, y in places]) for _, places in ways]
    return make_frame(lines, highway=[kind for kind, _ in ways])


def houses(*shapes: shapely.Polygon) -> gpd.GeoDataFrame:
    return make_frame(list(shapes), building_id=[f"H{n}" for n in range(len(shapes))])


NO_WAYS = make_frame([], highway=[])
CROSS = make_ways(("tertiary", [(0, 100), (300, 100)]), ("residential", [(150, 0), (150, 200)]))
LAND = make_land(make_box(0, 0, 300, 200))


def require_sound(drawn: Drawn, communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None) -> None:
    """All that is promised of every result."""
    atoms = np.asarray(drawn.atoms.geometry.array, dtype=object)
    assert shapely.is_valid(atoms).all()
    assert (shapely.get_type_id(atoms) == shapely.GeometryType.POLYGON).all()
    require_seamless(drawn, communities)
    require_adjacency(drawn)
    require_nested(drawn, communities)
    if buildings is not None:
        require_whole(drawn, buildings)


def require_seamless(drawn: Drawn, communities: gpd.GeoDataFrame) -> None:
    atoms = np.asarray(drawn.atoms.geometry.array, dtype=object)
    whole = shapely.union_all(np.asarray(drawn.communities.geometry.array, dtype=object))
    assert shapely.area(atoms).sum() == pytest.approx(whole.area, rel=1e-12)
    given_land = shapely.union_all(np.asarray(communities.geometry.array, dtype=object))
    assert whole.symmetric_difference(given_land).area <= 2 * GRID_M * (given_land.length + 1.0) + 1e-6
    side = segments(atoms)
    key, forward = side.keys()
    ends = np.concatenate([side.start, side.end])
    assert np.abs(ends / GRID_M - np.rint(ends / GRID_M)).max() < 1e-3
    uses, ahead = np.bincount(key), np.bincount(key, forward)
    assert set(np.unique(uses)) <= {1, 2}
    assert (ahead[uses == 2] == 1).all(), "a side is used twice in one direction: atoms overlap"
    once = uses[key] == 1
    middles = shapely.points(((side.start + side.end) / 2.0)[once])
    assert shapely.distance(middles, whole.boundary).max(initial=0.0) < 1e-6, "a gap inside"


def require_adjacency(drawn: Drawn) -> None:
    graph = drawn.adjacency
    found = shared_borders(np.asarray(drawn.atoms.geometry.array, dtype=object))
    assert np.array_equal(found.pairs, graph.pairs)
    assert (graph.pairs[:, 0] < graph.pairs[:, 1]).all()
    assert np.allclose(found.lengths_m, graph.lengths_m, rtol=0, atol=1e-6)
    assert np.allclose(graph.by_class_m.sum(axis=1), graph.lengths_m, rtol=0, atol=1e-6)
    total = graph.outer_m + np.bincount(
        graph.pairs.ravel(), np.repeat(graph.lengths_m, 2), len(graph.outer_m)
    )
    assert np.allclose(total, drawn.atoms.length, rtol=0, atol=1e-6)
    assert np.allclose(graph.perimeters_m, drawn.atoms.length, rtol=0, atol=1e-6)


def require_nested(drawn: Drawn, communities: gpd.GeoDataFrame) -> None:
    assert set(drawn.atoms["community_code"]) == set(communities["code"])
    own = drawn.atoms["community_code"].map(communities.set_index("code").geometry)
    outside = shapely.area(shapely.difference(drawn.atoms.geometry.array, np.asarray(own, dtype=object)))
    assert (outside <= 2 * GRID_M * drawn.atoms.length + drawn.findings.seam_gap_m2).all()


def require_whole(drawn: Drawn, buildings: gpd.GeoDataFrame) -> None:
    kept = buildings[~buildings["building_id"].isin(drawn.findings.buildings_across_communities)]
    shapes = np.asarray(kept.geometry.array, dtype=object)
    atoms = np.asarray(drawn.atoms.geometry.array, dtype=object)
    atom, building = shapely.STRtree(shapes).query(atoms, predicate="intersects")
    held = shapely.area(shapely.intersection(atoms[atom], shapes[building]))
    most = np.zeros(len(shapes))
    np.maximum.at(most, building, held)
    all_of_it = np.bincount(building, held, len(shapes))
    allowed = 0.01 + 2 * GRID_M * shapely.length(shapes)
    assert (all_of_it - most <= allowed).all()


def classes(graph: Adjacency) -> dict[str, float]:
    return {
        line.value: round(m) for line, m in zip(LINE_CLASSES, graph.by_class_m.sum(axis=0), strict=True) if m
    }


def refusal(code: type[Exception], *args: object, **kwargs: object) -> dict[str, object]:
    with pytest.raises(code) as caught:
        draw_atoms(*args, **kwargs)  # type: ignore[arg-type]
    facts = dict(caught.value.facts)  # type: ignore[attr-defined]
    json.dumps(facts)
    return facts


# --- Random inputs ------------------------------------------------------------------------------------------


def communities_of(rng: np.random.Generator, east_m: float, north_m: float) -> gpd.GeoDataFrame:
    """One to four communities that share a crooked border."""
    x, y = rng.uniform(0.3, 0.7) * east_m, rng.uniform(0.3, 0.7) * north_m
    bend = [at(x, 0), at(x + rng.uniform(-40, 40), y), at(x + rng.uniform(-40, 40), north_m)]
    cut = [shapely.LineString(bend)]
    if rng.random() < 0.5:
        cut.append(shapely.LineString([at(0, y), at(east_m, y + rng.uniform(-30, 30))]))
    box = make_box(0, 0, east_m, north_m)
    lines = shapely.union_all([box.boundary, *cut])
    return make_land(*shapely.get_parts(shapely.polygonize([lines])))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_town_becomes_seamless_atoms_with_whole_buildings(seed):
    rng = np.random.default_rng(seed)
    town = make_town(seed)
    kinds = rng.choice(["primary", "tertiary", "residential", "footway"], len(town["roads"]) - 1)
    roads = town["roads"].assign(highway=["tertiary", *kinds])
    land = communities_of(rng, 420.0, 340.0)
    pond = make_frame([shapely.Point(at(*rng.uniform(50, 300, 2))).buffer(rng.uniform(5, 60))])
    drawn = draw_atoms(
        land, roads, water=pond, buildings=town["buildings"], demand=town["buildings"], **SIZES
    )
    require_sound(drawn, land, town["buildings"])
    assert drawn.atoms["households"].sum() == town["buildings"]["households"].sum()
    without_cause = drawn.atoms[drawn.atoms["area_m2"] > SIZES["largest_m2"]]
    assert (without_cause["buildings"] > 0).all()
    assert set(without_cause["atom_id"]) == set(drawn.findings.larger)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 25))
def test_any_tangle_of_roads_becomes_seamless_atoms(seed, count):
    rng = np.random.default_rng(seed)
    lines = [
        shapely.LineString([at(*place) for place in rng.uniform(-30, 330, (int(rng.integers(2, 6)), 2))])
        for _ in range(count)
    ]
    lines += [shapely.transform(line, lambda c: c + rng.normal(0, 3, 2)) for line in lines[::3]]
    roads = make_frame(lines, highway=rng.choice(["trunk", "secondary", "residential"], len(lines)).tolist())
    land = communities_of(rng, 300.0, 300.0)
    drawn = draw_atoms(land, roads, largest_m2=4_000.0, smallest_m2=400.0)
    require_sound(drawn, land, None)
    assert drawn.findings.larger == () or drawn.findings.scraps_joined


def test_the_same_layers_give_the_same_atoms():
    town = make_town(3)
    one, two = (draw_atoms(LAND, town["roads"], buildings=town["buildings"], **SIZES) for _ in range(2))
    assert one.atoms.equals(two.atoms)
    assert np.array_equal(one.adjacency.by_class_m, two.adjacency.by_class_m)


# --- What runs along a border -------------------------------------------------------------------------------


def test_a_border_bears_the_class_of_its_road():
    drawn = draw_atoms(LAND, CROSS)
    assert len(drawn.atoms) == 4
    assert {"collector": 300, "lane": 200} == classes(drawn.adjacency)


def test_two_carriageways_become_one_border_in_their_middle():
    roads = make_ways(("primary", [(0, 90), (300, 90)]), ("primary", [(0, 110), (300, 110)]))
    drawn = draw_atoms(LAND, roads, how=Drawing(extend_m=0))
    assert [30_000.0, 30_000.0] == drawn.blocks["area_m2"].round(-2).tolist()
    assert 1 == drawn.findings.strips
    assert {"arterial"} == set(drawn.adjacency.line) - {"none"}


def test_a_border_inside_a_large_block_is_none():
    assert {"none"} == set(draw_atoms(LAND, NO_WAYS, **SIZES).adjacency.line)


def test_water_rail_and_walls_separate_and_are_told_apart():
    river = make_frame([make_box(-10, 80, 310, 130)])
    track = make_frame([shapely.LineString([at(100, 200), at(100, 130)])])
    wall = make_frame([shapely.LineString([at(200, 0), at(200, 80)])])
    drawn = draw_atoms(LAND, NO_WAYS, water=river, rail=track, walls=wall)
    assert {"water": 600, "rail": 70, "wall": 80} == classes(drawn.adjacency)


def test_what_runs_under_the_ground_separates_nothing():
    roads = CROSS.assign(tunnel=["yes", "no"])
    drawn = draw_atoms(LAND, roads, largest_m2=60_000, smallest_m2=0)
    assert 2 == len(drawn.atoms)
    assert 1 == drawn.findings.left_out["roads: underground"]


def test_a_road_that_ends_just_short_is_carried_on():
    roads = make_ways(("residential", [(0, 100), (280, 100)]))
    assert 2 == len(draw_atoms(LAND, roads, largest_m2=60_000).atoms)
    open_ = draw_atoms(LAND, roads, largest_m2=60_000, how=Drawing(extend_m=0))
    assert (1, 1, 280.0) == (len(open_.atoms), open_.findings.dangling, open_.findings.dangling_m)


# --- Buildings ----------------------------------------------------------------------------------------------


def test_a_building_over_a_road_stays_whole_and_the_road_still_parts_the_land():
    house = houses(make_box(60, 90, 100, 125))
    drawn = draw_atoms(LAND, CROSS, buildings=house)
    require_sound(drawn, LAND, house)
    assert 4 == len(drawn.atoms)
    assert 1 == drawn.findings.buildings_kept_whole
    north_west = drawn.atoms.geometry.iloc[0]
    assert north_west.intersection(house.geometry.iloc[0]).area == pytest.approx(40 * 35)


def test_a_large_block_is_parted_between_its_rows_of_houses():
    rows = houses(*(make_box(20, y, 280, y + 14) for y in range(10, 190, 30)))
    drawn = draw_atoms(LAND, NO_WAYS, buildings=rows, largest_m2=20_000)
    require_sound(drawn, LAND, rows)
    assert 0 == drawn.findings.buildings_kept_whole
    assert len(drawn.atoms) >= 3


def test_overlapping_buildings_stay_together():
    pair = houses(make_box(130, 90, 155, 110), make_box(150, 95, 180, 120))
    drawn = draw_atoms(LAND, CROSS, buildings=pair)
    require_sound(drawn, LAND, pair)
    assert 2 == drawn.findings.buildings_overlapping
    assert [2] == [n for n in drawn.atoms["buildings"] if n]


def test_a_building_across_a_community_border_is_listed():
    land = make_land(make_box(0, 0, 150, 200), make_box(150, 0, 300, 200))
    drawn = draw_atoms(land, NO_WAYS, buildings=houses(make_box(140, 50, 170, 80)))
    assert ("H0",) == drawn.findings.buildings_across_communities
    require_sound(drawn, land, None)


def test_a_part_with_too_much_demand_is_cut_where_its_buildings_can_be_parted():
    rows = houses(*(make_box(20, y, 280, y + 14) for y in range(10, 190, 30))).assign(households=100)
    drawn = draw_atoms(
        LAND, NO_WAYS, buildings=rows, demand=rows, largest_m2=80_000, how=Drawing(most_demand=250)
    )
    assert drawn.atoms["households"].max() <= 250
    require_sound(drawn, LAND, rows)


# --- Communities --------------------------------------------------------------------------------------------


def test_a_community_without_any_line_is_one_atom_or_is_cut_by_size():
    assert 1 == len(draw_atoms(LAND, NO_WAYS, largest_m2=60_000).atoms)
    one = draw_atoms(LAND, NO_WAYS, largest_m2=60_000)
    assert (0, 2) == one.adjacency.pairs.shape
    assert one.adjacency.outer_m.tolist() == [1000.0]


def test_an_exclave_is_drawn_and_named():
    apart = shapely.MultiPolygon([make_box(0, 0, 100, 100), make_box(160, 0, 240, 90)])
    land = make_land(apart)
    drawn = draw_atoms(land, NO_WAYS)
    assert ("120116005001",) == drawn.findings.in_pieces
    require_sound(drawn, land, None)


def test_communities_that_overlap_are_refused_with_the_place():
    land = make_land(make_box(0, 0, 160, 200), make_box(150, 0, 300, 200))
    facts = refusal(InvalidGeometry, land, NO_WAYS)
    assert ("communities_overlap", 2000.0) == (facts["hint"], facts["area_m2"])
    assert facts["codes"] == land["code"].tolist()


def test_a_gap_between_communities_is_refused_unless_it_is_kept():
    ring = [
        make_box(0, 0, 300, 90),
        make_box(0, 110, 300, 200),
        make_box(0, 90, 140, 110),
        make_box(170, 90, 300, 110),
    ]
    land = make_land(*ring)
    facts = refusal(InvalidGeometry, land, NO_WAYS)
    assert ("communities_gap", 600.0) == (facts["hint"], facts["area_m2"])
    drawn = draw_atoms(land, NO_WAYS, how=Drawing(keep_holes=True))
    require_sound(drawn, land, None)
    assert drawn.atoms["area_m2"].sum() == pytest.approx(300 * 200 - 600)


def test_seams_between_two_drawings_of_one_border_are_closed_and_counted():
    crooked = shapely.Polygon([at(0, 0), at(150.2, 0), at(149.9, 200), at(0, 200)])
    land = make_land(crooked, make_box(150, 0, 300, 200))
    drawn = draw_atoms(land, CROSS)
    assert drawn.findings.seam_gap_m2 > 0
    assert drawn.findings.seam_overlap_m2 > 0
    assert drawn.atoms["area_m2"].sum() == pytest.approx(60_000, abs=1.0)
    assert 0 == len(shared_borders(np.asarray(drawn.atoms.geometry.array, dtype=object)).faults)


def test_a_hole_in_one_community_alone_stays_a_hole():
    land = make_land(make_box(0, 0, 300, 200).difference(make_box(100, 50, 180, 120)))
    drawn = draw_atoms(land, CROSS)
    require_sound(drawn, land, None)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (shapely.Polygon(), "valid, non-empty polygon"),
        (shapely.Polygon([at(0, 0), at(100, 100), at(100, 0), at(0, 100)]), "valid, non-empty polygon"),
        (shapely.LineString([at(0, 0), at(100, 100)]), "valid, non-empty polygon"),
        (make_box(0, 0, 0.015, 100), "thinner than the planning lattice"),
    ],
)
def test_a_community_that_is_no_land_is_refused(shape, words):
    with pytest.raises(InvalidGeometry, match=words):
        draw_atoms(make_land(make_box(200, 0, 300, 100), shape), NO_WAYS)


def test_every_community_needs_a_code_of_its_own():
    land = make_frame([make_box(0, 0, 10, 10), make_box(10, 0, 20, 10)], code=["1", "1"])
    assert "communities" == refusal(InvalidInput, land, NO_WAYS)["argument"]
    assert "communities" == refusal(InvalidInput, LAND.iloc[:0], NO_WAYS)["argument"]


# --- Coordinates, classes, sizes ----------------------------------------------------------------------------


@pytest.mark.parametrize("crs", [None, "EPSG:4490", "EPSG:3857"])
def test_a_crs_that_does_not_measure_is_refused(crs):
    refusal(WrongCrs, LAND.set_crs(crs, allow_override=True), CROSS)


@pytest.mark.parametrize("crs", [None, "EPSG:4549"])
def test_a_layer_in_another_crs_is_refused_and_named(crs):
    other = CROSS.set_crs(crs, allow_override=True)
    refusal(WrongCrs, LAND, other)
    refusal(WrongCrs, LAND, NO_WAYS, water=other)
    refusal(WrongCrs, LAND, NO_WAYS, buildings=other)


def test_swapped_axes_are_told():
    swap = {"func": lambda xy: xy[:, ::-1]}
    flipped = {
        name: frame.set_geometry(
            gpd.GeoSeries(shapely.transform(frame.geometry.array, swap["func"]), crs=frame.crs)
        )
        for name, frame in (("land", LAND), ("roads", CROSS))
    }
    assert "axes_swapped" == refusal(WrongCrs, LAND, flipped["roads"])["hint"]
    assert "axes_swapped" == refusal(WrongCrs, flipped["land"], flipped["roads"])["hint"]


def test_degrees_in_a_metric_frame_are_refused():
    lonlat = make_frame([shapely.LineString([(117.6, 39.0), (117.7, 39.1)])], highway=["trunk"])
    refusal(WrongCrs, LAND, lonlat)


def test_roads_elsewhere_are_refused():
    far = make_ways(("trunk", [(90_000, 0), (90_000, 500)]))
    assert "elsewhere" == refusal(WrongCrs, LAND, far)["hint"]


def test_a_coordinate_that_is_not_finite_is_refused():
    bad = make_frame([shapely.LineString([at(0, 0), (np.inf, 4_322_000.0)])], highway=["trunk"])
    assert "not_finite" == refusal(InvalidGeometry, LAND, bad)["hint"]


def test_an_invalid_footprint_is_refused_by_name():
    bow = shapely.Polygon([at(10, 10), at(30, 30), at(30, 10), at(10, 30)])
    assert ["H1"] == refusal(InvalidGeometry, LAND, CROSS, buildings=houses(make_box(0, 0, 5, 5), bow))["ids"]


def test_roads_need_their_class():
    assert "road_class" == refusal(InvalidInput, LAND, CROSS.drop(columns="highway"))["argument"]
    assert "road_class" == refusal(InvalidInput, LAND, CROSS.assign(highway="nonsense"))["argument"]
    drawn = draw_atoms(LAND, CROSS.drop(columns="highway"), how=Drawing(road_class=None))
    assert {"lane": 500} == classes(drawn.adjacency)


@pytest.mark.parametrize(
    ("sizes", "argument"),
    [
        ({"largest_m2": 0}, "largest_m2"),
        ({"largest_m2": float("nan")}, "largest_m2"),
        ({"largest_m2": 0.001, "smallest_m2": 0}, "largest_m2"),
        ({"largest_m2": 1000, "smallest_m2": 600}, "smallest_m2"),
        ({"how": Drawing(extend_m=-1)}, "extend_m"),
        ({"how": Drawing(most_demand=0)}, "most_demand"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(sizes, argument):
    assert argument == refusal(InvalidInput, LAND, CROSS, **sizes)["argument"]


def test_rows_that_hold_nothing_are_left_out_and_counted():
    roads = make_frame(
        [*CROSS.geometry, None, shapely.LineString(), shapely.Point(at(1, 1))], highway=["trunk"] * 5
    )
    left_out = draw_atoms(LAND, roads).findings.left_out
    assert {"roads: empty": 2, "roads: points": 1} == left_out


def test_demand_outside_all_communities_is_not_dropped_silently():
    lost = make_frame([shapely.Point(at(900, 900))], households=[3])
    assert 3 == refusal(InvalidInput, LAND, CROSS, demand=lost)["households"]


def test_progress_reaches_its_end():
    seen: list[tuple[int, int]] = []
    draw_atoms(LAND, CROSS, progress=lambda done, of: seen.append((done, of)))
    assert [(n, 6) for n in range(1, 7)] == seen


def test_the_price_of_a_border_follows_its_class():
    graph = draw_atoms(LAND, CROSS).adjacency
    priced = graph.priced({LineClass.COLLECTOR: 0.2})
    assert priced.sum() == pytest.approx(0.2 * 300 + 200)
