"""Who works where and when: 排班. The choice of a person is pure, and says why it fell on this one.

A cell has workers 网格员, deputies, and a leader 网格长 (``cell_workers``). Of these the first rank with
somebody present answers; among several the one with the least open work, then the smaller id (R21b).
Present is whoever is neither on leave 请假 nor off duty 轮休:

* on leave from the first day of a leave up to its end; the deputy that the leave names stands in at the
  same rank, if he is present himself. Deputies of deputies are not looked for.
* off duty outside his shifts 班次, once he has shifts on that day. For whom no shifts are kept, the
  whole day counts.

When nobody of the cell is present, whoever has a shift for the cell or its community at that hour
answers; else nobody, and the unit sees to it. Days are local, intervals half-open.

Not here: acting on behalf of somebody in a case (代理), which gives rights; this only chooses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from gridmgmt.domain.rows import in_force

_COMMUNITY_DIGITS = 12
NO_LOAD: Mapping[UUID, int] = MappingProxyType({})
EVERY_DAY = frozenset(range(1, 8))


class RosterRole(StrEnum):
    """A person's part in a cell: 网格员, 网格长, and who stands in."""

    WORKER = "worker"
    DEPUTY = "deputy"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One person in one cell; ``valid_to`` is the first day after the assignment."""

    cell_code: str
    person_id: UUID
    role: RosterRole
    valid_from: date
    valid_to: date | None = None
    on_leave: bool = False
    """Absent until further notice; a leave with dates is a :class:`Leave`."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours of duty on some weekdays of a period; for a cell, for a unit or for the person's own post.

    ``weekdays`` are those the shift begins on, Monday being 1. A shift whose ``ends`` is not after
    ``starts`` goes on past midnight; equal times are 24 hours. A single dated shift is a period of one day.
    """

    person_id: UUID
    weekdays: frozenset[int]
    starts: time
    ends: time
    valid_from: date
    valid_to: date | None = None
    unit_code: str | None = None
    cell_code: str | None = None

    def covers(self, on: date, at: time) -> bool:
        """Whether somebody with this shift is on duty at that local time."""
        past_midnight = self.ends <= self.starts
        if self._begins(on) and at >= self.starts and (past_midnight or at < self.ends):
            return True
        return past_midnight and at < self.ends and self._begins(on - timedelta(days=1))

    def _begins(self, on: date) -> bool:
        return on.isoweekday() in self.weekdays and in_force(self, on)


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody is away; ``valid_to`` is the first day back, ``deputy_id`` who stands in."""

    person_id: UUID
    valid_from: date
    valid_to: date
    deputy_id: UUID | None = None


class WorkerCode(StrEnum):
    """Why this person, or nobody; stored with the decision and never renamed."""

    WORKER_OF_CELL = "worker_of_cell"
    DEPUTY_OF_CELL = "deputy_of_cell"
    LEADER_OF_CELL = "leader_of_cell"
    STANDS_IN = "stands_in"
    ON_DUTY = "on_duty"
    NOBODY_ASSIGNED = "nobody_assigned"
    NOBODY_PRESENT = "nobody_present"
    NO_CELL = "no_cell"
    WAITS = "waits"


class Choice(NamedTuple):
    """A person, or nobody, with the reason in words and as a code."""

    person_id: UUID | None
    reason: str
    code: WorkerCode


class _Rank(NamedTuple):
    people: tuple[UUID, ...]
    code: WorkerCode
    words: str


_CODE_OF = {
    RosterRole.WORKER: WorkerCode.WORKER_OF_CELL,
    RosterRole.DEPUTY: WorkerCode.DEPUTY_OF_CELL,
    RosterRole.LEADER: WorkerCode.LEADER_OF_CELL,
}


