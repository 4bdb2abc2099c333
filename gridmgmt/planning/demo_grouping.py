"""The search that grouped the demo's sites into communities, kept so that its files can be made again.

Everything in the demo rests on the committed files, codes and places of communities among them. Duty grids
are drawn by :mod:`gridmgmt.planning.search`; this older search on lists draws nothing else than those
communities, and is not improved, because an improvement would move them.

Objective, summed over cells::

    share·d + excess·max(0, d - tolerance)² + band·(outside the band)/T + shape·(P / 2√(πA) - 1)
    + cut·length

with d = |W - T|/T for weight W and target T, area A and outline P. Steps: k-means++ centres on the weight;
the lightest cell takes its nearest free neighbour; simulated annealing of single moves along the borders;
then small neighbourhoods of cells are seeded and annealed again and kept when better.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

Move = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a plan is judged by; see the module's formula."""

    share: float = 1.0
    excess: float = 60.0
    band: float = 20.0
    shape: float = 1.2
    cut: float = 0.3
    tolerance_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to look: proposals per directed edge, rounds of re-solving, temperatures.

    ``rounds`` counts per cell; a small region gets at least ``least_rounds`` and, each time,
    ``least_proposals``.
    """

    anneal: float = 60.0
    rounds: float = 4.0
    least_rounds: int = 16
    least_proposals: int = 2500
    again: float = 24.0
    hot: float = 1.0
    cold: float = 0.01
    starts: int = 3


@dataclass(frozen=True, slots=True)
class Region:
    """One connected graph to be divided.

    Attributes
    ----------
    neighbours : for each node its (neighbour, shared length, cost of cutting there).
    weight, area, perimeter : per node; area and perimeter all 0 when shape does not count.
    distance_xy : per node, coordinates for seeding and growing.
    """

    neighbours: list[list[tuple[int, float, float]]]
    weight: list[float]
    area: list[float]
    perimeter: list[float]
    distance_xy: list[tuple[float, float]]


DEFAULT_WEIGHTS: Final = Weights()
DEFAULT_EFFORT: Final = Effort()


class Division:
    """A region divided into cells, with the sums that the objective needs kept up to date."""

    __slots__ = (
        "area",
        "band",
        "costs",
        "label",
        "perimeter",
        "region",
        "size",
        "targets",
        "terms",
        "weight",
    )

    def __init__(
        self,
        region: Region,
        label: list[int],
        targets: Sequence[float],
        band: Sequence[tuple[float, float]],
        terms: Weights,
    ) -> None:
        self.region, self.label, self.terms = region, label, terms
        self.targets, self.band = list(targets), list(band)
        k = len(self.targets)
        self.weight, self.area, self.perimeter = [0.0] * k, [0.0] * k, [0.0] * k
        self.size = [0] * k
        for node, cell in enumerate(label):
            self.weight[cell] += region.weight[node]
            self.area[cell] += region.area[node]
            self.size[cell] += 1
            inner = sum(length for other, length, _ in region.neighbours[node] if label[other] == cell)
            self.perimeter[cell] += region.perimeter[node] - inner
        self.costs = [
            self.cell_cost(cell, (self.weight[cell], self.area[cell], self.perimeter[cell]))
            for cell in range(k)
        ]

    def cell_cost(self, cell: int, sums: Move) -> float:
        """Cost of a cell that had these sums (weight, area, outline)."""
        weight, area, perimeter = sums
        terms, target = self.terms, self.targets[cell]
        low, high = self.band[cell]
        off = abs(weight - target) / target
        cost = terms.share * off
        if off > terms.tolerance_share:
            cost += terms.excess * (off - terms.tolerance_share) ** 2
        if weight > high:
            cost += terms.band * (weight - high) / target
        elif weight < low:
            cost += terms.band * (low - weight) / target
        if area > 0.0:
            cost += terms.shape * (perimeter / math.sqrt(4.0 * math.pi * area) - 1.0)
        return cost

    def change(self, node: int, to: int) -> tuple[float, Move, Move]:
        """Change of the objective if ``node`` went to cell ``to``, and the sums both cells would have."""
        region, label = self.region, self.label
        source = label[node]
        with_source = with_target = paid = 0.0
        for other, length, cost in region.neighbours[node]:
            where = label[other]
            if where == source:
                with_source += length
                paid += cost
            elif where == to:
                with_target += length
                paid -= cost
        weight, area, outline = region.weight[node], region.area[node], region.perimeter[node]
        left = (
            self.weight[source] - weight,
            self.area[source] - area,
            self.perimeter[source] - outline + 2.0 * with_source,
        )
        joined = (
            self.weight[to] + weight,
            self.area[to] + area,
            self.perimeter[to] + outline - 2.0 * with_target,
        )
        before = self.costs[source] + self.costs[to]
        after = self.cell_cost(source, left) + self.cell_cost(to, joined)
        return after - before + self.terms.cut * paid, left, joined

    def move(self, node: int, to: int, left: Move, joined: Move) -> None:
        """Put ``node`` into cell ``to``; ``left`` and ``joined`` are what :meth:`change` returned."""
        source = self.label[node]
        self.label[node] = to
        self.size[source] -= 1
        self.size[to] += 1
        for cell, sums in ((source, left), (to, joined)):
            self.weight[cell], self.area[cell], self.perimeter[cell] = sums
            self.costs[cell] = self.cell_cost(cell, sums)

    def may_leave(self, node: int) -> bool:
        """Whether the cell of ``node`` is still one non-empty piece without it."""
        label, neighbours = self.label, self.region.neighbours
        cell = label[node]
        if self.size[cell] == 1:
            return False
        wanted = {other for other, _, _ in neighbours[node] if label[other] == cell}
        if len(wanted) <= 1:
            return True
        start = wanted.pop()
        seen, stack = {node, start}, [start]
        while stack:
            for other, _, _ in neighbours[stack.pop()]:
                if other not in seen and label[other] == cell:
                    wanted.discard(other)
                    if not wanted:
                        return True
                    seen.add(other)
                    stack.append(other)
        return False

    def cut_cost(self, nodes: Sequence[int]) -> float:
        """Twice the cost of the borders between ``nodes`` that are cut."""
        label = self.label
        return sum(
            cost
            for node in nodes
            for other, _, cost in self.region.neighbours[node]
            if label[other] != label[node]
        )

    def total(self) -> float:
        """The objective."""
        return sum(self.costs) + self.terms.cut * self.cut_cost(range(len(self.label))) / 2.0


def grown(
    region: Region,
    nodes: Sequence[int],
    cells: Sequence[int],
    targets: Sequence[float],
    rng: np.random.Generator,
) -> dict[int, int]:
    """Divide connected ``nodes`` among ``cells``: k-means++ centres, then the lightest cell grows first.

    Returns
    -------
    Node → cell. Cells are connected and none is empty, whatever the weights.
    """
    taken: dict[int, int] = {}
    centres = _centres(region, nodes, len(cells), rng)
    inside = set(nodes)
    load = dict.fromkeys(cells, 0.0)
    place = {}
    for cell, node in zip(cells, centres, strict=True):
        taken[node], place[cell] = cell, region.distance_xy[node]
        load[cell] += region.weight[node]
    fringe: dict[int, set[int]] = {cell: set() for cell in cells}
    growing = set(cells)

    def reach(node: int) -> None:
        fringe[taken[node]].update(o for o, _, _ in region.neighbours[node] if o in inside)

    for node in centres:
        reach(node)
    while growing:
        cell = min(growing, key=lambda c: (load[c] / targets[c], c))
        fringe[cell] = {node for node in fringe[cell] if node not in taken}
        if not fringe[cell]:
            growing.discard(cell)
            continue
        x, y = place[cell]
        nearest = min(
            fringe[cell],
            key=lambda n: ((region.distance_xy[n][0] - x) ** 2 + (region.distance_xy[n][1] - y) ** 2, n),
        )
        taken[nearest] = cell
        load[cell] += region.weight[nearest]
        reach(nearest)
    return taken


def _centres(region: Region, nodes: Sequence[int], k: int, rng: np.random.Generator) -> list[int]:
    """Pick k distinct nodes, far apart and where the weight is."""
    xy = np.asarray([region.distance_xy[node] for node in nodes])
    mass = np.asarray([region.weight[node] for node in nodes]) + 1e-9
    chosen = [int(rng.choice(len(nodes), p=mass / mass.sum()))]
    away = np.full(len(nodes), np.inf)
    for _ in range(k - 1):
        away = np.minimum(away, ((xy - xy[chosen[-1]]) ** 2).sum(axis=1))
        pull = mass * away + 1e-12
        pull[chosen] = 0.0
        chosen.append(int(rng.choice(len(nodes), p=pull / pull.sum())))
    return [nodes[position] for position in chosen]


def anneal(
    state: Division,
    borders: Sequence[tuple[int, int]],
    rng: np.random.Generator,
    proposals: int,
    heat: tuple[float, float],
) -> None:
    """Move single nodes across ``borders`` (directed node pairs) at falling temperature, end on the best.

    Parameters
    ----------
    state : changed in place; connected before and after.
    proposals : how many borders are drawn; those inside a cell cost next to nothing.
    heat : first and last temperature, in units of the objective.
    """
    if not borders or proposals <= 0:
        return
    label = state.label
    drawn = rng.integers(len(borders), size=proposals).tolist()
    luck = np.log(rng.random(proposals) + 1e-300).tolist()
    hot, cold = heat
    temperatures = (hot * (cold / hot) ** (np.arange(proposals) / proposals)).tolist()
    energy = best = 0.0
    undo: list[tuple[int, int]] = []
    for pick, chance, heat_now in zip(drawn, luck, temperatures, strict=True):
        node, other = borders[pick]
        to = label[other]
        if label[node] == to:
            continue
        change, left, joined = state.change(node, to)
        if change > -heat_now * chance or not state.may_leave(node):
            continue
        undo.append((node, label[node]))
        state.move(node, to, left, joined)
        energy += change
        if energy < best - 1e-12:
            best = energy
            undo.clear()
    # Walk back to the best state that was met: each step was a legal move, so its reverse restores the sums.
    for node, source in reversed(undo):
        _, left, joined = state.change(node, source)
        state.move(node, source, left, joined)


def divide(
    region: Region,
    targets: Sequence[float],
    band: Sequence[tuple[float, float]],
    *,
    rng: np.random.Generator,
    terms: Weights = DEFAULT_WEIGHTS,
    effort: Effort = DEFAULT_EFFORT,
) -> list[int]:
    """Divide a connected region into ``len(targets)`` connected cells.

    Parameters
    ----------
    region : the graph; at least as many nodes as cells.
    targets : wanted weight of each cell, greater than 0.
    band : lowest and highest weight of each cell, both allowed.

    Returns
    -------
    Cell of each node. The same input and generator state give the same labels on every machine.
    """
    nodes = range(len(region.weight))
    borders = [(node, other) for node in nodes for other, _, _ in region.neighbours[node]]
    trials = []
    for _ in range(effort.starts):
        seeded = grown(region, nodes, range(len(targets)), targets, rng)
        trial = Division(region, [seeded[node] for node in nodes], targets, band, terms)
        proposals = max(effort.least_proposals, int(effort.anneal * len(borders)))
        anneal(trial, borders, rng, proposals, (effort.hot, effort.cold))
        trials.append(trial)
    best = min(trials, key=Division.total)
    for turn in range(max(effort.least_rounds, round(effort.rounds * len(targets)))):
        best = _solved_again(best, turn, effort, rng)
    return best.label


def _solved_again(state: Division, turn: int, effort: Effort, rng: np.random.Generator) -> Division:
    """Divide two to four adjacent cells anew, every other time from new seeds; keep what is better."""
    cells = _neighbourhood(state, rng)
    if len(cells) < 2:
        return state
    chosen = set(cells)
    nodes = [node for node, cell in enumerate(state.label) if cell in chosen]
    inside = set(nodes)
    borders = [
        (node, other) for node in nodes for other, _, _ in state.region.neighbours[node] if other in inside
    ]
    label = list(state.label)
    again = turn % 2 == 0
    if again:
        for node, cell in grown(state.region, nodes, cells, state.targets, rng).items():
            label[node] = cell
    trial = Division(state.region, label, state.targets, state.band, state.terms)
    hot = effort.hot if again else effort.hot / 2.0
    proposals = max(effort.least_proposals, int(effort.again * len(borders)))
    anneal(trial, borders, rng, proposals, (hot, effort.cold))
    return trial if trial.total() < state.total() - 1e-9 else state


def _neighbourhood(state: Division, rng: np.random.Generator) -> list[int]:
    """A random cell and one to three more, each adjacent to one already taken."""
    wanted = int(rng.integers(2, 5))
    cells = [int(rng.integers(len(state.targets)))]
    while len(cells) < wanted:
        around = sorted(
            {
                state.label[other]
                for node, cell in enumerate(state.label)
                if cell in cells
                for other, _, _ in state.region.neighbours[node]
            }
            - set(cells)
        )
        if not around:
            break
        cells.append(around[int(rng.integers(len(around)))])
    return sorted(cells)
