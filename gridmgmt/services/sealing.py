"""The sealer: gives lines of the audit log their place in the tree and signs the head.

It runs beside the writers and costs them nothing. Before it adds to the tree it looks whether the log is as
it left it: the last head is signed by its own key, the kept edge makes that head's root, and the head that
it remembers outside the database is still there. If not, it refuses: a log that was rolled back or
rewritten is never sealed over in silence. After a restore a person declares the recovery point, which
is a line of the log and a head of its own.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gridmgmt.adapters.signing import SealKey, is_signed_by
from gridmgmt.adapters.witness import HeadMemory
from gridmgmt.domain.canonical import canonical
from gridmgmt.domain.checkpoint import Head, HeadKind, Note, parse_note
from gridmgmt.domain.merkle import Algorithm, Frontier, hash_of, leaf_hash
from gridmgmt.errors import AuditLogDiffers, InvalidInput
from gridmgmt.storage import audit
from gridmgmt.storage import seal as store
from gridmgmt.storage.db import Db

BATCH = 1000
"""Lines of one head at most; whoever waits for more asks again at once."""
_ALL = 10_000_000
# A last head that nobody can have signed: where the log begins.
_NOTHING = (0, 0, ())


@dataclass(frozen=True, slots=True)
class Sealer:
    """One installation's sealer: how its log hashes, signs and is remembered outside the database."""

    algorithm: Algorithm
    key: SealKey
    memory: HeadMemory


