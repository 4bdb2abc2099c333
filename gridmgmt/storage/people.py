"""People, their roles and their cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text

from gridmgmt.domain.org import Role
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import cell_workers, people, person_roles, subdistricts, units


@dataclass(frozen=True, slots=True)
class Person:
    """A person as lists show him."""

    id: UUID
    login: str
    name: str
    roles: tuple[str, ...]
    unit_code: str | None
    unit_name: str | None
    cell_codes: tuple[str, ...]
    synthetic: bool


def list_people(db: Db, subdistrict_codes: Sequence[str]) -> list[Person]:
    """Active people with a role in one of these subdistricts, by login."""
    query = text("""
        select p.id, p.login, p.name, p.unit_code, u.name as unit_name, p.synthetic,
               array_agg(distinct r.role order by r.role) as roles,
               coalesce((select array_agg(distinct w.cell_code order by w.cell_code) from app.cell_workers w
                          where w.person_id = p.id), '{}') as cell_codes
          from app.people p
          join app.person_roles r on r.person_id = p.id and r.subdistrict_code = any(:codes)
          left join app.units u on u.code = p.unit_code
         where p.active group by p.id, u.name order by p.login
    """)
    return [
        Person(**{**r._mapping, "roles": tuple(r.roles), "cell_codes": tuple(r.cell_codes)})
        for r in db.execute(query, {"codes": list(subdistrict_codes)})
    ]


def person_named(db: Db, login: str) -> UUID | None:
    """The id of an active person by login."""
    return db.execute(select(people.c.id).where(people.c.login == login, people.c.active)).scalar()


def names_of(db: Db, person_id: UUID) -> tuple[str, ...]:
    """Login, name and unit's name of a person; empty when there is no such person."""
    query = (
        select(people.c.login, people.c.name, units.c.name.label("unit"))
        .join(units, units.c.code == people.c.unit_code, isouter=True)
        .where(people.c.id == person_id)
    )
    found = db.execute(query).first()
    return tuple(name for name in found if name) if found else ()


def home_of(db: Db, person_id: UUID) -> str:
    """The subdistrict that a person belongs to: where he was registered, else where he has a role."""
    query = text("""
        select coalesce(p.subdistrict_code, (select min(r.subdistrict_code) from app.person_roles r
                                              where r.person_id = p.id), '')
          from app.people p where p.id = :id
    """)
    return str(db.execute(query, {"id": person_id}).scalar() or "")


def roles_of(db: Db, person_id: UUID) -> frozenset[Role]:
    """The roles of a person, wherever they hold."""
    query = select(person_roles.c.role).where(person_roles.c.person_id == person_id)
    return frozenset(map(Role, db.execute(query).scalars()))


def add_people(
    db: Db,
    persons: Sequence[Mapping[str, Any]],
    roles: Sequence[Mapping[str, Any]],
    roster: Sequence[Mapping[str, Any]],
) -> None:
    """Insert people, their roles, and who answers for which cell; column names as in the tables."""
    if persons:
        db.execute(insert(people), list(persons))
    if roles:
        db.execute(insert(person_roles), list(roles))
    if roster:
        db.execute(insert(cell_workers), list(roster))


def add_units(db: Db, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert responsible units; column names as in the table."""
    db.execute(insert(units), list(rows))


def subdistrict_row(db: Db, code: str) -> RowMapping | None:
    """Name, district and notes of one subdistrict."""
    c = subdistricts.c
    found = db.execute(
        select(c.code, c.name, c.district_code, c.district_name, c.head, c.outline_note, c.calendar_id).where(
            c.code == code
        )
    ).first()
    return found._mapping if found else None


def subdistrict_codes(db: Db) -> list[str]:
    """Codes of every subdistrict in this database."""
    return list(db.execute(select(subdistricts.c.code).order_by(subdistricts.c.code)).scalars())


def every_subdistrict(db: Db) -> list[str]:
    """Codes of every subdistrict, for a login that is nobody yet and is about to work for all of them."""
    return list(db.execute(text("select app.every_subdistrict()")).scalar_one())


def subdistricts_in_scope(db: Db) -> list[str]:
    """Codes of the subdistricts that whoever this transaction acts for can see."""
    return list(db.execute(select(subdistricts.c.code).order_by(subdistricts.c.code)).scalars())


def is_synthetic(db: Db, person_id: UUID) -> bool:
    """Whether this is an active person of the demo."""
    query = select(people.c.id).where(people.c.id == person_id, people.c.synthetic, people.c.active)
    return db.execute(query).first() is not None
