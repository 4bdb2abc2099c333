"""The rivals at their best known settings, each community on its own, and ours.

Every side is ``divide(instance, seed) -> labels``; None of them is told more than the others. A rival that is
not installed is left out with a line that says so (``make bench-peers`` installs them).
"""

import functools
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from bench.partition_instances import FACTORS, Instance
from gridmgmt.errors import InvalidInput
from gridmgmt.planning import partition

Side = Callable[[Instance, int], Any]

SCALE = 1000.0
"""Rivals take whole numbers as lengths of edges: the mean edge has this many."""


def available() -> tuple[dict[str, Side], list[str]]:
    """The rivals by name, and lines about those that are not installed."""
    sides: dict[str, tuple[str, Side]] = {
        "metis": ("pymetis", functools.partial(_each, _metis_one)),
        "metis_best50": ("pymetis", functools.partial(_each, _metis_best)),
        "metis_even50": ("pymetis", functools.partial(_each, _metis_even)),
        "kahip_eco": ("kahip", functools.partial(_each, _kahip_one)),
        "kahip_best": ("kahip", functools.partial(_each, _kahip_best)),
        "kahip_even": ("kahip", functools.partial(_each, _kahip_even)),
        "mtkahypar_hq": ("mtkahypar", functools.partial(_each, _mtkahypar)),
        "gerry_tree": ("gerrychain", functools.partial(_each, _gerry_tree)),
    }
    found = {name: side for name, (module, side) in sides.items() if find_spec(module)}
    missing = [
        f"{name}: {module} is not installed" for name, (module, _) in sides.items() if name not in found
    ]
    return found, missing


def ours(instance: Instance, seed: int, preset: str = "default", previous: Any = None) -> Any:
    """Labels by the project's own engine, or None when it does not know the preset or previous plans yet."""
    given: dict[str, Any] = {
        "lengths": instance.lengths, "weights": instance.weights, "k": instance.k, "groups": instance.groups,
        "coordinates": instance.coordinates, "area": instance.area, "perimeter": instance.perimeter,
        "preset": preset, "seed": seed,
    }  # fmt: skip
    planned = getattr(partition, "plan_graph", None)
    try:
        if planned is not None:
            extra = {"factors": FACTORS[instance.line]}
            if previous is not None:
                extra["previous"] = previous
            return planned(instance.edges, **given, **extra).labels
        return None if previous is not None else partition.partition_graph(instance.edges, **given)
    except (InvalidInput, TypeError):
        return None


def _each(divide: Callable[..., Any], instance: Instance, seed: int) -> Any:
    """Divide each community on its own; labels are numbered through."""
    labels, first = np.zeros(len(instance.weights), dtype=np.int64), 0
    for group, nodes, edges, lengths in _communities(instance):
        count = instance.k[group]
        if count > 1:
            weights = instance.weights[nodes].round().astype(np.int64)
            labels[nodes] = first + np.asarray(divide(edges, lengths, weights, count, seed))
        else:
            labels[nodes] = first
        first += count
    return labels


def _communities(instance: Instance) -> Iterator[tuple[int, Any, Any, Any]]:
    whole = np.maximum(1, np.rint(instance.lengths / instance.lengths.mean() * SCALE)).astype(np.int64)
    local = np.zeros(len(instance.weights), dtype=np.int64)
    ends = instance.groups[instance.edges]
    for group in range(int(instance.groups.max()) + 1):
        nodes = np.flatnonzero(instance.groups == group)
        local[nodes] = np.arange(len(nodes))
        inner = (ends == group).all(axis=1)
        yield group, nodes, local[instance.edges[inner]], whole[inner]


def _rows(edges: Any, lengths: Any, nodes: int) -> tuple[Any, Any, Any]:
    both = np.concatenate([edges, edges[:, ::-1]])
    order = np.lexsort((both[:, 1], both[:, 0]))
    first = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=nodes))])
    return first, both[order, 1], np.concatenate([lengths, lengths])[order]


def _metis_one(edges: Any, lengths: Any, weights: Any, k: int, seed: int, loose: int = 30) -> Any:
    """k-way with contig=1, the only way in which METIS keeps parts whole."""
    import pymetis  # noqa: PLC0415

    first, neighbour, length = _rows(edges, lengths, len(weights))
    answer = pymetis.part_graph(
        k,
        pymetis.CSRAdjacency(first.tolist(), neighbour.tolist()),
        vweights=weights.tolist(),
        eweights=length.tolist(),
        options=pymetis.Options(contig=1, seed=seed, ufactor=loose),
        recursive=False,
    )
    return np.asarray(answer.vertex_part)


