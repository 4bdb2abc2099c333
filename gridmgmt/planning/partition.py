"""Propose duty grids 基本网格: cells inside communities, connected, balanced, compact, along roads.

Two doors to one engine (:mod:`gridmgmt.planning.search`):

* :func:`propose_cells` takes GeoDataFrames of communities and atoms and returns cells;
* :func:`partition_graph` takes a bare graph and returns labels, so that any instance of the literature can
be run.

What always holds: every node is in one cell, every cell is connected and not empty, no cell crosses a
community (or group), the number of cells is the one asked for. What is sought: the band of 300 to 500
households a cell, compact shapes, borders on roads (a border between blocks costs 0.3 of one through a
compound, a site's wall 0.6). What cannot be had is refused before the search with the community and the
constraint, never fudged.

Same input and seed, same plan: every community has a random stream of its own, made from the seed and its
code, so neither the order of the communities nor their number matters.

Not done here yet, and refused when asked for: other objectives and presets, time limits, a previous plan.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.allotment import cells_for, counts_for, require_tolerance, tolerated
from gridmgmt.planning.coverage import (
    IntArray,
    SharedBorders,
    components,
    dissolve,
    shared_borders,
)
from gridmgmt.planning.graph import Graph, checked_graph
from gridmgmt.planning.search import divide

Progress = Callable[[int, int], None]

COST_ON_ROAD: Final = 0.3
COST_ON_WALL: Final = 0.6
"""Cost of a metre of border between blocks, and between sites of a block; 1 elsewhere."""

NESTING_TOLERANCE_SHARE: Final = 0.01
"""Share of an atom that may lie outside its community: drawings of one line differ a little."""


def partition_graph(  # noqa: PLR0913  the door that instances of the literature fit through
    edges: npt.ArrayLike,
    *,
    lengths: npt.ArrayLike,
    weights: npt.ArrayLike,
    k: int | Mapping[Any, int] | None = None,
    target: float | None = None,
    groups: npt.ArrayLike | None = None,
    coordinates: npt.ArrayLike | None = None,
    area: npt.ArrayLike | None = None,
    perimeter: npt.ArrayLike | None = None,
    tolerance: float | None = None,
    objective: str = "balance",
    preset: str = "default",
    seed: int = 0,
    time_limit_s: float | None = None,
) -> IntArray:
    """Divide a graph into connected parts of like weight.

    Parameters
    ----------
    edges : (m, 2) pairs of nodes, each pair once.
    lengths : (m,) common border, in the unit of ``perimeter``.
    weights : (n,) demand of each node, at least 0.
    k : number of parts; with ``groups`` a mapping group → number. Either this or ``target``.
    target : wanted weight of a part; each connected piece of a group gets the number that comes nearest.
    groups : (n,) labels; no part crosses two groups.
    coordinates : (n, 2) places, for seeding and growing; without them the graph's own distances serve.
    area, perimeter : (n,) of the nodes; both or none. Without them shape is judged by cut length alone.
    tolerance : largest allowed deviation of a part from its group's mean, as a share.
    objective, preset, time_limit_s : only ``"balance"``, ``"default"`` and None for now.
    seed : of the random streams.

    Returns
    -------
    (n,) part of each node, 0 … K-1, numbered group by group.

    Raises
    ------
    InvalidInput
        Arrays that do not fit together, negative or not finite values, an option that is not supported yet.
    Infeasible
        More parts than nodes or fewer than connected pieces; a node heavier than the tolerance allows; no
        plan found within the tolerance. ``facts["constraint"]`` names which, ``facts["group"]`` where.
    """
    _refuse_unsupported(objective=objective, preset=preset, time_limit_s=time_limit_s)
    if (k is None) == (target is None):
        raise InvalidInput("give either k or target", k=str(k), target=target)
    graph = checked_graph(edges, lengths, weights, coordinates, area, perimeter)
    group = _group_labels(groups, graph.count)
    if isinstance(k, int) and len(np.unique(group)) > 1:
        raise InvalidInput("with several groups k is a mapping from group to number", k=k)
    label = np.full(graph.count, -1, dtype=np.int64)
    first = 0
    for name in np.unique(group):
        nodes = np.flatnonzero(group == name)
        pieces = graph.pieces(nodes)
        weight = [float(graph.weights[piece].sum()) for piece in pieces]
        counts = counts_for(
            [len(piece) for piece in pieces], weight, _wanted(k, name, weight, target), group=str(name)
        )
        for number, (piece, count) in enumerate(zip(pieces, counts, strict=True)):
            mean = float(graph.weights[piece].sum()) / count
            band = tolerated(graph.weights[piece], mean, tolerance, str(name))
            rng = _stream(seed, str(name), number)
            label[piece] = first + _divided(graph, piece, count, band, rng)
            first += count
    if tolerance is not None:
        require_tolerance(label, graph.weights, group, tolerance)
    return label


def propose_cells(
    communities: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    *,
    demand: str = "households",
    band: tuple[float, float] = (300, 500),
    target: float = 400,
    seed: int = 0,
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
    home = community_of_atoms(communities, atoms)
    borders = shared_borders(np.asarray(atoms.geometry.array, dtype=object))
    graph = _graph_of(atoms, borders, demand)
    dedicated = (
        atoms["dedicated"].to_numpy(dtype=bool) if "dedicated" in atoms else np.zeros(len(atoms), bool)
    )
    label = np.full(len(atoms), -1, dtype=np.int64)
    first = 0
    for number, (code, name) in enumerate(zip(communities["code"], communities["name"], strict=True)):
        here = home == number
        first = _label_dedicated(atoms, borders, here & dedicated, label, first)
        pieces = graph.pieces(np.flatnonzero(here & ~dedicated))
        for turn, piece in enumerate(pieces):
            where = {"community_code": str(code), "community_name": str(name)}
            weights = graph.weights[piece]
            count = cells_for(weights, band, target, pieces=len(pieces), **where)
            rng = _stream(seed, str(code), turn)
            label[piece] = first + _divided(graph, piece, count, band, rng)
            first += count
        if progress is not None:
            progress(number + 1, len(communities))
    return _dissolved(communities, atoms, home, label, dedicated, demand)


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
    chosen: npt.NDArray[np.bool_],
    label: IntArray,
    first: int,
) -> int:
    """Make each connected dedicated site one cell; return the next free label."""
    if not chosen.any():
        return first
    site = pd.factorize(atoms["site_id"])[0] if "site_id" in atoms else np.zeros(len(atoms), dtype=np.int64)
    pairs = borders.pairs
    joined = pairs[chosen[pairs].all(axis=1) & (site[pairs[:, 0]] == site[pairs[:, 1]])]
    piece = components(len(atoms), joined)[chosen]
    _, numbers = np.unique(piece, return_inverse=True)
    label[chosen] = first + numbers
    return first + int(numbers.max()) + 1


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


def _divided(
    graph: Graph, nodes: IntArray, count: int, band: tuple[float, float], rng: np.random.Generator
) -> IntArray:
    """Labels 0 … count-1 of the nodes of one connected piece."""
    if count == 1:
        return np.zeros(len(nodes), dtype=np.int64)
    mean = float(graph.weights[nodes].sum()) / count
    region = graph.region(nodes, count, rng)
    return np.asarray(divide(region, [mean] * count, [band] * count, rng=rng), dtype=np.int64)


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


def _stream(seed: int, name: str, number: int) -> np.random.Generator:
    """The random stream of one connected piece of one group: independent of all others and of their order."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidInput("the seed is a whole number of at least 0", seed=str(seed))
    return np.random.default_rng([int(seed), zlib.crc32(name.encode()), number])


