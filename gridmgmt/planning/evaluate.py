"""Report card of a plan: is it lawful, is it fair, is it well shaped.

One card fits a plan of our own and an imported one. Hard rules are the verdicts of
:mod:`gridmgmt.planning.constraints`. Balance is given against the mean of the community (that many
households have to be divided there, whatever the target) and beside the lower bound that indivisible atoms
leave: nobody can do better than that. Shape is Polsby-Popper, 4πA/P²: 1 for a circle, 0.785 for a square.

Shapes and balance are those of duty grids 基本网格; dedicated grids 专属网格 are given by their site and
count only for the hard rules. Walking, stability and the proof of the seams are beside it, in
:mod:`gridmgmt.planning.card`.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.planning import constraints
from gridmgmt.planning.constraints import Verdict
from gridmgmt.planning.coverage import FloatArray, IntArray, shared_borders
from gridmgmt.planning.shape import inertia, polsby_popper

NEAR_LINE_M: Final = 20.0
"""Half the width of a dual carriageway with its verges: cell borders run along its middle."""


LINE_CLASS: Final = "highway"
"""Column of the lines that has their class, named as in OpenStreetMap."""


@dataclass(frozen=True, slots=True)
class ReportCard:
    """Figures of one plan; shares run from 0 to 1.

    Attributes
    ----------
    cells, duty_cells, dedicated_cells : counts.
    demand_total, demand_min, demand_mean, demand_max : of duty grids, in the unit of ``demand``.
    deviation_mean_share, deviation_max_share : from the mean of the community.
    bound_mean_share, bound_max_share : the least these can be with indivisible atoms; None without atoms.
    in_band_share : of duty grids.
    gini : of the demand of duty grids, 0 when all are alike.
    polsby_popper_mean, polsby_popper_p10, polsby_popper_min : of duty grids.
    inertia_mean, inertia_p10, inertia_min : normalised moment of inertia of duty grids, 1 for a circle.
    inner_border_m : border between cells of one community, also called cut length.
    border_on_road_share : of that border; None without lines and blocks.
    border_on_line_share : on roads or walls of sites; None when neither is known.
    border_by_class : share of that border beside each class of line, the nearest line counting; empty when
        the lines have no class.
    gap_m2, overlap_m2, outside_m2 : of the whole plan.
    verdicts : the hard rules.
    """

    demand: str
    cells: int
    duty_cells: int
    dedicated_cells: int
    demand_total: float
    demand_min: float
    demand_mean: float
    demand_max: float
    deviation_mean_share: float
    deviation_max_share: float
    bound_mean_share: float | None
    bound_max_share: float | None
    in_band_share: float
    gini: float
    polsby_popper_mean: float
    polsby_popper_p10: float
    polsby_popper_min: float
    inertia_mean: float
    inertia_p10: float
    inertia_min: float
    inner_border_m: float
    border_on_road_share: float | None
    border_on_line_share: float | None
    border_by_class: dict[str, float]
    gap_m2: float
    overlap_m2: float
    outside_m2: float
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether every hard rule holds."""
        return all(verdict.passed for verdict in self.verdicts)

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON, figures rounded to six decimals."""
        plain = {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in asdict(self).items()
            if key != "verdicts"
        }
        return plain | {"passed": self.passed, "verdicts": [verdict.as_facts() for verdict in self.verdicts]}


def report_card(
    cells: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame,
    *,
    lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    demand: str = "households",
    band: tuple[float, float] = (300, 500),
) -> ReportCard:
    """Judge a numbered plan.

    Parameters
    ----------
    cells : ``code``, ``community_code``, ``kind``, the ``demand`` column and polygons in a metric CRS.
    atoms : what the cells are made of, with ``cell_code`` and the ``demand`` column, for the lower bounds;
        with ``block_id`` and ``site_id``, for the share of borders on roads and walls. None for an imported
        plan.
    communities : ``code`` and polygons in the same CRS.
    lines : roads, water or railways in the same CRS. Given, a border is on a road when the middle of its
        side lies within :data:`NEAR_LINE_M` of one; else when it parts two blocks.
    buildings : to check that none is cut.
    band : of a duty grid; a cell outside it fails the constraint ``in_band``.
    """
    duty = cells[cells["kind"] == CellKind.DUTY]
    values = duty[demand].to_numpy(dtype=np.float64)
    off = constraints.deviations(duty, demand)
    verdicts = _verdicts(cells, communities, buildings, demand, band)
    seams = dict(next(v for v in verdicts if v.name == "seamless").measures)
    bound = _lower_bound(duty, atoms, demand)
    border = _inner_border(cells, atoms, lines)
    shapes = np.asarray(duty.geometry.array, dtype=object)
    compact = polsby_popper(shapes) if len(duty) else np.zeros(1)
    spread = inertia(shapes) if len(duty) else np.zeros(1)
    return ReportCard(
        demand=demand,
        cells=len(cells),
        duty_cells=len(duty),
        dedicated_cells=len(cells) - len(duty),
        demand_total=float(values.sum()),
        demand_min=float(values.min(initial=np.inf)) if len(values) else 0.0,
        demand_mean=float(values.mean()) if len(values) else 0.0,
        demand_max=float(values.max(initial=0.0)),
        deviation_mean_share=float(off.mean()) if len(off) else 0.0,
        deviation_max_share=float(off.max(initial=0.0)),
        bound_mean_share=bound[0],
        bound_max_share=bound[1],
        in_band_share=float(((values >= band[0]) & (values <= band[1])).mean()) if len(values) else 0.0,
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
        verdicts=verdicts,
    )


def gini(values: FloatArray) -> float:
    """Return the Gini coefficient of values of at least 0: 0 when all are alike, near 1 when one has all.

    Examples
    --------
    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 2.0]))
    (0.0, 0.5)
    """
    total = float(values.sum())
    if total <= 0.0:
        return 0.0
    n = len(values)
    rank = np.arange(1, n + 1)
    return float((2.0 * (rank * np.sort(values)).sum() / (n * total)) - (n + 1) / n)


def _verdicts(
    cells: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    demand: str,
    band: tuple[float, float],
) -> tuple[Verdict, ...]:
    judged = [
        constraints.contiguous(cells),
        constraints.within_community(cells, communities),
        constraints.seamless(cells, communities),
        constraints.in_band(cells, band, demand=demand),
        constraints.numbered(cells),
    ]
    if buildings is not None:
        judged.append(constraints.buildings_uncut(cells, buildings))
    return tuple(judged)


def _lower_bound(
    duty: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame | None, demand: str
) -> tuple[float | None, float | None]:
    """Least mean and largest deviation that atoms above their community's mean force: closed form."""
    if atoms is None or len(duty) == 0:
        return None, None
    mean = duty.groupby("community_code")[demand].mean()
    home = atoms["cell_code"].map(duty.set_index("code")["community_code"])
    ratio = (atoms[demand] / home.map(mean)).dropna().to_numpy(dtype=np.float64)
    over = np.clip(ratio - 1.0, 0.0, None)
    return float(2.0 * over.sum() / len(duty)), float(over.max(initial=0.0))


