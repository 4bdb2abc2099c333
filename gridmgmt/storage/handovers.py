"""Open cases that a plan in force has to hand over: claimed in batches, each case once for each plan.

A claim locks its cases (``for update skip locked``), so any number of workers share the work. What a batch
decides is written by the transaction that claimed it: case, history line, event, audit, and the row here
whose key is case × plan. A worker that dies leaves its cases as they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, text

from gridmgmt.domain.case import Case
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.storage import cases
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import plan_handovers


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open case under a plan that no longer holds; ``place`` and ``datum`` as the report gave them."""

    case: Case
    plan_id: UUID
    place: LonLat
    datum: Datum


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of one case."""

    case_id: UUID
    plan_id: UUID
    subdistrict_code: str
    from_plan_id: UUID
    from_cell: str
    to_cell: str | None
    from_worker_id: UUID | None
    to_worker_id: UUID | None
    why: str
    at: datetime


_CLAIM = text("""
    select c.id, p.id as plan_id, r.lon, r.lat, r.datum
      from app.grid_plans p
      join app.cases c on c.subdistrict_code = p.subdistrict_code and c.plan_id <> p.id
                      and c.state not in ('closed', 'rejected', 'merged', 'voided')
      join app.reports r on r.id = c.report_id
     where p.status = 'published' and p.valid_from <= :now and (p.valid_to is null or p.valid_to > :now)
       and not exists (select from app.plan_handovers h where h.case_id = c.id and h.plan_id = p.id)
     order by c.id limit :limit
       for update of c skip locked
""")


def claim(db: Db, now: datetime, *, limit: int) -> list[Waiting]:
    """Cases that wait to be handed over and that nobody else is at, locked; in the order of their ids."""
    rows = db.execute(_CLAIM, {"now": now, "limit": limit}).all()
    if not rows:
        return []
    found = {case.id: case for case in cases.of_ids(db, [r.id for r in rows])}
    return [Waiting(found[r.id], r.plan_id, LonLat(r.lon, r.lat), Datum(r.datum)) for r in rows]


def add(db: Db, given: Sequence[HandedOver]) -> None:
    """Record what became of cases that were claimed by this transaction."""
    if given:
        rows = [{name: getattr(one, name) for name in HandedOver.__slots__} for one in given]
        db.execute(insert(plan_handovers), rows)
