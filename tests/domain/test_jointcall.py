"""Joint calls: every sequence of actions to depth six on one lead and two assistants, against written rules.

The rules are written down here a second time, from articles 8, 22 and 39 and DOMAIN §4.2, and know nothing
of the module's table. At every call that some sequence leads to, every action is tried; what the module does
must be what the rules say, and the invariants are checked on what comes out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from gridmgmt.domain.beside import Beside
from gridmgmt.domain.callorder import issue, require_well_formed
from gridmgmt.domain.case import advance
from gridmgmt.domain.jointcall import (
    CALL_ACTION_NAMES_ZH,
    CALL_RULES,
    TASK_STATE_NAMES_ZH,
    CallAction,
    JointCall,
    OpinionBasis,
    Part,
    Purpose,
    Task,
    TaskState,
    act,
    legal_actions,
)
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.errors import (
    DutiesNotSeparated,
    GridError,
    IllegalAction,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotReady,
)
from tests.builders_calls import (
    CALL_FACTS,
    DUE,
    FIRST,
    LEAD,
    SECOND,
    UNIT_OF,
    make_call,
    make_task,
    unit_of,
)
from tests.builders_cases import CLOCKS, ELSEWHERE, FACTS, HOUR, NOW, make_actor, make_case, make_granted

DIRECTOR = make_actor(Role.DIRECTOR, number=450)
DISPATCHER = make_actor(Role.DISPATCHER, number=451)
TOO_LATE = DUE + HOUR
DEPTH = 6

# From a sub-task's state, what may be done to it and what it then is. An opinion changes no state.
MOVES: Mapping[str, Mapping[str, str]] = {
    "called": {"sign_in": "signed_in", "refuse": "refused", "withdraw": "withdrawn"},
    "signed_in": {"arrive": "arrived", "refuse": "refused", "withdraw": "withdrawn"},
    "arrived": {"report": "done", "refuse": "refused", "withdraw": "withdrawn"},
    "done": {},
    "refused": {},
    "withdrawn": {},
}
ENDED = {"done", "refused", "withdrawn"}
# Who may do it, whatever the state: the unit it was given to, the street's command, the director.
MAY = {
    "sign_in": {"own unit"}, "arrive": {"own unit"}, "report": {"own unit"}, "refuse": {"own unit"},
    "withdraw": {"dispatcher", "director"}, "assess": {"director"},
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A call that a sequence of actions led to, and the time; ``now`` moves once, past every limit."""

    call: JointCall
    now: datetime = NOW

    @property
    def key(self) -> object:
        return (self.call.tasks, self.now)


def person_for(action: CallAction, task: Task) -> Actor:
    if action is CallAction.ASSESS:
        return DIRECTOR
    return DISPATCHER if action is CallAction.WITHDRAW else unit_of(task.id)


def attempt(call: JointCall, task_id: UUID, action: CallAction, actor: Actor, now: datetime) -> object:
    """The call after it, or the class of the refusal with its guard."""
    try:
        return act(call, task_id, action, actor, now, CALL_FACTS)
    except GridError as refusal:
        return type(refusal).__name__, refusal.facts.get("guard")


def expected(node: Node, task: Task, action: str) -> object:
    """What the written rules say: the state after it, an opinion's basis, or the refusal."""
    open_others = [t for t in node.call.tasks if t.id != task.id and t.state not in ENDED]
    if action == "assess":
        return expected_opinion(node, task)
    target = MOVES[task.state].get(action)
    if target is None:
        return "IllegalAction", None
    if task.part == "lead" and action in {"report", "withdraw"} and open_others:
        return "NotReady", "assistants_done"
    return target


def expected_opinion(node: Node, task: Task) -> object:
    closed = all(t.state in ENDED for t in node.call.tasks)
    missed = (
        (task.signed_in_at or task.ended_at or node.now) > NOW + HOUR / 2
        or (task.arrived_at or task.ended_at or node.now) > NOW + 2 * HOUR
        or (task.ended_at or node.now) > DUE
    )
    if not closed and not missed:
        return "NotReady", "assessable"
    basis = "closed" if closed else "overdue"
    return ("NotReady", "assessed_once") if basis in [o.basis for o in task.opinions] else basis


def children(node: Node) -> Iterator[tuple[UUID | None, CallAction | None, object]]:
    """Every action on every sub-task and what came of it; and the passing of time."""
    for task in node.call.tasks:
        for action in CallAction:
            yield (
                task.id, action, attempt(node.call, task.id, action, person_for(action, task), node.now)
            )  # fmt: skip
    if node.now == NOW:
        yield None, None, replace(node, now=TOO_LATE)


