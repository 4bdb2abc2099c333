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


def seen_at(
    shape: BaseGeometry, position: LonLat | None, accuracy_m: float | None, rules: CoverageRules
) -> Seen:
    """Compare a position with a place in CGCS2000 degrees.

    At the place: within reach, by a position as accurate as coverage asks for. Not at the place: even the
    nearest that the accuracy allows lies out of reach. Between the two, or without an accuracy, nothing is
    known.
    """
    if position is None:
        return NOTHING
    zone = zone_of(shape)
    distance_m = round(float(to_metric(shape, zone).distance(to_metric(Point(position), zone))), 1)
    if accuracy_m is None:
        return Seen(AtPlace.UNKNOWN, distance_m)
    if distance_m <= rules.reach_m and accuracy_m <= rules.accuracy_m:
        return Seen(AtPlace.AT_PLACE, distance_m)
    if distance_m - accuracy_m > rules.reach_m:
        return Seen(AtPlace.NOT_AT_PLACE, distance_m)
    return Seen(AtPlace.UNKNOWN, distance_m)
