"""Who may do what: every role, state and action; scope; assignment; the separation of duties."""

from uuid import UUID

import pytest

from gridmgmt.domain.case import Case, advance
from gridmgmt.domain.org import Actor, Role, system_actor
from gridmgmt.domain.permissions import (
    ROLE_PERMISSIONS,
    Axis,
    Permission,
    can,
    check_axis,
    permissions_of,
    require,
)
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.errors import DutiesNotSeparated, GridError, IllegalAction, NotAllowed
from tests.builders_cases import (
    CLOCKS,
    ELSEWHERE,
    NOW,
    OTHER_UNIT,
    STREET,
    UNIT,
    WORKER,
    case_for,
    drive,
    make_actor,
    make_case,
    make_granted,
    move,
    required_facts,
)

# Written down from the posts of the field (DOMAIN §4.1), not from the code: role → what it may do,
# wherever the table knows the action. Handling is bound to the assignment and has tests of its own.
MAY = {
    "grid_worker": {"confirm", "pass_verification", "fail_verification"},
    "acceptor": {"ask_confirmation", "reject", "merge", "accept"},
    "shift_leader": {
        "ask_confirmation", "reject", "merge", "accept", "file", "decline", "void", "close", "reopen",
        "approve_self_handling", "refuse_self_handling", "extend",
    },
    "dispatcher": {"dispatch", "refer", "extend", "send_back", "hold"},
    "handler": {"sign_for", "reach_milestone", "submit_result", "resume"},
    "supervisor": set(),
    "director": {"extend", "send_back", "hold", "void"},
    "district_officer": {"rule"},
    "planner": set(),
    "administrator": set(),
    "security_administrator": set(),
    "auditor": set(),
    "peer": set(),
    "system": {
        "ask_confirmation", "reject", "merge", "accept", "file", "decline", "dispatch", "sign_for",
        "reach_milestone", "submit_result", "resume", "close", "reopen", "approve_self_handling",
        "refuse_self_handling", "refer",
    },
}  # fmt: skip
HANDLING = {"sign_for", "reach_milestone", "submit_result", "resume"}
LEGAL = {
    "reported": {"ask_confirmation", "confirm", "reject", "merge", "accept"},
    "self_handled": {"approve_self_handling", "refuse_self_handling"},
    "accepted": {"file", "decline"},
    "filed": {"dispatch", "void", "refer"},
    "referred": {"rule"},
    "handling": {"sign_for", "reach_milestone", "extend", "send_back", "hold", "submit_result"},
    "on_hold": {"resume"},
    "handled": {"pass_verification", "fail_verification"},
    "verified": {"close"},
    "closed": {"reopen"},
    "rejected": set(),
    "merged": set(),
    "voided": set(),
}
EVERY_PAIR = [(state, action) for state in State for action in Action]
EVERY_ROLE = frozenset(Role) - {Role.SYSTEM}


def attempt(case: Case, action: Action, actor: Actor) -> str:
    """``ok``, or the class of the refusal; facts complete, request granted."""
    granted = make_granted(case, action, actor)
    try:
        advance(
            case, action, actor, NOW,
            clocks=CLOCKS, facts=required_facts(case.state, action), granted=granted,
        )  # fmt: skip
    except GridError as refusal:
        return type(refusal).__name__
    return "ok"


def outcomes(actor: Actor, **case: object) -> dict[tuple[str, str], str]:
    """What becomes of every (state, action) in this actor's hands."""
    return {(str(s), str(a)): attempt(case_for(s, a, **case), a, actor) for s, a in EVERY_PAIR}


def expected(allowed: set[str], *, reads: bool = True) -> dict[tuple[str, str], str]:
    """Illegal pairs are named as such, to those who may read cases; legal ones go through where allowed."""
    if not reads:
        return {(str(s), str(a)): "NotAllowed" for s, a in EVERY_PAIR}
    return {
        (str(s), str(a)): "IllegalAction" if a not in LEGAL[s] else "ok" if a in allowed else "NotAllowed"
        for s, a in EVERY_PAIR
    }


def test_the_matrix_knows_every_role_and_every_legal_pair() -> None:
    assert {str(role) for role in Role} == set(MAY)
    assert 14 * 13 * 24 == len(MAY) * len(EVERY_PAIR)
    assert {(str(s), str(a)) for s, a in TRANSITIONS} == {(s, a) for s, row in LEGAL.items() for a in row}


@pytest.mark.parametrize("role", Role)
def test_every_role_may_do_what_its_post_does_and_nothing_else(role: Role) -> None:
    actor = system_actor(STREET) if role is Role.SYSTEM else make_actor(role)
    reads = Permission.CASE_READ in permissions_of(actor)
    assert expected(MAY[role], reads=reads) == outcomes(actor, unit_code=UNIT, worker_id=WORKER)


