"""Joint calls 吹哨报到: issue, answer, withdraw, assess; the evidence pack of a refusal."""

import base64
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, Open
from api.models import Facts, Model, Version, problems
from api.told_beside import CallLine, JointCallOut, ListedCall
from gridmgmt.domain.jointcall import CallAction, Part, Purpose
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.services import joint_calls, overlays

router = APIRouter(tags=["joint calls"])

Words = Annotated[str, Field(max_length=1000)]
DocumentNo = Annotated[str, Field(max_length=80)]
Amount = Annotated[int, Field(strict=True, ge=1, le=10_000)]
UnitCode = Annotated[str, Field(max_length=40)]
PACK: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The pack"}
}


class TaskIn(Model):
    """One unit's share of a call; the client makes the id."""

    id: UUID
    unit_code: UnitCode
    part: Part
    what: Words
    amount: Amount
    unit: LimitUnit


class CallIn(Model):
    """A call about a case: one lead and any number of assistants."""

    id: UUID
    version: Version
    purpose: Purpose
    text: Words
    document_no: DocumentNo = ""
    tasks: Annotated[list[TaskIn], Field(max_length=20)]


class CallActionIn(Model):
    """An action on a sub-task. ``version`` is that of the call which the sender saw."""

    command_id: UUID
    action: CallAction
    version: Version
    facts: Facts


class CallOut(JointCallOut):
    """A call with its sub-tasks, what may be done to each, and its history."""

    history: list[CallLine]


class CallList(Model):
    """Calls, newest first."""

    items: list[ListedCall]


@router.get("/joint-calls", response_model=CallList, responses=problems())
def list_calls(
    work: OneTransaction,
    mine: Annotated[bool, Query()] = False,
    open_only: Annotated[bool, Query()] = True,
) -> Response:
    """Calls of the subdistrict, or with ``mine`` those to the person's unit."""
    with work.begin(read_only=True) as w:
        items = overlays.calls(w.db, w.actor, w.now, w.rulebooks, mine=mine, open_only=open_only)
    return Json({"items": items})


@router.get("/joint-calls/{call_id}", response_model=CallOut, responses=problems(404))
def get_call(call_id: UUID, work: OneTransaction) -> Response:
    """One call in full."""
    with work.begin(read_only=True) as w:
        body = overlays.call_detail(w.db, w.actor, w.now, w.rulebooks, call_id)
    return Json(body)


@router.post(
    "/cases/{case_id}/joint-calls", status_code=201, response_model=CallOut, responses=problems(404, 409)
)
def issue_call(case_id: UUID, body: CallIn, work: OneTransaction) -> Response:
    """Call units to a case (articles 8 and 39); the director signs, or has signed."""
    tasks = [joint_calls.TaskOrder(t.id, t.unit_code, t.part, t.what, t.amount, t.unit) for t in body.tasks]
    command = joint_calls.IssueCall(
        body.id, case_id, body.version, body.purpose, body.text, body.document_no, tasks
    )
    with work.begin() as w:
        call = joint_calls.issue(w.db, w.actor, w.now, w.rulebooks, command)
        answer = _detail(w, call.id)
    return Json(answer, status_code=201)


@router.post(
    "/joint-calls/{call_id}/tasks/{task_id}/actions", response_model=CallOut, responses=problems(404, 409)
)
def act_on_task(call_id: UUID, task_id: UUID, body: CallActionIn, work: OneTransaction) -> Response:
    """Sign in, arrive, report, refuse (the called unit); withdraw, assess (the street)."""
    command = joint_calls.AnswerCall(body.command_id, call_id, task_id, body.action, body.version, body.facts)
    with work.begin() as w:
        joint_calls.act(w.db, w.actor, w.now, w.rulebooks, command)
        answer = _detail(w, call_id)
    return Json(answer)


@router.get(
    "/joint-calls/{call_id}/tasks/{task_id}/pack",
    response_class=Response,
    responses={**PACK, **problems(404)},
)
def refusal_pack(call_id: UUID, task_id: UUID, work: OneTransaction) -> Response:
    """The evidence pack of a refusal, byte for byte as it was made; ``Content-Digest`` is of these bytes."""
    with work.begin() as w:
        pack = joint_calls.pack_of(w.db, w.actor, w.now, call_id, task_id)
    headers = {
        "Content-Digest": f"sha-256=:{base64.b64encode(pack.sha256).decode()}:",
        "Content-Disposition": f'attachment; filename="refusal-{task_id}.json"',
        "Cache-Control": "no-store",
    }
    return Response(pack.document, media_type="application/json", headers=headers)


def _detail(w: Open, call_id: UUID) -> dict[str, Any]:
    return overlays.call_detail(w.db, w.actor, w.now, w.rulebooks, call_id)
