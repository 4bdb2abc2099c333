"""Joint calls 吹哨报到: issue a call, answer it, take it back, say what the street thinks of the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import jointcall
from gridmgmt.domain.callorder import issue as issue_call
from gridmgmt.domain.case import Case, require_version
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.jointcall import CallAction, JointCall, Part, Purpose, Task
from gridmgmt.domain.limit import GENERAL, Limit
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text, without_numbers
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.windows import Window
from gridmgmt.domain.worktime import LimitUnit, deadline
from gridmgmt.errors import ContentDiffers, StaleVersion
from gridmgmt.services.handling import require_active_unit, require_photos
from gridmgmt.services.records import done
from gridmgmt.services.refusals import keep_pack
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, beside, cases, evidence, joint_calls, outbox
from gridmgmt.storage.db import Db
from gridmgmt.storage.joint_calls import CallStep

_EVENTS = {
    CallAction.REFUSE: EventKind.CALL_REFUSED,
    CallAction.WITHDRAW: EventKind.CALL_WITHDRAWN,
    CallAction.ASSESS: EventKind.CALL_ASSESSED,
}


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """One unit's share as the caller gives it; the client made ``id``."""

    id: UUID
    unit_code: str
    part: Part
    what: str
    amount: int
    unit: LimitUnit


@dataclass(frozen=True, slots=True)
class IssueCall:
    """A call as a client sends it; the client made ``id``, and saw ``version`` of the case."""

    id: UUID
    case_id: UUID
    version: int
    purpose: Purpose
    text: str
    document_no: str
    tasks: Sequence[TaskOrder]


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """An action on a sub-task as a client sends it; ``version`` is that of the call which he saw."""

    command_id: UUID
    call_id: UUID
    task_id: UUID
    action: CallAction
    version: int
    facts: Mapping[str, Any]


def issue(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: IssueCall) -> JointCall:
    """Call units to a case; the same call again is answered as the first time.

    Raises
    ------
    NotFound, NotAllowed, DutiesNotSeparated, NotReady, MissingFact, InvalidInput
        As ``domain.callorder.issue``; InvalidInput also for a unit that is unknown or closed.
    StaleVersion
        The case moved since the caller saw it.
    ContentDiffers
        The id belongs to another call.
    """
    require_storable([command.text, command.document_no, *(t.what for t in command.tasks)], "text")
    require_anywhere(actor, Permission.CASE_READ)
    case = cases.load(db, command.case_id, actor, lock=True)
    before = joint_calls.find(db, command.id)
    if before is not None:
        if (before.case_id, before.issued_by, before.text) != (case.id, actor.id, short_text(command.text)):
            raise ContentDiffers("This id belongs to another joint call.", rule="R08a")
        return before
    require_version(case, command.version)
    book = books.current(db, case.subdistrict_code)
    call = issue_call(_call(case, actor, now, book, command), actor, case.state, _acted(db, case))
    for task in call.tasks:
        require_active_unit(task.unit_code, book)
    units = [task.unit_code for task in call.tasks]
    facts = {"units": units, "purpose": str(call.purpose), "document_no": call.document_no}
    joint_calls.add(db, call, _step(call, None, "issue", actor, now, facts, command.id))
    outbox.append(
        db, [_event(EventKind.CALL_ISSUED, case, call, now, unit_code=task.unit_code) for task in call.tasks]
    )
    audit.append(db, [_done(actor, now, "call:issue", call, units=units)])
    return call


def _call(case: Case, actor: Actor, now: datetime, book: RuleBook, command: IssueCall) -> JointCall:
    urgency = "emergency" if command.purpose is Purpose.EMERGENCY else GENERAL
    sign_in = _limit(Window.CALL_SIGN_IN, urgency, book)
    arrive = _limit(Window.CALL_ARRIVE, urgency, book)
    tasks = [
        Task(
            id=given.id, unit_code=given.unit_code, part=given.part, what=short_text(given.what),
            sign_in_due_at=_until(sign_in, now, book), sign_in_unit=sign_in.unit if sign_in else None,
            arrive_due_at=_until(arrive, now, book), arrive_unit=arrive.unit if arrive else None,
            due_at=deadline(now, given.amount, given.unit, book.calendar), due_unit=given.unit,
        )
        for given in command.tasks
    ]  # fmt: skip
    return JointCall(
        id=command.id, case_id=case.id, subdistrict_code=case.subdistrict_code, purpose=command.purpose,
        text=short_text(command.text), issued_by=actor.id, issued_at=now,
        document_no=short_text(command.document_no).strip() or None,
        tasks=tuple(sorted(tasks, key=lambda task: task.part is not Part.LEAD)),
    )  # fmt: skip


def _limit(window: Window, urgency: str, book: RuleBook) -> Limit | None:
    row = book.catalogue.stage_limit_for(window, urgency)
    return None if row is None else row.limit


def _until(limit: Limit | None, now: datetime, book: RuleBook) -> datetime | None:
    return None if limit is None else deadline(now, limit.amount, limit.unit, book.calendar)


