"""Requests: who may ask, until when, and that somebody else answers."""

from datetime import timedelta
from uuid import UUID

import pytest

from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.request import Request, RequestStatus, ask, decide, may_ask
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.errors import (
    DutiesNotSeparated,
    IllegalAction,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotReady,
)
from tests.builders_cases import (
    ELSEWHERE,
    FACTS,
    HOUR,
    NOW,
    OTHER_UNIT,
    WORKER,
    asked_on,
    make_actor,
    make_case,
    move,
    required_facts,
)

# Who may ask for what, from the field's table: role → actions.
MAY_ASK = {
    "handler": {"extend", "send_back", "hold"},
    "dispatcher": {"void"},
}
STATE_OF = {action: state for (state, action), row in TRANSITIONS.items() if row.needs_request}
MOMENT = timedelta(microseconds=1)


def make_asker(action: Action) -> Actor:
    return make_actor(Role.DISPATCHER if action is Action.VOID else Role.HANDLER)


def make_pending(action: Action = Action.EXTEND, **over: object) -> Request:
    case = make_case(STATE_OF[action], **over)
    return ask(
        UUID(int=60), asked_on(case), action, make_asker(action), NOW, required_facts(case.state, action)
    )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", STATE_OF)
def test_every_role_may_ask_for_what_its_post_asks_for(role: Role, action: Action) -> None:
    case = make_case(STATE_OF[action])
    actor = make_actor(role)
    # The platform handles and dispatches by policy, so the table lets it ask; nothing makes it do so.
    if action in MAY_ASK.get(role, set()) or role is Role.SYSTEM:
        assert TRANSITIONS[case.state, action] is may_ask(asked_on(case), action, actor, NOW)
        return
    with pytest.raises(NotAllowed):
        may_ask(asked_on(case), action, actor, NOW)


@pytest.mark.parametrize("state", State)
def test_only_the_four_requests_can_be_asked_for_and_only_in_their_state(state: State) -> None:
    everybody = make_actor(*set(Role) - {Role.SYSTEM})
    for action in Action:
        row = TRANSITIONS.get((state, action))
        if row is None:
            with pytest.raises(IllegalAction):
                ask(UUID(int=60), asked_on(make_case(state)), action, everybody, NOW, FACTS)
        elif not row.needs_request:
            with pytest.raises(NotReady) as refused:
                ask(UUID(int=60), asked_on(make_case(state)), action, everybody, NOW, FACTS)
            assert "direct" == refused.value.facts["guard"]
        else:
            request = ask(UUID(int=60), asked_on(make_case(state)), action, everybody, NOW, FACTS)
            assert RequestStatus.PENDING is request.status


def test_a_request_moves_nothing_and_remembers_who_asked_when_and_for_what() -> None:
    case = make_case(State.HANDLING)
    facts = {"reason": "需停水", "amount": 2, "unit": "working_day"}
    actor = make_actor(Role.HANDLER)
    request = ask(UUID(int=60), asked_on(case), Action.EXTEND, actor, NOW, facts)
    assert (
        Request(UUID(int=60), case.id, case.subdistrict_code, Action.EXTEND, facts, actor.id, NOW) == request
    )
    facts["reason"] = "changed afterwards"
    assert "需停水" == request.facts["reason"]


def test_a_handler_of_another_unit_and_a_person_out_of_scope_may_not_ask() -> None:
    on = asked_on(make_case(State.HANDLING))
    for actor in (
        make_actor(Role.HANDLER, unit_code=OTHER_UNIT),
        make_actor(Role.GRID_WORKER),
        make_actor(Role.HANDLER, subdistricts=frozenset({ELSEWHERE})),
    ):
        with pytest.raises(NotAllowed):
            may_ask(on, Action.EXTEND, actor, NOW)
    assigned = asked_on(make_case(State.HANDLING, worker_id=WORKER))
    assert may_ask(assigned, Action.EXTEND, make_actor(Role.GRID_WORKER, id=WORKER), NOW)


def test_an_extension_is_asked_for_up_to_the_deadline_and_not_after_it() -> None:
    assert make_pending(due_at=NOW)
    assert make_pending(due_at=None)
    with pytest.raises(NotReady) as refused:
        make_pending(due_at=NOW - MOMENT)
    assert ("in_time", "R22b") == (refused.value.facts["guard"], refused.value.rule)


def test_a_hold_is_asked_for_before_the_deadline_too_and_a_return_has_a_window_of_its_own() -> None:
    assert make_pending(Action.HOLD, due_at=NOW)
    with pytest.raises(NotReady) as refused:
        make_pending(Action.HOLD, due_at=NOW - MOMENT)
    assert "in_time" == refused.value.facts["guard"]
    assert make_pending(Action.SEND_BACK, due_at=NOW - HOUR)


