"""One judge for all: what labels are worth, from the instance alone, whoever made them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.partition_instances import BAND, Instance
from gridmgmt.planning.coverage import components


@dataclass(frozen=True, slots=True)
class Card:
    """Figures of one plan; shares are of 1.

    Attributes
    ----------
    cells, wanted, broken, nested_wrong : cells there are and should be, those in pieces, those in two
        communities.
    mean, worst, excess, worst_free : deviation from the community's mean: mean, largest, mean above the lower
        bound that heavy atoms force, largest among cells without an atom above the mean.
    in_band, shape, shape_p10, inertia, cut_km, on_lines : share of cells in the band, Polsby-Popper (mean and
        lowest tenth), normalised moment of inertia, border inside communities, and its share on lines.
    """

    cells: int
    wanted: int
    broken: int
    nested_wrong: int
    mean: float
    worst: float
    excess: float
    worst_free: float
    in_band: float
    shape: float
    shape_p10: float
    inertia: float
    cut_km: float
    on_lines: float

    @property
    def sound(self) -> bool:
        """Contiguous, nested, and as many cells as asked for."""
        return self.cells == self.wanted and self.broken == 0 and self.nested_wrong == 0

    @property
    def valid(self) -> bool:
        """Sound, and 95 % of the cells in the band."""
        return self.sound and self.in_band >= 0.95


def least_mean(instance: Instance) -> float:
    """Lower bound of the mean deviation: twice what single atoms have above their mean, over the cells."""
    over = np.clip(instance.weights / instance.means() - 1.0, 0.0, None).sum()
    return float(2.0 * over / sum(instance.k.values()))


def judge(instance: Instance, labels: Any) -> Card:
    """Judge labels; a cell in several communities counts for the first of them."""
    cell, first, label = np.unique(labels, return_index=True, return_inverse=True)
    count, pairs = len(cell), instance.edges
    same = label[pairs[:, 0]] == label[pairs[:, 1]]
    piece = components(len(label), pairs[same])
    pieces = np.bincount(np.unique(np.column_stack([label, piece]), axis=0)[:, 0], minlength=count)
    homes = np.bincount(np.unique(np.column_stack([label, instance.groups]), axis=0)[:, 0], minlength=count)
    weight, mean = np.bincount(label, instance.weights), instance.means()[first]
    off = np.abs(weight - mean) / mean
    heavy = np.bincount(label, instance.weights > instance.means(), count) > 0
    area = np.bincount(label, instance.area)
    twice = 2.0 * np.bincount(label[pairs[same, 0]], instance.lengths[same], count)
    outline = np.bincount(label, instance.perimeter) - twice
    round_ = 4.0 * np.pi * area / outline**2
    inner = ~same & (instance.groups[pairs[:, 0]] == instance.groups[pairs[:, 1]])
    cut = float(instance.lengths[inner].sum())
    lined = float(instance.lengths[inner & (instance.line > 0)].sum())
    inside = (weight >= BAND[0]) & (weight <= BAND[1])
    return Card(
        cells=count,
        wanted=sum(instance.k.values()),
        broken=int((pieces > 1).sum()),
        nested_wrong=int((homes > 1).sum()),
        mean=float(off.mean()),
        worst=float(off.max()),
        excess=max(0.0, float(off.mean()) - least_mean(instance)),
        worst_free=float(off[~heavy].max(initial=0.0)),
        in_band=float(inside.mean()),
        shape=float(round_.mean()),
        shape_p10=float(np.quantile(round_, 0.1)),
        inertia=float(_inertia(instance, label, area).mean()),
        cut_km=cut / 1000.0,
        on_lines=lined / max(cut, 1e-9),
    )


def _inertia(instance: Instance, label: Any, area: Any) -> Any:
    """A² / 2πI of each cell; an atom's own inertia is taken as that of a square."""
    x, y = (np.bincount(label, instance.area * c) / area for c in instance.coordinates.T)
    away = (instance.coordinates - np.column_stack([x, y])[label]) ** 2
    own = instance.area * (away.sum(axis=1) + instance.area / 6.0)
    return area**2 / (2.0 * np.pi * np.bincount(label, own))
