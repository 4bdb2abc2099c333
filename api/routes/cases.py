"""Cases 案件: lists, one in full, and the moves that the workflow table allows."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, Open
from api.models import GEOJSON, Facts, Instant, Model, Version, YesNo, problems
from api.told import CaseClocks, CategoryRef, Duty, HistoryLine, LegalAction, Place, ReportOfCase, Routing
from api.told_beside import BesideCase
from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import Light
from gridmgmt.errors import InvalidInput
from gridmgmt.services import asking, confidences, handling, reading
from gridmgmt.storage.board import CaseFilter

router = APIRouter(tags=["cases"])

_MOST_ON_MAP = 5000


class CaseOut(Model):
    """One case as lists show it."""

    id: UUID
    number: str
    state: State
    state_name: str
    category: CategoryRef
    community_name: str
    cell_code: str
    position: Place | None
    place_basis: Literal["point", "cell"]
    label_position: Place
    source: Source
    reported_at: datetime
    due_at: datetime | None
    stage_due_at: datetime | None
    light: Light | None
    unit_code: str | None
    unit_name: str | None
    worker_id: UUID | None
    worker_name: str | None
    signed_at: datetime | None
    version: int
    updated_at: datetime


class CasePage(Model):
    """A page of cases; ``next_cursor`` continues it."""

    items: list[CaseOut]
    next_cursor: str | None


class RequestOut(Model):
    """A request and its answer."""

    id: UUID
    case_id: UUID
    action: Action
    status: Literal["pending", "granted", "refused"]
    facts: dict[str, Any]
    asked_by: UUID
    asked_for: UUID | None
    asked_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    opinion: str | None


class CaseDetail(CaseOut):
    """One case in full."""

    report: ReportOfCase
    routing: Routing | None
    duty: Duty | None
    history: list[HistoryLine]
    requests: list[RequestOut]
    legal: list[LegalAction]
    beside: BesideCase
    clocks: CaseClocks


class ActionIn(Model):
    """A move. ``version`` is the one the sender saw; ``command_id`` makes sending twice harmless.

    ``device_at`` is the phone's own time. It is kept beside the server's and decides nothing.
    """

    command_id: UUID
    action: Action
    version: Version
    facts: Facts
    device_at: Instant | None = None


class RequestIn(Model):
    """A request for a move that needs approval."""

    id: UUID
    action: Action
    version: Version
    facts: Facts


class DecisionIn(Model):
    """The answer to a request; a refusal needs an opinion, a second extension a signed document."""

    granted: YesNo
    opinion: Annotated[str, Field(max_length=500)] = ""
    document_no: Annotated[str, Field(max_length=80)] = ""


class DecisionOut(Model):
    """The answered request and the case after it."""

    request: RequestOut
    case: CaseDetail


@router.get("/cases", response_model=CasePage, responses=problems())
def list_cases(  # noqa: PLR0913  each filter is a query parameter
    work: OneTransaction,
    state: State | None = None,
    cell: Annotated[str | None, Query(pattern=r"^[0-9]{15}$")] = None,
    category: Annotated[str | None, Query(pattern=r"^[0-9]{5}$")] = None,
    mine: bool = False,
    open_only: bool = False,
    updated_after: Instant | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Cases in the actor's scope, last changed first."""
    only = CaseFilter(state, cell, category, mine, updated_after, open_only)
    with work.begin(read_only=True) as w:
        rows = reading.case_list(
            w.db, w.actor, w.now, w.rulebooks, only, limit=limit + 1, before=_read_cursor(cursor)
        )
    more = len(rows) > limit
    rows = rows[:limit]
    return Json({"items": rows, "next_cursor": _write_cursor(rows[-1]) if more else None})


