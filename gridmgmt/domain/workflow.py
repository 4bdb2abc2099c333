"""The loop of article 22 as one table: (state, action) → what it needs and where it leads.

The spine is the machine of DOMAIN §4.2 (GB/T 30428.8 立案、处置和结案; names from running products).
Everything else is read from :data:`TRANSITIONS`: what the API offers, what the client shows, the
diagram in the docs, the refusals. Approvals (退单, 延时, 挂账, 作废) are an overlay: a pending
``Request`` names the action and only its approval performs it. Supervision orders and joint calls
are overlays too and are not states.

Invariants, each with a test: every non-final state can be left and has a clock; every state is
reachable and can reach an end; nothing leads from handling to closed without a verification.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gridmgmt.domain.events import EventKind
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.permissions import Axis, Permission
from gridmgmt.errors import IllegalAction


class State(StrEnum):
    """Thirteen states; the Chinese names are the field's."""

    REPORTED = "reported"
    SELF_HANDLED = "self_handled"
    ACCEPTED = "accepted"
    FILED = "filed"
    REFERRED = "referred"
    HANDLING = "handling"
    ON_HOLD = "on_hold"
    HANDLED = "handled"
    VERIFIED = "verified"
    CLOSED = "closed"
    REJECTED = "rejected"
    MERGED = "merged"
    VOIDED = "voided"

    @property
    def is_final(self) -> bool:
        """Whether the case has ended; only a closed one may be reopened."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({State.CLOSED, State.REJECTED, State.MERGED, State.VOIDED})

STATE_NAMES_ZH: Mapping[State, str] = MappingProxyType(
    {
        State.REPORTED: "待受理",
        State.SELF_HANDLED: "自处置待审",
        State.ACCEPTED: "待立案",
        State.FILED: "待派遣",
        State.REFERRED: "区裁定中",
        State.HANDLING: "处置中",
        State.ON_HOLD: "挂账",
        State.HANDLED: "待核查",
        State.VERIFIED: "待结案",
        State.CLOSED: "已结案",
        State.REJECTED: "不予受理",
        State.MERGED: "已并案",
        State.VOIDED: "已作废",
    }
)


class Action(StrEnum):
    """What a person can do to a case."""

    ASK_CONFIRMATION = "ask_confirmation"
    CONFIRM = "confirm"
    REJECT = "reject"
    MERGE = "merge"
    ACCEPT = "accept"
    APPROVE_SELF_HANDLING = "approve_self_handling"
    REFUSE_SELF_HANDLING = "refuse_self_handling"
    FILE = "file"
    DECLINE = "decline"
    DISPATCH = "dispatch"
    VOID = "void"
    REFER = "refer"
    RULE = "rule"
    SIGN_FOR = "sign_for"
    REACH_MILESTONE = "reach_milestone"
    EXTEND = "extend"
    SEND_BACK = "send_back"
    HOLD = "hold"
    RESUME = "resume"
    SUBMIT_RESULT = "submit_result"
    PASS_VERIFICATION = "pass_verification"  # noqa: S105  a verb, not a secret
    FAIL_VERIFICATION = "fail_verification"
    CLOSE = "close"
    REOPEN = "reopen"


ACTION_NAMES_ZH: Mapping[Action, str] = MappingProxyType(
    {
        Action.ASK_CONFIRMATION: "发核实",
        Action.CONFIRM: "核实反馈",
        Action.REJECT: "不予受理",
        Action.MERGE: "并案",
        Action.ACCEPT: "批转立案",
        Action.APPROVE_SELF_HANDLING: "自处置通过",
        Action.REFUSE_SELF_HANDLING: "自处置不通过",
        Action.FILE: "立案",
        Action.DECLINE: "退回受理",
        Action.DISPATCH: "派遣",
        Action.VOID: "作废",
        Action.REFER: "转区裁定",
        Action.RULE: "区裁定",
        Action.SIGN_FOR: "签收",
        Action.REACH_MILESTONE: "阶段完成",
        Action.EXTEND: "延时",
        Action.SEND_BACK: "退单",
        Action.HOLD: "挂账",
        Action.RESUME: "恢复",
        Action.SUBMIT_RESULT: "处置反馈",
        Action.PASS_VERIFICATION: "核查通过",
        Action.FAIL_VERIFICATION: "核查不通过（返工）",
        Action.CLOSE: "结案",
        Action.REOPEN: "重开",
    }
)


class Clock(StrEnum):
    """What an action does to the unit's clocks (:mod:`.clocks`); a desk's own limit starts on every move."""

    KEEP = "keep"
    START = "start"
    SIGN = "sign"
    REACH = "reach"
    ADD = "add"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    DROP = "drop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table.

    ``requires`` names the facts that must be present and not empty. ``asked_by`` marks an
    action that needs approval: who may ask for it; ``permission`` is then who may grant it.
    """

    target: State
    permission: Permission
    axis: Axis
    event: EventKind
    requires: frozenset[str] = field(default_factory=frozenset)
    asked_by: Permission | None = None
    clock: Clock = Clock.KEEP
    article: str = "22-1"

    @property
    def needs_request(self) -> bool:
        """Whether only a granted request performs this action."""
        return self.asked_by is not None

    def missing_from(self, facts: Mapping[str, Any]) -> list[str]:
        """Names of required facts that are absent or empty, in order."""
        return sorted(name for name in self.requires if is_empty(facts.get(name)))


