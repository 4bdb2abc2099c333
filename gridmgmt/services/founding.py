"""The first administrators of an installation, made from its own command line.

Only there, and only while nobody holds the role: whoever can run commands on the server could write into the
database anyway. What is done here is audited in the platform's name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from gridmgmt.domain.administrators import THE_THREE
from gridmgmt.domain.org import Role, system_actor
from gridmgmt.errors import Conflict, InvalidInput, NotFound
from gridmgmt.services.records import done
from gridmgmt.storage import accounts, audit, people, sessions, staff
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.walls import Acting
from gridmgmt.storage.staff import NewPerson

_NAMESPACE = UUID("0f1ba9d4-6c1f-5b44-9a0c-5b7a3d1c2e90")


@dataclass(frozen=True, slots=True)
class First:
    """The first administrator of a kind; ``subdistrict_code`` is None where there is only one."""

    role: str
    login: str
    name: str
    subdistrict_code: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link to be made: the hash of its secret, and how long it is good."""

    token_sha256: bytes
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Founded:
    """Somebody who holds the role; ``is_new`` says whether he was made just now."""

    person_id: UUID
    subdistrict_code: str
    is_new: bool


def first_administrator(db: Db, first: First) -> Founded:
    """Make the first administrator of a kind in a subdistrict, or find him where he was made before.

    Raises
    ------
    InvalidInput
        Not one of the three administrators' roles.
    NotFound
        There is no such subdistrict, or several and none was named.
    Conflict
        Somebody else holds the role there, or the login is taken: people come from the administrators now.
    """
    if first.role not in THE_THREE:
        raise InvalidInput(f"The first people are {', '.join(sorted(THE_THREE))}.", rule="R41c")
    role, code = Role(first.role), _subdistrict(db, first.subdistrict_code)
    act_as(db, Acting.setup([code]))
    person_id = uuid5(_NAMESPACE, f"{code}/{first.login}")
    holders = staff.holders_of(db, role, code)
    if holders and holders != [first.login]:
        raise Conflict(f"There is a {role} already; see gridmgmt accounts reset-link.", rule="R41c")
    if not holders:
        if not staff.add_person(db, NewPerson(person_id, first.login, first.name, code, None)):
            raise Conflict("This login is taken.", rule="R41c", login=first.login)
        staff.add_roles(db, person_id, [(role, code)])
    return Founded(person_id, code, is_new=not holders)


def first_link(db: Db, now: datetime, founded: Founded, link: Link) -> None:
    """A link for the first administrator; another one as long as he has not set up his account.

    Raises
    ------
    Conflict
        He has an account: his way back is another command.
    """
    act_as(db, Acting.door())
    if accounts.account_of(db, founded.person_id) is not None:
        raise Conflict("This account is set up; see gridmgmt accounts reset-link.", rule="R41c")
    _give(db, now, founded.person_id, founded.subdistrict_code, link, "account:first_link")


def way_back(db: Db, now: datetime, login: str, link: Link) -> None:
    """A new link for an administrator who lost his way in; his sessions end at once.

    Raises
    ------
    NotFound
        No active person has this login.
    Conflict
        He is none of the three: the security administrator makes his link.
    """
    act_as(db, Acting.door())
    person_id = people.person_named(db, login)
    if person_id is None:
        raise NotFound("No active person has this login.", kind="person")
    if not THE_THREE & people.roles_of(db, person_id):
        raise Conflict("The security administrator makes this link.", rule="R41c")
    sessions.end_sessions_of(db, person_id, now)
    _give(db, now, person_id, people.home_of(db, person_id), link, "account:reset_link")


def _subdistrict(db: Db, asked: str | None) -> str:
    known = people.every_subdistrict(db)
    if asked is None and len(known) == 1:
        return known[0]
    if asked is None or asked not in known:
        raise NotFound(f"Name one of the subdistricts in this database: {', '.join(known) or 'none yet'}.")
    return asked


def _give(db: Db, now: datetime, person_id: UUID, code: str, link: Link, action: str) -> None:
    accounts.add_link(db, person_id, link.token_sha256, None, now, now + link.lifetime)
    audit.append(db, [done(system_actor(code), now, action, "person", str(person_id), code)])
