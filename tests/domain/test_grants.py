"""Who grants the first, the second and the third request; written down per role and count, not computed."""

from datetime import timedelta

import pytest

from gridmgmt.domain.grants import Granted, Level, level_of, require_level
from gridmgmt.domain.org import Actor, Role, system_actor
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import GridError, InvalidInput, MissingFact, NotAllowed, NotReady
from tests.builders_cases import NOW, STREET, drive, make_actor, make_case, move

# DOMAIN §4.2: action, how often before, works of engineering → who may grant it.
FIRST_LINE = {"shift_leader", "dispatcher", "director"}
GRANTS = {
    ("extend", 0, "no"): FIRST_LINE,
    ("extend", 0, "yes"): {"director"},
    ("extend", 1, "no"): {"director"},
    ("extend", 1, "yes"): {"director"},
    ("extend", 5, "no"): {"director"},
    ("send_back", 0, "no"): {"dispatcher", "director"},
    ("send_back", 1, "no"): {"director"},
    ("send_back", 2, "no"): {"system"},
    ("send_back", 3, "no"): {"system"},
    ("hold", 0, "no"): {"dispatcher", "director"},
    ("hold", 3, "no"): {"dispatcher", "director"},
}
COUNT = {"extend": "extension_count", "send_back": "return_count", "hold": "return_count"}


def person(role: Role) -> Actor:
    return system_actor(STREET) if role is Role.SYSTEM else make_actor(role)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("action", "before", "works"), GRANTS)
def test_each_role_grants_what_the_table_gives_it(role: Role, action: str, before: int, works: str) -> None:
    case = make_case(State.HANDLING, **{COUNT[action]: before})
    facts = {"engineering": works, "document_no": "街延〔2026〕2号"}
    try:
        move(case, Action(action), person(role), **facts)
    except NotAllowed:
        granted = False
    else:
        granted = True
    assert (str(role) in GRANTS[action, before, works]) is granted


@pytest.mark.parametrize(("before", "works"), [(1, "no"), (0, "yes"), (0, True)])
@pytest.mark.parametrize("document", [None, "", "  "])
def test_a_higher_extension_rests_on_a_signed_document(before: int, works: object, document: object) -> None:
    case = make_case(State.HANDLING, extension_count=before)
    with pytest.raises(MissingFact) as refused:
        move(
            case, Action.EXTEND, make_actor(Role.DIRECTOR), engineering=works, document_no=document
        )  # fmt: skip
    assert (["document_no"], "22-2") == (refused.value.facts["missing"], refused.value.article)


def test_a_first_extension_and_a_second_return_need_no_document() -> None:
    assert move(make_case(State.HANDLING), Action.EXTEND, make_actor(Role.SHIFT_LEADER))
    assert move(make_case(State.HANDLING, return_count=1), Action.SEND_BACK, make_actor(Role.DIRECTOR))


def test_a_unit_that_gets_the_case_from_another_one_begins_with_no_extension() -> None:
    extended = drive(make_case(State.HANDLING), Action.EXTEND)
    assert 1 == extended.extension_count
    again = drive(extended, Action.SEND_BACK, Action.DISPATCH)
    assert (0, 1) == (again.extension_count, again.return_count)
    assert move(again, Action.EXTEND, make_actor(Role.SHIFT_LEADER, number=9))


def test_rework_gives_no_fresh_extension() -> None:
    case = drive(make_case(State.HANDLING), Action.EXTEND, Action.SUBMIT_RESULT, Action.FAIL_VERIFICATION)
    with pytest.raises(NotAllowed):
        move(case, Action.EXTEND, make_actor(Role.SHIFT_LEADER, number=9))


def test_returns_are_counted_over_all_units() -> None:
    case = make_case(State.HANDLING)
    levels = []
    for _ in range(4):
        levels.append(level_of(Action.SEND_BACK, Granted(0, case.return_count), {}))
        by = {
            Level.FIRST: make_actor(Role.DISPATCHER, number=list(Role).index(Role.DISPATCHER)),
            Level.HIGHER: make_actor(Role.DIRECTOR, number=list(Role).index(Role.DIRECTOR)),
            Level.DISTRICT: system_actor(STREET),
        }[levels[-1]]
        case = drive(move(case, Action.SEND_BACK, by).case, Action.DISPATCH, Action.SIGN_FOR)
    assert [Level.FIRST, Level.HIGHER, Level.DISTRICT, Level.DISTRICT] == levels


def test_what_says_neither_yes_nor_no_to_engineering_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refused:
        level_of(Action.EXTEND, Granted(0, 0), {"engineering": "perhaps"})
    assert {"field": "engineering"} == refused.value.facts


def test_every_refusal_of_a_level_names_article_and_rule() -> None:
    for role, before in ((Role.DISPATCHER, Granted(0, 1)), (Role.DIRECTOR, Granted(0, 2))):
        with pytest.raises(GridError) as refused:
            require_level(Action.SEND_BACK, before, {}, make_actor(role), STREET)
        assert refused.value.article
        assert refused.value.rule


# Reopening.

LONG = timedelta(days=15)


def test_a_case_is_reopened_within_fifteen_days_and_not_a_moment_later() -> None:
    closed = make_case(State.CLOSED, closed_at=NOW - LONG)
    assert 1 == move(closed, Action.REOPEN).case.rework_count
    with pytest.raises(NotReady) as refused:
        move(closed, Action.REOPEN, now=NOW + timedelta(microseconds=1))
    assert ("reopen_window", "R22a") == (refused.value.facts["guard"], refused.value.rule)
    assert NOW.isoformat() == refused.value.facts["until"]


def test_every_rework_is_counted() -> None:
    case = drive(make_case(State.HANDLED), Action.FAIL_VERIFICATION, Action.SUBMIT_RESULT)
    case = drive(case, Action.FAIL_VERIFICATION, Action.SUBMIT_RESULT, Action.PASS_VERIFICATION)
    assert 3 == drive(case, Action.CLOSE, Action.REOPEN).rework_count
