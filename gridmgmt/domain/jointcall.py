"""Joint calls 吹哨: the street calls departments to one matter, and they report for it 报到.

One lead and any number of assistants, each with a sub-task and a limit of its own (articles 8-1, 22-2,
39-1; R08a, R22c, R39a). The call is an overlay on a case: it is no state, and the case cannot end
while it is open (``beside.require_endable``).

::

    called ──sign_in──▶ signed_in ──arrive──▶ arrived ──report──▶ done
       └───────────────────┴──────────────────────┴───── refuse ──▶ refused
       └───────────────────┴──────────────────────┴───── withdraw ▶ withdrawn

Invariants, model-checked over all sequences of actions to depth six (tests/domain/test_jointcall.py):

* a call has one lead, and a unit is in it once;
* the lead's result comes last: no assistant is still at work when the lead is done or withdrawn
  (a lead that refuses may do so at any time; the assistants go on, or the street withdraws them);
* a call is closed exactly when every sub-task has ended; an ended sub-task never moves again;
* what ends without a result has a reason, a person and a time: nothing is cancelled silently;
* the street's opinion 考核意见 on a unit comes after the call has closed or once that unit is overdue,
  and is never changed.

:func:`act` is the only function that moves a call. It is pure: the server's time comes in as ``now``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty, read_amount
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Axis, Permission
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import IllegalAction, InvalidInput, MissingFact, NotReady

_NOBODY: Mapping[UUID, Axis] = MappingProxyType({})


class Purpose(StrEnum):
    """What a street may call departments for (article 8-1, item 1)."""

    COMPLAINT = "complaint"
    """解决群众诉求."""
    JOINT_ENFORCEMENT = "joint_enforcement"
    """联合执法."""
    EMERGENCY = "emergency"
    """应急处置."""


class Part(StrEnum):
    """主责 and 配合."""

    LEAD = "lead"
    ASSISTANT = "assistant"


class TaskState(StrEnum):
    """Where one unit's sub-task stands."""

    CALLED = "called"
    SIGNED_IN = "signed_in"
    ARRIVED = "arrived"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        """Whether the sub-task has ended."""
        return self in {TaskState.DONE, TaskState.REFUSED, TaskState.WITHDRAWN}


class CallAction(StrEnum):
    """What can be done to one sub-task."""

    SIGN_IN = "sign_in"
    ARRIVE = "arrive"
    REPORT = "report"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    ASSESS = "assess"


CALL_ACTION_NAMES_ZH: Mapping[CallAction, str] = MappingProxyType(
    {
        CallAction.SIGN_IN: "签收",
        CallAction.ARRIVE: "到场",
        CallAction.REPORT: "反馈结果",
        CallAction.REFUSE: "拒绝",
        CallAction.WITHDRAW: "撤回",
        CallAction.ASSESS: "考核意见",
    }
)
TASK_STATE_NAMES_ZH: Mapping[TaskState, str] = MappingProxyType(
    {
        TaskState.CALLED: "待签收",
        TaskState.SIGNED_IN: "已签收",
        TaskState.ARRIVED: "已到场",
        TaskState.DONE: "已反馈",
        TaskState.REFUSED: "已拒绝",
        TaskState.WITHDRAWN: "已撤回",
    }
)

_OPEN = (TaskState.CALLED, TaskState.SIGNED_IN, TaskState.ARRIVED)


@dataclass(frozen=True, slots=True)
class CallRule:
    """One row of the table: from where, to where (None: stays), who, which facts, on which article."""

    sources: tuple[TaskState, ...]
    target: TaskState | None
    permission: Permission
    requires: tuple[str, ...] = ()
    article: str = "39-1"


