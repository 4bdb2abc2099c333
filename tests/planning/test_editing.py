"""Editing by hand: any sequence of edits keeps the rules, and nothing is lost."""

from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.errors import InvalidGeometry, InvalidInput
from gridmgmt.geo.gate import parse_cells
from gridmgmt.planning import constraints
from gridmgmt.planning.editing import Desk, Refusal, lay_out
from gridmgmt.planning.editing_cells import draft_file
from gridmgmt.planning.editing_division import REASONS
from gridmgmt.planning.evaluate import report_card
from gridmgmt.planning.proof import prove_seamless
from gridmgmt.planning.stability import stability, walking
from tests.builders_editing import BAND, make_desk, make_edited
from tests.builders_planning import at, make_communities, make_lattice

KINDS = (
    "move",
    "sweep",
    "advance",
    "redraw",
    "split",
    "cut",
    "halve",
    "merge",
    "freeze",
    "thaw",
    "again",
    "undo",
    "redo",
)
EDITS = st.tuples(st.sampled_from(KINDS), st.integers(0, 10**6), st.integers(0, 10**6))
DESK = cache(make_desk)


def line_of(seed: int) -> np.ndarray:
    """A crooked line across the town."""
    rng = np.random.default_rng(seed)
    return np.array([at(*place) for place in rng.uniform(0, [800, 500], (int(rng.integers(2, 5)), 2))])


def edited(desk: Desk, edit: tuple[str, int, int]) -> Desk | Refusal:
    """Make an edit out of two numbers; it may well be refused."""
    kind, one, two = edit
    cells = desk.now.cells().tolist()
    first, second = cells[one % len(cells)], cells[two % len(cells)]
    atom = one % desk.ground.count
    near = desk.ground.neighbours(atom)
    if kind == "move":
        return desk.move([int(near[two % len(near)])], int(desk.now.label[atom]))
    if kind == "sweep":
        return desk.move([atom, *near.tolist()], second)
    own = desk.atoms_of(first)
    return {
        "advance": lambda: desk.advance(first, second),
        "redraw": lambda: desk.redraw(first, second, line_of(two)),
        "split": lambda: desk.split(first, atoms=own[: 1 + two % len(own)]),
        "cut": lambda: desk.split(first, line=line_of(two)),
        "halve": lambda: desk.split(first, seed=two % 5),
        "merge": lambda: desk.merge([first, second]),
        "freeze": lambda: desk.freeze([first]),
        "thaw": lambda: desk.thaw([first]),
        "again": lambda: desk.reoptimise(preset="flash", seed=two % 5),
        "undo": desk.undo,
        "redo": desk.redo,
    }[kind]()


def played(desk: Desk, edits: list[tuple[str, int, int]]) -> list[Desk]:
    """Every desk that a sequence of edits passes through."""
    passed = [desk]
    for edit in edits:
        outcome = edited(passed[-1], edit)
        if isinstance(outcome, Refusal):
            assert outcome.constraint in REASONS
        else:
            passed.append(outcome)
    return passed


def assert_sound(desk: Desk) -> None:
    """The rules, judged on polygons that the desk did not use."""
    cells, land = desk.cells(), desk.ground.communities
    assert constraints.contiguous(cells).passed
    assert constraints.within_community(cells, land).passed
    assert constraints.seamless(cells, land).passed
    assert constraints.buildings_uncut(cells, desk.ground.buildings).passed
    ids = [atom for atoms in cells["atom_ids"] for atom in atoms]
    assert sorted(desk.ground.atoms["atom_id"]) == sorted(ids)
    assert desk.ground.atoms["households"].sum() == cells["households"].sum()


def facts_of(card) -> dict[str, object]:
    """Facts of a card without the rule on codes, which are given at the end."""
    facts = card.as_facts()
    return facts | {
        "verdicts": [v for v in facts["verdicts"] if v["name"] != "numbered"],
        "passed": None,
    }


def assert_alike(one: object, two: object) -> None:
    """Equal, numbers to nine digits."""
    if isinstance(one, dict):
        assert set(one) == set(two)
        for key, value in one.items():
            assert_alike(value, two[key])
    elif isinstance(one, list):
        assert len(one) == len(two)
        for left, right in zip(one, two, strict=True):
            assert_alike(left, right)
    elif isinstance(one, float):
        assert two == pytest.approx(one, rel=1e-9, abs=2e-6)
    else:
        assert one == two


def assert_card_is_fresh(desk: Desk) -> None:
    """The card at the desk is the one that is computed from the polygons."""
    cells, ground = desk.cells(), desk.ground
    fresh = report_card(
        cells,
        desk.atoms(cells),
        ground.communities,
        lines=ground.lines,
        buildings=ground.buildings,
        band=BAND,
    )
    assert_alike(facts_of(fresh), facts_of(desk.card.report))
    assert_alike(walking(cells, ground.buildings).as_facts(), desk.card.walking.as_facts())
    first = Desk(ground, desk.measures, desk.past[0] if desk.past else desk.now).cells()
    changed = stability(cells, first, places=ground.buildings)
    assert_alike([changed.moved, changed.moved_share], [desk.card.moved, desk.card.moved_share])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.lists(EDITS, min_size=1, max_size=14))
