"""The original of a photo: asked for with a reason, handed out once."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.deps import OneTransaction, SteppedUp
from api.models import Model, Sha256, problems
from gridmgmt.errors import EvidenceDamaged
from gridmgmt.services import evidence, originals

router = APIRouter(tags=["photos"])

_ENDINGS = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "audio/webm": "webm", "audio/ogg": "ogg",
}  # fmt: skip


class ReasonIn(Model):
    """Why the original is needed."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class LinkOut(Model):
    """A link for one look by whoever asked."""

    url: str
    expires_at: datetime


@router.post("/photos/{sha256}/original", status_code=201, responses=problems(404))
def ask_for_original(sha256: Annotated[Sha256, Path()], body: ReasonIn, work: SteppedUp) -> LinkOut:
    """Ask to see the original, after a step-up; holds five minutes, for one look, and is on record."""
    token = secrets.token_urlsafe(32)
    with work.begin() as w:
        until = originals.ask_for_original(
            w.db, w.actor, w.now, sha256, body.reason,
            link_id=uuid.uuid4(), token_sha256=hashlib.sha256(token.encode()).digest(),
        )  # fmt: skip
    return LinkOut(url=f"/api/v1/photos/{sha256}/original?link={token}", expires_at=until)


@router.get(
    "/photos/{sha256}/original",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}, **problems(404, 410)},
)
def get_original(
    sha256: Annotated[Sha256, Path()],
    work: OneTransaction,
    link: Annotated[str, Query(max_length=100)],
) -> Response:
    """The bytes as they were received, as a download; the link is used up whatever happens."""
    with work.begin() as w:
        token = hashlib.sha256(link.encode()).digest()
        media_type = originals.open_original(w.db, w.actor, w.now, sha256, token)
    try:
        content = work.parts.evidence.vault.get(sha256)
    except EvidenceDamaged as damage:
        with work.begin() as w:
            evidence.note_damage(w.db, w.actor, w.now, damage)
        work.refuse(damage)
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Content-Disposition": f'attachment; filename="{sha256}.{_ENDINGS.get(media_type, "bin")}"',
        },
    )
