"""Who is told of what: the levels of the ladder, and the people concerned by each event.

Pure: an event or a rung, the case, and the street's staff at that moment give people with the reason.
Everybody is told once of one thing, by the first reason that applies to him. A level of the ladder with
nobody in it hands over to the next one above, so that a rung never reaches nobody while the street or the
district has people.

Whoever reported is told what became of it if he works for the street; a resident is told by a person
(article 14-2, :mod:`.telling`). What an event kind tells nobody stands in :data:`TOLD_NOBODY` by name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain.besidelimits import BesideLimit
from gridmgmt.domain.events import EventKind
from gridmgmt.domain.ladder import Level
from gridmgmt.domain.org import Role
from gridmgmt.domain.presence import Because, Recipient, Staff
from gridmgmt.domain.workflow import State


@dataclass(frozen=True, slots=True)
class About:
    """The part of a case that decides whom it concerns."""

    cell_code: str
    community_code: str
    state: State
    unit_code: str | None = None
    worker_id: UUID | None = None
    reported_by: UUID | None = None


_DESKS: Mapping[State, tuple[Role, ...]] = MappingProxyType(
    {
        State.REPORTED: (Role.ACCEPTOR,),
        State.SELF_HANDLED: (Role.ACCEPTOR,),
        State.ACCEPTED: (Role.SHIFT_LEADER,),
        State.FILED: (Role.DISPATCHER,),
        State.REFERRED: (Role.DISTRICT_OFFICER,),
        State.ON_HOLD: (Role.DISPATCHER,),
        State.VERIFIED: (Role.SHIFT_LEADER,),
    }
)
_STREET = (Role.DISPATCHER, Role.SHIFT_LEADER, Role.DIRECTOR)


def of_rung(levels: Sequence[Level], about: About, staff: Staff) -> list[Recipient]:
    """The people of some levels of the ladder, the lowest first, each once."""
    order = list(Level)
    found: list[Recipient] = []
    for level in levels:
        people: list[Recipient] = []
        for above in order[order.index(level) :]:
            people = _OF_LEVEL[above](about, staff)
            if people:
                break
        found += people
    return _once(found)


def of_limit_beside(  # who is told hangs on the limit, not on who has the case
    levels: Sequence[Level], about: About, limit: BesideLimit, staff: Staff, *, used_up: bool
) -> list[Recipient]:
    """The people of some levels for a limit beside the case; once it is ``used_up``, who set it as well."""
    state = State.FILED if limit.unit_code is None else State.HANDLING
    addressed = replace(about, state=state, unit_code=limit.unit_code, worker_id=None)
    asked = staff.known([limit.asked_by], Because.REQUESTER) if used_up else []
    return _once([*of_rung(levels, addressed, staff), *asked])


def of_event(kind: EventKind, facts: Mapping[str, Any], about: About | None, staff: Staff) -> list[Recipient]:
    """The people concerned by an event, each once.

    Parameters
    ----------
    facts : of the event.
    about : the case as it is now; None where the event is about none.
    """
    audiences = AUDIENCES.get(kind, ())
    return _once(r for audience in audiences for r in audience(facts, about, staff))


def _once(found: Iterable[Recipient]) -> list[Recipient]:
    by_person: dict[UUID, Recipient] = {}
    for recipient in found:
        by_person.setdefault(recipient.person_id, recipient)
    return list(by_person.values())


# Levels of the ladder.


def _holder(about: About, staff: Staff) -> list[Recipient]:
    if about.state in {State.HANDLING, State.ON_HOLD}:
        return _unit_or_worker(about, staff)
    if about.state is State.HANDLED:
        return _grid_worker(about, staff)
    return staff.present(staff.with_role(*_DESKS.get(about.state, ())), Because.DESK)


def _unit_or_worker(about: About, staff: Staff) -> list[Recipient]:
    worker = staff.present([about.worker_id], Because.WORKER)
    return worker + staff.present(staff.of_unit(about.unit_code), Because.UNIT)


def _grid_worker(about: About, staff: Staff) -> list[Recipient]:
    return staff.present(staff.of_cell(about.cell_code, Because.GRID_WORKER), Because.GRID_WORKER)


def _grid_leader(about: About, staff: Staff) -> list[Recipient]:
    return staff.present(staff.of_cell(about.cell_code, Because.GRID_LEADER), Because.GRID_LEADER)


def _community(about: About, staff: Staff) -> list[Recipient]:
    return staff.present(staff.of_unit(about.community_code), Because.COMMUNITY)


def _street(_: About, staff: Staff) -> list[Recipient]:
    return staff.present(staff.with_role(*_STREET), Because.STREET)


def _district(_: About, staff: Staff) -> list[Recipient]:
    return staff.present(staff.with_role(Role.DISTRICT_OFFICER), Because.DISTRICT)


_OF_LEVEL: Mapping[Level, Callable[[About, Staff], list[Recipient]]] = MappingProxyType(
    {
        Level.HOLDER: _holder,
        Level.GRID_WORKER: _grid_worker,
        Level.GRID_LEADER: _grid_leader,
        Level.COMMUNITY: _community,
        Level.STREET: _street,
        Level.DISTRICT: _district,
    }
)


# Audiences of events.

Audience = Callable[[Mapping[str, Any], About | None, Staff], list[Recipient]]


def _assigned(_: Mapping[str, Any], about: About | None, staff: Staff) -> list[Recipient]:
    return [] if about is None else _unit_or_worker(about, staff)


def _desk(_: Mapping[str, Any], about: About | None, staff: Staff) -> list[Recipient]:
    return [] if about is None else _holder(about, staff)


def _worker_of_cell(_: Mapping[str, Any], about: About | None, staff: Staff) -> list[Recipient]:
    return [] if about is None else _grid_worker(about, staff)


def _reporter(_: Mapping[str, Any], about: About | None, staff: Staff) -> list[Recipient]:
    # He reported himself: nobody else is told in his place.
    return [] if about is None else staff.known([about.reported_by], Because.REPORTER)


def _unit_named(facts: Mapping[str, Any], _: About | None, staff: Staff) -> list[Recipient]:
    code = facts.get("unit_code")
    if code is None:
        return staff.present(staff.with_role(Role.DISPATCHER), Because.DESK)
    return staff.present(staff.of_unit(str(code)), Because.UNIT)


def _person(fact: str, because: Because) -> Audience:
    def audience(facts: Mapping[str, Any], _: About | None, staff: Staff) -> list[Recipient]:
        given = facts.get(fact)
        return staff.known([UUID(str(given))] if given else [], because)

    return audience


def _posts(*roles: Role) -> Audience:
    def audience(_: Mapping[str, Any], __: About | None, staff: Staff) -> list[Recipient]:
        return staff.present(staff.with_role(*roles), Because.DESK)

    return audience


def _worker_now(_: Mapping[str, Any], about: About | None, staff: Staff) -> list[Recipient]:
    """Whoever has the case after a handover; without a worker of its own, whoever has the cell."""
    if about is None:
        return []
    return staff.present([about.worker_id], Because.WORKER) or _grid_worker(about, staff)


def _next_hand_of_plan(facts: Mapping[str, Any], _: About | None, staff: Staff) -> list[Recipient]:
    """The district has a checked plan before it; what it says goes to those who draw."""
    post = Role.DISTRICT_OFFICER if facts.get("status") == "checked" else Role.PLANNER
    return staff.present(staff.with_role(post), Because.DESK)


_GRANTERS = _posts(Role.DISPATCHER, Role.SHIFT_LEADER, Role.DIRECTOR)
_CALLERS = _posts(Role.DISPATCHER, Role.DIRECTOR)
_OVERSEERS = _posts(Role.SUPERVISOR, Role.DIRECTOR)

AUDIENCES: Mapping[EventKind, tuple[Audience, ...]] = MappingProxyType(
    {
        EventKind.CONFIRMATION_ASKED: (_worker_of_cell,),
        EventKind.CONFIRMATION_ANSWERED: (_desk,),
        EventKind.REPORT_REJECTED: (_reporter,),
        EventKind.REPORT_MERGED: (_reporter,),
        EventKind.CASE_DISPATCHED: (_assigned,),
        EventKind.CASE_SENT_BACK: (_desk,),
        EventKind.CASE_EXTENDED: (_assigned,),
        EventKind.CASE_PUT_ON_HOLD: (_assigned,),
        EventKind.CASE_RESUMED: (_assigned,),
        EventKind.RESULT_SUBMITTED: (_worker_of_cell,),
        EventKind.VERIFICATION_FAILED: (_assigned,),
        EventKind.CASE_CLOSED: (_reporter,),
        EventKind.CASE_REOPENED: (_assigned,),
        EventKind.CASE_VOIDED: (_reporter,),
        EventKind.CASE_REFERRED: (_posts(Role.DISTRICT_OFFICER),),
        EventKind.CASE_RULED: (_desk, _assigned),
        EventKind.CASE_UNROUTED: (_posts(Role.DISPATCHER),),
        EventKind.REQUEST_MADE: (_GRANTERS,),
        EventKind.REQUEST_DECIDED: (_person("asked_by", Because.REQUESTER), _assigned),
        EventKind.CALL_ISSUED: (_unit_named,),
        EventKind.CALL_ANSWERED: (_CALLERS,),
        EventKind.CALL_REFUSED: (_CALLERS,),
        EventKind.CALL_WITHDRAWN: (_unit_named,),
        EventKind.CALL_CLOSED: (_unit_named,),
        EventKind.CALL_ASSESSED: (_unit_named, _posts(Role.DISTRICT_OFFICER)),
        EventKind.SUPERVISION_ORDERED: (_unit_named,),
        EventKind.SUPERVISION_ANSWERED: (_OVERSEERS,),
        EventKind.DEADLINES_RECOMPUTED: (_desk,),
        EventKind.LADDER_STUCK: (_posts(Role.DISPATCHER, Role.SHIFT_LEADER),),
        EventKind.CASE_HANDED_OVER: (_worker_now, _person("from_worker_id", Because.WORKER)),
        EventKind.PLAN_MOVED: (_next_hand_of_plan,),
        EventKind.DEPUTY_NAMED: (_person("deputy_id", Because.NAMED), _person("person_id", Because.NAMED)),
    }
)
"""Who hears of which event."""

TOLD_NOBODY = frozenset(
    {
        # The desks work by their queues, which these fill.
        EventKind.REPORT_RECEIVED,
        EventKind.SELF_HANDLED_REPORTED,
        EventKind.REPORT_ACCEPTED,
        EventKind.ACCEPTANCE_DECLINED,
        EventKind.CASE_FILED,
        EventKind.VERIFICATION_PASSED,
        # Whoever did it knows it, and nobody has to act.
        EventKind.CASE_SIGNED_FOR,
        EventKind.MILESTONE_REACHED,
        EventKind.REPORTER_TOLD,
        EventKind.CASE_REVISITED,
        EventKind.CASE_FOLLOWED_UP,
        EventKind.CASE_SEEN_AGAIN,
        EventKind.PLAN_PUBLISHED,
        EventKind.PLAN_UNDONE,
        # The ladder tells of these by itself; the last is about the inbox.
        EventKind.CASE_OVERDUE,
        EventKind.CASE_ESCALATED,
        EventKind.INBOX_CHANGED,
    }
)
"""Events that put nothing into anybody's inbox, each for the reason beside it."""
