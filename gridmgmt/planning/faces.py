"""Classed lines and communities to faces, and faces to blocks without the strips between carriageways.

All lines are noded together with the communities' borders once (snap rounding on the planning lattice). A
road that ends just short of a line is carried on to it; what still ends in the open encloses nothing and is
reported. A *strip* is a face that nowhere is as wide as a block: the reserve between two carriageways, the
triangle of a slip road, the inside of a roundabout, the crack between a community's border and the road it
was drawn along. Strips are shared out to the nearest blocks of their own community, so that a border runs
along the middle of a dual carriageway; each strip remembers the class of its road.

A face with a building in it is no strip however narrow, nor is one among lanes alone that is wider than
:data:`LANE_STRIP_M`: rows of old houses between two lanes are blocks.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.planning.bordering import classes_at, sides_of, strongest
from gridmgmt.planning.coverage import (
    GRID_M,
    FloatArray,
    GeomArray,
    IntArray,
    SharedBorders,
    components,
    noded_anew,
    noded_faces,
    segments,
    shared_borders,
    straight_lines,
    sums,
    with_tips,
)
from gridmgmt.planning.lines import LINE_CLASSES, NONE_AT, LineClass, Lines
from gridmgmt.planning.merging import merge_small
from gridmgmt.planning.midlines import borders_between, nearest_label, points_along
from gridmgmt.planning.territory import Territory

LANE_STRIP_M: Final = 12.0
"""A face among lanes alone is a strip only below this width."""

MIDLINE_SPACING_M: Final = 8.0
MIDLINE_SIMPLIFY_M: Final = 1.0

_NO_LINES: Final = np.empty(0, dtype=object)
_WEAK: Final = np.asarray([LINE_CLASSES.index(c) for c in (LineClass.LANE, LineClass.WALL, LineClass.NONE)])


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces of a noded drawing and the community that each lies in."""

    geometry: GeomArray
    community: IntArray
    dangling_m: float
    dangles: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """A seamless coverage of the communities; ``strips`` with the class of their road lie across it."""

    geometry: GeomArray
    community: IntArray
    strips: GeomArray
    strip_class: IntArray


def faces_of(lines: GeomArray, territory: Territory) -> Faces:
    """Return the faces that lines and communities' borders enclose, those inside the territory.

    Parameters
    ----------
    lines : metric lines; those that do not reach the territory are ignored.
    """
    borders = shapely.boundary(np.concatenate([territory.shapes, territory.seams]))
    noded = shapely.union_all(np.concatenate([_reaching(lines, territory), borders]), grid_size=GRID_M)
    polygons, cuts, dangles, _ = shapely.polygonize_full([noded])
    faces = np.asarray(shapely.get_parts(polygons), dtype=object)
    inner = shapely.point_on_surface(faces)
    community = territory.owners(inner)
    if len(territory.seams):
        face, _ = shapely.STRtree(territory.seams).query(inner, predicate="intersects")
        seam = np.zeros(len(faces), dtype=np.bool_)
        seam[face] = community[face] < 0
        community = _lent(faces, community, seam)
    kept = community >= 0
    loose = shapely.get_parts(dangles)
    loose = loose[territory.owners(shapely.point_on_surface(loose)) >= 0]
    return Faces(
        faces[kept],
        community[kept],
        dangling_m=float(shapely.length(loose).sum() + shapely.length(cuts)),
        dangles=len(loose),
    )


def carried_on(lines: GeomArray, extend_m: float) -> GeomArray:
    """Return lines that carry each dead end straight on to the next line, where one is near enough.

    Parameters
    ----------
    lines : metric lines, noded or not. An end that lies on another line is none.
    extend_m : farthest that an end is carried on; 0 for not at all.
    """
    tips, before = _tips(lines)
    if extend_m <= 0 or len(tips) == 0:
        return np.empty(0, dtype=object)
    start, end = sides_of(lines)
    tree = shapely.STRtree(straight_lines(start, end))
    near, _ = tree.query(shapely.points(tips), predicate="dwithin", distance=2 * GRID_M)
    dead = np.bincount(near, minlength=len(tips)) <= 1
    tips, before = tips[dead], before[dead]
    ahead = tips - before
    ahead /= np.maximum(np.hypot(*ahead.T), GRID_M)[:, None]
    rays = shapely.linestrings(np.stack([tips, tips + ahead * extend_m], axis=1))
    ray, side = tree.query(rays, predicate="intersects")
    a, d = start[side], end[side] - start[side]
    r, origin = ahead[ray], tips[ray]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (d[:, 0] * (origin - a)[:, 1] - d[:, 1] * (origin - a)[:, 0]) / (
            d[:, 1] * r[:, 0] - d[:, 0] * r[:, 1]
        )
    hits = np.isfinite(along) & (along > 2 * GRID_M) & (along <= extend_m)
    reach = np.full(len(tips), np.inf)
    np.minimum.at(reach, ray[hits], along[hits])
    met = np.isfinite(reach)
    ends = tips[met] + ahead[met] * reach[met, None]
    return straight_lines(tips[met], ends)


