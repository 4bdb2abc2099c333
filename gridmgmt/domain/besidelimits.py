"""Limits beside a case that climb the ladder 逐级督促 as its own do: sub-tasks of joint calls, replies owed.

A called unit signs in, arrives and reports within limits of its own (吹哨签收、到场、反馈), and a
supervision order 督办 owes a reply. Each such limit is a clock of the case's ladder, by a name that holds
its id; whoever is told is of the unit that it is addressed to, not of the unit that has the case. Whoever
called or ordered hears of it once the limit is used up, as he may then give his opinion (article 8-1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from gridmgmt.domain.jointcall import JointCall, Task
from gridmgmt.domain.ladder import Running
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.domain.worktime import LimitUnit

CALL_SIGN_IN, CALL_ARRIVE, CALL_RESULT, REPLY = "call_sign_in:", "call_arrive:", "call_result:", "reply:"
"""How the names of these clocks begin; the id of the sub-task or of the order follows."""

CLOCK_NAMES_ZH = MappingProxyType(
    {CALL_SIGN_IN: "吹哨签收", CALL_ARRIVE: "吹哨到场", CALL_RESULT: "吹哨反馈", REPLY: "督办回复"}
)


@dataclass(frozen=True, slots=True)
class BesideLimit:
    """One limit that runs. ``unit_code`` is whom it binds, None the dispatcher; ``asked_by`` who set it."""

    running: Running
    unit_code: str | None
    asked_by: UUID
    call_id: UUID | None = None
    order_id: UUID | None = None


def of_call(call: JointCall) -> Iterator[BesideLimit]:
    """The limits of a call that run: of each open sub-task those that it has not met yet."""
    for task in call.tasks:
        if not task.state.is_final:
            for running in _of_task(task, call.issued_at):
                yield BesideLimit(running, task.unit_code, call.issued_by, call_id=call.id)


def _of_task(task: Task, since: datetime) -> Iterator[Running]:
    steps = (
        (CALL_SIGN_IN, task.sign_in_due_at, task.sign_in_unit, task.signed_in_at),
        (CALL_ARRIVE, task.arrive_due_at, task.arrive_unit, task.arrived_at),
        (CALL_RESULT, task.due_at, task.due_unit, None),
    )
    for name, due_at, unit, met_at in steps:
        if due_at is not None and met_at is None:
            yield Running(f"{name}{task.id}", since, due_at, unit or LimitUnit.NATURAL_HOUR)


def of_order(order: SupervisionOrder) -> Iterator[BesideLimit]:
    """The limit of an order's reply while none has come, also after the case has ended."""
    if order.replied_at is None:
        unit = order.reply_unit or LimitUnit.NATURAL_HOUR
        running = Running(f"{REPLY}{order.id}", order.ordered_at, order.reply_due_at, unit)
        yield BesideLimit(running, order.unit_code, order.ordered_by, order_id=order.id)


def clock_name(clock: str) -> str | None:
    """The Chinese name of one of these clocks; None of any other.

    Examples
    --------
    >>> clock_name("reply:00000000-0000-0000-0000-000000000001")
    '督办回复'
    """
    return next((name for begins, name in CLOCK_NAMES_ZH.items() if clock.startswith(begins)), None)
