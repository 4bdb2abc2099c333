"""Cases, people and clocks for tests: plain functions with defaults, one fixed time, made-up people."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from gridmgmt.domain.case import Case, Decision, advance
from gridmgmt.domain.clocks import Clocks, Milestone
from gridmgmt.domain.onsite import ON_SITE
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission
from gridmgmt.domain.request import Asked, Request, RequestStatus
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workcalendar import WorkCalendar
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.domain.worktime import LimitUnit

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""Monday 10:00 in Tianjin."""

STREET = "120116005"
ELSEWHERE = "120116006"
UNIT = "T-120116005-CG"
OTHER_UNIT = "T-120116005-SZ"
CASE_ID = UUID(int=1)
REPORTER = UUID(int=100)
WORKER = UUID(int=101)
HOUR = timedelta(hours=1)

STAGE_LIMITS: Mapping[State, Limit] = {
    State.REPORTED: Limit(30, LimitUnit.NATURAL_MINUTE),
    State.SELF_HANDLED: Limit(1, LimitUnit.WORKING_DAY),
    State.ACCEPTED: Limit(1, LimitUnit.WORKING_HOUR),
    State.FILED: Limit(1, LimitUnit.WORKING_HOUR),
    State.REFERRED: Limit(2, LimitUnit.WORKING_DAY),
    State.HANDLED: Limit(4, LimitUnit.WORKING_HOUR),
    State.VERIFIED: Limit(4, LimitUnit.WORKING_HOUR),
}

WINDOWS: Mapping[Window, Limit] = {
    Window.SEND_BACK: Limit(1, LimitUnit.WORKING_DAY),
    Window.REOPEN: Limit(360, LimitUnit.NATURAL_HOUR),
    Window.CALL_SIGN_IN: Limit(30, LimitUnit.NATURAL_MINUTE),
    Window.CALL_ARRIVE: Limit(2, LimitUnit.WORKING_HOUR),
    Window.SUPERVISION_REPLY: Limit(1, LimitUnit.WORKING_DAY),
}

FACTS: Mapping[str, Any] = {
    "worker_id": str(WORKER),
    "found": "yes",
    "place_reason": "楼道里没有信号",
    "opinion": "现场属实",
    "reason": "原因",
    "basis": "职责清单第 3 项",
    "master_id": str(UUID(int=2)),
    "unit_code": UNIT,
    "document_no": "区裁定〔2026〕1号",
    "amount": 2,
    "unit": "working_day",
    "resume_on": "2026-12-01",
    "result": "已清理",
    "photos": ["0" * 64],
    "feedback": "已电话告知",
    "milestone": "stop_work",
    "note": "已停工",
}


def make_calendar(**over: Any) -> WorkCalendar:
    """08:30-12:00 and 13:30-18:00 in Tianjin, Monday to Friday."""
    slots = ((time(8, 30), time(12)), (time(13, 30), time(18)))
    return WorkCalendar(**{"timezone": "Asia/Shanghai", "slots": slots, **over})


def make_clocks(**over: Any) -> Clocks:
    """One working day to handle; the desks as in the catalogue."""
    facts = {
        "calendar": make_calendar(),
        "stage_limits": STAGE_LIMITS,
        "handling_limit": Limit(1, LimitUnit.WORKING_DAY),
        "windows": WINDOWS,
    }
    return Clocks(**{**facts, **over})


CLOCKS = make_clocks()


def make_actor(*roles: Role, number: int = 1, **over: Any) -> Actor:
    """A person of the street; a handler belongs to ``UNIT`` unless told otherwise."""
    facts: dict[str, Any] = {
        "id": UUID(int=1000 + number),
        "name": f"演示人员{number}",
        "roles": frozenset(roles),
        "subdistricts": frozenset({STREET}),
        "unit_code": UNIT if Role.HANDLER in roles else None,
    }
    return Actor(**{**facts, **over})


