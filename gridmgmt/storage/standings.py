"""Counts for assessment 监督考核: by unit, cell, worker and street, in SQL, inside the actor's subdistricts.

The same counts come from the event log alone (``domain/scoreboard.py``), which is how each is checked.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import text

from gridmgmt.domain.org import Actor
from gridmgmt.domain.scoreboard import Tally
from gridmgmt.storage.db import Db

Group = Literal["subdistrict_code", "unit_code", "cell_code", "worker_id"]

_OPEN = "c.state not in ('closed', 'rejected', 'merged', 'voided')"
_ANSWERABLE = (
    "(c.due_at is not null and (c.handled_at is not null or (c.clock_paused_at is null and c.due_at < :now)))"
)
_IN_TIME = f"({_ANSWERABLE} and c.handled_at <= c.due_at)"


def tallies(db: Db, actor: Actor, now: datetime, group: Group) -> dict[str, Tally]:
    """Counts of the cases that each has now; whoever has none is left out.

    Parameters
    ----------
    group : ``unit_code`` and ``worker_id`` are those that a case has at this moment, so that what was sent
        back does not count for whoever sent it.
    """
    query = text(f"""
        select cast(c.{group} as text) as whose,
               count(*) as reported,
               count(*) filter (where c.state = 'rejected') as rejected,
               count(*) filter (where c.state = 'merged') as merged,
               count(*) filter (where c.filed_at is not null) as filed,
               count(*) filter (where c.filed_at is not null and c.state = 'voided') as voided,
               count(*) filter (where {_OPEN}) as open,
               count(*) filter (where {_OPEN} and c.stage_due_at < :now) as overdue,
               count(*) filter (where c.state = 'closed') as closed,
               count(*) filter (where {_ANSWERABLE}) as answerable,
               count(*) filter (where {_ANSWERABLE} and c.handled_at is not null) as handled,
               count(*) filter (where {_IN_TIME}) as handled_in_time,
               count(*) filter (where {_ANSWERABLE} and c.state = 'closed') as settled,
               count(*) filter (where {_IN_TIME} and c.state = 'closed') as settled_in_time,
               count(*) filter (where {_ANSWERABLE} and c.rework_count > 0) as reworked,
               sum(c.rework_count) as reworks, sum(c.return_count) as returns
          from app.cases c
         where c.subdistrict_code = any(:scope) and c.{group} is not null
         group by 1
    """)  # noqa: S608  fixed fragments
    rows = [r._mapping for r in db.execute(query, {"scope": list(actor.subdistricts), "now": now})]
    return {row["whose"]: Tally(**{n: int(v) for n, v in row.items() if n != "whose"}) for row in rows}
