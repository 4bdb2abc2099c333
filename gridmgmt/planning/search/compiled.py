"""Machine code on first use, kept on disk where the disk can be written.

``@compiled`` is numba's ``njit`` with the cache on and the interpreter's lock off, so that pieces of a street
can be searched in threads. The cache stands in ``__pycache__`` beside this file, else in the user's cache,
else nowhere (a container with a read-only root and no home): then each process compiles for itself, which
takes some twenty seconds. ``NUMBA_CACHE_DIR`` names another place.

numba notices a changed file but not that a function called from it has changed elsewhere. So the folder is
named after the text of all kernels: whoever edits one gets all compiled anew.

Arithmetic is strict (no ``fastmath``): the order of sums is fixed, so the same input gives the same plan.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

F = TypeVar("F", bound=Callable[..., Any])

Luck = npt.NDArray[np.uint64]

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
MIX_2: Final = np.uint64(0x94D049BB133111EB)
S_30: Final = np.uint64(30)
S_27: Final = np.uint64(27)
S_31: Final = np.uint64(31)
S_11: Final = np.uint64(11)
UNIT: Final = 1.0 / (1 << 53)

KERNELS: Final = ("annealing", "arrays", "compiled", "costs", "regions", "seeding", "walks")
"""The modules with compiled functions, all in this package."""


def _cache_folder() -> Path | None:
    here = Path(__file__).parent
    text = b"".join((here / f"{module}.py").read_bytes() for module in KERNELS)
    name = "gridmgmt-" + hashlib.sha256(text).hexdigest()[:16]
    # os.path, because Path.home() raises where there is no home.
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    asked = os.environ.get("NUMBA_CACHE_DIR")
    for place in [Path(asked)] if asked else [here / "__pycache__", Path(user)]:
        folder = place / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


_FOLDER: Final = _cache_folder()


def compiled(function: F) -> F:
    """Return the function compiled to machine code, with its signature unchanged."""
    config: Any = numba.config
    compiler: Any = numba.njit  # its types do not know all of its options
    before = config.CACHE_DIR
    try:
        if _FOLDER is not None:
            config.CACHE_DIR = str(_FOLDER)
        built = compiler(cache=_FOLDER is not None, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(
            function
        )
    finally:
        config.CACHE_DIR = before
    return cast("F", built)


@compiled
def draw(luck: Luck) -> float:
    """Return the next number of a SplitMix64 stream, from 0 up to but not including 1.

    Parameters
    ----------
    luck : (1,) state of the stream, changed in place; belongs to one piece, so threads do not share it.
    """
    luck[0] += GOLDEN
    z = luck[0]
    z = (z ^ (z >> S_30)) * MIX_1
    z = (z ^ (z >> S_27)) * MIX_2
    z ^= z >> S_31
    return float(z >> S_11) * UNIT
