"""Deadlines: 100,000 open ones computed anew, whole lives, a long history; counting minutes as the check.

Ours is ``domain.deadlines.replay``: the clocks of an open case from its whole history, for a calendar that
has just got a holiday. The other sides do the same with the database around it (batches of a thousand:
locked, read, written, recorded, announced), move cases through ``advance`` from report to closing, and
count minutes one after the other (``tests/brute.py``, independent of the domain), which also says whether
ours is right.

One thread, one core. Histories are synthetic. ``python -m bench.clocks``; ``--quick`` takes a hundredth.
"""

import random
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from bench.report import Options, Result, Side, main
from gridmgmt.domain.case import Step
from gridmgmt.domain.clocks import Clocks
from gridmgmt.domain.deadlines import Held, replay
from gridmgmt.domain.org import system_actor
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.services import calendars as calendar_rules
from gridmgmt.services import reading
from gridmgmt.services.calendars import NewDays
from gridmgmt.services.reclocking import Order, recompute_batch
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.embedded import Cluster, default_home
from gridmgmt.storage.rights.walls import NOBODY, Acting
from tests.builders_cases import CASE_ID, NOW, STREET, make_calendar, make_case, move
from tests.builders_cases import make_clocks as clocks_with
from tests.builders_street import Street
from tests.conftest import demo_database
from tests.domain.test_deadlines import check_histories

SEED = 20_261_125
LIFE = (
    Action.ACCEPT, Action.FILE, Action.DISPATCH, Action.SIGN_FOR, Action.SUBMIT_RESULT,
    Action.PASS_VERIFICATION, Action.CLOSE,
)  # fmt: skip
LONG = 200
_DATABASE = "bench_clocks"
_HOLIDAY = date(2026, 11, 25)

COPY = (
    """
    create temporary table copies on commit preserve rows as
    select md5('copy' || n)::uuid as id, n from generate_series(1, :count) n
    """,
    """
    insert into app.reports
    select (jsonb_populate_record(r, jsonb_build_object('id', k.id))).*
      from app.reports r, copies k where r.id = :model
    """,
    """
    insert into app.cases
    select (jsonb_populate_record(c, jsonb_build_object('id', k.id, 'report_id', k.id,
                                                        'number', 'B' || lpad(k.n::text, 9, '0')))).*
      from app.cases c, copies k where c.id = :model
    """,
    """
    insert into app.case_steps
    select (jsonb_populate_record(s, jsonb_build_object('case_id', k.id, 'command_id', null))).*
      from app.case_steps s, copies k where s.case_id = :model
    """,
)
_LENGTHEN = """
    insert into app.case_steps (case_id, seq, action, from_state, to_state, actor_id, at, facts, article,
                                subdistrict_code)
    select :case, c.version + n, 'extend', 'handling', 'handling', c.reported_by,
           c.reported_at + n * interval '1 second',
           '{"amount": 1, "unit": "natural_minute", "reason": "synthetic"}', '22-1', c.subdistrict_code
      from app.cases c, generate_series(1, :more) n where c.id = :case
"""


