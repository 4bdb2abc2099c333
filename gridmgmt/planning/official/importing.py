"""The door: a file of official grids in, a judged plan out, with everything that was found and done.

One call looks, repairs what was accepted and judges the result by :mod:`gridmgmt.planning.constraints`. The
first call is made with nothing accepted and gives the list; the next ones repeat the work with acceptances,
so that a file, its list of acceptances and this program always give the same plan.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridmgmt.domain.codes import CommunityCode
from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import InvalidCode, InvalidGeometry, InvalidInput
from gridmgmt.geo.crs import MetricZone, lonlat, metric_zone_for
from gridmgmt.geo.foreign import carried_to_metric, middle_lonlat, source_crs
from gridmgmt.planning import constraints
from gridmgmt.planning.constraints import Verdict
from gridmgmt.planning.coverage import GeomArray, shapes_on_lattice
from gridmgmt.planning.official import reading
from gridmgmt.planning.official.attributes import (
    Attributes,
    inspect_attributes,
    labels_of,
    renumbered,
    repaired_codes,
)
from gridmgmt.planning.official.defect import Defect, DefectKind, Severity, defect_at, defects_frame
from gridmgmt.planning.official.inspection import Ground, inspect_ground, swapped_rows
from gridmgmt.planning.official.placing import Placement, place, swapped_axes
from gridmgmt.planning.official.repair import APPLIED, Accepted, Drawn, draw, settle

STEPS: Final = ("reading", "placing", "looking for defects", "repairing", "judging")
_MULTIPOLYGON: Final = 6
SEAM_M2: Final = 1.0
"""Communities that overlap by more are no ground to judge cells on."""

Progress = Callable[[str, int, int], None]
_CODES = (
    DefectKind.CODE_MISSING,
    DefectKind.CODE_MALFORMED,
    DefectKind.CODE_DUPLICATE,
    DefectKind.CODE_OF_OTHER_COMMUNITY,
)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file.

    Attributes
    ----------
    cells : ``code``, ``name``, ``community_code``, ``kind``, ``households``, ``area_m2``, ``row`` (of the
        file) and polygons in the metric zone; None while something fatal is not accepted.
    communities : ``code``, ``name`` and polygons, redrawn together with the cells where those were.
    placement : which coordinates these are, and how sure that is.
    accepted : every defect with its state.
    verdicts : of the hard rules, where they could be judged.
    notes : what was concluded and done, in sentences.
    """

    cells: gpd.GeoDataFrame | None
    communities: gpd.GeoDataFrame
    placement: Placement
    accepted: Accepted
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    @property
    def defects(self) -> list[Defect]:
        """All that were found."""
        return [defect for defect, _ in self.accepted.states]

    @property
    def adoptable(self) -> bool:
        """Whether the cells are a plan: nothing blocking is open and every judged rule holds."""
        return not self.why_not()

    def why_not(self) -> list[str]:
        """Return what still stands in the way, one sentence each; nothing when the cells are a plan."""
        left: dict[DefectKind, int] = {}
        for defect, state in self.accepted.states:
            if state != APPLIED and defect.severity is not Severity.WARNING:
                left[defect.kind] = left.get(defect.kind, 0) + 1
        reasons = [f"{kind.value}: {count} not repaired" for kind, count in left.items()]
        if self.cells is not None and not self.verdicts:
            reasons.append("the rules cannot be judged while a cell has no polygon")
        for verdict in self.verdicts:
            if not verdict.passed:
                names = ", ".join(verdict.failing[:3])
                reasons.append(
                    f"rule {verdict.name} fails {verdict.count} times" + (f": {names}" if names else "")
                )
        return reasons

    def defects_layer(self) -> gpd.GeoDataFrame:
        """Return the defects as a layer in the metric zone."""
        return defects_frame(list(self.accepted.states), self.communities.crs)


