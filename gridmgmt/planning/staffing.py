"""How many people the work of cells needs, and where to put those that there are.

Hours of work a year come from :func:`gridmgmt.planning.workload.with_workload`; what one person gives a year
is hours on duty less leave and training, an input and not a law. Every duty grid has at least one worker
(article 21), so cells with little work are overstaffed before any is understaffed.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import Infeasible, InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Shift:
    """What one person gives a year: 250 working days of 7 hours for the cell, of which 90 % are present."""

    days_per_year: float = 250.0
    hours_per_day: float = 7.0
    present_share: float = 0.9

    @property
    def hours_per_year(self) -> float:
        """Hours a year that one person gives.

        Examples
        --------
        >>> Shift().hours_per_year
        1575.0
        """
        return self.days_per_year * self.hours_per_day * self.present_share


def workers_needed(
    hours_per_year: npt.ArrayLike, *, shift: Shift | None = None, fullest: float = 1.0
) -> IntArray:
    """Return the fewest workers of each cell, at least one, so that nobody is loaded above a share.

    Parameters
    ----------
    hours_per_year : (n,) of work, at least 0.
    fullest : share of his hours that a person may be loaded with, above 0.

    Raises
    ------
    InvalidInput
        Hours that are negative or not finite, a share or a shift that is not above 0.

    Examples
    --------
    >>> workers_needed([100.0, 1575.0, 1576.0]).tolist()
    [1, 1, 2]
    """
    hours = _checked(hours_per_year)
    gives = (shift or Shift()).hours_per_year * fullest
    if not (np.isfinite(gives) and gives > 0):
        raise InvalidInput("a worker gives some hours", hours=str(gives))
    return np.maximum(1, np.ceil(hours / gives - 1e-9)).astype(np.int64)


def workers_placed(hours_per_year: npt.ArrayLike, workers: int) -> IntArray:
    """Return how many of so many workers go to each cell: one each, the rest where most is left to do.

    Each further worker goes to the cell with the most hours a head. No other way makes the fullest head
    emptier: the fullest cell can only be helped by one more worker in it, and that is what is done first.

    Raises
    ------
    InvalidInput
        Hours that are negative or not finite.
    Infeasible
        Fewer workers than cells; ``facts["constraint"]`` is ``one_worker_a_cell``.

    Examples
    --------
    >>> workers_placed([100.0, 900.0, 500.0], 5).tolist()
    [1, 2, 2]
    """
    hours = _checked(hours_per_year)
    if workers < len(hours):
        raise Infeasible(
            "every duty grid has a worker", constraint="one_worker_a_cell", workers=workers,
            cells=len(hours), relax="more workers, or fewer and larger cells",
        )  # fmt: skip
    heads = np.ones(len(hours), dtype=np.int64)
    waiting = [(-float(h), cell) for cell, h in enumerate(hours)]
    heapq.heapify(waiting)
    for _ in range(workers - len(hours) if len(hours) else 0):
        _, cell = heapq.heappop(waiting)
        heads[cell] += 1
        heapq.heappush(waiting, (-float(hours[cell]) / float(heads[cell]), cell))
    return heads


def _checked(hours_per_year: npt.ArrayLike) -> FloatArray:
    hours = np.asarray(hours_per_year, dtype=np.float64)
    if not (np.isfinite(hours).all() and (hours >= 0).all()):
        raise InvalidInput("hours of work are finite and at least 0")
    return hours
