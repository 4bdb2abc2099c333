"""Files of pictures that can be had again: bounded, swept, and the first to make room on a full disk.

Several processes keep into one store and any of them may sweep it. A file may go at any moment; that costs
the copy and nothing else, as everything that a disk does badly here.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from gridmgmt.adapters.disks import room_on

_BLOCK: Final = 4096
# A sweep at the very bound would find something to do each time.
_LEFT: Final = 0.9
# As exact as a sweep needs, and not a write for every reading.
_USED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept, and when."""

    content: bytes
    at: datetime


class TileStore:
    """One directory.

    Parameters
    ----------
    most_bytes : on disk; a sweep takes what was not used for longest until it is well below.
    least_free_bytes : of the directory's disk. With less nothing is kept, and a sweep gives room back.
    """

    def __init__(self, directory: Path, *, most_bytes: int, least_free_bytes: int) -> None:
        self._directory, self._most, self._least_free = directory, most_bytes, least_free_bytes

    def read(self, name: str, now: datetime) -> Kept | None:
        """What is kept under a name, which thereby counts as used; None without."""
        try:
            with (self._directory / name).open("rb") as file:
                seen = os.fstat(file.fileno())
                kept = Kept(file.read(), datetime.fromtimestamp(seen.st_mtime, UTC))
                # By ourselves: many disks are mounted so that reading leaves no trace.
                if now.timestamp() - seen.st_atime > _USED_EVERY.total_seconds():
                    with suppress(OSError):
                        os.utime(file.fileno(), (now.timestamp(), seen.st_mtime))
                return kept
        except OSError:
            return None

    def keep(self, name: str, content: bytes, now: datetime) -> None:
        """Keep it whole or not at all; not where room is short for what cannot be had again."""
        if self._missing_bytes() > 0:
            return
        path = self._directory / name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.utime(made, (now.timestamp(), now.timestamp()))
                Path(made).replace(path)
            except OSError:
                Path(made).unlink(missing_ok=True)
                raise

    def sweep(self) -> int:
        """Take away what was not used for longest, as far as the bounds want it; how many files."""
        found = sorted(self._files())
        size = sum(on_disk for _, on_disk, _ in found)
        surplus = size - int(self._most * _LEFT) if size > self._most else 0
        surplus = max(surplus, self._missing_bytes())
        gone = 0
        for _, on_disk, path in found:
            if surplus <= 0:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                surplus, gone = surplus - on_disk, gone + 1
            # Not empty, in most cases; and whoever keeps into it at this moment makes it again next time.
            with suppress(OSError):
                path.parent.rmdir()
        return gone

    def _missing_bytes(self) -> int:
        room = room_on(self._directory)
        # Where nobody can say, there is too little.
        return self._least_free - (room.free if room else -1)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was used last, what it takes on disk, and where it is."""
        for place, _, names in os.walk(self._directory):
            for name in names:
                path = Path(place, name)
                with suppress(OSError):
                    seen = path.stat()
                    # An empty file takes its entry too.
                    yield max(seen.st_atime, seen.st_mtime), max(1, -(-seen.st_size // _BLOCK)) * _BLOCK, path
