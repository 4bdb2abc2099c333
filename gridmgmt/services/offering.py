"""What a person may do beside a case: asked of the very rules that decide it, with a form that is filled in.

Nothing here decides. Each offer is one of the domain's functions tried on facts that are taken as given, as
``services.reading`` does for the moves of the case itself; whoever sends more than was offered is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from gridmgmt.domain import callorder, jointcall, supervision, telling
from gridmgmt.domain.case import Case
from gridmgmt.domain.jointcall import (
    CALL_ACTION_NAMES_ZH,
    CALL_RULES,
    CallAction,
    JointCall,
    Part,
    Purpose,
    Task,
)
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Axis, Permission, can, require
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.domain.telling import Feedback, Kind, Told
from gridmgmt.domain.windows import Window
from gridmgmt.errors import GridError
from gridmgmt.services.handling import clocks_of

_GIVEN: Mapping[str, Any] = {"result": "given", "reason": "given", "opinion": "given", "score": 3}
_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks at a case, when, by which rules, and who lent it a hand so far."""

    actor: Actor
    now: datetime
    book: RuleBook
    acted: Mapping[UUID, Axis]


def of_case(case: Case, by: Looking) -> list[dict[str, Any]]:
    """What may be done beside a case, and why the rest may not."""
    units = [{"value": u.code, "label": u.name} for u in by.book.units.values() if u.active]
    signs = Role.DIRECTOR in by.actor.roles
    return [
        _offer("issue_call", partial(_issue, case, by), [] if signs else ["document_no"], unit_code=units),
        _offer("order", partial(_order, case, by), ["opinion"]),
        _offer("tell", partial(_tell, case, by, Kind.OUTCOME), ["channel", "words"]),
        _offer("revisit", partial(_tell, case, by, Kind.REVISIT), ["channel", "words", "satisfied"]),
        _offer("follow_up", partial(_follow, case, by), ["reason"]),
    ]


def of_task(call: JointCall, task: Task, by: Looking) -> list[dict[str, Any]]:
    """What may be done to a sub-task as it stands."""
    return [
        _offer(action, partial(_act, call, task, action, by), list(CALL_RULES[action].requires))
        | {"name": CALL_ACTION_NAMES_ZH[action]}
        for action in jointcall.legal_actions(task)
    ]


def _act(call: JointCall, task: Task, action: CallAction, by: Looking) -> JointCall:
    return jointcall.act(call, task.id, action, by.actor, by.now, _GIVEN, acted=by.acted)


def may_reply(order: SupervisionOrder, by: Looking) -> bool:
    """Whether the reply to an order is this person's to give, and still owed."""
    return _refusal(lambda: supervision.reply(order, by.actor, by.now, "given")) is None


def may_pack(call: JointCall, task: Task, by: Looking) -> bool:
    """Whether this person may have the evidence pack of a refusal, where there is one."""
    refused = task.state is jointcall.TaskState.REFUSED
    return refused and can(by.actor, Permission.CALL_PACK, call.subdistrict_code)


def _offer(
    action: str, work: Callable[[], Any], requires: list[str], **choices: list[dict[str, str]]
) -> dict[str, Any]:
    refusal = _refusal(work)
    told = refusal and {"code": refusal.code, "detail": refusal.message, "article": refusal.article}
    offer = {"action": action, "may": refusal is None, "refusal": told, "requires": requires}
    return offer if action in CALL_RULES else offer | {"choices": {} if refusal else choices}


def _refusal(work: Callable[[], Any]) -> GridError | None:
    try:
        work()
    except GridError as refusal:
        return refusal
    return None


def _issue(case: Case, by: Looking) -> JointCall:
    lead = Task(_ID, "given", Part.LEAD, "given", None, None, by.now)
    call = JointCall(
        _ID, case.id, case.subdistrict_code, Purpose.COMPLAINT, "given", by.actor.id, by.now, "given", (lead,)
    )
    return callorder.issue(call, by.actor, case.state, by.acted)


def _order(case: Case, by: Looking) -> SupervisionOrder:
    return supervision.order(
        _ID, case.id, case.subdistrict_code, case.state, case.unit_code, "given", by.actor, by.now, by.now
    )


def _tell(case: Case, by: Looking, kind: Kind) -> Feedback:
    satisfied = True if kind is Kind.REVISIT else None
    given = Feedback(
        _ID, case.id, case.subdistrict_code, kind, reached=True, channel="given", words="given",
        satisfied=satisfied, told_by=by.actor.id, told_at=by.now,
    )  # fmt: skip
    return telling.tell(given, Told(case.state, case.state), by.actor)


def _follow(case: Case, by: Looking) -> None:
    require(by.actor, Permission.CASE_TELL, case.subdistrict_code)
    require(by.actor, Permission.REPORT_SUBMIT, case.subdistrict_code)
    until = clocks_of(by.book, case, by.now).window_end(Window.REOPEN, case.closed_at)
    telling.require_past_reopening(case.state, until, by.now)
