"""The layout of a backup directory, its lists of digests and its manifests."""

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from gridmgmt.errors import InvalidInput, NotFound

LABEL = re.compile(r"\d{8}T\d{6}Z")
SEGMENT = re.compile(r"[0-9A-F]{24}")
_LIST_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_CHUNK_BYTES = 2**20

Tell = Callable[[str, int, int], None]
"""Called with a step, how much of it is done and how much there is."""


def silently(step: str, done: int, of: int) -> None:
    """For whoever does not want to be told."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup: where it lies and what its manifest says."""

    root: Path
    label: str
    facts: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Its own directory."""
        return self.root / self.label

    @property
    def finished_at(self) -> datetime:
        """From this instant on its state can be restored."""
        return datetime.fromisoformat(self.facts["finished_at"])

    @property
    def first_segment(self) -> str:
        """Name of the first WAL segment that its recovery needs."""
        return str(self.facts["first_segment"])


def label_of(at: datetime) -> str:
    """The name of a backup begun at this instant."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def backups_in(root: Path) -> list[Backup]:
    """Every finished backup below a directory, oldest first."""
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [
        Backup(root, folder.name, orjson.loads((folder / "manifest.json").read_bytes()))
        for folder in folders
        if LABEL.fullmatch(folder.name) and (folder / "manifest.json").is_file()
    ]


def find(place: Path, *, at: datetime | None = None) -> Backup:
    """The backup that a path names, or the newest below it that was finished by an instant.

    Raises
    ------
    NotFound : there is none.
    """
    place = place.resolve()
    if LABEL.fullmatch(place.name):
        found = [b for b in backups_in(place.parent) if b.label == place.name]
    else:
        found = [b for b in backups_in(place) if at is None or b.finished_at <= at]
    if not found:
        raise NotFound("There is no finished backup for this.", kind="backup", place=str(place))
    if at is not None and found[-1].finished_at > at:
        raise InvalidInput(
            "This backup was finished after the wanted time; an older one is needed.",
            finished_at=found[-1].facts["finished_at"],
        )
    return found[-1]


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def digests_of(paths: Iterable[Path]) -> Iterator[tuple[Path, str | None]]:
    """Path and digest of each file, hashed on all cores; None where it cannot be read."""

    def tried(path: Path) -> tuple[Path, str | None]:
        try:
            return path, digest_of(path)
        except OSError:
            return path, None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(tried, paths)


def read_list(path: Path) -> dict[str, str]:
    """Name → digest of a list in the form of ``sha256sum``; a last line cut short does not count."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]
    found = (_LIST_LINE.fullmatch(line) for line in lines)
    return {line[2]: line[1] for line in found if line}


def write_list(path: Path, digests: Mapping[str, str]) -> str:
    """Write a list; answer its own digest.

    Raises
    ------
    InvalidInput : a name holds a line break, which the form has no place for.
    """
    if wrong := next((name for name in digests if "\n" in name), None):
        raise InvalidInput("A file name with a line break cannot be backed up.", name=wrong)
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    content = text.encode("utf-8", "surrogateescape")
    write_durably(path, content)
    return hashlib.sha256(content).hexdigest()


def append_to_list(path: Path, name: str, digest: str) -> None:
    """Add a line, on the disk when this returns."""
    with path.open("ab") as file:
        file.write(f"{digest}  {name}\n".encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file as a whole; a crash leaves the old one or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal_of(manifest: bytes, key: bytes) -> str:
    """HMAC-SHA256 of a manifest under a key derived from the installation's for this alone."""
    own = hmac.digest(key, b"gridmgmt backup manifest", "sha256")
    return hmac.digest(own, manifest, "sha256").hex()


def fingerprint(secret: bytes) -> str:
    """Sixteen hex digits that tell keys apart; of a random key they give nothing away."""
    return hashlib.sha256(b"gridmgmt key fingerprint\0" + secret).hexdigest()[:16]


def segments_in(wal: Path) -> list[str]:
    """Names of the finished WAL segments in a directory, in order."""
    return sorted(p.name for p in wal.iterdir() if SEGMENT.fullmatch(p.name)) if wal.is_dir() else []


def segment_after(name: str, segment_bytes: int) -> str:
    """The name of the segment that follows on the same timeline."""
    per_log = 2**32 // segment_bytes
    log, number = int(name[8:16], 16), int(name[16:], 16) + 1
    return f"{name[:8]}{log + number // per_log:08X}{number % per_log:08X}"
