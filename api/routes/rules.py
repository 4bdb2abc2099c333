"""Routing rules: a draft tried on what was routed before, and the queue of what no rule takes."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction
from api.models import Instant, Model, problems
from gridmgmt.domain.routing import QueueReason
from gridmgmt.domain.workflow import State
from gridmgmt.services import routing_rules

router = APIRouter(tags=["rules"])


class DraftIn(Model):
    """A draft of routing rules, and the period whose cases it is asked about."""

    document: Annotated[dict[str, Any], Field(max_length=20)]
    since: Instant
    until: Instant | None = None


class UnitCount(Model):
    """Cases of one unit; without a code they lie in the queue."""

    unit_code: str | None
    before: int
    after: int


class DifferingCase(Model):
    """A case that somebody else would get."""

    case_id: UUID
    number: str
    category: str
    cell_code: str
    reported_at: datetime
    unit_before: str | None
    rule_before: str | None
    unit_after: str | None
    rule_after: str | None
    queue_reason_after: str | None
    text_rules: list[str]


class FindingOut(Model):
    """What the linter says."""

    fault: str
    error: bool
    path: str
    text: str
    on: str
    about: list[str]


class DryRunOut(Model):
    """Who would get what instead; ``items`` are the first thousand differing cases."""

    version: str
    cases: int
    differing: int
    depending_on_text: int
    units: list[UnitCount]
    items: list[DifferingCase]
    truncated: bool
    findings: list[FindingOut]


class Owner(Model):
    """On whose desk a case lies."""

    role: str
    on_duty: list[dict[str, Any]]


class UnroutedCase(Model):
    """A case that no rule took."""

    id: UUID
    number: str
    state: State
    state_name: str
    category: dict[str, str]
    community_code: str
    cell_code: str
    source: str
    reported_at: datetime
    due_at: datetime | None
    overdue: bool
    queue_reason: QueueReason
    rule_id: str | None
    reason: str
    precedent: dict[str, Any] | None
    owner: Owner
    version: int


class UnroutedOut(Model):
    """The queue, soonest due first."""

    at: datetime
    items: list[UnroutedCase]


@router.post("/rules/dry-run", response_model=DryRunOut, responses=problems(409))
def try_draft(body: DraftIn, work: OneTransaction) -> Response:
    """Ask a draft who would have got the cases of a period; nothing is moved and no description is read."""
    with work.begin() as w:
        answer = routing_rules.try_for(
            w.db, w.actor, w.now, w.rulebooks, body.document, body.since, body.until
        )
    return Json(answer)


@router.get("/queues/unrouted", response_model=UnroutedOut, responses=problems())
def list_unrouted(work: OneTransaction, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> Response:
    """What no rule took: why, who is on duty for it, and until when."""
    with work.begin(read_only=True) as w:
        answer = routing_rules.unrouted_queue(w.db, w.actor, w.now, w.rulebooks, limit=limit)
    return Json(answer)
