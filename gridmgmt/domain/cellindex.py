"""CellIndex: which cell of a plan holds a position? One owner, always the same, however it is asked.

**The rule.** Cells are closed: a point on an edge or a corner belongs to every cell that touches it, and
of those the smallest code owns it. So every point of the plane has exactly one owner or none, and no two
ways of asking can disagree, because each of them ends in the same test where it is not settled sooner:

* one position (:meth:`CellIndex.code_at`): its H3 hexagon. A hexagon wholly inside one cell answers at
  once; one on a border names the few cells whose polygons are asked (:func:`gridmgmt.geo.hexes.cover`).
  The same cover is a table in PostGIS, so that SQL joins by hexagon too (:meth:`CellIndex.hex_cover`).
* millions of positions (:meth:`CellIndex.codes_at`): a two-level lattice answers all but those within
  centimetres of a border (:mod:`gridmgmt.geo.lattice`), and these are asked of the polygons.

**The exact test** is GEOS's prepared ``intersects`` of point and polygon: it casts a ray and decides each
edge's side in extended precision, so it is right for the coordinates as stored and sees a point exactly
on an edge. ``contains`` would leave border points to nobody.

An index never changes after it is built; it may be shared by threads and pickled. Where a datum shifts
positions (GCJ-02, BD-09), the *cells* go forward into it (:meth:`CellIndex.in_datum`), never the point back.

Not done here: no nearest cell for a point outside, no time (a plan is chosen first:
``GridPlan.in_force``), no repair of gaps (``gridmgmt.geo.topology``).
"""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Polygon

from gridmgmt.errors import InvalidCode, InvalidGeometry, WrongCrs
from gridmgmt.geo import hexes, lattice
from gridmgmt.geo.crs import Datum, LonLat, require_lonlat_bounds
from gridmgmt.geo.datum import geometry_in_datum
from gridmgmt.geo.topology import require_area

CellPolygon = Polygon | MultiPolygon
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int32]
HexOwner = int | tuple[int, ...]

_OPEN_AT_ONCE: Final = 1_000_000


class HexRow(NamedTuple):
    """One row of the hex cover: what of a hexagon may belong to which cell."""

    h3: int
    code: str
    wholly: bool
    """Every position of the hexagon belongs to this cell; then it is the hexagon's only row."""


