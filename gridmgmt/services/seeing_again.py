"""The same thing seen again: photos join an open case instead of a second report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.sighting import Sighting, check_sighting
from gridmgmt.errors import ContentDiffers, MissingFact
from gridmgmt.geo.crs import Datum, lonlat
from gridmgmt.services.records import done
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, cases, evidence, feedbacks, outbox, photos, sightings
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class SeeAgain:
    """A sighting as a phone sends it; nothing of it has been checked."""

    id: UUID
    case_id: UUID
    lon: float
    lat: float
    datum: Datum
    accuracy_m: float | None
    observed_at: datetime
    words: str
    photos: tuple[str, ...]
    recordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The stored sighting, its case's number, and whether it was stored before."""

    sighting: Sighting
    number: str
    replayed: bool


def see_again(db: Db, actor: Actor, now: datetime, command: SeeAgain) -> Seen:
    """Add what was seen to a case; to its master where it was merged. The same again changes nothing.

    Raises
    ------
    NotFound, NotAllowed
        Not in the actor's scope; or he may not report.
    NotReady, MissingFact, ImplausibleTime, InvalidInput
        As ``domain.sighting.check_sighting``; a photo that was not uploaded first is a missing fact.
    InvalidGeometry
        The position is none.
    ContentDiffers
        The id belongs to another sighting.
    """
    require_storable(command.words, "words")
    require_anywhere(actor, Permission.CASE_READ)
    named = cases.load(db, command.case_id, actor)
    require(actor, Permission.REPORT_SUBMIT, named.subdistrict_code)
    case = cases.load(db, feedbacks.master_of(db, named.id), actor, lock=True)
    given = Sighting(
        command.id, case.id, case.subdistrict_code, actor.id, command.observed_at, now,
        lonlat(command.lon, command.lat), command.datum, command.accuracy_m,
        short_text(command.words).strip(), command.photos, command.recordings,
    )  # fmt: skip
    before = sightings.find(db, given.id)
    if before is not None:
        _require_same(before, given, named.id)
        return Seen(before, case.number, replayed=True)
    check_sighting(given, case.state)
    _require_uploaded(db, given)
    stored = sightings.add(db, given)
    _require_same(stored, given, named.id)
    evidence.link_to_case(db, case.subdistrict_code, case.id, [*given.photos, *given.recordings])
    facts = {
        "number": case.number, "state": str(case.state), "cell_code": case.cell_code,
        "unit_code": case.unit_code, "photos": len(given.photos),
    }  # fmt: skip
    outbox.append(db, [Event(EventKind.CASE_SEEN_AGAIN, case.subdistrict_code, now, case.id, facts)])
    entry = done(
        actor, now, "case:seen_again", "case", str(case.id), case.subdistrict_code,
        sighting=str(given.id), photos=len(given.photos),
    )  # fmt: skip
    audit.append(db, [entry])
    return Seen(stored, case.number, replayed=False)


def _require_same(stored: Sighting, given: Sighting, named: UUID) -> None:
    """Sent again it is the same; the case may have been merged into another meanwhile."""
    names = (
        "subdistrict_code",
        "seen_by",
        "observed_at",
        "position",
        "datum",
        "photos",
        "recordings",
        "words",
    )
    same = all(getattr(stored, name) == getattr(given, name) for name in names)
    if not same or stored.case_id not in {given.case_id, named}:
        raise ContentDiffers("This id belongs to another sighting.", rule="R14a")


def _require_uploaded(db: Db, given: Sighting) -> None:
    kinds = photos.kinds(db, given.subdistrict_code, [*given.photos, *given.recordings])
    unknown = [d for d in given.photos if kinds.get(d) != photos.PHOTO]
    unknown += [d for d in given.recordings if kinds.get(d) != photos.RECORDING]
    if unknown:
        raise MissingFact(
            "Upload the photos first, then send what was seen.", article="22-1", rule="R22a",
            missing=["photos"], photos=unknown,
        )  # fmt: skip


def facts_of(sighting: Sighting) -> dict[str, Any]:
    """A sighting as pages show it."""
    names = ("id", "case_id", "seen_by", "observed_at", "received_at", "accuracy_m", "words")
    return {name: getattr(sighting, name) for name in names} | {
        "photos": list(sighting.photos),
        "recordings": list(sighting.recordings),
    }
