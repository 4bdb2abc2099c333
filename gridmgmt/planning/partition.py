"""The bare graph's door: any instance of the literature in, labels out; and both doors' names.

* :func:`~gridmgmt.planning.propose.propose_cells` takes GeoDataFrames of communities and atoms, returns cells
* :func:`plan_graph` takes arrays and returns labels with what is known about them
* :func:`partition_graph` is the same with labels alone

What always holds: every node is in one part, every part is connected and not empty, no part crosses a group,
the number of parts is the one asked for. The search is :mod:`gridmgmt.planning.search`; what it weighs, and
for how long, is a preset. A time limit only cuts it short: the labels are valid whenever it stops.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.allotment import counts_for, require_tolerance, tolerated
from gridmgmt.planning.bounds import Bounds, bounds_of
from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.cutedges import search_cut_edges
from gridmgmt.planning.engine import (
    Order,
    StoppedEarly,
    checked_limit,
    checked_seed,
    checked_threads,
    divided,
)
from gridmgmt.planning.graph import Graph, Layout, checked_graph
from gridmgmt.planning.propose import Progress, propose_cells
from gridmgmt.planning.search.presets import Preset, preset_named
from gridmgmt.planning.stopwatch import Stopwatch

__all__ = ["GraphPlan", "Progress", "StoppedEarly", "partition_graph", "plan_graph", "propose_cells"]

STRICT_BAND: Final = 40.0
"""Weight of the band's term when a tolerance is given: it is a demand then, not a wish."""


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """Labels, and what is known about them.

    Attributes
    ----------
    labels : (n,) part of each node, 0 … K-1, numbered group by group.
    finished : False when the time limit cut the search short.
    objective : what the search made small; see :mod:`gridmgmt.planning.search.costs`.
    bounds : what no plan with these parts can do better than, beside what this one reached.
    """

    labels: IntArray
    finished: bool
    objective: float
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Request:
    """What an objective's solver is given: a checked graph and what is wanted of it.

    Attributes
    ----------
    group : (n,) 0 …, no part crosses two; ``names`` of them as they were given.
    layout, counts : the connected pieces, group by group, and the parts of each; fixed nodes are in none.
    before : (n,) parts of the plan before, -1 for none; fixed nodes keep theirs. None without one.
    """

    graph: Graph
    group: IntArray
    names: npt.NDArray[Any]
    layout: Layout
    counts: list[int]
    before: IntArray | None
    tolerance: float | None
    preset: Preset
    seed: int
    time_limit_s: float | None
    threads: int
    progress: Progress | None


def _balanced(request: Request) -> tuple[IntArray, float, bool]:
    """``objective="balance"``: like weights, good shapes, borders where they are cheap."""
    graph, layout, preset = request.graph, request.layout, request.preset
    if request.tolerance is not None:
        terms = preset.terms
        aim = min(terms.tolerance_share, 0.5 * request.tolerance)
        terms = replace(terms, band=max(terms.band, STRICT_BAND), tolerance_share=aim)
        preset = replace(preset, terms=terms)
    orders: list[Order] = []
    number = 0
    for piece, count in enumerate(request.counts):
        number = number + 1 if piece and layout.group[piece] == layout.group[piece - 1] else 0
        name = str(request.names[layout.group[piece]])
        weights = graph.weights[layout.nodes[piece]]
        mean, band = float(weights.sum()) / count, None
        if request.tolerance is not None:
            band = tolerated(weights, mean, request.tolerance, name)
        orders.append(Order(name, number, count, band))
    outcome = divided(
        graph, layout, orders, preset, seed=request.seed, before=request.before,
        time_limit_s=request.time_limit_s, threads=request.threads, on_step=_shares(len(orders),
        request.progress),
    )  # fmt: skip
    if request.before is None:
        return outcome.label, outcome.objective, outcome.finished
    names, new = outcome.names.copy(), outcome.names < 0
    names[new] = request.before.max(initial=-1) + 1 + np.arange(new.sum())
    label = np.where(outcome.label >= 0, names[outcome.label], request.before)
    return label, outcome.objective, outcome.finished


