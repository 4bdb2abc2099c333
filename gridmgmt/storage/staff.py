"""People as their administrators see them: made, deactivated, given roles; other systems as peers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import AdministratorsApart
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import peer_assertions, peers, people, person_roles

_EXCLUSION = "23P01"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to be made; he has neither roles nor a way in yet."""

    id: UUID
    login: str
    name: str
    subdistrict_code: str
    unit_code: str | None


_STAFF = """
    select p.id, p.login, p.name, p.unit_code, p.active, p.synthetic, p.subdistrict_code,
           a.person_id is not null as has_account, coalesce(a.must_change, false) as must_change,
           coalesce((select json_agg(json_build_object('role', r.role, 'subdistrict_code', r.subdistrict_code)
                                     order by r.subdistrict_code, r.role)
                       from app.person_roles r
                      where r.person_id = p.id and r.subdistrict_code = any(:codes)), '[]') as grants,
           (select count(*) from app.sessions s
             where s.person_id = p.id and s.revoked_at is null and s.idle_at > :now and s.expires_at > :now)
               as live_sessions
      from app.people p left join app.accounts a on a.person_id = p.id
     where not exists (select 1 from app.person_roles m where m.person_id = p.id and m.role = 'peer')
       and (p.subdistrict_code = any(:codes)
            or exists (select 1 from app.person_roles r
                        where r.person_id = p.id and r.subdistrict_code = any(:codes)))
"""


def list_staff(db: Db, actor: Actor, now: datetime) -> list[RowMapping]:
    """Everybody of the actor's subdistricts, those who left included, by login; peers are not people."""
    found = db.execute(text(_STAFF + " order by p.login"), {"codes": sorted(actor.subdistricts), "now": now})
    return [row._mapping for row in found]


def one_of_staff(db: Db, actor: Actor, person_id: UUID, now: datetime) -> RowMapping | None:
    """A person of the actor's subdistricts; None when there is no such there."""
    asked = {"codes": sorted(actor.subdistricts), "now": now, "id": person_id}
    found = db.execute(text(_STAFF + " and p.id = :id"), asked).first()
    return found._mapping if found else None


def add_person(db: Db, person: NewPerson) -> bool:
    """Make a person; False when the login is taken."""
    statement = upsert(people).values(
        id=person.id,
        login=person.login,
        name=person.name,
        unit_code=person.unit_code,
        active=True,
        synthetic=False,
        subdistrict_code=person.subdistrict_code,
    )
    stored = statement.on_conflict_do_nothing().returning(people.c.id)
    return db.execute(stored).first() is not None


def set_active(db: Db, person_id: UUID, *, active: bool) -> None:
    """Whether a person works here."""
    db.execute(update(people).where(people.c.id == person_id).values(active=active))


def roles_elsewhere(db: Db, person_id: UUID, subdistrict_codes: Iterable[str]) -> frozenset[Role]:
    """The roles that a person holds outside these subdistricts."""
    c = person_roles.c
    query = select(c.role).where(c.person_id == person_id, c.subdistrict_code.not_in(list(subdistrict_codes)))
    return frozenset(map(Role, db.execute(query).scalars()))


def replace_roles(
    db: Db, person_id: UUID, subdistrict_codes: Sequence[str], grants: Iterable[tuple[Role, str]]
) -> None:
    """These grants instead of all that the person has in these subdistricts."""
    c = person_roles.c
    db.execute(
        delete(person_roles).where(c.person_id == person_id, c.subdistrict_code.in_(subdistrict_codes))
    )
    add_roles(db, person_id, grants)


