"""What the worker does for exports: make the files that were asked for, remove those whose day is over."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from gridmgmt.adapters import exportfiles
from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.adapters.sealedfiles import SealedFiles
from gridmgmt.domain import watermark
from gridmgmt.domain.org import system_actor
from gridmgmt.domain.purposes import (
    EXPORT_FIELDS,
    EXPORT_LIFETIME,
    ExportFormat,
    ExportState,
    needs_approval,
)
from gridmgmt.services.confidences import opened
from gridmgmt.services.records import done
from gridmgmt.storage import audit, exports
from gridmgmt.storage.confidences import Confided
from gridmgmt.storage.db import Db

FILES = "exports"
_TIMES = frozenset({"reported_at", "due_at", "closed_at"})
_CONFIDED = ("description", "contact_name", "contact_phone")


def make(
    db: Db, keys: KeyRing, files: SealedFiles, now: datetime, claimed: Mapping[str, Any], *, most_rows: int
) -> None:
    """Make the file of a claimed export.

    Rows may have come since it was asked for: where there are now more than one person may take, it waits
    for approval after all; where there are more than an export may have, the newest stay out.
    """
    rows = exports.rows_of(db, claimed, limit=most_rows)
    actor = system_actor(claimed["subdistrict_code"])
    if claimed["decided_by"] is None and needs_approval(personal=claimed["personal"], rows=len(rows)):
        exports.finish(
            db, claimed, state=ExportState.WAITING, rows_expected=len(rows), attempts=0, claimed_at=None
        )
        return
    content = _content(keys, claimed, rows)
    digest = hashlib.sha256(content).hexdigest()
    files.put(str(claimed["id"]), content)
    kept = exports.finish(
        db,
        claimed,
        state=ExportState.READY,
        rows=len(rows),
        bytes=len(content),
        sha256=digest,
        ready_at=now,
        expires_at=now + EXPORT_LIFETIME,
    )
    if kept:
        facts = {"sha256": digest, "rows": len(rows), "recipient_id": str(claimed["asked_by"])}
        entry = done(
            actor, now, "export:make", "export", str(claimed["id"]), claimed["subdistrict_code"], **facts
        )
        audit.append(db, [entry])


def _content(keys: KeyRing, export: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bytes:
    key = copy_key(keys, export["id"])
    headings = {name: EXPORT_FIELDS[name].heading for name in export["fields"]}
    note = (
        f"仅供{export['recipient']}用于{export['purpose']} · {export['asked_at']:%Y-%m-%d}"
        f" · {str(export['id'])[-8:]}"
    )
    values = [_values(keys, key, headings, row) for row in rows]
    return exportfiles.write(ExportFormat(export["format"]), headings, values, note)


def _values(keys: KeyRing, key: bytes, names: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, Any]:
    confided: dict[str, Any] = {}
    if any(name in names for name in _CONFIDED):
        plain = opened(keys, Confided(**{name: row[name] for name in Confided.__slots__}))
        contact = plain.contact
        confided = {
            "description": plain.description,
            "contact_name": contact.name if contact else None,
            "contact_phone": contact.phone if contact else None,
        }
    return {name: _marked(key, name, confided[name] if name in _CONFIDED else row[name]) for name in names}


def _marked(key: bytes, name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES:
        return watermark.marked_time(key, value)
    return watermark.marked_degree(key, value) if name in {"lon", "lat"} else value


def copy_key(keys: KeyRing, export_id: UUID) -> bytes:
    """The secret that the marks of one copy follow from; kept nowhere, always the same."""
    return keys.blind_index(str(export_id), column="exports.watermark")


def expire(db: Db, files: SealedFiles, now: datetime) -> int:
    """Remove the files whose day is over; how many."""
    over = exports.expire(db, now)
    for row in over:
        files.remove(str(row["id"]))
        actor, code = system_actor(row["subdistrict_code"]), row["subdistrict_code"]
        audit.append(
            db, [done(actor, now, "export:expire", "export", str(row["id"]), code, sha256=row["sha256"])]
        )
    return len(over)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A copy whose marks a file bears: whose it was, for what, when, and how sure that is."""

    export_id: UUID
    recipient: str
    purpose: str
    ready_at: datetime
    evidence: watermark.Evidence


def trace(db: Db, keys: KeyRing, codes: Sequence[str], path: Path) -> list[Suspect]:
    """Whose copies a file was made of, surest first; empty when it bears nobody's marks."""
    times, degrees = watermark.values_in(exportfiles.text_of(path))
    suspects = [
        Suspect(
            row["id"], row["recipient"], row["purpose"], row["ready_at"],
            watermark.weigh(copy_key(keys, row["id"]), times, degrees),
        )
        for row in exports.ever_made(db, codes)
    ]  # fmt: skip
    return sorted((s for s in suspects if s.evidence.certain), key=lambda s: s.evidence.chance)
