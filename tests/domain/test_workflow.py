"""The table: thirteen states, twenty-three legal pairs, no dead end that is not one on purpose."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.permissions import ROLE_PERMISSIONS, Axis
from gridmgmt.domain.taxonomy import Catalogue, parse_stage_limits
from gridmgmt.domain.workflow import (
    ACTION_NAMES_ZH,
    STATE_NAMES_ZH,
    TRANSITIONS,
    Action,
    Clock,
    State,
    Transition,
    legal_actions,
    to_mermaid,
    transition,
)
from gridmgmt.errors import IllegalAction
from tests.builders_cases import FACTS

STAGE_LIMITS_CSV = Path(__file__).parents[2] / "data" / "catalogue" / "stage_limits.csv"
BEGINNINGS = {State.REPORTED, State.SELF_HANDLED}
ENDS = {State.CLOSED, State.REJECTED, State.MERGED, State.VOIDED}

# Written down a second time on purpose: from → action → to, from the standard's machine (DOMAIN §4.2).
LEGAL = {
    "reported": {
        "ask_confirmation": "reported",
        "confirm": "reported",
        "reject": "rejected",
        "merge": "merged",
        "accept": "accepted",
    },
    "self_handled": {"approve_self_handling": "closed", "refuse_self_handling": "voided"},
    "accepted": {"file": "filed", "decline": "reported"},
    "filed": {"dispatch": "handling", "void": "voided", "refer": "referred"},
    "referred": {"rule": "filed"},
    "handling": {
        "sign_for": "handling",
        "reach_milestone": "handling",
        "extend": "handling",
        "send_back": "filed",
        "hold": "on_hold",
        "submit_result": "handled",
    },
    "on_hold": {"resume": "handling"},
    "handled": {"pass_verification": "verified", "fail_verification": "handling"},
    "verified": {"close": "closed"},
    "closed": {"reopen": "handling"},
    "rejected": {},
    "merged": {},
    "voided": {},
}


def reached_from(start: set[State], usable: Callable[[Action], bool] = lambda _: True) -> set[State]:
    """All states that the table leads to from these, by usable actions."""
    seen: set[State] = set()
    waiting = set(start)
    while waiting:
        state = waiting.pop()
        seen.add(state)
        waiting |= {r.target for (s, a), r in TRANSITIONS.items() if s is state and usable(a)} - seen
    return seen


def test_the_table_is_the_machine_of_the_standard() -> None:
    assert LEGAL == {
        str(s): {str(a): str(r.target) for (f, a), r in TRANSITIONS.items() if f is s} for s in State
    }


def test_of_312_pairs_exactly_24_are_legal() -> None:
    assert (13, 24, 24) == (len(State), len(Action), len(TRANSITIONS))
    legal = {(s, a) for s in State for a in Action if a in legal_actions(s)}
    assert set(TRANSITIONS) == legal


def test_every_state_can_be_reached_from_a_report() -> None:
    assert set(State) == reached_from(BEGINNINGS)


def test_every_state_can_reach_an_end() -> None:
    assert [] == [s for s in State if not reached_from({s}) & ENDS]


def test_every_open_state_can_be_left_and_only_reopening_leaves_an_end() -> None:
    left = {state for (state, _), row in TRANSITIONS.items() if row.target is not state}
    assert (set(State) - ENDS) | {State.CLOSED} == left
    assert [(State.CLOSED, Action.REOPEN)] == [(s, a) for s, a in TRANSITIONS if s in ENDS]
    assert ENDS == {s for s in State if s.is_final}


def test_nothing_leads_from_handling_to_closed_without_a_verification() -> None:
    unverified = reached_from({State.HANDLING}, lambda a: a is not Action.PASS_VERIFICATION)
    assert State.CLOSED not in unverified
    assert {State.VERIFIED, State.SELF_HANDLED} == {
        s for (s, _), r in TRANSITIONS.items() if r.target is State.CLOSED
    }


def test_every_open_state_has_a_clock() -> None:
    with STAGE_LIMITS_CSV.open(encoding="utf-8", newline="") as file:
        desks = set(Catalogue((), stage_limits=parse_stage_limits(csv.DictReader(file))).desk_limits())
    # A unit's clock is the limit of the class; a hold lasts until the day that the request names.
    assert Clock.START is TRANSITIONS[State.FILED, Action.DISPATCH].clock
    assert "resume_on" in TRANSITIONS[State.HANDLING, Action.HOLD].requires
    assert set(State) - ENDS == desks | {State.HANDLING, State.ON_HOLD}


def test_every_row_can_be_walked_by_somebody() -> None:
    held = frozenset().union(*ROLE_PERMISSIONS.values())
    assert [] == [pair for pair, row in TRANSITIONS.items() if row.permission not in held]
    assert [] == [p for p, row in TRANSITIONS.items() if row.asked_by and row.asked_by not in held]


def test_only_void_extend_send_back_and_hold_need_a_request() -> None:
    wanted = {Action.VOID, Action.EXTEND, Action.SEND_BACK, Action.HOLD}
    assert wanted == {a for (_, a), row in TRANSITIONS.items() if row.needs_request}


def test_three_hands_do_the_loop_and_the_district_only_rules() -> None:
    hands = {axis: {a for (_, a), row in TRANSITIONS.items() if row.axis is axis} for axis in Axis}
    assert {Action.RULE} == hands[Axis.DISTRICT]
    handling = {Action.SIGN_FOR, Action.REACH_MILESTONE, Action.SUBMIT_RESULT, Action.RESUME}
    assert handling == hands[Axis.HANDLING]
    command = {Action.DISPATCH, Action.REFER, Action.EXTEND, Action.SEND_BACK, Action.HOLD}
    assert command == hands[Axis.COMMAND]
    assert set(Action) - command - hands[Axis.HANDLING] - {Action.RULE} == hands[Axis.SUPERVISION]


@pytest.mark.parametrize("state", State)
def test_a_refusal_names_the_state_the_action_and_the_legal_actions(state: State) -> None:
    for action in set(Action) - set(legal_actions(state)):
        with pytest.raises(IllegalAction) as refused:
            transition(state, action)
        assert ("R22a", "22-1") == (refused.value.rule, refused.value.article)
        assert {
            "state": str(state),
            "action": str(action),
            "legal": list(LEGAL[state]),
        } == refused.value.facts


def test_every_row_that_ends_or_turns_a_case_down_needs_a_reason() -> None:
    turned_down = {
        Action.REJECT, Action.REFUSE_SELF_HANDLING, Action.DECLINE, Action.VOID, Action.REFER,
        Action.EXTEND, Action.SEND_BACK, Action.HOLD, Action.FAIL_VERIFICATION, Action.REOPEN,
    }  # fmt: skip
    assert turned_down == {a for (_, a), row in TRANSITIONS.items() if "reason" in row.requires}


def test_missing_facts_are_named_in_order_and_blank_ones_are_missing() -> None:
    row: Transition = TRANSITIONS[State.HANDLING, Action.EXTEND]
    assert ["amount", "reason", "unit"] == row.missing_from({})
    assert ["reason"] == row.missing_from({"amount": 1, "reason": " \t", "unit": "working_day"})
    assert [] == row.missing_from(FACTS)


@pytest.mark.parametrize(
    ("value", "empty"),
    [
        (None, True),
        ("", True),
        ("　", True),
        ([], True),
        ({}, True),
        (0, False),
        (False, False),
        ("x", False),
        (["x"], False),
    ],
)
def test_no_and_zero_are_answers_and_blanks_are_not(value: object, empty: bool) -> None:
    assert empty is is_empty(value)


def test_every_state_and_action_has_its_chinese_name_once() -> None:
    assert set(State) == set(STATE_NAMES_ZH)
    assert set(Action) == set(ACTION_NAMES_ZH)
    assert len(State) == len(set(STATE_NAMES_ZH.values()))
    assert len(Action) == len(set(ACTION_NAMES_ZH.values()))


def test_the_diagram_has_an_arrow_for_every_row_beginning_and_end() -> None:
    lines = to_mermaid().splitlines()
    arrows = [line for line in lines if "-->" in line]
    assert len(TRANSITIONS) + len(BEGINNINGS) + len(ENDS) == len(arrows)
    assert 4 == sum(line.endswith("*") for line in arrows if "[*]" not in line)
