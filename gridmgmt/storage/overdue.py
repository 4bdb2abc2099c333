"""Deadlines that passed unannounced, for the live pages."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class Overdue:
    """A deadline that passed: the desk's own, or the responsible unit's."""

    case_id: UUID
    number: str
    subdistrict_code: str
    state: str
    cell_code: str
    unit_code: str | None
    due_at: datetime


_OVERDUE = text("""
    select c.id as case_id, c.number, c.subdistrict_code, c.state, c.cell_code, c.unit_code,
           c.stage_due_at as due_at
      from app.cases c
     where c.state not in ('closed', 'rejected', 'merged', 'voided')
       and c.stage_due_at < :now
       and c.overdue_announced_for is distinct from c.stage_due_at
     order by c.stage_due_at limit :limit
       for update of c skip locked
""")
_ANNOUNCED = text("""
    update app.cases set overdue_announced_for = stage_due_at where id = any(:ids)
""")


def claim_overdue(db: Db, now: datetime, *, limit: int = 200) -> list[Overdue]:
    """Cases whose present deadline has passed unannounced; locked, and marked as announced."""
    found = [Overdue(**r._mapping) for r in db.execute(_OVERDUE, {"now": now, "limit": limit})]
    if found:
        db.execute(_ANNOUNCED, {"ids": [o.case_id for o in found]})
    return found
