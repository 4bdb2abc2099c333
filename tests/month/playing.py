"""A month of the demo street for tests: its plan, its logins, and what counts of it afterwards."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, make_url, text

from gridmgmt.demo.month.plan import MonthPlan
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY, Login
from tests.builders_cases import NOW

MIDNIGHT = NOW.replace(hour=16)
"""Of the street, at the end of the day on which the demo was loaded."""


def make_plan(**over: Any) -> MonthPlan:
    """A small month: every fate at least once, twenty workers, each on patrol on one day."""
    facts: dict[str, Any] = {"start": MIDNIGHT, "cases": 80, "seed": 7, "patrol_every": 22}
    return MonthPlan(**facts | over)


@contextmanager
def engine_for(url: str, login: Login) -> Iterator[Engine]:
    """Connections of a login that row-level security binds."""
    bound = make_url(url).set(username=login).render_as_string(hide_password=False)
    made = make_engine(bound, pool_size=2)
    try:
        yield made
    finally:
        made.dispose()


def instants(plan: MonthPlan, count: int) -> list[datetime]:
    """Moments spread over a month, at odd microseconds so that nothing else happens at them."""
    step = (plan.end - plan.start) / count
    return [plan.start + (n + 1) * step - timedelta(minutes=17, microseconds=7) for n in range(count)]


_COUNTED = {
    "cases": "select * from app.cases",
    "steps": "select * from app.case_steps",
    "requests": "select * from app.case_requests",
    "joint calls": "select * from app.joint_calls",
    "sub-tasks": "select * from app.joint_call_tasks",
    "orders": "select * from app.supervision_orders",
    "ladders": "select * from app.case_ladders",
    "ladder steps": "select * from app.ladder_steps",
    # Their ids follow from row numbers, which a transaction that was rolled back uses up.
    "notifications": """select person_id, kind, case_id, at, facts, because, instead_of, absence,
        clock, round, rung, read_at, acknowledged_at from app.notifications""",
    "deliveries": """select n.person_id, n.kind, n.case_id, n.at, n.clock, n.round, n.rung, n.facts,
        d.channel, d.state, d.tries
        from app.deliveries d join app.notifications n on n.id = d.notification_id""",
    "events": "select subdistrict_code, kind, case_id, at, facts, delivered_at from app.outbox",
    # What a trigger wrote bears the time of the machine.
    "audit": """select case when action not like 'row:%' then at end as at, actor_id, action, object_kind,
        object_id, outcome, facts from app.audit_log""",
}
"""What has to be the same however often a worker died; everything about it but the numbers of rows."""


def outcome(url: str) -> dict[str, Counter[str]]:
    """Every row that counts, by table, with how often it is there."""
    engine = make_engine(url, pool_size=1)
    try:
        with transaction(engine, NOBODY) as db:
            return {
                name: Counter(repr(_steady(dict(r._mapping))) for r in db.execute(text(query)))
                for name, query in _COUNTED.items()
            }
    finally:
        engine.dispose()


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _steady(v)) for name, v in value.items())
    return value


def unlike(one: dict[str, Counter[str]], other: dict[str, Counter[str]]) -> dict[str, tuple[list, list]]:
    """Rows that one has and the other has not, by table."""
    return {
        name: (sorted((one[name] - other[name]).elements()), sorted((other[name] - one[name]).elements()))
        for name in one
        if one[name] != other[name]
    }