def blocks_of(faces: Faces, lines: Lines, *, narrower_than_m: float, buildings: GeomArray) -> Blocks:
    """Share the strips among the faces out to the others.

    Parameters
    ----------
    faces : of the communities. lines : that they were made of, for the class of a strip.
    narrower_than_m : a face in which no point is half of this from its border is a strip.
    buildings : footprints; a face that holds one is no strip.
    """
    strip, strip_class = _strips(faces, lines, narrower_than_m, buildings)
    if not strip.any():
        return Blocks(faces.geometry, faces.community, np.empty(0, dtype=object), np.empty(0, np.int64))
    points, label = _points_at_strips(faces, strip)
    owners = faces.community[label]
    cuts = _midlines(faces, strip, points, label)
    pieces, home, borders = refaced(faces.geometry, np.asarray(cuts, dtype=object))
    inner = shapely.point_on_surface(pieces)
    shared = strip[home] & np.isin(faces.community[home], owners)
    home[shared] = nearest_label(
        shapely.get_coordinates(inner[shared]), faces.community[home[shared]], points, label, owners
    )
    labels = _one_piece_each(pieces, borders, home, faces.community[home])
    community = np.empty(labels.max() + 1, dtype=np.int64)
    community[labels] = faces.community[home]
    return Blocks(united(pieces, labels), community, faces.geometry[strip], strip_class[strip])


def refaced(
    coverage: GeomArray, added: GeomArray, cuts: GeomArray = _NO_LINES
) -> tuple[GeomArray, IntArray, SharedBorders]:
    """Node lines into a coverage; its faces, the polygon that each lies in, and the borders of the faces.

    Parameters
    ----------
    added : lines that may cross the coverage's sides and each other.
    cuts : straight lines that only touch sides and each other with their tips.
    """
    sides = distinct_sides(coverage)
    ready = with_tips(np.concatenate([sides, cuts]), shapely.get_coordinates(cuts)) if len(cuts) else sides
    allowed = 2.0 * GRID_M * (shapely.length(coverage) + 1.0)
    for quickly in (True, False):
        faces = noded_anew(ready, added) if quickly else noded_faces([*sides, *cuts, *added])
        home = held_by(coverage, shapely.point_on_surface(faces))
        faces, home = faces[home >= 0], home[home >= 0]
        area = np.bincount(home, shapely.area(faces), len(coverage))
        borders = shared_borders(faces)
        if len(borders.faults) == 0 and (np.abs(area - shapely.area(coverage)) <= allowed).all():
            break
    return faces, home, borders


def united(polygons: GeomArray, labels: IntArray) -> GeomArray:
    """Unite the polygons of one coverage by label, 0 … k-1; each union is in one piece or a multipolygon."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
    count = np.diff(starts)
    result = np.empty(len(count), dtype=object)
    result[count == 1] = polygons[order[starts[:-1][count == 1]]]
    for number in np.flatnonzero(count != 1):
        whole = shapely.coverage_union_all(polygons[order[starts[number] : starts[number + 1]]])
        parts = shapely.get_parts(whole)
        result[number] = parts[0] if len(parts) == 1 else whole
    return result


def _reaching(lines: GeomArray, territory: Territory) -> GeomArray:
    if len(lines) == 0:
        return lines
    near, _ = shapely.STRtree(territory.shapes).query(lines)
    touched = np.unique(near)
    frame = shapely.box(*shapely.total_bounds(territory.shapes))
    inside = touched[shapely.intersects(lines[touched], frame)]
    return np.asarray(lines[inside], dtype=object)


def _lent(faces: GeomArray, community: IntArray, seam: npt.NDArray[np.bool_]) -> IntArray:
    """Give every face of a seam the community of the neighbour with the longest border."""
    borders = shared_borders(faces)
    pairs = np.concatenate([borders.pairs, borders.pairs[:, ::-1]])
    lengths = np.concatenate([borders.lengths_m, borders.lengths_m])
    lent = community.copy()
    for _ in range(100):
        usable = seam[pairs[:, 0]] & (lent[pairs[:, 0]] < 0) & (lent[pairs[:, 1]] >= 0)
        if not usable.any():
            break
        mine, length = pairs[usable], lengths[usable]
        best = np.lexsort((lent[mine[:, 1]], -length, mine[:, 0]))
        taker, first = np.unique(mine[best, 0], return_index=True)
        lent[taker] = lent[mine[best[first], 1]]
    return lent


def _tips(lines: GeomArray) -> tuple[FloatArray, FloatArray]:
    """Ends that no other line shares, each with the vertex before it."""
    count = shapely.get_num_points(lines)
    lines = lines[count > 1]
    ends = np.concatenate(
        [shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)] or [np.empty((0, 2))]
    )
    before = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (1, -2)])
    if len(ends) == 0:
        return ends, before
    _, where, uses = np.unique(
        np.rint(ends / GRID_M).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    alone = uses[where.ravel()] == 1
    return ends[alone], before[alone]


def _strips(
    faces: Faces, lines: Lines, narrower_than_m: float, buildings: GeomArray
) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Which faces are strips, and the strongest class of line along each of them."""
    shapes = faces.geometry
    # A polygon holds a circle of radius area / perimeter, so most blocks need no closer look.
    doubtful = np.flatnonzero(shapely.area(shapes) / shapely.length(shapes) < narrower_than_m / 2.0)
    narrow = shapely.is_empty(shapely.buffer(shapes[doubtful], -narrower_than_m / 2.0, quad_segs=2))
    at = doubtful[narrow]
    side = segments(shapes[at])
    kinds = classes_at((side.start + side.end) / 2.0, lines)
    strong = strongest(side.owner, kinds, len(at))
    among_lanes = np.isin(strong, _WEAK)
    wide = ~shapely.is_empty(shapely.buffer(shapes[at], -LANE_STRIP_M / 2.0, quad_segs=2))
    kept = among_lanes & wide
    if len(buildings):
        inner = shapely.point_on_surface(buildings)
        kept[np.unique(shapely.STRtree(shapes[at]).query(inner, predicate="intersects")[1])] = True
    strip = np.zeros(len(shapes), dtype=np.bool_)
    strip[at[~kept]] = True
    strip_class = np.full(len(shapes), NONE_AT, dtype=np.int64)
    strip_class[at] = strong
    return strip, strip_class


