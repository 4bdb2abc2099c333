"""The same thing seen again 同一问题: what a worker adds to a case instead of reporting it twice.

A sighting moves nothing and decides nothing; it is evidence beside the case (its photos). Of the position
that it was sent with, what follows from it is kept, as of a verification (:mod:`.onsite`); far away it is no
less welcome.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gridmgmt.domain.onsite import Standing
from gridmgmt.domain.workflow import State
from gridmgmt.errors import ImplausibleTime, InvalidInput, MissingFact, NotReady

MOST_PHOTOS, MOST_RECORDINGS, MOST_WORDS = 9, 3, 500
_CLOCK_TOLERANCE = timedelta(minutes=5)
_OLDEST = timedelta(days=30)
_ENDED = frozenset({State.CLOSED, State.REJECTED, State.VOIDED, State.MERGED})


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody's photos of what a case is about, and how far from it he stood, by measure.

    ``device_at`` is the time as a phone with a wrong clock told it; None where ``observed_at`` is what was
    told.
    """

    id: UUID
    case_id: UUID
    subdistrict_code: str
    seen_by: UUID
    observed_at: datetime
    received_at: datetime
    standing: Standing
    distance_m: float | None
    accuracy_m: float | None
    basis: str | None
    words: str
    photos: tuple[str, ...]
    recordings: tuple[str, ...] = ()
    device_at: datetime | None = None

    @property
    def told_at(self) -> datetime:
        """When it was seen, as the phone said."""
        return self.device_at or self.observed_at


def check_sighting(sighting: Sighting, state: State) -> None:
    """Refuse what is no sighting of an open case.

    Raises
    ------
    NotReady
        The case has ended: what is seen now is to be reported.
    MissingFact
        There is no photo.
    ImplausibleTime
        Seen in the future, or more than 30 days ago.
    InvalidInput
        Too many photos, recordings or words, or one of them twice.
    """
    if state in _ENDED:
        raise NotReady(
            "This case has ended; report what you see as a new one.", article="22-1", rule="R22a",
            state=str(state),
        )  # fmt: skip
    if not sighting.photos:
        raise MissingFact("To have seen it needs a photo.", article="22-1", rule="R22a", missing=["photos"])
    age = sighting.received_at - sighting.observed_at
    if age < -_CLOCK_TOLERANCE or age > _OLDEST:
        raise ImplausibleTime("The time of observation cannot be right; check the clock.", rule="R22a")
    files = (*sighting.photos, *sighting.recordings)
    too_many = len(sighting.photos) > MOST_PHOTOS or len(sighting.recordings) > MOST_RECORDINGS
    if too_many or len(set(files)) < len(files) or len(sighting.words) > MOST_WORDS:
        raise InvalidInput("Too many photos or words, or one of them twice.", rule="R22a", field="photos")
