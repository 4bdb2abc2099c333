"""What pages show beside a case: merged reports, people told, joint calls, supervision orders, links."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gridmgmt.domain.case import Case
from gridmgmt.domain.jointcall import (
    CALL_RULES,
    TASK_STATE_NAMES_ZH,
    CallAction,
    JointCall,
    Opinion,
    Task,
    legal_actions,
)
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission, can, require, require_anywhere
from gridmgmt.storage import feedbacks, joint_calls, supervision
from gridmgmt.storage.db import Db


def facts_of(db: Db, case: Case, actor: Actor, now: datetime) -> dict[str, Any]:
    """Everything beside a case that was loaded within scope."""
    merged = feedbacks.merged(db, case.id)
    return {
        "counts": {
            "rework": case.rework_count, "returns": case.return_count, "extensions": case.extension_count,
        },
        "merged_into": case.merged_into,
        "merged": merged,
        "untold": sum(m["needs_feedback"] and not m["told"] for m in merged),
        "feedback": feedbacks.of_case(db, case.id),
        **feedbacks.links(db, case.id),
        "calls": [call_facts(call, actor, now) for call in joint_calls.of_case(db, case.id)],
        "orders": supervision.of_case(db, case.id, now),
    }  # fmt: skip


def call_facts(call: JointCall, actor: Actor, now: datetime) -> dict[str, Any]:
    """A call as pages show it, with what this person may do to each sub-task."""
    return {
        "id": call.id,
        "case_id": call.case_id,
        "purpose": call.purpose,
        "text": call.text,
        "issued_by": call.issued_by,
        "issued_at": call.issued_at,
        "document_no": call.document_no,
        "version": call.version,
        "closed_at": call.closed_at,
        "tasks": [_task_facts(call, task, actor, now) for task in call.tasks],
    }


def _task_facts(call: JointCall, task: Task, actor: Actor, now: datetime) -> dict[str, Any]:
    names = (
        "id", "unit_code", "part", "what", "state", "sign_in_due_at", "arrive_due_at", "due_at",
        "signed_in_at", "arrived_at", "ended_at", "ended_by", "words", "photos",
    )  # fmt: skip
    facts = {name: getattr(task, name) for name in names}
    return facts | {
        "state_name": TASK_STATE_NAMES_ZH[task.state],
        "late": task.late(now),
        "opinions": [_opinion_facts(o) for o in task.opinions] if _sees_opinion(task, actor) else [],
        "legal": [
            {"action": action, "may": _may(call, task, action, actor)} for action in legal_actions(task)
        ],
    }


def _may(call: JointCall, task: Task, action: CallAction, actor: Actor) -> bool:
    permission = CALL_RULES[action].permission
    return can(actor, permission, call.subdistrict_code, unit_code=task.unit_code)


def _sees_opinion(task: Task, actor: Actor) -> bool:
    """The street and the district see all; a called unit what was said about itself (R08a)."""
    only_a_unit = actor.roles == {Role.HANDLER}
    return not only_a_unit or actor.unit_code == task.unit_code


def _opinion_facts(opinion: Opinion) -> Mapping[str, Any]:
    names = ("basis", "score", "text", "by", "at")
    return {name: getattr(opinion, name) for name in names}


def call_detail(db: Db, actor: Actor, now: datetime, call_id: Any) -> dict[str, Any]:
    """One call with its history.

    Raises
    ------
    NotFound
        Not in the actor's scope.
    """
    require_anywhere(actor, Permission.CASE_READ)
    call = joint_calls.load(db, call_id, actor)
    require(actor, Permission.CASE_READ, call.subdistrict_code)
    names = ("seq", "task_id", "action", "actor_id", "on_behalf_of", "at", "facts")
    # An opinion is not told to the other units by way of the history either.
    seen = {task.id for task in call.tasks if _sees_opinion(task, actor)}
    lines = [
        {name: getattr(line, name) for name in names}
        | ({} if line.action != CallAction.ASSESS or line.task_id in seen else {"facts": {}})
        for line in joint_calls.history(db, call.id)
    ]
    return call_facts(call, actor, now) | {"history": lines}


def calls(db: Db, actor: Actor, now: datetime, *, mine: bool, open_only: bool) -> list[dict[str, Any]]:
    """Calls of the actor's subdistricts, newest first; ``mine`` are those to his unit."""
    require(actor, Permission.CASE_READ, min(actor.subdistricts, default=""))
    unit = actor.unit_code if mine else None
    if mine and unit is None:
        return []
    rows = joint_calls.listed(db, actor, unit_code=unit, open_only=open_only, limit=200)
    return [
        call_facts(joint_calls.load(db, row["id"], actor), actor, now) | {"number": row["number"]}
        for row in rows
    ]