def _fewest_cut_edges(request: Request) -> tuple[IntArray, float, bool]:
    """``objective="cut_edges"``: the literature's problem; see :mod:`gridmgmt.planning.cutedges`."""
    if request.before is not None:
        raise InvalidInput("the fewest cut edges are sought without a plan before", objective="cut_edges")
    graph, watch = request.graph, Stopwatch(request.time_limit_s)
    labels, first, cut, finished = np.zeros(graph.count, dtype=np.int64), 0, 0, True
    for nodes, count in zip(request.layout.nodes, request.counts, strict=True):
        inside = np.isin(graph.pairs, nodes).all(axis=1)
        found = search_cut_edges(
            np.searchsorted(nodes, graph.pairs[inside]), graph.weights[nodes], count,
            tolerance=request.tolerance, seed=request.seed, time_limit_s=watch.left_s(),
        )  # fmt: skip
        labels[nodes] = first + found.labels
        first, cut, finished = first + count, cut + found.cut_edges, finished and found.complete
    return labels, float(cut), finished


Solver = Callable[[Request], tuple[IntArray, float, bool]]
"""Labels, the objective reached, and whether the search came to its end."""

SOLVERS: Final[dict[str, Solver]] = {"balance": _balanced, "cut_edges": _fewest_cut_edges}
"""By the name of the objective. The door checks the input before and the tolerance after."""


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
    edges : (m, 2) pairs of nodes, each pair once, in any order.
    lengths : (m,) common border, in the unit of ``perimeter``.
    weights : (n,) demand of each node, at least 0.
    k : number of parts; with ``groups`` a mapping group → number. Either this or ``target``.
    target : wanted weight of a part; each connected piece of a group gets the number that comes nearest.
    groups : (n,) labels; no part crosses two groups.
    coordinates : (n, 2) places, for seeding and growing; without them the graph's own distances serve.
    area, perimeter : (n,) of the nodes; both or none. Without them shape is judged by cut length alone.
    tolerance : largest allowed deviation of a part from its group's mean, as a share.
    objective : ``"balance"``, or ``"cut_edges"``: the fewest cut edges within the tolerance.
    preset : ``flash``, ``city``, ``fast``, ``default``, ``tight``, ``compact``, ``road``, ``quality``; see
        :mod:`gridmgmt.planning.search.presets`.
    seed : of the random streams. Same input, seed and preset, same plan, on any number of processes and
        threads.
    time_limit_s : cuts the search short, after seeding at the earliest, and changes nothing else.

    Returns
    -------
    (n,) part of each node, 0 … K-1, numbered group by group.

    Warns
    -----
    StoppedEarly
        The time limit was reached before the search came to its end.

    Raises
    ------
    InvalidInput
        Arrays that do not fit together, negative or not finite values, an option that is not supported.
    Infeasible
        More parts than nodes or fewer than connected pieces; a node heavier than the tolerance allows; no
        plan found within the tolerance. ``facts["constraint"]`` names which, ``facts["group"]`` where,
        ``facts["relax"]`` what would help.
    """
    return plan_graph(
        edges, lengths=lengths, weights=weights, k=k, target=target, groups=groups, coordinates=coordinates,
        area=area, perimeter=perimeter, tolerance=tolerance, objective=objective, preset=preset, seed=seed,
        time_limit_s=time_limit_s,
    ).labels  # fmt: skip


def plan_graph(  # noqa: PLR0913  the door that instances of the literature fit through
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
    factors: npt.ArrayLike | None = None,
    work: npt.ArrayLike | None = None,
    tolerance: float | None = None,
    objective: str = "balance",
    preset: str = "default",
    seed: int = 0,
    time_limit_s: float | None = None,
    threads: int = 1,
    previous: npt.ArrayLike | None = None,
    fixed: npt.ArrayLike | None = None,
    progress: Progress | None = None,
) -> GraphPlan:
    """Divide a graph as :func:`partition_graph` does, and return what is known about the plan beside it.

    Parameters
    ----------
    factors : (m,) what a metre of border costs where it is drawn, from 0 to 1 and more: .2 on an arterial
        road or river, 1 where there is nothing; see :mod:`gridmgmt.planning.linecosts`.
    work : (n,) a second demand, such as hours of work; balanced beside the weights, never instead of them.
    previous : (n,) parts of the plan before, -1 for none. The search begins there and moves what pays for
        moving; parts that go on keep their number, new ones get numbers above all former ones.
    fixed : (n,) true for nodes whose former part stays as it is. Such a part is fixed as a whole, and ``k``
        counts it.
    threads : pieces searched at once; makes no difference to the plan.
    progress : called as ``progress(done, 1000)`` while the search goes on.
    """
    if objective not in SOLVERS:
        raise InvalidInput("there is no such objective", objective=objective, supported=list(SOLVERS))
    if (k is None) == (target is None):
        raise InvalidInput("give either k or target", k=str(k), target=target)
    graph = checked_graph(edges, lengths, weights, coordinates, area, perimeter, factors=factors, work=work)
    names, group = np.unique(_group_labels(groups, graph.count), return_inverse=True)
    if isinstance(k, int) and len(names) > 1:
        raise InvalidInput("with several groups k is a mapping from group to number", k=k)
    group = group.astype(np.int64)
    before, kept = former_parts(previous, fixed, graph.count)
    layout = Layout(graph, np.where(kept, -1, group))
    taken = np.array([len(np.unique(before[kept & (group == g)])) for g in range(len(names))])
    request = Request(
        graph=graph, group=group, names=names, layout=layout,
        counts=_counts(graph, layout, names, k, target, taken), before=None if previous is None else before,
        tolerance=tolerance, preset=preset_named(preset), seed=checked_seed(seed),
        time_limit_s=checked_limit(time_limit_s), threads=checked_threads(threads), progress=progress,
    )  # fmt: skip
    labels, reached, finished = SOLVERS[objective](request)
    if not finished:
        warnings.warn(StoppedEarly("the time limit cut the search short"), stacklevel=3)
    if tolerance is not None:
        require_tolerance(labels, graph.weights, names[group], tolerance)
    return GraphPlan(labels, finished, reached, bounds_of(graph.weights, group, labels))


def _counts(
    graph: Graph, layout: Layout, names: npt.NDArray[Any], k: Any, target: float | None, taken: IntArray
) -> list[int]:
    """Parts of each piece of the layout, those that are fixed taken off."""
    counts: list[int] = []
    starts = np.searchsorted(layout.group, np.arange(len(names) + 1))
    for number, name in enumerate(names):
        pieces = layout.nodes[starts[number] : starts[number + 1]]
        weight = [float(graph.weights[piece].sum()) for piece in pieces]
        wanted = _wanted(k, name, weight, target)
        if not isinstance(wanted, list):
            wanted -= int(taken[number])
            if wanted == 0 and not pieces:
                continue
        counts += counts_for([len(piece) for piece in pieces], weight, wanted, group=str(name))
    return counts


def former_parts(
    previous: npt.ArrayLike | None, fixed: npt.ArrayLike | None, count: int
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Return the former part of each node and whether it stays as it is.

    Raises
    ------
    InvalidInput
        Arrays of another length, parts that are no whole numbers, a fixed node without a former part, or a
        part of which only some nodes are fixed.
    """
    before = np.full(count, -1, dtype=np.int64)
    if previous is not None:
        given = np.asarray(previous)
        if given.shape != (count,) or not np.issubdtype(given.dtype, np.integer):
            raise InvalidInput("the plan before is one whole number for each node", argument="previous")
        before = np.maximum(given.astype(np.int64), -1)
    kept = np.zeros(count, dtype=np.bool_)
    if fixed is not None:
        kept = np.asarray(fixed, dtype=np.bool_)
        if kept.shape != (count,) or (before[kept] < 0).any():
            raise InvalidInput("only nodes of a former part can be fixed", argument="fixed")
        half = np.intersect1d(before[kept], before[~kept])
        if len(half):
            raise InvalidInput("a part is fixed as a whole", argument="fixed", part=int(half[0]))
    return before, kept


