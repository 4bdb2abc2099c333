"""Who of some people is there now, and who stands in for whoever is not (代理); with the reason kept.

Away is whoever is on leave 请假, or has a deputy at this moment (:mod:`.deputy`): his deputy is told
instead, first the one of a deputyship in force, then the one that the leave names, if he is there himself.
Deputies of deputies are not looked for. Whoever is off duty 轮休, or on leave without a deputy, is passed
over while a colleague of the same post is there; if none is, he is told all the same, with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from uuid import UUID

from gridmgmt.domain.deputy import Deputyship
from gridmgmt.domain.org import Role
from gridmgmt.domain.roster import Roster


class Because(StrEnum):
    """Why somebody is told; stored with what he is told, and never renamed."""

    WORKER = "worker"
    UNIT = "unit"
    DESK = "desk"
    GRID_WORKER = "grid_worker"
    GRID_LEADER = "grid_leader"
    COMMUNITY = "community"
    STREET = "street"
    DISTRICT = "district"
    REPORTER = "reporter"
    REQUESTER = "requester"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class StaffPerson:
    """Somebody who works for the street, with his posts in it."""

    id: UUID
    roles: frozenset[Role]
    unit_code: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to be told. ``instead_of`` is absent, and ``absence`` says why."""

    person_id: UUID
    because: Because
    instead_of: UUID | None = None
    absence: str | None = None


class Staff:
    """The people of one street at one moment.

    Parameters
    ----------
    people : active, each with his roles in this street.
    on, at : local day and time.
    """

    def __init__(
        self,
        people: Iterable[StaffPerson],
        roster: Roster,
        deputyships: Sequence[Deputyship],
        on: date,
        at: time,
    ) -> None:
        self._people: Mapping[UUID, StaffPerson] = {p.id: p for p in people}
        self._roster, self._on, self._at = roster, on, at
        self._deputies: dict[UUID, list[UUID]] = {}
        for given in deputyships:
            self._deputies.setdefault(given.person_id, []).append(given.deputy_id)

    @property
    def roster(self) -> Roster:
        """Who works in which cell."""
        return self._roster

    def with_role(self, *roles: Role) -> list[UUID]:
        """Everybody with one of these posts, by id."""
        wanted = frozenset(roles)
        return sorted(p.id for p in self._people.values() if p.roles & wanted)

    def of_unit(self, unit_code: str | None) -> list[UUID]:
        """The handlers of a unit, by id; of a unit without any, whoever belongs to it."""
        members = [p for p in self._people.values() if unit_code is not None and p.unit_code == unit_code]
        handlers = [p for p in members if Role.HANDLER in p.roles]
        return sorted(p.id for p in handlers or members)

    def of_cell(self, cell_code: str, because: Because) -> list[UUID]:
        """The worker or the leader of a cell, by the roster of the day."""
        if because is Because.GRID_LEADER:
            return list(self._roster.leaders_of(cell_code, self._on))
        chosen = self._roster.choose(cell_code, self._on, self._at).person_id
        return [] if chosen is None else [chosen]

    def present(self, people: Iterable[UUID | None], because: Because) -> list[Recipient]:
        """Who is told for these people of one post; nobody who does not work here."""
        there: list[Recipient] = []
        away: list[Recipient] = []
        for person in dict.fromkeys(people):
            if person is None or person not in self._people:
                continue
            deputy, absence = self._stand_in(person)
            if deputy is not None:
                there.append(Recipient(deputy, because, person, absence))
            elif absence is None:
                there.append(Recipient(person, because))
            else:
                away.append(Recipient(person, because, absence=absence))
        return there or away

    def known(self, people: Iterable[UUID | None], because: Because) -> list[Recipient]:
        """These people themselves, there or not; nobody who does not work here."""
        return [Recipient(p, because) for p in dict.fromkeys(people) if p is not None and p in self._people]

    def _stand_in(self, person: UUID) -> tuple[UUID | None, str | None]:
        """Who stands in for somebody now, and why he is away."""
        absence = self._roster.absence(person, self._on, self._at)
        named = [(d, absence or "deputy in force") for d in self._deputies.get(person, ())]
        by_leave = self._roster.deputy_on_leave(person, self._on)
        if by_leave is not None:
            named.append((by_leave, "on leave"))
        for deputy, why in named:
            if deputy in self._people and self._roster.absence(deputy, self._on, self._at) is None:
                return deputy, why
        return None, absence
