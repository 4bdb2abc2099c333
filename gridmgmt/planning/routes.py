"""In which order to walk the streets of a cell: a patrol route, short but not proved shortest.

Every street is walked once, in either direction, and the way from the end of one to the beginning of the
next is added: this is the *rural postman problem*, hard in general (Eiselt, Gendreau and Laporte, "Arc
routing problems, part II", Operations Research 43(3), 1995). The streets themselves cannot be saved, so what
is made small is the way between them:

1. Ends nearer than a metre are one crossing. The way between two crossings is the shortest over the cell's
   own streets and over straight lines, which count :data:`DETOUR` times their length, since nobody walks
   through walls. Paths inside compounds are not known.
2. Beginning at the start, the nearest street not yet walked is taken, from its nearer end.
3. As long as it shortens the route: a stretch is walked backwards (2-opt, which turns its streets round), or
   one to three streets are moved elsewhere, either way round (Or-opt).

The same streets and start give the same route. ``least_m`` beside it is what no route can be shorter than:
the streets themselves.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import dijkstra  # type: ignore[import-untyped]

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray

DETOUR: Final = 1.3
SNAP_M: Final = 1.0
MOST_STREETS: Final = 400
_WORTH_M: Final = 1e-6
_LONGEST_MOVED: Final = 3


@dataclass(frozen=True, slots=True)
class Route:
    """A way to walk all streets.

    Attributes
    ----------
    order : (n,) positions of the streets in the order walked.
    backwards : (n,) whether each of these is walked from its end to its beginning.
    streets_m, between_m : length of the streets, and of the way between them, to the first and, of a closed
        route, back.
    first_m : what ``between_m`` was before it was improved.
    line : the streets and straight lines between them, as one line.
    """

    order: IntArray
    backwards: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    streets_m: float
    between_m: float
    first_m: float
    line: shapely.LineString

    @property
    def length_m(self) -> float:
        """The whole walk."""
        return self.streets_m + self.between_m

    @property
    def least_m(self) -> float:
        """What no route over these streets can be shorter than."""
        return self.streets_m


def streets_of(
    roads: GeomArray, cell: shapely.Polygon, *, reach_m: float = 15.0, least_m: float = 20.0
) -> GeomArray:
    """Return the streets of a cell, cut at its border and at each other, without scraps.

    Parameters
    ----------
    roads : lines in a metric CRS.
    reach_m : borders run along the middle of roads, so a road so near belongs to the cell.
    least_m : pieces shorter than this are left out.
    """
    near = shapely.intersection(roads, cell.buffer(reach_m))
    noded = shapely.union_all(near[~shapely.is_empty(near)], grid_size=0.01)
    parts = shapely.get_parts(noded)
    lines = parts[(shapely.get_type_id(parts) == 1) & (shapely.length(parts) >= least_m)]
    return np.asarray(lines[np.argsort(shapely.to_wkb(lines))], dtype=object)


def patrol_route(
    streets: GeomArray, start: shapely.Point, *, closed: bool = True, detour: float = DETOUR
) -> Route:
    """Order streets into a walk.

    Parameters
    ----------
    streets : (n,) LineStrings in a metric CRS.
    start : where the walk begins, such as the grid station, and ends when ``closed``.
    detour : how many metres are walked for one of a straight line, at least 1.

    Raises
    ------
    InvalidInput
        No street, too many, something that is not a line, or a detour below 1.
    """
    if not 1 <= len(streets) <= MOST_STREETS or (shapely.get_type_id(streets) != 1).any():
        raise InvalidInput("streets are lines, one to so many", limit=MOST_STREETS, streets=len(streets))
    if not detour >= 1.0:
        raise InvalidInput("a walk is no shorter than a straight line", detour=detour)
    node, places = _crossings(streets, start)
    between = _between(node, places, shapely.length(streets), detour)
    walk = _Walk(between, node, closed=closed)
    tour = walk.nearest_first()
    first = walk.cost(tour)
    tour = walk.improved(tour)
    order = np.array([street for street, _ in tour], dtype=np.int64)
    turned = np.array([back for _, back in tour], dtype=np.bool_)
    line = _line(streets, order, turned, start, closed=closed)
    return Route(order, turned, float(shapely.length(streets).sum()), walk.cost(tour), first, line)


def _crossings(streets: GeomArray, start: shapely.Point) -> tuple[IntArray, FloatArray]:
    """Number the ends: (n, 2) crossings of each street, and the places of them; the start is number 0."""
    ends = np.stack(
        [shapely.get_coordinates(shapely.get_point(streets, side)) for side in (0, -1)], axis=1
    ).reshape(-1, 2)
    numbers = np.zeros(len(ends), dtype=np.int64)
    places: list[tuple[float, float]] = [(start.x, start.y)]
    for at, (x, y) in enumerate(ends.tolist()):
        known = np.hypot(*(np.array(places[1:]).reshape(-1, 2) - [x, y]).T)
        if len(known) and known.min() <= SNAP_M:
            numbers[at] = int(known.argmin()) + 1
        else:
            places.append((x, y))
            numbers[at] = len(places) - 1
    return numbers.reshape(-1, 2), np.array(places)


def _between(node: IntArray, places: FloatArray, length: FloatArray, detour: float) -> FloatArray:
    """Shortest ways between all crossings, over streets and over straight lines that count more."""
    apart = np.hypot(places[:, None, 0] - places[None, :, 0], places[:, None, 1] - places[None, :, 1])
    ways = apart * detour
    for (a, b), metres in zip(node.tolist(), length.tolist(), strict=True):
        ways[a, b] = ways[b, a] = min(ways[a, b], metres)
    # A zero would be no edge at all to scipy; ends so near were made one crossing, except at the start.
    np.maximum(ways, 1e-9, out=ways)
    np.fill_diagonal(ways, 0.0)
    return np.asarray(dijkstra(csr_array(ways), directed=False), dtype=np.float64)


_Tour = list[tuple[int, bool]]


class _Walk:
    """Costs of orders, and moves that lower them."""

    def __init__(self, between: FloatArray, node: IntArray, *, closed: bool) -> None:
        self._between = between.tolist()
        self._node = node.tolist()
        self._closed = closed

    def _begins(self, leg: tuple[int, bool]) -> int:
        return int(self._node[leg[0]][leg[1]])

    def _ends(self, leg: tuple[int, bool]) -> int:
        return int(self._node[leg[0]][not leg[1]])

    def cost(self, tour: _Tour) -> float:
        """Length of the ways between the streets of a tour."""
        at, walked = 0, 0.0
        for leg in tour:
            walked += self._between[at][self._begins(leg)]
            at = self._ends(leg)
        return float(walked + (self._between[at][0] if self._closed else 0.0))

    def nearest_first(self) -> _Tour:
        left, at, tour = set(range(len(self._node))), 0, []
        while left:
            _, street, back = min(
                (self._between[at][self._node[street][back]], street, back)
                for street in left
                for back in (False, True)
            )
            tour.append((street, back))
            left.remove(street)
            at = self._ends(tour[-1])
        return tour

    def improved(self, tour: _Tour) -> _Tour:
        """Take every move that shortens, until none does."""
        better = True
        while better:
            better = False
            for moved in (self._turned(tour), self._shifted(tour)):
                if moved is not None:
                    tour, better = moved, True
                    break
        return tour

    def _gap(self, before: tuple[int, bool] | None, after: tuple[int, bool] | None) -> float:
        """Way from one leg to the next; None is the start, or the end of an open walk."""
        if after is None and not self._closed:
            return 0.0
        at = 0 if before is None else self._ends(before)
        to = 0 if after is None else self._begins(after)
        return float(self._between[at][to])

    def _turned(self, tour: _Tour) -> _Tour | None:
        """2-opt: the first stretch that is better walked backwards."""
        n = len(tour)
        for i in range(n):
            before = tour[i - 1] if i else None
            for j in range(i, n):
                after = tour[j + 1] if j + 1 < n else None
                old = self._gap(before, tour[i]) + self._gap(tour[j], after)
                first, last = (tour[j][0], not tour[j][1]), (tour[i][0], not tour[i][1])
                # Ways are as long backwards, so only the two at the rim change.
                if self._gap(before, first) + self._gap(last, after) < old - _WORTH_M:
                    return [*tour[:i], *_reversed(tour[i : j + 1]), *tour[j + 1 :]]
        return None

    def _shifted(self, tour: _Tour) -> _Tour | None:
        """Or-opt: the first few streets in a row that are better walked elsewhere."""
        n = len(tour)
        for size in range(1, min(_LONGEST_MOVED, n - 1) + 1):
            for i in range(n - size + 1):
                piece, rest = tour[i : i + size], [*tour[:i], *tour[i + size :]]
                before, after = tour[i - 1] if i else None, tour[i + size] if i + size < n else None
                saved = self._gap(before, piece[0]) + self._gap(piece[-1], after) - self._gap(before, after)
                place = self._better_place(rest, piece, saved)
                if place is not None:
                    return place
        return None

    def _better_place(self, rest: _Tour, piece: _Tour, saved: float) -> _Tour | None:
        if saved <= _WORTH_M:
            return None
        for at in range(len(rest) + 1):
            before, after = rest[at - 1] if at else None, rest[at] if at < len(rest) else None
            whole = self._gap(before, after)
            for way in (piece, _reversed(piece)):
                added = self._gap(before, way[0]) + self._gap(way[-1], after) - whole
                if added < saved - _WORTH_M:
                    return [*rest[:at], *way, *rest[at:]]
        return None


def _reversed(stretch: _Tour) -> _Tour:
    return [(street, not back) for street, back in reversed(stretch)]


def _line(
    streets: GeomArray, order: IntArray, turned: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    start: shapely.Point, *, closed: bool,
) -> shapely.LineString:  # fmt: skip
    walked = [np.array([[start.x, start.y]])]
    for street, back in zip(order.tolist(), turned.tolist(), strict=True):
        places = shapely.get_coordinates(streets[street])
        walked.append(places[::-1] if back else places)
    if closed:
        walked.append(walked[0])
    return shapely.LineString(np.concatenate(walked))
