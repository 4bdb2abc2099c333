"""A two-level lattice that answers "which polygon?" for most positions by table look-up.

Level 1 is a regular table of about a million pixels over the polygons' bounding box. A pixel that no
boundary touches lies wholly in one polygon or in none, and the table says which. A pixel that a boundary
touches points to a block of 8 × 8 finer pixels (level 2), which are settled the same way. What remains,
fine pixels on a boundary, is left open: the caller asks the exact polygons (the lattice names the few
that come into question). On a plan of 4 km² and 120 cells a pixel measures 2 m, a fine one 0.25 m,
and one position in 270 stays open.

**Why a settled pixel is right.** Positions and vertices are brought to pixel units by the same two
floating-point operations, (x − x0) · scale, which never reverse an order; the error of either is under
1e-8 of a pixel. Every fine pixel within ``MARGIN_PX`` = 1e-3 of any edge is marked as touched, edges run
through row by row (:func:`_touched`), near-horizontal ones with their whole extent. A pixel left unmarked
meets no boundary, so its centre speaks for all of it; the centre is judged by counting the edges that its
row crosses to the left (even-odd). A computed crossing may err, but it stays within the run of marked
pixels that its own edge makes in that row, hence on the true side of every unmarked pixel.

Invariants: tables are read-only after :func:`build`; where polygons overlap the smallest position wins.
Not done here: codes, datums, errors for the outside world (:mod:`gridmgmt.domain.cellindex`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Polygon

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Positions = npt.NDArray[np.int32]

NONE: Final = -1
OPEN: Final = -2
SUB: Final = 8
"""Fine pixels on the side of a pixel; a power of two, so that scaling by it is exact."""

MARGIN_PX: Final = 1e-3
_FLAT_PX: Final = 1e-2
PIXELS: Final = 1_000_000
MIN_PIXEL_DEG: Final = 1e-5
"""About 1 m: a small plan gains nothing from finer pixels and builds faster."""
CHUNK: Final = 32_768


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """The tables; see the module's docstring. Build with :func:`build`."""

    x0: float
    y0: float
    scale_x: float
    scale_y: float
    width: int
    height: int
    coarse: Positions
    """Flat, row by row from the south; ≥ 0 a position, -1 none, ≤ -2 block -2 - value."""
    fine: npt.NDArray[np.int16 | np.int32]
    """SUB × SUB values a block; ≥ 0 a position, -1 none, -2 open."""
    candidates: Positions
    """One row a block: the positions that may own an open pixel of it, ascending, filled up with -1."""

    @property
    def nbytes(self) -> int:
        """Size of the tables in bytes."""
        return self.coarse.nbytes + self.fine.nbytes + self.candidates.nbytes

    def look_up(self, xs: Floats, ys: Floats, out: Positions) -> tuple[Ints, Ints]:
        """Settle what the tables can settle.

        Parameters
        ----------
        xs, ys : finite degrees, at most ``CHUNK`` of them for speed (the work arrays stay in cache).
        out : receives a position, -1 for none; for open ones -2.

        Returns
        -------
        at, block : the indices of the open ones in ``xs``, and the block whose candidates to ask.
        """
        u, v = (
            self._pixels(xs, self.x0, self.scale_x, self.width),
            self._pixels(ys, self.y0, self.scale_y, self.height),
        )
        column, row = u.astype(np.int64), v.astype(np.int64)
        flat = row * self.width
        flat += column
        self.coarse.take(flat, out=out, mode="clip")
        at = np.flatnonzero(out < NONE)
        if at.size == 0:
            return at, at
        block = OPEN - out[at].astype(np.int64)
        fine_u = ((u[at] - column[at]) * SUB).astype(np.int64)
        fine_v = ((v[at] - row[at]) * SUB).astype(np.int64)
        value = self.fine.take(block * (SUB * SUB) + fine_v * SUB + fine_u)
        out[at] = value
        still = np.flatnonzero(value == OPEN)
        return at[still], block[still]

    @staticmethod
    def _pixels(values: Floats, origin: float, scale: float, size: int) -> Floats:
        """Pixel units; what lies outside lands in the empty outermost pixels."""
        units = values - origin
        units *= scale
        if not (units.min() >= 0.0 and units.max() < size):
            np.clip(units, 0.0, size - 1.0, out=units)
        return units


