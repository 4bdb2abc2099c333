"""The ledger of photos: what is announced, on its way, here or gone; asked by its sender and by the desk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.evidence import PhotoState
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, can, require
from gridmgmt.services.evidence import Admission
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db

Line = Mapping[str, Any]

_DESK = (Permission.CASE_ACCEPT, Permission.CASE_FILE, Permission.CASE_DISPATCH, Permission.CASE_CLOSE)


@dataclass(frozen=True, slots=True)
class Coming:
    """A photo that a phone says is coming."""

    sha256: str
    media_type: str
    bytes: int


def announce_photos(
    db: Db, actor: Actor, now: datetime, report_id: UUID, coming: Sequence[Coming]
) -> list[Mapping[str, Any]]:
    """Enter what a report will come with; the ledger of it as it is now. Again is harmless."""
    code = subdistrict_of(actor)
    require(actor, Permission.REPORT_SUBMIT, code)
    for photo in coming:
        if rows.state(db, code, photo.sha256) is None:
            rows.enter(
                db, code, photo.sha256, actor.id, PhotoState.ANNOUNCED, now,
                media_type=photo.media_type, expected_bytes=photo.bytes,
            )  # fmt: skip
    rows.announce(db, report_id, code, [p.sha256 for p in coming], actor.id, now)
    audit.append(db, [done(actor, now, "photo:announce", "report", str(report_id), code, photos=len(coming))])
    return photos_of_report(db, actor, report_id)


def photos_of_report(db: Db, actor: Actor, report_id: UUID) -> list[Mapping[str, Any]]:
    """The ledger of a report's photos, in order: all for the desk, one's own for others."""
    code = subdistrict_of(actor)
    require(actor, Permission.CASE_READ, code)
    found = rows.of_report(db, actor, report_id)
    return [row for row in found if _is_desk(actor, code) or row["sent_by"] == actor.id]


def photos_awaited(db: Db, actor: Actor, *, limit: int) -> list[Mapping[str, Any]]:
    """Photos that are not here yet or not here any more: all for the desk, one's own for others."""
    code = subdistrict_of(actor)
    require(actor, Permission.CASE_READ, code)
    return rows.waiting(db, actor, None if _is_desk(actor, code) else actor.id, limit=limit)


def _is_desk(actor: Actor, code: str) -> bool:
    return any(can(actor, permission, code) for permission in _DESK)


def note_progress(
    db: Db, actor: Actor, now: datetime, admission: Admission, *, media_type: str, offset: int, whole: int
) -> None:
    """An upload begun or gone on: ``receiving`` with its offset, ``received`` when all is here."""
    state = PhotoState.RECEIVED if offset == whole else PhotoState.RECEIVING
    rows.enter(
        db, admission.subdistrict_code, admission.sha256, actor.id, state, now,
        media_type=media_type, expected_bytes=whole, received_bytes=offset,
    )  # fmt: skip
