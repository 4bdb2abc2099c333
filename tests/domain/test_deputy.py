"""Deputies: what standing in hands over, until when, and that it wins nobody a second hand of a case."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.domain.case import Case
from gridmgmt.domain.deputy import (
    LONGEST,
    NOT_HANDED_OVER,
    Deputyship,
    StandIn,
    end_early,
    name_deputy,
    stand_in,
)
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.request import ask, decide
from gridmgmt.domain.workflow import TRANSITIONS, Action, State, legal_actions
from gridmgmt.errors import DutiesNotSeparated, GridError, InvalidInput, NotAllowed, NotReady
from tests.builders_cases import (
    CLOCKS,
    ELSEWHERE,
    FACTS,
    HOUR,
    NOW,
    STREET,
    UNIT,
    asked_on,
    make_actor,
    make_case,
    make_granted,
    move,
)

ABSENT, DEPUTY = make_actor(Role.DISPATCHER, number=71), make_actor(Role.GRID_WORKER, number=72)
DIRECTOR = make_actor(Role.DIRECTOR, number=73)
LOOP = frozenset(Role) - NOT_HANDED_OVER


def make_deputyship(**over: Any) -> Deputyship:
    facts: dict[str, Any] = {
        "id": UUID(int=700),
        "subdistrict_code": STREET,
        "person_id": ABSENT.id,
        "deputy_id": DEPUTY.id,
        "role": Role.DISPATCHER,
        "starts_at": NOW,
        "ends_at": NOW + timedelta(days=7),
        "granted_by": DIRECTOR.id,
        "granted_at": NOW,
    }
    return Deputyship(**facts | over)


def standing_in(**over: Any) -> Actor:
    """The deputy in the absent person's post."""
    return stand_in(DEPUTY, (StandIn(make_deputyship(**over), None, frozenset()),), NOW)


# Separation of duties with deputies, R22a.

HANDS = list(itertools.product([*Axis, None], [*Axis, None], Axis))


@pytest.mark.parametrize(("own", "principals", "asked"), HANDS)
def test_a_deputy_lends_a_hand_only_if_neither_he_nor_the_other_lent_another(
    own: Axis | None, principals: Axis | None, asked: Axis
) -> None:
    """Written down here: both persons' hands, whichever they are, must be the one asked for or none."""
    everything = replace(standing_in(), roles=frozenset(Role) - {Role.SYSTEM}, unit_code=UNIT)
    acted = {p: a for p, a in ((DEPUTY.id, own), (ABSENT.id, principals)) if a is not None}
    (state, action), row = next(pair for pair in TRANSITIONS.items() if pair[1].axis is asked)
    case = make_case(state, acted=acted)
    may = {own, principals} <= {asked, None}
    try:
        after = move(case, action, everything).case
    except DutiesNotSeparated:
        assert not may
        return
    assert may
    assert {DEPUTY.id: row.axis, ABSENT.id: row.axis} == after.acted


PEOPLE = [make_actor(*LOOP, number=80 + n) for n in range(3)]
ACTORS = [
    *PEOPLE,
    *(replace(a, on_behalf_of=b.id) for a, b in itertools.permutations(PEOPLE, 2)),
]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(steps=st.lists(st.tuples(st.integers(0, len(ACTORS) - 1), st.integers(0, 4)), min_size=4, max_size=20))
def test_no_walk_of_three_people_standing_in_for_each_other_lends_one_of_them_two_hands(
    steps: list[tuple[int, int]],
) -> None:
    case: Case = make_case()
    lent: dict[UUID, set[Axis]] = {}
    for who, choice in steps:
        actor, actions = ACTORS[who], legal_actions(case.state)
        if not actions:
            return
        action = actions[choice % len(actions)]
        row = TRANSITIONS[case.state, action]
        before = case
        try:
            case = move(case, action, actor).case
        except GridError:
            assert before is case
            continue
        for person in (actor.id, actor.on_behalf_of):
            if person:
                lent.setdefault(person, set()).add(row.axis)
        assert all(len(hands) == 1 for hands in lent.values())


