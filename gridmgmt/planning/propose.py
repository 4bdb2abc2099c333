"""The planner's door: communities and atoms in, duty grids 基本网格 out.

Cells inside communities, connected, balanced, compact, along roads. What always holds: every atom is in one
cell, every cell is one piece and not empty, no cell crosses a community. What is sought: the band of 300 to
500 households a cell, compact shapes, borders on lines (factors below). What cannot be had is refused before
the search with the community, the constraint and what to relax, never fudged.

Same input and seed, same plan: every community has a random stream of its own, made from the seed and its
code, so neither the order of the communities nor their number matters.
"""

import warnings
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.planning.admission import community_of_atoms, require_cover, require_frames
from gridmgmt.planning.allotment import cells_for
from gridmgmt.planning.bounds import bounds_of
from gridmgmt.planning.coverage import (
    IntArray,
    SharedBorders,
    components,
    dissolve,
    shared_borders,
)
from gridmgmt.planning.engine import (
    Order,
    Outcome,
    StoppedEarly,
    checked_limit,
    checked_seed,
    checked_threads,
    divided,
)
from gridmgmt.planning.former import Former
from gridmgmt.planning.graph import Graph, Layout
from gridmgmt.planning.linecosts import border_costs
from gridmgmt.planning.search.presets import preset_named

Progress = Callable[[int, int], None]

COST_ON_ROAD: Final = 0.3
COST_ON_WALL: Final = 0.6
"""Cost of a metre of border between blocks, and between sites of a block; 1 elsewhere."""


