"""The life of plans: heads, history, status. Cells are in ``storage/grids.py``.

A plan is always stored as a draft and then moved: the database lets no status change that the table of
``domain/planlife.py`` does not know, and no plan leave the draft whose cells do not fill their ground.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text, update

from gridmgmt.domain.grid import PlanStatus
from gridmgmt.domain.org import Actor
from gridmgmt.domain.planlife import PlanAction, PlanHead, PlanStep
from gridmgmt.errors import NotAllowed, NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import grid_plans, plan_steps

_HEAD = ("id", "subdistrict_code", "version", "status", "valid_from")


def head(db: Db, plan_id: UUID, actor: Actor, *, lock: bool = False) -> PlanHead:
    """A plan of the actor's subdistricts, without its cells; locked, nobody else moves it before the commit.

    Raises
    ------
    NotFound
        No such plan there.
    NotAllowed
        It may be looked at and not be moved.
    """
    query = select(*(grid_plans.c[name] for name in _HEAD)).where(
        grid_plans.c.id == plan_id, grid_plans.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update() if lock else query).first()
    if found is None:
        if lock and db.execute(query).first() is not None:
            raise NotAllowed("Your roles move no plan.", article="11", rule="R11", in_scope=True)
        raise NotFound("No such plan.", kind="plan")
    drawn = select(plan_steps.c.actor_id).where(
        plan_steps.c.plan_id == plan_id, plan_steps.c.action == PlanAction.DRAW
    )
    values = dict(found._mapping)
    values["status"] = PlanStatus(values["status"])
    return PlanHead(**values, drawn_by=db.execute(drawn).scalar())


def facts_of(db: Db, plan_id: UUID) -> RowMapping:
    """What else is stored of a plan that was found."""
    return db.execute(select(grid_plans).where(grid_plans.c.id == plan_id)).one()._mapping


def set_status(db: Db, plan_id: UUID, status: PlanStatus, **also: Any) -> None:
    """Move a plan, with other columns that change with it; seams are refused here, not at the commit."""
    db.execute(update(grid_plans).where(grid_plans.c.id == plan_id).values(status=status, **also))
    db.execute(text("set constraints app.seamless immediate"))
    db.execute(text("set constraints app.seamless deferred"))


def add_step(db: Db, step: PlanStep, subdistrict_code: str, command_id: UUID | None = None) -> None:
    """Append a line to a plan's history."""
    values = {name: getattr(step, name) for name in PlanStep.__slots__}
    values["facts"] = dict(step.facts)
    db.execute(insert(plan_steps).values(**values, subdistrict_code=subdistrict_code, command_id=command_id))


def history(db: Db, plan_id: UUID) -> list[PlanStep]:
    """The lines of a plan that was found within scope, first to last."""
    query = select(plan_steps).where(plan_steps.c.plan_id == plan_id).order_by(plan_steps.c.seq)
    return [
        PlanStep(
            r.plan_id, r.seq, PlanAction(r.action), PlanStatus(r.from_status) if r.from_status else None,
            PlanStatus(r.to_status), r.actor_id, r.at, r.facts, r.on_behalf_of,
        )
        for r in db.execute(query)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlanMoveDone:
    """What a command did when it came the first time."""

    plan_id: UUID
    actor_id: UUID
    action: str
    facts: Mapping[str, Any]


def done_by_command(db: Db, command_id: UUID) -> PlanMoveDone | None:
    """What this command already did; None when it is new."""
    columns = (plan_steps.c.plan_id, plan_steps.c.actor_id, plan_steps.c.action, plan_steps.c.facts)
    found = db.execute(select(*columns).where(plan_steps.c.command_id == command_id)).first()
    return None if found is None else PlanMoveDone(**found._mapping)


def handed_over(db: Db, plan_id: UUID) -> int:
    """How many open cases were handed over to a plan."""
    query = text("select count(*) from app.plan_handovers where plan_id = :id")
    return int(db.execute(query, {"id": plan_id}).scalar_one())


def published_after(db: Db, plan: PlanHead) -> int | None:
    """Version of a published plan that begins after this one."""
    query = text("""
        select min(version) from app.grid_plans where subdistrict_code = :code and status = 'published'
           and valid_from > :from and id <> :id
    """)
    found: int | None = db.execute(
        query, {"code": plan.subdistrict_code, "from": plan.valid_from, "id": plan.id}
    ).scalar()
    return found


def published_before(db: Db, plan: PlanHead) -> UUID | None:
    """The published plan that ends where this one begins."""
    query = text("""
        select id from app.grid_plans where subdistrict_code = :code and status = 'published'
           and valid_to = :from and id <> :id
    """)
    found: UUID | None = db.execute(
        query, {"code": plan.subdistrict_code, "from": plan.valid_from, "id": plan.id}
    ).scalar()
    return found


def cells_without_worker(db: Db, plan_id: UUID, on: datetime) -> list[str]:
    """Duty grids of a plan to which nobody is assigned on a day."""
    query = text("""
        select g.code from app.grid_cells g
         where g.plan_id = :id and g.kind = 'duty' and not exists (
               select from app.cell_workers w
                where w.cell_code = g.code and w.duty = 'worker' and w.valid_from <= cast(:on as date)
                  and (w.valid_to is null or w.valid_to > cast(:on as date)))
         order by g.code
    """)
    return list(db.execute(query, {"id": plan_id, "on": on}).scalars())