def check_step(node: Node, task: Task, action: CallAction, outcome: object) -> None:
    """What one action did is what the rules say, and touched nothing else."""
    wanted = expected(node, task, str(action))
    if isinstance(wanted, tuple):
        assert wanted == outcome
        return
    assert isinstance(outcome, JointCall)
    after = outcome.task(task.id)
    assert after is not None
    others = [(a, b) for a, b in zip(node.call.tasks, outcome.tasks, strict=True) if a.id != task.id]
    assert all(a == b for a, b in others)
    assert node.call.version + 1 == outcome.version
    if action is CallAction.ASSESS:
        assert task == replace(after, opinions=task.opinions)
        assert wanted == after.opinions[-1].basis
        return
    assert wanted == after.state
    assert after.opinions == task.opinions


def check_invariants(call: JointCall, now: datetime) -> None:
    leads = [t for t in call.tasks if t.part is Part.LEAD]
    assert 1 == len(leads)
    assert call.is_closed == (call.closed_at is not None) == all(t.state in ENDED for t in call.tasks)
    for task in call.tasks:
        ended = task.state in ENDED
        # Nothing is cancelled silently: whoever ended it, when and with which words is kept.
        assert ended == (task.ended_at is not None) == (task.ended_by is not None) == bool(task.words)
        assert (task.arrived_at is None) or (task.signed_in_at is not None)
        assert (task.state != "done") or (task.arrived_at is not None)
        assert len(task.opinions) == len({o.basis for o in task.opinions})
    if leads[0].state in {"done", "withdrawn"}:
        assert call.is_closed
    # The parent cannot close over an open child, whatever ends it.
    assert ("ok" if call.is_closed else "open_call") == end_parent(() if call.is_closed else (call.id,))


@cache
def end_parent(open_calls: tuple[UUID, ...]) -> str:
    """Every way of ending a case over what stands beside it: all go, or all name the same guard."""
    beside = Beside(open_calls=open_calls)
    answers = {try_end(state, action, beside) for state, action in ENDINGS}
    (answer,) = answers
    return answer


ENDINGS = (
    (State.VERIFIED, Action.CLOSE),
    (State.FILED, Action.VOID),
    (State.REPORTED, Action.REJECT),
    (State.REPORTED, Action.MERGE),
    (State.SELF_HANDLED, Action.APPROVE_SELF_HANDLING),
    (State.SELF_HANDLED, Action.REFUSE_SELF_HANDLING),
)
SHIFT = make_actor(Role.SHIFT_LEADER, number=452)


def try_end(state: State, action: Action, beside: Beside) -> str:
    case = make_case(state)
    granted = make_granted(case, action, SHIFT)
    try:
        advance(case, action, SHIFT, NOW, clocks=CLOCKS, facts=FACTS, granted=granted, beside=beside)
    except NotReady as refusal:
        return str(refusal.facts["guard"])
    return "ok"


def test_every_sequence_of_actions_to_depth_six_keeps_the_rules_and_the_invariants() -> None:
    """Sequences that lead to the same call are followed once: what comes after hangs on the call alone."""
    begin = Node(make_call())
    nodes: dict[object, Node] = {begin.key: begin}
    followed: dict[object, list[object]] = {}
    ways: Counter[object] = Counter({begin.key: 1})
    sequences = 0
    check_invariants(begin.call, begin.now)
    for _ in range(DEPTH):
        ways_on: Counter[object] = Counter()
        for key, count in ways.items():
            if key not in followed:
                followed[key] = [follow(nodes, nodes[key], *step) for step in children(nodes[key])]
            sequences += count * len(followed[key])
            for after in followed[key]:
                ways_on[after] += count
        ways = ways_on
    # At each of the six steps 18 actions, and once the passing of time.
    assert sequences > 18**DEPTH
    assert len(nodes) > 1_000
    reached = [nodes[key].call for key in ways]
    assert {t.state for call in reached for t in call.tasks} == set(TaskState)
    assert {o.basis for call in reached for t in call.tasks for o in t.opinions} == set(OpinionBasis)


