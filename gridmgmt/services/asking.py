"""Requests 申请: ask for an action that needs somebody else's yes, and answer it.

Granting performs the action in the same transaction, so a granted request is never left undone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import case as case_rules
from gridmgmt.domain import request as request_rules
from gridmgmt.domain.case import Case
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text, without_numbers
from gridmgmt.domain.request import Asked, Request
from gridmgmt.domain.workflow import TRANSITIONS, Action
from gridmgmt.errors import ContentDiffers, NotReady
from gridmgmt.services.handling import clocks_of, require_photos
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, cases, evidence, outbox, requests
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class AskCommand:
    """A request as a client sends it; the client made ``request_id``."""

    request_id: UUID
    case_id: UUID
    action: Action
    version: int
    facts: Mapping[str, Any]


def _asked(case: Case) -> Asked:
    return Asked(
        case.id,
        case.subdistrict_code,
        case.state,
        case.unit_code,
        case.worker_id,
        case.due_at,
        case.ruled,
    )


def may_ask(case: Case, action: Action, actor: Actor, now: datetime) -> None:
    """Refuse an actor who may not ask for this now, whatever he would fill in."""
    request_rules.may_ask(_asked(case), action, actor, now)


def ask(db: Db, actor: Actor, now: datetime, command: AskCommand) -> Request:
    """Store a request; sending the same one again answers as the first time.

    Raises
    ------
    NotReady
        The case already has a pending request for this action, or a guard of ``request.ask`` fails.
    ContentDiffers
        The id belongs to another request.
    StaleVersion, NotAllowed, IllegalAction, MissingFact
        As ``domain.request.ask`` and ``domain.case.require_version``.
    InvalidInput
        Facts that cannot be stored.
    """
    require_storable(dict(command.facts), "facts")
    require_anywhere(actor, Permission.CASE_READ)
    # The record is for good; a number in it would be as well. Contacts have a place of their own.
    command = replace(command, facts=without_numbers(dict(command.facts)))
    case = cases.load(db, command.case_id, actor, lock=True)
    before = requests.find(db, command.request_id)
    if before is not None:
        if (before.case_id, before.action, before.asked_by) != (case.id, command.action, actor.id):
            raise ContentDiffers("This id belongs to another request.", rule="R22a")
        return before
    case_rules.require_version(case, command.version)
    request = request_rules.ask(command.request_id, _asked(case), command.action, actor, now, command.facts)
    if requests.pending_for(db, case.id, command.action):
        raise NotReady("The same request is already waiting for an answer.", rule="R22a", guard="one_pending")
    require_photos(db, case.subdistrict_code, command.facts)
    requests.add(db, request)
    evidence.link_to_case(db, case.subdistrict_code, case.id, command.facts.get("photos") or [])
    outbox.append(db, [_event(EventKind.REQUEST_MADE, case, now, request)])
    audit.append(db, [done(actor, now, f"ask:{request.action}", "case", str(case.id), case.subdistrict_code)])
    return request


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    request_id: UUID
    granted: bool
    opinion: str


def answer(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: Answer) -> Request:
    """Grant or refuse; granting performs the action on the case as it is now.

    Raises
    ------
    NotReady
        Decided before, or the case moved on so that the action is no longer due.
    DutiesNotSeparated
        The actor asked himself, or acted on another axis.
    InvalidInput
        An opinion that cannot be stored.
    """
    require_storable(command.opinion, "opinion")
    require_anywhere(actor, Permission.CASE_READ)
    command = replace(command, opinion=short_text(command.opinion))
    request = requests.load(db, command.request_id, actor, lock=True)
    case = cases.load(db, request.case_id, actor, lock=True)
    decided = request_rules.decide(request, actor, now, granted=command.granted, opinion=command.opinion)
    entry = done(
        actor, now, f"decide:{request.action}", "case", str(case.id), case.subdistrict_code,
        granted=command.granted,
    )  # fmt: skip
    requests.answer(db, decided)
    if command.granted:
        decision = case_rules.advance(
            case,
            request.action,
            actor,
            now,
            clocks=clocks_of(books.current(db, case.subdistrict_code), case, now, request.action),
            facts={**request.facts, "request_id": str(request.id), "opinion": command.opinion},
            granted=decided,
        )
        cases.save(db, decision, [entry])
        case = decision.case
    else:
        # A request that the case has outrun is refused all the same, else it would block the next one.
        permission = next(
            row.permission for (_, action), row in TRANSITIONS.items() if action is request.action
        )
        require(actor, permission, case.subdistrict_code)
        audit.append(db, [entry])
    outbox.append(db, [_event(EventKind.REQUEST_DECIDED, case, now, request, granted=command.granted)])
    return decided


def _event(kind: EventKind, case: Case, now: datetime, request: Request, **facts: Any) -> Event:
    about = {
        "request_id": str(request.id),
        "action": str(request.action),
        "number": case.number,
        "state": str(case.state),
        "cell_code": case.cell_code,
        "unit_code": case.unit_code,
    }
    return Event(kind, case.subdistrict_code, now, case.id, about | facts)