def run(options: Options) -> Result:
    """All parts, one after the other."""
    count = 1_000 if options.quick else 100_000
    histories = 100 if options.quick else 10_000
    computed_s, moved = _replays(count)
    life_s = _lives(count // 10 if options.quick else count)
    counted_s, equal = _counted(histories)
    stored_s, stored_moved, history_ms = _stored(count)
    return Result(
        name="clocks",
        question="how long does it take to compute every open deadline anew, and are the deadlines right?",
        unit="cases",
        sides=(
            Side("domain.deadlines.replay", count / computed_s, "five steps a case, in memory"),
            Side("the same in PostgreSQL", count / stored_s, "locked, read, written, recorded, announced"),
            Side(
                "advance from report to closing",
                (count // 10 if options.quick else count) / life_s,
                "seven moves, each checked in full",
            ),
            Side(
                "random history, counting minutes",
                histories / counted_s,
                "up to 14 steps; moved, replayed and counted",
                differing=0 if equal else 1,
            ),
        ),
        facts={
            "open_deadlines": count,
            "deadlines_that_a_holiday_moved": moved,
            "recomputing_s": round(computed_s, 2),
            "recomputing_with_database_s": round(stored_s, 2),
            "moved_in_database": stored_moved,
            "whole_lives_s": round(life_s, 2),
            "histories_counted": histories,
            f"history_of_{LONG}_steps_ms": round(history_ms, 1),
        },
        goals={
            "100,000 open deadlines are computed anew in under 10 s on one core": computed_s * 1e5 / count
            < 10,
            "a holiday moves deadlines": moved > 0 and stored_moved > 0,
            f"{histories:,} random histories: stored, replayed and counted deadlines are equal": equal,
            f"one case's history of {LONG} steps loads in under 20 ms": history_ms < 20,
        },
    )


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


# In memory


def _history(rng: random.Random) -> tuple[Step, ...]:
    """Reported, accepted, filed, dispatched and signed for within two days of work."""
    at = NOW + timedelta(minutes=rng.randrange(2 * 24 * 60))
    states = (None, State.REPORTED, State.ACCEPTED, State.FILED, State.HANDLING, State.HANDLING)
    actions = ("report", "accept", "file", "dispatch", "sign_for")
    return tuple(
        Step(CASE_ID, n + 1, action, states[n], states[n + 1] or State.REPORTED, CASE_ID, at, {}, "22-1")
        for n, action in enumerate(actions)
    )


def _replays(count: int) -> tuple[float, int]:
    rng = random.Random(SEED)
    limits = [Limit(n, unit) for n in (1, 2, 5) for unit in (LimitUnit.WORKING_DAY, LimitUnit.WORKING_HOUR)]
    sign = Limit(1, LimitUnit.WORKING_DAY)
    calendar = make_calendar(overrides={_HOLIDAY: False})
    old = [clocks_with(handling_limit=limit, sign_for=sign) for limit in limits]
    new = [clocks_with(handling_limit=limit, sign_for=sign, calendar=calendar) for limit in limits]
    cases = [(_history(rng), rng.randrange(len(limits))) for _ in range(count)]
    stored = [replay(steps, _always(old[which])) for steps, which in cases]

    def again() -> list[Held]:
        return [replay(steps, _always(new[which])) for steps, which in cases]

    seconds, computed = _seconds(again)
    return seconds, sum(a != b for a, b in zip(stored, computed, strict=True))


def _always(clocks: Clocks) -> Callable[[datetime, str], Clocks]:
    return lambda _at, _condition: clocks


def _lives(count: int) -> float:
    def live() -> None:
        for n in range(count):
            case = make_case(id=uuid.UUID(int=n + 1))
            for step, action in enumerate(LIFE):
                case = move(case, action, now=NOW + timedelta(minutes=step)).case

    return _seconds(live)[0]


def _counted(histories: int) -> tuple[float, bool]:
    try:
        seconds, _ = _seconds(lambda: check_histories(histories))
    except AssertionError:
        return 1.0, False
    return seconds, True


# With the database


def _stored(count: int) -> tuple[float, int, float]:
    cluster = Cluster(default_home() / "bench", durable=True)
    cluster.up()
    cluster.drop(_DATABASE)
    engine = make_engine(demo_database(cluster, _DATABASE), pool_size=1, application="bench-clocks")
    try:
        books = RuleBooks()
        _fill(engine, books, count)
        with transaction(engine, NOBODY) as db:
            days = NewDays({_HOLIDAY: False}, "synthetic", "benchmark")
            calendar_rules.settle_days(db, NOW, "tianjin", days)
        seconds, moved = _seconds(lambda: _recompute(engine, books))
        return seconds, moved, _long_history(engine, books)
    finally:
        engine.dispose()
        cluster.drop(_DATABASE)


def _fill(engine: Engine, books: RuleBooks, count: int) -> None:
    with transaction(engine, NOBODY) as db:
        street = Street(db, books, now=datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
        model = street.report()
        street.act(model, Action.SIGN_FOR, street.handler(str(model.unit_code)))
        db.execute(text("set local statement_timeout = 0"))
        for statement in COPY:
            db.execute(text(statement), {"count": count - 1, "model": model.id})
        db.execute(text("analyze app.cases; analyze app.case_steps"))


def _recompute(engine: Engine, books: RuleBooks) -> int:
    order, last, moved = Order(uuid.uuid4(), system_actor(STREET), "benchmark"), None, 0
    while True:
        with transaction(engine, Acting.system([STREET])) as db:
            batch = recompute_batch(db, NOW, books.current(db, STREET), order, last)
        moved += len(batch.changed)
        last = batch.last
        if last is None:
            return moved


def _long_history(engine: Engine, books: RuleBooks) -> float:
    with transaction(engine, NOBODY) as db:
        case_id = db.execute(text("select id from app.cases order by id limit 1")).scalar_one()
        version = db.execute(
            text("select version from app.cases where id = :id"), {"id": case_id}
        ).scalar_one()
        db.execute(text(_LENGTHEN), {"case": case_id, "more": LONG - version})
        street = Street(db, books)
        leader = street.shift_leader
        samples = []
        for _ in range(20):
            began = time.perf_counter()
            told = reading.case_detail(db, leader, NOW, books, case_id)
            samples.append(time.perf_counter() - began)
        assert len(told["history"]) == LONG
    return sorted(samples)[len(samples) // 2] * 1000


if __name__ == "__main__":
    sys.exit(main([run]))
