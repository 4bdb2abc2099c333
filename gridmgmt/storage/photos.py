"""What is known of stored photos; their bytes are in the photo store."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import photos

PHOTO, RECORDING = "photo", "recording"
_SHOWN = ("sha256", "media_type", "bytes", "width", "height", "duration_ms", "received_at")


def find(db: Db, subdistrict_code: str, sha256: str) -> dict[str, Any] | None:
    """Facts of one photo of a subdistrict."""
    query = select(*(photos.c[n] for n in _SHOWN)).where(
        photos.c.subdistrict_code == subdistrict_code, photos.c.sha256 == sha256
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def known(db: Db, subdistrict_code: str, digests: Sequence[str]) -> frozenset[str]:
    """Which of these photos the subdistrict has; a recording is none."""
    return frozenset(
        digest for digest, kind in kinds(db, subdistrict_code, digests).items() if kind != RECORDING
    )


def kinds(db: Db, subdistrict_code: str, digests: Sequence[str]) -> dict[str, str]:
    """``photo`` or ``recording`` for each of these that the subdistrict has."""
    query = select(photos.c.sha256, photos.c.media_type).where(
        photos.c.subdistrict_code == subdistrict_code, photos.c.sha256.in_(digests)
    )
    return {sha256: kind_of(media_type) for sha256, media_type in db.execute(query)}


def kind_of(media_type: str) -> str:
    """What a stored file is, by its type."""
    return RECORDING if media_type.startswith("audio/") else PHOTO


def add(db: Db, row: Mapping[str, Any]) -> None:
    """Store a photo's facts; two uploads of the same bytes at once leave one row."""
    db.execute(insert(photos).values(**row).on_conflict_do_nothing())