def add_roles(db: Db, person_id: UUID, grants: Iterable[tuple[Role, str]]) -> None:
    """More roles for a person.

    Raises
    ------
    AdministratorsApart
        Two of the three administrators' roles would meet; a grant that raced this one was first.
    """
    rows = [{"person_id": person_id, "role": role, "subdistrict_code": code} for role, code in grants]
    if not rows:
        return
    try:
        with db.begin_nested():
            db.execute(insert(person_roles), rows)
    except IntegrityError as exc:
        if getattr(exc.orig, "sqlstate", None) != _EXCLUSION:
            raise
        raise AdministratorsApart(
            "System, security and audit administrator are three persons, and hold no other role.",
            article="41",
            rule="R41c",
        ) from exc


def holders_of(db: Db, role: Role, subdistrict_code: str) -> list[str]:
    """Logins of active people with this role there; the demo's synthetic ones are nobody."""
    query = (
        select(people.c.login)
        .join(person_roles, person_roles.c.person_id == people.c.id)
        .where(person_roles.c.role == role, person_roles.c.subdistrict_code == subdistrict_code)
        .where(people.c.active, people.c.synthetic.is_(False))
        .order_by(people.c.login)
    )
    return list(db.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Peer:
    """Another system: who it is and the one key that it signs with."""

    person_id: UUID
    subdistrict_code: str
    client_id: str
    algorithm: str
    public_key_pem: str
    sources: tuple[str, ...]


def add_peer(db: Db, peer: Peer, now: datetime) -> bool:
    """Store a peer; False when the client id is taken."""
    statement = upsert(peers).values(
        person_id=peer.person_id,
        subdistrict_code=peer.subdistrict_code,
        client_id=peer.client_id,
        algorithm=peer.algorithm,
        public_key_pem=peer.public_key_pem,
        sources=list(peer.sources),
        created_at=now,
    )
    stored = statement.on_conflict_do_nothing().returning(peers.c.person_id)
    return db.execute(stored).first() is not None


def peer_named(db: Db, client_id: str) -> Peer | None:
    """The peer that is not revoked; None when there is none."""
    query = select(*(peers.c[name] for name in Peer.__slots__))
    found = db.execute(query.where(peers.c.client_id == client_id, peers.c.revoked_at.is_(None))).first()
    return Peer(**{**found._mapping, "sources": tuple(found.sources)}) if found else None


def sources_of_peer(db: Db, person_id: UUID) -> tuple[str, ...]:
    """The sources that a peer may report from."""
    query = select(peers.c.sources).where(peers.c.person_id == person_id)
    return tuple(db.execute(query).scalar() or ())


def list_peers(db: Db, actor: Actor) -> list[RowMapping]:
    """The peers of the actor's subdistricts, revoked ones included, by client id."""
    c = peers.c
    query = (
        select(
            c.person_id.label("id"), c.client_id, people.c.name, c.subdistrict_code, c.algorithm,
            c.public_key_pem, c.sources, c.created_at, c.revoked_at,
        )
        .join(people, people.c.id == c.person_id)
        .where(c.subdistrict_code.in_(actor.subdistricts))
        .order_by(c.client_id)
    )  # fmt: skip
    return [row._mapping for row in db.execute(query)]


def revoke_peer(db: Db, actor: Actor, person_id: UUID, now: datetime) -> str | None:
    """Revoke a peer of the actor's subdistricts; the subdistrict, or None when there is no such."""
    c = peers.c
    gone = update(peers).where(
        c.person_id == person_id, c.revoked_at.is_(None), c.subdistrict_code.in_(actor.subdistricts)
    )
    return db.execute(gone.values(revoked_at=now).returning(c.subdistrict_code)).scalar()


def use_assertion(db: Db, person_id: UUID, jti_sha256: bytes, expires_at: datetime, now: datetime) -> bool:
    """Take an assertion's id; False when it was taken before. Those that lapsed are swept away."""
    c = peer_assertions.c
    db.execute(delete(peer_assertions).where(c.expires_at < now))
    statement = upsert(peer_assertions).values(
        person_id=person_id, jti_sha256=jti_sha256, expires_at=expires_at
    )
    stored = statement.on_conflict_do_nothing().returning(c.person_id)
    return db.execute(stored).first() is not None