def propose_cells(  # noqa: PLR0913  what a planner may say
    communities: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    *,
    demand: str = "households",
    band: tuple[float, float] = (300, 500),
    target: float = 400,
    workload: str | None = None,
    lines: gpd.GeoDataFrame | None = None,
    previous: gpd.GeoDataFrame | None = None,
    fixed: Collection[str] = (),
    oversized: Literal["refuse", "own_cell"] = "refuse",
    preset: str = "default",
    seed: int = 0,
    time_limit_s: float | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Divide every community into cells made of whole atoms.

    Parameters
    ----------
    communities : ``code`` (12 digits), ``name`` and polygons in a metric CRS.
    atoms : ``atom_id``, the ``demand`` column and polygons, a seamless coverage in the same CRS. Optional:
        ``dedicated`` (each connected dedicated site becomes a dedicated grid 专属网格 of its own, outside the
        band), ``site_id`` and ``block_id`` (borders along walls and roads are preferred).
    demand : the column to balance, in households unless the band says otherwise.
    band : lowest and highest demand of a duty grid, both allowed.
    target : demand a cell should have; sets the number of cells of a community.
    workload : a column of ``atoms`` to balance beside the demand, such as the hours of
        :func:`~gridmgmt.planning.workload.with_workload`. It has no band.
    lines : roads, water and walls with ``line_class``, for :func:`~gridmgmt.planning.linecosts.border_costs`;
        without them ``block_id`` and ``site_id`` say where roads and walls are.
    previous : the plan before: ``code``, ``kind`` and polygons in the same CRS. An atom was in the cell that
        holds a point inside it. The search begins there and moves only what pays for moving.
    fixed : codes of former cells that stay as they are, whatever their kind; existing dedicated grids, say.
    oversized : an atom above the band is refused, or (``own_cell``) gets a cell of its own outside the band.
    preset : see :mod:`gridmgmt.planning.search.presets`.
    seed : of the random streams.
    time_limit_s : cuts the search short, after seeding at the earliest, and changes nothing else.
    threads : communities searched at once; makes no difference to the plan.
    progress : called as ``progress(communities done, communities in all)``.

    Returns
    -------
    One row a cell: ``community_code``, ``community_name``, ``kind`` (``duty`` or ``dedicated``, see
    :class:`~gridmgmt.domain.grid.CellKind`), the demand column, ``atoms`` (count), ``atom_ids`` (tuple),
    ``site_id`` (of a dedicated grid), ``area_m2``, with a plan before ``previous_code`` (of the cell that
    goes on, None for a new one), and ``geometry``. Codes are given by
    :func:`gridmgmt.planning.numbering.number_cells`. ``attrs["search"]`` tells the preset, the seed, whether
    the search came to its end, the lower bounds and the share of the demand that moved.

    Warns
    -----
    StoppedEarly
        The time limit was reached before the search came to its end.

    Raises
    ------
    InvalidInput, WrongCrs
        What :mod:`~gridmgmt.planning.admission` refuses: missing columns, geometry that is no valid polygon,
        negative or missing demand, different CRSs, atoms outside all communities, gaps and overlaps; a fixed
        code that is not in the plan before.
    Infeasible
        ``facts`` give ``community_code``, ``community_name``, ``relax`` and ``constraint``:
        ``household_band`` (no number of cells keeps to the band), ``indivisible_atom``, ``within_community``
        (an atom crosses a community's border), ``atoms`` (none in it), ``contiguous`` (a part cut off that
        cannot stand alone) or ``fixed`` (a fixed cell is no union of atoms of one community).
    """
    require_frames(communities, atoms, demand, workload)
    chosen, limit = preset_named(preset), checked_limit(time_limit_s)
    home = community_of_atoms(communities, atoms)
    borders = shared_borders(np.asarray(atoms.geometry.array, dtype=object))
    require_cover(communities, atoms, home, borders)
    graph = graph_of(atoms, borders, demand, workload, lines)
    former = Former.of(atoms, previous, fixed)
    former.require_whole(communities, home)
    taken = former.fixed | _dedicated(atoms)
    layout = Layout(graph, np.where(taken, -1, home))
    orders = _orders(communities, graph, layout, band, target, oversized == "own_cell")
    outcome = divided(
        graph, layout, orders, chosen, seed=checked_seed(seed), before=former.searched(taken),
        time_limit_s=limit, threads=checked_threads(threads),
        on_step=_communities_done(layout, len(communities), progress),
    )  # fmt: skip
    if not outcome.finished:
        warnings.warn(StoppedEarly("the time limit cut the search short"), stacklevel=2)
    label, names, dedicated = _with_taken(atoms, borders, home, former, outcome, taken)
    cells = _dissolved(communities, atoms, home, label, dedicated, demand)
    if previous is not None:
        cells.insert(len(cells.columns) - 1, "previous_code", former.codes_of(names))
    bounds = bounds_of(graph.weights, home, np.where(taken, -1, label))
    cells.attrs["search"] = {
        "preset": preset, "seed": int(seed), "finished": outcome.finished, "objective": outcome.objective,
        **asdict(bounds), "moved_share": former.moved_share(graph.weights, label, names),
    }  # fmt: skip
    return cells


def _orders(
    communities: gpd.GeoDataFrame,
    graph: Graph,
    layout: Layout,
    band: tuple[float, float],
    target: float,
    own_cell: bool,  # noqa: FBT001  a switch of the caller's
) -> list[Order]:
    """Say how many cells each piece of each community gets."""
    orders = []
    pieces = np.bincount(layout.group, minlength=len(communities))
    begun = np.cumsum(pieces) - pieces
    for piece, (row, nodes) in enumerate(zip(layout.group.tolist(), layout.nodes, strict=True)):
        code, name = str(communities["code"].iloc[row]), str(communities["name"].iloc[row])
        count = cells_for(
            graph.weights[nodes], band, target, pieces=int(pieces[row]),
            own_cell=own_cell, community_code=code, community_name=name,
        )  # fmt: skip
        orders.append(Order(code, piece - int(begun[row]), count, band))
    return orders


def _communities_done(
    layout: Layout, communities: int, progress: Progress | None
) -> Callable[[int, float], None] | None:
    """Turn finished pieces into finished communities; those without a piece count from the start."""
    if progress is None:
        return None
    left = np.bincount(layout.group, minlength=communities)

    def told(piece: int, share: float) -> None:
        if share >= 1.0:
            row = layout.group[piece]
            left[row] -= 1
            if left[row] == 0:
                progress(int((left == 0).sum()), communities)

    return told


def _dedicated(atoms: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    if "dedicated" in atoms:
        return np.asarray(atoms["dedicated"].to_numpy(dtype=bool), dtype=np.bool_)
    return np.zeros(len(atoms), dtype=np.bool_)


def _with_taken(
    atoms: gpd.GeoDataFrame,
    borders: SharedBorders,
    home: IntArray,
    former: Former,
    outcome: Outcome,
    taken: npt.NDArray[np.bool_],
) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_]]:
    """Number fixed cells and dedicated sites first, then the searched ones.

    Returns
    -------
    The cell of each atom, the former cell that each cell goes on as, and which atoms are in dedicated grids.
    """
    site = pd.factorize(atoms["site_id"])[0] if "site_id" in atoms else np.zeros(len(atoms), dtype=np.int64)
    a, b = borders.pairs.T
    # A fixed cell goes on whole; a dedicated site is one cell for each connected piece in a community.
    kept = np.where(former.fixed, former.cell, -1)
    alike = (home[a] == home[b]) & (kept[a] == kept[b]) & ((site[a] == site[b]) | former.fixed[a])
    piece = components(len(atoms), borders.pairs[taken[a] & taken[b] & alike])
    label = outcome.label.copy()
    numbers = np.unique(piece[taken], return_inverse=True)[1]
    first = int(numbers.max(initial=-1)) + 1
    label[label >= 0] += first
    label[taken] = numbers
    names = np.full(first, -1, dtype=np.int64)
    for number in range(first):
        cells = np.unique(former.cell[label == number])
        if len(cells) == 1 and cells[0] >= 0 and (label[former.cell == cells[0]] == number).all():
            names[number] = cells[0]
    dedicated = taken & (~former.fixed | former.was_dedicated)
    return label, np.concatenate([names, outcome.names]), dedicated


def graph_of(
    atoms: gpd.GeoDataFrame,
    borders: SharedBorders,
    demand: str,
    workload: str | None,
    lines: gpd.GeoDataFrame | None,
) -> Graph:
    """Return the atoms as the engine sees them; a metre of border costs what lies there."""
    shapes = np.asarray(atoms.geometry.array, dtype=object)
    factor = np.ones(len(borders.pairs))
    for column, cost in (("site_id", COST_ON_WALL), ("block_id", COST_ON_ROAD)):
        if column in atoms:
            named = pd.factorize(atoms[column])[0][borders.pairs]
            factor[named[:, 0] != named[:, 1]] = cost
    return Graph(
        pairs=borders.pairs,
        lengths=borders.lengths_m,
        costs=borders.lengths_m * factor if lines is None else border_costs(borders, lines),
        weights=atoms[demand].to_numpy(dtype=np.float64),
        coordinates=shapely.get_coordinates(shapely.centroid(shapes)),
        area=shapely.area(shapes),
        perimeter=borders.perimeters_m,
        work=None if workload is None else atoms[workload].to_numpy(dtype=np.float64),
    )


def _dissolved(
    communities: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    home: IntArray,
    label: IntArray,
    dedicated: npt.NDArray[np.bool_],
    demand: str,
) -> gpd.GeoDataFrame:
    _, first, count = np.unique(label, return_index=True, return_counts=True)
    members = np.split(np.argsort(label, kind="stable"), np.cumsum(count)[:-1])
    shapes = dissolve(np.asarray(atoms.geometry.array, dtype=object), label)
    names = atoms["atom_id"].to_numpy()
    site: npt.NDArray[np.object_] = np.full(len(atoms), None, dtype=object)
    if "site_id" in atoms:
        site = atoms["site_id"].to_numpy(dtype=object)
    site = site[first]
    site[~dedicated[first]] = None
    kind = np.where(dedicated[first], CellKind.DEDICATED.value, CellKind.DUTY.value)
    return gpd.GeoDataFrame(
        {
            "community_code": communities["code"].to_numpy()[home[first]],
            "community_name": communities["name"].to_numpy()[home[first]],
            "kind": kind,
            demand: np.bincount(label, atoms[demand].to_numpy(dtype=np.float64)).astype(atoms[demand].dtype),
            "atoms": count,
            "atom_ids": [tuple(names[m].tolist()) for m in members],
            "site_id": site,
            "area_m2": shapely.area(shapes),
        },
        geometry=gpd.GeoSeries(shapes, crs=atoms.crs),
    )
