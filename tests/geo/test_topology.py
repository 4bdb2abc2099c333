"""Seamless means: no gap, no overlap, no overhang; every defect is named and placed."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from gridmgmt.errors import InvalidCode, InvalidGeometry, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC, MetricZone, to_metric
from gridmgmt.geo.edges import cut_edges
from gridmgmt.geo.topology import DefectKind, SeamReport, seamless
from tests.builders_geo import make_box, make_plan

ZONE = MetricZone.CM_117E
OUTLINE = box(0.0, 0.0, 200.0, 100.0)


def make_halves(**over: Polygon) -> list[tuple[str, Polygon]]:
    return list({"west": box(0, 0, 100, 100), "east": box(100, 0, 200, 100), **over}.items())


def check(cells: list[tuple[str, Polygon]], **over: object) -> SeamReport:
    return seamless(cells, OUTLINE, crs=ZONE, **over)  # type: ignore[arg-type]


def test_two_halves_tile_their_outline() -> None:
    report = check(make_halves())
    assert report.ok
    assert () == report.defects
    assert (20_000.0, 20_000.0, 0.0) == (report.outline_area_m2, report.cells_area_m2, report.residual_m2)


def test_a_gap_is_named_with_its_neighbours_and_place() -> None:
    report = check(make_halves(east=box(110, 0, 200, 100)))
    (gap,) = report.defects
    assert not report.ok
    assert (DefectKind.GAP, 1_000.0, ("east", "west")) == (gap.kind, gap.area_m2, gap.codes)
    assert box(100, 0, 110, 100).contains(Point(gap.x_m, gap.y_m))
    assert -1_000.0 == report.residual_m2


def test_an_overlap_names_the_two_that_claim_the_ground() -> None:
    report = check(make_halves(east=box(90, 0, 200, 100)))
    (overlap,) = report.defects
    assert (DefectKind.OVERLAP, 1_000.0, ("east", "west")) == (overlap.kind, overlap.area_m2, overlap.codes)
    assert box(90, 0, 100, 100).contains(Point(overlap.x_m, overlap.y_m))


def test_an_overhang_names_the_cell_that_leaves_the_outline() -> None:
    (overhang,) = check(make_halves(east=box(100, 0, 220, 100))).defects
    assert (DefectKind.OVERHANG, 2_000.0, ("east",)) == (overhang.kind, overhang.area_m2, overhang.codes)


def test_a_thin_defect_is_a_sliver_that_still_says_of_what() -> None:
    (sliver,) = check(make_halves(east=box(100.2, 0, 200, 100))).defects
    assert (DefectKind.SLIVER, DefectKind.GAP) == (sliver.kind, sliver.of)
    assert 0.2 == pytest.approx(sliver.width_m, rel=0.01)


def test_a_piece_of_just_the_tolerance_is_forgiven_and_a_larger_one_is_not() -> None:
    shorter = make_halves(east=box(101, 0, 200, 100))
    assert check(shorter, tolerance_m2=100.0).ok
    assert not check(shorter, tolerance_m2=99.999).ok


def test_many_forgiven_pieces_are_held_to_the_tolerance_in_sum() -> None:
    comb = box(100, 0, 200, 100)
    for x in (120, 140, 160, 180):
        comb = comb.difference(box(x, 0, x + 1, 1))
    report = check(make_halves(east=comb), tolerance_m2=3.0)
    assert ((), 4.0, False) == (report.defects, report.forgiven_m2, report.ok)


def test_defects_come_largest_first() -> None:
    report = check(make_halves(east=box(90, 0, 180, 100)))
    assert [DefectKind.GAP, DefectKind.OVERLAP] == [defect.kind for defect in report.defects]


def test_a_hole_in_the_middle_is_a_gap() -> None:
    (gap,) = check(make_halves(west=box(0, 0, 100, 100).difference(box(40, 40, 60, 60)))).defects
    assert (DefectKind.GAP, 400.0, ("west",)) == (gap.kind, gap.area_m2, gap.codes)


def test_a_vertex_that_only_one_neighbour_has_is_no_defect() -> None:
    east = Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100, 37.5)])
    assert check(make_halves(east=east)).ok


def test_cells_that_touch_in_a_corner_only_do_not_overlap() -> None:
    quarters = [("a", box(0, 0, 100, 50)), ("b", box(100, 50, 200, 100))]
    assert 0.0 == check(quarters).overlap_m2


def test_no_cells_leave_one_big_gap() -> None:
    (gap,) = check([]).defects
    assert (DefectKind.GAP, 20_000.0, ()) == (gap.kind, gap.area_m2, gap.codes)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cells=st.integers(3, 25), shift_m=st.floats(-20.0, 20.0))
def test_the_area_identity_holds_when_one_cell_moves(seed: int, cells: int, shift_m: float) -> None:
    plan = [(code, to_metric(polygon, ZONE)) for code, polygon in make_plan(cells=cells, seed=seed)]
    outline = shapely.union_all([polygon for _, polygon in plan])
    code, polygon = plan[0]
    plan[0] = (code, shapely.affinity.translate(polygon, shift_m, shift_m / 2))
    report = seamless(plan, outline, crs=ZONE)
    expected = report.overlap_m2 + report.overhang_m2 - report.gap_m2
    # Only the moved cell overlaps anything, so no ground is claimed three times, save inside overhang: none.
    assert expected == pytest.approx(report.residual_m2, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_a_partition_drawn_from_shared_lines_is_seamless(seed: int) -> None:
    plan = [(code, to_metric(cut_edges(polygon), ZONE)) for code, polygon in make_plan(cells=40, seed=seed)]
    report = seamless(plan, to_metric(cut_edges(make_box()), ZONE), crs=ZONE, tolerance_m2=0.1)
    assert report.ok, report


def test_nothing_is_checked_in_degrees() -> None:
    with pytest.raises(WrongCrs):
        seamless(make_halves(), OUTLINE, crs=GEOGRAPHIC)


def test_a_code_twice_is_refused() -> None:
    with pytest.raises(InvalidCode):
        check([*make_halves(), ("east", box(0, 0, 1, 1))])


def make_not_finite() -> Polygon:
    with np.errstate(invalid="ignore"):
        return Polygon([(0, 0), (1, math.nan), (1, 1)])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Polygon(), "empty"),
        (LineString([(0, 0), (1, 1)]), "not_an_area"),
        (None, "not_an_area"),
        (make_not_finite(), "not_finite"),
        (Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "Self-intersection[0.5 0.5]"),
    ],
)
def test_a_cell_that_is_no_area_is_refused_and_not_repaired(bad: Polygon, reason: str) -> None:
    with pytest.raises(InvalidGeometry) as refusal:
        check(make_halves(east=bad))
    assert ("east", reason) == (refusal.value.facts["name"], refusal.value.facts["reason"])


def test_a_cell_of_two_parts_is_measured_as_a_whole() -> None:
    parts = MultiPolygon([box(100, 0, 200, 40), box(100, 40.0, 200, 100).difference(box(90, 40, 210, 41))])
    (gap,) = check(make_halves(east=parts)).defects
    assert 100.0 == pytest.approx(gap.area_m2)
