"""Codes: 12 digits of the community and three that count west → east, north → south, never given twice."""

import numpy as np
import pytest

from gridmgmt.errors import Infeasible, InvalidCode, WrongCrs
from gridmgmt.geo.crs import GEOGRAPHIC
from gridmgmt.planning.numbering import number_cells, reading_order, surviving_codes
from tests.builders_planning import COMMUNITY, make_box, make_frame, make_lattice


def make_unnumbered(kinds: list[str] | None = None, community: str = COMMUNITY):
    lattice = make_lattice(3, 3)
    return lattice.assign(community_code=community, kind=kinds or ["duty"] * 9, place=lattice["atom_id"])


def test_a_lattice_is_read_like_a_page():
    cells = number_cells(make_unnumbered().sample(frac=1.0, random_state=4))
    assert [f"{COMMUNITY}{n:03d}" for n in range(1, 10)] == cells["code"].tolist()
    assert [f"A{n:02d}" for n in range(1, 10)] == cells["place"].tolist()


def test_a_cell_half_a_side_further_south_begins_a_new_row():
    points = np.array([[0.0, 100.0], [-50.0, 50.0]])
    assert [0, 1] == reading_order(points, 20_000.0).tolist()


def test_a_cell_less_than_half_a_side_further_south_is_read_from_the_west():
    points = np.array([[0.0, 100.0], [-50.0, 50.1]])
    assert [1, 0] == reading_order(points, 20_000.0).tolist()


def test_in_one_row_equal_eastings_are_read_from_the_north():
    points = np.array([[5.0, 90.0], [5.0, 99.0]])
    assert [1, 0] == reading_order(points, 20_000.0).tolist()


def test_nothing_is_read_in_no_order():
    assert [] == reading_order(np.empty((0, 2)), 0.0).tolist()


def test_a_code_that_was_ever_issued_is_passed_over():
    used = {f"{COMMUNITY}001", f"{COMMUNITY}003", "120116005002002"}
    sequence = number_cells(make_unnumbered(), used=used)["sequence"].tolist()
    assert [2, 4, 5, 6, 7, 8, 9, 10, 11] == sequence


def test_a_community_that_has_used_up_its_numbers_is_named():
    used = {f"{COMMUNITY}{n:03d}" for n in range(1, 795)}
    with pytest.raises(Infeasible) as refusal:
        number_cells(make_unnumbered(), used=used)
    assert (COMMUNITY, 9, 6) == tuple(refusal.value.facts[k] for k in ("community_code", "wanted", "left"))


def test_dedicated_grids_count_from_801():
    cells = number_cells(make_unnumbered(["duty"] * 7 + ["dedicated"] * 2))
    assert [1, 2, 3, 4, 5, 6, 7, 801, 802] == cells["sequence"].tolist()


def test_every_community_counts_for_itself():
    both = make_unnumbered()
    both["community_code"] = [COMMUNITY] * 4 + ["120116005002"] * 5
    assert [1, 2, 3, 4, 1, 2, 3, 4, 5] == number_cells(both)["sequence"].tolist()


def test_a_malformed_community_code_is_refused():
    with pytest.raises(InvalidCode):
        number_cells(make_unnumbered(community="12011600500"))


def test_cells_in_degrees_are_refused():
    with pytest.raises(WrongCrs):
        number_cells(make_unnumbered().set_crs(GEOGRAPHIC, allow_override=True))


def test_numbering_again_replaces_the_old_code():
    once = number_cells(make_unnumbered())
    again = number_cells(once, used=set(once["code"]))
    assert 10 == again["sequence"].min()
    assert 1 == list(again.columns).count("code")


def test_the_order_does_not_hang_on_the_last_bit_of_a_coordinate():
    square = make_box(0, 0, 100, 100)
    frame = make_frame([square, make_box(0.0004, 100, 100.0004, 200)])
    frame = frame.assign(community_code=COMMUNITY, kind="duty")
    assert [100.0, 0.0] == [round(s.bounds[1] - square.bounds[1]) for s in number_cells(frame).geometry]


def test_a_cell_that_stays_as_it_is_keeps_its_code_and_new_ones_are_read_on():
    before = number_cells(make_unnumbered())
    lattice = make_unnumbered()
    merged = lattice.geometry.iloc[0].union(lattice.geometry.iloc[1])
    after = lattice.iloc[2:].copy()
    after.loc[len(lattice)] = {**lattice.iloc[0], "geometry": merged, "place": "merged"}
    cells = number_cells(after, used=set(before["code"]), earlier=before)
    by_place = dict(zip(cells["place"], cells["sequence"], strict=True))
    assert by_place.pop("merged") == 10
    old = dict(zip(before["place"], before["sequence"], strict=True))
    assert by_place == {place: old[place] for place in by_place}


def test_ground_that_moved_by_a_hand_gets_a_new_code():
    before = number_cells(make_unnumbered())
    moved = before.copy()
    moved.loc[0, "geometry"] = moved.geometry.iloc[0].buffer(0.1)
    assert surviving_codes(moved, before)[0] is None
    assert surviving_codes(moved, before)[1] == before["code"].iloc[1]


def test_a_cell_of_another_kind_or_community_is_another_cell():
    before = number_cells(make_unnumbered())
    kinds = before.assign(kind=["dedicated"] + ["duty"] * 8)
    assert surviving_codes(kinds, before)[0] is None
    homes = before.assign(community_code="120116005002")
    assert set(surviving_codes(homes, before)) == {None}


def test_codes_survive_only_between_plans_in_one_crs():
    before = number_cells(make_unnumbered())
    with pytest.raises(WrongCrs):
        surviving_codes(before, before.to_crs(4549))