class CellIndex:
    """Point → cell for one set of cells; see the module's docstring for the rule."""

    __slots__ = ("_datums", "_hexes", "_lattice", "_polygons", "codes", "datum", "resolution")

    codes: tuple[str, ...]
    """Cell codes in ascending order; positions count in it."""
    datum: Datum
    """The datum that positions must be in. WGS 84 is taken as CGCS2000."""
    resolution: int

    def __init__(self, codes: tuple[str, ...], polygons: Any, resolution: int, datum: Datum) -> None:
        """Use :meth:`build`."""
        self.codes = codes
        self.datum = datum
        self.resolution = resolution
        self._polygons = polygons
        self._datums: dict[Datum, CellIndex] = {}
        _prepare(polygons)
        self._hexes = _hex_owners(polygons, resolution)
        self._lattice = lattice.build(list(polygons))

    @classmethod
    def build(
        cls, cells: Iterable[tuple[str, CellPolygon]], *, resolution: int = hexes.DEFAULT_RESOLUTION
    ) -> Self:
        """Build the index of a plan's cells.

        Parameters
        ----------
        cells : (code, polygon) pairs, CGCS2000 (lon, lat) degrees. They may leave gaps, and may even
            overlap: the smaller code wins there. None at all gives an index without any owner.
        resolution : of the H3 hexagons.

        Raises
        ------
        InvalidGeometry
            A polygon is empty, not valid, not finite or not in degrees (axes swapped, metres).
        InvalidCode
            A code occurs twice.

        Examples
        --------
        >>> squares = [("b", shapely.box(1, 0, 2, 1)), ("a", shapely.box(0, 0, 1, 1))]
        >>> index = CellIndex.build(squares, resolution=5)
        >>> index.code_at(LonLat(0.5, 0.5)), index.code_at(LonLat(1.0, 0.5)), index.code_at(LonLat(3.0, 0.5))
        ('a', 'a', None)
        """
        pairs = sorted(cells, key=lambda pair: pair[0])
        codes = tuple(code for code, _ in pairs)
        if len(set(codes)) < len(codes):
            twice = sorted({code for code in codes if codes.count(code) > 1})
            raise InvalidCode("a cell code occurs twice", codes=twice)
        for code, polygon in pairs:
            require_area(polygon, code)
            require_lonlat_bounds(*polygon.bounds)
        return cls(codes, _as_array([polygon for _, polygon in pairs]), resolution, Datum.CGCS2000)

    @classmethod
    def of(cls, cells: Iterable[tuple[str, CellPolygon]]) -> "CellIndex":
        """The index of these cells as :meth:`build` makes it; the last few that were asked for are kept.

        A plan is drawn, checked, published and read in turn, each time with the same cells.
        """
        return _kept(tuple(cells))

    def code_at(self, point: LonLat) -> str | None:
        """Return the code of the cell that owns a position.

        Parameters
        ----------
        point : degrees in this index's datum. On a border the smallest code among the cells that touch
            the point owns it.

        Returns
        -------
        None when no cell touches the point.

        Raises
        ------
        InvalidGeometry
            NaN or infinite.
        """
        owner = self._hexes.get(hexes.hex_of(point, self.resolution))
        if owner is None:
            return None
        if isinstance(owner, int):
            return self.codes[owner]
        for position in owner:
            if shapely.intersects_xy(self._polygons[position], point.lon, point.lat):
                return self.codes[position]
        return None

    def codes_at(self, lons: npt.ArrayLike, lats: npt.ArrayLike) -> Positions:
        """Return the owner of each of many positions.

        Parameters
        ----------
        lons, lats : degrees in this index's datum, one-dimensional, equally long.

        Returns
        -------
        int32: for each its owner's place in ``codes``, -1 where no cell touches it. The same owners as
        :meth:`code_at` gives one by one.

        Raises
        ------
        InvalidGeometry
            NaN or infinite anywhere, out of the range of degrees, or the lengths differ.
        """
        xs, ys = np.ascontiguousarray(lons, dtype=np.float64), np.ascontiguousarray(lats, dtype=np.float64)
        if xs.shape != ys.shape or xs.ndim != 1:
            raise InvalidGeometry("give equally many longitudes and latitudes", lons=xs.size, lats=ys.size)
        out = np.empty(len(xs), dtype=np.int32)
        waiting: list[tuple[Any, Any]] = []
        count = 0
        for start in range(0, len(xs), lattice.CHUNK):
            part = slice(start, start + lattice.CHUNK)
            _require_degrees(xs[part], ys[part])
            at, block = self._lattice.look_up(xs[part], ys[part], out[part])
            waiting.append((at + start, block))
            count += len(at)
            if count > _OPEN_AT_ONCE:
                self._settle(xs, ys, out, waiting)
                waiting, count = [], 0
        self._settle(xs, ys, out, waiting)
        return out

    def hex_cover(self) -> Iterator[HexRow]:
        """Yield the rows of the hex cover, ascending by hexagon and code.

        The owner of a position is the smallest code among its hexagon's rows that are ``wholly`` or whose
        polygon covers the position; a hexagon without rows holds no position of any cell.
        """
        for hexagon in sorted(self._hexes):
            owner = self._hexes[hexagon]
            if isinstance(owner, int):
                yield HexRow(hexagon, self.codes[owner], wholly=True)
            else:
                yield from (HexRow(hexagon, self.codes[position], wholly=False) for position in owner)

    def in_datum(self, datum: Datum) -> "CellIndex":
        """Return the index for positions sent in another datum: the same cells, carried forward.

        Parameters
        ----------
        datum : GCJ-02 or BD-09; CGCS2000 and WGS 84 give this index itself.

        Returns
        -------
        An index that is built on first use and kept.

        Raises
        ------
        WrongCrs
            This index is itself in an offset datum: there is no way back, and none sideways.
        """
        if datum is self.datum or not (datum.is_offset or self.datum.is_offset):
            return self
        if self.datum.is_offset:
            raise WrongCrs("cells go forward from CGCS2000 only", datum=self.datum.value, asked=datum.value)
        known = self._datums.get(datum)
        if known is None:
            moved = _as_array([geometry_in_datum(polygon, datum) for polygon in self._polygons])
            # Two threads may both build it; setdefault keeps one, and both are equal.
            known = self._datums.setdefault(datum, CellIndex(self.codes, moved, self.resolution, datum))
        return known

    @property
    def nbytes(self) -> int:
        """Size of the lattice's tables in bytes."""
        return self._lattice.nbytes

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"CellIndex({len(self)} cells, {self.datum}, H3 resolution {self.resolution})"

    def __getstate__(self) -> tuple[Any, ...]:
        return self.codes, self.datum, self.resolution, self._polygons, self._hexes, self._lattice

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.codes, self.datum, self.resolution, self._polygons, self._hexes, self._lattice = state
        self._datums = {}
        _prepare(self._polygons)

    def _settle(self, xs: Floats, ys: Floats, out: Positions, waiting: list[tuple[Any, Any]]) -> None:
        """Ask the exact polygons, smallest code first, cell by cell rather than point by point."""
        if not waiting:
            return
        at = np.concatenate([indices for indices, _ in waiting])
        candidates = self._lattice.candidates[np.concatenate([block for _, block in waiting])]
        lon, lat = xs[at], ys[at]
        owner = np.full(len(at), lattice.NONE, dtype=np.int32)
        for column in range(candidates.shape[1]):
            undecided = np.flatnonzero((owner == lattice.NONE) & (candidates[:, column] != lattice.NONE))
            asked = candidates[undecided, column]
            order = np.argsort(asked, kind="stable")
            undecided, asked = undecided[order], asked[order]
            starts = np.flatnonzero(np.diff(asked, prepend=lattice.NONE))
            for group in np.split(undecided, starts[1:]) if len(starts) else ():
                position = candidates[group[0], column]
                hit = shapely.intersects_xy(self._polygons[position], lon[group], lat[group])
                owner[group[hit]] = position
        out[at] = owner


