"""The one clock of planning: it may end a search early and decides nothing else.

A plan depends on its input, seed and effort. A time limit only cuts a search short, and whoever is given such
a plan is told so.
"""

import time


class Stopwatch:
    """Time since it was made, against a limit.

    Parameters
    ----------
    limit_s : seconds after which :meth:`over` is true; None for never.
    """

    __slots__ = ("_end_s",)

    def __init__(self, limit_s: float | None) -> None:
        self._end_s = None if limit_s is None else time.monotonic() + limit_s

    def over(self) -> bool:
        """Whether the limit has passed."""
        return self._end_s is not None and time.monotonic() >= self._end_s

    def left_s(self) -> float | None:
        """Seconds until the limit, 0 when it has passed, None without one."""
        return None if self._end_s is None else max(0.0, self._end_s - time.monotonic())
