"""Exports: ask for one, approve it, take it away. Making the file is the worker's (services/exporting.py).

Data leave for a purpose that was named, for one person, for a day. A second person approves whatever is
personal or more than a thousand rows; nobody takes away what somebody else asked for, or uses it for
another purpose than the one approved (R41b). Each step is on record with the file's hash.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.adapters.sealedfiles import SealedFiles
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, can, require, require_anywhere
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.purposes import (
    EXPORT_FIELDS,
    ExportAsk,
    ExportFormat,
    ExportState,
    Purpose,
    check_approval,
    check_export,
    check_use,
    limited_to_unit,
    needs_approval,
)
from gridmgmt.errors import ContentDiffers, Erased, MissingFact, NotAllowed, NotReady, SealBroken, TooLarge
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit, exports
from gridmgmt.storage.db import Db

_SHOWN = (
    "id", "asked_by", "recipient", "purpose", "note", "format", "fields", "reported_from", "reported_until",
    "personal", "rows_expected", "state", "asked_at", "decided_by", "decided_at", "opinion", "rows", "bytes",
    "sha256", "ready_at", "expires_at",
)  # fmt: skip
_SAME = ("purpose", "note", "format", "fields", "reported_from", "reported_until")


def ask(
    db: Db, actor: Actor, now: datetime, export_id: UUID, asked: ExportAsk, *, most_rows: int
) -> dict[str, Any]:
    """Ask for an export; the same again is answered as the first time.

    Parameters
    ----------
    most_rows : no export has more.

    Raises
    ------
    NotAllowed
        Without the permission, or a handler without a unit.
    InvalidInput, BeyondPurpose, MissingFact
        As ``domain.purposes.check_export``.
    TooLarge
        More rows than an export may have; narrow it by time.
    ContentDiffers
        The id belongs to another export.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.EXPORT_ASK, code)
    check_export(asked)
    wanted = _row(export_id, actor, now, code, replace(asked, note=short_text(asked.note)))
    before = exports.find(db, export_id)
    if before is not None:
        if before["asked_by"] != actor.id or any(before[name] != wanted[name] for name in _SAME):
            raise ContentDiffers("This id belongs to another export.", rule="R41b")
        return shown(before)
    rows = exports.count_rows(db, wanted)
    if rows > most_rows:
        raise TooLarge("More rows than an export may have; narrow it by time.", limit=most_rows, rows=rows)
    waits = needs_approval(personal=asked.personal, rows=rows)
    wanted |= {"rows_expected": rows, "state": ExportState.WAITING if waits else ExportState.QUEUED}
    exports.add(db, wanted)
    _record(db, actor, now, "export:ask", wanted, rows=rows)
    return shown(exports.load(db, export_id, actor))


def _row(export_id: UUID, actor: Actor, now: datetime, code: str, asked: ExportAsk) -> dict[str, Any]:
    narrow = limited_to_unit(actor)
    if narrow and actor.unit_code is None:
        raise NotAllowed("A handler without a unit has no cases.", article="41-2", rule="R41b", in_scope=True)
    return asdict(asked) | {
        "id": export_id,
        "subdistrict_code": code,
        "asked_by": actor.id,
        "recipient": actor.name,
        "unit_code": actor.unit_code if narrow else None,
        "fields": list(asked.fields),
        "personal": asked.personal,
        "asked_at": now,
    }


def decide(
    db: Db, actor: Actor, now: datetime, export_id: UUID, *, granted: bool, opinion: str
) -> dict[str, Any]:
    """Approve or refuse an export that waits.

    Raises
    ------
    NotFound
        Not in the actor's scope.
    NotAllowed, OwnRequest
        Without the permission; or it is his own.
    NotReady
        It does not wait any more.
    MissingFact
        A refusal without an opinion.
    """
    require_anywhere(actor, Permission.EXPORT_APPROVE)
    row = exports.load(db, export_id, actor, lock=True)
    require(actor, Permission.EXPORT_APPROVE, row["subdistrict_code"])
    check_approval(row["asked_by"], actor)
    if row["state"] != ExportState.WAITING:
        raise NotReady("This export does not wait for an answer.", rule="R41c", guard="export_waiting")
    if not granted and not opinion.strip():
        raise MissingFact("A refusal needs an opinion.", rule="R41c", missing=["opinion"])
    exports.set_values(
        db,
        export_id,
        state=ExportState.QUEUED if granted else ExportState.REFUSED,
        decided_by=actor.id,
        decided_at=now,
        opinion=short_text(opinion),
    )
    _record(db, actor, now, "export:decide", row, granted=granted)
    return shown(exports.load(db, export_id, actor))


def listed(db: Db, actor: Actor, *, limit: int) -> list[dict[str, Any]]:
    """The actor's exports; whoever approves sees everybody's in his scope. Newest first."""
    code = subdistrict_of(actor)
    approves = can(actor, Permission.EXPORT_APPROVE, code)
    if not approves:
        require(actor, Permission.EXPORT_ASK, code)
    return [shown(row) for row in exports.listed(db, actor, everybodys=approves, limit=limit)]


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that leaves."""

    content: bytes
    format: ExportFormat
    sha256: str
    recipient: str
    purpose: Purpose


def take(
    db: Db, files: SealedFiles, actor: Actor, now: datetime, export_id: UUID, used_for: Purpose
) -> Taken:
    """The file, for the person and the purpose that it was made for; on record with its hash.

    Raises
    ------
    NotFound
        Not in the actor's scope.
    NotAllowed
        Somebody else asked for it.
    BeyondPurpose
        For another purpose than the one that was asked for.
    NotReady
        It waits, is being made, was refused or failed.
    Erased
        Its day is over.
    SealBroken
        What is stored is not what was made.
    """
    require_anywhere(actor, Permission.EXPORT_ASK)
    row = exports.load(db, export_id, actor)
    require(actor, Permission.EXPORT_ASK, row["subdistrict_code"])
    if row["asked_by"] != actor.id:
        raise NotAllowed(
            "Only whoever asked for it takes it away.", article="41-3", rule="R41c", in_scope=True
        )
    check_use(Purpose(row["purpose"]), used_for)
    if row["state"] == ExportState.EXPIRED or (row["expires_at"] and row["expires_at"] <= now):
        raise Erased("The file was there for a day; ask for a new one.", rule="R41c")
    if row["state"] != ExportState.READY:
        raise NotReady("The file is not there.", rule="R41c", guard="export_ready", state=row["state"])
    content = files.get(str(export_id))
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise SealBroken("The file is not the one that was made.", rule="R41c", reason="hash")
    _record(
        db, actor, now, "export:take", row,
        sha256=row["sha256"], purpose=str(used_for), recipient_id=str(actor.id), rows=row["rows"],
    )  # fmt: skip
    return Taken(content, ExportFormat(row["format"]), row["sha256"], row["recipient"], used_for)


def catalogue() -> list[dict[str, Any]]:
    """The fields that may leave, and what for each may be used (R41b)."""
    return [
        {
            "name": f.name,
            "heading": f.heading,
            "personal": f.personal,
            "purposes": sorted(str(p) for p in f.purposes),
        }
        for f in EXPORT_FIELDS.values()
    ]


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """An export as its asker and its approver see it."""
    return {name: row[name] for name in _SHOWN}


def _record(db: Db, actor: Actor, now: datetime, action: str, row: Mapping[str, Any], **facts: Any) -> None:
    about = {"purpose": str(row["purpose"]), "fields": list(row["fields"])}
    entry = done(actor, now, action, "export", str(row["id"]), row["subdistrict_code"], **(about | facts))
    audit.append(db, [entry])
