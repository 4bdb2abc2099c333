"""Open cases near a new report, as the duplicate score compares them, and how far the look for them goes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gridmgmt.geo.crs import LonLat

# A little more than domain.duplicates.REACH_M (60 m), where the score falls to 0, in degrees of latitude
# and, at 54° N where a degree of longitude is shortest in China, of longitude.
NEARBY_LAT_DEG, NEARBY_LON_DEG = 0.00056, 0.00094


@dataclass(frozen=True, slots=True)
class Nearby:
    """An open case near a new report, as the duplicate score needs it."""

    case_id: UUID
    number: str
    category: str
    place: LonLat
    reported_at: datetime
    description: str = ""
    """Empty where the text is sealed: what somebody confided is compared with nothing."""


def near_each_other(one: LonLat, other: LonLat) -> bool:
    """Whether two places are so near that the look would show one to the other."""
    return abs(one.lon - other.lon) <= NEARBY_LON_DEG and abs(one.lat - other.lat) <= NEARBY_LAT_DEG
