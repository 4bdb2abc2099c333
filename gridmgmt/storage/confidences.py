"""What reports confide, as it lies in the tables: sealed. Opening it is no business of storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, insert, select, text

from gridmgmt.domain.org import Actor
from gridmgmt.domain.personal import Confidence
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import contacts, reveals, subject_keys

_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Confided:
    """The sealed values of a report, and whose business its case is."""

    report_id: UUID
    subdistrict_code: str
    description: str
    description_sealed: bytes | None
    subject_key: bytes | None
    name: bytes | None
    phone: bytes | None
    unit_code: str | None
    worker_id: UUID | None
    cell_code: str


_CONFIDED = """
    select r.id as report_id, r.subdistrict_code, r.description, r.description_sealed,
           k.sealed as subject_key, o.name, o.phone, c.unit_code, c.worker_id, c.cell_code
      from app.reports r
      join app.cases c on c.report_id = r.id
      left join app.subject_keys k on k.report_id = r.id
      left join app.contacts o on o.report_id = r.id
     where r.subdistrict_code = any(:scope)
"""
_OF_REPORT = text(f"{_CONFIDED} and r.id = :id")
_OF_CASE = text(f"{_CONFIDED} and c.id = :id")


def of_report(db: Db, actor: Actor, report_id: UUID) -> Confided | None:
    """What a report in the actor's scope confided; None when there is no such report."""
    return _one(db, _OF_REPORT, actor, report_id)


def of_case(db: Db, actor: Actor, case_id: UUID) -> Confided | None:
    """What the report of a case in the actor's scope confided; None when there is no such case."""
    return _one(db, _OF_CASE, actor, case_id)


def _one(db: Db, query: Any, actor: Actor, identity: UUID) -> Confided | None:
    found = db.execute(query, {"scope": list(actor.subdistricts), "id": identity}).first()
    return Confided(**found._mapping) if found else None


def keep(db: Db, given: Sequence[tuple[UUID, str, Confidence]], now: datetime) -> None:
    """Keep what reports confide, in the transaction that stores them.

    Parameters
    ----------
    given : report's id, its subdistrict, what it confides.
    """
    common = [{"report_id": i, "subdistrict_code": code, "made_at": now} for i, code, _ in given]
    if common:
        sealed = (one.subject_key for _, _, one in given)
        db.execute(
            insert(subject_keys), [row | {"sealed": key} for row, key in zip(common, sealed, strict=True)]
        )
    with_contact = [
        row | {"name": one.name, "phone": one.phone, "phone_index": one.phone_index}
        for row, (_, _, one) in zip(common, given, strict=True)
        if one.has_contact
    ]
    if with_contact:
        db.execute(insert(contacts), with_contact)


def one_at_a_time(db: Db, actor: Actor) -> None:
    """Let looks of one person wait for each other, so that none slips past the day's number."""
    db.execute(text("select pg_advisory_xact_lock(hashtextextended(:who, 6))"), {"who": f"reveal {actor.id}"})


def reveals_since(db: Db, actor: Actor, now: datetime) -> int:
    """Looks that the actor took in the 24 hours before."""
    query = select(func.count()).where(reveals.c.person_id == actor.id, reveals.c.at > now - _DAY)
    return int(db.execute(query).scalar_one())


def stored_reveal(db: Db, reveal_id: UUID) -> tuple[UUID, UUID] | None:
    """Who looked, and at which report, under this id; None when it is new."""
    found = db.execute(
        select(reveals.c.person_id, reveals.c.report_id).where(reveals.c.id == reveal_id)
    ).first()
    return (found.person_id, found.report_id) if found else None


def add_reveal(db: Db, row: Mapping[str, Any]) -> None:
    """Put a look on record; column names as in the table."""
    db.execute(insert(reveals).values(**row))


_WITH_PHONE = text("""
    select c.id as case_id, c.number, c.state, c.category, c.reported_at
      from app.contacts o join app.cases c on c.report_id = o.report_id
     where o.phone_index = :index and o.subdistrict_code = any(:scope)
     order by c.reported_at desc limit :limit
""")


def cases_with_phone(db: Db, actor: Actor, phone_index: bytes, *, limit: int) -> list[RowMapping]:
    """Cases in the actor's scope whose report named the number of this index, newest first."""
    values = {"index": phone_index, "scope": list(actor.subdistricts), "limit": limit}
    return [row._mapping for row in db.execute(_WITH_PHONE, values)]