def act(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: AnswerCall) -> JointCall:
    """Do one thing to one sub-task; the same command again changes nothing.

    A refusal makes its evidence pack in the same transaction (article 44).

    Raises
    ------
    NotFound
        Not in the actor's scope.
    StaleVersion, NotAllowed, DutiesNotSeparated, IllegalAction, MissingFact, NotReady, InvalidInput
        As ``domain.jointcall.act``; a photo that was not uploaded first is a missing fact.
    ContentDiffers
        The command's id belongs to another command, which was done.
    """
    require_storable(dict(command.facts), "facts")
    require_anywhere(actor, Permission.CASE_READ)
    facts = without_numbers(dict(command.facts))
    # The case before its call, as everywhere: two who need both never wait in a ring.
    case = cases.load(db, joint_calls.load(db, command.call_id, actor).case_id, actor, lock=True)
    call = joint_calls.load(db, command.call_id, actor, lock=True)
    before = joint_calls.step_of_command(db, command.command_id)
    if before is not None:
        _require_same(before, actor, command, facts)
        return call
    if command.version != call.version:
        raise StaleVersion(
            "The call has moved on since you saw it.", rule="R08a",
            expected=command.version, version=call.version,
        )  # fmt: skip
    moved = jointcall.act(
        call, command.task_id, command.action, actor, now, facts, acted=_acted(db, case)
    )  # fmt: skip
    require_photos(db, case.subdistrict_code, facts)
    task = next(t for t in moved.tasks if t.id == command.task_id)
    step = _step(moved, task, str(command.action), actor, now, facts, command.command_id)
    joint_calls.save(db, moved, task, step)
    evidence.link_to_case(db, case.subdistrict_code, case.id, facts.get("photos") or [])
    if command.action is CallAction.ASSESS:
        joint_calls.add_opinion(db, task.id, call.subdistrict_code, task.opinions[-1])
    if command.action is CallAction.REFUSE:
        keep_pack(db, actor, now, books.current(db, case.subdistrict_code), case, moved, task)
    _announce(db, case, moved, task, command.action, now)
    audit.append(
        db, [_done(actor, now, f"call:{command.action}", moved, unit=task.unit_code, state=str(task.state))]
    )
    return moved


def _announce(db: Db, case: Case, call: JointCall, task: Task, action: CallAction, now: datetime) -> None:
    kind = _EVENTS.get(action, EventKind.CALL_ANSWERED)
    events = [_event(kind, case, call, now, unit_code=task.unit_code, action=str(action))]
    if call.is_closed and action is not CallAction.ASSESS:
        events.append(_event(EventKind.CALL_CLOSED, case, call, now, unit_code=call.tasks[0].unit_code))
    outbox.append(db, events)


def _require_same(before: CallStep, actor: Actor, command: AnswerCall, facts: Mapping[str, Any]) -> None:
    same = (before.call_id, before.task_id, before.action, before.actor_id, dict(before.facts))
    if same != (command.call_id, command.task_id, str(command.action), actor.id, dict(facts)):
        raise ContentDiffers("This id belongs to another command, which was done.", rule="R08a")


def _acted(db: Db, case: Case) -> dict[UUID, Any]:
    return {**beside.look(db, case.id).hands, **case.acted}


def _step(
    call: JointCall, task: Task | None, action: str, actor: Actor, now: datetime, facts: Mapping[str, Any],
    command_id: UUID,
) -> CallStep:  # fmt: skip
    return CallStep(
        call.id, call.version, call.subdistrict_code, task.id if task else None, action, actor.id,
        actor.on_behalf_of, now, facts, command_id,
    )  # fmt: skip


def _event(kind: EventKind, case: Case, call: JointCall, now: datetime, **facts: Any) -> Event:
    about = {
        "call_id": str(call.id), "number": case.number, "state": str(case.state), "cell_code": case.cell_code,
        "purpose": str(call.purpose),
    }  # fmt: skip
    return Event(kind, case.subdistrict_code, now, case.id, about | facts)


def _done(actor: Actor, now: datetime, action: str, call: JointCall, **facts: Any) -> audit.AuditEntry:
    return done(
        actor, now, action, "joint_call", str(call.id), call.subdistrict_code,
        case_id=str(call.case_id), version=call.version, **facts,
    )  # fmt: skip


def pack_of(db: Db, actor: Actor, now: datetime, call_id: UUID, task_id: UUID) -> joint_calls.Pack:
    """The evidence pack of a refusal; who took it away is on record.

    Raises
    ------
    NotFound
        No such call in scope, or the unit did not refuse.
    NotAllowed
        Called units do not read it.
    """
    require_anywhere(actor, Permission.CASE_READ)
    call = joint_calls.load(db, call_id, actor)
    require(actor, Permission.CALL_PACK, call.subdistrict_code)
    pack = joint_calls.pack_of(db, task_id, actor)
    entry = _done(actor, now, "call:pack", call, task=str(task_id), sha256=pack.sha256.hex())
    audit.append(db, [entry])
    return pack
