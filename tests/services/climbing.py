"""Workers of the ladder in processes of their own, some of which are killed at a named point."""

from datetime import datetime
from typing import Any

from sqlalchemy import make_url, text

from gridmgmt import escalation
from gridmgmt.domain.channel import Channel
from gridmgmt.observe import metrics
from gridmgmt.storage import ladders, notifications, outbox
from gridmgmt.storage.db import Db, make_engine
from gridmgmt.storage.rights.walls import Login
from tests.services import mines

POINTS: dict[str, tuple[Any, str]] = {
    "events claimed": (notifications, "claim_events"),
    "cases marked for a look": (ladders, "look_soon"),
    "cases claimed": (ladders, "claim"),
    "steps written": (ladders, "write"),
    "people told": (notifications, "add"),
    "events written": (outbox, "append"),
    "committed": (metrics, "ladder_looked"),
}
"""Where a worker can be killed: right after this function has answered."""

_SHORT_OF_NOTHING = 7


def as_worker(url: str) -> str:
    """The URL with which the worker logs in, whom row-level security binds."""
    return make_url(url).set(username=Login.WORKER).render_as_string(hide_password=False)


def work(url: str, now: datetime, *, batch: int = _SHORT_OF_NOTHING) -> None:
    """One round of a worker: tell, climb until nothing is due."""
    engine = make_engine(as_worker(url), pool_size=1)
    try:
        escalation.Escalating([Channel.WEBHOOK], batch=batch)(engine, now)
    finally:
        engine.dispose()


def start(url: str, now: datetime, *, kill_at: str | None = None, nth: int = 1) -> int:
    """The same in a process of its own, which kills itself the nth time it has come by a point."""
    return mines.start(lambda: work(url, now), POINTS[kill_at] if kill_at else None, nth)


def twice_or_never(db: Db) -> dict[str, int]:
    """What must not be: steps and notifications that are there twice or are missing, by kind."""
    query = text("""
        select
          (select count(*) from (select from app.notifications
             group by person_id, case_id, clock, round, rung, kind, at, facts ->> 'passed_on'
            having count(*) > 1 and bool_and(rung is not null)) d) as told_twice,
          (select count(*) from app.ladder_steps s where s.told and not exists
             (select from app.notifications n
               where (n.case_id, n.clock, n.round, n.rung) = (s.case_id, s.clock, s.round, s.rung)))
              as untold,
          (select count(*) from app.outbox o where o.kind = 'case_escalated')
            - (select count(*) from app.ladder_steps where told)
            - (select count(*) from app.ladder_steps where passed_on_at is not null) as events_too_many,
          (select count(*) from app.notifications)
            - (select count(*) from app.deliveries where channel = 'webhook') as undelivered
    """)
    return {name: value for name, value in db.execute(query).one()._mapping.items() if value}
