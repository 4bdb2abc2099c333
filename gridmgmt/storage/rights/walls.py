"""As whom a transaction acts: the database role, the person, the subdistricts.

The API and the worker log in as roles that own nothing and may read nothing. Each transaction then
becomes one *wall* (a role that cannot log in) with the person's id, subdistricts and rights in settings
that end with the transaction. Without that, every table is closed: forgetting it fails, and does not
leak.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gridmgmt.domain.org import Actor, Role

OWNER = "gridmgmt_owner"
"""Owns schema ``app``; cannot log in. Migrations become it."""


class Login(StrEnum):
    """Roles that log in. None is a superuser, and none inherits anything."""

    MIGRATE = "gridmgmt_migrate"
    APP = "gridmgmt_app"
    WORKER = "gridmgmt_worker"
    BACKUP = "gridmgmt_backup"


class Wall(StrEnum):
    """Roles that a transaction can become; the database role is ``gridmgmt_<value>``."""

    BUSINESS = "business"
    """Every post of the loop, and whoever holds several."""
    PLANNER = "planner"
    """A planner and nothing else: plans and counts, no report."""
    ADMINISTRATOR = "administrator"
    """System administrator: accounts and rules, no business data."""
    SECURITY = "security"
    """Security administrator: roles, sessions, devices, peers; no business data."""
    AUDITOR = "auditor"
    """Audit administrator: reads the audit log."""
    SYSTEM = "system"
    """The worker: clocks and deliveries, in the subdistricts that it names."""
    SEALER = "sealer"
    """Seals the audit log: reads it whole, writes seals."""
    RULES = "rules"
    """Loads one subdistrict's rules for everybody, so that they do not depend on who asked first."""
    DOOR = "door"
    """Before anybody is known: signing in, and recording what was refused."""
    LOOKOUT = "lookout"
    """Health, metrics and the fan-out of events: all streets, no personal data."""
    SETUP = "setup"
    """Loads places, rules and people from the command line; sees no report."""

    @property
    def role(self) -> str:
        """Name of the database role."""
        return f"gridmgmt_{self.value}"


_WALL_OF_ONE = {
    Role.ADMINISTRATOR: Wall.ADMINISTRATOR,
    Role.SECURITY_ADMINISTRATOR: Wall.SECURITY,
    Role.AUDITOR: Wall.AUDITOR,
    Role.PLANNER: Wall.PLANNER,
    Role.SYSTEM: Wall.SYSTEM,
}
WALLS_OF_PERSONS = (
    Wall.BUSINESS,
    Wall.PLANNER,
    Wall.ADMINISTRATOR,
    Wall.SECURITY,
    Wall.AUDITOR,
    Wall.SYSTEM,
)


def wall_of(roles: frozenset[Role]) -> Wall:
    """The wall of somebody with these roles: his own when he holds one role that has one."""
    return _WALL_OF_ONE.get(next(iter(roles)), Wall.BUSINESS) if len(roles) == 1 else Wall.BUSINESS


@dataclass(frozen=True, slots=True)
class Acting:
    """Who a transaction acts for. Make one by the functions below, never from what a client sends."""

    wall: Wall | None
    roles: frozenset[str] = frozenset()
    subdistricts: frozenset[str] = frozenset()
    person_id: UUID | None = None
    request_id: str = ""

    @classmethod
    def of(cls, actor: Actor, request_id: str = "") -> "Acting":
        """A signed-in person, within his subdistricts."""
        return cls(wall_of(actor.roles), frozenset(actor.roles), actor.subdistricts, actor.id, request_id)

    @classmethod
    def group(cls, actors: Iterable[Actor]) -> "Acting":
        """Several people with one scope and one set of roles; no particular one of them."""
        everybody = list(actors)
        (roles,) = {actor.roles for actor in everybody}
        (subdistricts,) = {actor.subdistricts for actor in everybody}
        return cls(wall_of(roles), frozenset(roles), subdistricts)

    @classmethod
    def system(cls, subdistricts: Iterable[str], request_id: str = "") -> "Acting":
        """The platform itself in these subdistricts."""
        role = Role.SYSTEM
        return cls(Wall.SYSTEM, frozenset({role}), frozenset(subdistricts), request_id=request_id)

    @classmethod
    def rules(cls, subdistrict_code: str) -> "Acting":
        """Whoever reads the rules of one subdistrict."""
        return cls(Wall.RULES, subdistricts=frozenset({subdistrict_code}))

    @classmethod
    def door(cls, request_id: str = "") -> "Acting":
        """Nobody yet: signing in, recording a refusal."""
        return cls(Wall.DOOR, request_id=request_id)

    @classmethod
    def lookout(cls) -> "Acting":
        """Whoever watches over all subdistricts without reading personal data."""
        return cls(Wall.LOOKOUT)

    @classmethod
    def sealer(cls) -> "Acting":
        """Whoever seals and verifies the audit log, for all subdistricts."""
        return cls(Wall.SEALER)

    @classmethod
    def setup(cls, subdistricts: Iterable[str]) -> "Acting":
        """Whoever loads these subdistricts from the command line."""
        return cls(Wall.SETUP, subdistricts=frozenset(subdistricts))


NOBODY = Acting(None)
"""The login itself, which may ask who is behind a session's token and nothing else."""
