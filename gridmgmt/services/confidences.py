"""What reports confide: sealed when it arrives, short when it is shown, in full only for a purpose.

A report's own text is sealed where somebody outside the administration wrote it, or where it holds a
telephone or identity number, under a key of that report alone. Reports are append-only; destroying that
key is how their text is erased (decision record 0013). The contact lies in a table of its own.

A report without any of this costs one look at its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.adapters import envelopes
from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission, can, require, require_anywhere
from gridmgmt.domain.personal import (
    Confidence,
    Contact,
    Field,
    holds_numbers,
    normal_phone,
    normal_text,
    short_text,
    show,
    without_numbers,
)
from gridmgmt.domain.purposes import Purpose, check_reveal
from gridmgmt.domain.report import Source
from gridmgmt.errors import ContentDiffers, Erased, NotAllowed, NotFound, QuotaSpent
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit, confidences
from gridmgmt.storage.confidences import Confided
from gridmgmt.storage.db import Db

_NO_KEY = bytes(envelopes.KEY_ID_BYTES)


def confided(
    keys: KeyRing, report_id: UUID, source: Source, description: str, contact: Contact | None
) -> Confidence | None:
    """What a report confides, sealed; None when it confides nothing.

    Parameters
    ----------
    description : as sent.
    contact : whom to ask or tell, with a telephone number that ``normal_phone`` accepts.

    Raises
    ------
    InvalidInput
        The contact's number is none.
    Unavailable
        A key had to be made and could not be.
    """
    text_confides = bool(description) and (source.is_public or holds_numbers(description))
    if contact is None and not text_confides:
        return None
    name = contact.name if contact else None
    phone = normal_phone(contact.phone) if contact and contact.phone else None
    subject_key = envelopes.new_secret()
    whole = f"{report_id}|{normal_text(name or '')}|{phone or ''}"
    return Confidence(
        subject_key=keys.seal(subject_key, context=f"subject_keys|sealed|{report_id}"),
        description=_sealed_text(subject_key, report_id, description) if text_confides else None,
        name=keys.seal(name.encode(), context=f"contacts|name|{report_id}") if name else None,
        phone=keys.seal(phone.encode(), context=f"contacts|phone|{report_id}") if phone else None,
        phone_index=keys.blind_index(phone, column="contacts.phone") if phone else None,
        pepper=keys.blind_index(whole, column="reports.content"),
    )


def _sealed_text(subject_key: bytes, report_id: UUID, text: str) -> bytes:
    return envelopes.seal_value(
        text.encode(), key_id=_NO_KEY, secret=subject_key, context=f"reports|description|{report_id}"
    )


@dataclass(frozen=True, slots=True)
class Plain:
    """What a report confided, opened. ``erased``: there was something, and it is gone."""

    description: str
    contact: Contact | None
    erased: bool


def opened(keys: KeyRing, row: Confided) -> Plain:
    """Open what a report confided; never hand it on unshortened without :func:`reveal`.

    Raises
    ------
    SealBroken, UnknownKey
        What is stored was changed, or its key is missing.
    """
    contact = None
    if row.name is not None or row.phone is not None:
        contact = Contact(
            _opened(keys, row.name, f"contacts|name|{row.report_id}"),
            _opened(keys, row.phone, f"contacts|phone|{row.report_id}"),
        )
    if row.description_sealed is None:
        return Plain(row.description, contact, erased=False)
    secret = _subject_key(keys, row)
    if secret is None:
        return Plain("", contact, erased=True)
    context = f"reports|description|{row.report_id}"
    text = envelopes.open_value(row.description_sealed, secret=secret, context=context)
    return Plain(text.decode(), contact, erased=False)


def _subject_key(keys: KeyRing, row: Confided) -> bytes | None:
    """The key that a report's text is sealed under; None when it was destroyed."""
    if row.subject_key is None:
        return None
    try:
        return keys.open(row.subject_key, context=f"subject_keys|sealed|{row.report_id}")
    except Erased:
        return None


def _opened(keys: KeyRing, sealed: bytes | None, context: str) -> str | None:
    return None if sealed is None else keys.open(sealed, context=context).decode()


