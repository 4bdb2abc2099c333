"""Bytes on their way in: a file that grows under a cap and is hashed as it grows.

``Spool`` takes a body that comes in one request and forgets it when the request ends. ``Uploads`` keeps
what comes in several (tus), each in a directory of its own below its owner's::

    uploads/<owner>/<upload>/upload.json   what was announced, never changed
    uploads/<owner>/<upload>/data          the bytes so far; its size is the offset
    uploads/<owner>/<upload>/done          empty: the photo is stored, the bytes are gone

One request at a time may write, by a lock that the kernel releases however the process ends. A piece is
synced before its offset is told. Names come from us alone: a UUID of the owner, 32 random hex digits.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from gridmgmt.adapters.evidence.blobs import cannot_store, make_directories, sync_directory, write_synced
from gridmgmt.adapters.evidence.faults import reached
from gridmgmt.errors import ChecksumDiffers, NotFound, TooLarge, TooManyUploads, UploadBusy

MOST_UPLOADS = 30
_ID = re.compile(r"[0-9a-f]{32}")
CHECKSUMS = ("sha256", "sha1")


class SpooledBody:
    """A body that is being received; ``close`` removes its file."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path, self._limit = path, limit_bytes
        self._digest = hashlib.sha256()
        self.bytes = 0
        self._file = path.open("xb")
        reached("spool_opened")

    def write(self, piece: bytes) -> None:
        """Take one piece.

        Raises
        ------
        TooLarge, StoreFull, Unavailable
            Over the cap; no room; the disk is gone.
        """
        self.bytes += len(piece)
        if self.bytes > self._limit:
            raise TooLarge("The photo is larger than accepted.", limit_bytes=self._limit)
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as exc:
            raise cannot_store(exc) from exc
        reached("piece_spooled")

    def content(self) -> bytes:
        """All that came."""
        try:
            self._file.flush()
            reached("spooled")
            return self._path.read_bytes()
        except OSError as exc:
            raise cannot_store(exc) from exc

    @property
    def sha256(self) -> str:
        """Digest of all that came."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Forget the bytes."""
        try:
            self._file.close()
        except OSError:
            # The last buffered piece had no room either; it is thrown away in any case.
            pass
        finally:
            self._path.unlink(missing_ok=True)


class Spool:
    """Makes bodies."""

    def __init__(self, root: Path, *, limit_bytes: int) -> None:
        self.root, self.limit_bytes = root / "spool", limit_bytes

    @contextmanager
    def receiving(self) -> Iterator[SpooledBody]:
        """A body that is gone when the block ends."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            body = SpooledBody(self.root / os.urandom(16).hex(), self.limit_bytes)
        except OSError as exc:
            raise cannot_store(exc) from exc
        try:
            yield body
        finally:
            body.close()

    def leftovers(self) -> Iterator[tuple[Path, float]]:
        """Files of requests whose process died, with the time they were last written (epoch, s)."""
        for path in sorted(self.root.glob("*")):
            yield path, path.stat().st_mtime


@dataclass(frozen=True, slots=True)
class Announced:
    """What the phone said before the first byte."""

    id: str
    owner: UUID
    subdistrict_code: str
    sha256: str
    media_type: str
    bytes: int
    expires_at: datetime


class Upload:
    """One upload and its files."""

    def __init__(self, directory: Path, announced: Announced) -> None:
        self.announced = announced
        self._directory = directory
        self._data = directory / "data"

    @property
    def is_done(self) -> bool:
        """Whether the photo was stored."""
        return (self._directory / "done").exists()

    @property
    def offset(self) -> int:
        """How many bytes are here."""
        if self.is_done:
            return self.announced.bytes
        return self._data.stat().st_size if self._data.exists() else 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else writes until the block ends.

        Raises
        ------
        UploadBusy
            Somebody does.
        """
        try:
            descriptor = os.open(self._directory / "upload.json", os.O_RDONLY)
        except FileNotFoundError as exc:
            raise _no_such_upload() from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            raise UploadBusy("Another request is writing to this upload.", retry_after_s=1) from exc
        try:
            yield
        finally:
            os.close(descriptor)

    def appending(self, *, checksum: tuple[str, bytes] | None) -> "Appending":
        """A piece that is about to be written at the end."""
        try:
            return Appending(self._data, self.announced.bytes, checksum)
        except OSError as exc:
            raise cannot_store(exc) from exc

    def content(self) -> bytes:
        """The bytes so far."""
        return self._data.read_bytes() if self._data.exists() else b""

    def finish(self) -> None:
        """Note that the photo is stored, and free its bytes."""
        (self._directory / "done").touch(mode=0o600)
        self._data.unlink(missing_ok=True)
        sync_directory(self._directory)

    def remove(self) -> None:
        """Forget the upload."""
        shutil.rmtree(self._directory, ignore_errors=True)


