"""The engine at the desk: a cell split in two balanced halves, and everything that is not frozen made better.

The engine begins with what lies on the desk and is charged for each household that it moves, so that what the
hand has done is kept unless it pays to change it. The number of cells stays. Same division, preset and seed:
same result.
"""

import numpy as np

from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.editing_division import Division, Refusal, held, refusal
from gridmgmt.planning.editing_ground import Ground
from gridmgmt.planning.editing_moves import split_off
from gridmgmt.planning.engine import Order, checked_limit, checked_seed, divided
from gridmgmt.planning.graph import Layout
from gridmgmt.planning.partition import plan_graph
from gridmgmt.planning.search.presets import preset_named


def halved(
    ground: Ground, division: Division, cell: int, *, preset: str = "quality", seed: int = 0
) -> Division | Refusal:
    """Split a cell in two connected halves of like demand; the lighter one becomes the new cell."""
    atoms = division.atoms_of(cell)
    stuck = held(ground, division, [cell])
    if stuck is not None:
        return stuck
    if len(atoms) < 2:
        return refusal(ground, division, "not_empty", (cell,), atoms)
    graph = ground.graph
    place = np.full(ground.count, -1, dtype=np.int64)
    place[atoms] = np.arange(len(atoms))
    inside = (place[graph.pairs] >= 0).all(axis=1)
    weights = graph.weights[atoms]
    factors = graph.costs[inside] / np.maximum(graph.lengths[inside], 1e-9)
    half = plan_graph(
        place[graph.pairs[inside]], lengths=graph.lengths[inside], factors=factors,
        # Nobody lives there: halves of like ground are as good as any.
        weights=weights if weights.sum() > 0 else graph.area[atoms],
        k=2, coordinates=None if graph.coordinates is None else graph.coordinates[atoms],
        area=graph.area[atoms], perimeter=graph.perimeter[atoms], preset=preset, seed=seed,
    ).labels  # fmt: skip
    lighter = min((0, 1), key=lambda part: (float(weights[half == part].sum()), -part))
    return split_off(ground, division, atoms[half == lighter])


def reoptimised(
    ground: Ground,
    division: Division,
    *,
    communities: list[int] | None = None,
    preset: str = "default",
    seed: int = 0,
    time_limit_s: float | None = None,
) -> Division | Refusal:
    """Let the engine go on from here; frozen cells and dedicated grids stay as they are.

    Parameters
    ----------
    communities : rows of those that are searched; all when None.
    """
    chosen, limit = preset_named(preset), checked_limit(time_limit_s)
    kept = np.isin(division.label, [*ground.dedicated, *division.frozen])
    if communities is not None:
        kept |= ~np.isin(ground.home, communities)
    if kept.all():
        return refusal(ground, division, "frozen")
    layout = Layout(ground.graph, np.where(kept, -1, ground.home))
    begun: dict[int, int] = {}
    orders = []
    for row, nodes in zip(layout.group.tolist(), layout.nodes, strict=True):
        number = begun[row] = begun.get(row, -1) + 1
        # A cell is connected, so it lies in one piece whole, and each piece keeps its number of cells.
        cells = len(np.unique(division.label[nodes]))
        orders.append(Order(ground.community_codes[row], number, cells, ground.band))
    found = divided(
        ground.graph, layout, orders, chosen, seed=checked_seed(seed),
        before=np.where(kept, -1, division.label), time_limit_s=limit,
    )  # fmt: skip
    label = _renamed(found.label, found.names, division)
    if np.array_equal(label, division.label):
        return refusal(ground, division, "nothing_changes")
    return Division(label, max(division.following, int(label.max()) + 1), division.frozen)


def _renamed(found: IntArray, names: IntArray, division: Division) -> IntArray:
    """Give the cells their numbers back; one that is nobody's heir gets a new number."""
    names = names.copy()
    new = np.flatnonzero(names < 0)
    names[new] = division.following + np.arange(len(new))
    searched = found >= 0
    label = division.label.copy()
    label[searched] = names[found[searched]]
    return label
