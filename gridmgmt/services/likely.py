"""Likely duplicates 疑似重复: what a report probably repeats, told before it is sent and with its answer.

Nothing is written and nothing merges itself: a person merges (并案), and every reporter is still told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from gridmgmt.domain import duplicates
from gridmgmt.domain.duplicates import LONGEST, Likeness, Score
from gridmgmt.domain.org import Actor
from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.report import Report
from gridmgmt.geo import measure
from gridmgmt.geo.crs import Datum, LonLat, lonlat
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import nearby
from gridmgmt.storage.db import Db
from gridmgmt.storage.nearby import Nearby


@dataclass(frozen=True, slots=True)
class Said:
    """What of a report is compared, sent already or not."""

    category: CategoryKey
    position: LonLat
    datum: Datum
    observed_at: datetime
    description: str

    @classmethod
    def of(cls, report: Report) -> Self:
        """What a report says."""
        return cls(report.category, report.position, report.datum, report.observed_at, report.description)


def likely_duplicates(said: Said, near: Iterable[Nearby]) -> list[dict[str, Any]]:
    """Cases that a report probably repeats, with the reasons, the likeliest first; JSON-ready.

    A position in a datum that is drawn aside from ours is compared with nothing.
    """
    if said.datum.is_offset:
        return []
    by_id = {n.case_id: n for n in near}
    likenesses = {i: _likeness(said, n) for i, n in by_id.items()}
    return [
        {
            "case_id": str(found.case_id),
            "number": by_id[found.case_id].number,
            "score": round(found.score.value, 3),
            "distance_m": round(likenesses[found.case_id].distance_m, 1),
            "why": _why(found.score),
        }
        for found in duplicates.suggest(likenesses.items())
    ]


@dataclass(frozen=True, slots=True)
class AskLikely:
    """A report that is being written: nothing of it has been checked, and nothing of it is kept."""

    category: str
    lon: float
    lat: float
    datum: Datum
    observed_at: datetime
    description: str


def before_sending(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, asked: AskLikely
) -> list[dict[str, Any]]:
    """What a report would probably repeat if it were sent now; the same score as with its answer.

    Raises
    ------
    NotAllowed
        The actor may not report, or may not read cases.
    InvalidGeometry, UnknownCategory
        The position is none, or the catalogue has no such class.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.REPORT_SUBMIT, code)
    require(actor, Permission.CASE_READ, code)
    place = lonlat(asked.lon, asked.lat)
    book = books.current(db, code)
    key = book.catalogue.find(asked.category, book.day_of(now)).key
    said = Said(key, place, asked.datum, asked.observed_at, asked.description)
    if said.datum.is_offset:
        return []
    return likely_duplicates(said, nearby.open_near(db, code, place, now - LONGEST))


def _likeness(said: Said, other: Nearby) -> Likeness:
    return Likeness(
        said.category,
        CategoryKey.parse(other.category),
        measure.distance_lonlat_m(said.position, other.place),
        abs(said.observed_at - other.reported_at),
        said.description,
        other.description,
    )


def _why(score: Score) -> dict[str, Any]:
    return {
        "class": score.class_share,
        "place": round(score.place_share, 3),
        "time": round(score.time_share, 3),
        "text": None if score.text_share is None else round(score.text_share, 3),
        "same_component": score.same_component,
    }
