"""Evidence photos, addressed by the SHA-256 of the bytes that the phone sent: sending twice is sending once.

What is sent is kept as it came and shown to nobody; what is shown is made from it (``services/evidence.py``).
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.deps import OneTransaction
from api.models import Model, Sha256, problems
from api.receiving import admitted, received
from gridmgmt.errors import EvidenceDamaged
from gridmgmt.services import evidence

router = APIRouter(tags=["photos"])

_ENDINGS = {"sound": "ogg"}


class PhotoOut(Model):
    """A stored photo, or a recording, which has a duration instead of a width and a height."""

    sha256: str
    media_type: str
    bytes: int
    width: int | None
    height: int | None
    duration_ms: int | None
    received_at: datetime


class Size(StrEnum):
    """The derivatives: 1600 pixels for a screen, 320 for a list; the sound of a recording."""

    SCREEN = "screen"
    THUMB = "thumb"
    SOUND = "sound"


@router.put(
    "/photos/{sha256}",
    status_code=201,
    responses={200: {"description": "Stored before", "model": PhotoOut}, **problems(413, 507)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/jpeg", "image/png", "image/webp", "audio/webm", "audio/ogg")
            },
        }
    },
)
async def put_photo(
    sha256: Annotated[Sha256, Path()],
    request: Request,
    response: Response,
    work: OneTransaction,
    content_type: Annotated[str, Header(max_length=200)] = "",
) -> PhotoOut:
    """Store a photo, or a recording of up to three minutes, under the SHA-256 of its bytes."""
    admission = await run_in_threadpool(admitted, work, sha256)
    if admission.known is not None:
        # Read to its end all the same, or the connection could not be used again.
        async for _ in request.stream():
            pass
        response.status_code = 200
        return PhotoOut(**admission.known)
    with work.parts.evidence.spool.receiving() as body:
        async for piece in request.stream():
            body.write(piece)
        media_type = content_type.partition(";")[0].strip()
        sent = evidence.Sent(media_type, await run_in_threadpool(body.content), body.sha256)
    stored = await run_in_threadpool(received, work, admission, sent)
    return PhotoOut(**stored.facts)


@router.get(
    "/photos/{sha256}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "audio/ogg": {}}}, **problems(404, 410)},
)
def get_photo(
    sha256: Annotated[Sha256, Path()],
    work: OneTransaction,
    size: Annotated[Size, Query()] = Size.SCREEN,
) -> Response:
    """A picture of a photo of the actor's subdistrict, with what is known of it written below.

    Made anew from the original, so nothing that the camera wrote into the file is in it. ``sound`` is of a
    recording: its packets in a new file.
    """
    with work.begin() as w:
        look = evidence.look_at_photo(w.db, w.actor, w.now, w.rulebooks, sha256, size)
    try:
        shown = evidence.show(work.parts.evidence, look)
    except EvidenceDamaged as damage:
        with work.begin() as w:
            evidence.note_damage(w.db, w.actor, w.now, damage)
        work.refuse(damage)
    if shown.examined is not None or shown.damage is not None:
        with work.begin() as w:
            evidence.keep_shown(w.db, w.now, look, shown)
            if shown.damage is not None:
                evidence.note_damage(w.db, w.actor, w.now, shown.damage)
    return Response(
        shown.content,
        media_type="audio/ogg" if size is Size.SOUND else "image/jpeg",
        headers={
            # A later look may find the case's number in the strip.
            "Cache-Control": "private, max-age=3600",
            "ETag": f'"{shown.digest}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Content-Disposition": f'inline; filename="{sha256[:16]}-{size}.{_ENDINGS.get(size, "jpg")}"',
        },
    )
