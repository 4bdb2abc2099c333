"""The audit log 审计日志, for the auditors of a street: search, the state of the seal, heads to take away.

Looking leaves a line of its own, so these are transactions that write.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.answers import Json
from api.deps import OneTransaction
from api.models import Instant, Model, problems
from gridmgmt.adapters import witness
from gridmgmt.errors import InvalidInput
from gridmgmt.services import auditing
from gridmgmt.storage.audit_search import Wanted

router = APIRouter(tags=["audit"])

_USUAL_SPAN = timedelta(days=7)
_LONGEST_SPAN = timedelta(days=400)
Word = Annotated[str | None, Query(max_length=100)]


class AuditLine(Model):
    """One line; ``seq`` is its place under the seal, null while it waits."""

    id: int
    seq: int | None
    at: datetime
    actor_id: UUID | None
    subdistrict_code: str | None
    action: str
    object_kind: str
    object_id: str
    outcome: str
    code: str | None
    article: str | None
    rule: str | None
    request_id: str | None
    facts: dict[str, Any]


class AuditPage(Model):
    """Lines, newest first; ``next_before`` continues the page."""

    items: list[AuditLine]
    next_before: int | None


class SealStatus(Model):
    """The newest head, what waits for the sealer, and how the last verification ended."""

    at: datetime
    head: dict[str, Any] | None
    waiting: int
    oldest_waiting_s: float | None
    last_verification: dict[str, Any] | None


class HeadOut(Model):
    """A signed head; ``note`` is the text that the signature is over, with it."""

    origin: str
    no: int
    size: int
    root: str
    alg: str
    at: datetime
    kind: str
    note: str


@router.get("/audit", response_model=AuditPage, responses=problems())
def search(  # noqa: PLR0913  each filter is a query parameter
    work: OneTransaction,
    since: Instant | None = None,
    until: Instant | None = None,
    actor_id: UUID | None = None,
    action: Word = None,
    object_kind: Word = None,
    object_id: Annotated[str | None, Query(max_length=200)] = None,
    outcome: Literal["done", "refused"] | None = None,
    code: Word = None,
    request_id: Word = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Lines of the auditor's street and changes of what streets share; the last seven days by default."""
    with work.begin() as w:
        end = until or w.now + timedelta(seconds=1)
        begin = since or end - _USUAL_SPAN
        if not timedelta(0) <= end - begin <= _LONGEST_SPAN:
            raise InvalidInput("Give a span of at most 400 days that ends after it begins.")
        wanted = Wanted(
            begin, end, actor_id, action, object_kind, object_id, outcome, code, request_id, before
        )
        found = auditing.search(w.db, w.actor, w.now, wanted, limit=limit + 1)
    more, shown = len(found) > limit, found[:limit]
    return Json({"items": shown, "next_before": shown[-1].id if more else None})


@router.get("/audit/status", response_model=SealStatus, responses=problems())
def status(work: OneTransaction) -> Response:
    """Where the seal stands."""
    with work.begin() as w:
        body = auditing.status(w.db, w.actor, w.now)
    return Json(body)


@router.get("/audit/head", response_model=HeadOut, responses=problems(404))
def head(work: OneTransaction) -> Response:
    """The newest signed head, to be kept outside this system."""
    with work.begin() as w:
        note = auditing.head(w.db, w.actor, w.now)
    return Json(witness.as_json(note))


@router.get(
    "/audit/head.html",
    response_class=Response,
    responses=problems(404) | {200: {"content": {"text/html": {}}}},
)
def head_page(work: OneTransaction) -> Response:
    """The newest signed head as a page to print, with a QR code."""
    with work.begin() as w:
        note = auditing.head(w.db, w.actor, w.now)
    return Response(
        witness.printable(note, note.head.at.astimezone(witness.CHINA).date()), media_type="text/html"
    )