def build(polygons: Sequence[Polygon | MultiPolygon], pixels: int = PIXELS) -> Lattice:
    """Rasterise polygons.

    Parameters
    ----------
    polygons : valid, in degrees; their order decides who wins where they overlap.
    pixels : about how many pixels level 1 has; 4 bytes each.
    """
    x0, y0, scale_x, scale_y, width, height = _frame(polygons, pixels)
    edges = [_edges(polygon, x0, y0, scale_x * SUB, scale_y * SUB) for polygon in polygons]
    marks = [_touched(edge) for edge in edges]
    owner = np.repeat(np.arange(len(marks)), [len(rows) for rows, _ in marks])
    rows = np.concatenate([rows for rows, _ in marks]) if marks else np.empty(0, np.int64)
    columns = np.concatenate([columns for _, columns in marks]) if marks else np.empty(0, np.int64)
    pixel_of_mark = (rows // SUB) * width + columns // SUB
    border = np.unique(pixel_of_mark)
    coarse = np.full(width * height, NONE, dtype=np.int32)
    coarse[border] = OPEN - np.arange(len(border), dtype=np.int32)
    small = np.int16 if len(edges) < np.iinfo(np.int16).max else np.int32
    fine = np.full((len(border), SUB, SUB), NONE, dtype=small)
    block_of_mark = OPEN - coarse[pixel_of_mark].astype(np.int64)
    pairs = [np.unique(block_of_mark * len(edges) + owner)]
    table = coarse.reshape(height, width)
    for position in range(len(edges) - 1, -1, -1):
        wholly = _paint(edges[position], position, table, fine)
        pairs.append(wholly * len(edges) + position)
    fine[block_of_mark, rows % SUB, columns % SUB] = OPEN
    candidates = _candidates(np.unique(np.concatenate(pairs)), len(border), max(len(edges), 1))
    for array in (coarse, fine, candidates):
        array.setflags(write=False)
    return Lattice(x0, y0, scale_x, scale_y, width, height, coarse, fine.reshape(-1), candidates)


def _frame(
    polygons: Sequence[Polygon | MultiPolygon], pixels: int
) -> tuple[float, float, float, float, int, int]:
    if not polygons:
        return 0.0, 0.0, 1.0, 1.0, 1, 1
    xmin, ymin, xmax, ymax = (float(v) for v in shapely.total_bounds(np.array(polygons, dtype=object)))
    squeeze = math.cos(math.radians((ymin + ymax) / 2.0))
    across, up = (xmax - xmin) * squeeze, ymax - ymin
    # The second bound keeps a long thin plan from growing by its empty rim.
    side_deg = max(math.sqrt(across * up / pixels), 8.0 * max(across, up) / pixels, MIN_PIXEL_DEG)
    scale_x, scale_y = squeeze / side_deg, 1.0 / side_deg
    # One empty pixel all round: positions outside are clipped into it.
    x0, y0 = xmin - 2.0 / scale_x, ymin - 2.0 / scale_y
    return x0, y0, scale_x, scale_y, int((xmax - x0) * scale_x) + 3, int((ymax - y0) * scale_y) + 3


def _edges(polygon: Polygon | MultiPolygon, x0: float, y0: float, scale_x: float, scale_y: float) -> Floats:
    """Edges of all rings as rows (u0, v0, u1, v1) in fine pixel units."""
    coords, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygon)), return_index=True)
    coords = (coords - (x0, y0)) * (scale_x, scale_y)
    joined = ring[1:] == ring[:-1]
    return np.hstack([coords[:-1][joined], coords[1:][joined]])


