"""Evidence photos and recordings: take one in, let one be looked at.

A recording 语音 goes the way of a photo and has its rights; it is heard and not seen. A photo goes admit →
take in → settle. Only the first and the last touch the database, each in a transaction of its own, because
nobody may hold a connection while a stranger's file is decoded. The bytes are durable before the row is
(article 41: not lost), and every refusal is in the ledger and on record.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from gridmgmt.adapters.evidence.faults import reached
from gridmgmt.adapters.evidence.pool import SIDES, Examined
from gridmgmt.adapters.evidence.room import EvidenceRoom
from gridmgmt.domain.evidence import PhotoState
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, can, require
from gridmgmt.domain.report import Source
from gridmgmt.errors import EvidenceDamaged, GridError, NotFound, StoreFull, UnacceptablePhoto, Unavailable
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, photos
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db

Lines = Sequence[Sequence[tuple[str, str]]]

SOUND = "sound"
"""The one derivative of a recording; the others are of photos."""
_META = (
    "taken_local", "taken_offset", "make", "model", "software", "serial", "orientation", "gps_lon",
    "gps_lat", "gps_datum", "gps_altitude_m", "gps_error_m", "gps_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody may send this photo; ``known`` are the facts of one that is stored already."""

    subdistrict_code: str
    sha256: str
    known: Mapping[str, Any] | None
    lines: Lines


@dataclass(frozen=True, slots=True)
class Sent:
    """What arrived: the type that the sender gave, the bytes, and the digest that they have."""

    media_type: str
    content: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A sound photo whose bytes are durable, and its derivatives' digests and sizes by kind."""

    examined: Examined
    derived: Mapping[str, tuple[str, int]]
    caption_sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored photo's facts, and whether it was there before."""

    facts: Mapping[str, Any]
    known_before: bool


def admit(db: Db, actor: Actor, now: datetime, books: RuleBooks, sha256: str) -> Admission:
    """Whether this person may send this photo, before a byte of it is read.

    Raises
    ------
    NotAllowed
        The actor neither reports nor handles cases.
    """
    code = subdistrict_of(actor)
    if not _may_add_evidence(actor, code):
        require(actor, Permission.REPORT_SUBMIT, code)
    known = photos.find(db, code, sha256)
    if known is not None and rows.state(db, code, sha256) == PhotoState.MISSING:
        # Gone or damaged here: sent again, it is taken in again.
        known = None
    told = {"received_at": now, "login": rows.login(db, actor.id), "number": None, "cell_code": None}
    return Admission(code, sha256, known, caption(sha256, told, books.current(db, code).timezone))


def _may_add_evidence(actor: Actor, code: str) -> bool:
    handles = can(actor, Permission.CASE_HANDLE, code, unit_code=actor.unit_code, worker_id=actor.id)
    return handles or can(actor, Permission.CASE_VERIFY, code)


def caption(sha256: str, row: Mapping[str, Any], timezone: tzinfo) -> Lines:
    """What the strip says: each time with whose clock it is, the place as sent, and what is known.

    Parameters
    ----------
    row : ``received_at``, ``login``, ``number`` and ``cell_code``, the last two or None; of a report's
        photo ``observed_at``, ``lon``, ``lat``, ``datum``, ``accuracy_m`` and ``source`` as well.
    """
    known = [("case", row["number"]), ("cell", row["cell_code"])]
    lines = [
        [("received", _clock(row["received_at"], timezone)), ("clock", "")],
        *_as_told(row, timezone),
        [(label, value) for label, value in known if value],
        [("reporter", row["login"]), ("digest", sha256[:12])],
    ]
    return [line for line in lines if line]


def _clock(at: datetime, timezone: tzinfo) -> str:
    return f"{at.astimezone(timezone):%Y-%m-%d %H:%M:%S %z}"


def _as_told(row: Mapping[str, Any], timezone: tzinfo) -> list[list[tuple[str, str]]]:
    """When and where by whoever reported; nobody has checked either, nor when the photo was taken.

    A phone's clock is named for a report from a patrol alone: others are typed at a desk.
    """
    if row.get("observed_at") is None:
        return []
    accuracy = f" +-{row['accuracy_m']:.0f}m" if row["accuracy_m"] else ""
    place = f"{row['lon']:.5f},{row['lat']:.5f}{accuracy} {row['datum'].upper()}"
    whose = [("phone", "")] if row["source"] == Source.PATROL else []
    return [[("observed", _clock(row["observed_at"], timezone)), *whose], [("place", place)]]


