"""How much room the disks have."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a file system."""

    free: int
    total: int


def room_on(path: Path) -> Room | None:
    """The room where a path is or will be; None where nothing of it can be reached."""
    for place in (path, *path.parents):
        try:
            found = shutil.disk_usage(place)
        except OSError:
            continue
        return Room(found.free, found.total)
    return None
