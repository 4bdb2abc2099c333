"""What row-level security costs: the queries that every page and phone asks, with it and without.

The same storage functions with the same actor on the same rows: once as the API logs in, behind the wall of
the actor's role, and once as the superuser, whom no policy binds. Calls alternate, so that a busy moment of
the machine meets both. Plans are looked at as well: no table of more than ten thousand rows may be read
from end to end. ``python -m bench.rights [--quick]``.
"""

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text

from bench.report import Options, Result, Side, main
from bench.rights_rows import STREET, fill
from gridmgmt.demo.load import load_demo
from gridmgmt.domain.org import Actor, Role
from gridmgmt.geo.crs import LonLat
from gridmgmt.storage import board, cases, grids, outbox, people, photos, requests, schema, sessions, tiles
from gridmgmt.storage import db as driver
from gridmgmt.storage.board import CaseFilter
from gridmgmt.storage.cases import Asked
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.embedded import Cluster, default_home
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import NOBODY, Acting, Login

DATA = Path(__file__).resolve().parents[1] / "data"
DATABASE = "bench_rights"
OTHERS, EACH, ROUNDS = 299, 3340, 120
OTHERS_QUICK, EACH_QUICK, ROUNDS_QUICK = 9, 500, 15
WARM = 8
SMALL_TABLE = 10_000
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

Question = Callable[[Db, Actor, uuid.UUID], object]
HERE = LonLat(117.82, 39.02)
QUESTIONS: dict[str, Question] = {
    "who is signed in": lambda d, a, c: sessions.signed_in(d, [b"x" * 32], NOW),
    "cases: first page": lambda d, a, c: board.list_cases(d, a, CaseFilter(), limit=50),
    "cases: open ones": lambda d, a, c: board.list_cases(d, a, CaseFilter(open_only=True), limit=50),
    "cases: one state": lambda d, a, c: board.list_cases(d, a, CaseFilter(state="handling"), limit=50),
    "cases: mine": lambda d, a, c: board.list_cases(d, a, CaseFilter(mine=True, open_only=True), limit=50),
    "cases: what changed": lambda d, a, c: board.list_cases(
        d, a, CaseFilter(updated_after=NOW - timedelta(hours=6)), limit=50
    ),
    "case: with its report": lambda d, a, c: board.case_row(d, a, c),  # noqa: PLW0108  all alike
    "case: to be moved": lambda d, a, c: cases.load(d, c, a),
    "case: history": lambda d, a, c: cases.history(d, c),
    "case: requests": lambda d, a, c: requests.of_case(d, c),
    "case: names": lambda d, a, c: board.names_of(d, [a.id]),
    "report: stored answer": lambda d, a, c: cases.stored_report(d, c, a),
    "intake: the look": lambda d, a, c: cases.look_before_intake(
        d, [Asked(uuid.uuid4(), STREET, (), HERE)], NOW - timedelta(days=2)
    ),
    "board: by state": lambda d, a, c: board.counts_by_state(d, a, NOW),
    "board: today": lambda d, a, c: board.totals(d, a, NOW, NOW - timedelta(hours=10)),
    "board: clocks": lambda d, a, c: board.running_clocks(d, a),
    "board: units": lambda d, a, c: board.counts_by_unit(d, a, NOW),
    "board: newest events": lambda d, a, c: board.recent_events(d, a),
    "heat of a week": lambda d, a, c: board.heat(
        d, a, 9, since=NOW - timedelta(days=7), until=None, state=None
    ),
    "cells with load": lambda d, a, c: grids.cells_with_load(d, a, NOW, None),
    "tile of cells": lambda d, a, c: tiles.tile(d, a, "cells", 15, 27110, 12509, NOW),
    "tile of buildings": lambda d, a, c: tiles.tile(d, a, "buildings", 16, 54220, 25018, NOW),
    "photo": lambda d, a, c: photos.find(d, STREET, "0" * 64),
    "events to resume": lambda d, a, c: outbox.delivered_after(d, 10**9, a.subdistricts),
    "people": lambda d, a, c: people.list_people(d, sorted(a.subdistricts)),
}


def run(options: Options) -> Result:
    """Measure every question both ways."""
    others, each, rounds = (
        (OTHERS_QUICK, EACH_QUICK, ROUNDS_QUICK) if options.quick else (OTHERS, EACH, ROUNDS)
    )
    cluster = Cluster(default_home() / "bench", durable=True)
    cluster.up()
    cluster.drop(DATABASE)
    url = cluster.ensure_database(DATABASE)
    behind_wall = make_engine(cluster.dsn(DATABASE, user=Login.APP), pool_size=1)
    unbound = make_engine(url, pool_size=1)
    try:
        count = _load(url, unbound, others, each)
        actor, case_id = _somebody(unbound)
        times, scans = {}, []
        for name, question in QUESTIONS.items():
            times[name] = _times(question, actor, case_id, behind_wall, unbound, rounds)
            if question is not QUESTIONS["who is signed in"]:
                scans += [
                    f"{name}: {table}" for table in _scans(question, actor, case_id, behind_wall, unbound)
                ]
    finally:
        behind_wall.dispose()
        unbound.dispose()
        cluster.drop(DATABASE)
    return _result(times, scans, count, others + 1)


