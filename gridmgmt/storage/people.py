"""Actors, roles and sessions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text, update

from gridmgmt.domain.org import Actor, Role
from gridmgmt.storage.db import Db, hot_json
from gridmgmt.storage.tables import cell_workers, people, person_roles, sessions, subdistricts, units

# One round trip at the start of every request; the session table is the only way in.
_WHO_IS_SIGNED_IN = """
    with today as (select cast(%s as date) as on_day)
    select cast(json_object_agg(encode(s.token_sha256, 'hex'), json_build_object(
        'id', p.id, 'name', p.name, 'unit', p.unit_code,
        'roles', (select json_agg(r.role) from app.person_roles r where r.person_id = p.id),
        'subdistricts', (select json_agg(distinct r.subdistrict_code)
                           from app.person_roles r where r.person_id = p.id),
        'cells', (select json_agg(w.cell_code) from app.cell_workers w, today
                   where w.person_id = p.id and w.valid_from <= today.on_day
                     and (w.valid_to is null or w.valid_to > today.on_day)))) as text)
      from app.sessions s join app.people p on p.id = s.person_id
     where s.token_sha256 = any(cast(%s as bytea[])) and s.revoked_at is null
       and s.expires_at > cast(%s as timestamptz) and p.active
"""


def actors_of_sessions(db: Db, tokens_sha256: Iterable[bytes], now: datetime) -> dict[bytes, Actor]:
    """The people behind live sessions, with roles and scope as they are now; the others are absent."""
    tokens = ",".join({f'"\\\\x{token.hex()}"' for token in tokens_sha256})
    asked = (now.date().isoformat(), f"{{{tokens}}}", now.isoformat())
    found = hot_json(db, _WHO_IS_SIGNED_IN, asked) or {}
    return {bytes.fromhex(token): _actor(facts) for token, facts in found.items()}


def actor_of_session(db: Db, token_sha256: bytes, now: datetime) -> Actor | None:
    """The person behind a live session; None when there is none."""
    return actors_of_sessions(db, [token_sha256], now).get(token_sha256)


def _actor(facts: Mapping[str, Any]) -> Actor:
    return Actor(
        id=UUID(facts["id"]),
        name=facts["name"],
        roles=frozenset(map(Role, facts["roles"] or ())),
        subdistricts=frozenset(facts["subdistricts"] or ()),
        unit_code=facts["unit"],
        cell_codes=frozenset(facts["cells"] or ()),
    )


def open_session(db: Db, token_sha256: bytes, person_id: UUID, now: datetime, expires_at: datetime) -> None:
    """Store a session; only the hash of its token is kept."""
    db.execute(
        insert(sessions).values(
            token_sha256=token_sha256, person_id=person_id, created_at=now, expires_at=expires_at
        )
    )


def end_session(db: Db, token_sha256: bytes, now: datetime) -> None:
    """End a session at once."""
    db.execute(update(sessions).where(sessions.c.token_sha256 == token_sha256).values(revoked_at=now))


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


def is_synthetic(db: Db, person_id: UUID) -> bool:
    """Whether this is an active person of the demo."""
    query = select(people.c.id).where(people.c.id == person_id, people.c.synthetic, people.c.active)
    return db.execute(query).first() is not None
