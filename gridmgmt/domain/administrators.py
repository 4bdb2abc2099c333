"""Three administrators apart 三员分立 (GB/T 22239 §8.1.4.2): system, security and audit are three persons.

Whoever holds one of the three roles holds no other role, in no subdistrict. The database keeps the same
rule by an exclusion constraint (migration 0003), so two grants at one moment cannot slip past each other.
"""

from collections.abc import Iterable

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import AdministratorsApart, NotAllowed

THE_THREE = frozenset({Role.ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})
# Roles that no person is given: the platform's own, and that of other systems, which have no password.
NOT_FOR_PEOPLE = frozenset({Role.SYSTEM, Role.PEER})


def check_apart(roles: Iterable[Role]) -> None:
    """Refuse a set of roles that mixes one of the three with anything else.

    Raises
    ------
    AdministratorsApart
        ``facts["roles"]`` are the roles asked for.
    """
    asked = frozenset(roles)
    if THE_THREE & asked and len(asked) > 1:
        raise AdministratorsApart(
            "System, security and audit administrator are three persons, and hold no other role.",
            article="41",
            rule="R41c",
            roles=sorted(map(str, asked)),
        )


def check_grant(granter: Actor, person_id: object, roles: Iterable[Role]) -> None:
    """Refuse a grant that nobody may make: to oneself, of the platform's roles, of two of the three.

    Raises
    ------
    NotAllowed
        The granter grants to himself, or a role that is not given to people.
    AdministratorsApart
        As :func:`check_apart`.
    """
    asked = frozenset(roles)
    if granter.id == person_id:
        raise NotAllowed("Nobody grants roles to himself.", article="41", rule="R41c", in_scope=True)
    if NOT_FOR_PEOPLE & asked:
        raise NotAllowed("This role is not given to people.", article="41", rule="R41c", in_scope=True)
    check_apart(asked)