def read_communities(
    file: Path,
    *,
    layer: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: MetricZone | None = None,
) -> gpd.GeoDataFrame:
    """Read the communities that cells are judged on: ``code``, ``name`` and polygons in the metric zone.

    They are the measure and are never repaired.

    Parameters
    ----------
    crs, encoding : overrule what the file declares.
    zone : the city's metric zone; the nearest one when None.

    Raises
    ------
    WrongCrs
        No CRS is declared or given, or it is not taken.
    InvalidInput
        As for cells; also when the texts are not in the encoding that the file declares.
    InvalidCode
        A code is malformed or used twice.
    InvalidGeometry
        A polygon is missing or invalid, lies outside China, or two overlap; ``facts`` name them.
    """
    source = reading.read_source(
        file, layer=layer, encoding=encoding, columns=columns, meanings=reading.COMMUNITY_COLUMNS
    )
    for defect in source.defects:
        raise InvalidInput(
            "the texts of the communities are not as declared", hint="encoding", reason=defect.detail
        )
    known = source_crs(crs if crs is not None else source.crs)
    shapes = np.asarray(source.rows.geometry.array, dtype=object)
    codes = [CommunityCode.parse(reading.as_text(code) or "").text for code in source.rows["code"]]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise InvalidCode("two communities bear one code", codes=twice)
    wrong = [c for c, s in zip(codes, shapes, strict=True) if s is None or s.is_empty or not s.is_valid]
    if wrong:
        raise InvalidGeometry("a community has no valid polygon", codes=wrong[:20])
    middle = lonlat(*middle_lonlat(shapes, known))
    chosen = zone or metric_zone_for(middle.lon)
    metric = shapes_on_lattice(carried_to_metric(shapes, known, chosen))
    _require_apart(metric, codes)
    frame = gpd.GeoDataFrame(
        {"code": codes, "name": [reading.as_text(name) for name in source.rows["name"]]},
        geometry=gpd.GeoSeries(metric, crs=int(chosen)),
    )
    return frame.sort_values("code", ignore_index=True)