def _t(
    target: State,
    permission: Permission,
    axis: Axis,
    event: EventKind,
    *requires: str,
    asked_by: Permission | None = None,
    clock: Clock = Clock.KEEP,
    article: str = "22-1",
) -> Transition:
    return Transition(target, permission, axis, event, frozenset(requires), asked_by, clock, article)


_P, _E, _S = Permission, EventKind, Axis

TRANSITIONS: Mapping[tuple[State, Action], Transition] = MappingProxyType(
    {
        (State.REPORTED, Action.ASK_CONFIRMATION): _t(
            State.REPORTED, _P.CASE_ACCEPT, _S.SUPERVISION, _E.CONFIRMATION_ASKED, "worker_id"
        ),
        (State.REPORTED, Action.CONFIRM): _t(
            State.REPORTED, _P.CASE_CONFIRM, _S.SUPERVISION, _E.CONFIRMATION_ANSWERED, "found", "opinion"
        ),
        (State.REPORTED, Action.REJECT): _t(
            State.REJECTED, _P.CASE_ACCEPT, _S.SUPERVISION, _E.REPORT_REJECTED, "reason", article="14-3"
        ),
        (State.REPORTED, Action.MERGE): _t(
            State.MERGED, _P.CASE_ACCEPT, _S.SUPERVISION, _E.REPORT_MERGED, "master_id"
        ),
        (State.REPORTED, Action.ACCEPT): _t(
            State.ACCEPTED, _P.CASE_ACCEPT, _S.SUPERVISION, _E.REPORT_ACCEPTED, article="14-1"
        ),
        (State.SELF_HANDLED, Action.APPROVE_SELF_HANDLING): _t(
            State.CLOSED, _P.CASE_CLOSE, _S.SUPERVISION, _E.CASE_CLOSED, clock=Clock.STOP
        ),
        (State.SELF_HANDLED, Action.REFUSE_SELF_HANDLING): _t(
            State.VOIDED, _P.CASE_CLOSE, _S.SUPERVISION, _E.CASE_VOIDED, "reason", clock=Clock.STOP
        ),
        (State.ACCEPTED, Action.FILE): _t(
            State.FILED, _P.CASE_FILE, _S.SUPERVISION, _E.CASE_FILED, article="7-1"
        ),
        (State.ACCEPTED, Action.DECLINE): _t(
            State.REPORTED, _P.CASE_FILE, _S.SUPERVISION, _E.ACCEPTANCE_DECLINED, "reason"
        ),
        (State.FILED, Action.DISPATCH): _t(
            State.HANDLING,
            _P.CASE_DISPATCH,
            _S.COMMAND,
            _E.CASE_DISPATCHED,
            "unit_code",
            clock=Clock.START,
            article="22-2",
        ),
        (State.FILED, Action.VOID): _t(
            State.VOIDED,
            _P.CASE_VOID,
            _S.SUPERVISION,
            _E.CASE_VOIDED,
            "reason",
            asked_by=_P.CASE_DISPATCH,
            clock=Clock.STOP,
        ),
        (State.FILED, Action.REFER): _t(
            State.REFERRED, _P.CASE_REFER, _S.COMMAND, _E.CASE_REFERRED, "reason", article="22-2"
        ),
        (State.REFERRED, Action.RULE): _t(
            State.FILED, _P.CASE_RULE, _S.DISTRICT, _E.CASE_RULED, "unit_code", "document_no", article="22-2"
        ),
        (State.HANDLING, Action.SIGN_FOR): _t(
            State.HANDLING, _P.CASE_HANDLE, _S.HANDLING, _E.CASE_SIGNED_FOR, clock=Clock.SIGN
        ),
        (State.HANDLING, Action.REACH_MILESTONE): _t(
            State.HANDLING,
            _P.CASE_HANDLE,
            _S.HANDLING,
            _E.MILESTONE_REACHED,
            "milestone",
            "note",
            clock=Clock.REACH,
            article="22-2",
        ),
        (State.HANDLING, Action.EXTEND): _t(
            State.HANDLING,
            _P.CASE_EXTEND,
            _S.COMMAND,
            _E.CASE_EXTENDED,
            "reason",
            "amount",
            "unit",
            asked_by=_P.CASE_HANDLE,
            clock=Clock.ADD,
        ),
        (State.HANDLING, Action.SEND_BACK): _t(
            State.FILED,
            _P.CASE_RETURN,
            _S.COMMAND,
            _E.CASE_SENT_BACK,
            "reason",
            "basis",
            asked_by=_P.CASE_HANDLE,
            clock=Clock.DROP,
        ),
        (State.HANDLING, Action.HOLD): _t(
            State.ON_HOLD,
            _P.CASE_GRANT,
            _S.COMMAND,
            _E.CASE_PUT_ON_HOLD,
            "reason",
            "resume_on",
            asked_by=_P.CASE_HANDLE,
            clock=Clock.PAUSE,
        ),
        (State.HANDLING, Action.SUBMIT_RESULT): _t(
            State.HANDLED, _P.CASE_HANDLE, _S.HANDLING, _E.RESULT_SUBMITTED, "result", "photos"
        ),
        (State.ON_HOLD, Action.RESUME): _t(
            State.HANDLING, _P.CASE_HANDLE, _S.HANDLING, _E.CASE_RESUMED, clock=Clock.RESUME
        ),
        (State.HANDLED, Action.PASS_VERIFICATION): _t(
            State.VERIFIED, _P.CASE_VERIFY, _S.SUPERVISION, _E.VERIFICATION_PASSED, "opinion"
        ),
        (State.HANDLED, Action.FAIL_VERIFICATION): _t(
            State.HANDLING,
            _P.CASE_VERIFY,
            _S.SUPERVISION,
            _E.VERIFICATION_FAILED,
            "reason",
            clock=Clock.RESTART,
        ),
        (State.VERIFIED, Action.CLOSE): _t(
            State.CLOSED, _P.CASE_CLOSE, _S.SUPERVISION, _E.CASE_CLOSED, clock=Clock.STOP, article="14-2"
        ),
        (State.CLOSED, Action.REOPEN): _t(
            State.HANDLING, _P.CASE_CLOSE, _S.SUPERVISION, _E.CASE_REOPENED, "reason", clock=Clock.RESTART
        ),
    }
)