def _load(url: str, engine: Engine, others: int, each: int) -> int:
    prepare(url)
    schema.migrate(url)
    load_demo(engine, DATA, NOW, lambda *_: None)
    with transaction(engine, NOBODY) as db:
        count = fill(db, others, each, NOW)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("set statement_timeout = 0"))
        connection.execute(text("vacuum analyze"))
    return count


def _somebody(engine: Engine) -> tuple[Actor, uuid.UUID]:
    with transaction(engine, NOBODY, read_only=True) as db:
        person = people.person_named(db, "demo-shift")
        case_id = db.execute(
            text("select id from app.cases where subdistrict_code = :s and state = 'handling' limit 1"),
            {"s": STREET},
        ).scalar_one()
    assert person is not None
    return Actor(person, "", frozenset({Role.SHIFT_LEADER}), frozenset({STREET})), case_id


def _times(
    question: Question, actor: Actor, case_id: uuid.UUID, behind_wall: Engine, unbound: Engine, rounds: int
) -> tuple[float, float]:
    """95th percentiles in ms: behind the wall, unbound."""
    taken: tuple[list[float], list[float]] = ([], [])
    signing_in = question is QUESTIONS["who is signed in"]
    walls = (NOBODY if signing_in else Acting.of(actor), NOBODY)
    for number in range(rounds + WARM):
        for side, (engine, acting) in enumerate(zip((behind_wall, unbound), walls, strict=True)):
            with transaction(engine, acting) as db:
                began = time.perf_counter()
                question(db, actor, case_id)
                if number >= WARM:
                    taken[side].append((time.perf_counter() - began) * 1000)
    mine, theirs = (sorted(t)[int(len(t) * 0.95) - 1] for t in taken)
    return mine, theirs


def _scans(
    question: Question, actor: Actor, case_id: uuid.UUID, behind_wall: Engine, unbound: Engine
) -> Iterator[str]:
    """Large tables that the question reads from end to end behind the wall."""
    with transaction(unbound, NOBODY, read_only=True) as db:
        sizes = dict(
            db.execute(
                text("select relname, reltuples from pg_class where relnamespace = 'app'::regnamespace")
            ).all()
        )
    with transaction(behind_wall, Acting.of(actor)) as db, _heard(behind_wall) as statements:
        question(db, actor, case_id)
        raw: Any = db.connection.driver_connection
        for statement, values in list(statements):
            plan = raw.execute(f"explain (format json) {statement}", values).fetchone()[0]
            yield from (t for t in _read_whole(plan[0]["Plan"]) if sizes.get(t, 0) > SMALL_TABLE)


@contextmanager
def _heard(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Statements that are sent meanwhile, by SQLAlchemy or straight to the driver."""
    heard: list[tuple[str, Any]] = []

    def listen(*sent: Any) -> None:
        # connection, cursor, statement, values, context, whether many
        heard.append((sent[2], sent[3]))

    def straight(db: Db, statement: str, values: Any) -> Any:
        heard.append((statement, values))
        return original(db, statement, values)

    original = driver._execute
    event.listen(engine, "before_cursor_execute", listen)
    driver._execute = straight
    try:
        yield heard
    finally:
        driver._execute = original
        event.remove(engine, "before_cursor_execute", listen)


def _read_whole(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _read_whole(below)


def _result(times: dict[str, tuple[float, float]], scans: list[str], count: int, streets: int) -> Result:
    ratios = {name: mine / theirs for name, (mine, theirs) in times.items()}
    worst = max(ratios, key=lambda name: ratios[name])
    total = tuple(sum(t[side] for t in times.values()) for side in (0, 1))
    return Result(
        name="rights",
        question=f"What does row-level security cost, {count:,} cases in {streets} streets?",
        unit="rounds of all questions",
        sides=(
            Side("behind row-level security", 1000 / total[0], f"sum of p95 {total[0]:.1f} ms"),
            Side("as superuser, unbound", 1000 / total[1], f"sum of p95 {total[1]:.1f} ms"),
        ),
        facts={
            "questions": len(times),
            "p95 ms with / without, ratio": {
                name: f"{mine:.2f} / {theirs:.2f}, {ratios[name]:.2f}"
                for name, (mine, theirs) in times.items()
            },
            "worst": f"{worst}: {ratios[worst]:.2f}",
            "all together": round(total[0] / total[1], 2),
            "tables over 10,000 rows read whole": scans,
        },
        goals={
            "at most 1.3 times at the 95th percentile, every question": max(ratios.values()) <= 1.3,
            "no large table is read whole": not scans,
        },
    )


if __name__ == "__main__":
    sys.exit(main([run]))