def _require_apart(shapes: GeomArray, codes: Sequence[str]) -> None:
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    shared = shapely.area(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    over = pairs[shared > SEAM_M2]
    if len(over):
        names = [f"{codes[a]}|{codes[b]}" for a, b in over[:20].tolist()]
        raise InvalidGeometry(
            "two communities overlap", codes=names, overlap_m2=round(float(shared.max()), 1)
        )


def import_plan(  # noqa: PLR0913  each is one thing that a file may leave open
    file: Path,
    communities: gpd.GeoDataFrame,
    *,
    accept: Sequence[str] = (),
    layer: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    used: Collection[str] = frozenset(),
    band: tuple[float, float] = (300, 500),
    progress: Progress | None = None,
) -> ImportResult:
    """Look at a file of cells, apply the accepted repairs and judge what comes out.

    Parameters
    ----------
    file : SHP, GeoPackage, GeoJSON or KML.
    communities : from :func:`read_communities`.
    accept : kinds of defects, ids, or ``ID=value``; see :func:`gridmgmt.planning.official.repair.settle`.
    layer, encoding, columns : as :func:`gridmgmt.planning.official.reading.read_source` takes them.
    crs : overrules what the file declares.
    used : every code that was ever issued; none of them is given anew.
    band : households of a duty grid, judged when every duty grid has a number.
    progress : called as ``progress(step, number, steps in all)`` before each step.

    Raises
    ------
    InvalidInput
        The file cannot be read, or its place cannot be concluded; see :mod:`~.reading` and :mod:`~.placing`.
    """
    tell = progress or (lambda _step, _number, _of: None)
    tell(STEPS[0], 1, len(STEPS))
    zone = MetricZone(communities.crs.to_epsg())
    land = np.asarray(communities.geometry.array, dtype=object)
    source = reading.read_source(file, layer=layer, encoding=encoding, columns=columns)
    tell(STEPS[1], 2, len(STEPS))
    raw = np.asarray(source.rows.geometry.array, dtype=object)
    placement = place(raw, source.crs, land, zone, given=crs)
    shapes, odd = _placed(raw, placement, zone)
    tell(STEPS[2], 3, len(STEPS))
    labels = labels_of(source.rows)
    ground = inspect_ground(shapes, odd, labels, communities)
    attributes = inspect_attributes(
        source.rows,
        ground.sound,
        ground.home,
        communities["code"].tolist(),
        has_kind=source.columns["kind"] is not None,
    )
    about_file = [*source.defects, *_of_placement(placement, source.crs)]
    accepted = settle([*about_file, *ground.defects, *attributes.defects], accept)
    tell(STEPS[3], 4, len(STEPS))
    notes = [*source.notes, placement.statement, "coordinates rounded to the planning lattice of 10 mm"]
    fatal = [d for d, s in accepted.states if d.severity is Severity.FATAL and s != APPLIED]
    if fatal:
        return ImportResult(None, communities, placement, accepted, (), tuple(notes))
    drawn = draw(ground, accepted, land)
    redrawn = communities.set_geometry(gpd.GeoSeries(drawn.communities, crs=communities.crs))
    cells = _cells(drawn, ground, attributes, accepted, redrawn, used)
    notes += _told(drawn)
    tell(STEPS[4], 5, len(STEPS))
    verdicts, unjudged = _judged(cells, redrawn, band)
    return ImportResult(cells, redrawn, placement, accepted, verdicts, (*notes, *unjudged))


def _placed(
    raw: GeomArray, placement: Placement, zone: MetricZone
) -> tuple[GeomArray, "np.ndarray[Any, np.dtype[np.bool_]]"]:
    """Polygons in metres, and which rows had their axes exchanged against the rest of the file."""
    turned = swapped_axes(raw) if placement.swapped else raw.copy()
    odd = swapped_rows(turned)
    turned[odd] = swapped_axes(turned[odd])
    placed = shapes_on_lattice(carried_to_metric(turned, source_crs(placement.system), zone))
    placed[~np.isfinite(shapely.bounds(placed)).all(axis=1)] = None
    # GeoPackages store a single polygon as a collection of one as soon as one cell has several.
    alone = (shapely.get_type_id(placed) == _MULTIPOLYGON) & (shapely.get_num_geometries(placed) == 1)
    placed[alone] = shapely.get_geometry(placed[alone], 0)
    return placed, odd


def _of_placement(placement: Placement, declared: Any) -> list[Defect]:
    found = []
    detail, name = placement.statement, pyproj.CRS.from_user_input(placement.system).name
    if placement.declared is None and declared is None:
        repair = f"take {placement.system} ({name})"
        found.append(defect_at(DefectKind.CRS_MISSING, None, detail=detail, repair=repair))
    elif placement.overruled:
        repair = f"take {placement.system} ({name})"
        found.append(defect_at(DefectKind.CRS_CONTRADICTED, None, detail=detail, repair=repair))
    if placement.swapped:
        found.append(defect_at(DefectKind.AXES_SWAPPED, None, detail=detail))
    return found


def _cells(
    drawn: Drawn,
    ground: Ground,
    attributes: Attributes,
    accepted: Accepted,
    communities: gpd.GeoDataFrame,
    used: Collection[str],
) -> gpd.GeoDataFrame:
    rows, home = np.asarray(drawn.rows, dtype=np.int64), ground.home[drawn.rows]
    codes_of = communities["code"].to_numpy()
    frame = gpd.GeoDataFrame(
        {
            "row": np.where(drawn.added, len(attributes.codes) + np.arange(len(rows)), rows),
            "community_code": [codes_of[h] if h >= 0 else None for h in home.tolist()],
            "kind": [attributes.kinds[row].value for row in drawn.rows],
        },
        geometry=gpd.GeoSeries(drawn.shapes, crs=communities.crs),
    )
    codes = repaired_codes(attributes.codes, accepted.of(*_CODES), frame, used)
    every = _with_added(codes, frame, used)
    names = [attributes.names[r] for r in drawn.rows]
    counts = [None if a else attributes.households[r] for r, a in zip(drawn.rows, drawn.added, strict=True)]
    cells = frame.assign(
        code=[every[number] for number in frame["row"]],
        name=[f"{n} (piece)" if n and a else n for n, a in zip(names, drawn.added, strict=True)],
        households=pd.array(counts, dtype="Int64"),
        area_m2=shapely.area(drawn.shapes),
        row=rows,
    )
    order = ["code", "name", "community_code", "kind", "households", "area_m2", "row", "geometry"]
    return cells[order].sort_values(["code", "row"], ignore_index=True)


def _with_added(
    codes: list[str | None], frame: gpd.GeoDataFrame, used: Collection[str]
) -> dict[int, str | None]:
    """Codes by ``row``; pieces that became cells get fresh ones."""
    longest = int(frame["row"].max()) + 1 if len(frame) else 0
    padded = [*codes, *[None] * max(longest - len(codes), 0)]
    added = [number for number in frame["row"].tolist() if number >= len(codes)]
    return dict(enumerate(renumbered(padded, added, frame, used)))


def _told(drawn: Drawn) -> list[str]:
    if not drawn.changed_m2 and not drawn.moved_m:
        return []
    return [
        f"{drawn.changed_m2:.2f} m2 changed their owner; households are those of the file",
        f"redrawn on the 10 mm lattice: no untouched vertex moved farther than {drawn.moved_m * 1000:.1f} mm",
    ]


def _judged(
    cells: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, band: tuple[float, float]
) -> tuple[tuple[Verdict, ...], list[str]]:
    """Verdicts on what can be judged, and what cannot."""
    shapes = np.asarray(cells.geometry.array, dtype=object)
    if len(cells) == 0 or shapely.is_missing(shapes).any() or shapely.is_empty(shapes).any():
        return (), ["no rule judged: a cell has no polygon"]
    named = cells.assign(code=cells["code"].fillna(""), community_code=cells["community_code"].fillna(""))
    verdicts = [constraints.contiguous(named), constraints.numbered(named)]
    notes = []
    if shapely.is_valid(shapes).all():
        verdicts += [
            constraints.within_community(named, communities),
            constraints.seamless(named, communities),
        ]
    else:
        notes.append("seamless, within_community: not judged while a border crosses itself")
    duty = cells["kind"] == CellKind.DUTY
    if cells.loc[duty, "households"].notna().all():
        known = named.assign(households=named["households"].astype("Float64").fillna(0).astype(float))
        verdicts.append(constraints.in_band(known, band))
    else:
        notes.append("in_band: not judged, some duty grids have no number of households")
    return tuple(verdicts), notes
