"""Refusals go to the audit log, but not without end: whoever floods the server cannot fill the log.

A refusal is counted against whoever asked (the person, or the network where nobody is signed in). The
first :data:`PER_ASKER` of a minute are written, and the first :data:`PER_PROCESS` of all askers together; the
others are counted, and the count is written with the next line that is. Nothing is lost without a trace.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

PER_ASKER = 120
PER_PROCESS = 1200
_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to write a refusal down, and how many were passed over since the last that was."""

    write: bool
    passed_over: int


class RefusalBudget:
    """How many refusals of each asker are still written this minute; one per process, safe for threads.

    Parameters
    ----------
    clock : seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began_s = clock()
        self._written: dict[str, int] = {}
        self._all = 0
        self._passed_over = 0

    def admit(self, asker: str) -> Verdict:
        """Count one refusal."""
        with self._lock:
            now_s = self._clock()
            if now_s - self._began_s >= _WINDOW_S:
                self._began_s, self._all = now_s, 0
                self._written.clear()
            written = self._written.get(asker, 0)
            if written >= PER_ASKER or self._all >= PER_PROCESS:
                self._passed_over += 1
                return Verdict(write=False, passed_over=0)
            self._written[asker] = written + 1
            self._all += 1
            passed_over, self._passed_over = self._passed_over, 0
            return Verdict(write=True, passed_over=passed_over)
