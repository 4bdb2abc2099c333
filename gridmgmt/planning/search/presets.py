"""What a plan is judged by, and how long to look: eight presets.

============ =============================================================== =====================
preset       for                                                             about, a 1000 atoms
============ =============================================================== =====================
``flash``    a first look while dragging a slider                            0.01 s
``city``     a whole city: balance of some 1 %, a third of ``fast``'s time    0.06 s
``fast``     a first plan                                                    0.2 s
``default``  a street: balance of some 2 %, good shapes                      1.5 s
``tight``    balance before shape                                            1.5 s
``compact``  shape first, balance only within 5 %                            1.5 s
``road``     borders on roads, water and walls                               1.5 s
``quality``  balance before all, at any price                                3 s
============ =============================================================== =====================

They are counted in proposals, not in seconds: the same input, seed and preset give the same plan on any
machine.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray


@dataclass(frozen=True, slots=True)
class Terms:
    """Weights of the objective; see :mod:`gridmgmt.planning.search.costs`."""

    share: float = 1.0
    excess: float = 60.0
    tolerance_share: float = 0.02
    band: float = 4.0
    shape: float = 1.2
    spread: float = 0.3
    cut: float = 0.3
    stay: float = 0.0
    workload: float = 0.0

    def as_array(self) -> FloatArray:
        """Return the weights in the order in which the kernels read them."""
        return np.array(
            [
                self.share, self.excess, self.tolerance_share, self.band, self.shape, self.spread, self.cut,
                self.stay, self.workload,
            ]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to look.

    Attributes
    ----------
    anneal : proposals for each directed edge when the whole piece is annealed.
    rounds : neighbourhoods solved again, for each cell.
    again : proposals for each directed edge of a neighbourhood.
    least : proposals at least, in both.
    least_rounds : neighbourhoods at least, however small the piece.
    hot, cold : first and last temperature, in units of the objective.
    reseed : share of the neighbourhoods that begin from new seeds.
    lenient : mean rise of the objective that a neighbourhood may bring at first; 0 keeps only what is better.
    """

    anneal: float
    rounds: float
    again: float = 2.0
    least: float = 150.0
    least_rounds: int = 16
    hot: float = 0.6
    cold: float = 0.05
    reseed: float = 0.8
    lenient: float = 0.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A name's terms and effort."""

    terms: Terms
    effort: Effort


FAST: Final = Effort(anneal=12.0, rounds=5.0)
LONG: Final = Effort(anneal=40.0, rounds=120.0, lenient=0.25)
TIGHT: Final = Terms(share=3.0, tolerance_share=0.01, shape=1.0, spread=0.2, cut=0.1)

PRESETS: Final = {
    "flash": Preset(Terms(), Effort(anneal=6.0, rounds=0.0, least_rounds=0)),
    "city": Preset(
        replace(TIGHT, tolerance_share=0.005, shape=1.2, spread=0.3, cut=0.3),
        Effort(anneal=4.0, rounds=3.0, again=1.0, least_rounds=4),
    ),
    "fast": Preset(Terms(), FAST),
    "default": Preset(Terms(share=2.2, tolerance_share=0.01), LONG),
    "tight": Preset(TIGHT, LONG),
    "compact": Preset(Terms(share=0.1, excess=300.0, tolerance_share=0.05, shape=1.5), LONG),
    "road": Preset(Terms(share=2.5, tolerance_share=0.01, shape=0.8, cut=1.2), LONG),
    "quality": Preset(replace(TIGHT, share=6.0), replace(LONG, anneal=60.0, rounds=150.0, again=3.0)),
}


def preset_named(name: str) -> Preset:
    """Return a preset.

    Raises
    ------
    InvalidInput
        No preset has this name; ``facts["supported"]`` lists those there are.
    """
    if name not in PRESETS:
        raise InvalidInput("there is no such preset", preset=name, supported=list(PRESETS))
    return PRESETS[name]
