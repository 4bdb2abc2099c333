"""Supervision orders 督办: urge a case, owe a reply, give it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import supervision
from gridmgmt.domain.case import Case
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.limit import Limit
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.domain.windows import Window
from gridmgmt.domain.worktime import LimitUnit, deadline
from gridmgmt.errors import ContentDiffers, InvalidInput
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, cases, outbox
from gridmgmt.storage import supervision as orders
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class OrderCommand:
    """An order as a client sends it; without a limit the catalogue's holds."""

    id: UUID
    case_id: UUID
    opinion: str
    amount: int | None = None
    unit: LimitUnit | None = None


def order(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: OrderCommand) -> SupervisionOrder:
    """Urge a case; the same order again is answered as the first time.

    Raises
    ------
    NotFound, NotAllowed, MissingFact, NotReady
        As ``domain.supervision.order``.
    InvalidInput
        Half a limit, or none where the catalogue has none either.
    ContentDiffers
        The id belongs to another order.
    """
    require_storable(command.opinion, "opinion")
    require_anywhere(actor, Permission.CASE_READ)
    case = cases.load(db, command.case_id, actor)
    opinion = short_text(command.opinion)
    before = orders.find(db, command.id)
    if before is not None:
        if (before.case_id, before.ordered_by, before.opinion) != (case.id, actor.id, opinion):
            raise ContentDiffers("This id belongs to another order.", rule="R22a")
        return before
    limit = _reply_limit(db, case, books, command)
    calendar = books.current(db, case.subdistrict_code).calendar
    due_at = deadline(now, limit.amount, limit.unit, calendar)
    given = supervision.order(
        command.id, case.id, case.subdistrict_code, case.state, case.unit_code, opinion, actor, now, due_at
    )
    stored = orders.add(db, replace(given, reply_unit=limit.unit))
    outbox.append(db, [_event(EventKind.SUPERVISION_ORDERED, case, stored, now)])
    audit.append(db, [_done(actor, now, "supervise:order", stored)])
    return stored


def _reply_limit(db: Db, case: Case, books: RuleBooks, command: OrderCommand) -> Limit:
    if command.amount is not None and command.unit is not None:
        return Limit(command.amount, command.unit)
    limit = books.current(db, case.subdistrict_code).catalogue.windows.get(Window.SUPERVISION_REPLY)
    if limit is None or command.amount is not None or command.unit is not None:
        raise InvalidInput("A limit is an amount and a unit.", rule="R22b", field="amount")
    return limit


def reply(db: Db, actor: Actor, now: datetime, order_id: UUID, text: str) -> SupervisionOrder:
    """Answer an order, also after its limit and after the case ended.

    Raises
    ------
    NotFound, NotAllowed, NotReady, MissingFact
        As ``domain.supervision.reply``.
    """
    require_storable(text, "reply")
    require_anywhere(actor, Permission.CASE_READ)
    given = orders.load(db, order_id, actor)
    case = cases.load(db, given.case_id, actor)
    answered = supervision.reply(given, actor, now, short_text(text))
    orders.answer(db, answered)
    outbox.append(db, [_event(EventKind.SUPERVISION_ANSWERED, case, answered, now)])
    audit.append(db, [_done(actor, now, "supervise:reply", answered, late=answered.is_late(now))])
    return answered


def owed(db: Db, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Orders that still owe a reply, the first due first."""
    require(actor, Permission.CASE_READ, min(actor.subdistricts, default=""))
    return [row | {"late": now > row["reply_due_at"]} for row in orders.owed(db, actor)]


def _event(kind: EventKind, case: Case, given: SupervisionOrder, now: datetime) -> Event:
    facts = {
        "order_id": str(given.id), "number": case.number, "state": str(case.state),
        "cell_code": case.cell_code, "unit_code": given.unit_code,
        "reply_due_at": given.reply_due_at.isoformat(),
    }  # fmt: skip
    return Event(kind, case.subdistrict_code, now, case.id, facts)


def _done(
    actor: Actor, now: datetime, action: str, given: SupervisionOrder, **facts: Any
) -> audit.AuditEntry:
    return done(
        actor, now, action, "supervision_order", str(given.id), given.subdistrict_code,
        case_id=str(given.case_id), unit=given.unit_code, **facts,
    )  # fmt: skip
