"""Deputies 代理: one person stands in for another in one post, from a time to a time (R09, R21b).

Standing in hands over one role of the street and what it is bound to, the unit and the cells; nothing
else of the person. It wins nobody a second hand of a case: what is done counts for both persons
(``Actor.persons``, ``permissions.check_axis``), before and after. It is not handed on.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.administrators import THE_THREE
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission
from gridmgmt.errors import InvalidInput, NotAllowed, NotReady

LONGEST = timedelta(days=92)
NOT_HANDED_OVER = frozenset({*THE_THREE, Role.SYSTEM, Role.PEER, Role.DISTRICT_OFFICER})
"""Roles that the street does not hand over: the three administrators', a machine's, the district's."""


@dataclass(frozen=True, slots=True)
class Deputyship:
    """``deputy_id`` stands in for ``person_id`` as ``role``, from ``starts_at`` until before ``ends_at``."""

    id: UUID
    subdistrict_code: str
    person_id: UUID
    deputy_id: UUID
    role: Role
    starts_at: datetime
    ends_at: datetime
    granted_by: UUID
    granted_at: datetime

    def in_force(self, now: datetime) -> bool:
        """Whether it holds at that moment."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class StandIn:
    """A deputyship in force with what the post is bound to: the person's unit and cells."""

    deputyship: Deputyship
    unit_code: str | None
    cell_codes: frozenset[str]


def name_deputy(
    wanted: Deputyship, actor: Actor, held: frozenset[Role], deputys: frozenset[Role]
) -> Deputyship:
    """A deputyship that may be stored.

    Parameters
    ----------
    held : the roles of the person in this subdistrict.
    deputys : those of the deputy there; a stranger to the street stands in for nobody.

    Raises
    ------
    NotAllowed
        The director alone names deputies.
    InvalidInput
        Nobody stands in for himself, for a role that the person does not hold, for a role that is not
        handed over, for longer than three months, or from the other side of the house.
    """
    permissions.require(actor, Permission.DEPUTY_NAME, wanted.subdistrict_code)
    if actor.on_behalf_of is not None:
        raise NotAllowed("A deputy names no deputies.", article="9", rule="R09", in_scope=True)
    if wanted.person_id == wanted.deputy_id:
        raise _wrong("Nobody stands in for himself.", "deputy_id")
    if wanted.role in NOT_HANDED_OVER or wanted.role not in held:
        raise _wrong("This role is not that person's to hand over here.", "role")
    if not deputys or deputys & NOT_HANDED_OVER:
        raise _wrong("A deputy works in the loop of this street.", "deputy_id")
    if not wanted.granted_at <= wanted.ends_at or not wanted.starts_at < wanted.ends_at:
        raise _wrong("A deputyship ends after it begins, and not in the past.", "ends_at")
    if wanted.ends_at - wanted.starts_at > LONGEST:
        raise _wrong("A deputyship lasts three months at most.", "ends_at")
    return wanted


def stand_in(actor: Actor, given: tuple[StandIn, ...], now: datetime) -> Actor:
    """The actor in the posts of the one person whom he stands in for.

    Parameters
    ----------
    given : deputyships of this actor for that person; those not in force are passed over.

    Raises
    ------
    NotAllowed
        None is in force.
    """
    holding = [
        one
        for one in given
        if one.deputyship.deputy_id == actor.id
        and one.deputyship.in_force(now)
        and one.deputyship.subdistrict_code in actor.subdistricts
    ]
    persons = {one.deputyship.person_id for one in holding}
    # Posts of two streets are not mixed: a role would hold where it was not handed over.
    code = min((one.deputyship.subdistrict_code for one in holding), default="")
    holding = [one for one in holding if one.deputyship.subdistrict_code == code]
    if len(persons) != 1 or actor.on_behalf_of is not None:
        raise NotAllowed("You stand in for nobody of that id now.", article="9", rule="R09", in_scope=True)
    (person,) = persons
    return replace(
        actor,
        roles=frozenset(one.deputyship.role for one in holding),
        subdistricts=frozenset({code}),
        unit_code=holding[0].unit_code,
        cell_codes=frozenset().union(*(one.cell_codes for one in holding)),
        on_behalf_of=person,
    )


def end_early(given: Deputyship, actor: Actor, now: datetime) -> Deputyship:
    """The deputyship, ended now.

    Raises
    ------
    NotAllowed
        The director ends it, or the person himself who came back.
    NotReady
        It has ended.
    """
    if actor.id != given.person_id or actor.on_behalf_of is not None:
        permissions.require(actor, Permission.DEPUTY_NAME, given.subdistrict_code)
    if given.ends_at <= now:
        raise NotReady("The deputyship has ended.", article="9", rule="R09", guard="deputyship_lasts")
    return replace(given, ends_at=max(now, given.starts_at))


def _wrong(message: str, field: str) -> InvalidInput:
    return InvalidInput(message, article="9", rule="R09", field=field)
