"""Which coordinates are these? Declared, concluded from evidence and said, or refused; never guessed.

Evidence, in the order in which it is used:

1. **magnitude**: degrees, eastings with or without the number of a zone, Web Mercator; x before y or after;
2. **place**: in a candidate system the cells must lie where the communities are. Two systems on different
   meridians put the same six digits hundreds of kilometres apart, so this leaves one of them or none;
3. **borders**: cells are drawn inside communities, so where communities border, cells do. The share of the
   communities' border that has a cell's border within two metres is near 1 in the right system and a few
   per cent in one that is off by more than some metres. This is what tells CGCS2000 from GCJ-02 and BD-09.

CGCS2000 and WGS 84 agree within a metre and are not told apart. An offset datum is recognised by carrying the
*communities* forward into it; there is no way back from it here (decision 0005), so such a file is refused.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyproj
import shapely

from gridmgmt.errors import InvalidInput, WrongCrs
from gridmgmt.geo.crs import (
    CHINA_LAT,
    CHINA_LON,
    GEOGRAPHIC,
    WEB_MERCATOR,
    Datum,
    GaussKruger,
    MetricZone,
    to_geographic,
    to_metric,
)
from gridmgmt.geo.datum import geometry_in_datum
from gridmgmt.geo.foreign import carried_to_metric, source_crs
from gridmgmt.planning.coverage import FloatArray, GeomArray

MATCH_M: Final = 2.0
"""A cell's border this near is the community's border: cells and communities are drawn with care or not."""

SAMPLE_M: Final = 20.0
FEWEST_SAMPLES: Final = 20
ENOUGH_SHARE: Final = 0.5


class Certainty(StrEnum):
    """How sure the place is."""

    CERTAIN = "certain"
    """Declared, on the communities, and the borders agree."""
    CONFIRMED = "confirmed"
    """Not declared, or wrongly; one system remains, and the borders agree in it."""
    LIKELY = "likely"
    """On the communities, but their borders are not those of the cells, or there are too few to compare."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one system suits the cells.

    Attributes
    ----------
    system : its name; ``swapped`` when x and y are to be exchanged first.
    place_share : of the rows whose middle lies in a community.
    border_share : of the communities' border with a cell's border beside it; None with too few places.
    """

    system: str
    swapped: bool
    place_share: float
    border_share: float | None

    @property
    def on_place(self) -> bool:
        """Whether most rows lie on the communities."""
        return self.place_share >= ENOUGH_SHARE

    @property
    def borders_agree(self) -> bool:
        """Whether most of the border to compare is the same."""
        return self.border_share is not None and self.border_share >= ENOUGH_SHARE

    def told(self) -> str:
        """Return it as part of a sentence."""
        border = "too little border to compare"
        if self.border_share is not None:
            border = f"{self.border_share:.0%} of the border agrees"
        return f"{self.place_share:.0%} of the cells lie on the communities, {border}"


@dataclass(frozen=True, slots=True)
class Placement:
    """The conclusion: in which system the coordinates are, why, and how sure that is."""

    declared: str | None
    system: str
    swapped: bool
    certainty: Certainty
    statement: str
    fits: tuple[Fit, ...]

    @property
    def overruled(self) -> bool:
        """Whether the file declares another system than the one concluded."""
        return self.declared is not None and self.declared != self.system


def candidates(x: float, y: float) -> list[tuple[str, bool]]:
    """Return the systems that a typical coordinate may be of, and whether x and y are exchanged in it.

    Examples
    --------
    >>> candidates(39_555_000.0, 4_322_000.0)[0][1], len(candidates(555_000.0, 4_322_000.0))
    (False, 21)
    """
    found: list[tuple[str, bool]] = []
    for swapped, (east, north) in ((False, (x, y)), (True, (y, x))):
        if CHINA_LON[0] <= east <= CHINA_LON[1] and CHINA_LAT[0] <= north <= CHINA_LAT[1]:
            found.append((GEOGRAPHIC, swapped))
        if 3e5 < north < 6e6 and 1e5 < east % 1e6 < 9e5:
            zone = GaussKruger.of_zone(int(east // 1e6))
            systems = [zone] if zone else GaussKruger.without_prefix() if east < 1e6 else []
            found += [(system.crs, swapped) for system in systems]
        if 8.1e6 < east < 1.52e7 and 3.3e5 < north < 7.2e6:
            found.append((WEB_MERCATOR, swapped))
    return found


def swapped_axes(shapes: Any) -> Any:
    """Exchange x and y."""
    return shapely.transform(shapes, lambda coords: coords[:, ::-1])


def place(
    shapes: GeomArray, declared: Any, communities: GeomArray, zone: MetricZone, *, given: str | None = None
) -> Placement:
    """Conclude which system the coordinates of a file are in.

    Parameters
    ----------
    shapes : polygons as in the file; missing and empty ones are passed over.
    declared : what the file declares, or None.
    communities : polygons in ``zone``.
    given : a system that a person names; it stands for the declaration.

    Raises
    ------
    InvalidInput
        No row has a polygon with finite coordinates.
    WrongCrs
        ``facts["hint"]``: ``no_candidate`` (in no system do the cells lie on the communities),
        ``ambiguous`` (in several, and the borders do not decide), ``offset_datum`` (GCJ-02 or BD-09), or
        none of these when the declared datum itself is not taken. ``facts["fits"]`` has what was compared.
    """
    usable = shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)]
    if len(usable) == 0:
        raise InvalidInput("no row has a polygon", hint="no_geometry")
    ground = _Ground(communities, zone)
    said = (
        None if given is None and declared is None else source_crs(given if given is not None else declared)
    )
    fits: list[Fit] = []
    if said is not None:
        fits.append(ground.fit(usable, said, _name(said), swapped=False))
        if fits[0].on_place:
            return _settled(fits[0], fits, ground, usable, declared=_name(said))
    middle = np.median(_middles(usable), axis=0)
    for system, swapped in candidates(float(middle[0]), float(middle[1])):
        fits.append(ground.fit(usable, source_crs(system), system, swapped=swapped))
    if not any(fit.on_place for fit in fits):
        # A small subdistrict lies wholly beside itself in an offset datum; that is worth more than a shrug.
        for fit in fits:
            _refuse_offset(fit, ground, usable)
    best = _best(fits, given)
    return _settled(best, fits, ground, usable, declared=None if said is None else _name(said))


def _best(fits: list[Fit], given: str | None) -> Fit:
    on_place = [fit for fit in fits if fit.on_place]
    told = [{"system": f.system, "swapped": f.swapped, "fit": f.told()} for f in fits if f.place_share > 0]
    if given is not None or not on_place:
        raise WrongCrs(
            "in the coordinate system given, the cells do not lie on the communities"
            if given is not None
            else "in no coordinate system that suits these numbers do the cells lie on the communities",
            article="21-1",
            rule="R21a",
            hint="no_candidate",
            fits=told,
        )
    agreeing = [fit for fit in on_place if fit.borders_agree]
    if len(on_place) > 1 and len(agreeing) != 1:
        raise WrongCrs(
            "several coordinate systems suit the cells: say which it is",
            article="21-1",
            rule="R21a",
            hint="ambiguous",
            fits=told,
        )
    return agreeing[0] if agreeing else on_place[0]


def _settled(
    fit: Fit, fits: list[Fit], ground: "_Ground", shapes: GeomArray, *, declared: str | None
) -> Placement:
    if not fit.borders_agree:
        _refuse_offset(fit, ground, shapes)
    if fit.border_share is None and declared is None:
        raise WrongCrs(
            "no coordinate system is declared, and too little border lies on the communities' to tell "
            "CGCS2000 from an offset datum: say which it is",
            article="21-1",
            rule="R21a",
            hint="ambiguous",
            fits=[{"system": fit.system, "swapped": fit.swapped, "fit": fit.told()}],
        )
    certainty = Certainty.LIKELY
    if fit.borders_agree:
        as_said = declared == fit.system and not fit.swapped
        certainty = Certainty.CERTAIN if as_said else Certainty.CONFIRMED
    order = ", x and y exchanged" if fit.swapped else ""
    before = "nothing declared; " if declared is None else f"declared {declared}; "
    name = pyproj.CRS.from_user_input(fit.system).name
    statement = f"{before}taken as {fit.system} ({name}){order}: {fit.told()}; {certainty.value}"
    return Placement(declared, fit.system, fit.swapped, certainty, statement, tuple(fits))


def _refuse_offset(fit: Fit, ground: "_Ground", shapes: GeomArray) -> None:
    source = source_crs(fit.system)
    moved = carried_to_metric(swapped_axes(shapes) if fit.swapped else shapes, source, ground.zone)
    for datum in (Datum.GCJ02, Datum.BD09):
        share = ground.in_datum(datum).border_share(moved)
        if share is not None and share >= max(ENOUGH_SHARE, 2.0 * (fit.border_share or 0.0)):
            raise WrongCrs(
                "the cells are in an offset datum: their borders are those of the communities carried into "
                "it. It is not taken off again; ask the sender for CGCS2000",
                article="21-1",
                rule="R21a",
                hint="offset_datum",
                datum=datum.value,
                border_share=round(share, 3),
                border_share_as_declared=None if fit.border_share is None else round(fit.border_share, 3),
            )


def _name(crs: pyproj.CRS) -> str:
    return str(crs.to_string())


class _Ground:
    """The communities as evidence: their land, and places along their border."""

    def __init__(self, communities: GeomArray, zone: MetricZone) -> None:
        self.zone = zone
        self._communities = communities
        self._land = shapely.union_all(communities)
        shapely.prepare(self._land)
        border = shapely.union_all(shapely.boundary(communities))
        count = max(int(border.length / SAMPLE_M), 1)
        at = (np.arange(count) + 0.5) * SAMPLE_M
        lines = shapely.get_parts(shapely.line_merge(border))
        ends = np.cumsum(shapely.length(lines))
        which = np.minimum(np.searchsorted(ends, at), len(lines) - 1)
        before = np.concatenate([[0.0], ends])[which]
        self._samples = shapely.line_interpolate_point(lines[which], at - before)

    def fit(self, shapes: GeomArray, source: pyproj.CRS, name: str, *, swapped: bool) -> Fit:
        moved = carried_to_metric(swapped_axes(shapes) if swapped else shapes, source, self.zone)
        middles = _middles(moved)
        known = np.isfinite(middles).all(axis=1)
        inside = np.zeros(len(moved), dtype=bool)
        inside[known] = shapely.contains_xy(self._land, middles[known])
        share = float(inside.mean()) if len(inside) else 0.0
        border = self.border_share(moved[inside]) if share >= ENOUGH_SHARE else None
        return Fit(name, swapped, share, border)

    def border_share(self, cells: GeomArray) -> float | None:
        """Share of the communities' border, inside the box of the cells, with a cell's border beside it."""
        cells = cells[np.isfinite(shapely.bounds(cells)).all(axis=1)]
        if len(cells) == 0:
            return None
        hull = shapely.buffer(shapely.convex_hull(shapely.union_all(shapely.envelope(cells))), MATCH_M)
        shapely.prepare(hull)
        near = self._samples[shapely.contains(hull, self._samples)]
        if len(near) < FEWEST_SAMPLES:
            return None
        tree = shapely.STRtree(shapely.boundary(cells))
        hit = np.unique(tree.query(near, predicate="dwithin", distance=MATCH_M)[0])
        return len(hit) / len(near)

    def in_datum(self, datum: Datum) -> "_Ground":
        degrees = geometry_in_datum(to_geographic(self._communities, self.zone), datum)
        return _Ground(to_metric(degrees, self.zone), self.zone)


def _middles(shapes: GeomArray) -> FloatArray:
    """Middle of each box; no geometry is too broken for that."""
    box = shapely.bounds(shapes)
    return np.column_stack([(box[:, 0] + box[:, 2]) / 2.0, (box[:, 1] + box[:, 3]) / 2.0])
