"""What the system administrator and the security administrator do, each his own half.

A person who can work here has come through two hands: the system administrator makes him, the security
administrator gives him roles and a one-time link. Neither can make a way in alone. Whatever takes rights
away acts at once: sessions end in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gridmgmt.adapters import assertions
from gridmgmt.domain.administrators import check_apart, check_grant
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission, permissions_of, require
from gridmgmt.domain.report import Source
from gridmgmt.errors import Conflict, NotAllowed, NotFound
from gridmgmt.services.records import done
from gridmgmt.storage import accounts, audit, sessions, staff, throttle
from gridmgmt.storage.db import Db, acting_as
from gridmgmt.storage.rights.walls import Acting
from gridmgmt.storage.staff import NewPerson, Peer

# What a peer hands over is what somebody told it: the hotline's calls, a higher level's assignments.
PEER_SOURCES = (Source.HOTLINE_12345, Source.UPPER_LEVEL)


def list_staff(db: Db, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Everybody of the actor's subdistricts, for whoever administers them.

    Raises
    ------
    NotAllowed
        The actor is no administrator.
    """
    _require_anywhere(actor, Permission.PEOPLE_READ)
    return [dict(row) for row in staff.list_staff(db, actor, now)]


def create_person(db: Db, actor: Actor, now: datetime, person: NewPerson) -> dict[str, Any]:
    """Make a person without roles and without a way in.

    Raises
    ------
    NotAllowed
        The actor does not administer people there.
    Conflict
        The login is taken.
    """
    require(actor, Permission.PEOPLE_EDIT, person.subdistrict_code)
    if not staff.add_person(db, person):
        raise Conflict("This login is taken.", article="41", rule="R41c", login=person.login)
    _record(db, actor, now, "person:create", person.id, person.subdistrict_code)
    return _one(db, actor, person.id, now)


def set_active(db: Db, actor: Actor, now: datetime, person_id: UUID, *, active: bool) -> dict[str, Any]:
    """Say whether a person works here; whoever does not is signed out at once.

    Raises
    ------
    NotAllowed
        The actor does not administer people there, or means himself.
    NotFound
        There is no such person in the actor's scope.
    """
    person = _of(db, actor, person_id, now, Permission.PEOPLE_EDIT)
    staff.set_active(db, person_id, active=active)
    if not active:
        _shut_out(db, person_id, now)
    action = "person:activate" if active else "person:deactivate"
    _record(db, actor, now, action, person_id, person["subdistrict_code"])
    return _one(db, actor, person_id, now)


def grant_roles(
    db: Db, actor: Actor, now: datetime, person_id: UUID, grants: Sequence[tuple[Role, str]]
) -> dict[str, Any]:
    """Give a person these roles instead of all that he has in the actor's subdistricts.

    Every session of his ends: what he may do is decided when he signs in anew.

    Raises
    ------
    AdministratorsApart
        One of the three administrators' roles with any other.
    NotAllowed
        The actor does not grant roles there, grants to himself, or grants a role that people do not have.
    NotFound
        There is no such person in the actor's scope.
    """
    person = _of(db, actor, person_id, now, Permission.ROLE_GRANT)
    for _, subdistrict_code in grants:
        require(actor, Permission.ROLE_GRANT, subdistrict_code)
    check_grant(actor, person_id, (role for role, _ in grants))
    mine = sorted(actor.subdistricts)
    with acting_as(db, Acting.door()):
        elsewhere = staff.roles_elsewhere(db, person_id, mine)
    check_apart([*(role for role, _ in grants), *elsewhere])
    staff.replace_roles(db, person_id, mine, dict.fromkeys(grants))
    sessions.end_sessions_of(db, person_id, now)
    given = sorted(f"{role}@{code}" for role, code in grants)
    _record(db, actor, now, "role:grant", person_id, person["subdistrict_code"], roles=given)
    return _one(db, actor, person_id, now)


def make_link(
    db: Db, actor: Actor, now: datetime, person_id: UUID, token_sha256: bytes, lifetime: timedelta
) -> datetime:
    """A one-time link for a first password, or for a new one; until when it is good.

    What the person has keeps working until he uses the link: a link for somebody who lost nothing does him
    no harm.

    Raises
    ------
    NotAllowed, NotFound
        As :func:`grant_roles`.
    """
    person = _of(db, actor, person_id, now, Permission.ACCOUNT_SECURE)
    if not person["active"]:
        raise Conflict("This person does not work here any more.", article="41", rule="R41c")
    accounts.add_link(db, person_id, token_sha256, actor.id, now, now + lifetime)
    _record(db, actor, now, "account:link", person_id, person["subdistrict_code"])
    return now + lifetime


def sign_out(db: Db, actor: Actor, now: datetime, person_id: UUID) -> None:
    """End every session of a person at once; his devices stay known."""
    person = _of(db, actor, person_id, now, Permission.ACCOUNT_SECURE)
    ended = sessions.end_sessions_of(db, person_id, now)
    with acting_as(db, Acting.door()):
        accounts.end_sign_ins_of(db, person_id, now)
    _record(db, actor, now, "session:end_all", person_id, person["subdistrict_code"], ended=ended)


def unlock(db: Db, actor: Actor, now: datetime, person_id: UUID) -> None:
    """Forget all failures that are counted against a person's name."""
    person = _of(db, actor, person_id, now, Permission.ACCOUNT_SECURE)
    with acting_as(db, Acting.door()):
        forgotten = throttle.forget(db, person["login"])
    _record(db, actor, now, "account:unlock", person_id, person["subdistrict_code"], counters=forgotten)