@pytest.mark.parametrize("role", Role)
def test_out_of_scope_every_role_is_refused_everything_and_learns_nothing(role: Role) -> None:
    actor = make_actor(role, subdistricts=frozenset({ELSEWHERE}))
    assert {"NotAllowed"} == set(outcomes(actor).values())
    for state, action in EVERY_PAIR:
        with pytest.raises(NotAllowed) as refused:
            advance(make_case(state), action, actor, NOW, clocks=CLOCKS, expected_version=99)
        assert {"permission": "case:read", "in_scope": False} == refused.value.facts


@pytest.mark.parametrize("unit_code", [OTHER_UNIT, None])
def test_a_handler_of_another_unit_or_of_none_moves_nothing(unit_code: str | None) -> None:
    actor = make_actor(Role.HANDLER, unit_code=unit_code)
    assert expected(set()) == outcomes(actor, unit_code=UNIT)


def test_a_handler_without_unit_does_not_match_a_case_without_unit() -> None:
    actor = make_actor(Role.HANDLER, unit_code=None)
    assert expected(set()) == outcomes(actor, unit_code=None)


def test_the_assigned_worker_handles_as_well() -> None:
    actor = make_actor(Role.GRID_WORKER, id=WORKER)
    assert expected(MAY["grid_worker"] | HANDLING) == outcomes(actor, unit_code=UNIT, worker_id=WORKER)


def test_a_worker_whose_file_names_the_unit_is_still_no_handler_of_it() -> None:
    actor = make_actor(Role.GRID_WORKER, unit_code=UNIT)
    assert expected(MAY["grid_worker"]) == outcomes(actor, unit_code=UNIT, worker_id=WORKER)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.GRID_WORKER, Role.HANDLER, Role.SYSTEM}))
def test_being_named_as_worker_gives_no_post(role: Role) -> None:
    actor = make_actor(role, id=WORKER)
    reads = Permission.CASE_READ in permissions_of(actor)
    assert expected(MAY[role], reads=reads) == outcomes(actor, unit_code=UNIT, worker_id=WORKER)


def test_one_person_with_all_roles_may_do_each_thing_on_a_case_he_has_not_touched() -> None:
    actor = make_actor(*EVERY_ROLE)
    assert expected({a for row in LEGAL.values() for a in row}) == outcomes(actor, unit_code=UNIT)


def test_a_person_without_roles_may_do_nothing() -> None:
    assert expected(set(), reads=False) == outcomes(make_actor(), unit_code=UNIT)
    assert frozenset() == permissions_of(make_actor())


def test_roles_of_one_person_add_up() -> None:
    both = permissions_of(make_actor(Role.ACCEPTOR, Role.DISPATCHER))
    assert ROLE_PERMISSIONS[Role.ACCEPTOR] | ROLE_PERMISSIONS[Role.DISPATCHER] == both


def test_every_role_is_in_the_table_and_every_permission_is_held_by_somebody() -> None:
    assert set(Role) == set(ROLE_PERMISSIONS)
    assert set(Permission) == frozenset().union(*ROLE_PERMISSIONS.values())


def test_those_who_keep_accounts_and_logs_see_no_case() -> None:
    business = {p for p in Permission if p.startswith(("case:", "board:", "plan:", "report:"))}
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        assert set() == ROLE_PERMISSIONS[role] & business
    assert {Role.AUDITOR} == {r for r in Role if Permission.AUDIT_READ in ROLE_PERMISSIONS[r]}


def test_no_single_post_both_handles_and_closes_or_dispatches_and_verifies() -> None:
    for role in EVERY_ROLE:
        held = ROLE_PERMISSIONS[role]
        assert not {Permission.CASE_HANDLE, Permission.CASE_CLOSE} <= held
        assert not {Permission.CASE_DISPATCH, Permission.CASE_VERIFY} <= held
        assert not {Permission.CASE_DISPATCH, Permission.CASE_CLOSE} <= held


def test_the_refusal_names_the_permission_and_that_the_thing_is_in_scope() -> None:
    with pytest.raises(NotAllowed) as refused:
        require(make_actor(Role.SUPERVISOR), Permission.CASE_CLOSE, STREET)
    assert {"permission": "case:close", "in_scope": True} == refused.value.facts
    assert ("11", "R11") == (refused.value.article, refused.value.rule)


def test_scope_is_a_set_of_streets() -> None:
    actor = make_actor(Role.ACCEPTOR, subdistricts=frozenset({STREET, ELSEWHERE}))
    assert can(actor, Permission.CASE_ACCEPT, STREET)
    assert can(actor, Permission.CASE_ACCEPT, ELSEWHERE)
    assert not can(actor, Permission.CASE_ACCEPT, "120116007")


# Separation of duties 监管分离 (R22a). The person below holds every role, so only the rule stops him.


@pytest.mark.parametrize("first", Axis)
@pytest.mark.parametrize("second", Axis)
def test_one_person_lends_a_case_one_hand(first: Axis, second: Axis) -> None:
    actor = make_actor(*EVERY_ROLE)
    if first is second:
        check_axis({actor.id: first}, actor, second)
        return
    with pytest.raises(DutiesNotSeparated) as refused:
        check_axis({actor.id: first}, actor, second)
    assert {"acted_for": str(first), "asked_for": str(second), "in_scope": True} == refused.value.facts


