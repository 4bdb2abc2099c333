"""Every hard rule has a name, finds its fault, and says which cells and where."""

import numpy as np
import pytest
import shapely

from gridmgmt.errors import InvalidInput, PlanNotAdoptable, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.planning.constraints import (
    Verdict,
    balanced,
    buildings_uncut,
    contiguous,
    deviations,
    in_band,
    numbered,
    require,
    seamless,
    within_community,
)
from tests.builders_planning import COMMUNITY, at, make_box, make_cells, make_frame, make_land

FIRST, SECOND = f"{COMMUNITY}001", f"{COMMUNITY}002"
WEST, EAST = make_box(0, 0, 100, 100), make_box(100, 0, 200, 100)


def test_a_sound_plan_passes_every_rule():
    cells, land = make_cells(), make_land()
    verdicts = [
        contiguous(cells), within_community(cells, land), seamless(cells, land), in_band(cells),
        balanced(cells, 0.05), numbered(cells), buildings_uncut(cells, make_house(10, 20)),
    ]  # fmt: skip
    assert [] == [v.name for v in verdicts if not v.passed]
    assert {0} == {v.count for v in verdicts}
    require(verdicts)


def make_house(west: float, east: float):
    return make_frame([make_box(west, 40, east, 50)], building_id=["H1"])


def test_a_cell_in_two_pieces_is_not_contiguous():
    pieces = shapely.MultiPolygon([make_box(0, 0, 50, 100), make_box(60, 0, 100, 100)])
    verdict = contiguous(make_cells(shapes=[pieces, EAST]))
    assert ("contiguous", False, 1, (FIRST,)) == (
        verdict.name,
        verdict.passed,
        verdict.count,
        verdict.failing,
    )
    assert 1 == len(verdict.places)


def test_touching_in_a_corner_does_not_connect():
    corner = shapely.MultiPolygon([make_box(0, 0, 50, 50), make_box(50, 50, 100, 100)])
    assert not contiguous(make_cells(shapes=[corner, EAST])).passed


def test_a_self_crossing_cell_is_not_contiguous():
    bow = shapely.Polygon([at(0, 0), at(100, 100), at(100, 0), at(0, 100)])
    assert not contiguous(make_cells(shapes=[bow, EAST])).passed


def test_a_cell_beyond_its_community_is_named_with_the_area_outside():
    verdict = within_community(make_cells(), make_land(east_m=199.0))
    assert (False, (SECOND,)) == (verdict.passed, verdict.failing)
    assert 100.0 == pytest.approx(dict(verdict.measures)["outside_m2"])


def test_a_cell_of_a_community_that_does_not_exist_fails():
    cells = make_cells(community_code=[COMMUNITY, "120116005999"])
    assert (SECOND,) == within_community(cells, make_land()).failing


@pytest.mark.parametrize(("households", "passed"), [(300, True), (500, True), (299, False), (501, False)])
def test_both_ends_of_the_band_are_allowed(households, passed):
    verdict = in_band(make_cells(households=[households, 400]))
    assert passed == verdict.passed
    assert (1.0 if passed else 0.5) == dict(verdict.measures)["in_band_share"]


def test_a_dedicated_grid_is_exempt_from_the_band():
    assert in_band(make_cells(households=[0, 400], kind=["dedicated", "duty"])).passed


def test_balance_is_judged_against_the_mean_of_the_community_and_the_tolerance_itself_is_allowed():
    cells = make_cells(households=[300, 500])
    assert balanced(cells, 0.25).passed
    verdict = balanced(cells, 0.2499)
    assert (False, (FIRST, SECOND)) == (verdict.passed, verdict.failing)


def test_deviations_do_not_mix_communities_and_leave_out_dedicated_grids():
    cells = make_cells(
        code=["a", "b", "c"], community_code=["1", "1", "2"], kind=["duty", "duty", "duty"],
        households=[100, 300, 900], shapes=[WEST, EAST, EAST],
    )  # fmt: skip
    assert [0.5, 0.5, 0.0] == deviations(cells).tolist()
    with_school = make_cells(households=[0, 400], kind=["dedicated", "duty"])
    assert [True, False] == np.isnan(deviations(with_school)).tolist()


