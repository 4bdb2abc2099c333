"""Seamless coverages: polygons whose shared borders are the same vertices on both sides.

Everything planning draws lives on one lattice of :data:`GRID_M` metres. Lines are noded together once
(:func:`noded_faces`, snap rounding), so a corner that touches a neighbour's side is a vertex of that side
too. From then on polygons are only *united* (:func:`dissolve`), which drops borders and makes no new
vertex: blocks, communities, atoms and cells of one plan share one set of vertices.

Three consequences, which the tests hold on to:

* the area of the parts is the area of the whole, without a tolerance that grows with the plan;
* who borders whom, and along how many metres, is a join on segments (:func:`shared_borders`): no geometry
  predicate, no distance;
* a vertex-by-vertex change of CRS keeps all of it (:func:`to_geographic_frame`): one vertex in metres is one
  vertex in degrees, and no side is straight on one side only.

Not done here: repairing foreign polygons. What is not a coverage is reported with the place.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.errors import InvalidGeometry
from gridmgmt.geo.crs import GEOGRAPHIC, require_metric, to_geographic

GRID_M: Final = 0.01
"""Spacing of the lattice that every planning vertex lies on."""

LATTICE_PER_M: Final = 100.0

GEOGRAPHIC_DECIMALS: Final = 9
"""Decimals kept in degrees: about 0.1 mm, a hundredth of the lattice, so vertices never merge."""

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
GeomArray = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class SharedBorders:
    """Who borders whom in a coverage.

    Attributes
    ----------
    pairs : (m, 2) positions of polygons, smaller first, sorted; corners alone do not count.
    lengths_m : (m,) length of the border the two share.
    perimeters_m : (n,) whole outline of each polygon, holes included.
    outer_m : (n,) the part of the outline that no other polygon shares.
    side_pairs : (s,) for each single straight side of those borders, its row in ``pairs``.
    side_middles, side_lengths_m : (s, 2) its midpoint and (s,) its length.
    faults : (f, 2) points where a segment is used by more than two polygons, or twice in one direction:
        there the polygons overlap or repeat.
    """

    pairs: IntArray
    lengths_m: FloatArray
    perimeters_m: FloatArray
    outer_m: FloatArray
    side_pairs: IntArray
    side_middles: FloatArray
    side_lengths_m: FloatArray
    faults: FloatArray


@dataclass(frozen=True, slots=True)
class Segments:
    """The directed sides of the polygons' rings, interiors on the right: ``start[i]`` → ``end[i]``."""

    owner: IntArray
    start: FloatArray
    end: FloatArray

    @property
    def lengths(self) -> FloatArray:
        """Length of each side, in the unit of the coordinates."""
        across = self.end - self.start
        return np.hypot(across[:, 0], across[:, 1])

    def keys(self) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Number each undirected side, and say whether it runs from the smaller end to the larger."""
        ends = np.concatenate([self.start, self.end])
        # As complex numbers they sort in the same order as rows do, several times faster.
        _, node = np.unique(ends[:, 0] + 1j * ends[:, 1], return_inverse=True)
        first, second = node.reshape(2, -1)
        low, high = np.minimum(first, second), np.maximum(first, second)
        _, key = np.unique(low * np.int64(len(ends) + 1) + high, return_inverse=True)
        return key.astype(np.int64), first < second


def segments(polygons: GeomArray) -> Segments:
    """Return every side of every ring, shells clockwise and holes the other way.

    Parameters
    ----------
    polygons : (n,) polygons or multipolygons. Coordinates are compared exactly, so they must come from one
        noding: :func:`noded_faces`, or a file that kept all decimals.
    """
    # Rings are asked of the parts: a multipolygon itself has none.
    parts, whole = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(shapely.orient_polygons(parts, exterior_cw=True), return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    owner = whole[part[ring[:-1][same]]]
    return Segments(owner.astype(np.int64), coords[:-1][same], coords[1:][same])


def shared_borders(polygons: GeomArray) -> SharedBorders:
    """Return adjacency and lengths of the common borders, by matching sides that are the same two vertices.

    Parameters
    ----------
    polygons : (n,) metric polygons of one coverage.

    Notes
    -----
    A side used once is outer border; used twice, in opposite directions, it is a border of two polygons.
    Anything else is a fault of the coverage and is listed, not raised: the caller names the constraint.
    """
    side = segments(polygons)
    key, forward = side.keys()
    uses = np.bincount(key)
    order = np.argsort(key, kind="stable")
    twice = order[uses[key[order]] == 2].reshape(-1, 2)
    opposite = forward[twice[:, 0]] != forward[twice[:, 1]]
    faulty = np.concatenate([order[uses[key[order]] > 2], twice[~opposite].ravel()])
    good = twice[opposite]
    lengths = side.lengths
    n = len(polygons)
    once = uses[key] == 1
    ends = np.sort(side.owner[good], axis=1)
    # A polygon whose ring touches itself along a side would border itself: no border of two.
    apart = ends[:, 0] != ends[:, 1]
    one, ends = good[apart, 0], ends[apart]
    code, where = np.unique(ends[:, 0] * np.int64(n) + ends[:, 1], return_inverse=True)
    return SharedBorders(
        pairs=np.column_stack([code // n, code % n]) if len(code) else np.empty((0, 2), np.int64),
        lengths_m=sums(where, lengths[one], len(code)),
        perimeters_m=sums(side.owner, lengths, n),
        outer_m=sums(side.owner[once], lengths[once], n),
        side_pairs=where.astype(np.int64),
        side_middles=(side.start[one] + side.end[one]) / 2.0,
        side_lengths_m=lengths[one],
        faults=(side.start[faulty] + side.end[faulty]) / 2.0,
    )


def sums(index: npt.NDArray[np.integer[Any]], values: FloatArray, count: int) -> FloatArray:
    """Sum of the values of each index below ``count``."""
    return np.asarray(np.bincount(index, values, count), dtype=np.float64)


def on_lattice(coords: FloatArray) -> FloatArray:
    """Round to the lattice exactly as GEOS does, to the last bit, so that both kinds of vertex are one."""
    return np.asarray(np.rint(coords * LATTICE_PER_M) / LATTICE_PER_M, dtype=np.float64)


def shapes_on_lattice(shapes: GeomArray) -> GeomArray:
    """Round every vertex to the planning lattice; equal vertices stay equal, missing shapes missing."""
    rounded: GeomArray = shapely.transform(shapes, on_lattice)
    return rounded


def straight_lines(start: FloatArray, end: FloatArray) -> GeomArray:
    """Lines of two points each."""
    return np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)


def noded_faces(lines: Any) -> GeomArray:
    """Node all lines together on the lattice and return the faces they enclose.

    Parameters
    ----------
    lines : metric lines in any order; crossings need no vertex, dead ends enclose nothing and vanish.

    Returns
    -------
    Polygons that share vertices exactly; every crossing is a vertex of all faces around it.
    """
    noded = shapely.union_all(np.asarray(lines, dtype=object), grid_size=GRID_M)
    return np.asarray(shapely.get_parts(shapely.polygonize([noded])), dtype=object)


def noded_anew(sides: GeomArray, added: GeomArray) -> GeomArray:
    """Return the faces of a noded drawing to which lines are added, noding only what they touch.

    Parameters
    ----------
    sides : single straight sides, noded, each once. added : lines that may cross and touch them.

    Notes
    -----
    A side that no added line comes near is left as it is, which saves most of the work. In theory a side that
    is bent by less than the lattice could meet one that was left: the caller compares areas, and then nodes
    all.
    """
    touched = np.zeros(len(sides), dtype=np.bool_)
    if len(added):
        touched[shapely.STRtree(sides).query(added, predicate="dwithin", distance=3 * GRID_M)[1]] = True
    noded = shapely.union_all(np.concatenate([sides[touched], added]), grid_size=GRID_M)
    return np.asarray(shapely.get_parts(shapely.polygonize([*sides[~touched], noded])), dtype=object)


def with_tips(lines: GeomArray, tips: FloatArray) -> GeomArray:
    """Return straight sides, split where one of the tips lies on them; far cheaper than noding.

    Parameters
    ----------
    lines : sides of two points each, which meet or touch with a tip but never cross. tips : (n, 2) ends.

    Notes
    -----
    All is brought to the lattice, so a side may bend by a lattice width. Sides that coincide are given once.
    """
    ends = on_lattice(shapely.get_coordinates(lines)).reshape(-1, 2, 2)
    places = np.unique(on_lattice(tips), axis=0)
    tree = shapely.STRtree(straight_lines(ends[:, 0], ends[:, 1]))
    tip, side = tree.query(shapely.points(places), predicate="dwithin", distance=1.5 * GRID_M)
    across = ends[side, 1] - ends[side, 0]
    length2 = np.maximum((across**2).sum(axis=1), GRID_M**2)
    share = ((places[tip] - ends[side, 0]) * across).sum(axis=1) / length2
    inner = (share > 0.0) & (share < 1.0)
    n = len(ends)
    coords = np.concatenate([ends[:, 0], places[tip[inner]], ends[:, 1]])
    owner = np.concatenate([np.arange(n), side[inner], np.arange(n)])
    order = np.lexsort((np.concatenate([np.zeros(n), share[inner], np.ones(n)]), owner))
    coords, owner = coords[order], owner[order]
    same = owner[1:] == owner[:-1]
    start, end = coords[:-1][same], coords[1:][same]
    apart = (start != end).any(axis=1)
    split = Segments(np.empty(0, dtype=np.int64), start[apart], end[apart])
    _, first = np.unique(split.keys()[0], return_index=True)
    return straight_lines(split.start[first], split.end[first])


def dissolve(polygons: GeomArray, labels: IntArray) -> GeomArray:
    """Unite the polygons of one coverage that carry the same label; no vertex is made or moved.

    Parameters
    ----------
    polygons : (n,) polygons of one coverage.
    labels : (n,) integers 0 … k-1, each present.

    Returns
    -------
    (k,) polygons; a multipolygon where the parts of a label share no side.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
    united = [shapely.coverage_union_all(polygons[order[a:b]]) for a, b in pairwise(starts)]
    return np.asarray([_one_part(geometry) for geometry in united], dtype=object)


