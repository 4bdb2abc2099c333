"""The inbox 消息: what the person who asks was told. Nobody sees another's, whatever his roles."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.answers import Json
from api.deps import OneTransaction
from api.models import Instant, Model, problems
from gridmgmt.services import inbox

router = APIRouter(tags=["inbox"])


class NotificationOut(Model):
    """One thing that the person was told; ``rung`` where it is of the ladder and wants acknowledging."""

    id: UUID
    kind: str
    kind_name: str
    text: str
    case_id: UUID | None
    at: datetime
    facts: dict[str, Any]
    because: str
    instead_of: UUID | None
    instead_of_name: str | None
    absence: str | None
    rung: int | None
    read_at: datetime | None
    acknowledged_at: datetime | None


class Counts(Model):
    """How many are not read, and how many of those are rungs that he has not acknowledged."""

    unread: int
    owed: int


class Inbox(Counts):
    """Notifications, the newest first."""

    items: list[NotificationOut]


class ReadIn(Model):
    """Everything up to this time was seen."""

    until: Instant


class LadderStep(Model):
    """A rung 逐级督促 that a case has passed; ``told`` is false where people heard of a higher one."""

    clock: str
    round: int
    rung: int
    percent: int
    due_at: datetime
    at: datetime
    told: bool
    acknowledge_by: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_by_name: str | None
    passed_on_at: datetime | None


class Ladder(Model):
    """All rungs of a case, in their order."""

    items: list[LadderStep]


@router.get("/cases/{case_id}/ladder", response_model=Ladder, responses=problems(404))
def ladder(case_id: UUID, work: OneTransaction) -> Response:
    """The rungs that a case has passed: when, whether somebody acknowledged, whether it was passed on."""
    with work.begin(read_only=True) as w:
        items = inbox.ladder_of(w.db, w.actor, case_id)
    return Json({"items": items})


@router.get("/inbox", response_model=Inbox, responses=problems())
def read(
    work: OneTransaction,
    unread: bool = False,
    before_at: Instant | None = None,
    before_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The person's own notifications; ``before_at`` and ``before_id`` of the last one seen go on after it."""
    before = (before_at, before_id) if before_at is not None and before_id is not None else None
    with work.begin(read_only=True) as w:
        body = inbox.read(w.db, w.actor, before=before, unread=unread, limit=limit)
    return Json(body)


@router.post("/inbox/read", response_model=Counts, responses=problems())
def mark_read(body: ReadIn, work: OneTransaction) -> Response:
    """Mark the person's notifications up to a time as read."""
    with work.begin() as w:
        counts = inbox.mark_read(w.db, w.actor, w.now, body.until)
    return Json(counts)


@router.post("/inbox/{notification_id}/acknowledge", response_model=NotificationOut, responses=problems(404))
def acknowledge(notification_id: UUID, work: OneTransaction) -> Response:
    """Acknowledge 签阅 a notification; again, it answers as the first time. A rung is then not passed on."""
    with work.begin() as w:
        body = inbox.acknowledge(w.db, w.actor, w.now, notification_id)
    return Json(body)
