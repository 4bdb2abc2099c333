"""Evidence photos: take one in, let one be looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gridmgmt.adapters.photos import PhotoStore, inspect_photo
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, can, require
from gridmgmt.errors import NotFound
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit, photos
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class Upload:
    """What arrived: the digest and type that the sender gave, and the bytes."""

    sha256: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored photo's facts, and whether it was there before."""

    facts: dict[str, Any]
    known_before: bool


def store_photo(
    db: Db, actor: Actor, now: datetime, upload: Upload, store: PhotoStore, *, limit_bytes: int
) -> Stored:
    """Check a photo and keep it; the bytes are durable before the row is.

    Raises
    ------
    NotAllowed
        The actor neither reports nor handles cases.
    TooLarge, UnacceptablePhoto, Unavailable
        As ``adapters.photos``.
    """
    code = subdistrict_of(actor)
    if not _may_add_evidence(actor, code):
        require(actor, Permission.REPORT_SUBMIT, code)
    known = photos.find(db, code, upload.sha256)
    if known is not None:
        return Stored(known, known_before=True)
    facts = inspect_photo(
        upload.content, sha256=upload.sha256, media_type=upload.media_type, limit_bytes=limit_bytes
    )
    store.put(upload.sha256, upload.content)
    row = {
        "sha256": facts.sha256,
        "media_type": facts.media_type,
        "bytes": facts.bytes,
        "width": facts.width,
        "height": facts.height,
        "received_at": now,
    }
    photos.add(db, {**row, "subdistrict_code": code, "received_by": actor.id})
    audit.append(db, [done(actor, now, "photo:store", "photo", facts.sha256, code)])
    return Stored(row, known_before=False)


def _may_add_evidence(actor: Actor, code: str) -> bool:
    handles = can(actor, Permission.CASE_HANDLE, code, unit_code=actor.unit_code, worker_id=actor.id)
    return handles or can(actor, Permission.CASE_VERIFY, code)


def look_at_photo(db: Db, actor: Actor, now: datetime, sha256: str) -> str:
    """The media type of a photo in the actor's scope; the look is audited (photos show people).

    Raises
    ------
    NotFound
        Not in the actor's subdistricts.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.CASE_READ, code)
    known = photos.find(db, code, sha256)
    if known is None:
        raise NotFound("No such photo.", kind="photo")
    audit.append(db, [done(actor, now, "photo:look", "photo", sha256, code)])
    return str(known["media_type"])
