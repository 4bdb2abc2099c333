"""Resumable uploads: the server's half of tus 1.0.0 with creation, termination, expiration and checksum.

A photo comes in pieces, each at the offset where the last one ended, and goes the way of every photo when
the last byte is here. Its name is the SHA-256 in ``Upload-Metadata``; a file name is not even read.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.deps import AppParts, OneTransaction, Open, Work
from api.models import problems
from api.receiving import admitted, received
from gridmgmt.adapters.evidence.spool import CHECKSUMS, Announced, Upload, new_upload_id
from gridmgmt.domain.evidence import UPLOAD_LIFE
from gridmgmt.errors import GridError, InvalidInput, OffsetDiffers, TooLarge, WrongTusVersion
from gridmgmt.services import evidence, ledger
from gridmgmt.services.evidence import Admission, Sent

router = APIRouter(tags=["uploads"])

VERSION = "1.0.0"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEAD = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
_MEDIA_TYPES = {"image/jpeg", "image/png", "image/webp", "audio/webm", "audio/ogg"}
_TUS = problems(404, 409, 412, 413, 423, 429, 460, 507)

UploadId = Annotated[str, Path(min_length=1, max_length=64)]


@router.options("/uploads", status_code=204, response_class=Response)
def capabilities(parts: AppParts) -> Response:
    """What of the protocol is spoken here; told to anybody, as tus clients ask before they sign in."""
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,expiration,checksum,termination",
        "Tus-Max-Size": str(parts.settings.max_photo_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }
    return Response(status_code=204, headers=headers)


@router.post("/uploads", status_code=201, response_class=Response, responses=_TUS)
def create(
    work: OneTransaction,
    tus_resumable: Annotated[str, Header(max_length=20)] = "",
    upload_length: Annotated[str, Header(max_length=20)] = "",
    upload_metadata: Annotated[str, Header(max_length=4096)] = "",
) -> Response:
    """Begin an upload; ``Upload-Metadata`` has ``sha256`` and ``filetype``."""
    _require_version(tus_resumable)
    whole = _count(upload_length, "Upload-Length")
    if whole > work.parts.settings.max_photo_bytes:
        raise TooLarge("The photo is larger than accepted.", limit_bytes=work.parts.settings.max_photo_bytes)
    told = _metadata(upload_metadata)
    sha256, media_type = told.get("sha256", ""), told.get("filetype", "")
    if not _SHA256.fullmatch(sha256) or media_type not in _MEDIA_TYPES or whole == 0:
        raise InvalidInput(
            "An upload names its SHA-256 (lower-case hex), its type and how many bytes it has.",
            rule="R41c",
            field="Upload-Metadata",
        )
    with work.begin() as w:
        admission = evidence.admit(w.db, w.actor, w.now, w.rulebooks, sha256)
        upload = work.parts.evidence.uploads.create(
            _announced(w, admission, media_type, whole), done=admission.known is not None
        )
        if admission.known is None:
            ledger.note_progress(
                w.db, w.actor, w.now, admission, media_type=media_type, offset=0, whole=whole
            )
    where = f"/api/v1/uploads/{upload.announced.id}"
    return Response(status_code=201, headers=_HEAD | _expiry(upload) | {"Location": where})


def _announced(w: Open, admission: Admission, media_type: str, whole: int) -> Announced:
    return Announced(
        id=new_upload_id(),
        owner=w.actor.id,
        subdistrict_code=admission.subdistrict_code,
        sha256=admission.sha256,
        media_type=media_type,
        bytes=whole,
        expires_at=w.now + UPLOAD_LIFE,
    )


@router.head("/uploads/{upload_id}", response_class=Response, responses=_TUS)
def offset(
    upload_id: UploadId, work: OneTransaction, tus_resumable: Annotated[str, Header(max_length=20)] = ""
) -> Response:
    """Where an upload stands. One that is whole but was not finished, because the server died, is now."""
    _require_version(tus_resumable)
    upload = _mine(work, upload_id)
    if not upload.is_done and upload.offset == upload.announced.bytes:
        with upload.writing():
            _finish(work, upload)
    standing = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.announced.bytes)}
    return Response(status_code=200, headers=_HEAD | _expiry(upload) | standing)


@router.patch("/uploads/{upload_id}", status_code=204, response_class=Response, responses=_TUS)
async def append(
    upload_id: UploadId,
    request: Request,
    work: OneTransaction,
    tus_resumable: Annotated[str, Header(max_length=20)] = "",
    upload_offset: Annotated[str, Header(max_length=20)] = "",
    upload_checksum: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Add a piece at the end; the last one answers when the photo is stored."""
    _require_version(tus_resumable)
    if request.headers.get("content-type", "") != "application/offset+octet-stream":
        raise InvalidInput("A piece has the type application/offset+octet-stream.", field="Content-Type")
    checksum = _checksum(upload_checksum)
    upload = await run_in_threadpool(_mine, work, upload_id)
    with upload.writing():
        at = upload.offset
        if _count(upload_offset, "Upload-Offset") != at:
            raise OffsetDiffers("This upload goes on at another place.", rule="R41c", offset=at)
        if not upload.is_done:
            at = await _appended(upload, request, checksum)
            await run_in_threadpool(_note, work, upload, at)
        if at == upload.announced.bytes and not upload.is_done:
            await run_in_threadpool(_finish, work, upload)
    return Response(status_code=204, headers=_HEAD | _expiry(upload) | {"Upload-Offset": str(at)})


