"""What the sealer reads and writes: lines that wait, leaves, checkpoints.

Which lines wait: those that are visible and have no leaf. A line's place in the tree is given when it is
sealed, so a transaction that commits late is sealed late and never slips in below. The cursor of the last
checkpoint only spares looking at what is sealed already: it never passes a transaction that may still be
under way (``pg_snapshot_xmin``), so no line is ever left behind it.

One sealer at a time, by an advisory lock that lasts until its commit; the primary keys of leaves and
checkpoints are what stops a second one all the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, insert, select, text

from gridmgmt.domain.merkle import HASH_BYTES
from gridmgmt.errors import AuditLogDiffers
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import audit_checkpoints, audit_leaves

_LOCK = 0x61756469745F6C67  # "audit_lg"

# The one text that a leaf is the hash of, before it is made canonical: every column, each in one form.
ROW_TEXT = """json_build_object(
    'v', 1, 'id', a.id, 'xact', a.xact,
    'at', to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'actor_id', a.actor_id, 'subdistrict_code', a.subdistrict_code, 'action', a.action,
    'object_kind', a.object_kind, 'object_id', a.object_id, 'outcome', a.outcome, 'code', a.code,
    'article', a.article, 'rule', a.rule, 'request_id', a.request_id, 'facts', a.facts)::text"""

_WAITING = f"""
    select a.id, a.xact, a.at, {ROW_TEXT} as text
      from app.audit_log a
     where (a.xact, a.id) > (:xact, :id)
       and (:restored or a.xact < (select (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint))
       and not exists (select from app.audit_leaves l where l.audit_id = a.id)
     order by a.xact, a.id
     limit :most
"""  # noqa: S608  fixed text


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to this transaction and line is sealed."""

    xact: int
    id: int


BEGINNING = Cursor(-1, -1)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stored head. ``edge`` is the tree's right edge at that size."""

    no: int
    size: int
    at: datetime
    kind: str
    note: str
    public_key: bytes
    edge: tuple[bytes, ...]
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line without a leaf, as JSON text."""

    id: int
    xact: int
    at: datetime
    text: str


def become_the_sealer(db: Db) -> bool:
    """Whether this transaction may seal; another one does while this says no."""
    return bool(db.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}).scalar())


def database_name(db: Db) -> str:
    """The name of the database."""
    return str(db.execute(text("select current_database()")).scalar_one())


def last_checkpoint(db: Db) -> Checkpoint | None:
    """The newest head; None before the first."""
    found = db.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.no.desc()).limit(1)).first()
    return None if found is None else _checkpoint(found._mapping)


def note_no(db: Db, no: int) -> str | None:
    """The note of the head with that number; None when there is none."""
    return db.execute(select(audit_checkpoints.c.note).where(audit_checkpoints.c.no == no)).scalar()


def waiting(db: Db, after: Cursor, most: int, *, restored: bool = False) -> tuple[list[Waiting], Cursor]:
    """The next lines to seal, and the cursor that holds when they are.

    Each statement sees the table as of its own moment, so the oldest transaction under way is asked for
    first: what ends in between is then looked at once more, never once too little.

    Parameters
    ----------
    restored : look also at lines whose transactions this cluster has not reached: they were written in
        another one and came here by a restored dump.

    Raises
    ------
    AuditLogDiffers
        This cluster has not reached the cursor's transaction: it is not the one that was sealed.
    """
    oldest_running = db.execute(
        text("select (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint")
    ).scalar_one()
    if oldest_running < after.xact:
        raise AuditLogDiffers(
            "This cluster is younger than the sealed log: declare what was restored.", rule="R41c"
        )
    asked = {"xact": after.xact, "id": after.id, "most": most, "restored": restored}
    found = [Waiting(*row) for row in db.execute(text(_WAITING), asked)]
    finished = Cursor(oldest_running, -1)
    if len(found) == most and (found[-1].xact, found[-1].id) < (finished.xact, finished.id):
        return found, Cursor(found[-1].xact, found[-1].id)
    return found, max(finished, after, key=lambda c: (c.xact, c.id))


def add_leaves(db: Db, first_seq: int, audit_ids: Sequence[int], leaves: Sequence[bytes]) -> None:
    """Give these lines the next places in the tree."""
    if audit_ids:
        statement = text("""
            insert into app.audit_leaves (seq, audit_id, leaf)
            select :first + n - 1, id, leaf
              from unnest(cast(:ids as bigint[]), cast(:leaves as bytea[])) with ordinality as x(id, leaf, n)
        """)
        db.execute(statement, {"first": first_seq, "ids": list(audit_ids), "leaves": list(leaves)})


def add_checkpoint(db: Db, checkpoint: Checkpoint) -> None:
    """Keep a head."""
    db.execute(
        insert(audit_checkpoints).values(
            no=checkpoint.no,
            size=checkpoint.size,
            at=checkpoint.at,
            kind=checkpoint.kind,
            note=checkpoint.note,
            public_key=checkpoint.public_key,
            edge=b"".join(checkpoint.edge),
            cursor_xact=checkpoint.cursor.xact,
            cursor_id=checkpoint.cursor.id,
        )
    )


def checkpoints_between(db: Db, after_size: int, to_size: int) -> Iterator[Checkpoint]:
    """Heads of trees with ``after_size < size <= to_size``, by number."""
    size = audit_checkpoints.c.size
    query = (
        select(audit_checkpoints).where(size > after_size, size <= to_size).order_by(audit_checkpoints.c.no)
    )
    for row in db.execute(query):
        yield _checkpoint(row._mapping)


def last_note_between(db: Db, begin: datetime, end: datetime) -> str | None:
    """The newest head's note of a time; ``end`` is not part of it."""
    query = text(
        "select note from app.audit_checkpoints where at >= :begin and at < :end order by no desc limit 1"
    )
    return db.execute(query, {"begin": begin, "end": end}).scalar()


def size_before(db: Db, at: datetime) -> int:
    """The size of the last head before a time; 0 when there is none."""
    query = text("select coalesce(max(size), 0) from app.audit_checkpoints where at < :at")
    return int(db.execute(query, {"at": at}).scalar_one())


def size_after(db: Db, at: datetime, otherwise: int) -> int:
    """The size of the first head at or after a time."""
    query = text("select min(size) from app.audit_checkpoints where at >= :at")
    found = db.execute(query, {"at": at}).scalar()
    return otherwise if found is None else int(found)


def turning_points(db: Db) -> list[Checkpoint]:
    """Heads that record a new key or a recovery, first to last."""
    query = (
        select(audit_checkpoints).where(audit_checkpoints.c.kind != "seal").order_by(audit_checkpoints.c.no)
    )
    return [_checkpoint(row._mapping) for row in db.execute(query)]


def oldest_waiting(db: Db) -> tuple[int, datetime | None]:
    """How many lines wait for the sealer behind the cursor, and the oldest one's time."""
    last = last_checkpoint(db)
    after = BEGINNING if last is None else last.cursor
    row = db.execute(
        text("""
            select count(*), min(a.at) from app.audit_log a
             where (a.xact, a.id) > (:xact, :id)
               and not exists (select from app.audit_leaves l where l.audit_id = a.id)
        """),
        {"xact": after.xact, "id": after.id},
    ).one()
    return row[0], row[1]


def leaf_hashes(db: Db, size: int) -> Iterator[bytes]:
    """The leaves of the tree of that size, in order."""
    for first in range(0, size, 50_000):
        query = (
            select(audit_leaves.c.leaf)
            .where(audit_leaves.c.seq >= first, audit_leaves.c.seq < min(size, first + 50_000))
            .order_by(audit_leaves.c.seq)
        )
        yield from db.execute(query).scalars()


def seq_of(db: Db, audit_id: int) -> int | None:
    """The place of a line in the tree; None while it waits."""
    return db.execute(select(audit_leaves.c.seq).where(audit_leaves.c.audit_id == audit_id)).scalar()


def text_of(db: Db, audit_id: int) -> str | None:
    """The JSON text that a line's leaf is made of."""
    query = text(f"select {ROW_TEXT} from app.audit_log a where a.id = :id")  # noqa: S608  fixed text
    return db.execute(query, {"id": audit_id}).scalar()


def _checkpoint(row: RowMapping) -> Checkpoint:
    edge = bytes(row["edge"])
    return Checkpoint(
        no=row["no"],
        size=row["size"],
        at=row["at"],
        kind=row["kind"],
        note=row["note"],
        public_key=bytes(row["public_key"]),
        edge=tuple(edge[i : i + HASH_BYTES] for i in range(0, len(edge), HASH_BYTES)),
        cursor=Cursor(row["cursor_xact"], row["cursor_id"]),
    )
