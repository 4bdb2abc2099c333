"""The report card at the desk: the figures of :mod:`gridmgmt.planning.evaluate`, fast enough for a hand.

The card is that of :func:`~gridmgmt.planning.evaluate.report_card`, without one rule: ``numbered`` is judged
when codes are given. No polygon is overlaid; see :mod:`gridmgmt.planning.editing_measures`. The tests hold
both cards against each other after every edit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridmgmt.planning.constraints import AREA_TOLERANCE_M2, LISTED, SCRAP_OF_BUILDING_M2, Verdict
from gridmgmt.planning.coverage import FloatArray, IntArray
from gridmgmt.planning.editing_division import Division, name_of
from gridmgmt.planning.editing_ground import BoolArray, Ground
from gridmgmt.planning.editing_measures import Measures
from gridmgmt.planning.evaluate import ReportCard, gini
from gridmgmt.planning.search.walks import component_labels
from gridmgmt.planning.stability import WALKING_M_PER_S, Walking, heirs


@dataclass(frozen=True, slots=True, eq=False)
class CellTable:
    """Figures of each cell, ascending by number.

    Attributes
    ----------
    number : of the cells. index : (n,) row in this table of each atom.
    demand, area_m2, outline_m, polsby_popper, inertia : (K,) of each.
    centroid : (K, 2) in the CRS.
    home : (K,) row of its community. duty : (K,) no dedicated grid.
    deviation_share : (K,) from the mean of its community's duty grids, with its sign; 0 for dedicated grids.
    mean : (K,) that mean.
    """

    number: IntArray
    index: IntArray
    demand: FloatArray
    area_m2: FloatArray
    outline_m: FloatArray
    polsby_popper: FloatArray
    inertia: FloatArray
    centroid: FloatArray
    home: IntArray
    duty: BoolArray
    deviation_share: FloatArray
    mean: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class DeskCard:
    """The card of a division.

    Attributes
    ----------
    report : as :func:`~gridmgmt.planning.evaluate.report_card`, without the rule ``numbered``.
    walking : None when nobody knows where people live.
    moved, moved_share : demand that is no longer with the heir of its cell as it was laid on the desk; see
        :mod:`gridmgmt.planning.stability`.
    cells : figures of each cell.
    """

    report: ReportCard
    walking: Walking | None
    moved: float
    moved_share: float
    cells: CellTable

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **self.report.as_facts(),
            "walking": self.walking.as_facts() if self.walking else None,
            "moved": round(self.moved, 6),
            "moved_share": round(self.moved_share, 6),
        }


def desk_card(ground: Ground, measures: Measures, division: Division) -> DeskCard:
    """Judge a division."""
    table = cell_table(ground, measures, division)
    weights = ground.graph.weights
    heir = heirs(ground.first_label, table.index, weights, ground.given)
    moved = float(weights[heir[ground.first_label] != table.index].sum())
    return DeskCard(
        report=_report(ground, measures, division, table),
        walking=_walking(measures, table),
        moved=moved,
        moved_share=moved / max(float(weights.sum()), 1e-12),
        cells=table,
    )


def cell_table(ground: Ground, measures: Measures, division: Division) -> CellTable:
    """Add up atoms to cells."""
    graph = ground.graph
    number, first, index = np.unique(division.label, return_index=True, return_inverse=True)
    count = len(number)

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(index, values, count), dtype=np.float64)

    area, demand = total(graph.area), total(graph.weights)
    centroid = np.column_stack([total(graph.area * measures.middle[:, axis]) for axis in (0, 1)])
    centroid /= np.maximum(area, 1e-12)[:, None]
    off = measures.middle - centroid[index]
    moment = total(measures.spread + graph.area * (off**2).sum(axis=1))
    ends = index[graph.pairs]
    inside = ends[:, 0] == ends[:, 1]
    shared = np.bincount(ends[inside, 0], graph.lengths[inside], count)
    outline = total(graph.perimeter) - 2.0 * shared
    home = ground.home[first]
    duty = ~np.isin(number, list(ground.dedicated))
    cells_of_home = np.bincount(home[duty], minlength=len(ground.communities))
    demand_of_home = np.bincount(home[duty], demand[duty], len(ground.communities))
    mean = (demand_of_home / np.maximum(cells_of_home, 1))[home]
    deviation = np.where(duty, (demand - mean) / np.where(mean > 0, mean, 1.0), 0.0)
    return CellTable(
        number=number,
        index=index.astype(np.int64),
        demand=demand,
        area_m2=area,
        outline_m=outline,
        polsby_popper=4.0 * np.pi * area / np.maximum(outline, 1e-12) ** 2,
        inertia=area**2 / np.maximum(2.0 * np.pi * moment, 1e-12),
        centroid=centroid + measures.origin,
        home=home,
        duty=duty,
        deviation_share=deviation,
        mean=mean,
    )


def _report(ground: Ground, measures: Measures, division: Division, table: CellTable) -> ReportCard:
    low, high = ground.band
    duty = table.duty
    values, off = table.demand[duty], np.abs(table.deviation_share[duty])
    compact, spread = (v[duty] if duty.any() else np.zeros(1) for v in (table.polsby_popper, table.inertia))
    bound = _bound(ground, table)
    border = _border(ground, measures, table)
    seams = dict(measures.seamless.measures)
    in_band = (values >= low) & (values <= high)
    some = len(values) > 0
    return ReportCard(
        demand=ground.demand,
        cells=len(duty),
        duty_cells=int(duty.sum()),
        dedicated_cells=int((~duty).sum()),
        demand_total=float(values.sum()),
        demand_min=float(values.min()) if some else 0.0,
        demand_mean=float(values.mean()) if some else 0.0,
        demand_max=float(values.max()) if some else 0.0,
        deviation_mean_share=float(off.mean()) if some else 0.0,
        deviation_max_share=float(off.max()) if some else 0.0,
        bound_mean_share=bound[0],
        bound_max_share=bound[1],
        in_band_share=float(in_band.mean()) if some else 0.0,
        gini=gini(values),
        polsby_popper_mean=float(compact.mean()),
        polsby_popper_p10=float(np.quantile(compact, 0.1)),
        polsby_popper_min=float(compact.min()),
        inertia_mean=float(spread.mean()),
        inertia_p10=float(np.quantile(spread, 0.1)),
        inertia_min=float(spread.min()),
        inner_border_m=border[0],
        border_on_road_share=border[1],
        border_on_line_share=border[2],
        border_by_class=border[3],
        gap_m2=seams["gap_m2"],
        overlap_m2=seams["overlap_m2"],
        outside_m2=seams["outside_m2"],
        verdicts=_verdicts(ground, measures, division, table),
    )


def _bound(ground: Ground, table: CellTable) -> tuple[float | None, float | None]:
    """What atoms above the mean of their community force; as the report card has it."""
    if not table.duty.any():
        return None, None
    mean = table.mean[table.index]
    asked = table.duty[table.index] & (mean > 0)
    over = np.clip(ground.graph.weights[asked] / mean[asked] - 1.0, 0.0, None)
    return float(2.0 * over.sum() / table.duty.sum()), float(over.max(initial=0.0))


def _border(
    ground: Ground, measures: Measures, table: CellTable
) -> tuple[float, float | None, float | None, dict[str, float]]:
    """Length of the border inside communities, its shares on roads and on any line, by class."""
    pairs = ground.graph.pairs
    ends, homes = table.index[pairs], ground.home[pairs]
    inner = (ends[:, 0] != ends[:, 1]) & (homes[:, 0] == homes[:, 1])
    whole_m = float(ground.graph.lengths[inner].sum())

    def share(metres: FloatArray | None) -> float | None:
        return None if metres is None else float(metres[inner].sum()) / max(whole_m, 1e-9)

    metres = measures.by_class_m[inner].sum(axis=0)
    order = np.argsort(-metres, kind="stable")
    by_class = {
        measures.classes[n]: round(float(metres[n]) / max(whole_m, 1e-9), 6) for n in order if metres[n] > 0
    }
    return whole_m, share(measures.on_road_m), share(measures.on_line_m), by_class


def _verdicts(
    ground: Ground, measures: Measures, division: Division, table: CellTable
) -> tuple[Verdict, ...]:
    low, high = ground.band
    pairs = ground.graph.pairs
    ends = table.index[pairs]
    piece = component_labels(ground.count, pairs[ends[:, 0] == ends[:, 1]])
    _, of_piece = np.unique(piece, return_index=True)
    pieces = np.bincount(table.index[of_piece], minlength=len(table.number))
    outside = np.bincount(table.index, measures.outside_m2, len(table.number))
    off_band = table.duty & ~((table.demand >= low) & (table.demand <= high))
    share = 1.0 - off_band.sum() / max(1, table.duty.sum())

    def judged(name: str, failing: BoolArray, **figures: float) -> Verdict:
        rows = np.flatnonzero(failing)
        cells = table.number[rows[:LISTED]].tolist()
        shapes = [ground.shape(division.atoms_of(cell)) for cell in cells]
        places = shapely.get_coordinates(shapely.point_on_surface(shapes)) if shapes else np.empty((0, 2))
        return Verdict(
            name, len(rows) == 0, len(rows), tuple(name_of(ground, division, cell) for cell in cells),
            tuple(figures.items()), tuple((float(x), float(y)) for x, y in places),
        )  # fmt: skip

    verdicts = (
        judged("contiguous", pieces != 1),
        judged("within_community", outside > AREA_TOLERANCE_M2, outside_m2=float(outside.sum())),
        measures.seamless,
        judged("in_band", off_band, in_band_share=float(share)),
    )
    return verdicts if ground.buildings is None else (*verdicts, _uncut(ground, measures, table))


def _uncut(ground: Ground, measures: Measures, table: CellTable) -> Verdict:
    building, atom = measures.cut_rows.T
    count = len(table.number)
    key, row = np.unique(building * count + table.index[atom], return_inverse=True)
    lying = np.bincount(row, measures.cut_m2, len(key)) > SCRAP_OF_BUILDING_M2
    parts, times = np.unique(key[lying] // count, return_counts=True)
    cut = parts[times > 1]
    names = ground.buildings["building_id"].to_numpy() if ground.buildings is not None else cut
    return Verdict("buildings_uncut", len(cut) == 0, len(cut), tuple(str(names[n]) for n in cut[:LISTED]))


def _walking(measures: Measures, table: CellTable) -> Walking | None:
    places = measures.places
    if places is None or len(places.weight) == 0:
        return None
    metres = np.hypot(*(places.points - table.centroid[table.index[places.atom]]).T)
    mean = float(np.average(metres, weights=places.weight))
    order = np.argsort(metres, kind="stable")
    reached = np.cumsum(places.weight[order]) / places.weight.sum()
    p90 = float(metres[order][np.searchsorted(reached, 0.9)])
    return Walking("households", mean, p90, float(metres.max()), mean / WALKING_M_PER_S / 60.0)