async def _appended(upload: Upload, request: Request, checksum: tuple[str, bytes] | None) -> int:
    """The offset after a piece. What came before a connection broke is kept as well."""
    piece = upload.appending(checksum=checksum)
    try:
        try:
            async for data in request.stream():
                piece.write(data)
        except ClientDisconnect:
            await run_in_threadpool(lambda: piece.keep(whole=False))
            raise
        return await run_in_threadpool(lambda: piece.keep(whole=True))
    finally:
        piece.close()


@router.delete("/uploads/{upload_id}", status_code=204, response_class=Response, responses=_TUS)
def end(
    upload_id: UploadId, work: OneTransaction, tus_resumable: Annotated[str, Header(max_length=20)] = ""
) -> Response:
    """End an upload and forget its bytes; a stored photo stays."""
    _require_version(tus_resumable)
    upload = _mine(work, upload_id)
    with upload.writing():
        upload.remove()
    return Response(status_code=204, headers=_HEAD)


def _mine(work: Work, upload_id: str) -> Upload:
    with work.begin(read_only=True) as w:
        return work.parts.evidence.uploads.find(w.actor.id, upload_id, w.now)


def _note(work: Work, upload: Upload, at: int) -> None:
    told = upload.announced
    with work.begin() as w:
        admission = evidence.admit(w.db, w.actor, w.now, w.rulebooks, told.sha256)
        ledger.note_progress(
            w.db, w.actor, w.now, admission, media_type=told.media_type, offset=at, whole=told.bytes
        )


def _finish(work: Work, upload: Upload) -> None:
    """The way of every photo. A photo at fault ends its upload; a full store leaves it to be tried again."""
    told = upload.announced
    admission = admitted(work, told.sha256)
    if admission.known is None:
        content = upload.content()
        sent = Sent(told.media_type, content, hashlib.sha256(content).hexdigest())
        try:
            received(work, admission, sent)
        except GridError as refusal:
            if refusal.code == "unacceptable_photo":
                upload.remove()
            raise
    upload.finish()


def _require_version(given: str) -> None:
    if given != VERSION:
        raise WrongTusVersion("The upload protocol is tus 1.0.0.", version=VERSION)


def _count(given: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", given):
        raise InvalidInput(f"{name} is a number of bytes.", field=name)
    return int(given)


def _metadata(given: str) -> Mapping[str, str]:
    """Names with their values; what is not well formed is as good as not sent."""
    told = {}
    for pair in given.split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            told[name] = base64.b64decode(value.strip(), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            continue
    return told


def _checksum(given: str) -> tuple[str, bytes] | None:
    if not given:
        return None
    name, _, value = given.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if name not in CHECKSUMS or len(digest) != hashlib.new(name, usedforsecurity=False).digest_size:
        raise InvalidInput("A checksum is sha256 or sha1, a space, and Base64.", field="Upload-Checksum")
    return name, digest


def _expiry(upload: Upload) -> dict[str, str]:
    expires_at: datetime = upload.announced.expires_at
    return {"Upload-Expires": format_datetime(expires_at, usegmt=True)}