def make_case(state: State = State.REPORTED, **over: Any) -> Case:
    """A patrol case in a state, with whatever that state implies; nobody has acted on it yet."""
    facts: dict[str, Any] = {
        "id": CASE_ID,
        "number": "120116202611230000010",
        "report_id": CASE_ID,
        "subdistrict_code": STREET,
        "community_code": f"{STREET}001",
        "cell_code": f"{STREET}001001",
        "plan_id": UUID(int=3),
        "category": "GB/T 47678.5-2026:matter:09006",
        "source": "patrol",
        "state": state,
        "reported_by": REPORTER,
        "reported_at": NOW - HOUR,
    }
    if state in {State.HANDLING, State.ON_HOLD, State.HANDLED, State.VERIFIED, State.CLOSED}:
        facts |= {
            "unit_code": UNIT,
            "signed_at": NOW - HOUR,
            "dispatched_at": NOW - HOUR,
            "clock_started_at": NOW - HOUR,
            "due_at": NOW + 8 * HOUR,
            "limit_amount": 1,
            "limit_unit": LimitUnit.WORKING_DAY,
        }
    if state is State.ON_HOLD:
        facts["clock_paused_at"] = NOW - HOUR / 2
    if state is State.CLOSED:
        facts["closed_at"] = NOW - HOUR / 2
    return Case(**{**facts, **over})


def case_for(state: State, action: Action, **over: Any) -> Case:
    """A case that the action can be done to: one with an open milestone for reporting a milestone."""
    if action is Action.REACH_MILESTONE:
        over = {"milestones": (Milestone("stop_work", 4, LimitUnit.WORKING_HOUR, NOW + 4 * HOUR),)} | over
    return make_case(state, **over)


def required_facts(state: State, action: Action) -> dict[str, Any]:
    """Every fact that the table asks for at this pair, well-formed; none for an illegal pair."""
    row = TRANSITIONS.get((state, action))
    if row is None:
        return {}
    seen = {"place_reason": "院门上锁"} if action in ON_SITE else {}
    return {name: FACTS[name] for name in row.requires} | seen


def make_granted(case: Case, action: Action, by: Actor, **over: Any) -> Request:
    """A request of the unit for this action that ``by`` granted a moment ago."""
    facts: dict[str, Any] = {
        "id": UUID(int=50),
        "case_id": case.id,
        "subdistrict_code": case.subdistrict_code,
        "action": action,
        "facts": required_facts(case.state, action),
        "asked_by": UUID(int=51),
        "asked_at": NOW,
        "status": RequestStatus.GRANTED,
        "decided_by": by.id,
        "decided_at": NOW,
    }
    return Request(**{**facts, **over})


def asked_on(case: Case) -> Asked:
    """What asking looks at."""
    return Asked(
        case.id,
        case.subdistrict_code,
        case.state,
        case.unit_code,
        case.worker_id,
        case.due_at,
        case.ruled,
        CLOCKS.window_end(Window.SEND_BACK, case.dispatched_at),
    )


_POST_OF: Mapping[Permission, Role] = {
    Permission.CASE_ACCEPT: Role.ACCEPTOR,
    Permission.CASE_CONFIRM: Role.GRID_WORKER,
    Permission.CASE_FILE: Role.SHIFT_LEADER,
    Permission.CASE_DISPATCH: Role.DISPATCHER,
    Permission.CASE_HANDLE: Role.HANDLER,
    Permission.CASE_EXTEND: Role.DISPATCHER,
    Permission.CASE_RETURN: Role.DISPATCHER,
    Permission.CASE_GRANT: Role.DISPATCHER,
    Permission.CASE_VERIFY: Role.GRID_WORKER,
    Permission.CASE_CLOSE: Role.SHIFT_LEADER,
    Permission.CASE_VOID: Role.SHIFT_LEADER,
    Permission.CASE_REFER: Role.DISPATCHER,
    Permission.CASE_RULE: Role.DISTRICT_OFFICER,
}


def post_for(case: Case, action: Action) -> Actor:
    """Somebody whose post does this, one person per post, of the unit that the case is with."""
    role = _POST_OF[TRANSITIONS[case.state, action].permission]
    actor = make_actor(role, number=list(Role).index(role))
    return replace(actor, unit_code=case.unit_code) if role is Role.HANDLER else actor


def move(
    case: Case, action: Action, actor: Actor | None = None, now: datetime = NOW, **over: Any
) -> Decision:
    """Advance with complete facts, a fitting actor and a grant where one is needed; ``over`` wins."""
    actor = actor or post_for(case, action)
    granted = make_granted(case, action, actor, asked_at=now)
    options = {name: over.pop(name) for name in ("clocks", "expected_version", "granted") if name in over}
    facts = required_facts(case.state, action) | over
    return advance(
        case, action, actor, now, **{"clocks": CLOCKS, "granted": granted, "facts": facts, **options}
    )


def drive(case: Case, *actions: Action, now: datetime = NOW, clocks: Clocks = CLOCKS) -> Case:
    """The case after these actions, each done by a person of the right post."""
    for action in actions:
        case = move(case, action, now=now, clocks=clocks).case
    return case
