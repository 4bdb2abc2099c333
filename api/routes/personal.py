"""Personal data: a contact in full for a purpose, whose number it is, erasing, legal holds."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import Model, problems
from gridmgmt.domain.purposes import Purpose
from gridmgmt.services import confidences, retention

router = APIRouter(tags=["personal"])

_NEVER_KEPT = {"Cache-Control": "no-store"}
Note = Annotated[str, Field(max_length=200)]
DocumentNo = Annotated[str, Field(max_length=80)]


class RevealIn(Model):
    """A look at a contact in full: what for, in a word and in a sentence."""

    id: UUID
    purpose: Purpose
    note: Note


class Revealed(Model):
    """What a report confided."""

    case_id: UUID
    description: str
    contact: dict[str, str | None] | None


class PhoneIn(Model):
    """A telephone number to look for."""

    phone: Annotated[str, Field(min_length=5, max_length=32)]


class CasesOfPhone(Model):
    """Cases whose report named a number, newest first."""

    items: list[dict[str, Any]]


class EraseIn(Model):
    """Why what a report confided is erased before its time."""

    note: Note


class ErasedOut(Model):
    """How many things of each class were erased."""

    erased: dict[str, int]


class HoldIn(Model):
    """A legal hold on what belongs to a case, and the document that orders it."""

    id: UUID
    document_no: DocumentNo
    reason: Note


class HoldOut(Model):
    """A placed hold."""

    id: UUID
    case_id: UUID


class HoldEndIn(Model):
    """The document that ends a hold."""

    document_no: DocumentNo


class HoldRow(Model):
    """A hold as lists show it."""

    id: UUID
    report_id: UUID
    case_id: UUID
    number: str
    document_no: str
    reason: str
    placed_by: UUID
    placed_at: datetime
    ended_by: UUID | None
    ended_at: datetime | None
    ended_document_no: str | None


class HoldList(Model):
    """Holds, newest first."""

    items: list[HoldRow]


@router.post("/cases/{case_id}/reveal", response_model=Revealed, responses=problems(404, 409, 410))
def reveal(case_id: UUID, body: RevealIn, work: SteppedUp) -> Response:
    """What the report of a case confided, in full. Counted, on record, and for a purpose that needs it."""
    asked = confidences.Reveal(body.id, case_id, body.purpose, body.note)
    most = work.parts.settings.reveals_per_day
    with work.begin() as w:
        shown = confidences.reveal(w.db, w.keys, w.actor, w.now, asked, work.request_id, most_a_day=most)
    return Json(shown, headers=_NEVER_KEPT)


@router.post("/contacts/cases", response_model=CasesOfPhone, responses=problems())
def cases_of_phone(body: PhoneIn, work: OneTransaction) -> Response:
    """Cases whose report named this number. A POST, so that the number stands in no address and no log."""
    with work.begin() as w:
        found = confidences.cases_of_phone(w.db, w.keys, w.actor, w.now, body.phone, limit=50)
    return Json({"items": found}, headers=_NEVER_KEPT)


@router.post("/cases/{case_id}/erasure", response_model=ErasedOut, responses=problems(404, 409))
def erase(case_id: UUID, body: EraseIn, work: SteppedUp) -> Response:
    """Erase what the report of an ended case confided, for good; refused while a legal hold lasts."""
    with work.begin() as w:
        counts = retention.erase_on_request(w.db, w.actor, w.now, case_id, body.note, work.request_id)
    return Json({"erased": counts})


@router.post("/cases/{case_id}/holds", status_code=201, response_model=HoldOut, responses=problems(404, 409))
def place_hold(case_id: UUID, body: HoldIn, work: SteppedUp) -> Response:
    """Forbid erasing what belongs to a case (article 46)."""
    hold = retention.Hold(body.id, case_id, body.document_no, body.reason)
    with work.begin() as w:
        placed = retention.place_hold(w.db, w.actor, w.now, hold)
    return Json(dict(placed), status_code=201)


@router.post("/holds/{hold_id}/end", status_code=204, responses=problems(404, 409))
def end_hold(hold_id: UUID, body: HoldEndIn, work: SteppedUp) -> Response:
    """End a hold; the periods count again."""
    with work.begin() as w:
        retention.end_hold(w.db, w.actor, w.now, hold_id, body.document_no)
    return Response(status_code=204)


@router.get("/holds", response_model=HoldList, responses=problems())
def holds(work: OneTransaction, ended: Annotated[bool, Query()] = False) -> Response:
    """Holds that last; with ``ended`` those that are over too."""
    with work.begin(read_only=True) as w:
        items = retention.holds(w.db, w.actor, ended=ended, limit=200)
    return Json({"items": items})