def caption_digest(lines: Lines) -> str:
    """Tells captions apart."""
    return hashlib.sha256(repr([[tuple(word) for word in line] for line in lines]).encode()).hexdigest()


def take_in(room: EvidenceRoom, admission: Admission, sent: Sent) -> Taken | GridError:
    """Look into a photo and make it durable; a refusal is an outcome, so that it can be entered.

    Returns
    -------
    ``UnacceptablePhoto`` with ``facts["reason"]``, ``StoreFull`` or ``Unavailable`` in place of a result.
    """
    try:
        examined = _examined(room, admission, sent)
        reached("examined")
        room.vault.put(admission.sha256, sent.content)
        reached("original_stored")
        return Taken(examined, _kept(room, examined.derived), caption_digest(admission.lines))
    except (UnacceptablePhoto, StoreFull, Unavailable) as refusal:
        return refusal


def _examined(room: EvidenceRoom, admission: Admission, sent: Sent) -> Examined:
    """What the limited process found, if the photo is what its sender says."""
    if sent.sha256 != admission.sha256:
        raise UnacceptablePhoto("The bytes do not have this SHA-256.", rule="R41c", reason="hash_differs")
    examined = room.examiner.examine(sent.content, lines=admission.lines, derive=list(SIDES))
    if examined.media_type != sent.media_type:
        raise UnacceptablePhoto(
            "The content is of another type than its header says.",
            rule="R41c",
            reason="type_differs",
            sent=sent.media_type,
            actual=examined.media_type,
        )
    return examined


def _kept(room: EvidenceRoom, derived: Mapping[str, bytes]) -> dict[str, tuple[str, int]]:
    made = {}
    for kind, content in derived.items():
        digest = hashlib.sha256(content).hexdigest()
        room.vault.put(digest, content)
        made[kind] = (digest, len(content))
    reached("derivatives_stored")
    return made


def settle(
    db: Db, actor: Actor, now: datetime, admission: Admission, sent: Sent, outcome: Taken | GridError
) -> Stored | None:
    """Write down how it went; None for a refusal, which the caller raises when this is committed."""
    code, sha256 = admission.subdistrict_code, admission.sha256
    if isinstance(outcome, GridError):
        _note_refusal(db, actor, now, admission, sent, outcome)
        return None
    examined = outcome.examined
    row = {
        "sha256": sha256,
        "media_type": examined.media_type,
        "bytes": len(sent.content),
        "width": examined.width,
        "height": examined.height,
        "duration_ms": examined.duration_ms,
        "received_at": now,
    }
    photos.add(db, {**row, "subdistrict_code": code, "received_by": actor.id})
    _note_examined(db, now, code, sha256, examined, outcome)
    rows.enter(
        db, code, sha256, actor.id, PhotoState.STORED, now,
        media_type=examined.media_type, expected_bytes=len(sent.content), received_bytes=len(sent.content),
    )  # fmt: skip
    audit.append(
        db, [done(actor, now, "photo:store", "photo", sha256, code, bytes=row["bytes"], exif=examined.exif)]
    )
    reached("rows_written")
    stored = photos.find(db, code, sha256)
    return Stored(stored or row, known_before=False)


def _note_examined(
    db: Db, now: datetime, code: str, sha256: str, examined: Examined, made: Taken | Mapping[str, Any]
) -> None:
    """What the camera wrote, and the derivatives."""
    derived = made.derived if isinstance(made, Taken) else made["derived"]
    caption_sha256 = made.caption_sha256 if isinstance(made, Taken) else made["caption_sha256"]
    meta = {name: examined.meta.get(name) for name in _META}
    rows.add_meta(
        db, meta | {"subdistrict_code": code, "sha256": sha256, "exif": examined.exif, "examined_at": now}
    )
    rows.add_derivatives(
        db,
        [
            {
                "subdistrict_code": code, "sha256": sha256, "kind": kind, "caption_sha256": caption_sha256,
                "derived_sha256": digest, "bytes": size, "made_at": now,
            }
            for kind, (digest, size) in derived.items()
        ],
    )  # fmt: skip