def _wanted(k: int | Mapping[Any, int] | None, name: Any, weight: list[float], target: float | None) -> Any:
    if target is not None:
        if not (np.isfinite(target) and target > 0):
            raise InvalidInput("the target is a weight greater than 0", target=str(target))
        return [max(1, round(w / target)) for w in weight]
    if isinstance(k, Mapping):
        key = name.item() if hasattr(name, "item") else name
        if key not in k:
            raise InvalidInput("k has no number for a group", group=str(key))
        return int(k[key])
    return int(k or 0)


def _group_labels(groups: npt.ArrayLike | None, count: int) -> npt.NDArray[Any]:
    if groups is None:
        return np.zeros(count, dtype=np.int64)
    labels = np.asarray(groups)
    if labels.shape != (count,):
        raise InvalidInput("groups must name one group for each node", nodes=count, shape=list(labels.shape))
    return labels


def _refuse_unsupported(*, objective: str, preset: str, time_limit_s: float | None) -> None:
    if objective != "balance":
        raise InvalidInput("this objective is not supported yet", objective=objective, supported=["balance"])
    if preset != "default":
        raise InvalidInput("this preset is not supported yet", preset=preset, supported=["default"])
    if time_limit_s is not None:
        raise InvalidInput("a time limit is not supported yet: the search ends by itself")


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
