"""Erasing personal data when their time is over or their owner asks, unless a legal hold forbids it.

Erased is erased for good: the row with a contact goes; of a report's text the key goes that it is sealed
under, as reports are append-only. What is left is a line of proof: the class, its period, how many, and a
hash over what was erased, sealed as it was. A hold (article 46) always wins.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.domain.org import Actor, system_actor
from gridmgmt.domain.patrolshift import LONGEST_SHIFT
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.purposes import require_note
from gridmgmt.errors import ContentDiffers, MissingFact, NotReady, UnderLegalHold
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit, cases, notifications, retention, tracks
from gridmgmt.storage.db import Db
from gridmgmt.storage.retention import Erased, RetentionClass

_BATCH = 500
_SHIFTS = 50
# Names of proofs follow from what they prove: no chance is drawn here.
_PROOFS = UUID("3f0cf0a6-52a5-5b7e-9d0c-6f8f6a1f9a46")


def erase_due(db: Db, now: datetime) -> int:
    """Erase what is past its period; how many. Called again and again by the worker."""
    total = _thin_tracks(db, now) + _forget_what_was_told(db, now)
    for kind in retention.OF_CASES:
        days = retention.keep_days(db, kind)
        before = now - timedelta(days=days)
        erased = retention.erase_due(db, kind, before, limit=_BATCH)
        if not erased:
            continue
        held = retention.held_and_due(db, kind, before)
        for one in erased:
            actor = system_actor(one.subdistrict_code)
            _prove(db, actor, now, kind, one, _Circumstances(days, held.get(one.subdistrict_code, 0)))
            total += one.count
    return total


def _thin_tracks(db: Db, now: datetime) -> int:
    """Erase positions of shifts that are over for long; what they covered stays."""
    kind = RetentionClass.TRACK
    days = retention.keep_days(db, kind)
    bounds = tracks.Bounds(now - timedelta(days=days), LONGEST_SHIFT)
    erased = tracks.thin(db, bounds, now, limit=_SHIFTS)
    held = tracks.held_and_due(db, bounds) if erased else {}
    for one in erased:
        why = _Circumstances(days, held.get(one.subdistrict_code, 0))
        _prove(db, system_actor(one.subdistrict_code), now, kind, one, why)
    return sum(one.count for one in erased)


def _forget_what_was_told(db: Db, now: datetime) -> int:
    """Erase inboxes and deliveries of long ago; the rungs that a case passed stay."""
    kind = RetentionClass.NOTIFICATION
    days = retention.keep_days(db, kind)
    before = now - timedelta(days=days)
    erased = notifications.erase_due(db, before, limit=_BATCH)
    held = notifications.held_and_due(db, before) if erased else {}
    for one in erased:
        why = _Circumstances(days, held.get(one.subdistrict_code, 0))
        _prove(db, system_actor(one.subdistrict_code), now, kind, one, why)
    return sum(one.count for one in erased)


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """Why something was erased: past its period, or on request about one case."""

    keep_days: int
    held: int = 0
    case_id: UUID | None = None
    request_id: str | None = None


def _prove(
    db: Db, actor: Actor, now: datetime, kind: RetentionClass, erased: Erased, why: _Circumstances
) -> None:
    code = erased.subdistrict_code
    proof = uuid.uuid5(_PROOFS, f"{kind}|{code}|{now.isoformat()}|{erased.sha256.hex()}")
    row = {
        "id": proof,
        "subdistrict_code": code,
        "class_code": kind,
        "keep_days": why.keep_days,
        "on_request": why.case_id is not None,
        "erased": erased.count,
        "held": why.held,
        "erased_sha256": erased.sha256,
        "at": now,
    }
    retention.add_purge(db, row)
    about = {
        "class": str(kind),
        "erased": erased.count,
        "held": why.held,
        "erased_sha256": erased.sha256.hex(),
    }
    kind_of, name = ("case", str(why.case_id)) if why.case_id else ("purge", str(proof))
    entry = done(actor, now, "personal:erase", kind_of, name, code, **about)
    audit.append(db, [replace(entry, request_id=why.request_id)])


def destroy_unused_keys(db: Db, keys: KeyRing, now: datetime) -> int:
    """Destroy data keys of past months that no row names any more; how many.

    With them, what was erased cannot be read in older copies of the database either.
    """
    last_month = (now.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    return sum(
        keys.destroy_unused(name, retention.keys_in_use(db, name), before=last_month, now=now)
        for name in retention.ERASABLE_KEY_CLASSES
    )


def erase_on_request(
    db: Db, actor: Actor, now: datetime, case_id: UUID, note: str, request_id: str
) -> dict[str, int]:
    """Erase what the report of one ended case confided; how many of each class.

    Raises
    ------
    NotFound, NotAllowed
        Outside the actor's scope; without the permission.
    MissingFact
        Without a reason.
    NotReady
        The case has not ended: what it needs is kept until then.
    UnderLegalHold
        It is kept as evidence (R46).
    """
    require_anywhere(actor, Permission.PERSONAL_ERASE)
    case = cases.load(db, case_id, actor, lock=True)
    require(actor, Permission.PERSONAL_ERASE, case.subdistrict_code)
    require_note(note)
    if retention.is_held(db, case.report_id):
        raise UnderLegalHold("A legal hold forbids erasing this.", article="46", rule="R46")
    if not case.state.is_final:
        raise NotReady(
            "What a case needs is kept until it has ended.",
            rule="R41c",
            guard="case_ended",
            state=str(case.state),
        )
    counts = {}
    for kind in retention.OF_CASES:
        erased = retention.erase_of(db, kind, case.report_id)
        counts[str(kind)] = sum(one.count for one in erased)
        for one in erased:
            why = _Circumstances(retention.keep_days(db, kind), 0, case_id, request_id)
            _prove(db, actor, now, kind, one, why)
    return counts


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it is asked for; the client made the id."""

    id: UUID
    case_id: UUID
    document_no: str
    reason: str