def _note_refusal(
    db: Db, actor: Actor, now: datetime, admission: Admission, sent: Sent, refusal: GridError
) -> None:
    """A photo at fault is refused; one that only met a full or absent store is sound and still awaited."""
    at_fault = isinstance(refusal, UnacceptablePhoto)
    rows.enter(
        db, admission.subdistrict_code, admission.sha256, actor.id,
        PhotoState.REFUSED if at_fault else PhotoState.CHECKED, now,
        media_type=sent.media_type[:100], received_bytes=len(sent.content),
        refused_code=refusal.code, refused_reason=refusal.facts.get("reason"),
    )  # fmt: skip


def note_damage(db: Db, actor: Actor, now: datetime, damage: EvidenceDamaged) -> None:
    """A stored photo turned out to be gone or damaged: the ledger says so, whoever looked at it."""
    for code in sorted(actor.subdistricts):
        rows.enter(
            db, code, damage.facts["sha256"], actor.id, PhotoState.MISSING, now,
            refused_code=damage.code, refused_reason=damage.facts["reason"],
        )  # fmt: skip


# Looking at one.


@dataclass(frozen=True, slots=True)
class Look:
    """A look that is on record: which derivative is wanted, and which are there."""

    subdistrict_code: str
    sha256: str
    kind: str
    lines: Lines
    caption_sha256: str
    stored: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A derivative's bytes; what was made for it, and what was found damaged on the way."""

    content: bytes = field(repr=False)
    digest: str
    examined: Examined | None = None
    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    damage: EvidenceDamaged | None = None


def look_at_photo(db: Db, actor: Actor, now: datetime, books: RuleBooks, sha256: str, kind: str) -> Look:
    """Put a look on record (photos show people) and say what there is to show.

    Raises
    ------
    NotFound
        Not in the actor's subdistricts.
    """
    require(actor, Permission.CASE_READ, subdistrict_of(actor))
    found = rows.captioned(db, actor, sha256)
    if found is None or (kind == SOUND) != found["media_type"].startswith("audio/"):
        raise NotFound("No such photo.", kind="photo")
    code = found["subdistrict_code"]
    lines = caption(sha256, found, books.current(db, code).timezone)
    wanted = caption_digest(lines)
    there = rows.derivatives(db, actor, sha256, kind)
    audit.append(db, [done(actor, now, "photo:look", "photo", sha256, code)])
    stored = next((d["derived_sha256"] for d in there if d["caption_sha256"] == wanted), None)
    older = next((d["derived_sha256"] for d in there if d["caption_sha256"] != wanted), None)
    return Look(code, sha256, kind, lines, wanted, stored, older)


def show(room: EvidenceRoom, look: Look) -> Shown:
    """The derivative with everything that is known by now in its strip; made where it is not there.

    A derivative can always be made again, so a damaged one is no loss. With a damaged original the older
    derivative is shown, which is true as far as it goes, and the damage is noted.

    Raises
    ------
    EvidenceDamaged
        The original is gone or damaged, and no derivative is left.
    """
    if look.stored is not None and (content := _read(room, look.stored)) is not None:
        return Shown(content, look.stored)
    try:
        original = room.vault.get(look.sha256)
    except EvidenceDamaged as damage:
        if look.older is not None and (content := _read(room, look.older)) is not None:
            return Shown(content, look.older, damage=damage)
        raise
    examined = room.examiner.examine(original, lines=look.lines, derive=list(SIDES))
    made = _kept(room, examined.derived)
    return Shown(examined.derived[look.kind], made[look.kind][0], examined, made)


def _read(room: EvidenceRoom, derived_sha256: str) -> bytes | None:
    try:
        return room.vault.get(derived_sha256)
    except EvidenceDamaged:
        return None


def keep_shown(db: Db, now: datetime, look: Look, shown: Shown) -> None:
    """Remember derivatives that were made for a look, so that the next one finds them."""
    if shown.examined is not None:
        made = {"derived": shown.made, "caption_sha256": look.caption_sha256}
        _note_examined(db, now, look.subdistrict_code, look.sha256, shown.examined, made)
