"""Supervision orders 督办: somebody above urges a case with an opinion, and a reply is owed by a limit.

An overlay: it moves no case and holds none up, so that it cannot be used to stop one. It is addressed
to the unit that has the case, or to the dispatcher while no unit has it. The order stays open until it
is answered, also when the case ended in the meantime, and is never withdrawn (articles 22-1, 8-1).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import MissingFact, NotReady


@dataclass(frozen=True, slots=True)
class SupervisionOrder:
    """One order. ``unit_code`` is whom it is addressed to; None is the dispatcher.

    ``reply_unit`` is the clock that the limit was counted on; None where it was not kept.
    """

    id: UUID
    case_id: UUID
    subdistrict_code: str
    unit_code: str | None
    opinion: str
    ordered_by: UUID
    ordered_at: datetime
    reply_due_at: datetime
    reply: str | None = None
    replied_by: UUID | None = None
    replied_at: datetime | None = None
    reply_unit: LimitUnit | None = None

    def is_late(self, now: datetime) -> bool:
        """Whether the reply came after its limit, or has not come although the limit passed."""
        return (self.replied_at or now) > self.reply_due_at


def order(  # noqa: PLR0913  what an order consists of
    order_id: UUID,
    case_id: UUID,
    subdistrict_code: str,
    state: State,
    unit_code: str | None,
    opinion: str,
    actor: Actor,
    now: datetime,
    reply_due_at: datetime,
) -> SupervisionOrder:
    """A new order.

    Raises
    ------
    NotAllowed
        Only a supervisor, the director or the district urges.
    MissingFact
        An order says what is wrong.
    NotReady
        The case has ended.
    """
    permissions.require(actor, Permission.CASE_SUPERVISE, subdistrict_code)
    if is_empty(opinion):
        raise MissingFact("An order says what it asks for.", rule="R22a", missing=["opinion"])
    if state.is_final:
        raise NotReady(
            "A case that has ended is not urged; reopen it.",
            article="22-1", rule="R22a", guard="open_case", state=str(state),
        )  # fmt: skip
    return SupervisionOrder(
        order_id, case_id, subdistrict_code, unit_code, opinion, actor.id, now, reply_due_at
    )


def reply(given: SupervisionOrder, actor: Actor, now: datetime, text: str) -> SupervisionOrder:
    """The order with its reply.

    Raises
    ------
    NotAllowed
        It is another unit's to answer.
    NotReady
        It was answered before.
    MissingFact
        A reply without words.
    """
    needed = Permission.CASE_HANDLE if given.unit_code else Permission.CASE_DISPATCH
    permissions.require(actor, needed, given.subdistrict_code, unit_code=given.unit_code)
    if given.replied_at is not None:
        raise NotReady("The order was answered before.", rule="R22a", guard="answered")
    if is_empty(text):
        raise MissingFact("A reply says what was done.", rule="R22a", missing=["reply"])
    return replace(given, reply=text, replied_by=actor.id, replied_at=now)
