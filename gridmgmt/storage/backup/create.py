"""Making a backup: the base, the evidence, the lists of digests, and last of all the manifest."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from gridmgmt.errors import Conflict, Unavailable
from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.place import Backup, Tell
from gridmgmt.storage.backup.tools import Source, program, run


@dataclass(frozen=True, slots=True)
class Wanted:
    """What belongs to a backup besides the database.

    ``trees``: directories of files that never change once written, by the name they get in the backup;
    ``keys``: fingerprint of each key by its name; ``seal_key``: of the installation; ``facts``: what
    else the manifest shall say, such as the schema's revision.
    """

    trees: Mapping[str, Path]
    keys: Mapping[str, str]
    seal_key: bytes
    facts: Mapping[str, Any]


def create(source: Source, root: Path, wanted: Wanted, *, at: datetime, tell: Tell) -> Backup:
    """Take one backup; it counts only once its manifest lies beside it.

    Raises
    ------
    Conflict : another one is being taken here.
    Unavailable : the server cannot be reached or refuses, or the disk is full; nothing half is left.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(root):
        label = place.label_of(at)
        folder = root / label
        if folder.exists():
            raise Conflict("There is a backup of this very second.", label=label)
        folder.mkdir(mode=0o700)
        try:
            facts = _base(source, folder, tell)
            lists = {"base.sha256": place.write_list(folder / "base.sha256", _base_digests(folder, tell))}
            # Evidence after the base: whatever photo the restored rows name was on disk before its row.
            for name, tree in wanted.trees.items():
                known = mirror(root, name, tree, tell)
                lists[f"{name}.sha256"] = place.write_list(folder / f"{name}.sha256", known)
                facts[f"{name}_files"] = len(known)
            facts |= {
                "format": 1,
                "label": label,
                "started_at": at.isoformat(),
                # By the server's clock: targets are compared with the times that are in its WAL.
                "finished_at": source.clock().isoformat(),
                "trees": sorted(wanted.trees),
                "keys": dict(wanted.keys),
                "lists": lists,
                **wanted.facts,
            }
            manifest = orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
            place.write_durably(folder / "manifest.seal", place.seal_of(manifest, wanted.seal_key).encode())
            place.write_durably(folder / "manifest.json", manifest)
            place.sync_directory(root)
        except OSError as exc:
            shutil.rmtree(folder, ignore_errors=True)
            raise Unavailable(
                "The backup could not be written.", retry_after_s=60, reason=exc.strerror
            ) from exc
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return place.find(folder)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as exc:
        raise Conflict("Another backup is being taken here.") from exc
    finally:
        os.close(descriptor)


def _base(source: Source, folder: Path, tell: Tell) -> dict[str, Any]:
    """Let pg_basebackup copy the cluster; the facts that recovery needs."""
    command: list[str | Path] = [
        program("pg_basebackup"), "--pgdata", folder / "base", "--format", "plain", "--wal-method", "stream",
        "--checkpoint", "fast", "--manifest-checksums", "SHA256", "--label", folder.name, "--progress",
        "--no-password",
    ]  # fmt: skip
    status, said = run(
        command,
        environment=source.environment(),
        progress=lambda done, of: tell("database", done, max(done, of)),
    )
    if status:
        raise Unavailable("pg_basebackup failed", retry_after_s=60, log=said)
    manifest = orjson.loads((folder / "base" / "backup_manifest").read_bytes())
    wal = manifest["WAL-Ranges"][-1]
    segment_bytes = source.segment_bytes()
    log, offset = (int(part, 16) for part in wal["Start-LSN"].split("/"))
    system, *_ = source.ask("IDENTIFY_SYSTEM")
    return {
        "system_identifier": system,
        "server_version": source.ask("SHOW server_version")[0],
        "timeline": wal["Timeline"],
        "start_lsn": wal["Start-LSN"],
        "end_lsn": wal["End-LSN"],
        "segment_bytes": segment_bytes,
        "first_segment": f"{wal['Timeline']:08X}{log:08X}{offset // segment_bytes:08X}",
        "database_bytes": sum(f["Size"] for f in manifest["Files"]),
    }


def _base_digests(folder: Path, tell: Tell) -> dict[str, str]:
    """Digests of all files of the base: of its WAL ours, of all others what the server sent.

    What the server sent and not what lies on the disk now: so the first look at a backup also finds what
    went wrong while it was written.
    """
    base = folder / "base"
    manifest = orjson.loads((base / "backup_manifest").read_bytes())
    known = {
        bytes.fromhex(f["Encoded-Path"]).decode("utf-8", "surrogateescape")
        if "Encoded-Path" in f
        else f["Path"]: f["Checksum"]
        for f in manifest["Files"]
    }
    rest = [p for p in base.rglob("*") if p.is_file() and str(p.relative_to(base)) not in known]
    for number, (path, digest) in enumerate(place.digests_of(rest), 1):
        if digest is None:
            raise Unavailable("A file of the new backup cannot be read.", retry_after_s=60, path=path.name)
        known[str(path.relative_to(base))] = digest
        tell("digests", number, len(rest))
    return known


def mirror(root: Path, name: str, tree: Path, tell: Tell) -> dict[str, str]:
    """Copy what is new in a tree into the backup; digests of everything that is in the tree now.

    A file once copied is not read again: its name is the digest of its bytes or else unique.
    """
    pool, index = root / "files" / name, root / "files" / f"{name}.sha256"
    pool.mkdir(parents=True, exist_ok=True, mode=0o700)
    digests = place.read_list(index)
    present = sorted(_files(tree))
    new = [relative for relative in present if relative not in digests]
    for number, relative in enumerate(new, 1):
        target = pool / relative
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_name(f".{target.name}.part")
        with (tree / relative).open("rb") as near, partial.open("wb") as far:
            shutil.copyfileobj(near, far, 2**20)
            far.flush()
            os.fsync(far.fileno())
        partial.replace(target)
        place.sync_directory(target.parent)
        digests[relative] = place.digest_of(tree / relative)
        place.append_to_list(index, relative, digests[relative])
        tell(name, number, len(new))
    return {relative: digests[relative] for relative in present}


def _files(tree: Path) -> Iterator[str]:
    """Relative paths of the finished files of a tree; those still being written end in ``.part``."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder) / name
            if not name.startswith(".") and not name.endswith(".part") and not path.is_symlink():
                yield str(path.relative_to(tree))