CALL_RULES: Mapping[CallAction, CallRule] = MappingProxyType(
    {
        CallAction.SIGN_IN: CallRule((TaskState.CALLED,), TaskState.SIGNED_IN, Permission.CASE_HANDLE),
        CallAction.ARRIVE: CallRule((TaskState.SIGNED_IN,), TaskState.ARRIVED, Permission.CASE_HANDLE),
        CallAction.REPORT: CallRule(
            (TaskState.ARRIVED,), TaskState.DONE, Permission.CASE_HANDLE, ("result",)
        ),
        CallAction.REFUSE: CallRule(
            _OPEN, TaskState.REFUSED, Permission.CASE_HANDLE, ("reason",), article="44-1"
        ),
        CallAction.WITHDRAW: CallRule(
            _OPEN, TaskState.WITHDRAWN, Permission.CALL_ISSUE, ("reason",), article="22-2"
        ),
        # Whether an opinion is due hangs on the call and the time; no state forbids it.
        CallAction.ASSESS: CallRule(
            tuple(TaskState), None, Permission.CALL_ASSESS, ("opinion", "score"), article="8-1"
        ),
    }
)


class OpinionBasis(StrEnum):
    """When an opinion was due."""

    OVERDUE = "overdue"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The street's opinion on how a unit answered; ``score`` from 1 to 5."""

    basis: OpinionBasis
    score: int
    text: str
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """One unit's share of a call. An instant equal to a limit is in time.

    ``sign_in_unit``, ``arrive_unit``, ``due_unit`` are the clocks that the limits were counted on; None where
    it was not kept.
    ``ended_at`` is when it was done, refused or withdrawn; ``words`` are the result or the reason.
    """

    id: UUID
    unit_code: str
    part: Part
    what: str
    sign_in_due_at: datetime | None
    arrive_due_at: datetime | None
    due_at: datetime
    state: TaskState = TaskState.CALLED
    signed_in_at: datetime | None = None
    arrived_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: UUID | None = None
    words: str | None = None
    photos: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    sign_in_unit: LimitUnit | None = None
    arrive_unit: LimitUnit | None = None
    due_unit: LimitUnit | None = None

    def late(self, now: datetime) -> tuple[str, ...]:
        """Which of the limits ``sign_in``, ``arrive`` and ``result`` were missed so far.

        What was never reached counts up to the end of the sub-task: whoever refused in time missed nothing.
        """
        until = self.ended_at or now
        steps = (
            ("sign_in", self.sign_in_due_at, self.signed_in_at),
            ("arrive", self.arrive_due_at, self.arrived_at),
            ("result", self.due_at, self.ended_at),
        )
        return tuple(name for name, due, at in steps if due is not None and (at or until) > due)


@dataclass(frozen=True, slots=True)
class JointCall:
    """A call about one case; ``tasks`` in the order given, the lead first.

    ``document_no`` is the order that the director signed, where he did not issue it himself.
    """

    id: UUID
    case_id: UUID
    subdistrict_code: str
    purpose: Purpose
    text: str
    issued_by: UUID
    issued_at: datetime
    document_no: str | None
    tasks: tuple[Task, ...]
    version: int = 1
    hands: Mapping[UUID, Axis] = field(default_factory=lambda: _NOBODY)

    @property
    def is_closed(self) -> bool:
        """Whether every sub-task has ended."""
        return all(task.state.is_final for task in self.tasks)

    @property
    def closed_at(self) -> datetime | None:
        """When the last sub-task ended; None while one is open."""
        ends = [task.ended_at for task in self.tasks if task.ended_at]
        return max(ends) if self.is_closed and ends else None

    def task(self, task_id: UUID) -> Task | None:
        """The sub-task of that id."""
        return next((task for task in self.tasks if task.id == task_id), None)


def legal_actions(task: Task) -> tuple[CallAction, ...]:
    """Actions that the table knows for a sub-task as it stands."""
    return tuple(action for action, rule in CALL_RULES.items() if task.state in rule.sources)