@dataclass(frozen=True, slots=True)
class Sealed:
    """A head that was made. Remember ``note`` once it is committed; ``more`` lines may wait."""

    note: Note
    rows: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the log stands: number and cursor of the last head, and the tree to go on with."""

    no: int
    cursor: store.Cursor
    frontier: Frontier


def seal(db: Db, sealer: Sealer, now: datetime) -> Sealed | None:
    """Seal the next lines; None when nothing waits or another sealer is at work.

    Raises
    ------
    AuditLogDiffers
        The log is not as the sealer left it.
    """
    if not store.become_the_sealer(db):
        return None
    standing = _standing(db, sealer)
    _expect_remembered(db, sealer)
    rows, cursor = store.waiting(db, standing.cursor, BATCH)
    if not rows:
        return None
    _add(db, standing.frontier, rows, sealer.algorithm)
    note = sealer.key.sign(_head(sealer, standing, now))
    _keep(db, note, sealer.key.public_key, standing.frontier, cursor)
    return Sealed(note, len(rows), more=len(rows) == BATCH)


def rotate(db: Db, sealer: Sealer, new: SealKey, now: datetime) -> Note:
    """Record that another key signs from now on; the head bears both signatures.

    So who trusts either key can follow to the other, in both directions.

    Raises
    ------
    AuditLogDiffers
        The log is not as the sealer left it, or another sealer is at work.
    """
    _lock(db)
    standing = _standing(db, sealer)
    _expect_remembered(db, sealer)
    keys = {"old-key": _b64(sealer.key.public_key), "new-key": _b64(new.public_key)}
    head = replace(_head(sealer, standing, now), kind=HeadKind.KEY_ROTATION, facts=keys)
    note = sealer.key.sign(head, new)
    _keep(db, note, new.public_key, standing.frontier, standing.cursor)
    return note


def declare_recovery(
    db: Db, sealer: Sealer, now: datetime, *, by: str, reason: str, restored_to: datetime
) -> Note:
    """Write down that the database was restored, and seal from what it now holds.

    Everything visible without a leaf is sealed, also lines whose transactions belong to another cluster.
    Heads that were signed after the restored state stay witnesses of what was lost: ``verify`` names them
    until an auditor accepts this very recovery.

    Parameters
    ----------
    by : who answers for the restore.
    restored_to : the moment whose state the database has, as the restoring tool says.

    Raises
    ------
    AuditLogDiffers
        What the restored log itself holds does not fit together, or another sealer is at work.
    """
    _lock(db)
    standing = _standing(db, sealer)
    lost = sealer.memory.recall()
    facts = {
        "by": by,
        "reason": reason,
        "restored_to": restored_to.isoformat(),
        "kept_size": standing.frontier.size,
        "lost_size": lost.head.size if lost else None,
        "lost_root": lost.head.root.hex() if lost else None,
    }
    line = audit.AuditEntry(
        at=now,
        actor_id=None,
        subdistrict_code=None,
        action="audit:recovery",
        object_kind="audit_log",
        object_id=str(standing.frontier.size),
        outcome="done",
        facts=facts,
    )
    kept = standing.frontier.size
    audit.append(db, [line])
    rows, cursor = store.waiting(db, store.BEGINNING, _ALL, restored=True)
    _add(db, standing.frontier, rows, sealer.algorithm)
    said = {"kept-size": str(kept)} | ({"lost-size": str(lost.head.size)} if lost else {})
    head = replace(_head(sealer, standing, now), kind=HeadKind.RECOVERY, facts=said)
    note = sealer.key.sign(head)
    _keep(db, note, sealer.key.public_key, standing.frontier, cursor)
    return note


def _lock(db: Db) -> None:
    if not store.become_the_sealer(db):
        raise AuditLogDiffers("Another sealer is at work; stop the worker first.")


def _standing(db: Db, sealer: Sealer) -> _Standing:
    """The last head as our own, or the beginning."""
    last = store.last_checkpoint(db)
    if last is None:
        no, size, edge = _NOTHING
        return _Standing(no, store.BEGINNING, Frontier(sealer.algorithm, size, edge))
    try:
        note = parse_note(last.note)
        frontier = Frontier(note.head.algorithm, last.size, last.edge)
    except InvalidInput as fault:
        raise AuditLogDiffers("The last head cannot be read.", rule="R41c", no=last.no) from fault
    if note.head.algorithm is not sealer.algorithm or note.head.origin != sealer.key.name:
        raise AuditLogDiffers(
            "The log was begun with another hash function or under another name; it keeps both.",
            algorithm=str(note.head.algorithm),
            origin=note.head.origin,
        )
    if last.public_key != sealer.key.public_key or not is_signed_by(note, sealer.key.public_key):
        raise AuditLogDiffers("The last head is not signed by this key.", rule="R41c", no=last.no)
    if (note.head.no, note.head.size, note.head.root) != (last.no, last.size, frontier.root()):
        raise AuditLogDiffers("The last head does not fit its own tree.", rule="R41c", no=last.no)
    return _Standing(last.no, last.cursor, frontier)


def _expect_remembered(db: Db, sealer: Sealer) -> None:
    """The head that was remembered outside must still be in the database, letter by letter."""
    remembered = sealer.memory.recall()
    if remembered is None:
        return
    if store.note_no(db, remembered.head.no) != remembered.text:
        raise AuditLogDiffers(
            "The database has forgotten a head that was sealed: it was restored or rewritten."
            " Declare the recovery point or find out who did it.",
            rule="R41c",
            no=remembered.head.no,
            size=remembered.head.size,
        )


def _add(db: Db, frontier: Frontier, rows: Sequence[store.Waiting], algorithm: Algorithm) -> None:
    hash_ = hash_of(algorithm)
    leaves = [leaf_hash(hash_, canonical(row.text)) for row in rows]
    store.add_leaves(db, frontier.size, [row.id for row in rows], leaves)
    for leaf in leaves:
        frontier.append(leaf)


def _head(sealer: Sealer, standing: _Standing, now: datetime) -> Head:
    tree = standing.frontier
    return Head(sealer.key.name, tree.size, tree.root(), sealer.algorithm, standing.no + 1, now)


def _keep(db: Db, note: Note, public_key: bytes, frontier: Frontier, cursor: store.Cursor) -> None:
    head = note.head
    store.add_checkpoint(
        db,
        store.Checkpoint(
            head.no, head.size, head.at, str(head.kind), note.text, public_key, frontier.edge, cursor
        ),
    )


def _b64(key: bytes) -> str:
    return base64.b64encode(key).decode()
