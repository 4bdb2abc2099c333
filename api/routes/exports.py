"""Exports: ask, approve, take away. The worker makes the files."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import Instant, Model, YesNo, problems
from gridmgmt.domain.purposes import ExportAsk, ExportFormat, ExportState, Purpose
from gridmgmt.services import exports

router = APIRouter(tags=["exports"])

_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.GEOJSON: "application/geo+json",
    ExportFormat.GPKG: "application/geopackage+sqlite3",
}


class ExportIn(Model):
    """What is asked for: fields of the catalogue, for a purpose, of cases reported in a time."""

    id: UUID
    purpose: Purpose
    note: Annotated[str, Field(max_length=200)]
    format: ExportFormat = ExportFormat.CSV
    fields: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=40)]
    reported_from: Instant | None = None
    reported_until: Instant | None = None


class ExportOut(Model):
    """An export and where it stands."""

    id: UUID
    asked_by: UUID
    recipient: str
    purpose: Purpose
    note: str
    format: ExportFormat
    fields: list[str]
    reported_from: datetime | None
    reported_until: datetime | None
    personal: bool
    rows_expected: int
    state: ExportState
    asked_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    opinion: str | None
    rows: int | None
    bytes: int | None
    sha256: str | None
    ready_at: datetime | None
    expires_at: datetime | None


class ExportList(Model):
    """Exports, newest first, and the catalogue of fields."""

    items: list[ExportOut]
    fields: list[dict[str, Any]]


class ExportDecisionIn(Model):
    """The answer of a second person; a refusal needs an opinion."""

    granted: YesNo
    opinion: Annotated[str, Field(max_length=200)] = ""


class UseIn(Model):
    """What the file is taken away for."""

    purpose: Purpose


@router.post("/exports", status_code=202, response_model=ExportOut, responses=problems(409, 413))
def ask(body: ExportIn, work: OneTransaction) -> Response:
    """Ask for an export. Personal data, or over 1,000 rows, wait for a second person."""
    asked = ExportAsk(
        purpose=body.purpose,
        note=body.note,
        format=body.format,
        fields=tuple(body.fields),
        reported_from=body.reported_from,
        reported_until=body.reported_until,
    )
    most = work.parts.settings.export_most_rows
    with work.begin() as w:
        export = exports.ask(w.db, w.actor, w.now, body.id, asked, most_rows=most)
    return Json(export, status_code=202)


@router.get("/exports", response_model=ExportList, responses=problems())
def list_exports(work: OneTransaction) -> Response:
    """One's own exports; whoever approves sees everybody's. With the catalogue of fields."""
    with work.begin(read_only=True) as w:
        items = exports.listed(w.db, w.actor, limit=100)
    return Json({"items": items, "fields": exports.catalogue()})


@router.post("/exports/{export_id}/decision", response_model=ExportOut, responses=problems(404, 409))
def decide(export_id: UUID, body: ExportDecisionIn, work: SteppedUp) -> Response:
    """Approve or refuse an export that somebody else asked for."""
    with work.begin() as w:
        export = exports.decide(w.db, w.actor, w.now, export_id, granted=body.granted, opinion=body.opinion)
    return Json(export)


@router.post(
    "/exports/{export_id}/file",
    response_class=Response,
    responses={
        200: {"content": {kind.partition(";")[0]: {} for kind in _MEDIA_TYPES.values()}},
        **problems(404, 409, 410),
    },
)
def take(export_id: UUID, body: UseIn, work: SteppedUp) -> Response:
    """The file, for whoever asked for it and for the purpose it was asked for; on record with its hash."""
    with work.begin() as w:
        taken = exports.take(w.db, work.parts.export_files, w.actor, w.now, export_id, body.purpose)
    return Response(
        taken.content,
        media_type=_MEDIA_TYPES[taken.format],
        headers={
            "Content-Disposition": f'attachment; filename="cases-{str(export_id)[-8:]}.{taken.format}"',
            "Cache-Control": "no-store",
            "X-Recipient": quote(taken.recipient),
            "X-Purpose": taken.purpose,
            "X-Sha256": taken.sha256,
        },
    )
