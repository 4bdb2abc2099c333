"""What may go: backups beyond those kept, and the WAL and evidence that none of those needs."""

import shutil
from pathlib import Path

from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.place import LABEL


def prune(root: Path, *, keep: int) -> list[str]:
    """Remove the oldest finished backups beyond ``keep``, and what only they needed; names of what went.

    Interrupted ones older than the newest finished one go too. The newest finished one always stays.
    Evidence goes once no kept backup names it: so what was erased at its time leaves the backups as well.
    """
    finished = place.backups_in(root)
    if not finished:
        return []
    kept = finished[-max(keep, 1) :]
    names = {b.label for b in kept}
    newest = kept[-1].label
    gone = [
        folder.name
        for folder in sorted(root.iterdir())
        if LABEL.fullmatch(folder.name) and folder.name not in names and folder.name < newest
    ]
    for label in gone:
        # The manifest first: half a backup must not look like a whole one.
        (root / label / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(root / label)
    _prune_wal(root / "wal", kept[0].first_segment)
    for name in sorted({tree for b in kept for tree in b.facts["trees"]}):
        _prune_tree(root, name, [b.folder / f"{name}.sha256" for b in kept], kept[-1].folder)
    return gone


def _prune_wal(wal: Path, first: str) -> None:
    old = [s for s in place.segments_in(wal) if s[8:] < first[8:]]
    if old:
        digests = {s: d for s, d in place.read_list(wal / "wal.sha256").items() if s not in set(old)}
        place.write_list(wal / "wal.sha256", digests)
        for segment in old:
            (wal / segment).unlink()


def _prune_tree(root: Path, name: str, lists: list[Path], newest: Path) -> None:
    """Files that arrived after the newest backup are named by none yet, and stay."""
    index = root / "files" / f"{name}.sha256"
    digests = place.read_list(index)
    needed = {relative for path in lists for relative in place.read_list(path)}
    since = (newest / f"{name}.sha256").stat().st_mtime
    pool = root / "files" / name
    gone = [
        r
        for r in digests
        if r not in needed and (not (pool / r).exists() or (pool / r).stat().st_mtime < since)
    ]
    if gone:
        place.write_list(index, {r: d for r, d in digests.items() if r not in set(gone)})
        for relative in gone:
            (pool / relative).unlink(missing_ok=True)
