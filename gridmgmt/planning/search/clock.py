"""The one clock of planning: it may stop a search, and never changes what a search does before."""

import time
from collections.abc import Callable


def stopper(limit_s: float | None) -> Callable[[], bool] | None:
    """Return a function that tells whether the limit is reached, counted from now; None without a limit."""
    if limit_s is None:
        return None
    deadline = time.monotonic() + limit_s
    return lambda: time.monotonic() >= deadline