def test_any_sequence_of_edits_keeps_the_rules_and_can_be_taken_back(seed, edits):
    desks = played(DESK(seed), edits)
    assert_sound(desks[-1])
    desk = desks[-1]
    depth = len(desk.past)
    for _ in range(depth):
        desk = desk.undo()
    assert desk.now.same_as(desks[0].now)
    assert desk.card.as_facts() == desks[0].card.as_facts()
    for _ in range(depth):
        desk = desk.redo()
    assert desk.now.same_as(desks[-1].now)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.lists(EDITS, min_size=1, max_size=6))
def test_the_card_at_the_desk_is_the_card_computed_afresh(seed, edits):
    for desk in played(DESK(seed), edits)[-2:]:
        assert_card_is_fresh(desk)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**6), st.lists(EDITS, min_size=1, max_size=10))
def test_frozen_cells_and_dedicated_grids_never_change(seed, chosen, edits):
    desk = DESK(seed)
    duty = [cell for cell in desk.now.cells().tolist() if cell not in desk.ground.dedicated]
    kept = duty[chosen % len(duty)]
    frozen = desk.freeze([kept])
    for after in played(frozen, [edit for edit in edits if edit[0] not in {"thaw", "undo"}]):
        for cell in (kept, *desk.ground.dedicated):
            assert desk.atoms_of(cell).tolist() == after.atoms_of(cell).tolist()


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(EDITS, max_size=3),
    st.sets(st.integers(0, 39), min_size=1, max_size=6),
    st.integers(0, 9),
)
def test_a_move_is_refused_exactly_when_the_plan_after_it_would_break_a_rule(seed, edits, atoms, cell):
    desk = played(DESK(seed), edits)[-1]
    cells = desk.now.cells().tolist()
    target = cells[cell % len(cells)]
    outcome = desk.move(atoms, target)
    label = desk.now.label.copy()
    label[list(atoms)] = target
    givers = set(desk.now.label[list(atoms)].tolist()) - {target}
    broken = set()
    if not givers:
        broken.add("nothing_changes")
    touched = {target, *givers}
    if givers and touched & desk.ground.dedicated:
        broken.add("dedicated")
    if givers and touched & desk.now.frozen:
        broken.add("frozen")
    for number in touched:
        shapes = desk.ground.shapes[label == number]
        if len(shapes) == 0:
            broken.add("not_empty")
        elif shapely.coverage_union_all(shapes).geom_type == "MultiPolygon":
            broken.add("adjacent" if number == target else "contiguous")
        if len(set(desk.ground.home[label == number])) > 1:
            broken.add("within_community")
    if isinstance(outcome, Refusal):
        assert outcome.constraint in broken
    else:
        assert not broken
        assert label.tolist() == outcome.now.label.tolist()


def test_both_sides_of_a_border_move_together():
    desk = DESK(1)
    moved = desk.advance(0, 1)
    before, after = desk.cells(), moved.cells()
    assert after.geometry[0].area > before.geometry[0].area
    assert after.geometry[1].area < before.geometry[1].area
    assert shapely.union_all(after.geometry[:2]).equals(shapely.union_all(before.geometry[:2]))
    assert 0.0 == after.geometry[0].intersection(after.geometry[1]).area


def test_a_refusal_names_the_constraint_the_cell_and_the_atoms_in_the_way():
    desk = DESK(1)
    # Column of four in the middle of cell 0: taking it leaves its west column with a far corner only.
    refused = desk.move(desk.atoms_of(1), 0)
    assert ("not_empty", (desk.ground.cells["code"][1],)) == (refused.constraint, refused.cells)
    whole = desk.merge([0, 1])
    cut = whole.split(whole.now.cells()[0], atoms=np.flatnonzero(np.isin(np.arange(40) % 8, [1])))
    assert "contiguous" == cut.constraint
    assert cut.atoms
    assert str(cut).startswith(REASONS["contiguous"])


def test_a_border_follows_a_drawn_line_as_nearly_as_atoms_can():
    desk = DESK(1)
    bent = desk.redraw(0, 1, [at(100, -10), at(100, 260), at(300, 260), at(300, 510)])
    row, column = np.divmod(np.arange(40), 8)
    expected = np.where(row >= 3, column >= 1, column >= 3)
    west = column < 4
    # Row 2 has its middle at 250 m, just south of the step at 260 m.
    expected[row == 2] = column[row == 2] >= 1
    assert expected[west].astype(int).tolist() == bent.now.label[west].tolist()


def test_a_line_that_crosses_itself_or_passes_by_divides_nothing():
    desk = DESK(1)
    assert "line" == desk.split(0, line=[at(0, 0), at(200, 500), at(200, 0), at(0, 500)]).constraint
    assert "line" == desk.split(0, line=[at(-900, 0), at(-900, 100)]).constraint