class Appending:
    """One piece on its way to the end of an upload; either all of it counts or, on damage, nothing."""

    def __init__(self, data: Path, whole_bytes: int, checksum: tuple[str, bytes] | None) -> None:
        self._file: IO[bytes] = data.open("ab", buffering=0)
        self._began = self._file.seek(0, os.SEEK_END)
        self._left = whole_bytes - self._began
        self._checksum = checksum
        self._digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None

    def write(self, piece: bytes) -> None:
        """Take some bytes.

        Raises
        ------
        TooLarge
            More than was announced; nothing of the piece is kept.
        StoreFull, Unavailable
            What was written so far stays.
        """
        self._left -= len(piece)
        if self._left < 0:
            self._undo()
            raise TooLarge("More bytes than this upload announced.")
        if self._digest:
            self._digest.update(piece)
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) or 0 :]
        except OSError as exc:
            raise cannot_store(exc) from exc
        reached("piece_spooled")

    def keep(self, *, whole: bool) -> int:
        """Sync what came and tell the new offset.

        Parameters
        ----------
        whole : whether the request ended as it should. Half a piece is kept too, unless it came with a
            checksum, which half a piece cannot have.

        Raises
        ------
        ChecksumDiffers
            Nothing of the piece is kept.
        """
        if self._checksum and self._digest and not (whole and self._digest.digest() == self._checksum[1]):
            self._undo()
            if whole:
                raise ChecksumDiffers("This piece arrived damaged; send it again.", rule="R41c")
            return self._began
        try:
            os.fsync(self._file.fileno())
        except OSError as exc:
            raise cannot_store(exc) from exc
        return self._file.seek(0, os.SEEK_END)

    def _undo(self) -> None:
        self._file.truncate(self._began)

    def close(self) -> None:
        """End the writing."""
        self._file.close()


class Uploads:
    """All uploads of an installation."""

    def __init__(self, root: Path) -> None:
        self.root = root / "uploads"

    def create(self, announced: Announced, *, done: bool) -> Upload:
        """A new upload.

        Parameters
        ----------
        done : the photo is here already; the upload is born complete.

        Raises
        ------
        TooManyUploads
            The owner has as many unfinished ones as allowed.
        StoreFull, Unavailable
            The disk has no room, or is gone.
        """
        mine = self.root / announced.owner.hex
        open_ones = sum(1 for one in mine.glob("*") if not (one / "done").exists())
        if open_ones >= MOST_UPLOADS:
            raise TooManyUploads(
                "Finish or end uploads that were begun first.", limit=MOST_UPLOADS, retry_after_s=60
            )
        directory = mine / announced.id
        text = json.dumps(asdict(announced), default=str).encode()
        try:
            make_directories(directory)
            if done:
                (directory / "done").touch(mode=0o600)
            write_synced(directory / "upload.json", text)
            sync_directory(directory)
        except OSError as exc:
            shutil.rmtree(directory, ignore_errors=True)
            raise cannot_store(exc) from exc
        return Upload(directory, announced)

    def find(self, owner: UUID, upload_id: str, now: datetime) -> Upload:
        """An upload of this owner that has not expired.

        Raises
        ------
        NotFound
            Not his, or none.
        """
        if not _ID.fullmatch(upload_id):
            raise _no_such_upload()
        directory = self.root / owner.hex / upload_id
        announced = _read(directory)
        if announced is None or announced.expires_at <= now:
            raise _no_such_upload()
        return Upload(directory, announced)

    def expired(self, now: datetime) -> Iterator[Upload]:
        """Uploads whose time is over, and remains of ones that were never begun properly."""
        for directory in sorted(self.root.glob("*/*")):
            announced = _read(directory)
            if announced is not None and announced.expires_at <= now:
                yield Upload(directory, announced)


def new_upload_id() -> str:
    """32 random hex digits."""
    return os.urandom(16).hex()


def _read(directory: Path) -> Announced | None:
    try:
        facts: dict[str, Any] = json.loads((directory / "upload.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return Announced(
        **facts | {"owner": UUID(facts["owner"]), "expires_at": datetime.fromisoformat(facts["expires_at"])}
    )


def _no_such_upload() -> NotFound:
    return NotFound("No such upload.", kind="upload")
