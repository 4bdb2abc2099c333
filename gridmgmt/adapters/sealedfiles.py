"""Files that lie sealed in one directory, and are only ever opened whole: exports."""

import os
from collections.abc import Iterator
from pathlib import Path

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.errors import InvalidInput, NotFound, Unavailable

_PIECE_BYTES = 2**16


class SealedFiles:
    """A directory of sealed files, readable by its owner alone.

    Parameters
    ----------
    directory : made when missing.
    key_class : class of the keys, and first part of each file's context.
    """

    def __init__(self, directory: Path, keys: KeyRing, key_class: str) -> None:
        self._directory, self._keys, self._class = directory, keys, key_class

    def put(self, name: str, content: bytes) -> None:
        """Keep a file durably; one of the same name is replaced.

        Raises
        ------
        Unavailable
            The disk is full or gone.
        """
        path = self._path(name)
        partial = path.with_name(f".{name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    handle.writelines(self._keys.seal_stream([content], context=self._context(name)))
                    handle.flush()
                    os.fsync(handle.fileno())
                partial.rename(path)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as exc:
            raise Unavailable("The file cannot be kept now.", retry_after_s=30) from exc

    def get(self, name: str) -> bytes:
        """The whole file, after all of it was found unchanged.

        Raises
        ------
        NotFound
            No such file.
        SealBroken, UnknownKey, Erased
            As ``KeyRing.open_stream``.
        """
        try:
            with self._path(name).open("rb") as handle:
                pieces: Iterator[bytes] = iter(lambda: handle.read(_PIECE_BYTES), b"")
                return b"".join(self._keys.open_stream(pieces, context=self._context(name)))
        except FileNotFoundError as exc:
            raise NotFound("The file is gone.", kind="file") from exc

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no matter."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not name or not all(c.isalnum() or c == "-" for c in name):
            raise InvalidInput("A file is named by letters, digits and hyphens.")
        return self._directory / name

    def _context(self, name: str) -> str:
        return f"{self._class}|file|{name}"
