"""One index for several datums, processes and threads."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.errors import WrongCrs
from gridmgmt.geo.crs import Datum
from gridmgmt.geo.datum import point_in_datum, to_bd09, to_gcj02
from tests.builders_geo import (
    CENTRE,
    codes_by_array,
    codes_one_by_one,
    make_plan,
    random_positions,
    vertices_and_midpoints,
)

Plan = list[tuple[str, Polygon]]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(cells=40, seed=4, side_m=900.0)


@pytest.fixture(scope="module")
def index(plan: Plan) -> CellIndex:
    return CellIndex.build(plan)


@pytest.mark.parametrize(("datum", "forward"), [(Datum.GCJ02, to_gcj02), (Datum.BD09, to_bd09)])
def test_a_point_sent_in_an_offset_datum_finds_the_cell_of_its_place(
    plan: Plan, index: CellIndex, datum: Datum, forward: object
) -> None:
    positions = random_positions(20_000)
    borders = shapely.union_all([polygon.boundary for _, polygon in plan])
    shapely.prepare(borders)
    clear = ~shapely.dwithin(borders, shapely.points(positions), 1e-8)  # 1 mm
    sent = np.column_stack(forward(positions[:, 0].copy(), positions[:, 1].copy()))[clear]  # type: ignore[operator]
    expected = codes_by_array(index, positions[clear])
    assert len(expected) > 19_900
    assert expected == codes_by_array(index.in_datum(datum), sent)
    assert expected[:500] == codes_one_by_one(index.in_datum(datum), sent[:500])


def test_an_offset_point_taken_for_cgcs2000_would_miss_its_cell(index: CellIndex) -> None:
    sent = point_in_datum(CENTRE, Datum.GCJ02)
    assert index.code_at(CENTRE) == index.in_datum(Datum.GCJ02).code_at(sent)
    assert index.code_at(CENTRE) != index.code_at(sent)


def test_moved_cells_own_their_moved_corners(plan: Plan, index: CellIndex) -> None:
    moved = index.in_datum(Datum.GCJ02)
    corners = np.array(plan[5][1].exterior.coords)
    sent = np.column_stack(to_gcj02(corners[:, 0].copy(), corners[:, 1].copy()))
    assert codes_by_array(index, corners) == codes_by_array(moved, sent)


def test_wgs84_is_taken_as_cgcs2000(index: CellIndex) -> None:
    assert index is index.in_datum(Datum.WGS84)
    assert index is index.in_datum(Datum.CGCS2000)


def test_an_index_in_an_offset_datum_is_built_once_and_never_taken_back(index: CellIndex) -> None:
    moved = index.in_datum(Datum.GCJ02)
    assert moved is index.in_datum(Datum.GCJ02)
    assert moved is moved.in_datum(Datum.GCJ02)
    assert Datum.GCJ02 is moved.datum
    for other in (Datum.CGCS2000, Datum.WGS84, Datum.BD09):
        with pytest.raises(WrongCrs):
            moved.in_datum(other)


def test_a_pickled_index_answers_as_before(plan: Plan, index: CellIndex) -> None:
    copy = pickle.loads(pickle.dumps(index))
    positions = np.vstack([vertices_and_midpoints(plan), random_positions(2_000)])
    assert codes_by_array(index, positions) == codes_by_array(copy, positions)
    assert codes_one_by_one(index, positions[:500]) == codes_one_by_one(copy, positions[:500])
    assert (index.codes, index.datum, index.resolution) == (copy.codes, copy.datum, copy.resolution)


def test_threads_share_a_fresh_index(plan: Plan, index: CellIndex) -> None:
    fresh = pickle.loads(pickle.dumps(index))
    positions = vertices_and_midpoints(plan)
    expected = codes_by_array(index, positions)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: codes_by_array(fresh, positions), range(16)))
    assert all(expected == answer for answer in answers)


def test_an_index_says_what_it_holds(index: CellIndex) -> None:
    assert "CellIndex(40 cells, cgcs2000, H3 resolution 12)" == repr(index)
    assert 40 == len(index)
    assert index.nbytes < 64_000_000
