"""Who stands in for whom, in which post, from when to when."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.deputy import Deputyship, StandIn
from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import ContentDiffers, NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import deputies, people, person_roles

_NAMES = tuple(Deputyship.__slots__)
_COLUMNS = tuple(deputies.c[name] for name in _NAMES)


def _deputyship(row: RowMapping) -> Deputyship:
    return Deputyship(**{name: row[name] for name in _NAMES} | {"role": Role(row["role"])})


def add(db: Db, given: Deputyship) -> Deputyship:
    """Store a deputyship; the same one again is answered with what is stored.

    Raises
    ------
    ContentDiffers
        The id belongs to another one.
    """
    values = {name: getattr(given, name) for name in _NAMES}
    db.execute(insert(deputies).values(values).on_conflict_do_nothing(index_elements=["id"]))
    found = db.execute(select(*_COLUMNS).where(deputies.c.id == given.id)).first()
    stored = None if found is None else _deputyship(found._mapping)
    same = ("subdistrict_code", "person_id", "deputy_id", "role", "starts_at", "granted_by")
    if stored is None or any(getattr(stored, n) != getattr(given, n) for n in same):
        raise ContentDiffers("This id belongs to another deputyship.", rule="R09")
    return stored


def load(db: Db, deputyship_id: UUID, actor: Actor) -> Deputyship:
    """One deputyship of the actor's subdistricts, locked.

    Raises
    ------
    NotFound
        There is none.
    """
    query = select(*_COLUMNS).where(
        deputies.c.id == deputyship_id, deputies.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update()).first()
    if found is None:
        raise NotFound("No such deputyship.", kind="deputyship")
    return _deputyship(found._mapping)


def end(db: Db, ended: Deputyship) -> None:
    """Store the new end of a deputyship that was loaded."""
    db.execute(update(deputies).where(deputies.c.id == ended.id).values(ends_at=ended.ends_at))


_STAND_INS = text("""
    select d.id, d.subdistrict_code, d.person_id, d.deputy_id, d.role, d.starts_at, d.ends_at, d.granted_by,
           d.granted_at, p.unit_code,
           array(select w.cell_code from app.cell_workers w
                  where w.person_id = p.id and w.valid_from <= cast(:now as date)
                    and (w.valid_to is null or w.valid_to > cast(:now as date))) as cell_codes
      from app.deputies d
      join app.people p on p.id = d.person_id and p.active
      join app.person_roles r on r.person_id = p.id and r.role = d.role
                             and r.subdistrict_code = d.subdistrict_code
     where d.subdistrict_code = any(:scope) and d.deputy_id = :deputy and d.person_id = :person
       and d.starts_at <= :now and d.ends_at > :now
""")


def stand_ins(db: Db, actor: Actor, person_id: UUID, now: datetime) -> tuple[StandIn, ...]:
    """The posts in which the actor stands in for a person now.

    Only for somebody who still works here and still has the role: nobody hands over what he lost.
    """
    values = {"scope": list(actor.subdistricts), "deputy": actor.id, "person": person_id, "now": now}
    return tuple(
        StandIn(_deputyship(r._mapping), r.unit_code, frozenset(r.cell_codes))
        for r in db.execute(_STAND_INS, values)
    )


def in_force(
    db: Db, subdistrict_codes: Iterable[str], now: datetime, *, person_id: UUID | None = None
) -> list[Deputyship]:
    """Deputyships that hold now, the earliest first; of one absent person, or of everybody.

    For the ladder: who is to be told and to act instead of somebody.
    """
    c = deputies.c
    query = select(*_COLUMNS).where(
        c.subdistrict_code.in_(list(subdistrict_codes)), c.starts_at <= now, c.ends_at > now
    )
    if person_id is not None:
        query = query.where(c.person_id == person_id)
    return [_deputyship(r._mapping) for r in db.execute(query.order_by(c.starts_at, c.id))]


def listed(db: Db, actor: Actor, now: datetime, *, limit: int = 200) -> list[dict[str, Any]]:
    """Deputyships of the actor's subdistricts that have not ended, with names, the earliest first."""
    query = text("""
        select d.id, d.person_id, p.name as person_name, d.deputy_id, q.name as deputy_name, d.role,
               d.starts_at, d.ends_at, d.granted_by, d.granted_at
          from app.deputies d join app.people p on p.id = d.person_id join app.people q on q.id = d.deputy_id
         where d.subdistrict_code = any(:scope) and d.ends_at > :now order by d.starts_at, d.id limit :limit
    """)
    values = {"scope": list(actor.subdistricts), "now": now, "limit": limit}
    return [dict(r._mapping) for r in db.execute(query, values)]


def roles_in(db: Db, person_id: UUID, subdistrict_code: str) -> frozenset[Role]:
    """The roles of an active person in one subdistrict; empty for whoever does not work there."""
    query = (
        select(person_roles.c.role)
        .join(people, people.c.id == person_roles.c.person_id)
        .where(person_roles.c.person_id == person_id, person_roles.c.subdistrict_code == subdistrict_code)
        .where(people.c.active)
    )
    return frozenset(map(Role, db.execute(query).scalars()))