def _shares(pieces: int, progress: Progress | None) -> Callable[[int, float], None] | None:
    """Turn the shares of single pieces into one share of all."""
    if progress is None:
        return None
    done = np.zeros(pieces)

    def told(piece: int, share: float) -> None:
        done[piece] = share
        progress(round(1000 * float(done.mean())), 1000)

    return told


def _wanted(k: int | Mapping[Any, int] | None, name: Any, weight: list[float], target: float | None) -> Any:
    if target is not None:
        if not (np.isfinite(target) and target > 0):
            raise InvalidInput("the target is a weight greater than 0", target=str(target))
        return [max(1, round(w / target)) for w in weight]
    if isinstance(k, Mapping):
        key = name.item() if hasattr(name, "item") else name
        if key not in k:
            raise InvalidInput("k has no number for a group", group=str(key))
        return _whole(k[key])
    return _whole(k)


def _whole(k: Any) -> int:
    """Return a number of parts; ``range`` in the search would cut 1.5 down to 1 and say nothing."""
    if not isinstance(k, int | np.integer) or isinstance(k, bool):
        raise InvalidInput("a number of parts is a whole number", k=str(k))
    return int(k)


def _group_labels(groups: npt.ArrayLike | None, count: int) -> npt.NDArray[Any]:
    if groups is None:
        return np.zeros(count, dtype=np.int64)
    labels = np.asarray(groups)
    if labels.shape != (count,):
        raise InvalidInput("groups must name one group for each node", nodes=count, shape=list(labels.shape))
    return labels
