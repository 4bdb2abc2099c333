"""Unite what is too small to stand alone with the neighbour it belongs to most.

The smallest goes first. It joins the neighbour of its own group (community) with the greatest affinity,
metres of common border weighed by what runs there, so that a scrap of land rather joins the land it lies on
than the land beyond the road. What would become larger than the cap is not joined unless it must be.
Only labels change: geometry is dissolved later, so nothing is cut or moved.
"""

import heapq

import numpy as np
import numpy.typing as npt

from gridmgmt.planning.coverage import FloatArray, IntArray

Flags = npt.NDArray[np.bool_]


def merge_small(
    area_m2: FloatArray,
    pairs: IntArray,
    affinity: FloatArray,
    *,
    group: IntArray,
    smallest_m2: FloatArray,
    largest_m2: float,
    must: Flags,
) -> IntArray:
    """Label pieces so that small ones join a neighbour.

    Parameters
    ----------
    area_m2 : (n,) of the pieces. pairs, affinity : (m, 2) neighbours, each pair once, and (m,) their bond.
    group : (n,); two groups are never united.
    smallest_m2 : (n,) a piece below its own figure looks for a neighbour.
    largest_m2 : no union is larger, except for the sake of pieces that must.
    must : (n,) pieces that may not stand alone whatever the size of the union.

    Returns
    -------
    (n,) labels 0 … k-1 in the order of the first member. A piece that no neighbour can take stands alone.
    """
    n = len(area_m2)
    root = list(range(n))
    near = _neighbours(n, pairs, affinity, group)
    area, limit, forced = area_m2.tolist(), smallest_m2.tolist(), must.tolist()
    waiting = [(area[i], i) for i in range(n) if forced[i] or area[i] < limit[i]]
    heapq.heapify(waiting)
    while waiting:
        size, piece = heapq.heappop(waiting)
        if root[piece] != piece or size != area[piece]:
            continue
        fits = near[piece] if forced[piece] else {
            other: bond for other, bond in near[piece].items() if area[other] + size <= largest_m2
        }  # fmt: skip
        if not fits:
            continue
        taker = max(fits, key=lambda other: (round(fits[other], 4), -other))
        root[piece] = taker
        area[taker] += size
        for other, bond in near[piece].items():
            del near[other][piece]
            if other != taker:
                near[taker][other] = near[taker].get(other, 0.0) + bond
                near[other][taker] = near[taker][other]
        near[piece] = {}
        if forced[taker] or area[taker] < limit[taker]:
            heapq.heappush(waiting, (area[taker], taker))
    return _dense(root)


def _neighbours(n: int, pairs: IntArray, affinity: FloatArray, group: IntArray) -> list[dict[int, float]]:
    near: list[dict[int, float]] = [{} for _ in range(n)]
    within = group[pairs[:, 0]] == group[pairs[:, 1]]
    for (a, b), bond in zip(pairs[within].tolist(), affinity[within].tolist(), strict=True):
        near[a][b] = near[b][a] = bond
    return near


def _dense(root: list[int]) -> IntArray:
    for piece in range(len(root)):
        top = piece
        while root[top] != top:
            top = root[top]
        while root[piece] != top:
            root[piece], piece = top, root[piece]  # noqa: PLW2901  walks up and flattens the way
    _, first, label = np.unique(np.asarray(root, dtype=np.int64), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.asarray(rank[label.ravel()], dtype=np.int64)