def _expanded(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """For ranges first..last (both included): index of the range, and each of its numbers."""
    count = np.maximum(last - first + 1, 0)
    which = np.repeat(np.arange(len(first)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + first[which]


def _touched(edges: Floats) -> tuple[Ints, Ints]:
    """Rows and columns of the fine pixels within MARGIN_PX of an edge; some occur more than once."""
    low, high = np.minimum(edges[:, 1], edges[:, 3]), np.maximum(edges[:, 1], edges[:, 3])
    edge, row = _expanded(_floor(low - MARGIN_PX), _floor(high + MARGIN_PX))
    u0, v0, u1, v1 = edges[edge].T
    rise = v1 - v0
    flat = np.abs(rise) < _FLAT_PX
    rise = np.where(flat, 1.0, rise)
    bottom = np.clip(row - MARGIN_PX, low[edge], high[edge])
    top = np.clip(row + 1.0 + MARGIN_PX, low[edge], high[edge])
    at_bottom = np.where(flat, u0, u0 + (bottom - v0) / rise * (u1 - u0))
    at_top = np.where(flat, u1, u0 + (top - v0) / rise * (u1 - u0))
    first = _floor(np.minimum(at_bottom, at_top) - MARGIN_PX)
    last = _floor(np.maximum(at_bottom, at_top) + MARGIN_PX)
    run, column = _expanded(first, last)
    return row[run], column


def _paint(edges: Floats, position: int, table: Positions, fine: npt.NDArray[np.int16 | np.int32]) -> Ints:
    """Give one polygon its untouched pixels; return the border blocks that it covers untouched."""
    left, right = int(edges[:, [0, 2]].min()) // SUB, int(edges[:, [0, 2]].max()) // SUB + 1
    bottom, top = int(edges[:, [1, 3]].min()) // SUB, int(edges[:, [1, 3]].max()) // SUB + 1
    height, width = top - bottom, right - left
    inside = _even_odd(edges, bottom * SUB, left * SUB, height * SUB, width * SUB)
    blocks_of = inside.reshape(height, SUB, width, SUB)
    window = table[bottom:top, left:right]
    border = window < NONE
    window[blocks_of[:, 0, :, 0] & ~border] = position
    rows, columns = np.nonzero(border)
    block = OPEN - window[rows, columns].astype(np.int64)
    within = blocks_of[rows, :, columns, :]
    values = fine[block]
    values[within] = position
    fine[block] = values
    return block[within.all(axis=(1, 2))]


def _even_odd(edges: Floats, bottom: int, left: int, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Which fine pixel centres of a window lie in the polygon; right wherever no edge touches."""
    u0, v0, u1, v1 = edges.T
    first = _ceil(np.minimum(v0, v1) - 0.5)
    edge, row = _expanded(first, _ceil(np.maximum(v0, v1) - 0.5) - 1)
    u0, v0, u1, v1 = edges[edge].T
    crossing = u0 + (row + 0.5 - v0) / (v1 - v0) * (u1 - u0)
    crossing = np.clip(crossing, np.minimum(u0, u1), np.maximum(u0, u1))
    # The first pixel whose centre is not left of the crossing starts the other side.
    column = _ceil(crossing - 0.5)
    kept = column < left + width
    toggles = np.zeros(height * width, dtype=np.uint8)
    np.add.at(toggles, (row[kept] - bottom) * width + column[kept] - left, np.uint8(1))
    toggles &= 1
    inside = toggles.reshape(height, width)
    np.bitwise_xor.accumulate(inside, axis=1, out=inside)
    return inside.view(np.bool_)


def _candidates(pairs: Ints, blocks: int, cells: int) -> Positions:
    block, position = pairs // cells, pairs % cells
    count = np.bincount(block, minlength=blocks)
    slot = np.arange(len(pairs)) - np.repeat(np.cumsum(count) - count, count)
    table = np.full((blocks, int(count.max(initial=1))), NONE, dtype=np.int32)
    table[block, slot] = position
    return table


def _floor(values: Floats) -> Ints:
    return np.floor(values).astype(np.int64)


def _ceil(values: Floats) -> Ints:
    return np.ceil(values).astype(np.int64)
