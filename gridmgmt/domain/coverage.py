"""What a shift's positions say about places: covered, not covered, or unknown. Never a guess.

* *Covered* is a place that some accepted position came within reach of. Nothing else covers: no line drawn
  between two positions, no button.
* *Unknown* is a place that no position came near and that the worker may still have been at while positions
  were missing for longer than the set gap (a phone that slept, a tunnel): at the set speed it lies within
  reach of a way from the position before the gap to the one after. So is a place beside the straight line
  between two positions in a row: he probably passed, and no position says so. A shift without any accepted
  position leaves everything unknown.
* *Not covered* is the rest: the positions say that nobody was there.

A position counts when its claimed accuracy is known and within the limit; others are kept and do not count.
The result depends on the set of positions, not on the order they came in. Metres are those of a zone's plane.

Not looked at: whether a position is plausible. A phone that lies about where it is lies here too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from gridmgmt.geo import hexes
from gridmgmt.geo.crs import LonLat, MetricZone, metric_zone_for, to_metric

Geometries = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


class Verdict(StrEnum):
    """What is known of a place."""

    COVERED = "covered"
    """已巡"""
    NOT_COVERED = "not_covered"
    """未巡"""
    UNKNOWN = "unknown"
    """未知"""


@dataclass(frozen=True, slots=True)
class CoverageRules:
    """Limits of what counts; local configuration.

    ``reach_m``: how near a position must come. ``accuracy_m``: the worst accuracy that counts. ``gap``:
    positions further apart in time leave places unknown. ``speed_m_s``: the fastest that somebody moves.
    ``share``: how much of a segment's length must be covered for the segment to be.
    """

    reach_m: float = 25.0
    accuracy_m: float = 50.0
    gap: timedelta = timedelta(minutes=2)
    speed_m_s: float = 8.0
    share: float = 0.8
    resolution: int = hexes.DEFAULT_RESOLUTION


PIECE_M = 5.0
"""Segments are looked at in pieces of at most this length, each by its middle."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One position, at the server's time; ``accuracy_m`` as the phone claims, None when it does not say."""

    at: datetime
    position: LonLat
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without accepted positions; an end is None where the shift began or ended in it."""

    since: datetime
    until: datetime
    before: Point | None
    after: Point | None

    @property
    def length(self) -> timedelta:
        """How long nothing was known."""
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class Trace:
    """The accepted positions of one shift in the zone's plane, in order of time, and the gaps between."""

    zone: MetricZone
    times: tuple[datetime, ...]
    places: Geometries
    gaps: tuple[Gap, ...]
    rules: CoverageRules
    points: BaseGeometry | None
    """All places as one shape; None without any."""
    ways: BaseGeometry | None
    """The straight lines between two positions in a row without a gap."""

    @classmethod
    def of(
        cls, fixes: Iterable[Fix], began: datetime, until: datetime, rules: CoverageRules, zone: MetricZone
    ) -> Self:
        """The trace between sign-on and sign-off, or now while the shift is open.

        Parameters
        ----------
        fixes : in any order; those outside the shift, and those too inaccurate, do not count.
        """
        # Of several positions at one instant every one counts; ties are put in one order.
        kept = sorted(
            (f for f in fixes if began <= f.at <= until and counts(f, rules)),
            key=lambda f: (f.at, f.position),
        )
        degrees = shapely.points(np.array([f.position for f in kept], dtype=np.float64).reshape(-1, 2))
        places = to_metric(np.asarray(degrees, dtype=object), zone)
        times = tuple(f.at for f in kept)
        gaps = tuple(_gaps(times, places, began, until, rules.gap))
        ways = _united(shapely.multilinestrings, _ways(times, places, rules.gap))
        return cls(zone, times, places, gaps, rules, _united(shapely.multipoints, places), ways)

    @property
    def unseen(self) -> timedelta:
        """How long positions were missing."""
        return sum((gap.length for gap in self.gaps), timedelta())

    def near(self, places: Geometries) -> Flags:
        """Which places some position came within reach of."""
        return _within(self.points, places, self.rules.reach_m)

    def doubtful(self, places: Geometries) -> Flags:
        """Which places he may have been near without a position that says so."""
        if not self.times:
            return np.ones(len(places), dtype=np.bool_)
        found = _within(self.ways, places, self.rules.reach_m)
        for gap in self.gaps:
            found |= self._reachable(gap, places)
        return found

    def verdicts(self, places: Geometries) -> list[Verdict]:
        """The verdict on each place, in the order given."""
        return [
            Verdict.COVERED if near else Verdict.UNKNOWN if doubt else Verdict.NOT_COVERED
            for near, doubt in zip(self.near(places), self.doubtful(places), strict=True)
        ]

    def _reachable(self, gap: Gap, places: Geometries) -> Flags:
        way_m, ends = self.rules.speed_m_s * gap.length.total_seconds(), [gap.before, gap.after]
        known = [end for end in ends if end is not None]
        there = sum((shapely.distance(end, places) for end in known), np.zeros(len(places)))
        # Within reach of a place is enough: each known end saves him that much.
        flags: Flags = there <= way_m + len(known) * self.rules.reach_m
        return flags


