"""Looking at a backup without restoring it, to tell whether every byte is as it was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.place import Backup, Tell
from gridmgmt.storage.backup.tools import program, run


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at and what is wrong; ``faults`` is empty for a sound backup.

    ``notes`` are not damage but worth knowing: a key that is missing, WAL that ends early.
    """

    label: str
    files: int
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(backup: Backup, *, seal_key: bytes | None, tell: Tell) -> Verdict:
    """Compare every file with its digest, and let PostgreSQL read the WAL of the base.

    Parameters
    ----------
    seal_key : of the installation; None: whoever could write here may also have rewritten the lists.
    """
    faults: list[str] = []
    notes: list[str] = []
    lists = _lists(backup, seal_key, faults, notes)
    wanted = {backup.folder / "base" / name: digest for name, digest in lists.pop("base.sha256", {}).items()}
    for name, digests in lists.items():
        pool = backup.root / "files" / name.removesuffix(".sha256")
        wanted |= {pool / relative: digest for relative, digest in digests.items()}
    wal = backup.root / "wal"
    needed = [s for s in place.segments_in(wal) if s[8:] >= backup.first_segment[8:]]
    received = place.read_list(wal / "wal.sha256")
    wanted |= {wal / s: d for s, d in received.items() if s[8:] >= backup.first_segment[8:]}
    if unlisted := [s for s in needed if s not in received]:
        notes.append(f"{len(unlisted)} segment(s) of WAL have no digest yet; recovery checks their records")
    notes += _gaps(needed, backup)
    known = set(wanted)
    extra = [p for p in (backup.folder / "base").rglob("*") if p.is_file() and p not in known]
    faults += [f"unknown: {p.relative_to(backup.root)}" for p in extra]
    for number, (path, digest) in enumerate(place.digests_of(wanted), 1):
        if digest != wanted[path]:
            what = "missing" if digest is None else "damaged"
            faults.append(f"{what}: {path.relative_to(backup.root)}")
        tell("verify", number, len(wanted))
    faults += _second_opinion(backup)
    return Verdict(backup.label, len(wanted), tuple(faults), tuple(notes), dict(backup.facts))


def _lists(
    backup: Backup, seal_key: bytes | None, faults: list[str], notes: list[str]
) -> dict[str, dict[str, str]]:
    """The lists that the manifest names, and whether it and they are as they were written."""
    manifest = (backup.folder / "manifest.json").read_bytes()
    seal = backup.folder / "manifest.seal"
    if seal_key is None:
        notes.append("the seal was not checked: no key was given")
    elif not seal.is_file() or seal.read_text().strip() != place.seal_of(manifest, seal_key):
        faults.append("manifest.json does not bear this installation's seal")
    found = {}
    for name, digest in backup.facts["lists"].items():
        path = backup.folder / name
        if not path.is_file() or place.digest_of(path) != digest:
            faults.append(f"damaged: {path.relative_to(backup.root)}")
        found[name] = place.read_list(path)
    return found


def _gaps(needed: list[str], backup: Backup) -> list[str]:
    """Where the received WAL ends for this backup: at the base's own end, at a gap, or now."""
    if not needed:
        return ["no WAL was received since: only the end of the base can be restored"]
    own = sorted(
        p.name for p in (backup.folder / "base" / "pg_wal").iterdir() if place.SEGMENT.fullmatch(p.name)
    )
    have = {name[8:] for name in (*needed, *own)}
    expected, last = backup.first_segment, max(have)
    while expected[8:] < last:
        if expected[8:] not in have:
            return [f"WAL is missing from segment {expected}: later instants cannot be restored"]
        expected = place.segment_after(expected, backup.facts["segment_bytes"])
    return []


def _second_opinion(backup: Backup) -> list[str]:
    """PostgreSQL's own check: all files of its manifest there, the base's WAL readable from end to end."""
    status, said = run([program("pg_verifybackup"), "--skip-checksums", backup.folder / "base"])
    return [f"pg_verifybackup: {line}" for line in said.splitlines()[:20]] if status else []


def missing_keys(backup: Backup, present: Mapping[str, str]) -> list[str]:
    """Names of the keys that the backup was made with and that are not, or not the same, here."""
    recorded: Mapping[str, str] = backup.facts["keys"]
    return sorted(name for name, mark in recorded.items() if present.get(name) != mark)


def rows_of(path: Path) -> int:
    """How many files a list names."""
    return len(place.read_list(path))