@functools.lru_cache(maxsize=8)
def _kept(pairs: tuple[tuple[str, CellPolygon], ...]) -> CellIndex:
    return CellIndex.build(pairs)


def _as_array(polygons: list[CellPolygon]) -> Any:
    array = np.empty(len(polygons), dtype=object)
    array[:] = polygons
    return array


def _prepare(polygons: Any) -> None:
    """Build GEOS's point locators now: it makes them at the first question, which two threads might share."""
    shapely.prepare(polygons)
    inside = shapely.point_on_surface(polygons)
    shapely.intersects_xy(polygons, shapely.get_x(inside), shapely.get_y(inside))


def _require_degrees(xs: Floats, ys: Floats) -> None:
    # A minimum is NaN when any member is, so four reductions see NaN, infinity and range at once.
    require_lonlat_bounds(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def _hex_owners(polygons: Any, resolution: int) -> dict[int, HexOwner]:
    """Hexagon → its owner where it is settled, else the positions to ask, ascending."""
    owners: dict[int, HexOwner] = {}
    for position, polygon in enumerate(polygons):
        inside, border = hexes.cover(polygon, resolution)
        for hexagon in inside:
            # A smaller code on its border may own part of it; then this cell is merely the last to ask.
            before = owners.get(hexagon)
            owners[hexagon] = position if before is None else _also(before, position)
        for hexagon in border:
            owners[hexagon] = _also(owners.get(hexagon, ()), position)
    return owners


def _also(before: HexOwner, position: int) -> HexOwner:
    return before if isinstance(before, int) else (*before, position)
