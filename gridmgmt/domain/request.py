"""Requests 申请 that need somebody else's yes: void 作废, send back 退单, extend 延时, hold 挂账.

A request is an overlay on the case: it moves nothing by itself. Granting it is what lets
``case.advance`` perform the action, in the same transaction. Who asks may not grant, whatever his
roles and whoever he stands in for (separation of duties, R22a). Who may grant it the first time and
again, and until when it may be asked for, is :mod:`.grants`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty, read_amount, read_day, read_limit_unit, read_yes_no
from gridmgmt.domain.grants import require_in_time
from gridmgmt.domain.org import Actor
from gridmgmt.domain.workflow import Action, State, Transition, transition
from gridmgmt.errors import DutiesNotSeparated, MissingFact, NotReady


class RequestStatus(StrEnum):
    """A request is answered once."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Request:
    """One request for one action on one case; ``facts`` are those the action will carry."""

    id: UUID
    case_id: UUID
    subdistrict_code: str
    action: Action
    facts: Mapping[str, Any]
    asked_by: UUID
    asked_at: datetime
    status: RequestStatus = RequestStatus.PENDING
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    opinion: str | None = None
    asked_for: UUID | None = None
    """Whom a deputy stood in for when he asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a case that asking depends on."""

    case_id: UUID
    subdistrict_code: str
    state: State
    unit_code: str | None
    worker_id: UUID | None
    due_at: datetime | None
    ruled: bool
    return_until: datetime | None = None


def may_ask(on: Asked, action: Action, actor: Actor, now: datetime) -> Transition:
    """Whether this actor may ask for this now, whatever facts he would give; the table's row if so.

    Raises
    ------
    IllegalAction
        The state does not know the action.
    NotReady
        The action needs no request, its time has passed, or the district already ruled.
    NotAllowed
        The actor may not ask.
    """
    row = transition(on.state, action)
    if row.asked_by is None:
        raise NotReady(f"The action {action} needs no request.", rule="R22a", guard="direct")
    permissions.require(
        actor, row.asked_by, on.subdistrict_code, unit_code=on.unit_code, worker_id=on.worker_id
    )
    if action is Action.SEND_BACK:
        require_not_ruled(ruled=on.ruled)
    require_in_time(action, now, due_at=on.due_at, return_until=on.return_until)
    return row


def require_not_ruled(*, ruled: bool) -> None:
    """Refuse to send back what the district gave to this unit (asked about, and asked again at the grant).

    Raises
    ------
    NotReady
        The district ruled.
    """
    if ruled:
        raise NotReady(
            "The district ruled on the responsible unit; the case cannot be sent back.",
            article="22-2",
            rule="R22d",
            guard="ruled",
        )


def ask(
    request_id: UUID, on: Asked, action: Action, actor: Actor, now: datetime, facts: Mapping[str, Any]
) -> Request:
    """A pending request.

    Raises
    ------
    IllegalAction, NotReady, NotAllowed
        As :func:`may_ask`.
    MissingFact
        A required fact is absent.
    InvalidInput
        The amount or unit of an extension or the day of a hold cannot be read.
    """
    row = may_ask(on, action, actor, now)
    missing = row.missing_from(facts)
    if missing:
        raise MissingFact(
            f"The request {action} needs: {', '.join(missing)}.",
            article=row.article,
            rule="R22a",
            action=str(action),
            missing=missing,
        )
    # Read now, so that the person who asks can mend it, and not the one who grants.
    if action is Action.EXTEND:
        read_amount(facts, "amount")
        read_limit_unit(facts, "unit")
        if not is_empty(facts.get("engineering")):
            read_yes_no(facts, "engineering")
    if action is Action.HOLD:
        read_day(facts, "resume_on")
    return Request(
        request_id, on.case_id, on.subdistrict_code, action, dict(facts), actor.id, now,
        asked_for=actor.on_behalf_of,
    )  # fmt: skip


def decide(request: Request, actor: Actor, now: datetime, *, granted: bool, opinion: str) -> Request:
    """The request with its answer; whether the actor may grant is the action's own permission.

    Raises
    ------
    NotReady
        It was decided before.
    DutiesNotSeparated
        Nobody decides on what he asked for himself, nor a deputy on what was asked for whom he stands
        in for.
    MissingFact
        A refusal without an opinion.
    """
    if request.status is not RequestStatus.PENDING:
        raise NotReady("The request was decided before.", rule="R22a", guard="pending")
    if {request.asked_by, request.asked_for} & set(actor.persons):
        raise DutiesNotSeparated(
            "Nobody decides on a request of his own.", article="22-1", rule="R22a", in_scope=True
        )
    if not granted and not opinion.strip():
        raise MissingFact("A refusal says why.", rule="R22a", missing=["opinion"])
    return replace(
        request,
        status=RequestStatus.GRANTED if granted else RequestStatus.REFUSED,
        decided_by=actor.id,
        decided_at=now,
        opinion=opinion,
    )


def require_grant(
    request: Request | None, case_id: UUID, action: Action, actor: Actor, *, asked_since: datetime | None
) -> None:
    """Refuse an action that needs approval unless this actor granted a request for this very step.

    Parameters
    ----------
    asked_since : start of the present round of handling, if one runs. A request of an earlier round
        has lapsed: another unit may have made it.

    Raises
    ------
    NotReady
        There is no such grant, or it has lapsed.
    """
    if (
        request is None
        or request.status is not RequestStatus.GRANTED
        or (request.case_id, request.action, request.decided_by) != (case_id, action, actor.id)
    ):
        raise NotReady(
            f"The action {action} needs a granted request.", article="22-1", rule="R22a", guard="granted"
        )
    if asked_since is not None and request.asked_at < asked_since:
        raise NotReady(
            "The request was made before the present round of handling; ask again.",
            article="22-1",
            rule="R22a",
            guard="lapsed",
        )