def test_a_case_is_sent_back_within_one_working_day_of_its_dispatch() -> None:
    # Dispatched on Friday at 10:00: until Monday at 10:00, that moment included.
    assert make_pending(Action.SEND_BACK, dispatched_at=NOW - timedelta(days=3))
    with pytest.raises(NotReady) as refused:
        make_pending(Action.SEND_BACK, dispatched_at=NOW - timedelta(days=3) - MOMENT)
    assert ("return_window", "R22d") == (refused.value.facts["guard"], refused.value.rule)


def test_after_a_ruling_no_return_can_be_asked_for() -> None:
    with pytest.raises(NotReady) as refused:
        make_pending(Action.SEND_BACK, ruled=True)
    assert ("ruled", "R22d", "22-2") == (
        refused.value.facts["guard"],
        refused.value.rule,
        refused.value.article,
    )
    assert make_pending(Action.EXTEND, ruled=True)


@pytest.mark.parametrize("action", STATE_OF)
def test_every_missing_or_blank_fact_is_named(action: Action) -> None:
    on = asked_on(make_case(STATE_OF[action]))
    for name in TRANSITIONS[on.state, action].requires:
        for blank in (None, "", " ", []):
            with pytest.raises(MissingFact) as refused:
                ask(UUID(int=60), on, action, make_asker(action), NOW, {**FACTS, name: blank})
            assert [name] == refused.value.facts["missing"]


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [
        (Action.EXTEND, "amount", "a few"),
        (Action.EXTEND, "amount", 0),
        (Action.EXTEND, "unit", "week"),
        (Action.HOLD, "resume_on", "in spring"),
    ],
)
def test_what_cannot_be_read_is_refused_to_the_asker_not_to_the_granter(
    action: Action, field: str, value: object
) -> None:
    on = asked_on(make_case(State.HANDLING))
    with pytest.raises(InvalidInput) as refused:
        ask(UUID(int=60), on, action, make_asker(action), NOW, {**FACTS, field: value})
    assert {"field": field} == refused.value.facts


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.DIRECTOR])
def test_somebody_else_answers_and_the_answer_is_kept(granted: bool, role: Role) -> None:
    granter = make_actor(role, number=2)
    answered = decide(make_pending(), granter, NOW + HOUR, granted=granted, opinion="同意或否")
    assert (RequestStatus.GRANTED if granted else RequestStatus.REFUSED) is answered.status
    assert (granter.id, NOW + HOUR, "同意或否") == (
        answered.decided_by,
        answered.decided_at,
        answered.opinion,
    )


@pytest.mark.parametrize("granted", [True, False])
def test_whoever_asked_cannot_answer_whatever_his_roles(granted: bool) -> None:
    pending = make_pending()
    asker = make_actor(*set(Role) - {Role.SYSTEM}, id=pending.asked_by)
    with pytest.raises(DutiesNotSeparated):
        decide(pending, asker, NOW, granted=granted, opinion="我同意我自己")


@pytest.mark.parametrize("granted", [True, False])
def test_a_request_is_answered_once(granted: bool) -> None:
    answered = decide(
        make_pending(), make_actor(Role.DISPATCHER, number=2), NOW, granted=granted, opinion="答复"
    )
    with pytest.raises(NotReady) as refused:
        decide(answered, make_actor(Role.DIRECTOR, number=3), NOW, granted=True, opinion="")
    assert "pending" == refused.value.facts["guard"]


def test_a_refusal_says_why_and_a_grant_need_not() -> None:
    granter = make_actor(Role.DISPATCHER, number=2)
    with pytest.raises(MissingFact) as refused:
        decide(make_pending(), granter, NOW, granted=False, opinion="  ")
    assert ["opinion"] == refused.value.facts["missing"]
    assert RequestStatus.GRANTED is decide(make_pending(), granter, NOW, granted=True, opinion="").status


@pytest.mark.parametrize("action", STATE_OF)
def test_a_granted_request_performs_exactly_its_own_action(action: Action) -> None:
    case = make_case(STATE_OF[action])
    granter = make_actor(Role.DIRECTOR, number=2)
    granted = decide(make_pending(action), granter, NOW, granted=True, opinion="")
    moved = move(case, action, granter, granted=granted)
    assert TRANSITIONS[case.state, action].target is moved.case.state
    for other in set(STATE_OF) - {action}:
        with pytest.raises(NotReady):
            move(make_case(STATE_OF[other]), other, granter, granted=granted)