def test_a_gap_is_measured_and_placed():
    verdict = seamless(make_cells(shapes=[WEST, make_box(102, 0, 200, 100)]), make_land())
    assert not verdict.passed
    assert 200.0 == pytest.approx(dict(verdict.measures)["gap_m2"])
    east = verdict.places[0][0] - at(0, 0)[0]
    assert 100 < east < 102


def test_an_overlap_names_the_two_cells():
    verdict = seamless(make_cells(shapes=[make_box(0, 0, 103, 100), EAST]), make_land())
    assert (False, (f"{FIRST}|{SECOND}",)) == (verdict.passed, verdict.failing)
    assert 300.0 == pytest.approx(dict(verdict.measures)["overlap_m2"])


def test_land_outside_all_communities_is_measured():
    verdict = seamless(make_cells(), make_land(east_m=150.0))
    assert not verdict.passed
    assert 5_000.0 == pytest.approx(dict(verdict.measures)["outside_m2"])


def test_gap_and_overlap_do_not_cancel_out():
    shapes = [make_box(0, 0, 100, 100), make_box(100, 0, 190, 100)]
    shapes[0] = shapely.union(shapes[0], make_box(100, 0, 110, 100))
    verdict = seamless(make_cells(shapes=shapes), make_land())
    assert 20_000.0 == sum(s.area for s in shapes)
    assert not verdict.passed


def test_a_corner_on_a_side_without_a_vertex_there_is_a_seam_fault():
    north, south = make_box(100, 50, 200, 100), make_box(100, 0, 200, 50)
    cells = make_cells(
        code=["a", "b", "c"], community_code=[COMMUNITY] * 3, kind=["duty"] * 3, households=[1] * 3,
        shapes=[WEST, north, south],
    )  # fmt: skip
    verdict = seamless(cells, make_land())
    assert 0.0 == dict(verdict.measures)["gap_m2"]
    assert not verdict.passed
    assert len(verdict.places) > 0


def test_a_building_in_two_cells_is_cut_and_named():
    verdict = buildings_uncut(make_cells(), make_house(90, 110))
    assert (False, 1, ("H1",)) == (verdict.passed, verdict.count, verdict.failing)


def test_a_building_that_only_touches_the_border_is_not_cut():
    assert buildings_uncut(make_cells(), make_house(90, 100)).passed


@pytest.mark.parametrize(
    "codes",
    [[FIRST, FIRST], [FIRST, "12011600500100"], [FIRST, "120116005002001"], [FIRST, f"{COMMUNITY}000"]],
)
def test_a_code_that_is_doubled_malformed_or_of_another_community_fails(codes):
    assert not numbered(make_cells(code=codes)).passed


def test_a_refusal_names_every_failed_rule_and_the_article():
    verdicts = [
        Verdict("seamless", passed=False),
        Verdict("contiguous", passed=True),
        Verdict("in_band", passed=False),
    ]
    with pytest.raises(PlanNotAdoptable) as refusal:
        require(verdicts)
    assert ["seamless", "in_band"] == refusal.value.facts["failed"]
    assert ("21-1", "R21a") == (refusal.value.article, refusal.value.rule)


def test_at_most_twenty_failures_are_listed_but_all_are_counted():
    count = 30
    cells = make_cells(
        code=[f"{COMMUNITY}{n:03d}" for n in range(1, count + 1)], community_code=[COMMUNITY] * count,
        kind=["duty"] * count, households=[1] * count,
        shapes=[make_box(n, 0, n + 1, 10) for n in range(count)],
    )  # fmt: skip
    verdict = in_band(cells)
    assert (30, 20) == (verdict.count, len(verdict.failing))


def test_a_row_without_geometry_and_degrees_are_refused():
    with pytest.raises(InvalidInput):
        contiguous(make_cells(shapes=[WEST, None]))
    with pytest.raises(WrongCrs):
        seamless(make_cells().set_crs(GEOGRAPHIC, allow_override=True), make_land())