_LEGAL: Mapping[State, tuple[Action, ...]] = MappingProxyType(
    {state: tuple(a for (s, a) in TRANSITIONS if s is state) for state in State}
)


def legal_actions(state: State) -> tuple[Action, ...]:
    """Actions that the table knows in this state, in the table's order; empty for dead ends."""
    return _LEGAL[state]


def transition(state: State, action: Action) -> Transition:
    """The row for this pair.

    Raises
    ------
    IllegalAction
        Names the state, the action and the legal actions.
    """
    row = TRANSITIONS.get((state, action))
    if row is None:
        raise IllegalAction(
            f"A case that is {state} cannot take the action {action}.",
            article="22-1",
            rule="R22a",
            state=str(state),
            action=str(action),
            legal=[str(a) for a in legal_actions(state)],
        )
    return row


def to_mermaid() -> str:
    """The table as a Mermaid state diagram for the docs (docs/reference/workflow.md)."""
    lines = ["stateDiagram-v2", "    [*] --> reported: 上报", "    [*] --> self_handled: 自处置上报"]
    lines += [f"    {s}: {STATE_NAMES_ZH[s]} {s}" for s in State]
    lines += [
        f"    {state} --> {row.target}: {ACTION_NAMES_ZH[action]}{' *' if row.needs_request else ''}"
        for (state, action), row in TRANSITIONS.items()
    ]
    lines += [f"    {state} --> [*]" for state in State if state.is_final]
    return "\n".join(lines) + "\n"
