"""What stands beside cases in the month: requests, joint calls, supervision orders, tellings, findings."""

import random
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gridmgmt.demo.month.office import Office
from gridmgmt.domain.case import Case
from gridmgmt.domain.coverage import CoverageRules
from gridmgmt.domain.jointcall import CallAction, JointCall, Part, Purpose, Task
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.patrolshift import NoteKind, Told
from gridmgmt.domain.request import Request
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.domain.telling import Kind
from gridmgmt.domain.workflow import Action
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.services import asking, joint_calls, patrolling, supervising, telling
from gridmgmt.storage import beside as beside_rows

CALLED: Final = ("BH-GA", "BH-SC", "BH-SW")
"""Departments that joint calls go to; the first leads. None of them is the unit of a class in the month."""

Moments = Generator[datetime, None, None]
Answers = Callable[[Office, random.Random, JointCall], Moments]


# Requests


def ask(o: Office, case: Case, action: Action, by: Actor, **facts: Any) -> Request:
    """Ask for what needs somebody else's yes."""
    command = asking.AskCommand(o.new_id(), case.id, action, case.version, facts)
    with o.acting(by) as db:
        request = asking.ask(db, by, o.now, o.books, command)
    o.done[f"ask {action}"] += 1
    # A third return is granted by the platform, and refers the case, in this very moment.
    if request.decided_by is not None:
        o.done[action] += 1
        o.done[Action.REFER] += 1
    return request


def grant(o: Office, request: Request, by: Actor, *, document: str = "") -> None:
    """Say yes, which performs the action."""
    with o.acting(by) as db:
        asking.answer(
            db,
            by,
            o.now,
            o.books,
            asking.Answer(request.id, granted=True, opinion="同意", document_no=document),
        )
    o.done[request.action] += 1


def extended(o: Office, case: Case, by: Actor, document: str = "") -> Generator[datetime, None, Case]:
    """An extension of a working day, asked for and granted."""
    facts = {"reason": "需要配件", "amount": 1, "unit": str(LimitUnit.WORKING_DAY)}
    request = ask(o, case, Action.EXTEND, o.handler(case), **facts)
    yield o.work(10)
    grant(o, request, by, document=document)
    return o.case(case)


# Joint calls


def issue_call(o: Office, case: Case) -> JointCall:
    """The dispatcher calls three departments on an order that the director signed."""
    by = o.desk(Role.DISPATCHER)
    orders = [
        joint_calls.TaskOrder(
            o.new_id(), unit, Part.ASSISTANT if n else Part.LEAD, "到场会商处置", 8, LimitUnit.WORKING_HOUR
        )
        for n, unit in enumerate(CALLED)
    ]
    command = joint_calls.IssueCall(
        o.new_id(), case.id, case.version, Purpose.JOINT_ENFORCEMENT, "联合整治", "街调〔示例〕1号", orders
    )
    with o.acting(by) as db:
        call = joint_calls.issue(db, by, o.now, o.books, command)
    o.done["call issue"] += 1
    return call


def answer_call(
    o: Office, call: JointCall, task: Task, action: CallAction, by: Actor, **facts: Any
) -> JointCall:
    """One thing done to one sub-task."""
    command = joint_calls.AnswerCall(o.new_id(), call.id, task.id, action, call.version, facts)
    with o.acting(by) as db:
        moved = joint_calls.act(db, by, o.now, o.books, command)
    o.done[f"call {action}"] += 1
    return moved


def answered(o: Office, rng: random.Random, call: JointCall) -> Moments:
    """Everybody comes; the lead reports last."""
    yield from _come(o, rng, call, call.tasks[1:])


def refused_by_one(o: Office, rng: random.Random, call: JointCall) -> Moments:
    """The last unit called refuses; the others do what was asked."""
    *others, last = call.tasks[1:]
    yield o.work(rng.uniform(5, 25))
    call = answer_call(o, call, last, CallAction.REFUSE, o.unit(last.unit_code), reason="不属本部门职责")
    yield from _come(o, rng, call, tuple(others))


def withdrawn(o: Office, rng: random.Random, call: JointCall) -> Moments:
    """The street needs nobody any more."""
    yield o.work(rng.uniform(20, 100))
    for task in (*call.tasks[1:], call.tasks[0]):
        call = answer_call(
            o, call, task, CallAction.WITHDRAW, o.desk(Role.DISPATCHER), reason="已由责任单位处置"
        )


def _come(o: Office, rng: random.Random, call: JointCall, assistants: tuple[Task, ...]) -> Moments:
    for task in (*assistants, call.tasks[0]):
        by = o.unit(task.unit_code)
        yield o.work(rng.uniform(2, 40))
        call = answer_call(o, call, task, CallAction.SIGN_IN, by)
        yield o.work(rng.uniform(10, 60))
        call = answer_call(o, call, task, CallAction.ARRIVE, by)
        yield o.work(rng.uniform(10, 90))
        call = answer_call(o, call, task, CallAction.REPORT, by, result="已到场处置")
    yield o.work(rng.uniform(60, 300))
    for task in call.tasks:
        facts = {"opinion": "响应及时" if not task.late(o.now) else "响应迟缓", "score": rng.randint(2, 5)}
        call = answer_call(o, call, task, CallAction.ASSESS, o.desk(Role.DIRECTOR), **facts)


# Supervision


def urge(o: Office, case: Case) -> SupervisionOrder:
    """The director urges a case."""
    by = o.desk(Role.DIRECTOR)
    with o.acting(by) as db:
        command = supervising.OrderCommand(o.new_id(), case.id, "超期未办结，请说明原因并限期办结")
        order = supervising.order(db, by, o.now, o.books, command)
    o.done["supervision order"] += 1
    return order


def reply(o: Office, order: SupervisionOrder, by: Actor) -> None:
    """The unit answers."""
    with o.acting(by) as db:
        supervising.reply(db, by, o.now, order.id, "已增派人员，今日办结")
    o.done["supervision reply"] += 1


# Telling people


def tell(o: Office, case: Case, words: str) -> None:
    """Whoever reported is told what became of it."""
    _tell(o, case.id, Kind.OUTCOME, words, satisfied=None)


def revisit(o: Office, case: Case, *, satisfied: bool) -> None:
    """He is asked afterwards whether he is content."""
    _tell(o, case.id, Kind.REVISIT, "电话回访", satisfied=satisfied)


def tell_merged(o: Office, case: Case) -> None:
    """Everybody whose report was merged into a case is told before it closes."""
    with o.acting(o.desk(Role.ACCEPTOR)) as db:
        untold = beside_rows.look(db, case.id).untold
    for merged in untold:
        _tell(o, merged, Kind.OUTCOME, "已处置完毕，电话告知", satisfied=None)


def _tell(o: Office, case_id: UUID, kind: Kind, words: str, *, satisfied: bool | None) -> None:
    by = o.desk(Role.ACCEPTOR)
    with o.acting(by) as db:
        command = telling.TellCommand(
            o.new_id(), case_id, kind, reached=True, channel="电话", words=words, satisfied=satisfied
        )
        telling.record(db, by, o.now, command)
    o.done[f"tell {kind}"] += 1


# Patrols


def note_finding(o: Office, worker: Actor, case: Case) -> None:
    """What was found on a patrol stands in its notes."""
    shift = o.shifts.get(worker.id)
    if shift is None:
        return
    note = patrolling.Note(o.new_id(), Told(o.now, o.now), NoteKind.FINDING, report_id=case.report_id)
    with o.acting(worker) as db:
        patrolling.add_note(db, worker, o.now, CoverageRules(), shift, note)
    o.done["patrol finding"] += 1