def demand_change(db: Db, actor: Actor, now: datetime, person_id: UUID) -> None:
    """Have a person choose another password at his next sign-in."""
    person = _of(db, actor, person_id, now, Permission.ACCOUNT_SECURE)
    if not accounts.demand_change(db, person_id):
        raise NotFound("This person has no account yet.", kind="account")
    _record(db, actor, now, "account:demand_change", person_id, person["subdistrict_code"])


def devices_of(db: Db, actor: Actor, now: datetime, person_id: UUID) -> list[dict[str, Any]]:
    """A person's devices."""
    _of(db, actor, person_id, now, Permission.ACCOUNT_SECURE, himself=True)
    return [dict(row) for row in accounts.devices_of(db, person_id)]


def revoke_device(db: Db, actor: Actor, now: datetime, person_id: UUID, device_id: UUID) -> None:
    """Forget a device of a person, and end what is signed in on it."""
    person = _of(db, actor, person_id, now, Permission.ACCOUNT_SECURE)
    if not accounts.revoke_device(db, person_id, device_id, now):
        raise NotFound("No such device.", kind="device")
    sessions.end_sessions_on(db, device_id, now)
    _record(db, actor, now, "device:revoke", person_id, person["subdistrict_code"], device=str(device_id))


def add_peer(db: Db, actor: Actor, now: datetime, peer: Peer, name: str) -> None:
    """Let another system hand reports over, signed with this key.

    Raises
    ------
    NotAllowed
        The actor does not admit peers there.
    Conflict
        The client id is taken.
    """
    require(actor, Permission.PEER_EDIT, peer.subdistrict_code)
    person = NewPerson(peer.person_id, f"peer:{peer.client_id}", name, peer.subdistrict_code, None)
    if not staff.add_person(db, person) or not staff.add_peer(db, peer, now):
        raise Conflict("This client id is taken.", article="41", rule="R41c", client_id=peer.client_id)
    staff.add_roles(db, peer.person_id, [(Role.PEER, peer.subdistrict_code)])
    _record(
        db, actor, now, "peer:add", peer.person_id, peer.subdistrict_code,
        client_id=peer.client_id, algorithm=peer.algorithm, sources=list(peer.sources),
    )  # fmt: skip


def new_peer(person_id: UUID, asked: Mapping[str, Any]) -> Peer:
    """A peer as asked for; its algorithm follows from its key.

    Raises
    ------
    InvalidInput
        The key is of no kind that is accepted.
    NotAllowed
        A source that peers do not report from.
    """
    sources = tuple(dict.fromkeys(asked["sources"]))
    if not sources or not set(sources) <= set(PEER_SOURCES):
        raise NotAllowed("Peers do not report from this source.", article="41", rule="R41c", in_scope=True)
    return Peer(
        person_id=person_id,
        subdistrict_code=asked["subdistrict_code"],
        client_id=asked["client_id"],
        algorithm=assertions.algorithm_of(asked["public_key_pem"]),
        public_key_pem=asked["public_key_pem"],
        sources=sources,
    )


def list_peers(db: Db, actor: Actor) -> list[dict[str, Any]]:
    """The peers of the actor's subdistricts."""
    _require_anywhere(actor, Permission.PEER_EDIT)
    return [dict(row) for row in staff.list_peers(db, actor)]


def revoke_peer(db: Db, actor: Actor, now: datetime, person_id: UUID) -> None:
    """Let a system in no more; what it has open ends at once."""
    _require_anywhere(actor, Permission.PEER_EDIT)
    code = staff.revoke_peer(db, actor, person_id, now)
    if code is None:
        raise NotFound("No such peer.", kind="peer")
    sessions.end_sessions_of(db, person_id, now)
    _record(db, actor, now, "peer:revoke", person_id, code)


def _require_anywhere(actor: Actor, permission: Permission) -> None:
    if permission not in permissions_of(actor):
        raise NotAllowed(
            f"This needs the permission {permission}.",
            article="11",
            rule="R11",
            permission=str(permission),
            in_scope=True,
        )


def _of(
    db: Db, actor: Actor, person_id: UUID, now: datetime, permission: Permission, *, himself: bool = False
) -> Mapping[str, Any]:
    """A person whom the actor may administer: another one, of one of his subdistricts."""
    _require_anywhere(actor, permission)
    found = staff.one_of_staff(db, actor, person_id, now)
    if found is None:
        raise NotFound("No such person in your scope.", kind="person")
    if person_id == actor.id and not himself:
        raise NotAllowed("Nobody administers himself.", article="41", rule="R41c", in_scope=True)
    return dict(found) | {"subdistrict_code": found["subdistrict_code"] or min(actor.subdistricts)}


def _one(db: Db, actor: Actor, person_id: UUID, now: datetime) -> dict[str, Any]:
    found = staff.one_of_staff(db, actor, person_id, now)
    if found is None:
        raise NotFound("No such person in your scope.", kind="person")
    return dict(found)


def _shut_out(db: Db, person_id: UUID, now: datetime) -> None:
    sessions.end_sessions_of(db, person_id, now)
    accounts.revoke_devices_of(db, person_id, now)
    with acting_as(db, Acting.door()):
        accounts.end_sign_ins_of(db, person_id, now)


def _record(
    db: Db, actor: Actor, now: datetime, action: str, person_id: UUID, subdistrict_code: str, **facts: Any
) -> None:
    audit.append(db, [done(actor, now, action, "person", str(person_id), subdistrict_code, **facts)])