def follow(
    nodes: dict[object, Node], node: Node, task_id: UUID | None, action: CallAction | None, outcome: object
) -> object:
    """The key of what one more step leads to; new calls are checked and kept."""
    if task_id is None or action is None:
        assert isinstance(outcome, Node)
        after = outcome
    else:
        task = node.call.task(task_id)
        assert task is not None
        check_step(node, task, action, outcome)
        # A refused action changes nothing: the sequence goes on from the same call.
        after = Node(outcome, node.now) if isinstance(outcome, JointCall) else node
    if after.key not in nodes:
        nodes[after.key] = after
        check_invariants(after.call, after.now)
    return after.key


def test_every_ending_of_a_case_is_tried_against_an_open_call() -> None:
    assert {pair for pair, row in TRANSITIONS.items() if row.target.is_final} == set(ENDINGS)


EVERYBODY = {
    **{str(role): make_actor(role, number=460 + n) for n, role in enumerate(Role) if role is not Role.SYSTEM},
    "own unit": unit_of(LEAD),
    "another unit": unit_of(FIRST),
    "nobody": make_actor(number=499),
}


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("action", CallAction)
def test_every_role_state_and_action_is_answered_by_the_written_table(
    who: str, state: TaskState, action: CallAction
) -> None:
    ended = {"ended_at": NOW, "ended_by": UUID(int=1), "words": "已办"} if state in ENDED else {}
    task = make_task(state=state, signed_in_at=NOW, arrived_at=NOW, **ended)
    others = tuple(
        make_task(t, state=TaskState.DONE, ended_at=NOW, ended_by=UUID(int=1), words="已办")
        for t in (FIRST, SECOND)
    )
    outcome = attempt(make_call(tasks=(task, *others)), LEAD, action, EVERYBODY[who], TOO_LATE)
    reads = who not in {"planner", "administrator", "security_administrator", "auditor", "peer", "nobody"}
    if not reads:
        assert ("NotAllowed", None) == outcome
    elif action is not CallAction.ASSESS and str(action) not in MOVES[state]:
        assert ("IllegalAction", None) == outcome
    elif who in MAY[action]:
        assert isinstance(outcome, JointCall)
    else:
        assert ("NotAllowed", None) == outcome


def test_the_table_is_the_written_one() -> None:
    table = {
        s: {a: str(CALL_RULES[a].target) for a in legal_actions(make_task(state=s)) if CALL_RULES[a].target}
        for s in TaskState
    }
    assert MOVES == table
    assert set(CallAction) == set(CALL_RULES) == set(CALL_ACTION_NAMES_ZH)
    assert set(TaskState) == set(TASK_STATE_NAMES_ZH)


def test_an_illegal_action_names_the_legal_ones_and_the_article() -> None:
    with pytest.raises(IllegalAction) as refused:
        act(make_call(), LEAD, CallAction.REPORT, unit_of(LEAD), NOW, CALL_FACTS)
    assert ["sign_in", "refuse", "withdraw", "assess"] == refused.value.facts["legal"]
    assert ("39-1", "R08a") == (refused.value.article, refused.value.rule)


@pytest.mark.parametrize("blank", [None, "", " ", "　"])
@pytest.mark.parametrize(
    ("action", "name", "state"),
    [
        (CallAction.REFUSE, "reason", TaskState.CALLED),
        (CallAction.WITHDRAW, "reason", TaskState.CALLED),
        (CallAction.REPORT, "result", TaskState.ARRIVED),
    ],
)
def test_nothing_ends_without_words(action: CallAction, name: str, state: TaskState, blank: object) -> None:
    call = make_call(tasks=(make_task(), make_task(FIRST, state=state), make_task(SECOND)))
    with pytest.raises(MissingFact) as refused:
        act(call, FIRST, action, person_for(action, make_task(FIRST)), NOW, {**CALL_FACTS, name: blank})
    assert [name] == refused.value.facts["missing"]


@pytest.mark.parametrize("score", [0, 6, "many", True, -1, 2.5])
def test_a_score_lies_between_one_and_five(score: object) -> None:
    with pytest.raises(InvalidInput):
        act(make_call(), LEAD, CallAction.ASSESS, DIRECTOR, TOO_LATE, {**CALL_FACTS, "score": score})


def changed(**over: Any) -> JointCall:
    return make_call(**over)