@pytest.mark.parametrize("asker_stands_in", [False, True])
@pytest.mark.parametrize("granter_stands_in", [False, True])
def test_nobody_decides_on_a_request_of_his_own_by_standing_in(
    asker_stands_in: bool, granter_stands_in: bool
) -> None:
    """One of the two persons on both sides is enough for a refusal."""
    one, other = make_actor(Role.HANDLER, number=91), make_actor(Role.HANDLER, number=92)
    third = make_actor(Role.DIRECTOR, number=93)
    asker = replace(one, on_behalf_of=other.id) if asker_stands_in else one
    granter = replace(third, on_behalf_of=one.id) if granter_stands_in else replace(third, id=one.id)
    request = ask(UUID(int=60), asked_on(make_case(State.HANDLING)), Action.EXTEND, asker, NOW, FACTS)
    assert (other.id if asker_stands_in else None) == request.asked_for
    with pytest.raises(DutiesNotSeparated):
        decide(request, granter, NOW, granted=True, opinion="")
    if asker_stands_in:
        with pytest.raises(DutiesNotSeparated):
            decide(request, replace(third, id=other.id), NOW, granted=True, opinion="")
        with pytest.raises(DutiesNotSeparated):
            decide(request, replace(third, on_behalf_of=other.id), NOW, granted=True, opinion="")
    assert decide(request, third, NOW, granted=True, opinion="")


def test_the_history_says_for_whom_somebody_stood_in() -> None:
    step = move(make_case(State.FILED), Action.DISPATCH, standing_in()).step
    assert (DEPUTY.id, ABSENT.id) == (step.actor_id, step.on_behalf_of)
    assert move(make_case(State.FILED), Action.DISPATCH).step.on_behalf_of is None


# What is handed over.


def test_standing_in_gives_the_handed_over_post_and_takes_ones_own_away() -> None:
    actor = standing_in()
    assert ({Role.DISPATCHER}, {STREET}) == (set(actor.roles), set(actor.subdistricts))
    assert (DEPUTY.id, ABSENT.id) == (actor.id, actor.on_behalf_of)
    with pytest.raises(NotAllowed):
        move(make_case(State.HANDLED), Action.PASS_VERIFICATION, actor)


def test_a_unit_and_cells_go_with_the_post() -> None:
    one = StandIn(make_deputyship(role=Role.HANDLER), UNIT, frozenset({"c1"}))
    actor = stand_in(DEPUTY, (one,), NOW)
    assert (UNIT, {"c1"}) == (actor.unit_code, set(actor.cell_codes))
    assert move(make_case(State.HANDLING, signed_at=None), Action.SIGN_FOR, actor)


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        (NOW - timedelta.resolution, False),
        (NOW, True),
        (NOW + timedelta(days=7) - timedelta.resolution, True),
        (NOW + timedelta(days=7), False),
    ],
)
def test_a_deputyship_holds_from_its_beginning_until_before_its_end(now: Any, holds: bool) -> None:
    given_ = (StandIn(make_deputyship(), None, frozenset()),)
    if holds:
        assert ABSENT.id == stand_in(DEPUTY, given_, now).on_behalf_of
        return
    with pytest.raises(NotAllowed):
        stand_in(DEPUTY, given_, now)


def test_somebody_elses_deputyship_another_streets_and_a_deputys_deputy_do_not_count() -> None:
    one = StandIn(make_deputyship(), None, frozenset())
    for actor in (
        make_actor(Role.GRID_WORKER, number=79),
        replace(DEPUTY, subdistricts=frozenset({ELSEWHERE})),
        replace(DEPUTY, on_behalf_of=UUID(int=5)),
    ):
        with pytest.raises(NotAllowed):
            stand_in(actor, (one,), NOW)
    with pytest.raises(NotAllowed):
        stand_in(DEPUTY, (), NOW)