def test_halves_are_balanced_and_the_lighter_one_is_new():
    desk = DESK(2).merge([0, 1])
    kept = int(desk.now.label[0])
    halved = desk.split(kept)
    table = halved.card.cells
    west = table.home == 0
    assert 2 == west.sum()
    assert np.abs(table.deviation_share[west]).max() < 0.1
    demand = dict(zip(table.number.tolist(), table.demand.tolist(), strict=True))
    assert demand[kept] >= demand[halved.ground.given]


def test_a_cell_of_one_atom_or_without_people_is_halved_or_refused_in_words():
    lone = DESK(1).split(0, atoms=[0])
    assert "not_empty" == lone.split(lone.ground.given).constraint
    made = make_edited(1)
    empty = lay_out(
        made["communities"], made["atoms"].assign(households=[1] + [0] * 39), made["cells"], band=BAND
    )
    assert 6 == len(empty.split(3).now.cells())


def test_the_engine_goes_on_from_the_desk_and_is_the_same_every_time():
    desk = DESK(3).move([2], 0)
    one, two = desk.reoptimise(seed=4), desk.reoptimise(seed=4)
    assert one.now.same_as(two.now)
    assert len(desk.now.cells()) == len(one.now.cells())
    report, before = one.card.report, desk.card.report
    assert (report.in_band_share, -report.deviation_max_share) > (
        before.in_band_share,
        -before.deviation_max_share,
    )
    west = desk.reoptimise(communities=[desk.ground.communities["code"][0]], seed=4)
    east = desk.ground.home == 1
    assert desk.now.label[east].tolist() == west.now.label[east].tolist()


def test_codes_stay_with_their_ground_and_are_given_to_no_other():
    desk = DESK(1)
    edited_ = desk.move([2], 0).split(2)
    numbered = edited_.numbered(used=[f"{desk.ground.communities['code'][1]}003"])
    before = desk.ground.cells.set_index("code")
    kept = numbered[numbered["code"].isin(before.index)]
    assert {before.index[3], before.index[4]} == set(kept["code"])
    assert all(
        shape.equals(before.geometry[code]) for code, shape in zip(kept["code"], kept.geometry, strict=True)
    )
    assert constraints.numbered(numbered).passed
    assert f"{desk.ground.communities['code'][1]}003" not in set(numbered["code"])
    assert [before["name"][code] for code in kept["code"]] == kept["name"].tolist()


def test_what_leaves_the_desk_is_seamless_in_metres_and_passes_the_gate_in_degrees():
    desk = DESK(2).advance(0, 1).split(2)
    cells = desk.numbered()
    assert prove_seamless(cells, desk.ground.communities).holds
    read = parse_cells(draft_file(cells).encode())
    assert len(cells) == len(read)
    for (properties, shape), code, households in zip(
        read, cells["community_code"], cells["households"], strict=True
    ):
        assert (code, households) == (properties["community_code"], properties["households"])
        assert shape.is_valid
    assert shapely.coverage_is_valid([shape for _, shape in read])


def test_an_edit_after_an_undo_drops_what_was_taken_back():
    desk = DESK(1).move([2], 0).undo()
    assert 1 == len(desk.future)
    other = desk.freeze([0])
    assert () == other.future
    assert other.redo() is other
    assert DESK(1).undo() is DESK(1)


@pytest.mark.parametrize(
    ("fault", "constraint"),
    [
        (lambda atoms: atoms["cell_code"].where(atoms.index != 0, "120116005001002"), "contiguous"),
        (lambda atoms: atoms["cell_code"].replace("120116005001002", "120116005001001"), "empty"),
    ],
)
def test_what_is_no_plan_is_not_laid_on_the_desk(fault, constraint):
    made = make_edited(1)
    atoms = made["atoms"]
    atoms["cell_code"] = fault(atoms)
    with pytest.raises(InvalidInput) as refused:
        lay_out(made["communities"], atoms, made["cells"])
    assert constraint == refused.value.facts["constraint"]
    assert refused.value.facts["cells"]


def test_unknown_cells_atoms_and_overlapping_ground_are_errors_not_refusals():
    desk = DESK(1)
    with pytest.raises(InvalidInput):
        desk.move([0], 99)
    with pytest.raises(InvalidInput):
        desk.move([40], 0)
    with pytest.raises(InvalidInput):
        desk.split(0, atoms=[39])
    with pytest.raises(InvalidInput):
        desk.split(0, line=[at(0, 0)])
    made = make_edited(1)
    shapes = made["atoms"].geometry.to_list()
    shapes[0] = shapes[0].buffer(3.0, join_style="mitre")
    with pytest.raises(InvalidGeometry):
        lay_out(
            make_communities(make_lattice(8, 5)),
            made["atoms"].set_geometry(shapes, crs=made["atoms"].crs),
            made["cells"],
        )
