"""What is known of stored photos; their bytes are in the photo store."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import photos

_SHOWN = ("sha256", "media_type", "bytes", "width", "height", "received_at")


def find(db: Db, subdistrict_code: str, sha256: str) -> dict[str, Any] | None:
    """Facts of one photo of a subdistrict."""
    query = select(*(photos.c[n] for n in _SHOWN)).where(
        photos.c.subdistrict_code == subdistrict_code, photos.c.sha256 == sha256
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def known(db: Db, subdistrict_code: str, digests: Sequence[str]) -> frozenset[str]:
    """Which of these photos the subdistrict has."""
    query = select(photos.c.sha256).where(
        photos.c.subdistrict_code == subdistrict_code, photos.c.sha256.in_(digests)
    )
    return frozenset(db.execute(query).scalars())


def add(db: Db, row: Mapping[str, Any]) -> None:
    """Store a photo's facts; two uploads of the same bytes at once leave one row."""
    db.execute(insert(photos).values(**row).on_conflict_do_nothing())
