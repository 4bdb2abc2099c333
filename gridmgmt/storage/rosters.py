"""Rosters: who works in which cell, shifts, leaves, and how much open work somebody has."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import insert, select, text

from gridmgmt.domain.roster import Leave, Roster, RosterEntry, RosterRole, Shift
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import duty_shifts, leaves

_ENTRIES = text("""
    select w.cell_code, w.person_id, w.duty, w.valid_from, w.valid_to, w.on_leave
      from app.cell_workers w join app.people p on p.id = w.person_id and p.active
     where w.subdistrict_code = :code order by w.id
""")
_LOAD = text("""
    select worker_id, count(*) as open from app.cases
     where worker_id = any(:people) and subdistrict_code = :code
       and state not in ('closed', 'rejected', 'merged', 'voided')
     group by worker_id
""")


def load_roster(db: Db, subdistrict_code: str) -> Roster:
    """Everybody's cells, shifts and leaves in one subdistrict."""
    shifts = select(duty_shifts).where(duty_shifts.c.subdistrict_code == subdistrict_code)
    away = select(leaves).where(leaves.c.subdistrict_code == subdistrict_code)
    return Roster(
        (
            RosterEntry(r.cell_code, r.person_id, RosterRole(r.duty), r.valid_from, r.valid_to, r.on_leave)
            for r in db.execute(_ENTRIES, {"code": subdistrict_code})
        ),
        (
            Shift(
                r.person_id, frozenset(map(int, r.weekdays)), r.starts, r.ends, r.valid_from, r.valid_to,
                r.unit_code, r.cell_code,
            )
            for r in db.execute(shifts.order_by(duty_shifts.c.id))
        ),
        (
            Leave(r.person_id, r.valid_from, r.valid_to, r.deputy_id)
            for r in db.execute(away.order_by(leaves.c.id))
        ),
    )  # fmt: skip


def open_load(db: Db, subdistrict_code: str, people: Iterable[UUID]) -> Mapping[UUID, int]:
    """Open cases by person. Of one person alone nothing is counted: there is nothing to choose."""
    wanted = sorted(set(people))
    if len(wanted) < 2:
        return {}
    found = db.execute(_LOAD, {"people": wanted, "code": subdistrict_code})
    return {r.worker_id: r.open for r in found}


def add_shifts(db: Db, subdistrict_code: str, given: Iterable[Shift]) -> None:
    """Store shifts of people of this subdistrict."""
    rows = [
        {
            "subdistrict_code": subdistrict_code,
            "person_id": s.person_id,
            "unit_code": s.unit_code,
            "cell_code": s.cell_code,
            "weekdays": "".join(map(str, sorted(s.weekdays))),
            "starts": s.starts,
            "ends": s.ends,
            "valid_from": s.valid_from,
            "valid_to": s.valid_to,
        }
        for s in given
    ]
    if rows:
        db.execute(insert(duty_shifts), rows)


def add_leaves(db: Db, subdistrict_code: str, given: Iterable[Leave]) -> None:
    """Store leaves of people of this subdistrict."""
    rows = [
        {
            "subdistrict_code": subdistrict_code,
            "person_id": leave.person_id,
            "valid_from": leave.valid_from,
            "valid_to": leave.valid_to,
            "deputy_id": leave.deputy_id,
        }
        for leave in given
    ]
    if rows:
        db.execute(insert(leaves), rows)
