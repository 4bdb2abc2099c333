"""How many cells: the whole numbers that are settled before any border is drawn, and what cannot be.

A community of W households can keep to a band [low, high] only with k cells where low ≤ W/k ≤ high; between
500 and 600 households there is no such k for the band 300 to 500. And an atom is never divided, so one atom
above the band makes any plan fail. Both are found here, by arithmetic, so that the refusal names the true
reason.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray

ROUNDING: Final = 1e-9


def feasible_counts(demand: float, band: tuple[float, float]) -> range:
    """Return every number of cells whose mean lies in the band, both ends included; may be empty.

    Parameters
    ----------
    band : lowest and highest demand of a cell, both greater than 0.

    Examples
    --------
    >>> list(feasible_counts(900, (300, 500))), list(feasible_counts(550, (300, 500)))
    ([2, 3], [])
    """
    low, high = band
    # A sum of fractions may miss a bound by its last bits; that is no reason to refuse.
    least, most = math.ceil(demand / high - ROUNDING), math.floor(demand / low + ROUNDING)
    return range(max(1, least), most + 1)


def cells_for(
    weights: FloatArray,
    band: tuple[float, float],
    target: float,
    *,
    pieces: int = 1,
    own_cell: bool = False,
    **where: Any,
) -> int:
    """Return the number of cells whose mean comes nearest to the target among those that keep to the band.

    Parameters
    ----------
    weights : demand of the atoms of one connected piece of a community.
    band : lowest and highest demand of a cell, both allowed.
    target : wanted demand; of two equally near means the larger number of cells wins.
    pieces : how many connected pieces the community is in.
    own_cell : give each atom above the band a cell of its own, outside the band, and count the rest apart.
    where : facts that name the place.

    Raises
    ------
    InvalidInput
        The band is no band, or the target lies outside it.
    Infeasible
        ``household_band``, ``indivisible_atom``, ``atoms`` (fewer atoms than cells) or ``contiguous`` (one
        of several pieces has too little demand for a cell of its own).
    """
    low, high = band
    heavy = weights > high
    if own_cell and heavy.any():
        rest = weights[~heavy]
        own = int(heavy.sum())
        # What is left beside the heavy atoms: nobody, or enough for cells of its own.
        return own if rest.sum() <= 0 else own + cells_for(rest, band, target, pieces=pieces, **where)
    if not (0 < low <= target <= high < math.inf):
        raise InvalidInput(
            "the band must hold the target: 0 < low ≤ target ≤ high", band=list(band), target=target
        )
    demand = float(weights.sum())
    counts = feasible_counts(demand, band)
    if not counts:
        raise Infeasible(
            "no number of cells keeps to the band",
            rule="R21a",
            constraint="contiguous" if pieces > 1 and demand < low else "household_band",
            demand=demand,
            band=list(band),
            nearest=[round(demand / k, 1) for k in _around(demand, target)],
            relax="join it to a neighbour or widen the band to the nearest mean",
            **where,
        )
    if weights.max() > high:
        raise Infeasible(
            "one atom alone is above the band and cannot be divided",
            rule="R21a",
            constraint="indivisible_atom",
            demand=float(weights.max()),
            band=list(band),
            relax="divide the land by hand, make it a dedicated grid, or allow it a cell of its own",
            **where,
        )
    count = min(counts, key=lambda k: (abs(demand / k - target), -k))
    if count > len(weights):
        raise Infeasible(
            "there are fewer atoms than cells",
            rule="R21a",
            constraint="atoms",
            atoms=len(weights),
            cells=count,
            relax="divide the land into smaller atoms, or raise the target",
            **where,
        )
    return count


def _around(demand: float, target: float) -> list[int]:
    below = max(1, math.floor(demand / target))
    return [below, below + 1]


def counts_for(sizes: list[int], weights: list[float], wanted: int | list[int], *, group: str) -> list[int]:
    """Share the parts of a group among its connected pieces.

    Parameters
    ----------
    sizes, weights : nodes and demand of each piece.
    wanted : parts of each piece, or of the whole group: then every piece gets one, and each further part goes
        where the mean is largest (D'Hondt).

    Raises
    ------
    InvalidInput
        Fewer than one part.
    Infeasible
        More parts than nodes (``atoms``), or fewer than pieces (``contiguous``).
    """
    if isinstance(wanted, list):
        counts = [min(count, size) for count, size in zip(wanted, sizes, strict=True)]
        return counts
    if wanted < 1:
        raise InvalidInput("the number of parts is at least 1", group=group, k=wanted)
    if wanted > sum(sizes):
        raise Infeasible(
            "more parts than nodes",
            constraint="atoms",
            group=group,
            k=wanted,
            nodes=sum(sizes),
            relax="fewer parts",
        )
    if wanted < len(sizes):
        raise Infeasible(
            "fewer parts than connected pieces",
            constraint="contiguous",
            group=group,
            k=wanted,
            pieces=len(sizes),
            relax="at least one part for each piece, or an edge that joins them",
        )
    counts = [1] * len(sizes)
    for _ in range(wanted - len(sizes)):
        open_pieces = [i for i, size in enumerate(sizes) if counts[i] < size]
        counts[max(open_pieces, key=lambda i: (weights[i] / counts[i], -i))] += 1
    return counts


def tolerated(weights: FloatArray, mean: float, tolerance: float | None, group: str) -> tuple[float, float]:
    """Return the band that a tolerance means for parts of this mean, (0, ∞) for none.

    Raises
    ------
    InvalidInput
        A tolerance that is not between 0 and 1.
    Infeasible
        A node alone is heavier than the band (``indivisible_atom``).
    """
    if tolerance is None:
        return 0.0, math.inf
    if not 0 <= tolerance <= 1:
        raise InvalidInput("the tolerance is a share from 0 to 1", tolerance=str(tolerance))
    high = mean * (1.0 + tolerance)
    if weights.max() > high:
        raise Infeasible(
            "one node is heavier than a part may be",
            constraint="indivisible_atom",
            group=group,
            weight=float(weights.max()),
            highest=high,
            relax=f"a tolerance of at least {weights.max() / mean - 1.0:.4f}" if mean > 0 else "more weight",
        )
    return mean * (1.0 - tolerance), high


def require_tolerance(
    label: IntArray, weights: FloatArray, group: npt.NDArray[Any], tolerance: float
) -> None:
    """Refuse labels with a part farther than ``tolerance`` from the mean of its group.

    Raises
    ------
    Infeasible
        ``balanced``: the search found no such plan; ``facts`` give the best deviation it reached. This is no
        proof that there is none.
    """
    part, first = np.unique(label, return_index=True)
    weight = np.bincount(label, weights, len(part))
    _, of_group = np.unique(group[first], return_inverse=True)
    mean = (np.bincount(of_group, weight) / np.bincount(of_group))[of_group]
    deviation = np.abs(weight - mean) / np.where(mean > 0, mean, 1.0)
    worst = int(deviation.argmax())
    if deviation[worst] > tolerance + 1e-9:
        raise Infeasible(
            "no plan within the tolerance was found",
            constraint="balanced",
            group=str(group[first[worst]]),
            tolerance=tolerance,
            reached=float(deviation[worst]),
            relax="a wider tolerance, the preset tight or quality, or another seed",
        )
