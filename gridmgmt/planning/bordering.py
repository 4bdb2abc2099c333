"""Who borders whom, along how many metres, and along what: the graph that the search divides.

A border between two atoms is a chain of sides. Each side is looked up at its middle: on a road's line it is
of the road's class; inside the strip of a dual carriageway it is of the carriageway's, for that is where the
collapsed road runs; anywhere else nothing is to be seen on the ground. Lengths per class are kept, so a
search may price every metre, and forbid to join land across water or rail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.planning.coverage import (
    GRID_M,
    FloatArray,
    GeomArray,
    IntArray,
    SharedBorders,
    straight_lines,
    sums,
)
from gridmgmt.planning.lines import LINE_CLASSES, NONE_AT, LineClass, Lines

ON_LINE_M: Final = 3 * GRID_M
"""A side within this of a line runs along it: noding moves a line by less."""

MEETING: Final[Mapping[LineClass, float]] = {
    LineClass.NONE: 1.0,
    LineClass.LANE: 0.5,
    LineClass.WALL: 0.3,
    LineClass.COLLECTOR: 0.15,
    LineClass.ARTERIAL: 0.05,
    LineClass.RAIL: 0.05,
    LineClass.WATER: 0.05,
}
"""How much a metre of common border binds two pieces of land together."""


@dataclass(frozen=True, slots=True)
class Adjacency:
    """The graph of atoms. Row i of the atoms is node i.

    Attributes
    ----------
    pairs : (m, 2) neighbours, smaller first, sorted; a corner alone does not count.
    lengths_m : (m,) common border.
    by_class_m : (m, 7) the same by what runs there, in the order of ``LINE_CLASSES``; rows sum to lengths.
    perimeters_m : (n,) whole outline, holes included. outer_m : (n,) the part that no other atom shares.
    """

    pairs: IntArray
    lengths_m: FloatArray
    by_class_m: FloatArray
    perimeters_m: FloatArray
    outer_m: FloatArray

    @property
    def line(self) -> npt.NDArray[np.object_]:
        """(m,) class of line along most of each border."""
        names = np.asarray([c.value for c in LINE_CLASSES], dtype=object)
        return np.asarray(names[self.by_class_m.argmax(axis=1)], dtype=object)

    def priced(self, price: Mapping[LineClass, float]) -> FloatArray:
        """(m,) cost of cutting there, with a price per metre of each class; 1 where none is given."""
        each = np.asarray([price.get(line, 1.0) for line in LINE_CLASSES])
        return np.asarray(self.by_class_m @ each, dtype=np.float64)

    def to_frame(self, atoms: gpd.GeoDataFrame) -> pd.DataFrame:
        """One row a border: ids of both atoms, length, class, and the length along each class."""
        ids = atoms["atom_id"].to_numpy(dtype=object)
        columns = {f"{line.value}_m": self.by_class_m[:, at] for at, line in enumerate(LINE_CLASSES)}
        return pd.DataFrame(
            {
                "atom_a": ids[self.pairs[:, 0]],
                "atom_b": ids[self.pairs[:, 1]],
                "length_m": self.lengths_m,
                "line": self.line,
            }
            | columns
        )


def sides_of(lines: GeomArray) -> tuple[FloatArray, FloatArray]:
    """Start and end of every straight side of lines; points and areas among them have none."""
    lines = lines[shapely.get_dimensions(lines) == 1]
    coords, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    return coords[:-1][same], coords[1:][same]


def classes_at(points: FloatArray, lines: Lines) -> IntArray:
    """Class of the line that each point lies on, as position in ``LINE_CLASSES``; the stronger of two."""
    found = np.full(len(points), NONE_AT, dtype=np.int64)
    if len(points) == 0 or len(lines.geometry) == 0:
        return found
    start, end = sides_of(lines.geometry)
    kind = np.repeat(lines.kind, np.maximum(shapely.get_num_points(lines.geometry) - 1, 0))
    tree = shapely.STRtree(straight_lines(start, end))
    point, side = tree.query(shapely.points(points), predicate="dwithin", distance=ON_LINE_M)
    np.minimum.at(found, point, kind[side])
    return found


def strongest(owner: IntArray, kinds: IntArray, count: int) -> IntArray:
    """The strongest class among the sides of each owner."""
    found = np.full(count, NONE_AT, dtype=np.int64)
    np.minimum.at(found, owner, kinds)
    return found


def side_classes(
    borders: SharedBorders,
    asked: npt.NDArray[np.bool_],
    block: IntArray,
    lines: Lines,
    strips: tuple[GeomArray, IntArray],
) -> IntArray:
    """Class of each side of the borders of a coverage.

    Parameters
    ----------
    asked : (s,) sides to look up; the others get "none".
    block : (n,) block of each polygon: inside one block a strip is crossed, not followed.
    strips : shared-out strips and the class of their road.
    """
    kinds = np.full(len(borders.side_pairs), NONE_AT, dtype=np.int64)
    kinds[asked] = classes_at(borders.side_middles[asked], lines)
    one, two = block[borders.pairs[borders.side_pairs]].T
    open_ = np.flatnonzero(asked & (kinds == NONE_AT) & (one != two))
    if len(strips[0]) and len(open_):
        tree = shapely.STRtree(strips[0])
        at, strip = tree.query(shapely.points(borders.side_middles[open_]), predicate="intersects")
        found = np.full(len(open_), NONE_AT, dtype=np.int64)
        np.minimum.at(found, at, strips[1][strip])
        kinds[open_] = found
    return kinds


def gathered(borders: SharedBorders, kinds: IntArray, label: IntArray) -> Adjacency:
    """Adjacency of the unions of a coverage's polygons.

    Parameters
    ----------
    borders : of the polygons. kinds : class of each of its sides.
    label : (n,) union of each polygon, 0 … k-1.
    """
    k = int(label.max(initial=-1)) + 1
    ends = np.sort(label[borders.pairs[borders.side_pairs]], axis=1).reshape(-1, 2)
    apart = ends[:, 0] != ends[:, 1]
    ends, length, kind = ends[apart], borders.side_lengths_m[apart], kinds[apart]
    code, where = np.unique(ends[:, 0] * np.int64(k) + ends[:, 1], return_inverse=True)
    pairs = np.column_stack([code // k, code % k]) if len(code) else np.empty((0, 2), dtype=np.int64)
    wide = len(LINE_CLASSES)
    by_class = sums(where * wide + kind, length, len(code) * wide).reshape(-1, wide)
    lengths = np.asarray(by_class.sum(axis=1), dtype=np.float64)
    outer = sums(label, borders.outer_m, k)
    shared = sums(pairs.ravel(), np.repeat(lengths, 2), k)
    return Adjacency(pairs.astype(np.int64), lengths, by_class, outer + shared, outer)


def bonds(adjacency: Adjacency) -> FloatArray:
    """How strongly each border binds its two sides together, for :func:`merge_small`."""
    return adjacency.priced(MEETING)
