"""Workers that hand cases over in processes of their own, some of which are killed at a named point."""

from datetime import datetime
from typing import Any

from sqlalchemy import make_url, text

from gridmgmt import switching
from gridmgmt.observe import metrics
from gridmgmt.storage import cases, handovers
from gridmgmt.storage.db import Db, make_engine
from gridmgmt.storage.rights.walls import Login
from tests.services import mines

POINTS: dict[str, tuple[Any, str]] = {
    "cases claimed": (handovers, "claim"),
    "a case saved": (cases, "save"),
    "recorded": (handovers, "add"),
    "committed": (metrics, "handed_over"),
}
"""Where a worker can be killed: right after this function has answered."""


def work(url: str, now: datetime, *, batch: int = 7) -> None:
    """One step of a worker, as the login that row-level security binds."""
    worker = make_url(url).set(username=Login.WORKER).render_as_string(hide_password=False)
    engine = make_engine(worker, pool_size=1)
    try:
        switching.HandingOver(batch=batch)(engine, now)
    finally:
        engine.dispose()


def start(url: str, now: datetime, *, kill_at: str | None = None, nth: int = 1) -> int:
    """The same in a process of its own, which kills itself the nth time it has come by a point."""
    return mines.start(lambda: work(url, now), POINTS[kill_at] if kill_at else None, nth)


def counts(db: Db) -> dict[str, int]:
    """Cases under the new plan, and how often each kind of trace of a handover is there."""
    query = text("""
        select (select count(*) from app.cases c join app.plan_handovers h on h.case_id = c.id
                 where c.plan_id = h.plan_id and c.cell_code = h.to_cell) as moved,
               (select count(*) from app.plan_handovers) as records,
               (select count(*) from app.case_steps where action = 'hand_over') as steps,
               (select count(*) from app.outbox where kind = 'case_handed_over') as events,
               (select count(*) from app.audit_log where action = 'case:hand_over') as lines,
               (select count(*) from app.cases c where c.version <>
                    (select max(s.seq) from app.case_steps s where s.case_id = c.id)) as torn
    """)
    return dict(db.execute(query).one()._mapping)