def _one_part(geometry: Any) -> Any:
    parts = shapely.get_parts(geometry)
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def components(count: int, pairs: IntArray) -> IntArray:
    """Label the connected components of ``count`` nodes joined by ``pairs``, by first member."""
    root = np.arange(count, dtype=np.int64)
    if len(pairs):
        while True:
            low = root[pairs].min(axis=1)
            before = root.copy()
            np.minimum.at(root, root[pairs[:, 0]], low)
            np.minimum.at(root, root[pairs[:, 1]], low)
            root = root[root]
            if np.array_equal(before, root):
                break
    return np.unique(root, return_inverse=True)[1].astype(np.int64)


def absorb_small(polygons: GeomArray, small: npt.NDArray[np.bool_]) -> IntArray:
    """Give every small polygon the label of the neighbour it shares the longest border with.

    Parameters
    ----------
    polygons : (n,) polygons of one coverage.
    small : (n,) which of them may not stand alone.

    Returns
    -------
    (n,) labels 0 … k-1 for :func:`dissolve`. Chains of small polygons end at a large one; small polygons that
    no large one can be reached from are united among themselves.
    """
    label = np.arange(len(polygons), dtype=np.int64)
    borders = shared_borders(polygons)
    pairs = np.concatenate([borders.pairs, borders.pairs[:, ::-1]])
    lengths = np.concatenate([borders.lengths_m, borders.lengths_m])
    waiting = small.copy()
    while waiting.any():
        usable = waiting[pairs[:, 0]] & ~waiting[pairs[:, 1]]
        if not usable.any():
            inner = waiting[pairs].all(axis=1)
            rest = components(len(polygons), pairs[inner])
            label[waiting] = len(polygons) + rest[waiting]
            break
        mine, length = pairs[usable], lengths[usable]
        best = np.lexsort((label[mine[:, 1]], -length, mine[:, 0]))
        taker, first = np.unique(mine[best, 0], return_index=True)
        label[taker] = label[mine[best[first], 1]]
        waiting[taker] = False
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def to_geographic_frame(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame in CGCS2000 degrees, vertex by vertex, so that a seamless coverage stays seamless.

    Parameters
    ----------
    frame : in one of the metric zones.

    Raises
    ------
    WrongCrs
        The frame is not in a metric zone.
    InvalidGeometry
        A polygon became invalid: it was thinner than the lattice.
    """
    zone = require_metric(frame.crs).to_epsg() or 0
    degrees = to_geographic(np.asarray(frame.geometry.array, dtype=object), zone)
    rounded = shapely.transform(degrees, lambda coords: np.round(coords, GEOGRAPHIC_DECIMALS))
    invalid = np.flatnonzero(~shapely.is_valid(rounded))
    if len(invalid):
        raise InvalidGeometry(
            "a polygon is thinner than the planning lattice", positions=invalid[:10].tolist()
        )
    return frame.set_geometry(gpd.GeoSeries(rounded, index=frame.index, crs=GEOGRAPHIC))
