"""Evidence photos: what counts as one, and where its bytes are kept.

A photo is addressed by the SHA-256 of its bytes, so that sending it twice is sending it once. The
original is stored as it came; nothing is re-encoded here. The local store writes to a temporary
file, syncs it, renames it and syncs the directory: what was acknowledged survives a power cut.
"""

import hashlib
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image, UnidentifiedImageError

from gridmgmt.errors import NotFound, TooLarge, UnacceptablePhoto, Unavailable

# 60 megapixels: above any phone's single shot, below what exhausts a small server when decoded.
MAX_PIXELS = 60_000_000
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What a checked photo is: type by its content, size in bytes and pixels."""

    sha256: str
    media_type: str
    bytes: int
    width: int
    height: int


def inspect_photo(content: bytes, *, sha256: str, media_type: str, limit_bytes: int) -> PhotoFacts:
    """Facts of an uploaded photo, after it was found to be what the sender says.

    Parameters
    ----------
    sha256 : lower-case hex digest that the sender gave.
    media_type : the Content-Type that the sender gave.
    limit_bytes : largest size accepted.

    Raises
    ------
    TooLarge
        More bytes than the limit.
    UnacceptablePhoto
        ``facts["reason"]`` is one of ``hash_differs``, ``not_an_image``, ``type_differs``,
        ``truncated``, ``too_many_pixels``.
    """
    if len(content) > limit_bytes:
        raise TooLarge("The photo is larger than accepted.", limit_bytes=limit_bytes, bytes=len(content))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UnacceptablePhoto("The bytes do not have this SHA-256.", rule="R41c", reason="hash_differs")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES)) as image:
                actual, (width, height) = MEDIA_TYPES[str(image.format)], image.size
                if width * height > MAX_PIXELS:
                    raise UnacceptablePhoto(
                        "The photo has too many pixels.", reason="too_many_pixels", limit=MAX_PIXELS
                    )
                image.load()
    except UnidentifiedImageError as exc:
        raise UnacceptablePhoto("This is not a JPEG, PNG or WebP image.", reason="not_an_image") from exc
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise UnacceptablePhoto(
            "The photo has too many pixels.", reason="too_many_pixels", limit=MAX_PIXELS
        ) from exc
    except (OSError, SyntaxError, ValueError) as exc:
        raise UnacceptablePhoto("The image is cut short or damaged.", reason="truncated") from exc
    if actual != media_type:
        raise UnacceptablePhoto(
            "The content is of another type than its header says.",
            reason="type_differs",
            sent=media_type,
            actual=actual,
        )
    return PhotoFacts(sha256, actual, len(content), width, height)


class PhotoStore(Protocol):
    """Keeps bytes by their digest."""

    def put(self, sha256: str, content: bytes) -> None:
        """Keep bytes under their digest; once is as good as twice."""

    def get(self, sha256: str) -> bytes:
        """The bytes under a digest; raises NotFound."""
        ...


class LocalPhotoStore:
    """A directory tree ``ab/cd/abcd…`` on a local disk, owner-readable only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def put(self, sha256: str, content: bytes) -> None:
        """Store durably; storing the same content again changes nothing.

        Raises
        ------
        Unavailable
            The disk is full or gone.
        """
        path = self._path(sha256)
        if path.exists():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = path.with_name(f"{sha256}.{os.getpid()}.{os.urandom(4).hex()}.part")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    handle.write(content)
                    handle.flush()
                    os.fsync(handle.fileno())
                partial.rename(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            _sync_directory(path.parent)
        except OSError as exc:
            raise Unavailable(
                "The photo store cannot take the photo now; keep it and try again.", retry_after_s=30
            ) from exc

    def get(self, sha256: str) -> bytes:
        """The stored bytes.

        Raises
        ------
        NotFound
            Never stored here.
        """
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError as exc:
            raise NotFound("No such photo.", kind="photo") from exc


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class MemoryPhotoStore:
    """The fake for tests: same promises, no disk."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, sha256: str, content: bytes) -> None:
        """Keep bytes in memory."""
        self.kept[sha256] = content

    def get(self, sha256: str) -> bytes:
        """The bytes; raises NotFound."""
        try:
            return self.kept[sha256]
        except KeyError as exc:
            raise NotFound("No such photo.", kind="photo") from exc
