"""Simulated time: whoever waits stands in the diary, and the earliest goes on.

A life is a generator that yields the moment at which it wants to go on. Two who wait for the same moment go
on in the order in which they began to wait, so that a month is played the same way each time.
"""

import heapq
from collections.abc import Callable, Generator
from datetime import datetime

Life = Generator[datetime, None, None]


class Diary:
    """Everybody's next moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._waiting: list[tuple[datetime, int, Life]] = []
        self._number = 0

    def begin(self, life: Life, at: datetime) -> None:
        """Let a life begin at a moment, now at the earliest."""
        self._number += 1
        heapq.heappush(self._waiting, (max(at, self.now), self._number, life))

    def until(self, end: datetime, tell: Callable[[datetime], None]) -> None:
        """Go on with everybody up to a moment, itself included; ``tell`` hears each moment reached."""
        while self._waiting and self._waiting[0][0] <= end:
            self.now, _, life = heapq.heappop(self._waiting)
            tell(self.now)
            for at in life:
                self.begin(life, at)
                break
        self.now = max(self.now, end)
