"""Which photos are announced, on their way, here, refused or gone."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from api.deps import OneTransaction
from api.models import Model, Sha256, problems
from gridmgmt.domain.evidence import PhotoState
from gridmgmt.services import ledger

router = APIRouter(tags=["photos"])


class ComingIn(Model):
    """A photo that is coming."""

    sha256: Sha256
    media_type: Literal["image/jpeg", "image/png", "image/webp"]
    bytes: Annotated[int, Field(ge=1, le=2**31 - 1)]


class AnnouncementIn(Model):
    """The photos that a report will come with, in their order."""

    photos: Annotated[list[ComingIn], Field(min_length=1, max_length=9)]


class LedgerLine(Model):
    """One photo on its way."""

    sha256: str
    state: PhotoState
    media_type: str | None
    expected_bytes: int | None
    received_bytes: int
    refused_code: str | None
    refused_reason: str | None
    began_at: datetime
    changed_at: datetime


class ReportPhotosOut(Model):
    """The photos of a report, and whether all are here."""

    photos: list[LedgerLine]
    complete: bool


class AwaitedLine(LedgerLine):
    """One photo that is not here, with who sends it and for which report, if that was said."""

    sender: str
    report_id: uuid.UUID | None


class AwaitedOut(Model):
    """Photos that are not here, longest waiting first."""

    items: list[AwaitedLine]


def _lines(rows: list[ledger.Line]) -> ReportPhotosOut:
    photos = [LedgerLine(**{name: row[name] for name in LedgerLine.model_fields}) for row in rows]
    return ReportPhotosOut(photos=photos, complete=all(p.state.is_here for p in photos))


@router.put("/reports/{report_id}/photos", responses=problems())
def announce_photos(
    report_id: Annotated[uuid.UUID, Path()], body: AnnouncementIn, work: OneTransaction
) -> ReportPhotosOut:
    """Say which photos a report will come with; the answer says which are here already."""
    coming = [ledger.Coming(p.sha256, p.media_type, p.bytes) for p in body.photos]
    with work.begin() as w:
        return _lines(ledger.announce_photos(w.db, w.actor, w.now, report_id, coming))


@router.get("/reports/{report_id}/photos", responses=problems())
def photos_of_report(report_id: Annotated[uuid.UUID, Path()], work: OneTransaction) -> ReportPhotosOut:
    """Where each photo of a report stands: for its sender and for the desk."""
    with work.begin(read_only=True) as w:
        return _lines(ledger.photos_of_report(w.db, w.actor, report_id))


@router.get("/photos", responses=problems())
def photos_awaited(work: OneTransaction, limit: Annotated[int, Query(ge=1, le=200)] = 100) -> AwaitedOut:
    """Photos that are announced or begun and not here, or gone: the desk's all, or one's own."""
    with work.begin(read_only=True) as w:
        rows = ledger.photos_awaited(w.db, w.actor, limit=limit)
    return AwaitedOut(
        items=[AwaitedLine(**{name: row[name] for name in AwaitedLine.model_fields}) for row in rows]
    )
