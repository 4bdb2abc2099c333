"""Rosters: who works in which cell, shifts, leaves, and how much open work somebody has."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, text

from gridmgmt.domain.roster import Leave, Roster, RosterEntry, RosterRole, Shift
from gridmgmt.domain.rostering import Rostering
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import duty_shifts, leaves, units

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
    standing = kept(db, subdistrict_code)
    return Roster(
        entries_of(db, subdistrict_code),
        standing.shifts,
        standing.leaves,
    )


def kept(db: Db, subdistrict_code: str) -> Rostering:
    """The shifts and leaves of a street, in the order they were handed in."""
    shifts = select(duty_shifts).where(duty_shifts.c.subdistrict_code == subdistrict_code)
    away = select(leaves).where(leaves.c.subdistrict_code == subdistrict_code)
    return Rostering(
        tuple(
            Shift(
                r.person_id, frozenset(map(int, r.weekdays)), r.starts, r.ends, r.valid_from, r.valid_to,
                r.unit_code, r.cell_code,
            )
            for r in db.execute(shifts.order_by(duty_shifts.c.id))
        ),
        tuple(
            Leave(r.person_id, r.valid_from, r.valid_to, r.deputy_id)
            for r in db.execute(away.order_by(leaves.c.id))
        ),
    )  # fmt: skip


_PEOPLE = text("""
    select distinct p.login, p.id from app.people p join app.person_roles r on r.person_id = p.id
     where r.subdistrict_code = :code and p.active
""")


def people_of(db: Db, subdistrict_code: str) -> Mapping[str, UUID]:
    """Everybody active with a post in a street, by login."""
    return {r.login: r.id for r in db.execute(_PEOPLE, {"code": subdistrict_code})}


_STAFF = text("""
    select p.id, p.login, p.name, array_agg(r.role order by r.role) as roles
      from app.people p join app.person_roles r on r.person_id = p.id
     where r.subdistrict_code = :code and p.active group by p.id order by p.login
""")


def staff_of(db: Db, subdistrict_code: str) -> list[dict[str, Any]]:
    """Everybody active with a post in a street: id, login, name and roles there."""
    return [dict(r._mapping) for r in db.execute(_STAFF, {"code": subdistrict_code})]


def units_of(db: Db, subdistrict_code: str) -> frozenset[str]:
    """The units of a street that are in use, those of the district too."""
    query = select(units.c.code).where(
        units.c.active, or_(units.c.subdistrict_code == subdistrict_code, units.c.subdistrict_code.is_(None))
    )
    return frozenset(db.execute(query).scalars())


def lock(db: Db, subdistrict_code: str) -> None:
    """From here to the end of the transaction nobody else replaces this street's roster."""
    query = text("select pg_advisory_xact_lock(hashtextextended('roster ' || :code, 0))")
    db.execute(query, {"code": subdistrict_code})


def replace(db: Db, subdistrict_code: str, given: Rostering) -> None:
    """Let a roster take the place of the one before; the caller holds the lock."""
    for table in (duty_shifts, leaves):
        db.execute(delete(table).where(table.c.subdistrict_code == subdistrict_code))
    add_shifts(db, subdistrict_code, given.shifts)
    add_leaves(db, subdistrict_code, given.leaves)


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
        db.execute(insert(duty_shifts).inline(), rows)


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
        db.execute(insert(leaves).inline(), rows)


def entries_of(db: Db, subdistrict_code: str) -> list[RosterEntry]:
    """Every assignment of active people to a street's cells, past and future ones too."""
    return [
        RosterEntry(r.cell_code, r.person_id, RosterRole(r.duty), r.valid_from, r.valid_to, r.on_leave)
        for r in db.execute(_ENTRIES, {"code": subdistrict_code})
    ]


def add_entries(db: Db, subdistrict_code: str, given: Iterable[RosterEntry]) -> int:
    """Assign people to cells; how many assignments are new. The caller holds the lock.

    Who already has that duty in that cell on the first day keeps it: the same again changes nothing.
    """
    query = text("""
        insert into app.cell_workers (cell_code, subdistrict_code, person_id, duty, valid_from, valid_to)
        select :cell, :code, :person, :duty, :from, :to
         where not exists (
               select from app.cell_workers w
                where w.cell_code = :cell and w.person_id = :person and w.duty = :duty
                  and w.valid_from <= :from and (w.valid_to is null or w.valid_to > :from))
    """)
    new = 0
    for entry in given:
        values = {
            "cell": entry.cell_code, "code": subdistrict_code, "person": entry.person_id,
            "duty": str(entry.role), "from": entry.valid_from, "to": entry.valid_to,
        }  # fmt: skip
        new += db.execute(query, values).rowcount
    return new
