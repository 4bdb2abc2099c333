"""Cut large blocks straight, through the gaps between buildings, until no part is larger than asked.

A part is cut across its longer side near its centroid, and its halves again, all parts of a city at once
level by level. Where buildings stand, a few positions around the centroid and both directions are tried and
the one that cuts fewest buildings is taken: rows of houses are parted along the space between them. What is
still hit is kept whole by :mod:`gridmgmt.planning.footprints`: the border steps around it.

Hexagons (H3) are not used for this: their sizes go in steps of seven, their edges follow nothing on the
ground, and every border of a block leaves fragments of them (figures: decision 0025).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.planning.bordering import sides_of
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray, straight_lines

Flags = npt.NDArray[np.bool_]

TRIED: Final = np.linspace(-0.18, 0.18, 13)
"""Positions of a cut beside the centroid, as shares of the part's extent."""

ACROSS_COST: Final = 1.5
"""A cut along the longer side must spare so many buildings more to be preferred."""

ASIDE_COST: Final = 4.0
"""And one aside of the centroid so many for the part's whole extent."""

CRUMB_M2: Final = 1e-4
MOST_LEVELS: Final = 60


@dataclass(frozen=True, slots=True)
class Loads:
    """What must not be cut, and what must not be too much in one part."""

    buildings: GeomArray
    places: GeomArray
    demand: FloatArray
    most_demand: float


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of blocks, the block of each, and the cuts between them."""

    geometry: GeomArray
    block: IntArray
    cuts: GeomArray


def cut_large(blocks: GeomArray, aim_m2: FloatArray, smallest_m2: float, loads: Loads) -> Parts:
    """Return the blocks in parts.

    Parameters
    ----------
    blocks : (n,) metric polygons. aim_m2 : (n,) a part of the block above this is cut.
    smallest_m2 : a part is not cut for its demand when its halves would be smaller.
    loads : buildings, and points with demand.
    """
    parts, block = blocks, np.arange(len(blocks))
    done, done_block, cuts = [np.empty(0, dtype=object)], [np.empty(0, np.int64)], []
    for _ in range(MOST_LEVELS):
        large = _too_large(parts, aim_m2[block], smallest_m2, loads)
        done.append(parts[~large])
        done_block.append(block[~large])
        parts, block = parts[large], block[large]
        if len(parts) == 0:
            break
        halves, owner, cut = _halved(parts, loads.buildings)
        cuts.append(cut)
        parts, block = halves, block[owner]
    start, end = sides_of(shapely.get_parts(np.concatenate([np.empty(0, dtype=object), *cuts])))
    return Parts(
        np.concatenate([*done, parts]),
        np.concatenate([*done_block, block]).astype(np.int64),
        straight_lines(start, end),
    )


def _too_large(parts: GeomArray, aim_m2: FloatArray, smallest_m2: float, loads: Loads) -> Flags:
    area = shapely.area(parts)
    large = area > aim_m2
    if np.isfinite(loads.most_demand) and len(loads.places):
        place, part = shapely.STRtree(parts).query(loads.places, predicate="intersects")
        total = np.bincount(part, loads.demand[place], len(parts))
        several = np.bincount(part, loads.demand[place] > 0, len(parts)) > 1
        large |= (total > loads.most_demand) & several & (area >= 2.0 * smallest_m2)
    return np.asarray(large, dtype=np.bool_)


def _halved(parts: GeomArray, buildings: GeomArray) -> tuple[GeomArray, IntArray, GeomArray]:
    """Both sides of each part, the part that each comes from, and the cuts."""
    long_, extent = _longer_side(parts)
    centre = shapely.get_coordinates(shapely.centroid(parts))
    normal, aside = _best_cut(parts, centre, long_, extent, buildings)
    foot = centre + normal * aside[:, None]
    simple, halves, owner, ends = _halved_rings(parts, foot, normal)
    rest = np.flatnonzero(~simple)
    pieces, at, cut = _halved_any(parts[rest], foot[rest], normal[rest])
    return (
        np.concatenate([halves, pieces]),
        np.concatenate([owner, rest[at]]).astype(np.int64),
        np.concatenate([ends, cut]),
    )


def _halved_rings(
    parts: GeomArray, foot: FloatArray, normal: FloatArray
) -> tuple[Flags, GeomArray, IntArray, GeomArray]:
    """Cut all parts whose one ring crosses the line exactly twice; say which they are."""
    coords, owner = shapely.get_coordinates(shapely.get_exterior_ring(parts), return_index=True)
    last = np.r_[owner[1:] != owner[:-1], True]
    away = ((coords - foot[owner]) * normal[owner]).sum(axis=1)
    after = np.r_[away[1:], 0.0]
    crosses = ~last & ((away >= 0) != (after >= 0))
    count = np.bincount(owner[crosses], minlength=len(parts))
    nearest = np.full(len(parts), np.inf)
    np.minimum.at(nearest, owner, np.abs(away))
    simple = (count == 2) & (shapely.get_num_interior_rings(parts) == 0) & (nearest > CRUMB_M2)
    at = np.flatnonzero(crosses & simple[owner])
    share = (away[at] / (away[at] - away[at + 1]))[:, None]
    met = coords[at] + (coords[at + 1] - coords[at]) * share
    halves, owners = [], []
    for side in (away >= 0, away < 0):
        kept = np.flatnonzero(side & simple[owner] & ~last)
        places = np.concatenate([coords[kept], met])
        ring = np.concatenate([owner[kept], owner[at]])
        order = np.lexsort((np.concatenate([kept, at + 0.5]), ring))
        ring, number = np.unique(ring[order], return_inverse=True)
        rings = shapely.linearrings(places[order], indices=number)
        halves.append(np.asarray(shapely.polygons(rings), dtype=object))
        owners.append(ring)
    cuts = straight_lines(met[0::2], met[1::2])
    return simple, np.concatenate(halves), np.concatenate(owners), cuts


def _halved_any(
    parts: GeomArray, foot: FloatArray, normal: FloatArray
) -> tuple[GeomArray, IntArray, GeomArray]:
    """Cut parts of any shape: the line may leave and enter them several times."""
    bounds = shapely.bounds(parts)
    reach = np.hypot(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])[:, None] * 2.0 + 1.0
    along = np.column_stack([-normal[:, 1], normal[:, 0]])
    a, b = foot - along * reach, foot + along * reach
    half = shapely.polygons(np.stack([a, b, b + normal * reach, a + normal * reach], axis=1))
    sides = np.concatenate([shapely.intersection(parts, half), shapely.difference(parts, half)])
    pieces, owner = shapely.get_parts(sides, return_index=True)
    kept = (shapely.get_dimensions(pieces) == 2) & (shapely.area(pieces) > CRUMB_M2)
    cut = shapely.intersection(shapely.linestrings(np.stack([a, b], axis=1)), parts)
    return np.asarray(pieces[kept], dtype=object), (owner[kept] % max(len(parts), 1)).astype(np.int64), cut


def _longer_side(parts: GeomArray) -> tuple[FloatArray, FloatArray]:
    """Unit vector along the longer side of each part's smallest rectangle, and both side lengths."""
    frames = shapely.oriented_envelope(parts)
    flat = shapely.get_dimensions(frames) != 2
    frames[flat] = shapely.envelope(shapely.buffer(parts[flat], 1.0))
    corners = shapely.get_coordinates(frames).reshape(len(parts), 5, 2)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    first, second = np.hypot(*one.T), np.hypot(*two.T)
    longer = np.where((first >= second)[:, None], one, two)
    size = np.column_stack([np.maximum(first, second), np.minimum(first, second)])
    return longer / np.maximum(size[:, :1], 1e-9), size