def _best(
    candidates: Iterator[Any], edges: Any, lengths: Any, weights: Any, k: int, *, even: bool = False
) -> Any:
    """Whole parts first, then the largest deviation in steps of 5 %, then the cut; or the mean deviation."""
    from gridmgmt.planning.coverage import components  # noqa: PLC0415

    def rank(label: Any) -> tuple[int, float, float]:
        same = label[edges[:, 0]] == label[edges[:, 1]]
        pieces = len(np.unique(components(len(label), edges[same])))
        load = np.bincount(label, weights, k)
        off = np.abs(load * k / weights.sum() - 1.0)
        step = float(off.mean()) if even else off.max() // 0.05
        return abs(pieces - k) + int((load == 0).sum()), step, float(lengths[~same].sum())

    return min(candidates, key=rank)


def _metis_best(edges: Any, lengths: Any, weights: Any, k: int, seed: int) -> Any:
    tries = (
        _metis_one(edges, lengths, weights, k, 1000 * seed + turn, loose)
        for turn, loose in enumerate((10, 30, 50, 100, 150) * 10)
    )
    return _best(tries, edges, lengths, weights, k)


def _metis_even(edges: Any, lengths: Any, weights: Any, k: int, seed: int) -> Any:
    """The most even of fifty, as tight as METIS goes."""
    tries = (
        _metis_one(edges, lengths, weights, k, 1000 * seed + turn, loose)
        for turn, loose in enumerate((1, 3, 5, 10, 20) * 10)
    )
    return _best(tries, edges, lengths, weights, k, even=True)


def _kahip_one(
    edges: Any, lengths: Any, weights: Any, k: int, seed: int, mode: str = "ECO", loose: float = 0.03
) -> Any:
    import kahip  # noqa: PLC0415

    first, neighbour, length = _rows(edges, lengths, len(weights))
    _, label = kahip.kaffpa(
        weights.tolist(), first.tolist(), length.tolist(), neighbour.tolist(), k, loose, True, seed,  # noqa: FBT003
        getattr(kahip, mode),
    )  # fmt: skip
    return np.asarray(label)


def _kahip_best(edges: Any, lengths: Any, weights: Any, k: int, seed: int) -> Any:
    tries = (
        _kahip_one(edges, lengths, weights, k, 1000 * seed + turn, mode, loose)
        for turn, (mode, loose) in enumerate([("STRONG", s) for s in (0.01, 0.03, 0.05, 0.1)] * 3)
    )
    return _best(tries, edges, lengths, weights, k)


def _kahip_even(edges: Any, lengths: Any, weights: Any, k: int, seed: int) -> Any:
    tries = (
        _kahip_one(edges, lengths, weights, k, 1000 * seed + turn, mode, loose)
        for turn, (mode, loose) in enumerate([("STRONG", s) for s in (0.005, 0.01, 0.02)] * 4)
    )
    return _best(tries, edges, lengths, weights, k, even=True)


@functools.cache
def _mtkahypar_started() -> Any:
    import mtkahypar  # noqa: PLC0415

    return mtkahypar.initialize(1)


def _mtkahypar(edges: Any, lengths: Any, weights: Any, k: int, seed: int) -> Any:
    import mtkahypar  # noqa: PLC0415

    started = _mtkahypar_started()
    mtkahypar.set_seed(seed)
    context = started.context_from_preset(mtkahypar.PresetType.HIGHEST_QUALITY)
    context.logging = False
    context.set_partitioning_parameters(k, 0.05, mtkahypar.Objective.CUT)
    graph = started.create_graph(
        context, len(weights), len(edges), edges.tolist(), weights.tolist(), lengths.tolist()
    )
    answer = graph.partition(context)
    return np.array([answer.block_id(node) for node in range(len(weights))])


def _gerry_tree(edges: Any, lengths: Any, weights: Any, k: int, seed: int) -> Any:  # noqa: ARG001
    """Recursive spanning-tree cuts; the smallest tolerance of a ladder that works."""
    import random  # noqa: PLC0415

    import networkx as nx  # noqa: PLC0415
    from gerrychain import Graph  # noqa: PLC0415
    from gerrychain.partition import recursive_tree_part  # noqa: PLC0415
    from gerrychain.tree import bipartition_tree  # noqa: PLC0415

    plain = nx.Graph()
    plain.add_nodes_from((node, {"weight": int(weight)}) for node, weight in enumerate(weights))
    plain.add_edges_from(edges.tolist())
    graph = Graph.from_networkx(plain)
    random.seed(seed)
    cut_tree = functools.partial(bipartition_tree, max_attempts=500)
    for loose in (0.05, 0.1, 0.2, 0.3, 0.5, 0.9):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                parts = recursive_tree_part(
                    graph, range(k), weights.sum() / k, "weight", loose, method=cut_tree
                )
        except (RuntimeError, KeyError):  # its ways of saying that a tree has no such cut
            continue
        return np.array([parts[node] for node in range(len(weights))])
    return np.zeros(len(weights), dtype=np.int64)
