"""A month of the demo street for tests: its databases, its plan, its workers."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, make_url

from gridmgmt.demo.month.plan import MonthPlan
from gridmgmt.storage.db import make_engine
from gridmgmt.storage.rights.walls import Login
from tests.builders_cases import NOW

MIDNIGHT = NOW.replace(hour=16) 
"""Of the street, on the day after the demo was loaded."""


def make_plan(**over: Any) -> MonthPlan:
    """A small month: every fate at least once, twenty workers, few patrols."""
    facts: dict[str, Any] = {"start": MIDNIGHT, "cases": 150, "seed": 7, "patrol_every": 11}
    return MonthPlan(**facts | over)


def engine_for(url: str, login: Login) -> Engine:
    """Connections of a login that row-level security binds."""
    bound = make_url(url).set(username=login).render_as_string(hide_password=False)
    return make_engine(bound, pool_size=2)


def instants(plan: MonthPlan, count: int) -> list:
    """Moments spread over a month at which nothing else happens."""
    step = (plan.end - plan.start) / count
    return [plan.start + (n + 1) * step - timedelta(minutes=17, microseconds=7) for n in range(count)]