@pytest.mark.parametrize("first", Axis)
def test_whoever_acted_for_one_hand_is_refused_every_action_of_the_others(first: Axis) -> None:
    actor = make_actor(*EVERY_ROLE)
    for (state, action), row in TRANSITIONS.items():
        case = case_for(state, action, acted={actor.id: first})
        assert ("ok" if row.axis is first else "DutiesNotSeparated") == attempt(case, action, actor)


def test_what_others_did_binds_nobody_else() -> None:
    others = {UUID(int=n): axis for n, axis in enumerate(Axis, start=900)}
    for state, action in TRANSITIONS:
        assert "ok" == attempt(case_for(state, action, acted=others), action, make_actor(*EVERY_ROLE))


def test_the_platform_is_exempt_and_leaves_no_mark() -> None:
    case = drive(make_case(), Action.ACCEPT)
    after = move(case, Action.FILE, system_actor(STREET)).case
    assert set(case.acted) == set(after.acted)


def test_whoever_handled_can_neither_verify_nor_close() -> None:
    one = make_actor(*EVERY_ROLE)
    handled = move(make_case(State.HANDLING), Action.SUBMIT_RESULT, one).case
    for action in (Action.PASS_VERIFICATION, Action.FAIL_VERIFICATION):
        with pytest.raises(DutiesNotSeparated):
            move(handled, action, one)
    verified = drive(handled, Action.PASS_VERIFICATION)
    with pytest.raises(DutiesNotSeparated):
        move(verified, Action.CLOSE, one)
    assert State.CLOSED is drive(verified, Action.CLOSE).state


def test_whoever_only_signed_has_handled() -> None:
    one = make_actor(*EVERY_ROLE)
    case = move(make_case(State.HANDLING, signed_at=None), Action.SIGN_FOR, one).case
    handled = drive(case, Action.SUBMIT_RESULT)
    with pytest.raises(DutiesNotSeparated):
        move(handled, Action.PASS_VERIFICATION, one)


def test_whoever_dispatched_can_neither_handle_verify_nor_close() -> None:
    one = make_actor(*EVERY_ROLE)
    case = move(make_case(State.FILED), Action.DISPATCH, one).case
    with pytest.raises(DutiesNotSeparated):
        move(case, Action.SIGN_FOR, one)
    handled = drive(case, Action.SIGN_FOR, Action.SUBMIT_RESULT)
    with pytest.raises(DutiesNotSeparated):
        move(handled, Action.PASS_VERIFICATION, one)
    with pytest.raises(DutiesNotSeparated):
        move(drive(handled, Action.PASS_VERIFICATION), Action.CLOSE, one)


def test_whoever_filed_cannot_dispatch() -> None:
    one = make_actor(*EVERY_ROLE)
    with pytest.raises(DutiesNotSeparated):
        move(move(make_case(State.ACCEPTED), Action.FILE, one).case, Action.DISPATCH, one)


def test_whoever_granted_a_return_cannot_rule_and_whoever_ruled_cannot_dispatch() -> None:
    one = make_actor(*EVERY_ROLE)
    returned = move(make_case(State.HANDLING), Action.SEND_BACK, one).case
    with pytest.raises(DutiesNotSeparated):
        move(drive(returned, Action.REFER), Action.RULE, one)
    ruled = move(drive(returned, Action.REFER), Action.RULE, make_actor(*EVERY_ROLE, number=2)).case
    with pytest.raises(DutiesNotSeparated):
        move(ruled, Action.DISPATCH, make_actor(*EVERY_ROLE, number=2))


def test_the_reporter_may_handle_but_then_another_person_verifies() -> None:
    reporter = make_actor(Role.GRID_WORKER)
    case = make_case(State.HANDLING, reported_by=reporter.id, worker_id=reporter.id)
    handled = move(case, Action.SUBMIT_RESULT, reporter).case
    with pytest.raises(DutiesNotSeparated):
        move(handled, Action.PASS_VERIFICATION, reporter)
    assert (
        State.VERIFIED
        is move(handled, Action.PASS_VERIFICATION, make_actor(Role.GRID_WORKER, number=2)).case.state
    )


def test_the_reporter_may_verify_what_others_handled() -> None:
    reporter = make_actor(Role.GRID_WORKER)
    handled = drive(make_case(State.HANDLING, reported_by=reporter.id), Action.SUBMIT_RESULT)
    assert State.VERIFIED is move(handled, Action.PASS_VERIFICATION, reporter).case.state


def test_the_order_of_refusals_says_scope_then_state_then_post_then_hand() -> None:
    one = make_actor(*EVERY_ROLE)
    case = make_case(State.FILED, acted={one.id: Axis.SUPERVISION})
    with pytest.raises(IllegalAction):
        move(case, Action.CLOSE, make_actor(Role.SUPERVISOR))
    with pytest.raises(NotAllowed) as refused:
        move(case, Action.DISPATCH, make_actor(Role.SUPERVISOR))
    assert NotAllowed is type(refused.value)
    with pytest.raises(DutiesNotSeparated):
        move(case, Action.DISPATCH, one, unit_code="")