def _best_cut(
    parts: GeomArray, centre: FloatArray, long_: FloatArray, extent: FloatArray, buildings: GeomArray
) -> tuple[FloatArray, FloatArray]:
    """Direction across which each part is cut, and how far from the centroid."""
    normal, aside = long_.copy(), np.zeros(len(parts))
    if len(buildings) == 0:
        return normal, aside
    part, building = shapely.STRtree(buildings).query(parts, predicate="intersects")
    if len(part) == 0:
        return normal, aside
    short = np.column_stack([-long_[:, 1], long_[:, 0]])
    best = np.full(len(parts), np.inf)
    for direction, size, extra in ((long_, extent[:, 0], 0.0), (short, extent[:, 1], ACROSS_COST)):
        low, high = _spans(buildings[building], centre[part], direction[part])
        for share in sorted(TRIED.tolist(), key=abs):
            at = share * size
            hit = (low < at[part]) & (at[part] < high)
            cost = np.bincount(part, hit, len(parts)) + ASIDE_COST * abs(share) + extra
            better = cost < best - 1e-9
            best[better], normal[better], aside[better] = cost[better], direction[better], at[better]
    return normal, aside


def _spans(shapes: GeomArray, origin: FloatArray, direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """From where to where each shape reaches along a direction of its own."""
    coords, owner = shapely.get_coordinates(shapes, return_index=True)
    place = ((coords - origin[owner]) * direction[owner]).sum(axis=1)
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    return np.minimum.reduceat(place, first), np.maximum.reduceat(place, first)
