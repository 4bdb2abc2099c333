"""Retention: whose time is over, erasing it, the proof; and the legal holds that forbid it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text, update

from gridmgmt.domain.org import Actor
from gridmgmt.errors import NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import legal_hold_ends, legal_holds, purges, retention_classes


class RetentionClass(StrEnum):
    """What is erased when its time is over; the periods stand in the table."""

    CONTACT = "contact"
    """The row with name and number goes."""
    RESIDENT_TEXT = "resident_text"
    """The key goes that the report's text is sealed under; the report stays."""
    TRACK = "track"
    """The positions of a shift go; which places they covered stays (storage/tracks.py)."""
    NOTIFICATION = "notification"
    """What people were told goes, with its deliveries; the rungs of the ladder stay (storage/ladders.py)."""


OF_CASES = (RetentionClass.CONTACT, RetentionClass.RESIDENT_TEXT)
"""Classes that belong to a case's report and are counted from its end."""


_TABLE_OF = {RetentionClass.CONTACT: "contacts", RetentionClass.RESIDENT_TEXT: "subject_keys"}
_SEALED_OF = {
    RetentionClass.CONTACT: "coalesce(t.name, '') || coalesce(t.phone, '')",
    RetentionClass.RESIDENT_TEXT: "t.sealed",
}
HELD = """
    exists (select 1 from app.legal_holds h
             where h.report_id = {report}
               and not exists (select 1 from app.legal_hold_ends e where e.hold_id = h.id))
"""
"""SQL: whether a hold on a report lasts."""


def classes(db: Db) -> list[RowMapping]:
    """Every class with its period and where that comes from."""
    return [r._mapping for r in db.execute(select(retention_classes).order_by(retention_classes.c.code))]


def keep_days(db: Db, kind: RetentionClass) -> int:
    """Days that a class is kept after its case or the shift ended, or after the person was told."""
    query = select(retention_classes.c.keep_days).where(retention_classes.c.code == kind)
    return int(db.execute(query).scalar_one())


