"""What the readiness check reads."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from gridmgmt.storage.db import Db
from gridmgmt.storage.schema import current_revision, head_revision


@dataclass(frozen=True, slots=True)
class Look:
    """Schema revision of the database and of the code, plans in force, events waiting."""

    revision: str | None
    wanted: str
    plans: int
    waiting: int


def look(db: Db, now: datetime) -> Look:
    """The facts of readiness; figures are 0 where the schema is not there yet."""
    revision, wanted = current_revision(db), head_revision()
    if revision is None:
        return Look(None, wanted, 0, 0)
    row = db.execute(
        text("""
            select (select count(*) from app.grid_plans where status = 'published'
                      and valid_from <= :now and (valid_to is null or valid_to > :now)) as plans,
                   (select count(*) from app.outbox where delivered_at is null) as waiting
        """),
        {"now": now},
    ).one()
    return Look(revision, wanted, row.plans, row.waiting)