@router.get("/cases.geojson", response_class=Response, responses={200: GEOJSON, **problems(429)})
def cases_on_map(work: OneTransaction, open_only: Annotated[bool, Query(alias="open")] = True) -> Response:
    """Cases as points for the map, newest first, at most 5,000; ``truncated`` says when there are more."""
    with work.begin(read_only=True) as w:
        rows = reading.case_list(
            w.db, w.actor, w.now, w.rulebooks,
            CaseFilter(open_only=open_only), limit=_MOST_ON_MAP + 1, before=None,
        )  # fmt: skip
    features = [
        {
            "type": "Feature",
            "id": str(r["id"]),
            "geometry": {
                "type": "Point",
                "coordinates": [r["label_position"]["lon"], r["label_position"]["lat"]],
            },
            "properties": {
                "id": r["id"],
                "number": r["number"],
                "state": r["state"],
                "state_name": r["state_name"],
                "light": r["light"],
                "category_name": r["category"]["name"],
                "cell_code": r["cell_code"],
                "place_basis": r["place_basis"],
            },
        }
        for r in rows[:_MOST_ON_MAP]
    ]
    return Json(
        {"type": "FeatureCollection", "features": features, "truncated": len(rows) > _MOST_ON_MAP},
        media_type="application/geo+json",
    )


@router.get("/cases/{case_id}", response_model=CaseDetail, responses=problems(404))
def get_case(case_id: UUID, work: OneTransaction) -> Response:
    """One case: report, reasons, history, requests, and what the actor may do next."""
    with work.begin(read_only=True) as w:
        body = detail_of(w, case_id)
    return Json(body)


@router.post("/cases/{case_id}/actions", response_model=CaseDetail, responses=problems(404, 409))
def act(case_id: UUID, body: ActionIn, work: OneTransaction) -> Response:
    """Move a case by one action of the workflow table."""
    said = {} if body.device_at is None else {"device_at": body.device_at.isoformat()}
    command = handling.Act(body.command_id, case_id, body.action, body.version, {**body.facts, **said})
    with work.begin() as w:
        handling.act(w.db, w.actor, w.now, w.rulebooks, command)
        detail = detail_of(w, case_id)
    return Json(detail)


@router.post("/cases/{case_id}/requests", status_code=201, responses=problems(404, 409))
def make_request(case_id: UUID, body: RequestIn, work: OneTransaction) -> RequestOut:
    """Ask for void, send_back, extend or hold, which need approval; a third return is the district's."""
    command = asking.AskCommand(body.id, case_id, body.action, body.version, body.facts)
    with work.begin() as w:
        request = asking.ask(w.db, w.actor, w.now, w.rulebooks, command)
    return _request_out(request)


@router.post("/requests/{request_id}/decision", response_model=DecisionOut, responses=problems(404, 409))
def decide(request_id: UUID, body: DecisionIn, work: OneTransaction) -> Response:
    """Grant or refuse a request; granting performs the action in the same transaction."""
    with work.begin() as w:
        request = asking.answer(
            w.db,
            w.actor,
            w.now,
            w.rulebooks,
            asking.Answer(request_id, body.granted, body.opinion, body.document_no),
        )
        detail = detail_of(w, request.case_id)
    return Json({"request": _request_out(request).model_dump(mode="json"), "case": detail})


def detail_of(w: Open, case_id: UUID) -> dict[str, Any]:
    """A case in full, with personal fields as short as this person may see them."""
    detail = reading.case_detail(w.db, w.actor, w.now, w.rulebooks, case_id)
    return confidences.told_shortly(w.db, w.keys, w.actor, detail)


def _request_out(request: Any) -> RequestOut:
    return RequestOut(**{name: getattr(request, name) for name in RequestOut.model_fields})


def _write_cursor(row: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([row["updated_at"], row["id"]])).decode()


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    try:
        at, case_id = orjson.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(at), UUID(case_id)
    except (binascii.Error, ValueError, TypeError, AttributeError) as exc:
        raise InvalidInput("This cursor was not made here.", parameter="cursor") from exc
