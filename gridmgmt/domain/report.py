"""A report 上报: what, where, who, when seen; its checks and its digest.

Invariants: a stored report is as it was sent (position in the sender's datum, never converted); its
id comes from the sender and is the key of idempotency; ``observed_at`` is the phone's word, put right where
its clock was wrong (``device_at`` then keeps the word), and ``received_at`` the server's; no deadline runs on
the former. Checks gather every fault, so that
a worker at the kerb mends a report once.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.taxonomy import AutoPolicy, Category
from gridmgmt.errors import ImplausibleTime, InvalidGeometry, InvalidInput, MissingFact
from gridmgmt.geo.crs import Datum, LonLat, lonlat


class Source(StrEnum):
    """The channel that a report came by."""

    PATROL = "patrol"
    """巡查上报"""
    HOTLINE_12345 = "hotline_12345"
    WEB = "web"
    WINDOW = "window"
    MEDIA = "media"
    UPPER_LEVEL = "upper_level"
    """上级交办"""
    VIDEO = "video"
    MONITORING = "monitoring"

    @property
    def is_public(self) -> bool:
        """Whether somebody outside the administration said so: to be confirmed on site (DOMAIN §4.2)."""
        return self in _PUBLIC


_PUBLIC = frozenset({Source.HOTLINE_12345, Source.WEB, Source.WINDOW, Source.MEDIA})


@dataclass(frozen=True, slots=True)
class Report:
    """One report as sent.

    ``position`` is in ``datum``; ``accuracy_m`` is the radius the sender claims, None if unknown.
    ``device_at`` is the time of observation as a phone with a wrong clock told it; None where
    ``observed_at`` is what was told.
    ``photo_hashes`` are the SHA-256 of the files in hex, in the order taken: before, then after;
    ``recording_hashes`` those of what was said instead of written.
    """

    id: UUID
    subdistrict_code: str
    reporter_id: UUID
    source: Source
    category: CategoryKey
    description: str
    position: LonLat
    datum: Datum
    observed_at: datetime
    received_at: datetime
    accuracy_m: float | None = None
    photo_hashes: tuple[str, ...] = ()
    self_handled: bool = False
    device_at: datetime | None = None
    recording_hashes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportRules:
    """Bounds of a plausible report; local configuration."""

    clock_tolerance: timedelta = timedelta(minutes=5)
    oldest: timedelta = timedelta(days=30)
    description_max: int = 2_000
    accuracy_max_m: float = 1_000.0
    photos_max: int = 9
    recordings_max: int = 3


DEFAULT_RULES = ReportRules()
_SELF_HANDLING_PHOTOS = 2
_HASH_LENGTH = 64
_HEX = frozenset("0123456789abcdef")


def check_report(
    report: Report, category: Category, now: datetime, rules: ReportRules = DEFAULT_RULES
) -> None:
    """Refuse a report that cannot be true or lacks what its class needs.

    Parameters
    ----------
    category : the class that ``report.category`` names.
    now : the server's time, aware. A report exactly as old as ``rules.oldest``, or exactly
        ``rules.clock_tolerance`` ahead, passes.

    Raises
    ------
    ImplausibleTime, MissingFact, InvalidGeometry, InvalidInput
        ``facts["faults"]`` lists every fault as field, code and message. The class is that of the
        faults if they agree, else InvalidInput.
    """
    found = [
        *_time_faults(report, now, rules),
        *_place_faults(report, rules),
        *_content_faults(report, rules),
        *_evidence_faults(report, category),
    ]
    if not found:
        return
    kinds = {fault.kind for fault in found}
    raised = kinds.pop() if len(kinds) == 1 else InvalidInput
    raise raised(
        f"The report has {len(found)} fault(s): {' '.join(fault.message for fault in found)}",
        article="22-1",
        rule="R22a",
        faults=[{"field": f.field, "code": f.code, "message": f.message} for f in found],
        missing=[fault.field for fault in found if fault.kind is MissingFact],
    )


class _Fault(NamedTuple):
    kind: type[InvalidInput]
    field: str
    code: str
    message: str


def _time_faults(report: Report, now: datetime, rules: ReportRules) -> Iterator[_Fault]:
    seen = report.observed_at
    if seen.tzinfo is None:
        yield _Fault(ImplausibleTime, "observed_at", "no_zone", "The time of observation needs its zone.")
    elif seen > now + rules.clock_tolerance:
        yield _Fault(
            ImplausibleTime, "observed_at", "future", "The observation lies in the future; check the clock."
        )
    elif seen < now - rules.oldest:
        yield _Fault(
            ImplausibleTime,
            "observed_at",
            "too_old",
            f"The observation is over {rules.oldest.days} days old.",
        )


def _place_faults(report: Report, rules: ReportRules) -> Iterator[_Fault]:
    try:
        lonlat(*report.position)
    except InvalidGeometry as error:
        yield _Fault(InvalidGeometry, "position", str(error.facts["hint"]), f"{error.message}.")
    accuracy = report.accuracy_m
    # Phones that do not know their accuracy report 0; an honest sender leaves it out.
    if accuracy is not None and not 0 < accuracy <= rules.accuracy_max_m:
        yield _Fault(
            InvalidGeometry,
            "accuracy_m",
            "accuracy",
            f"An accuracy lies above 0 and up to {rules.accuracy_max_m:g} m; leave it out if unknown.",
        )


def _content_faults(report: Report, rules: ReportRules) -> Iterator[_Fault]:
    text, photos, recordings = report.description, report.photo_hashes, report.recording_hashes
    if len(text) > rules.description_max:
        yield _Fault(
            InvalidInput, "description", "too_long", f"The text is over {rules.description_max} characters."
        )
    # Neither can be stored: the database has no NUL in text and no half of a surrogate pair.
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        yield _Fault(InvalidInput, "description", "bad_text", "The text holds characters that are none.")
    if len(photos) > rules.photos_max:
        yield _Fault(InvalidInput, "photos", "too_many", f"There are over {rules.photos_max} photos.")
    if len(recordings) > rules.recordings_max:
        yield _Fault(
            InvalidInput, "recordings", "too_many", f"There are over {rules.recordings_max} recordings."
        )
    if recordings and report.source.is_public:
        # Written words from outside are sealed and erased by their subject's key; a sound has none.
        yield _Fault(
            InvalidInput, "recordings", "from_outside", "What somebody from outside said is written down."
        )
    if len({*photos, *recordings}) < len(photos) + len(recordings):
        yield _Fault(InvalidInput, "photos", "twice", "One photo is there twice.")
    if not all(len(h) == _HASH_LENGTH and _HEX.issuperset(h) for h in (*photos, *recordings)):
        yield _Fault(InvalidInput, "photos", "bad_hash", "A photo is named by its SHA-256 in lower-case hex.")


def _evidence_faults(report: Report, category: Category) -> Iterator[_Fault]:
    photos = len(report.photo_hashes)
    if report.self_handled:
        if not category.minor:
            yield _Fault(
                InvalidInput, "self_handled", "not_minor", "Only minor classes are handled on the spot."
            )
        if photos < _SELF_HANDLING_PHOTOS:
            yield _Fault(
                MissingFact,
                "photos",
                "missing_before_after",
                "Handling on the spot needs a photo before and one after.",
            )
    elif report.source is Source.PATROL and category.evidence_required and not photos:
        yield _Fault(
            MissingFact, "photos", "missing_evidence", "A patrol report of this class needs a photo."
        )


def automatic_policy(report: Report, category: Category) -> AutoPolicy:
    """How far this report moves by itself.

    The class decides, but never for what the public reports, which is confirmed on site first
    (DOMAIN §4.2), nor for what was handled on the spot, which is audited.
    """
    if report.source.is_public or report.self_handled:
        return AutoPolicy.NONE
    return category.auto_policy


def content_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 in hex of what was sent, the same for the same content.

    Key order, the zone a time is written in and 1 versus 1.0 make no difference; the order of a list
    does. Text is taken as sent.

    Raises
    ------
    InvalidInput
        Something in it has no canonical form: NaN, a time without zone, an unknown type.

    Examples
    --------
    >>> content_digest({"a": 1, "b": 2.0}) == content_digest({"b": 2, "a": 1.0})
    True
    """
    text = json.dumps(_canonical(content), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def report_digest(report: Report) -> str:
    """The digest of a report as it was sent: without ``received_at``, and by the phone's own time."""
    # Named only where there are any: a report from before has the digest that it had.
    said = {"recording_hashes": report.recording_hashes} if report.recording_hashes else {}
    return content_digest(
        said
        | {
            "id": report.id,
            "subdistrict_code": report.subdistrict_code,
            "reporter_id": report.reporter_id,
            "source": report.source,
            "category": str(report.category),
            "description": report.description,
            "lon": report.position.lon,
            "lat": report.position.lat,
            "datum": report.datum,
            "accuracy_m": report.accuracy_m,
            "observed_at": report.device_at or report.observed_at,
            "photo_hashes": report.photo_hashes,
            "self_handled": report.self_handled,
        }
    )


_PLAIN = frozenset({str, bool, int, type(None)})


def _canonical(value: Any) -> Any:  # noqa: PLR0911  one return for each kind of value
    if type(value) in _PLAIN:
        return value
    match value:
        case Enum():
            return _canonical(value.value)
        case str() | int():
            return value
        case float() if math.isfinite(value):
            return int(value) if value.is_integer() else value
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat()
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return {str(key): _canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item) for item in value]
    raise InvalidInput(f"{type(value).__name__} {value!r:.40} has no canonical form.")
