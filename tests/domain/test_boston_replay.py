"""79,208 real requests of Boston through our clocks: the light at closing is the city's own on-time flag.

What is replayed: each row of ``data/reference/boston311`` becomes a case with five steps (report, accept,
file, dispatch, sign for) and a sixth, the result, at the city's closing time. Its handling limit is the
city's own: from opening to target in natural minutes, rounded up, at least one. As targets are set to the
second, the dispatch is put so many whole minutes before the target, which is at most one minute before the
opening. Wall times are taken as they are published (as if UTC), because the city compares them so. The
calendar plays no part in natural minutes, and which limit the city chose for which type is its own affair:
neither is tested here.
"""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from gridmgmt.domain.case import Step
from gridmgmt.domain.clocks import Clocks
from gridmgmt.domain.deadlines import replay
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import Light, LimitUnit, light
from tests.builders_cases import CASE_ID, CLOCKS, UNIT

ROWS = Path(__file__).parents[2] / "data" / "reference" / "boston311" / "deadlines_2015.parquet"
MINUTE = timedelta(minutes=1)
NOBODY = UUID(int=0)


@pytest.fixture(scope="module")
def rows() -> list[tuple[datetime, datetime, datetime, bool | None]]:
    table = pq.read_table(ROWS)
    columns = [table[name].to_pylist() for name in ("opened_at", "target_at", "closed_at", "on_time")]
    return [
        (opened.replace(tzinfo=UTC), target.replace(tzinfo=UTC), closed.replace(tzinfo=UTC), flag)
        for opened, target, closed, flag in zip(*columns, strict=True)
    ]


def history(dispatched_at: datetime, handled_at: datetime) -> list[Step]:
    moves = (
        ("report", None, State.REPORTED, dispatched_at, {}),
        (Action.ACCEPT, State.REPORTED, State.ACCEPTED, dispatched_at, {}),
        (Action.FILE, State.ACCEPTED, State.FILED, dispatched_at, {}),
        (Action.DISPATCH, State.FILED, State.HANDLING, dispatched_at, {"unit_code": UNIT}),
        (Action.SIGN_FOR, State.HANDLING, State.HANDLING, dispatched_at, {}),
        (Action.SUBMIT_RESULT, State.HANDLING, State.HANDLED, handled_at, {}),
    )
    return [
        Step(CASE_ID, seq, str(action), source, target, NOBODY, at, facts, "22-1")
        for seq, (action, source, target, at, facts) in enumerate(moves, start=1)
    ]


def lights(
    opened_at: datetime, target_at: datetime, closed_at: datetime, clocks: Clocks
) -> tuple[datetime | None, Light]:
    minutes = max(1, -((opened_at - target_at) // MINUTE))
    started_at = target_at - minutes * MINUTE
    assert opened_at - MINUTE <= started_at <= opened_at
    limit = Limit(minutes, LimitUnit.NATURAL_MINUTE)
    held = replay(
        history(started_at, closed_at), lambda *_: dataclasses.replace(clocks, handling_limit=limit)
    )
    assert held.due_at is not None
    assert held.clock_started_at is not None
    return held.due_at, light(
        held.clock_started_at, held.due_at, closed_at, clocks.calendar, LimitUnit.NATURAL_MINUTE
    )


def test_all_requests_get_the_light_that_the_city_flagged(rows) -> None:
    assert len(rows) == 79_208
    flags = {True: 0, False: 0, None: 0}
    for opened_at, target_at, closed_at, on_time in rows:
        due_at, shown = lights(opened_at, target_at, closed_at, CLOCKS)
        assert due_at == target_at
        if on_time is not None:
            assert (shown is not Light.RED) is on_time, (opened_at, target_at, closed_at)
        else:
            assert shown is Light.RED, "the city left these without a flag; all were closed late"
        flags[on_time] += 1
    assert flags == {True: 60_054, False: 19_072, None: 82}
