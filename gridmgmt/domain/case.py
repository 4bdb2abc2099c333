"""A case 案件 and the only function that moves it.

``advance`` is pure: (case, action, actor, now, facts) → the case after, the history line, the
events. It never edits history and never decides by itself which clock counts: the calendar and the
limits come in as :class:`.clocks.Clocks`. Stored rows are written by ``storage/cases.py`` and by nothing
else. Sources: DOMAIN §4.2-4.3, GB/T 30428.8; article 22 of the regulation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain import clocks as clock_rules
from gridmgmt.domain import onsite, permissions
from gridmgmt.domain.beside import NOTHING, Beside, require_endable
from gridmgmt.domain.clocks import Clocks, Milestone
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.facts import is_empty, read_id, read_yes_no
from gridmgmt.domain.grants import Granted, require_level
from gridmgmt.domain.guards import check_guards, require_reopenable
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.request import Request, require_grant
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workflow import Action, State, Transition, transition
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import MissingFact, StaleVersion

_NOBODY: Mapping[UUID, Axis] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Case:
    """The present of a case; its past is the append-only history.

    Times are aware UTC. ``version`` counts the history lines; the next step must build on it.
    ``due_at`` is the handling deadline, ``stage_due_at`` that of whoever has to act now.
    ``area_class`` 区域类别 and ``filing_condition`` 立案条件 choose the limits; empty means any.
    ``acted`` remembers on which axis each person acted (separation of duties).
    """

    id: UUID
    number: str
    report_id: UUID
    subdistrict_code: str
    community_code: str
    cell_code: str
    plan_id: UUID
    category: str
    source: str
    state: State
    reported_by: UUID
    reported_at: datetime
    version: int = 1
    needs_confirmation: bool = False
    needs_feedback: bool = False
    area_class: str = ""
    filing_condition: str = ""
    unit_code: str | None = None
    worker_id: UUID | None = None
    rule_id: str | None = None
    limit_amount: int | None = None
    limit_unit: LimitUnit | None = None
    clock_started_at: datetime | None = None
    clock_paused_at: datetime | None = None
    due_at: datetime | None = None
    sign_due_at: datetime | None = None
    milestones: tuple[Milestone, ...] = ()
    stage_due_at: datetime | None = None
    filed_at: datetime | None = None
    dispatched_at: datetime | None = None
    signed_at: datetime | None = None
    handled_at: datetime | None = None
    verified_at: datetime | None = None
    closed_at: datetime | None = None
    confirmed: bool | None = None
    ruled: bool = False
    rework_count: int = 0
    return_count: int = 0
    extension_count: int = 0
    merged_into: UUID | None = None
    acted: Mapping[UUID, Axis] = field(default_factory=lambda: _NOBODY)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of history; ``seq`` equals the case's version after it."""

    case_id: UUID
    seq: int
    action: str
    from_state: State | None
    to_state: State
    actor_id: UUID
    at: datetime
    facts: Mapping[str, Any]
    article: str
    on_behalf_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What :func:`advance` decided; nothing of it has been written yet."""

    case: Case
    step: Step
    events: tuple[Event, ...]


def open_case(case: Case, *, clocks: Clocks, facts: Mapping[str, Any]) -> Decision:
    """The first line of a case's history: the report 上报 or the self-handled report 自处置上报.

    Parameters
    ----------
    case : in state ``reported`` or ``self_handled``, version 1. Whoever handled on the spot is the
        case's worker and acted for handling, so that somebody else audits it (R22a).
    facts : stored with the line: routing proposal, photos, duplicates seen.
    """
    event = EventKind.REPORT_RECEIVED
    changes: dict[str, Any] = {}
    if case.state is State.SELF_HANDLED:
        event = EventKind.SELF_HANDLED_REPORTED
        changes = {
            "worker_id": case.reported_by,
            "acted": MappingProxyType({case.reported_by: Axis.HANDLING}),
        }
    due_at = clock_rules.first_stage_due(case.state, case.reported_at, clocks)
    case = replace(case, stage_due_at=due_at, **changes)
    step = Step(case.id, 1, "report", None, case.state, case.reported_by, case.reported_at, facts, "22-1")
    opened = {"category": case.category, "source": case.source}
    return Decision(case, step, (_event(case, event, case.reported_at, opened),))


def check(
    case: Case, action: Action, actor: Actor, facts: Mapping[str, Any], *, beside: Beside = NOTHING
) -> Transition:
    """Whether this actor may do this now; the row of the table if so.

    Raises
    ------
    NotAllowed
        The actor lacks the permission, or the case is not his to handle.
    DutiesNotSeparated
        He acted on another axis of this case.
    IllegalAction
        The state does not permit it; the legal actions are named.
    MissingFact
        A fact that the row requires is absent or empty.
    NotReady
        A guard does not hold: see ``guards.check_guards`` and ``beside.require_endable``.
    """
    # Whoever may not read the case is not told its state by a refusal either.
    permissions.require(actor, permissions.Permission.CASE_READ, case.subdistrict_code)
    row = transition(case.state, action)
    permissions.require(
        actor, row.permission, case.subdistrict_code, unit_code=case.unit_code, worker_id=case.worker_id
    )
    permissions.check_axis({**beside.hands, **case.acted}, actor, row.axis)
    missing = row.missing_from(facts)
    if missing:
        raise MissingFact(
            f"The action {action} needs: {', '.join(missing)}.",
            article=row.article,
            rule="R22a",
            action=str(action),
            missing=missing,
        )
    check_guards(case, action, facts)
    require_endable(action, row.target, beside)
    return row


def advance(  # noqa: PLR0913  the five things a move depends on, and the version it builds on
    case: Case,
    action: Action,
    actor: Actor,
    now: datetime,
    *,
    clocks: Clocks,
    facts: Mapping[str, Any] = MappingProxyType({}),
    expected_version: int | None = None,
    granted: Request | None = None,
    beside: Beside = NOTHING,
) -> Decision:
    """Move the case by one action.

    Parameters
    ----------
    now : the server's time, aware UTC; a phone's time never moves a case.
    facts : what the actor states; the row's ``requires`` must be among them.
    expected_version : the version the actor saw; None skips the check (automatic steps).
    granted : for actions that need approval, the granted request.
    beside : open joint calls, people still to be told, hands lent there.

    Raises
    ------
    StaleVersion
        Somebody else moved the case first.
    NotAllowed, DutiesNotSeparated, IllegalAction, MissingFact, NotReady
        See :func:`check`; NotReady also without a granted request of this round where one is needed,
        and when the time for reopening has passed; NotAllowed also for a grant of a higher level.
    InvalidInput
        A fact that is computed with (an id, an amount, a day) cannot be read.
    """
    permissions.require(actor, permissions.Permission.CASE_READ, case.subdistrict_code)
    require_version(case, expected_version)
    row = check(case, action, actor, facts, beside=beside)
    if row.needs_request:
        require_level(action, granted_before(case), facts, actor, case.subdistrict_code)
        require_grant(granted, case.id, action, actor, asked_since=case.clock_started_at)
    if action is Action.REOPEN:
        require_reopenable(case.closed_at, clocks.window_end(Window.REOPEN, case.closed_at), now)
    if action is Action.HOLD:
        clock_rules.require_day_to_come(facts, now, clocks.calendar)
    changes = clock_rules.tick(case, row.clock, row.target, now, clocks, facts)
    changes |= _action_changes(case, action, now, facts)
    acted = permissions.lend(case.acted, actor, row.axis)
    moved = replace(
        case,
        version=case.version + 1,
        state=row.target,
        acted=acted,
        **changes,
    )
    step = Step(
        case.id, moved.version, str(action), case.state, row.target, actor.id, now, facts, row.article,
        actor.on_behalf_of,
    )  # fmt: skip
    told = {"from": str(case.state), **onsite.told(action, facts)}
    return Decision(moved, step, (_event(moved, row.event, now, told),))


def granted_before(case: Case) -> Granted:
    """How often requests about this case were granted."""
    return Granted(case.extension_count, case.return_count)


def require_version(case: Case, expected_version: int | None) -> None:
    """Refuse an actor who decided on an older picture of the case.

    Raises
    ------
    StaleVersion
        With the version and state now, so that the client can show them.
    """
    if expected_version is not None and expected_version != case.version:
        raise StaleVersion(
            "The case has moved on since you saw it.",
            rule="R22a",
            expected=expected_version,
            version=case.version,
            state=str(case.state),
        )


def _action_changes(  # noqa: C901, PLR0911, PLR0912  one branch an action, none nested
    case: Case, action: Action, now: datetime, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What an action changes of a case, beside its state and its clocks."""
    match action:
        case Action.CONFIRM:
            return {"confirmed": read_yes_no(facts, "found")}
        case Action.DECLINE:
            return {"confirmed": None}
        case Action.MERGE:
            return {"merged_into": read_id(facts, "master_id")}
        case Action.FILE:
            return {"filed_at": now, "filing_condition": str(facts.get("condition") or "")}
        case Action.DISPATCH:
            return {
                "unit_code": str(facts["unit_code"]),
                "worker_id": None if is_empty(facts.get("worker_id")) else read_id(facts, "worker_id"),
                "rule_id": facts.get("rule_id"),
                "dispatched_at": now,
            }
        case Action.RULE:
            return {"unit_code": str(facts["unit_code"]), "ruled": True}
        case Action.SEND_BACK:
            whose = ("unit_code", "worker_id", "rule_id", "dispatched_at")
            counts = {"return_count": case.return_count + 1, "extension_count": 0}
            return dict.fromkeys(whose) | counts
        case Action.EXTEND:
            return {"extension_count": case.extension_count + 1}
        case Action.SUBMIT_RESULT:
            return {"handled_at": now}
        case Action.PASS_VERIFICATION:
            return {"verified_at": now}
        case Action.FAIL_VERIFICATION | Action.REOPEN:
            undone = dict.fromkeys(("handled_at", "verified_at", "closed_at"))
            return undone | {"rework_count": case.rework_count + 1}
        case Action.CLOSE | Action.APPROVE_SELF_HANDLING:
            return {"closed_at": now}
        case _:
            return {}


def _event(case: Case, kind: EventKind, at: datetime, facts: Mapping[str, Any]) -> Event:
    return Event(
        kind,
        case.subdistrict_code,
        at,
        case.id,
        {
            **facts,
            "number": case.number,
            "state": str(case.state),
            "cell_code": case.cell_code,
            "unit_code": case.unit_code,
            "version": case.version,
            **dict(_counted_by(case)),
        },
    )


def _counted_by(case: Case) -> Iterator[tuple[str, str]]:
    """What figures depend on and no name of an event tells (:mod:`.standing`): deadlines, and whose it is."""
    if case.worker_id is not None:
        yield "worker_id", str(case.worker_id)
    if case.limit_unit is not None:
        yield "limit_unit", str(case.limit_unit)
    for name, at in (("due_at", case.due_at), ("stage_due_at", case.stage_due_at)):
        if at is not None:
            yield name, at.isoformat()
