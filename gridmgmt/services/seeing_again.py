"""The same thing seen again: photos join an open case instead of a second report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import onsite
from gridmgmt.domain.case import Case
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrolshift import Told, server_time
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.sighting import Sighting, check_sighting
from gridmgmt.errors import ContentDiffers
from gridmgmt.geo.crs import Datum, lonlat
from gridmgmt.services.records import done
from gridmgmt.services.storable import require_storable
from gridmgmt.services.uploaded import require_uploaded
from gridmgmt.storage import audit, cases, evidence, feedbacks, outbox, photos, places, sightings
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class SeeAgain:
    """A sighting as a phone sends it; nothing of it has been checked.

    ``sent_at`` is what the phone's clock said as it sent it; None when it did not say.
    """

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
    sent_at: datetime | None = None


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
    given = _given(db, actor, now, case, command)
    before = sightings.find(db, given.id)
    if before is not None:
        _require_same(before, given, named.id)
        return Seen(before, case.number, replayed=True)
    check_sighting(given, case.state)
    kinds = photos.kinds(db, given.subdistrict_code, [*given.photos, *given.recordings])
    require_uploaded(
        given.photos, given.recordings,
        photos_known={digest for digest, kind in kinds.items() if kind == photos.PHOTO},
        recordings_known={digest for digest, kind in kinds.items() if kind == photos.RECORDING},
    )  # fmt: skip
    stored = sightings.add(db, given)
    if stored is None:
        raise _differs()
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


def _given(db: Db, actor: Actor, now: datetime, case: Case, command: SeeAgain) -> Sighting:
    """By the server's clock, and with the distance in place of the position."""
    told, place = command.observed_at, lonlat(command.lon, command.lat)
    at = told if command.sent_at is None else server_time(Told(told, command.sent_at), now)
    # Drawn aside from ours by an unknown way, a position measures nothing.
    found = None if command.datum.is_offset else places.distance_to(db, case.id, place.lon, place.lat)
    distance_m, exact = found or (None, False)
    seen = onsite.measured(onsite.Sent(*place, command.accuracy_m), distance_m, exact=exact)
    return Sighting(
        id=command.id, case_id=case.id, subdistrict_code=case.subdistrict_code, seen_by=actor.id,
        observed_at=at, device_at=None if at == told else told, received_at=now,
        standing=onsite.Standing(seen["standing"]), distance_m=seen.get("distance_m"),
        accuracy_m=seen.get("accuracy_m"), basis=seen.get("basis"),
        words=short_text(command.words).strip(), photos=command.photos, recordings=command.recordings,
    )  # fmt: skip


def _require_same(stored: Sighting, given: Sighting, named: UUID) -> None:
    """Sent again it is the same; the case may have been merged into another meanwhile."""
    names = ("subdistrict_code", "seen_by", "told_at", "photos", "recordings", "words")
    same = all(getattr(stored, name) == getattr(given, name) for name in names)
    if not same or stored.case_id not in {given.case_id, named}:
        raise _differs()


def _differs() -> ContentDiffers:
    return ContentDiffers("This id belongs to another sighting.", rule="R14a")


def facts_of(sighting: Sighting) -> dict[str, Any]:
    """A sighting as pages show it."""
    names = ("id", "case_id", "seen_by", "observed_at", "received_at", "words")
    measure = ("standing", "distance_m", "accuracy_m", "basis")
    return {name: getattr(sighting, name) for name in names} | {
        "place": {name: getattr(sighting, name) for name in measure},
        "photos": list(sighting.photos),
        "recordings": list(sighting.recordings),
    }
