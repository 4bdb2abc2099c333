"""What no plan can do better than: lower bounds from nodes that cannot be divided.

A node of weight w > T, T the mean of its group, makes a cell deviate by at least w/T - 1; and since
deviations within a group sum to 0, the others are lighter by as much. So the largest deviation is at least
max w/T - 1, and the mean at least 2·Σ(w - T)/T / k over the nodes with w > T. These hold for every plan with
as many parts, and ask nothing of neighbourhood or shape; the true optimum may lie above them.
"""

from dataclasses import dataclass

import numpy as np

from gridmgmt.planning.coverage import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Bounds:
    """Deviations from the mean of the group, as shares: what is possible at best, and what was reached.

    Attributes
    ----------
    least_max_share, least_mean_share : lower bounds.
    max_share, mean_share : of the plan.
    """

    least_max_share: float
    least_mean_share: float
    max_share: float
    mean_share: float


def bounds_of(weights: FloatArray, group: IntArray, labels: IntArray) -> Bounds:
    """Return the lower bounds of a division into as many parts as there are labels, and what it reached.

    Parameters
    ----------
    weights, group, labels : (n,) of the nodes; nodes with a label below 0 are left out.
    """
    inside = labels >= 0
    weights, group, labels = weights[inside], group[inside], labels[inside]
    if len(labels) == 0:
        return Bounds(0.0, 0.0, 0.0, 0.0)
    parts, first, part = np.unique(labels, return_index=True, return_inverse=True)
    groups, of_node = np.unique(group, return_inverse=True)
    count = np.bincount(of_node[first], minlength=len(groups))
    mean = np.bincount(of_node, weights, len(groups)) / np.maximum(1, count)
    mean = np.where(mean > 0, mean, 1.0)
    over = np.maximum(0.0, weights / mean[of_node] - 1.0)
    off = np.abs(np.bincount(part, weights, len(parts)) / mean[of_node[first]] - 1.0)
    empty = np.bincount(of_node, weights, len(groups))[of_node[first]] <= 0
    off[empty] = 0.0
    return Bounds(
        least_max_share=float(over.max()),
        least_mean_share=float(2.0 * over.sum() / len(parts)),
        max_share=float(off.max()),
        mean_share=float(off.mean()),
    )
