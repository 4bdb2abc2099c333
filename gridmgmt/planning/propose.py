"""The planner's door: communities and atoms in, duty grids 基本网格 out.

Cells inside communities, connected, balanced, compact, along roads. What always holds: every atom is in one cell,
every cell is one piece and not empty, no cell crosses a community. What is sought: the band of 300 to 500
households a cell, compact shapes, borders on lines (factors below). What cannot be had is refused before the
search with the community, the constraint and what to relax, never fudged.

Same input and seed, same plan: every community has a random stream of its own, made from the seed and its
code, so neither the order of the communities nor their number matters.
"""

import warnings
from collections.abc import Callable
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.allotment import cells_for
from gridmgmt.planning.coverage import (
    IntArray,
    SharedBorders,
    components,
    dissolve,
    shared_borders,
)
from gridmgmt.planning.engine import Order, StoppedEarly, checked_limit, checked_seed, divided
from gridmgmt.planning.graph import Graph, Layout
from gridmgmt.planning.search.presets import preset_named

Progress = Callable[[int, int], None]

COST_ON_ROAD: Final = 0.3
COST_ON_WALL: Final = 0.6
"""Cost of a metre of border between blocks, and between sites of a block; 1 elsewhere."""

NESTING_TOLERANCE_SHARE: Final = 0.01
"""Share of an atom that may lie outside its community: drawings of one line differ a little."""


