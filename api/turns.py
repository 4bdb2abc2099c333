"""How much one person may have under way at once: maps and streams are the dear ones.

One browser draws a map with six tiles at a time, beside those that it gave up when the map moved on and that
the server still draws, and listens to one stream; whoever has far more under way is a program gone wrong, or
means it. Reports and moves are never counted: whatever else a person does, what he
reports is taken in.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_DEAR: Mapping[str, int] = {
    "/api/v1/tiles/": 16,
    "/api/v1/basemap/": 16,
    "/api/v1/packs": 2,
    "/api/v1/heat": 8,
    "/api/v1/board": 8,
    "/api/v1/cells": 8,
    "/api/v1/cases.geojson": 8,
    "/api/v1/stream": 8,
    "/api/v1/what-if": 2,
}


class Turns:
    """Counts what is under way in this process, by session and kind."""

    def __init__(self) -> None:
        self._under_way: Counter[tuple[bytes, str]] = Counter()

    @contextmanager
    def taken(self, path: str, token: str | None) -> Iterator[bool]:
        """Take a turn for the time of the block; False when all of them are taken.

        Parameters
        ----------
        token : of the session that the request is judged by, so that nothing else about it is a fresh
            budget; None for nobody, who is refused soon enough by others.
        """
        kind = next((start for start in _DEAR if path.startswith(start)), None)
        if kind is None or token is None:
            yield True
            return
        # A digest: nothing that lies in memory for as long as a stream lasts should open a session.
        key = hashlib.sha256(token.encode()).digest(), kind
        if self._under_way[key] >= _DEAR[kind]:
            yield False
            return
        self._under_way[key] += 1
        try:
            yield True
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