def test_posts_of_two_streets_are_not_mixed() -> None:
    both = replace(DEPUTY, subdistricts=frozenset({STREET, ELSEWHERE}))
    posts = (
        StandIn(make_deputyship(), None, frozenset()),
        StandIn(make_deputyship(subdistrict_code=ELSEWHERE, role=Role.DIRECTOR), None, frozenset()),
    )
    actor = stand_in(both, posts, NOW)
    assert ({Role.DISPATCHER}, {STREET}) == (set(actor.roles), set(actor.subdistricts))


# Who names deputies.


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SYSTEM}))
def test_the_director_alone_names_deputies(role: Role) -> None:
    held, deputys = frozenset({Role.DISPATCHER}), frozenset({Role.GRID_WORKER})
    if role is Role.DIRECTOR:
        assert make_deputyship() == name_deputy(make_deputyship(), make_actor(role), held, deputys)
        return
    with pytest.raises(NotAllowed):
        name_deputy(make_deputyship(), make_actor(role), held, deputys)


@pytest.mark.parametrize(
    ("over", "held", "deputys", "field"),
    [
        ({"deputy_id": ABSENT.id}, {Role.DISPATCHER}, {Role.GRID_WORKER}, "deputy_id"),
        ({}, {Role.SHIFT_LEADER}, {Role.GRID_WORKER}, "role"),
        ({}, {Role.DISPATCHER}, set(), "deputy_id"),
        ({}, {Role.DISPATCHER}, {Role.AUDITOR}, "deputy_id"),
        ({"ends_at": NOW}, {Role.DISPATCHER}, {Role.GRID_WORKER}, "ends_at"),
        ({"starts_at": NOW - HOUR * 9, "ends_at": NOW - HOUR}, {Role.DISPATCHER}, {Role.PLANNER}, "ends_at"),
        ({"ends_at": NOW + LONGEST + HOUR}, {Role.DISPATCHER}, {Role.GRID_WORKER}, "ends_at"),
        *(({"role": role}, {role}, {Role.GRID_WORKER}, "role") for role in sorted(NOT_HANDED_OVER)),
    ],
)
def test_a_deputyship_that_makes_no_sense_is_refused_by_name(
    over: dict[str, Any], held: set[Role], deputys: set[Role], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        name_deputy(make_deputyship(**over), DIRECTOR, frozenset(held), frozenset(deputys))
    assert (field, "R09") == (refused.value.facts["field"], refused.value.rule)


def test_a_deputy_of_the_director_names_no_deputies() -> None:
    deputy = replace(DIRECTOR, id=DEPUTY.id, on_behalf_of=DIRECTOR.id)
    with pytest.raises(NotAllowed):
        name_deputy(make_deputyship(), deputy, frozenset({Role.DISPATCHER}), frozenset({Role.PLANNER}))


def test_whoever_comes_back_ends_it_and_so_does_the_director_once() -> None:
    for actor in (ABSENT, DIRECTOR):
        ended = end_early(make_deputyship(), actor, NOW + HOUR)
        assert (NOW + HOUR, False) == (ended.ends_at, ended.in_force(NOW + HOUR))
        with pytest.raises(NotReady):
            end_early(ended, actor, NOW + HOUR)
    for actor in (DEPUTY, make_actor(Role.SHIFT_LEADER, number=3), replace(ABSENT, on_behalf_of=UUID(int=9))):
        with pytest.raises(NotAllowed):
            end_early(make_deputyship(), actor, NOW)


def test_a_grant_by_a_deputy_moves_the_case_and_counts_for_both() -> None:
    case, granter = make_case(State.HANDLING), standing_in()
    granted = make_granted(case, Action.EXTEND, granter)
    after = move(case, Action.EXTEND, granter, granted=granted, clocks=CLOCKS).case
    assert {DEPUTY.id: Axis.COMMAND, ABSENT.id: Axis.COMMAND} == after.acted