def act(
    call: JointCall,
    task_id: UUID,
    action: CallAction,
    actor: Actor,
    now: datetime,
    facts: Mapping[str, Any],
    *,
    acted: Mapping[UUID, Axis] = _NOBODY,
) -> JointCall:
    """The call after one action on one of its sub-tasks.

    Parameters
    ----------
    acted : who acted for which hand on the case so far; whoever answers a call handles, whoever
        withdraws commands. An opinion is no hand of the case: the director judges, he does not move it.

    Raises
    ------
    NotAllowed
        The actor lacks the permission, or the sub-task is another unit's.
    DutiesNotSeparated
        He acted for another hand of the case.
    IllegalAction
        The sub-task's state does not permit it; the legal ones are named.
    MissingFact
        A result without words, a refusal or a withdrawal without reason, an opinion without score.
    NotReady
        The lead reports while an assistant is at work; an opinion before its time, or a second one.
    """
    permissions.require(actor, Permission.CASE_READ, call.subdistrict_code)
    task = call.task(task_id)
    if task is None:
        raise InvalidInput("The call has no such sub-task.", rule="R08a", field="task_id")
    rule = CALL_RULES[action]
    if task.state not in rule.sources:
        raise IllegalAction(
            f"A sub-task that is {task.state} cannot take the action {action}.",
            article=rule.article, rule="R08a", state=str(task.state), action=str(action),
            legal=[str(a) for a in legal_actions(task)],
        )  # fmt: skip
    permissions.require(actor, rule.permission, call.subdistrict_code, unit_code=task.unit_code)
    axis = hand_of(action)
    if axis is not None:
        permissions.check_axis({**acted, **call.hands}, actor, axis)
    missing = sorted(name for name in rule.requires if is_empty(facts.get(name)))
    if missing:
        raise MissingFact(
            f"The action {action} needs: {', '.join(missing)}.",
            article=rule.article, rule="R08a", action=str(action), missing=missing,
        )  # fmt: skip
    if action is CallAction.ASSESS:
        moved = _assessed(call, task, actor, now, facts)
    else:
        moved = _moved(call, task, action, actor, now, facts)
    tasks = tuple(moved if other.id == task.id else other for other in call.tasks)
    hands = call.hands if axis is None else permissions.lend(call.hands, actor, axis)
    return replace(call, tasks=tasks, version=call.version + 1, hands=hands)


def hand_of(action: CallAction) -> Axis | None:
    """The hand that an action lends the case."""
    return {CallAction.WITHDRAW: Axis.COMMAND, CallAction.ASSESS: None}.get(action, Axis.HANDLING)


def _moved(
    call: JointCall, task: Task, action: CallAction, actor: Actor, now: datetime, facts: Mapping[str, Any]
) -> Task:
    target = CALL_RULES[action].target or task.state
    if action is CallAction.SIGN_IN:
        return replace(task, state=target, signed_in_at=now)
    if action is CallAction.ARRIVE:
        return replace(task, state=target, arrived_at=now)
    at_work = [t.unit_code for t in call.tasks if t.id != task.id and not t.state.is_final]
    # A refusal is a fact whenever it comes; what the lead hands in, and taking it back, come last.
    if task.part is Part.LEAD and at_work and action is not CallAction.REFUSE:
        raise NotReady(
            "The lead ends last: an assistant's sub-task is still open.",
            article="22-2", rule="R22c", guard="assistants_done", units=at_work,
        )  # fmt: skip
    words = facts["result"] if action is CallAction.REPORT else facts["reason"]
    photos = tuple(facts.get("photos") or ())
    return replace(task, state=target, ended_at=now, ended_by=actor.id, words=str(words), photos=photos)


def _assessed(call: JointCall, task: Task, actor: Actor, now: datetime, facts: Mapping[str, Any]) -> Task:
    score = read_amount(facts, "score")
    if score > 5:
        raise InvalidInput("A score lies between 1 and 5.", rule="R08a", field="score")
    basis = OpinionBasis.CLOSED if call.is_closed else OpinionBasis.OVERDUE
    if basis is OpinionBasis.OVERDUE and not task.late(now):
        raise NotReady(
            "An opinion is given after the call has closed, or once the unit is overdue.",
            article="8-1", rule="R08a", guard="assessable",
        )  # fmt: skip
    if any(opinion.basis is basis for opinion in task.opinions):
        raise NotReady(
            "The opinion was given before; it is not changed.",
            article="8-1",
            rule="R08a",
            guard="assessed_once",
        )
    opinion = Opinion(basis, score, str(facts["opinion"]), actor.id, now)
    return replace(task, opinions=(*task.opinions, opinion))
