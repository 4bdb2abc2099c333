"""Whether somebody was at a place when he said so: by distance where a position can tell, else unknown.

Told of a tap ("nothing found here"), never of coverage, which comes from the positions of a whole shift alone
(:mod:`.coverage`). Nothing is refused over it: a worker behind a locked gate says so honestly, and his tap is
marked as what it was.
"""

from dataclasses import dataclass
from enum import StrEnum

from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from gridmgmt.domain.coverage import CoverageRules, zone_of
from gridmgmt.domain.onsite import Standing, standing
from gridmgmt.geo.crs import LonLat, to_metric


class AtPlace(StrEnum):
    """What a position says of a tap."""

    AT_PLACE = "at_place"
    """在场"""
    NOT_AT_PLACE = "not_at_place"
    """不在场"""
    UNKNOWN = "unknown"
    """未知: no position, or one too vague to tell."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The verdict, and how far the position was from the place; None without a position."""

    verdict: AtPlace
    distance_m: float | None


NOTHING = Seen(AtPlace.UNKNOWN, None)
_SAID = {Standing.AT_PLACE: AtPlace.AT_PLACE, Standing.AWAY: AtPlace.NOT_AT_PLACE}


def seen_at(
    shape: BaseGeometry, position: LonLat | None, accuracy_m: float | None, rules: CoverageRules
) -> Seen:
    """Compare a position with a place in CGCS2000 degrees, by the rule of verification (:mod:`.onsite`).

    Near is here what coverage calls within reach, and vague what is less accurate than coverage asks for.
    """
    if position is None:
        return NOTHING
    zone = zone_of(shape)
    distance_m = round(float(to_metric(shape, zone).distance(to_metric(Point(position), zone))), 1)
    said = standing(distance_m, accuracy_m, near_m=rules.reach_m, vague_m=rules.accuracy_m)
    return Seen(_SAID.get(said, AtPlace.UNKNOWN), distance_m)
