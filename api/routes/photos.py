"""Evidence photos, addressed by the SHA-256 of their bytes: sending twice is sending once."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.deps import OneTransaction
from api.models import Model, Sha256, problems
from gridmgmt.services import evidence

router = APIRouter(tags=["photos"])


class PhotoOut(Model):
    """A stored photo."""

    sha256: str
    media_type: str
    bytes: int
    width: int
    height: int
    received_at: datetime


@router.put(
    "/photos/{sha256}",
    status_code=201,
    responses={200: {"description": "Stored before", "model": PhotoOut}, **problems(413)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/jpeg", "image/png", "image/webp")
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
    """Store a photo under the SHA-256 of its bytes."""
    content = await request.body()

    def store() -> evidence.Stored:
        parts = work.parts
        with work.begin() as w:
            return evidence.store_photo(
                w.db,
                w.actor,
                w.now,
                evidence.Upload(sha256, content_type.partition(";")[0].strip(), content),
                parts.photos,
                limit_bytes=parts.settings.max_photo_bytes,
            )

    stored = await run_in_threadpool(store)
    response.status_code = 200 if stored.known_before else 201
    return PhotoOut(**stored.facts)


@router.get(
    "/photos/{sha256}",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}}, **problems(404)},
)
def get_photo(sha256: Annotated[Sha256, Path()], work: OneTransaction) -> Response:
    """The bytes of a photo that belongs to the actor's subdistrict."""
    with work.begin() as w:
        media_type = evidence.look_at_photo(w.db, w.actor, w.now, sha256)
    return Response(
        work.parts.photos.get(sha256),
        media_type=media_type,
        headers={"Cache-Control": "private, max-age=86400, immutable"},
    )