def _inner_border(
    cells: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame | None, lines: gpd.GeoDataFrame | None
) -> tuple[float, float | None, float | None, dict[str, float]]:
    """Length of the border between cells of one community, its shares on roads, on any line, by class."""
    pieces = cells.assign(cell_code=cells["code"]) if atoms is None else atoms
    borders = shared_borders(np.asarray(pieces.geometry.array, dtype=object))
    cell = _parts(pieces["cell_code"], borders.pairs)
    community = pieces["cell_code"].map(cells.set_index("code")["community_code"])
    inner = (cell & ~_parts(community, borders.pairs))[borders.side_pairs]
    pair, length_m = borders.side_pairs[inner], borders.side_lengths_m[inner]
    total_m = float(length_m.sum())
    on_road = on_wall = None
    if lines is not None:
        tree = shapely.STRtree(lines.geometry.array)
        near = tree.query(
            shapely.points(borders.side_middles[inner]), predicate="dwithin", distance=NEAR_LINE_M
        )
        on_road = np.bincount(near[0], minlength=len(pair)) > 0
    elif "block_id" in pieces:
        on_road = _parts(pieces["block_id"], borders.pairs)[pair]
    if "site_id" in pieces:
        on_wall = _parts(pieces["site_id"], borders.pairs)[pair]

    def share(chosen: npt.NDArray[np.bool_] | None) -> float | None:
        return None if chosen is None else float(length_m[chosen].sum()) / max(total_m, 1e-9)

    by_class = _by_class(borders.side_middles[inner], length_m, lines)
    if on_road is None or on_wall is None:
        return total_m, share(on_road), share(on_wall if on_road is None else on_road), by_class
    return total_m, share(on_road), share(on_road | on_wall), by_class


def _by_class(middles: FloatArray, length_m: FloatArray, lines: gpd.GeoDataFrame | None) -> dict[str, float]:
    """Share of the border beside each class of line, the longest first; ``none`` is the rest."""
    if lines is None or LINE_CLASS not in lines or len(lines) == 0 or len(middles) == 0:
        return {}
    tree = shapely.STRtree(lines.geometry.array)
    side, line = tree.query_nearest(shapely.points(middles), max_distance=NEAR_LINE_M, all_matches=False)
    names = np.full(len(middles), "none", dtype=object)
    names[side] = lines[LINE_CLASS].fillna("unknown").to_numpy(dtype=object)[line]
    metres = pd.Series(length_m).groupby(names).sum().sort_values(ascending=False)
    return {str(name): round(float(m) / max(float(length_m.sum()), 1e-9), 6) for name, m in metres.items()}


def _parts(names: pd.Series, pairs: IntArray) -> npt.NDArray[np.bool_]:
    """Whether the two members of each pair have different names; no name is a name of its own."""
    ends = pd.factorize(names)[0][pairs]
    return np.asarray(ends[:, 0] != ends[:, 1], dtype=np.bool_)
