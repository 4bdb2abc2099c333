"""What pages show beside a case: merged reports, people told, joint calls, supervision orders, links."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.case import Case
from gridmgmt.domain.jointcall import TASK_STATE_NAMES_ZH, CallAction, JointCall, Opinion, Task
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.services import offering, seeing_again
from gridmgmt.services.offering import Looking
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import beside, board, cases, feedbacks, joint_calls, sightings, supervision
from gridmgmt.storage.db import Db


def facts_of(db: Db, case: Case, by: Looking, there: Collection[str]) -> dict[str, Any]:
    """Everything beside a case that was loaded within scope, and what may be done there.

    Parameters
    ----------
    there : of ``storage.beside.survey``: what there is to ask for.
    """
    merged = feedbacks.merged(db, case.id) if "merged" in there else []
    told = feedbacks.of_case(db, case.id) if "feedback" in there else []
    orders = supervision.of_case(db, case.id) if "orders" in there else []
    calls = joint_calls.of_case(db, case.id) if "calls" in there else []
    seen = sightings.of_case(db, case.id) if "sightings" in there else []
    named = [o.ordered_by for o in orders] + [o.replied_by for o in orders] + [f["told_by"] for f in told]
    named += [c.issued_by for c in calls] + [task.ended_by for c in calls for task in c.tasks]
    named += [opinion.by for c in calls for task in c.tasks for opinion in task.opinions]
    named += [one.seen_by for one in seen]
    names = board.names_of(db, (person for person in named if person is not None))
    return {
        "counts": {
            "rework": case.rework_count, "returns": case.return_count, "extensions": case.extension_count,
        },
        "merged_into": case.merged_into,
        "merged": merged,
        "untold": sum(m["needs_feedback"] and not m["told"] for m in merged),
        "feedback": told,
        **(feedbacks.links(db, case.id) if "links" in there else {"follows": None, "followed_by": []}),
        "sightings": [seeing_again.facts_of(one) for one in seen],
        "calls": [call_facts(call, by) for call in calls],
        "orders": [_order_facts(order, by) for order in orders],
        "legal": offering.of_case(case, by),
        "names": {str(person): name for person, name in names.items()},
    }  # fmt: skip


def _order_facts(order: SupervisionOrder, by: Looking) -> dict[str, Any]:
    names = (
        "id", "case_id", "unit_code", "opinion", "ordered_by", "ordered_at", "reply_due_at", "reply",
        "replied_by", "replied_at",
    )  # fmt: skip
    return {name: getattr(order, name) for name in names} | {
        "unit_name": _unit_name(order.unit_code, by),
        "late": order.is_late(by.now),
        "may_reply": offering.may_reply(order, by),
    }


def _unit_name(code: str | None, by: Looking) -> str | None:
    unit = by.book.units.get(code) if code else None
    return unit.name if unit else code


def call_facts(call: JointCall, by: Looking) -> dict[str, Any]:
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
        "tasks": [_task_facts(call, task, by) for task in call.tasks],
    }


def _task_facts(call: JointCall, task: Task, by: Looking) -> dict[str, Any]:
    names = (
        "id", "unit_code", "part", "what", "state", "sign_in_due_at", "arrive_due_at", "due_at",
        "signed_in_at", "arrived_at", "ended_at", "ended_by", "words", "photos",
    )  # fmt: skip
    facts = {name: getattr(task, name) for name in names}
    return facts | {
        "unit_name": _unit_name(task.unit_code, by),
        "state_name": TASK_STATE_NAMES_ZH[task.state],
        "late": task.late(by.now),
        "opinions": [_opinion_facts(o) for o in task.opinions] if _sees_opinion(task, by.actor) else [],
        "legal": offering.of_task(call, task, by),
        "may_pack": offering.may_pack(call, task, by),
    }


def _sees_opinion(task: Task, actor: Actor) -> bool:
    """The street and the district see all; a called unit what was said about itself (R08a)."""
    only_a_unit = actor.roles == {Role.HANDLER}
    return not only_a_unit or actor.unit_code == task.unit_code


def _opinion_facts(opinion: Opinion) -> Mapping[str, Any]:
    names = ("basis", "score", "text", "by", "at")
    return {name: getattr(opinion, name) for name in names}


def call_detail(db: Db, actor: Actor, now: datetime, books: RuleBooks, call_id: UUID) -> dict[str, Any]:
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
    return call_facts(call, _looking(db, actor, now, books, call)) | {"history": lines}


def _looking(db: Db, actor: Actor, now: datetime, books: RuleBooks, call: JointCall) -> Looking:
    case = cases.load(db, call.case_id, actor)
    acted = {**beside.look(db, case.id).hands, **case.acted}
    return Looking(actor, now, books.current(db, case.subdistrict_code), acted)


def calls(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, *, mine: bool, open_only: bool
) -> list[dict[str, Any]]:
    """Calls of the actor's subdistricts, newest first; ``mine`` are those to his unit."""
    require(actor, Permission.CASE_READ, min(actor.subdistricts, default=""))
    unit = actor.unit_code if mine else None
    if mine and unit is None:
        return []
    shown = []
    for row in joint_calls.listed(db, actor, unit_code=unit, open_only=open_only, limit=200):
        call = joint_calls.load(db, row["id"], actor)
        facts = call_facts(call, _looking(db, actor, now, books, call))
        shown.append(facts | {"number": row["number"]})
    return shown
