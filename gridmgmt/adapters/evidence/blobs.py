"""Where sealed bytes lie, by the digest of what is in them: on a local disk, or in memory for tests.

The local store keeps ``sha256/ab/cd/abcd…`` below its root. A file is written under another name, synced,
linked to its own name and its directory synced, so what was acknowledged survives a power cut and a name
never shows half a file. (A library's local store would do: obstore's syncs nothing.) A link and not a
rename, because a link says when the name was taken.
"""

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gridmgmt.adapters.evidence.faults import reached
from gridmgmt.errors import GridError, StoreFull, Unavailable

_RETRY_AFTER_S = 30
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
PART = ".part"


class Blobs(Protocol):
    """Keeps bytes by a key of 64 hex digits."""

    def add(self, key: str, data: bytes) -> bool:
        """Keep durably; False when the key is taken, and then nothing changed."""
        ...

    def replace(self, key: str, data: bytes) -> None:
        """Keep durably in the place of what is there."""
        ...

    def read(self, key: str) -> bytes | None:
        """The bytes; None when there are none."""
        ...

    def remove(self, key: str) -> None:
        """Forget; nothing happens when there are none."""
        ...

    def listing(self) -> Iterator[tuple[str, datetime]]:
        """Every key with the time it was last written; also names that are none of ours."""
        ...


def cannot_store(exc: OSError) -> GridError:
    """The error to raise for a disk that refuses: full, or gone."""
    if exc.errno in _NO_ROOM:
        return StoreFull(
            "The photo store is full; keep the photo and try again.",
            rule="R41c",
            retry_after_s=_RETRY_AFTER_S,
        )
    return Unavailable(
        "The photo store cannot take the photo now; keep it and try again.", retry_after_s=_RETRY_AFTER_S
    )


class LocalBlobs:
    """A directory tree on a local disk, readable by its owner alone."""

    def __init__(self, root: Path) -> None:
        self._root = root / "sha256"

    def path(self, key: str) -> Path:
        """Where a key lies."""
        return self._root / key[:2] / key[2:4] / key

    def add(self, key: str, data: bytes) -> bool:
        """Keep durably unless the key is taken.

        Raises
        ------
        StoreFull, Unavailable
            The disk has no room, or is gone.
        """
        return self._written(key, data, over=False)

    def replace(self, key: str, data: bytes) -> None:
        """Keep durably over what is there; raises as :meth:`add`."""
        self._written(key, data, over=True)

    def _written(self, key: str, data: bytes, *, over: bool) -> bool:
        path = self.path(key)
        try:
            make_directories(path.parent)
            part = path.with_name(f"{key}.{os.getpid()}.{os.urandom(4).hex()}{PART}")
            try:
                write_synced(part, data)
                if over:
                    part.replace(path)
                    added = True
                else:
                    added = _link(part, path)
                reached("linked")
            finally:
                part.unlink(missing_ok=True)
            sync_directory(path.parent)
            reached("directory_synced")
        except OSError as exc:
            raise cannot_store(exc) from exc
        return added

    def read(self, key: str) -> bytes | None:
        """The bytes, or None.

        Raises
        ------
        Unavailable
            The disk cannot be read.
        """
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise Unavailable("The photo store cannot be read now.", retry_after_s=_RETRY_AFTER_S) from exc

    def remove(self, key: str) -> None:
        """Forget."""
        self.path(key).unlink(missing_ok=True)

    def listing(self) -> Iterator[tuple[str, datetime]]:
        """Names of all files with their time of change; parts of interrupted writes are among them."""
        for path in sorted(self._root.glob("*/*/*")):
            try:
                changed = path.stat().st_mtime
            except FileNotFoundError:
                continue
            yield path.name, datetime.fromtimestamp(changed, UTC)


def _link(part: Path, path: Path) -> bool:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        return False
    return True


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and sync it; on a fault nothing is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            reached("part_written")
            os.fsync(handle.fileno())
        reached("part_synced")
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def make_directories(directory: Path) -> None:
    """Make a directory with its parents, each synced into the one above."""
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for made in reversed(missing):
        made.mkdir(exist_ok=True, mode=0o700)
        sync_directory(made.parent)


def sync_directory(directory: Path) -> None:
    """Bring the names of a directory to the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class MemoryBlobs:
    """The fake for tests: same promises, no disk. ``written_at`` is what listing says of all."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.written_at = datetime.fromtimestamp(0, UTC)

    def add(self, key: str, data: bytes) -> bool:
        """Keep unless taken."""
        return self.kept.setdefault(key, data) is data

    def replace(self, key: str, data: bytes) -> None:
        """Keep over what is there."""
        self.kept[key] = data

    def read(self, key: str) -> bytes | None:
        """The bytes, or None."""
        return self.kept.get(key)

    def remove(self, key: str) -> None:
        """Forget."""
        self.kept.pop(key, None)

    def listing(self) -> Iterator[tuple[str, datetime]]:
        """Every key."""
        yield from [(key, self.written_at) for key in self.kept]
