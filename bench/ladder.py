"""The ladder: 10,000 cases that are due, claimed and escalated by 1, 2 and 4 worker processes.

Each side starts from the same database: ten thousand open cases whose limit was used up while no worker ran,
so that every look passes three rungs, tells the street's people once, and writes steps, notifications,
deliveries and events. The processes log in as the worker, behind row-level security, and commit a hundred
cases at a time. Afterwards it is counted whether a step or a notification is there twice or is missing.

The machine has as many cores as it has: more processes than cores show that they share, not that they gain.
Cases are synthetic. ``python -m bench.ladder``; ``--quick`` takes a twentieth.
"""

import multiprocessing
import sys
import time
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from bench.clocks import COPY
from bench.report import Options, Result, Side, main
from gridmgmt import escalation
from gridmgmt.domain.channel import Channel
from gridmgmt.services import oversight
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.embedded import Cluster, default_home
from gridmgmt.storage.rights.walls import NOBODY
from gridmgmt.worker import for_every_subdistrict
from tests.builders_cases import NOW, STREET
from tests.builders_street import Street
from tests.conftest import demo_database
from tests.services.climbing import as_worker, twice_or_never

PROCESSES = (1, 2, 4)
LATE = NOW + timedelta(days=10)
_DATABASE = "bench_ladder"
_COUNT = """
    select (select count(*) from app.ladder_steps) as steps,
           (select count(distinct case_id) from app.ladder_steps) as cases,
           (select count(*) from app.notifications) as notifications,
           (select count(*) from app.case_ladders where look_at <= :late) as left_over
"""


def run(options: Options) -> Result:
    """One side for each number of processes."""
    count = 500 if options.quick else 10_000
    found = {processes: _escalated(count, processes) for processes in PROCESSES}
    sides = tuple(
        Side(
            f"{processes} worker process{'es' if processes > 1 else ''}",
            count / seconds,
            f"{counted['steps']} steps, {counted['notifications']} notifications in {seconds:.1f} s",
            differing=sum(wrong.values()) + counted["left_over"],
        )
        for processes, (seconds, counted, wrong) in found.items()
    )
    return Result(
        name="ladder",
        question="how fast do due cases climb the ladder, and is every step taken exactly once?",
        unit="cases",
        sides=sides,
        facts={"due_cases": count, **{f"seconds_with_{n}": round(found[n][0], 2) for n in PROCESSES}},
        goals={
            "no step and no notification is there twice": all(not wrong for _, _, wrong in found.values()),
            "none is lost": all(
                (c["cases"], c["steps"], c["left_over"]) == (count, 3 * count, 0)
                for _, c, _ in found.values()
            ),
            "one, two and four processes tell the same": len(
                {c["notifications"] for _, c, _ in found.values()}
            )
            == 1,
        },
    )


def _escalated(count: int, processes: int) -> tuple[float, dict[str, int], dict[str, int]]:
    cluster = Cluster(default_home() / "bench", durable=True)
    cluster.up()
    cluster.drop(_DATABASE)
    url = demo_database(cluster, _DATABASE)
    engine = make_engine(url, pool_size=1, application="bench-ladder")
    try:
        _fill(engine, count)
        # Each process loads its rules before the start, as a worker that has been running has.
        fork = multiprocessing.get_context("fork")
        gate = fork.Barrier(processes + 1)
        children = [fork.Process(target=_work, args=(url, LATE, gate)) for _ in range(processes)]
        for child in children:
            child.start()
        gate.wait()
        began = time.perf_counter()
        for child in children:
            child.join()
        seconds = time.perf_counter() - began
        with transaction(engine, NOBODY) as db:
            counted = dict(db.execute(text(_COUNT), {"late": LATE}).one()._mapping)
            return seconds, counted, twice_or_never(db)
    finally:
        engine.dispose()
        cluster.drop(_DATABASE)


def _fill(engine: Engine, count: int) -> None:
    with transaction(engine, NOBODY) as db:
        street = Street(db, RuleBooks())
        model = street.report()
        street.handled(model)
        for statement in COPY:
            db.execute(text(statement), {"count": count - 1, "model": model.id})
        # What happened before is told of to nobody: only the ladder is measured.
        oversight.deliver(db, NOW)
        db.execute(
            text("update app.outbox_cursors set delivery_no = (select max(delivery_no) from app.outbox)")
        )
        db.execute(
            text(
                "insert into app.case_ladders (case_id, subdistrict_code, look_at)"
                " select id, subdistrict_code, :at from app.cases"
            ),
            {"at": NOW},
        )
        db.execute(text("analyze app.cases; analyze app.case_steps; analyze app.case_ladders"))


def _work(url: str, now: datetime, gate: "multiprocessing.synchronize.Barrier") -> None:
    engine = make_engine(as_worker(url), pool_size=1, application="bench-ladder-worker")
    books = RuleBooks()
    with for_every_subdistrict(engine) as db:
        books.current(db, STREET)
    escalating = escalation.Escalating([Channel.WEBHOOK], books=books)
    gate.wait()
    for _ in range(4):
        escalating(engine, now)
    engine.dispose()


if __name__ == "__main__":
    sys.exit(main([run]))