@pytest.mark.parametrize(
    "call",
    [
        changed(tasks=(make_task(FIRST), make_task(SECOND))),
        changed(tasks=(make_task(), make_task(FIRST, part=Part.LEAD))),
        changed(tasks=()),
        changed(tasks=(make_task(), make_task(FIRST, unit_code=UNIT_OF[LEAD]))),
        changed(
            tasks=(make_task(), *(make_task(FIRST, id=UUID(int=n), unit_code=f"U{n}") for n in range(20)))
        ),
        changed(text=" "),
        changed(tasks=(make_task(what=""),)),
    ],
    ids=["no lead", "two leads", "nobody", "a unit twice", "too many", "no text", "no task"],
)
def test_a_call_has_one_lead_each_unit_once_and_words(call: JointCall) -> None:
    with pytest.raises(InvalidInput):
        require_well_formed(call)


def test_a_call_to_one_lead_alone_is_well_formed() -> None:
    require_well_formed(make_call(tasks=(make_task(),)))
    require_well_formed(make_call())


def test_a_limit_is_kept_at_its_very_instant_and_missed_after_it() -> None:
    moment = NOW + HOUR / 2
    assert () == make_task().late(moment)
    assert ("sign_in",) == make_task().late(moment + HOUR / 3600)
    assert ("sign_in", "arrive", "result") == make_task().late(TOO_LATE)
    in_time = make_task(state=TaskState.REFUSED, ended_at=NOW)
    assert () == in_time.late(TOO_LATE)


def test_whoever_acted_for_another_hand_of_the_case_answers_no_call_and_the_other_way_round() -> None:
    unit = unit_of(LEAD)
    for axis in set(Axis) - {Axis.HANDLING}:
        with pytest.raises(DutiesNotSeparated):
            act(make_call(), LEAD, CallAction.SIGN_IN, unit, NOW, {}, acted={unit.id: axis})
    after = act(make_call(), LEAD, CallAction.SIGN_IN, unit, NOW, {})
    assert {unit.id: Axis.HANDLING} == after.hands
    verifier = replace(make_actor(Role.GRID_WORKER), id=unit.id)
    with pytest.raises(DutiesNotSeparated):
        advance(
            make_case(State.HANDLED), Action.PASS_VERIFICATION, verifier, NOW,
            clocks=CLOCKS, facts=FACTS, beside=Beside(hands=after.hands),
        )  # fmt: skip


def test_another_street_is_told_nothing() -> None:
    stranger = replace(unit_of(LEAD), subdistricts=frozenset({ELSEWHERE}))
    with pytest.raises(NotAllowed) as refused:
        act(make_call(), LEAD, CallAction.REPORT, stranger, NOW, CALL_FACTS)
    assert refused.value.facts["in_scope"] is False


def test_a_lead_that_refuses_leaves_the_assistants_at_work() -> None:
    call = act(make_call(), LEAD, CallAction.REFUSE, unit_of(LEAD), NOW, CALL_FACTS)
    assert not call.is_closed
    for task_id in (FIRST, SECOND):
        call = act(call, task_id, CallAction.WITHDRAW, DISPATCHER, NOW + HOUR, CALL_FACTS)
    assert NOW + HOUR == call.closed_at


# Issuing.


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SYSTEM}))
def test_the_dispatcher_calls_on_a_signed_order_and_the_director_signs_himself(role: Role) -> None:
    actor = make_actor(role, number=480)
    if role not in {Role.DISPATCHER, Role.DIRECTOR}:
        with pytest.raises(NotAllowed):
            issue(make_call(), actor, State.HANDLING, {})
        return
    assert {actor.id: Axis.COMMAND} == issue(make_call(), actor, State.HANDLING, {}).hands
    unsigned = make_call(document_no=" ")
    assert issue(replace(unsigned, purpose=Purpose.EMERGENCY), actor, State.HANDLING, {})
    if role is Role.DIRECTOR:
        assert issue(unsigned, actor, State.HANDLING, {})
        return
    with pytest.raises(MissingFact) as refused:
        issue(unsigned, actor, State.HANDLING, {})
    assert (["document_no"], "9") == (refused.value.facts["missing"], refused.value.article)


@pytest.mark.parametrize("state", State)
def test_a_call_is_about_an_open_case(state: State) -> None:
    if not state.is_final:
        assert issue(make_call(), DIRECTOR, state, {})
        return
    with pytest.raises(NotReady) as refused:
        issue(make_call(), DIRECTOR, state, {})
    assert "open_case" == refused.value.facts["guard"]


def test_whoever_handles_or_verifies_a_case_calls_nobody_to_it() -> None:
    for axis in set(Axis) - {Axis.COMMAND}:
        with pytest.raises(DutiesNotSeparated):
            issue(make_call(), DIRECTOR, State.HANDLING, {DIRECTOR.id: axis})
