"""Beside the moves of a case: supervision orders 督办, telling whoever reported, cases that follow others."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction
from api.models import Model, YesNo, problems
from api.routes.cases import CaseDetail, detail_of
from api.told_beside import OwedOrder
from gridmgmt.domain.telling import Kind
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.services import supervising, telling

router = APIRouter(tags=["oversight"])

Words = Annotated[str, Field(max_length=500)]
Amount = Annotated[int, Field(strict=True, ge=1, le=10_000)]


class OrderIn(Model):
    """A supervision order; without a limit the catalogue's holds."""

    id: UUID
    opinion: Words
    amount: Amount | None = None
    unit: LimitUnit | None = None


class OrderOut(Model):
    """An order and its reply."""

    id: UUID
    case_id: UUID
    unit_code: str | None
    opinion: str
    ordered_by: UUID
    ordered_at: datetime
    reply_due_at: datetime
    reply: str | None
    replied_by: UUID | None
    replied_at: datetime | None


class ReplyIn(Model):
    """The reply that an order asks for."""

    reply: Words


class OwedList(Model):
    """Orders without a reply, the first due first."""

    items: list[OwedOrder]


class FeedbackIn(Model):
    """That somebody was told, or could not be: how, in which words, what he answered."""

    id: UUID
    kind: Kind
    reached: YesNo
    channel: Annotated[str, Field(max_length=40)]
    words: Words
    satisfied: YesNo | None = None


class FeedbackOut(FeedbackIn):
    """A record of telling."""

    case_id: UUID
    told_by: UUID
    told_at: datetime


class FollowUpIn(Model):
    """A new case after a closed one; ``id`` is the new report's."""

    id: UUID
    reason: Words


@router.post("/cases/{case_id}/orders", status_code=201, responses=problems(404, 409))
def order(case_id: UUID, body: OrderIn, work: OneTransaction) -> OrderOut:
    """Urge an open case; a reply is owed."""
    command = supervising.OrderCommand(body.id, case_id, body.opinion, body.amount, body.unit)
    with work.begin() as w:
        given = supervising.order(w.db, w.actor, w.now, w.rulebooks, command)
    return _order_out(given)


@router.post("/orders/{order_id}/reply", responses=problems(404, 409))
def reply(order_id: UUID, body: ReplyIn, work: OneTransaction) -> OrderOut:
    """Answer an order: the unit that it is addressed to, or the dispatcher."""
    with work.begin() as w:
        answered = supervising.reply(w.db, w.actor, w.now, order_id, body.reply)
    return _order_out(answered)


@router.get("/orders", response_model=OwedList, responses=problems())
def owed(work: OneTransaction) -> Response:
    """Orders that still owe a reply."""
    with work.begin(read_only=True) as w:
        items = supervising.owed(w.db, w.actor, w.now)
    return Json({"items": items})


@router.post("/cases/{case_id}/feedback", status_code=201, responses=problems(404, 409))
def feedback(case_id: UUID, body: FeedbackIn, work: OneTransaction) -> FeedbackOut:
    """Keep that whoever reported this was told the outcome, or asked about it after closing."""
    command = telling.TellCommand(
        body.id, case_id, body.kind, body.reached, body.channel, body.words, body.satisfied
    )
    with work.begin() as w:
        told = telling.record(w.db, w.actor, w.now, command)
    return FeedbackOut(**{name: getattr(told, name) for name in FeedbackOut.model_fields})


@router.post(
    "/cases/{case_id}/follow-ups", status_code=201, response_model=CaseDetail, responses=problems(404, 409)
)
def follow_up(case_id: UUID, body: FollowUpIn, work: OneTransaction) -> Response:
    """Open a new case after one that can no longer be reopened; answers with the new case."""
    command = telling.FollowUp(body.id, case_id, body.reason)
    with work.begin() as w:
        made = telling.follow_up(
            w.db, w.keys, w.actor, w.now, w.rulebooks, command, work.request_id
        )  # fmt: skip
        detail = detail_of(w, made)
    return Json(detail, status_code=201)


def _order_out(given: Any) -> OrderOut:
    return OrderOut(**{name: getattr(given, name) for name in OrderOut.model_fields})
