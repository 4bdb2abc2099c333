"""Roads to blocks: closed faces only, no slivers, seamless."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.errors import Infeasible, InvalidGeometry, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.planning.blocks import blocks_from_lines, extend_dead_ends
from gridmgmt.planning.coverage import shared_borders
from tests.builders_planning import at, make_box, make_frame, make_roads, make_town


def make_lines(*lines: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    return make_frame([shapely.LineString([at(*p) for p in line]) for line in lines])


TOWN = make_box(0, 0, 300, 300)


def test_two_crossing_roads_make_four_blocks_in_reading_order():
    blocks = blocks_from_lines(make_roads(300, 300, 150), TOWN)
    assert ["B001", "B002", "B003", "B004"] == blocks["block_id"].tolist()
    assert [22_500.0] * 4 == blocks["area_m2"].tolist()
    east, north = blocks.geometry.iloc[1].centroid.coords[0]
    assert at(225, 225) == (round(east), round(north))


def test_without_roads_the_outline_is_one_block():
    nothing = make_lines()
    assert [90_000.0] == blocks_from_lines(nothing, TOWN)["area_m2"].tolist()


def test_a_dead_end_cuts_nothing():
    blocks = blocks_from_lines(make_lines([(0, 150), (200, 150)]), TOWN)
    assert 1 == len(blocks)


def test_a_dead_end_that_is_carried_on_to_the_next_line_cuts():
    short = make_lines([(0, 150), (200, 150)])
    assert 2 == len(blocks_from_lines(short, TOWN, extend_m=110))
    assert 1 == len(blocks_from_lines(short, TOWN, extend_m=90))


def test_a_road_that_ends_on_another_road_is_not_carried_on_across_it():
    junction = make_lines([(0, 150), (150, 150)], [(150, 0), (150, 300)])
    assert 3 == len(blocks_from_lines(junction, TOWN, extend_m=200))


def test_an_extension_stops_at_the_first_line_it_meets():
    lines = make_lines([(0, 100), (100, 100)], [(150, 0), (150, 300)], [(180, 0), (180, 300)])
    extended = extend_dead_ends(list(lines.geometry), 100.0)
    assert 50.0 == round(extended[-1].length, 6) or 50.0 in {round(line.length, 6) for line in extended}
    assert at(150, 100) in {tuple(c) for c in shapely.get_coordinates(extended[-1])}


def test_a_border_runs_along_the_middle_of_a_dual_carriageway():
    dual = make_lines([(-10, 140), (310, 140)], [(-10, 160), (310, 160)])
    blocks = blocks_from_lines(dual, TOWN, narrower_than_m=40)
    assert 2 == len(blocks)
    assert [45_000.0, 45_000.0] == [round(a, -1) for a in blocks["area_m2"]]
    shared = shared_borders(np.asarray(blocks.geometry.array, dtype=object))
    middle_y = np.repeat(shared.side_middles[:, 1] - at(0, 0)[1], 1)
    assert np.allclose(150.0, middle_y, atol=1.5)


def test_a_wide_strip_is_a_block_of_its_own():
    dual = make_lines([(-10, 120), (310, 120)], [(-10, 180), (310, 180)])
    assert 3 == len(blocks_from_lines(dual, TOWN, narrower_than_m=40))


def test_roads_outside_the_outline_are_ignored():
    assert 1 == len(blocks_from_lines(make_lines([(400, 0), (400, 300)]), TOWN))


def test_a_hole_of_the_outline_is_no_block():
    ring = shapely.Polygon(TOWN.exterior, [make_box(100, 100, 200, 200).exterior])
    blocks = blocks_from_lines(make_lines(), ring)
    assert [80_000.0] == blocks["area_m2"].tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_blocks_of_any_roads_are_a_seamless_coverage(seed):
    town = make_town(seed)
    outline = town["outline"].geometry.iloc[0]
    blocks = blocks_from_lines(town["roads"], outline, extend_m=30)
    shapes = np.asarray(blocks.geometry.array, dtype=object)
    assert shapely.coverage_is_valid(shapes)
    assert set(shapely.get_type_id(shapes).tolist()) == {3}
    assert abs(shapely.area(shapes).sum() - shapely.union_all(shapes).area) < 0.01
    # the rim may bend by less than the lattice where a road ends on it
    assert abs(blocks["area_m2"].sum() - outline.area) < 0.01 * outline.length


@pytest.mark.parametrize("outline", [shapely.Polygon(), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])])
def test_an_outline_that_is_no_area_is_refused(outline):
    with pytest.raises(InvalidGeometry):
        blocks_from_lines(make_lines(), outline)


def test_polygons_are_refused_as_roads():
    with pytest.raises(InvalidGeometry) as refusal:
        blocks_from_lines(make_frame([make_box(0, 0, 1, 1)]), TOWN)
    assert [0] == refusal.value.facts["positions"]


def test_roads_in_degrees_are_refused():
    with pytest.raises(WrongCrs):
        blocks_from_lines(make_lines([(0, 0), (1, 1)]).set_crs(GEOGRAPHIC, allow_override=True), TOWN)


def test_degrees_under_a_metric_label_are_refused():
    lying = make_frame([shapely.LineString([(117.6, 39.0), (117.7, 39.1)])])
    with pytest.raises(WrongCrs):
        blocks_from_lines(lying, TOWN)


def test_an_outline_narrower_than_a_carriageway_strip_has_no_block():
    with pytest.raises(Infeasible) as refusal:
        blocks_from_lines(make_lines(), make_box(0, 0, 300, 20))
    assert "block_width" == refusal.value.facts["constraint"]