def counts(fix: Fix, rules: CoverageRules) -> bool:
    """Whether a position is accurate enough to say anything."""
    return fix.accuracy_m is not None and fix.accuracy_m <= rules.accuracy_m


def _gaps(
    times: Sequence[datetime], places: Geometries, began: datetime, until: datetime, limit: timedelta
) -> Iterable[Gap]:
    moments = [(began, None), *zip(times, places, strict=True), (until, None)]
    for (since, before), (then, after) in pairwise(moments):
        if then - since > limit:
            yield Gap(since, then, before, after)


def _ways(times: Sequence[datetime], places: Geometries, limit: timedelta) -> Geometries:
    steps = [
        LineString([a, b])
        for (since, a), (until, b) in pairwise(zip(times, places, strict=True))
        if until - since <= limit and not a.equals(b)
    ]
    return np.asarray(steps, dtype=object)


def _united(make: Callable[[Geometries], Any], parts: Geometries) -> BaseGeometry | None:
    return make(parts) if len(parts) else None


def _within(shape: BaseGeometry | None, places: Geometries, reach_m: float) -> Flags:
    if shape is None:
        return np.zeros(len(places), dtype=np.bool_)
    shapely.prepare(shape)
    flags: Flags = shapely.dwithin(shape, places, reach_m)
    return flags


@dataclass(frozen=True, slots=True)
class HexCoverage:
    """Hexagons by verdict, each sorted; every hexagon asked about is in one of the three."""

    covered: tuple[int, ...]
    unknown: tuple[int, ...]
    not_covered: tuple[int, ...]

    @property
    def hexagons(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(sorted((*self.covered, *self.unknown, *self.not_covered)))


def hex_coverage(trace: Trace, hexagons: Iterable[int]) -> HexCoverage:
    """The verdict on each hexagon, by its centre."""
    asked = sorted(set(hexagons))
    centres = np.array([hexes.hex_centre(h) for h in asked], dtype=np.float64).reshape(-1, 2)
    verdicts = trace.verdicts(to_metric(np.asarray(shapely.points(centres), dtype=object), trace.zone))
    by: dict[Verdict, list[int]] = {verdict: [] for verdict in Verdict}
    for hexagon, verdict in zip(asked, verdicts, strict=True):
        by[verdict].append(hexagon)
    return HexCoverage(tuple(by[Verdict.COVERED]), tuple(by[Verdict.UNKNOWN]), tuple(by[Verdict.NOT_COVERED]))


@dataclass(frozen=True, slots=True)
class TargetCoverage:
    """What is known of a checkpoint or road segment.

    ``covered_share`` and ``unknown_share`` are of its length (a checkpoint is whole or not at all);
    ``reached_at`` is the first position within reach of it.
    """

    verdict: Verdict
    covered_share: float
    unknown_share: float
    reached_at: datetime | None


def target_coverage(trace: Trace, shape: Point | LineString) -> TargetCoverage:
    """The verdict on a point or a line in CGCS2000 degrees.

    A line is covered when the set share of its length is; unknown when it would be if every unknown piece
    were; else not covered.
    """
    pieces = _pieces(to_metric(shape, trace.zone))
    near = trace.near(pieces)
    doubt = trace.doubtful(pieces) & ~near
    covered, unknown = float(near.mean()), float(doubt.mean())
    need = trace.rules.share if isinstance(shape, LineString) else 1.0
    if covered >= need:
        verdict = Verdict.COVERED
    else:
        verdict = Verdict.UNKNOWN if covered + unknown >= need else Verdict.NOT_COVERED
    return TargetCoverage(verdict, covered, unknown, _first_near(trace, pieces))


def _pieces(shape: Point | LineString) -> Geometries:
    if isinstance(shape, Point):
        return np.asarray([shape], dtype=object)
    count = max(1, int(np.ceil(shape.length / PIECE_M)))
    middles = (np.arange(count) + 0.5) / count
    return np.asarray(shapely.line_interpolate_point(shape, middles, normalized=True), dtype=object)


def _first_near(trace: Trace, pieces: Geometries) -> datetime | None:
    flags = _within(_united(shapely.multipoints, pieces), trace.places, trace.rules.reach_m)
    return next((at for at, near in zip(trace.times, flags, strict=True) if near), None)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """What several shifts say of one place: covered by any is covered; nobody there is not covered."""
    said = set(verdicts)
    if Verdict.COVERED in said:
        return Verdict.COVERED
    return Verdict.UNKNOWN if Verdict.UNKNOWN in said else Verdict.NOT_COVERED


def hexes_together(given: Iterable[HexCoverage]) -> Mapping[int, Verdict]:
    """Each hexagon's verdict over several shifts."""
    said: dict[int, set[Verdict]] = {}
    for one in given:
        for verdict, hexagons in (
            (Verdict.COVERED, one.covered),
            (Verdict.UNKNOWN, one.unknown),
            (Verdict.NOT_COVERED, one.not_covered),
        ):
            for hexagon in hexagons:
                said.setdefault(hexagon, set()).add(verdict)
    return {hexagon: together(some) for hexagon, some in sorted(said.items())}


def zone_of(shape: BaseGeometry) -> MetricZone:
    """The zone that a place in degrees is measured in."""
    return metric_zone_for(shape.centroid.x)