def propose_cells(  # noqa: PLR0913  what a planner may say
    communities: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    *,
    demand: str = "households",
    band: tuple[float, float] = (300, 500),
    target: float = 400,
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
    seed : of the random streams.
    progress : called as ``progress(communities done, communities in all)``.

    Returns
    -------
    ------- One row a cell: ``community_code``, ``community_name``, ``kind`` (``duty`` or ``dedicated``, see
    :class:`~gridmgmt.domain.grid.CellKind`), the demand column, ``atoms`` (count), ``atom_ids`` (tuple),
    ``site_id`` (of a dedicated grid), ``area_m2``, ``geometry``. Codes are given by
    :func:`gridmgmt.planning.numbering.number_cells`.

    Raises
    ------
    InvalidInput, WrongCrs
        Missing columns, negative or missing demand, different CRSs, atoms outside all communities.
    Infeasible
        ``facts`` give ``community_code``, ``community_name`` and ``constraint``: ``household_band`` (no
        number of cells keeps to the band), ``indivisible_atom``, ``within_community`` (an atom crosses a
        community's border), ``atoms`` (none in it) or ``contiguous`` (a part cut off that cannot stand
        alone).
    """
    _require_frames(communities, atoms, demand)
    chosen, limit = preset_named(preset), checked_limit(time_limit_s)
    home = community_of_atoms(communities, atoms)
    borders = shared_borders(np.asarray(atoms.geometry.array, dtype=object))
    graph = _graph_of(atoms, borders, demand)
    dedicated = (
        atoms["dedicated"].to_numpy(dtype=bool) if "dedicated" in atoms else np.zeros(len(atoms), bool)
    )
    label = np.full(len(atoms), -1, dtype=np.int64)
    first = _label_dedicated(atoms, borders, home, dedicated, label)
    layout = Layout(graph, np.where(dedicated, -1, home))
    orders = _orders(communities, graph, layout, band, target)
    outcome = divided(
        graph, layout, orders, chosen, seed=checked_seed(seed), time_limit_s=limit, threads=threads,
        on_step=_communities_done(layout, len(communities), progress),
    )  # fmt: skip
    if not outcome.finished:
        warnings.warn(StoppedEarly("the time limit cut the search short"), stacklevel=2)
    label[outcome.label >= 0] = first + outcome.label[outcome.label >= 0]
    return _dissolved(communities, atoms, home, label, dedicated, demand)


def _orders(
    communities: gpd.GeoDataFrame,
    graph: Graph,
    layout: Layout,
    band: tuple[float, float],
    target: float,
) -> list[Order]:
    """Say how many cells each piece of each community gets."""
    orders = []
    pieces = np.bincount(layout.group, minlength=len(communities))
    begun = np.cumsum(pieces) - pieces
    for piece, (row, nodes) in enumerate(zip(layout.group.tolist(), layout.nodes, strict=True)):
        code, name = str(communities["code"].iloc[row]), str(communities["name"].iloc[row])
        count = cells_for(
            graph.weights[nodes], band, target, pieces=int(pieces[row]),
            community_code=code, community_name=name,
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


def community_of_atoms(communities: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame) -> IntArray:
    """Return the position of the community that each atom lies in.

    Raises
    ------
    InvalidInput
        An atom lies in no community, or two communities overlap there.
    Infeasible
        More than 1 % of an atom lies in another community, or a community has no atom.
    """
    shapes = np.asarray(atoms.geometry.array, dtype=object)
    polygons = np.asarray(communities.geometry.array, dtype=object)
    atom, community = shapely.STRtree(polygons).query(
        shapely.point_on_surface(shapes), predicate="intersects"
    )
    found = np.bincount(atom, minlength=len(atoms))
    if (found != 1).any():
        raise InvalidInput(
            "every atom must lie in exactly one community",
            atom_ids=[str(a) for a in atoms["atom_id"].to_numpy()[found != 1][:10]],
        )
    home = np.empty(len(atoms), dtype=np.int64)
    home[atom] = community
    outside = shapely.area(shapely.difference(shapes, polygons[home]))
    crossing = np.flatnonzero(outside > NESTING_TOLERANCE_SHARE * shapely.area(shapes))
    if len(crossing):
        worst = crossing[0]
        raise _infeasible(
            communities,
            int(home[worst]),
            "an atom crosses the border of its community",
            "within_community",
            atom_ids=[str(a) for a in atoms["atom_id"].to_numpy()[crossing[:10]]],
        )
    empty = np.setdiff1d(np.arange(len(communities)), home)
    if len(empty):
        raise _infeasible(communities, int(empty[0]), "the community has no atom", "atoms")
    return home


def _infeasible(
    communities: gpd.GeoDataFrame, row: int, message: str, constraint: str, **facts: Any
) -> Infeasible:
    return Infeasible(
        message,
        rule="R21a",
        constraint=constraint,
        community_code=str(communities["code"].iloc[row]),
        community_name=str(communities["name"].iloc[row]),
        **facts,
    )


def _label_dedicated(
    atoms: gpd.GeoDataFrame,
    borders: SharedBorders,
    home: IntArray,
    chosen: npt.NDArray[np.bool_],
    label: IntArray,
) -> int:
    """Make each connected dedicated site of a community one cell; return the next free label."""
    if not chosen.any():
        return 0
    site = pd.factorize(atoms["site_id"])[0] if "site_id" in atoms else np.zeros(len(atoms), dtype=np.int64)
    pairs = borders.pairs
    same = (site[pairs[:, 0]] == site[pairs[:, 1]]) & (home[pairs[:, 0]] == home[pairs[:, 1]])
    piece = components(len(atoms), pairs[chosen[pairs].all(axis=1) & same])[chosen]
    _, numbers = np.unique(piece, return_inverse=True)
    label[chosen] = numbers
    return int(numbers.max()) + 1


def _graph_of(atoms: gpd.GeoDataFrame, borders: SharedBorders, demand: str) -> Graph:
    shapes = np.asarray(atoms.geometry.array, dtype=object)
    factor = np.ones(len(borders.pairs))
    for column, cost in (("site_id", COST_ON_WALL), ("block_id", COST_ON_ROAD)):
        if column in atoms:
            named = pd.factorize(atoms[column])[0][borders.pairs]
            factor[named[:, 0] != named[:, 1]] = cost
    return Graph(
        pairs=borders.pairs,
        lengths=borders.lengths_m,
        costs=borders.lengths_m * factor,
        weights=atoms[demand].to_numpy(dtype=np.float64),
        coordinates=shapely.get_coordinates(shapely.centroid(shapes)),
        area=shapely.area(shapes),
        perimeter=borders.perimeters_m,
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


def _require_frames(communities: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame, demand: str) -> None:
    crs = require_metric(atoms.crs)
    if not require_metric(communities.crs).equals(crs):
        raise WrongCrs("communities and atoms must be in one CRS", communities=str(communities.crs))
    missing = [c for c in ("code", "name") if c not in communities]
    missing += [c for c in ("atom_id", demand) if c not in atoms]
    if missing:
        raise InvalidInput("a column is missing", missing=missing)
    if len(atoms) == 0 or len(communities) == 0:
        raise InvalidInput(
            "there are no atoms or no communities", atoms=len(atoms), communities=len(communities)
        )
    values = pd.to_numeric(atoms[demand], errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        raise InvalidInput(
            "a demand is missing, negative or not a number",
            column=demand,
            atom_ids=[str(a) for a in atoms["atom_id"].to_numpy()[wrong][:10]],
        )