def set_period(db: Db, kind: RetentionClass, days: int, source: str) -> None:
    """Keep a class for so many days from now on, and say where that comes from."""
    db.execute(
        update(retention_classes)
        .where(retention_classes.c.code == kind)
        .values(keep_days=days, source=source)
    )


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased in one subdistrict: how many, and a hash over what it was, sealed."""

    subdistrict_code: str
    count: int
    sha256: bytes


def erase_due(db: Db, kind: RetentionClass, before: datetime, *, limit: int) -> list[Erased]:
    """Erase what belongs to cases that ended before, except what is held; per subdistrict.

    Rows that somebody else is at work on are left for the next time.
    """
    table = _TABLE_OF[kind]
    query = text(f"""
        with over as (
            select t.report_id from app.{table} t
              join app.cases c on c.report_id = t.report_id
             where c.state in ('closed', 'rejected', 'merged', 'voided')
               and coalesce(c.closed_at, c.updated_at) < :before
               and not {HELD.format(report="t.report_id")}
             order by t.report_id limit :limit for update of t skip locked)
        delete from app.{table} t using over where t.report_id = over.report_id
        returning t.subdistrict_code, t.report_id, {_SEALED_OF[kind]} as sealed
    """)  # noqa: S608  names of our own
    return _by_subdistrict(db.execute(query, {"before": before, "limit": limit}).all())


def erase_of(db: Db, kind: RetentionClass, report_id: UUID) -> list[Erased]:
    """Erase what one report holds of a class; the caller has looked for holds."""
    query = text(f"""
        delete from app.{_TABLE_OF[kind]} t where t.report_id = :id
        returning t.subdistrict_code, t.report_id, {_SEALED_OF[kind]} as sealed
    """)  # noqa: S608  names of our own
    return _by_subdistrict(db.execute(query, {"id": report_id}).all())


def _by_subdistrict(rows: Sequence[Any]) -> list[Erased]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.subdistrict_code, []).append(row)
    return [Erased(code, len(some), _hash(some)) for code, some in sorted(found.items())]


def _hash(rows: Sequence[Any]) -> bytes:
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda r: str(r.report_id)):
        digest.update(row.report_id.bytes + hashlib.sha256(row.sealed).digest())
    return digest.digest()


def held_and_due(db: Db, kind: RetentionClass, before: datetime) -> dict[str, int]:
    """How many would have been erased by now but are held, per subdistrict."""
    query = text(f"""
        select t.subdistrict_code, count(*) as held from app.{_TABLE_OF[kind]} t
          join app.cases c on c.report_id = t.report_id
         where c.state in ('closed', 'rejected', 'merged', 'voided')
           and coalesce(c.closed_at, c.updated_at) < :before
           and {HELD.format(report="t.report_id")}
         group by 1
    """)  # noqa: S608  names of our own
    return {r.subdistrict_code: r.held for r in db.execute(query, {"before": before})}


def add_purge(db: Db, row: Mapping[str, Any]) -> None:
    """Keep the proof; column names as in the table."""
    db.execute(insert(purges).values(**row))


_KEYS_IN_USE = {
    "contacts": "select substring(name from 2 for 8) from app.contacts where name is not null"
    " union select substring(phone from 2 for 8) from app.contacts where phone is not null",
    "subject_keys": "select distinct substring(sealed from 2 for 8) from app.subject_keys",
}
ERASABLE_KEY_CLASSES = tuple(_KEYS_IN_USE)
"""Classes of keys that seal nothing but columns of these tables: what no row names may be destroyed."""


def keys_in_use(db: Db, key_class: str) -> frozenset[bytes]:
    """Ids of the keys that some row of a class names."""
    return frozenset(bytes(row[0]) for row in db.execute(text(_KEYS_IN_USE[key_class])))


def is_held(db: Db, report_id: UUID) -> bool:
    """Whether a hold on a report lasts."""
    return bool(db.execute(text(f"select {HELD.format(report=':id')}"), {"id": report_id}).scalar())


def add_hold(db: Db, row: Mapping[str, Any]) -> None:
    """Place a hold; column names as in the table."""
    db.execute(insert(legal_holds).values(**row))


def stored_hold(db: Db, hold_id: UUID) -> RowMapping | None:
    """The hold of this id; for recognising what was sent twice."""
    found = db.execute(select(legal_holds).where(legal_holds.c.id == hold_id)).first()
    return found._mapping if found else None


def load_hold(db: Db, hold_id: UUID, actor: Actor) -> RowMapping:
    """A hold in the actor's scope.

    Raises
    ------
    NotFound
        None there.
    """
    found = stored_hold(db, hold_id)
    if found is None or found["subdistrict_code"] not in actor.subdistricts:
        raise NotFound("No such hold.", kind="hold")
    return found


def is_lasting(db: Db, hold_id: UUID) -> bool:
    """Whether a hold has not ended."""
    query = select(legal_hold_ends.c.hold_id).where(legal_hold_ends.c.hold_id == hold_id)
    return db.execute(query).first() is None


def end_hold(db: Db, row: Mapping[str, Any]) -> None:
    """End a hold; column names as in the table."""
    db.execute(insert(legal_hold_ends).values(**row))


_HOLDS = text("""
    select h.id, h.report_id, c.id as case_id, c.number, h.document_no, h.reason, h.placed_by, h.placed_at,
           e.ended_by, e.ended_at, e.document_no as ended_document_no
      from app.legal_holds h
      join app.cases c on c.report_id = h.report_id
      left join app.legal_hold_ends e on e.hold_id = h.id
     where h.subdistrict_code = any(:scope) and (:ended or e.hold_id is null)
     order by h.placed_at desc limit :limit
""")


def holds(db: Db, actor: Actor, *, ended: bool, limit: int) -> list[RowMapping]:
    """Holds in the actor's scope, newest first; with ``ended`` those that are over too."""
    values = {"scope": list(actor.subdistricts), "ended": ended, "limit": limit}
    return [r._mapping for r in db.execute(_HOLDS, values)]