class Roster:
    """Who works where; built once, then only read."""

    def __init__(
        self,
        entries: Iterable[RosterEntry] = (),
        shifts: Iterable[Shift] = (),
        leaves: Iterable[Leave] = (),
    ) -> None:
        self._by_cell: dict[str, list[RosterEntry]] = {}
        for entry in entries:
            self._by_cell.setdefault(entry.cell_code, []).append(entry)
        self._shifts: dict[UUID, list[Shift]] = {}
        self._shifts_for: dict[str, list[Shift]] = {}
        for shift in shifts:
            self._shifts.setdefault(shift.person_id, []).append(shift)
            for place in (shift.cell_code, shift.unit_code):
                if place:
                    self._shifts_for.setdefault(place, []).append(shift)
        self._leaves: dict[UUID, list[Leave]] = {}
        for leave in leaves:
            self._leaves.setdefault(leave.person_id, []).append(leave)

    def people_of(self, cell_code: str, on: date) -> tuple[UUID, ...]:
        """Everybody who is assigned to the cell that day, workers first."""
        return tuple(e.person_id for e in self.assigned(cell_code, on))

    def assigned(self, cell_code: str, on: date) -> tuple[RosterEntry, ...]:
        """The entries behind :meth:`people_of`, in its order."""
        ranks = list(RosterRole)
        return tuple(sorted(self._entries(cell_code, on), key=lambda e: (ranks.index(e.role), e.person_id)))

    def leaders_of(self, cell_code: str, on: date) -> tuple[UUID, ...]:
        """The grid leaders 网格长 of a cell that day but for those absent until further notice."""
        entries = self._entries(cell_code, on)
        return tuple(e.person_id for e in entries if e.role is RosterRole.LEADER and not e.on_leave)

    def deputy_on_leave(self, person_id: UUID, on: date) -> UUID | None:
        """Whom the leave of a person names to stand in; None without leave or deputy."""
        leave = self._leave(person_id, on)
        return None if leave is None else leave.deputy_id

    def absence(self, person_id: UUID, on: date, at: time | None = None) -> str | None:
        """Why a person is not there: ``on leave`` or ``off duty``; None when he is.

        Parameters
        ----------
        at : local time; None asks about the day and not about the hour.
        """
        if self._leave(person_id, on) is not None:
            return "on leave"
        shifts = self._shifts.get(person_id, ())
        if at is None or not any(in_force(s, on) for s in shifts):
            return None
        return None if any(s.covers(on, at) for s in shifts) else "off duty"

    def tied(self, cell_code: str, on: date, at: time | None = None) -> tuple[UUID, ...]:
        """Those between whom open work decides; nobody's load need be counted where this has one or none."""
        return self._rank(cell_code, on, at).people

    def choose(
        self, cell_code: str, on: date, at: time | None = None, load: Mapping[UUID, int] = NO_LOAD
    ) -> Choice:
        """The person who answers for the cell, and why it is this one.

        Parameters
        ----------
        on, at : local day and time; without a time nobody is off duty.
        load : open cases by person; who is not in it has none.
        """
        people, code, words = self._rank(cell_code, on, at)
        if not people:
            return Choice(None, words, code)
        chosen = min(people, key=lambda person: (load.get(person, 0), person))
        among = f", least open work of {len(people)}" if len(people) > 1 else ""
        head, _, tail = words.partition(";")
        return Choice(chosen, f"{head}{among}{f';{tail}' if tail else ''}", code)

    def _entries(self, cell_code: str, on: date) -> list[RosterEntry]:
        return [e for e in self._by_cell.get(cell_code, ()) if in_force(e, on)]

    def _leave(self, person_id: UUID, on: date) -> Leave | None:
        return next((leave for leave in self._leaves.get(person_id, ()) if in_force(leave, on)), None)

    def _rank(self, cell_code: str, on: date, at: time | None) -> _Rank:
        entries = self._entries(cell_code, on)
        before = ""
        for role in RosterRole:
            of_role = [e for e in entries if e.role is role]
            away = {e.person_id: self._away(e, on, at) for e in of_role}
            present = tuple(sorted(person for person, why in away.items() if why is None))
            if present:
                return _Rank(present, _CODE_OF[role], f"{role} of the cell{before}")
            deputies = self._deputies(of_role, on, at)
            whys = sorted({why for why in away.values() if why})
            before += f"; {role} {' and '.join(whys)}" if of_role else f"; no {role}"
            if deputies:
                return _Rank(deputies, WorkerCode.STANDS_IN, f"stands in for the {role} of the cell{before}")
        places = (cell_code, cell_code[:_COMMUNITY_DIGITS])
        on_duty = {
            s.person_id
            for place in places
            for s in self._shifts_for.get(place, ())
            if at is not None and s.covers(on, at) and self._leave(s.person_id, on) is None
        }
        if on_duty:
            return _Rank(tuple(sorted(on_duty)), WorkerCode.ON_DUTY, f"on duty for the community{before}")
        if not entries:
            return _Rank((), WorkerCode.NOBODY_ASSIGNED, "nobody is assigned to this cell")
        return _Rank((), WorkerCode.NOBODY_PRESENT, f"nobody of the cell is present{before}")

    def _away(self, entry: RosterEntry, on: date, at: time | None) -> str | None:
        return "on leave" if entry.on_leave else self.absence(entry.person_id, on, at)

    def _deputies(self, entries: list[RosterEntry], on: date, at: time | None) -> tuple[UUID, ...]:
        """Who stands in for those on leave, as their leaves say, and is there himself."""
        named = {
            leave.deputy_id
            for e in entries
            if (leave := self._leave(e.person_id, on)) and leave.deputy_id is not None
        }
        return tuple(sorted(d for d in named if self.absence(d, on, at) is None))
