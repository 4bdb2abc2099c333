"""Supervision orders 督办 and their replies."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.org import Actor
from gridmgmt.domain.supervision import SupervisionOrder
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import ContentDiffers, NotAllowed, NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import supervision_orders

_NAMES = tuple(SupervisionOrder.__slots__)
_COLUMNS = tuple(supervision_orders.c[name] for name in _NAMES)


def add(db: Db, order: SupervisionOrder) -> SupervisionOrder:
    """Store an order; the same one again is answered with what is stored.

    Raises
    ------
    ContentDiffers
        The id belongs to another one.
    """
    row = insert(supervision_orders).values({name: getattr(order, name) for name in _NAMES})
    db.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    stored = find(db, order.id)
    same = ("case_id", "subdistrict_code", "opinion", "ordered_by")
    if stored is None or any(getattr(stored, n) != getattr(order, n) for n in same):
        raise ContentDiffers("This id belongs to another order.", rule="R22a")
    return stored


def find(db: Db, order_id: UUID) -> SupervisionOrder | None:
    """The order under an id that a client made; None when it is new."""
    found = db.execute(select(*_COLUMNS).where(supervision_orders.c.id == order_id)).first()
    return None if found is None else _order(found._mapping)


def load(db: Db, order_id: UUID, actor: Actor) -> SupervisionOrder:
    """One order inside the actor's scope, locked for a reply.

    Raises
    ------
    NotFound
        No such order in the actor's subdistricts.
    NotAllowed
        It may be looked at and not be answered.
    """
    query = select(*_COLUMNS).where(
        supervision_orders.c.id == order_id, supervision_orders.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update()).first()
    if found is None:
        # Row-level security hides from the lock what the actor may see and not change.
        if db.execute(query).first() is not None:
            raise NotAllowed("Your roles answer no order.", article="11", rule="R11", in_scope=True)
        raise NotFound("No such order.", kind="supervision_order")
    return _order(found._mapping)


def _order(row: RowMapping) -> SupervisionOrder:
    unit = row["reply_unit"]
    return SupervisionOrder(**{**row, "reply_unit": LimitUnit(unit) if unit else None})


def owed_of_cases(db: Db, case_ids: Sequence[UUID]) -> list[SupervisionOrder]:
    """The orders about some cases that owe a reply, for whoever runs the clocks."""
    c = supervision_orders.c
    query = select(*_COLUMNS).where(c.case_id.in_(case_ids), c.replied_at.is_(None))
    return [_order(r._mapping) for r in db.execute(query.order_by(c.reply_due_at, c.id))]


def answer(db: Db, order: SupervisionOrder) -> None:
    """Store the reply of an order that was loaded."""
    db.execute(
        update(supervision_orders)
        .where(supervision_orders.c.id == order.id)
        .values(reply=order.reply, replied_by=order.replied_by, replied_at=order.replied_at)
    )


def of_case(db: Db, case_id: UUID) -> list[SupervisionOrder]:
    """The orders about a case that was loaded within scope, oldest first."""
    c = supervision_orders.c
    query = select(*_COLUMNS).where(c.case_id == case_id).order_by(c.ordered_at, c.id)
    return [_order(r._mapping) for r in db.execute(query)]


def owed(db: Db, actor: Actor, *, limit: int = 200) -> list[dict[str, Any]]:
    """Orders of the actor's subdistricts without a reply, the first due first, with their case's number."""
    query = text("""
        select s.id, s.case_id, c.number, s.unit_code, s.opinion, s.ordered_at, s.reply_due_at
          from app.supervision_orders s join app.cases c on c.id = s.case_id
         where s.subdistrict_code = any(:scope) and s.replied_at is null
         order by s.reply_due_at, s.id limit :limit
    """)
    return [dict(r._mapping) for r in db.execute(query, {"scope": list(actor.subdistricts), "limit": limit})]
