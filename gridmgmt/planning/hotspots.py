"""Where cases are more than chance would have it, and what a rate from few households is worth.

**Hot spots.** The local statistic Gi* of Ord and Getis ("Local spatial autocorrelation statistics",
Geographical Analysis 27(4), 1995, the standardised form with the place itself among its neighbours). It asks
of each place whether it and its neighbours together have more than their share, and is a standard score when
nothing is going on. A thousand places give fifty beyond 1.96 by chance alone, so significance is decided for
all of them at once by the false discovery rate of Benjamini and Hochberg (JRSS B 57(1), 1995).

**Small numbers.** Two cases among four households are not a rate of 50 %. :func:`shrunk_rates` pulls each
rate towards the mean of all, the more the fewer households stand behind it: the empirical Bayes estimate of
Marshall ("Mapping disease and mortality rates using empirical Bayes estimators", Applied Statistics 40(2),
1991), global form.

Both are descriptions. Cases are counted where they were reported, so a busy reporter is a hot spot too.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
DISCOVERY_RATE: Final = 0.05


def getis_ord(values: npt.ArrayLike, neighbours: Sequence[Sequence[int]]) -> FloatArray:
    """Return Gi* of each place, with weights of 1 for itself and its neighbours.

    Parameters
    ----------
    values : (n,) such as cases, places without any among them; finite.
    neighbours : positions next to each place; the place itself is added when it is not named.

    Returns
    -------
    (n,) standard scores: above 0 many, below 0 few. All 0 where all values are alike, or a neighbourhood is
    everything there is.

    Raises
    ------
    InvalidInput
        Values that are not finite, another number of neighbourhoods, a position out of range.

    Examples
    --------
    >>> getis_ord([9, 9, 0, 0, 0], [[1], [0, 2], [1, 3], [2, 4], [3]]).round(2).tolist()
    [2.0, 0.82, -0.82, -1.63, -1.33]
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if x.ndim != 1 or not np.isfinite(x).all() or len(neighbours) != n:
        raise InvalidInput("one finite value and one neighbourhood a place", places=len(neighbours))
    around = [np.unique(np.array([at, *near], dtype=np.int64)) for at, near in enumerate(neighbours)]
    if any(len(near) and (near[0] < 0 or near[-1] >= n) for near in around):
        raise InvalidInput("a neighbour that is not there", places=n)
    spread = float(x.std()) if n else 0.0
    if n < 2 or spread <= 1e-12 * max(1.0, float(np.abs(x).max())):
        return np.zeros(n)
    count = np.array([len(near) for near in around], dtype=np.float64)
    total = np.array([x[near].sum() for near in around])
    # With weights of 1 their sum and the sum of their squares are both the number of neighbours.
    below = spread * np.sqrt(np.maximum(0.0, count * (n - count)) / (n - 1))
    scores: FloatArray = np.divide(total - x.mean() * count, below, out=np.zeros(n), where=below > 0)
    return scores


def two_sided_p(scores: FloatArray) -> FloatArray:
    """Return how likely a standard score so far from 0 is, either way, when nothing is going on."""
    return np.array([math.erfc(abs(score) / math.sqrt(2.0)) for score in scores.tolist()])


def discoveries(p: FloatArray, rate: float = DISCOVERY_RATE) -> BoolArray:
    """Return which of many tests to believe so that at most this share of them is expected to be false.

    Raises
    ------
    InvalidInput
        A rate that is not between 0 and 1.
    """
    if not 0.0 < rate < 1.0:
        raise InvalidInput("the rate is between 0 and 1", rate=rate)
    order = np.argsort(p, kind="stable")
    passing = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / max(1, len(p)))
    believed = np.zeros(len(p), dtype=np.bool_)
    if len(passing):
        believed[order[: passing[-1] + 1]] = True
    return believed


def hot_and_cold(scores: FloatArray, rate: float = DISCOVERY_RATE) -> npt.NDArray[np.str_]:
    """Return ``hot``, ``cold`` or nothing for each score of :func:`getis_ord`."""
    believed = discoveries(two_sided_p(scores), rate)
    return np.where(believed, np.where(scores > 0, "hot", "cold"), "")


def shrunk_rates(cases: npt.ArrayLike, households: npt.ArrayLike) -> FloatArray:
    """Return cases a household, each rate pulled to the mean of all by how little stands behind it.

    Parameters
    ----------
    cases : (n,) counts, at least 0.
    households : (n,) at least 0; a place without any gets the mean.

    Raises
    ------
    InvalidInput
        Negative or not finite, of different length, or no household at all.

    Examples
    --------
    >>> shrunk_rates([2, 30, 110], [4, 100, 1000]).round(3).tolist()
    [0.166, 0.253, 0.113]
    """
    x, at_risk = (np.asarray(a, dtype=np.float64) for a in (cases, households))
    if x.shape != at_risk.shape or not all(np.isfinite(a).all() and (a >= 0).all() for a in (x, at_risk)):
        raise InvalidInput("counts are finite, at least 0, and one of each a place", places=len(x))
    all_of_them = float(at_risk.sum())
    if all_of_them <= 0:
        raise InvalidInput("there are no households", places=len(x))
    lived = at_risk > 0
    mean = float(x[lived].sum()) / all_of_them
    raw = np.divide(x, at_risk, out=np.full(len(x), mean), where=lived)
    variance = float((at_risk * (raw - mean) ** 2).sum()) / all_of_them
    true = max(0.0, variance - mean / (all_of_them / lived.sum()))
    chance = np.divide(mean, at_risk, out=np.full(len(x), np.inf), where=lived)
    trust = np.where(np.isinf(chance), 0.0, true / np.maximum(true + chance, 1e-300))
    return np.asarray(mean + trust * (raw - mean), dtype=np.float64)


def counted(owner: IntArray, places: int) -> IntArray:
    """Return how many points fall on each place; points outside all (-1) are not counted."""
    inside = owner >= 0
    return np.bincount(owner[inside], minlength=places).astype(np.int64)
