"""From the plan before to a state that the search can begin with.

Cells keep their identity. What has changed on the ground is mended first: a cell that has come apart keeps
its heaviest part, new atoms join the neighbour they share most border with. If more cells are wanted, the
heaviest is split; if fewer, the lightest joins its lightest neighbour. Then the search moves what pays for
moving.
"""

import heapq
from typing import Final, NamedTuple

import numpy as np

from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.search.arrays import LENGTH, OTHER, WEIGHT, Int32Array, Piece
from gridmgmt.planning.search.walks import component_labels

NOWHERE: Final = -1


class WarmStart(NamedTuple):
    """A division to begin with.

    Attributes
    ----------
    label : (n,) cell of each node; heavy nodes' cells come first, in the order of those nodes.
    names : (k,) the former cell that a cell goes on as, -1 for a new one.
    """

    label: Int32Array
    names: IntArray


def warm_start(piece: Piece, before: IntArray, count: int, heavy: IntArray) -> WarmStart | None:
    """Return a division into ``count`` cells as near to the former one as can be.

    Parameters
    ----------
    before : (n,) former cell of each node, -1 for none.
    heavy : nodes that get a cell of their own, fewer than ``count``.

    Returns
    -------
    None when no node but heavy ones was in a cell before.
    """
    work = _Mending(piece, before, heavy)
    if not work.names or len(work.names) == len(heavy) < count:
        return None
    work.fill()
    while len(work.names) > count:
        work.merge_lightest()
    while len(work.names) < count:
        work.split_heaviest()
    return work.result()