def told_shortly(db: Db, keys: KeyRing, actor: Actor, detail: dict[str, Any]) -> dict[str, Any]:
    """A case's detail with what its report confided, as short as the actor may see it.

    Parameters
    ----------
    detail : of ``services.reading.case_detail``, for this actor.
    """
    row = confidences.of_report(db, actor, detail["report"]["id"])
    plain = opened(keys, row) if row else Plain("", None, erased=False)
    contact = None
    if plain.contact is not None:
        contact = {
            "name": show(actor, Field.CONTACT_NAME, plain.contact.name),
            "phone": show(actor, Field.CONTACT_PHONE, plain.contact.phone),
        }
    report = detail["report"] | {
        "description": show(actor, Field.FREE_TEXT, plain.description) or "",
        "erased": plain.erased,
        "contact": contact,
        "shortened": contact is not None or short_text(plain.description) != plain.description,
    }
    return (
        detail
        | {"report": report}
        | {name: without_numbers(detail[name]) for name in ("history", "requests")}
    )


@dataclass(frozen=True, slots=True)
class Reveal:
    """A look at a contact in full; the client made the id."""

    id: UUID
    case_id: UUID
    purpose: Purpose
    note: str


def reveal(
    db: Db, keys: KeyRing, actor: Actor, now: datetime, asked: Reveal, request_id: str, *, most_a_day: int
) -> dict[str, Any]:
    """What a report confided, in full, for a purpose; on record before it is answered.

    The same look again is answered again and counts once. Whoever works at a desk of the loop may look at
    every case of his subdistrict, a handler or grid worker only at those given to his unit or to him, or in
    a cell that he answers for.

    Parameters
    ----------
    most_a_day : looks that one person may take in 24 hours.

    Raises
    ------
    NotFound, NotAllowed
        Not his case to look into.
    BeyondPurpose, MissingFact
        As ``domain.purposes.check_reveal``.
    QuotaSpent
        As often as allowed already.
    ContentDiffers
        The id belongs to another look.
    Erased
        There was something, and it is gone.
    """
    require_anywhere(actor, Permission.PERSONAL_REVEAL)
    row = confidences.of_case(db, actor, asked.case_id)
    if row is None:
        raise NotFound("No such case.", kind="case")
    _require_own_business(actor, row)
    check_reveal(asked.purpose, asked.note)
    known = confidences.stored_reveal(db, asked.id)
    if known is None:
        confidences.one_at_a_time(db, actor)
        if confidences.reveals_since(db, actor, now) >= most_a_day:
            raise QuotaSpent("Enough looks for one day.", article="41-3", rule="R41c", limit=most_a_day)
        confidences.add_reveal(db, _reveal_row(asked, actor, row, now))
    elif known != (actor.id, row.report_id):
        raise ContentDiffers("This id belongs to another look.", rule="R41c")
    entry = done(
        actor, now, "personal:reveal", "case", str(asked.case_id), row.subdistrict_code,
        reveal_id=str(asked.id), purpose=str(asked.purpose),
    )  # fmt: skip
    audit.append(db, [replace(entry, request_id=request_id)])
    plain = opened(keys, row)
    if plain.erased and plain.contact is None:
        raise Erased("What this report confided was erased.", rule="R41c")
    contact = plain.contact and {"name": plain.contact.name, "phone": plain.contact.phone}
    return {"case_id": asked.case_id, "description": plain.description, "contact": contact}


def _reveal_row(asked: Reveal, actor: Actor, row: Confided, now: datetime) -> dict[str, Any]:
    return {
        "id": asked.id,
        "subdistrict_code": row.subdistrict_code,
        "person_id": actor.id,
        "report_id": row.report_id,
        "purpose": str(asked.purpose),
        "note": short_text(asked.note),
        "at": now,
    }


_DESKS = frozenset({Role.ACCEPTOR, Role.SHIFT_LEADER, Role.DISPATCHER, Role.DIRECTOR})


def _require_own_business(actor: Actor, row: Confided) -> None:
    require(actor, Permission.PERSONAL_REVEAL, row.subdistrict_code)
    handles = can(
        actor, Permission.CASE_HANDLE, row.subdistrict_code, unit_code=row.unit_code, worker_id=row.worker_id
    )
    if not (actor.roles & _DESKS or handles or row.cell_code in actor.cell_codes):
        raise NotAllowed("This case was given to others.", article="41-3", rule="R41c", in_scope=True)


def cases_of_phone(
    db: Db, keys: KeyRing, actor: Actor, now: datetime, phone: str, *, limit: int
) -> list[Mapping[str, Any]]:
    """Cases whose report named this number, newest first: what a caller reported before.

    Nothing is opened for it; the search is on record without the number.

    Raises
    ------
    InvalidInput
        Not a telephone number.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PERSONAL_FIND, code)
    found = confidences.cases_with_phone(
        db, actor, keys.blind_index(phone, column="contacts.phone"), limit=limit
    )
    audit.append(db, [done(actor, now, "personal:find", "contact", "", code, found=len(found))])
    return [dict(row) for row in found]