def place_hold(db: Db, actor: Actor, now: datetime, hold: Hold) -> Mapping[str, Any]:
    """Forbid erasing what belongs to a case; the same hold again is answered as the first time.

    Raises
    ------
    NotFound, NotAllowed
        Outside the actor's scope; without the permission.
    MissingFact
        Without the document that orders it, or without a reason.
    ContentDiffers
        The id belongs to another hold.
    """
    require_anywhere(actor, Permission.HOLD_PLACE)
    case = cases.load(db, hold.case_id, actor)
    require(actor, Permission.HOLD_PLACE, case.subdistrict_code)
    _require_document(hold.document_no)
    require_note(hold.reason)
    row = {
        "id": hold.id,
        "subdistrict_code": case.subdistrict_code,
        "report_id": case.report_id,
        "document_no": hold.document_no,
        "reason": short_text(hold.reason),
        "placed_by": actor.id,
        "placed_at": now,
    }
    before = retention.stored_hold(db, hold.id)
    if before is None:
        retention.add_hold(db, row)
        facts = {"hold_id": str(hold.id), "document_no": hold.document_no}
        entry = done(actor, now, "hold:place", "case", str(case.id), case.subdistrict_code, **facts)
        audit.append(db, [entry])
    elif any(before[name] != row[name] for name in ("report_id", "document_no", "placed_by")):
        raise ContentDiffers("This id belongs to another hold.", rule="R46")
    return {"id": hold.id, "case_id": case.id}


def end_hold(db: Db, actor: Actor, now: datetime, hold_id: UUID, document_no: str) -> None:
    """End a hold; from then on the periods count again.

    Raises
    ------
    NotFound, NotAllowed
        Outside the actor's scope; without the permission.
    MissingFact
        Without the document that orders it.
    NotReady
        It has ended before.
    """
    require_anywhere(actor, Permission.HOLD_PLACE)
    hold = retention.load_hold(db, hold_id, actor)
    require(actor, Permission.HOLD_PLACE, hold["subdistrict_code"])
    _require_document(document_no)
    if not retention.is_lasting(db, hold_id):
        raise NotReady("This hold has ended before.", rule="R46", guard="hold_lasts")
    row = {
        "hold_id": hold_id,
        "subdistrict_code": hold["subdistrict_code"],
        "document_no": document_no,
        "ended_by": actor.id,
        "ended_at": now,
    }
    retention.end_hold(db, row)
    facts = {"hold_id": str(hold_id), "document_no": document_no}
    # A case bears the id of its report.
    about, code = str(hold["report_id"]), hold["subdistrict_code"]
    audit.append(db, [done(actor, now, "hold:end", "case", about, code, **facts)])


def holds(db: Db, actor: Actor, *, ended: bool, limit: int) -> list[dict[str, Any]]:
    """The holds of the actor's subdistrict."""
    require(actor, Permission.HOLD_PLACE, subdistrict_of(actor))
    return [dict(row) for row in retention.holds(db, actor, ended=ended, limit=limit)]


def _require_document(document_no: str) -> None:
    if not document_no.strip():
        raise MissingFact(
            "Name the document that orders it.", article="46", rule="R46", missing=["document_no"]
        )