class _Mending:
    """A division that is being mended: label of each node, former cell and weight of each cell."""

    def __init__(self, piece: Piece, before: IntArray, heavy: IntArray) -> None:
        self.piece = piece
        self.weight = piece.node[:, WEIGHT]
        self.label = np.full(len(before), NOWHERE, dtype=np.int64)
        self.names: dict[int, int] = {}
        self.heavy = set(range(len(heavy)))
        former = before.copy()
        for cell, node in enumerate(heavy.tolist()):
            self.label[node] = cell
            alone = former[node] >= 0 and self.weight[former == former[node]].sum() <= self.weight[node]
            self.names[cell] = int(former[node]) if alone else NOWHERE
            if alone:
                former[former == former[node]] = NOWHERE
            former[node] = NOWHERE
        for name, nodes in self._parts_kept(former):
            cell = len(self.names)
            self.label[nodes] = cell
            self.names[cell] = name

    def _parts_kept(self, former: IntArray) -> list[tuple[int, IntArray]]:
        """The heaviest connected part of each former cell; of equal ones the one with the first node."""
        source = np.repeat(np.arange(len(former)), np.diff(self.piece.first))
        target = self.piece.edge[:, OTHER].astype(np.int64)
        same = (former[source] == former[target]) & (former[source] >= 0)
        part = component_labels(len(former), np.column_stack([source[same], target[same]]))
        found: dict[int, tuple[float, int, int]] = {}
        mass = np.bincount(part, self.weight, len(former))
        size = np.bincount(part, minlength=len(former))
        for root in np.unique(part[former >= 0]).tolist():
            claim = (float(mass[root]), int(size[root]), -root)
            name = int(former[root])
            found[name] = max(found.get(name, claim), claim)
        return [(name, np.flatnonzero(part == -claim[2])) for name, claim in sorted(found.items())]

    def around(self, node: int) -> list[tuple[int, float]]:
        """Neighbours of a node and the lengths of border with them."""
        edges = slice(self.piece.first[node], self.piece.first[node + 1])
        return list(
            zip(
                self.piece.edge[edges, OTHER].tolist(),
                self.piece.border[edges, LENGTH].tolist(),
                strict=True,
            )
        )

    def fill(self) -> None:
        """Give nodes without a cell to the neighbour with most border; a heavy node's cell comes last."""
        waiting = np.flatnonzero(self.label == NOWHERE).tolist()
        while waiting:
            later, chosen = [], []
            for node in waiting:
                shared: dict[int, float] = {}
                for other, length in self.around(node):
                    cell = int(self.label[other])
                    if cell != NOWHERE:
                        shared[cell] = shared.get(cell, 0.0) + length
                if shared:
                    best = min(shared, key=lambda c: (c in self.heavy, -shared[c], c))
                    chosen.append((node, best))
                else:
                    later.append(node)
            for node, cell in chosen:
                self.label[node] = cell
            waiting = later

    def mass(self) -> dict[int, float]:
        """Weight of each cell."""
        sums = np.bincount(self.label, self.weight, max(self.names) + 1)
        return {cell: float(sums[cell]) for cell in self.names}

    def merge_lightest(self) -> None:
        """Join the lightest cell to its lightest neighbour; the heavier one's identity stays."""
        mass = self.mass()
        light = min((c for c in self.names if c not in self.heavy), key=lambda c: (mass[c], c))
        beside = {
            int(self.label[other])
            for node in np.flatnonzero(self.label == light).tolist()
            for other, _ in self.around(node)
        } - {light}
        other = min(beside, key=lambda c: (c in self.heavy, mass[c], c))
        self.label[self.label == light] = other
        del self.names[light]

    def split_heaviest(self) -> None:
        """Divide the heaviest cell that can be divided in two; the heavier part goes on as the old cell."""
        mass = self.mass()
        sizes = np.bincount(self.label, minlength=max(self.names) + 1)
        able = [c for c in self.names if sizes[c] > 1]
        cell = max(able, key=lambda c: (c not in self.heavy, mass[c], -c))
        new = max(self.names) + 1
        nodes = np.flatnonzero(self.label == cell)
        place = self.piece.place[nodes]
        one = int(np.argmax(((place - place.mean(axis=0)) ** 2).sum(axis=1)))
        away = ((place - place[one]) ** 2).sum(axis=1)
        away[one] = -1.0
        seeds = [int(nodes[one]), int(nodes[int(np.argmax(away))])]
        parts = self._grown(set(nodes.tolist()), seeds)
        parts.sort(key=lambda part: (-self.weight[part].sum(), -len(part), part[0]))
        if cell in self.heavy:
            # The heavy node stays where its name is, however light what leaves it.
            parts.sort(key=lambda part: -float(self.weight[part].max()))
        self.label[parts[1]] = new
        self.names[new] = NOWHERE

    def _grown(self, free: set[int], seeds: list[int]) -> list[list[int]]:
        """Two connected parts of ``free``, the lighter growing first, nearest nodes first."""
        parts: list[list[int]] = [[], []]
        load = [0.0, 0.0]
        fringe: list[list[tuple[float, int]]] = [[], []]
        place = self.piece.place

        def take(side: int, node: int) -> None:
            free.discard(node)
            parts[side].append(node)
            load[side] += float(self.weight[node]) + 1e-12
            for other, _ in self.around(node):
                if other in free:
                    away = float(((place[other] - place[seeds[side]]) ** 2).sum())
                    heapq.heappush(fringe[side], (away, other))

        free -= set(seeds)
        take(0, seeds[0])
        take(1, seeds[1])
        while free:
            side = 0 if load[0] <= load[1] else 1
            for tried in (side, 1 - side):
                while fringe[tried] and fringe[tried][0][1] not in free:
                    heapq.heappop(fringe[tried])
                if fringe[tried]:
                    take(tried, heapq.heappop(fringe[tried])[1])
                    break
        return parts

    def result(self) -> WarmStart:
        """Number the cells: heavy nodes' first, then those that go on, then new ones."""
        order = sorted(
            self.names, key=lambda c: (c not in self.heavy, c if c in self.heavy else 0, self.names[c] < 0, c)
        )
        number = np.full(max(self.names) + 1, NOWHERE, dtype=np.int32)
        number[order] = np.arange(len(order))
        return WarmStart(number[self.label], np.array([self.names[cell] for cell in order], dtype=np.int64))
