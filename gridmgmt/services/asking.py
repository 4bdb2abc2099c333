"""Requests 申请: ask for an action that needs somebody else's yes, and answer it.

Granting performs the action in the same transaction, so a granted request is never left undone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import case as case_rules
from gridmgmt.domain import onsite
from gridmgmt.domain import request as request_rules
from gridmgmt.domain.case import Case
from gridmgmt.domain.clocks import Clocks
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.grants import Level, level_of
from gridmgmt.domain.org import Actor, system_actor
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text, without_numbers
from gridmgmt.domain.request import Asked, Request
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workflow import TRANSITIONS, Action
from gridmgmt.errors import ContentDiffers, NotReady
from gridmgmt.services.handling import clocks_of, require_photos
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, beside, cases, evidence, outbox, requests
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class AskCommand:
    """A request as a client sends it; the client made ``request_id``."""

    request_id: UUID
    case_id: UUID
    action: Action
    version: int
    facts: Mapping[str, Any]


def _asked(case: Case, clocks: Clocks) -> Asked:
    return Asked(
        case.id,
        case.subdistrict_code,
        case.state,
        case.unit_code,
        case.worker_id,
        case.due_at,
        case.ruled,
        clocks.window_end(Window.SEND_BACK, case.dispatched_at),
    )


def may_ask(case: Case, action: Action, actor: Actor, now: datetime, clocks: Clocks) -> None:
    """Refuse an actor who may not ask for this now, whatever he would fill in."""
    request_rules.may_ask(_asked(case, clocks), action, actor, now)


def ask(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: AskCommand) -> Request:
    """Store a request; sending the same one again answers as the first time.

    A third return is asked for like the others and goes to the district by itself: the platform grants it
    and refers the case, in the same transaction (R22d).

    Raises
    ------
    NotReady
        The case already has a pending request for this action, or a guard of ``request.ask`` fails.
    ContentDiffers
        The id belongs to another request.
    StaleVersion, NotAllowed, IllegalAction, MissingFact
        As ``domain.request.ask`` and ``domain.case.require_version``.
    InvalidInput
        Facts that cannot be stored, or a position, which no request takes.
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
    onsite.read_place(command.action, command.facts)
    clocks = clocks_of(books.current(db, case.subdistrict_code), case, now)
    asked = _asked(case, clocks)
    request = request_rules.ask(command.request_id, asked, command.action, actor, now, command.facts)
    if requests.pending_for(db, case.id, command.action):
        raise NotReady("The same request is already waiting for an answer.", rule="R22a", guard="one_pending")
    require_photos(db, case.subdistrict_code, command.facts)
    requests.add(db, request)
    evidence.link_to_case(db, case.subdistrict_code, case.id, command.facts.get("photos") or [])
    outbox.append(db, [_event(EventKind.REQUEST_MADE, case, now, request)])
    audit.append(db, [done(actor, now, f"ask:{request.action}", "case", str(case.id), case.subdistrict_code)])
    level = level_of(request.action, case_rules.granted_before(case), request.facts)
    return _to_the_district(db, case, request, now, clocks) if level is Level.DISTRICT else request


def _to_the_district(db: Db, case: Case, request: Request, now: datetime, clocks: Clocks) -> Request:
    """The third return: granted by the platform, the case referred for a ruling."""
    platform = system_actor(case.subdistrict_code)
    decided = request_rules.decide(request, platform, now, granted=True, opinion="第三次退单，报区裁定")
    requests.answer(db, decided)
    returns = {**request.facts, "request_id": str(request.id), "opinion": decided.opinion}
    refers = {"reason": f"三次退单：{request.facts['reason']}", "request_id": str(request.id)}
    for action, facts, granted in (
        (request.action, returns, decided),
        (Action.REFER, refers, None),
    ):
        decision = case_rules.advance(
            case, action, platform, now,
            clocks=clocks, facts=facts, granted=granted, beside=beside.look(db, case.id),
        )  # fmt: skip
        case = decision.case
        entry = done(
            platform, now, f"case:{action}", "case", str(case.id), case.subdistrict_code,
            version=case.version, state=str(case.state),
        )  # fmt: skip
        cases.save(db, decision, [entry])
    outbox.append(db, [_event(EventKind.REQUEST_DECIDED, case, now, request, granted=True)])
    return decided


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    request_id: UUID
    granted: bool
    opinion: str
    document_no: str = ""
    """The signed document that a second extension, or one for works, rests on."""


def answer(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: Answer) -> Request:
    """Grant or refuse; granting performs the action on the case as it is now.

    Raises
    ------
    NotReady
        Decided before, or the case moved on so that the action is no longer due.
    NotAllowed, MissingFact
        A second one is the director's, an extension then with the number of the signed document.
    DutiesNotSeparated
        The actor asked himself, or acted on another axis.
    InvalidInput
        An opinion that cannot be stored.
    """
    require_storable(command.opinion, "opinion")
    require_storable(command.document_no, "document_no")
    require_anywhere(actor, Permission.CASE_READ)
    command = replace(command, opinion=short_text(command.opinion))
    request = requests.load(db, command.request_id, actor, lock=True)
    case = cases.load(db, request.case_id, actor, lock=True)
    decided = request_rules.decide(request, actor, now, granted=command.granted, opinion=command.opinion)
    entry = done(
        actor, now, f"decide:{request.action}", "case", str(case.id), case.subdistrict_code,
        granted=command.granted,
    )  # fmt: skip
    if command.granted:
        decision = case_rules.advance(
            case,
            request.action,
            actor,
            now,
            clocks=clocks_of(books.current(db, case.subdistrict_code), case, now, request.action),
            facts=_granted_facts(request, command),
            granted=decided,
            beside=beside.look(db, case.id),
        )
        requests.answer(db, decided)
        cases.save(db, decision, [entry])
        case = decision.case
    else:
        # A request that the case has outrun is refused all the same, else it would block the next one.
        permission = next(
            row.permission for (_, action), row in TRANSITIONS.items() if action is request.action
        )
        require(actor, permission, case.subdistrict_code)
        if level_of(request.action, case_rules.granted_before(case), request.facts) is Level.HIGHER:
            require(actor, Permission.CASE_GRANT_AGAIN, case.subdistrict_code)
        requests.answer(db, decided)
        audit.append(db, [entry])
    outbox.append(db, [_event(EventKind.REQUEST_DECIDED, case, now, request, granted=command.granted)])
    return decided


def _granted_facts(request: Request, command: Answer) -> dict[str, Any]:
    """The asker's facts with the granter's; whose document it is, the asker does not say."""
    facts = {**request.facts, "request_id": str(request.id), "opinion": command.opinion}
    facts.pop("document_no", None)
    return facts | ({"document_no": short_text(command.document_no)} if command.document_no.strip() else {})


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