def _points_at_strips(faces: Faces, strip: npt.NDArray[np.bool_]) -> tuple[FloatArray, IntArray]:
    """Points on the sides between a block and a strip of its community, with the block's number."""
    side = segments(faces.geometry)
    key, _ = side.keys()
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    one, two = order[:-1][same], order[1:][same]
    a, b = side.owner[one], side.owner[two]
    seen = (strip[a] != strip[b]) & (faces.community[a] == faces.community[b])
    one, owner = one[seen], np.where(strip[a], b, a)[seen]
    points, of = points_along(side.start[one], side.end[one], MIDLINE_SPACING_M)
    return points, owner[of]


def _midlines(
    faces: Faces, strip: npt.NDArray[np.bool_], points: FloatArray, label: IntArray
) -> list[GeomArray]:
    """Midlines inside the strips, community by community."""
    cuts = []
    owners = faces.community[label]
    for number in np.unique(owners):
        here = owners == number
        between = borders_between(points[here], label[here], simplify_m=MIDLINE_SIMPLIFY_M)
        ground = faces.geometry[strip & (faces.community == number)]
        piece, line = shapely.STRtree(between).query(ground, predicate="intersects")
        cut = shapely.get_parts(shapely.intersection(between[line], ground[piece]))
        cuts += list(cut[(shapely.get_dimensions(cut) == 1) & (shapely.length(cut) > GRID_M)])
    return cuts


def distinct_sides(polygons: GeomArray) -> GeomArray:
    """Each side of a coverage once, as lines."""
    side = segments(polygons)
    _, first = np.unique(side.keys()[0], return_index=True)
    return straight_lines(side.start[first], side.end[first])


def held_by(faces: GeomArray, inner: GeomArray) -> IntArray:
    """The face that holds each point, -1 for none."""
    found = np.full(len(inner), -1, dtype=np.int64)
    point, face = shapely.STRtree(faces).query(inner, predicate="intersects")
    found[point[::-1]] = face[::-1]
    return found


def _one_piece_each(
    pieces: GeomArray, borders: SharedBorders, home: IntArray, community: IntArray
) -> IntArray:
    """Label pieces so that every label is one connected block; strays join the neighbour they touch most."""
    same = home[borders.pairs[:, 0]] == home[borders.pairs[:, 1]]
    part = components(len(pieces), borders.pairs[same])
    n = int(part.max(initial=-1)) + 1
    area = sums(part, shapely.area(pieces), n)
    owner, group = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    owner[part], group[part] = home, community
    order = np.lexsort((-area, owner))
    main = np.zeros(n, dtype=np.bool_)
    main[order[np.unique(owner[order], return_index=True)[1]]] = True
    between = part[borders.pairs[~same]]
    labels = merge_small(
        area,
        between,
        borders.lengths_m[~same],
        group=group,
        smallest_m2=np.zeros(n),
        largest_m2=np.inf,
        must=~main,
    )
    return labels[part]
