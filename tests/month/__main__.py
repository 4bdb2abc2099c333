"""``python -m tests.month``: the full run of ``make month``; results go to bench/results/month.json.

The same month twice, once in peace and once with workers that die by signal 9, and then every row that
counts compared; and every figure of the boards, rebuilt from the event log of the month with the kills.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench.report import Options, Result, Side, table, write
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.scoreboard import differences
from gridmgmt.services import scoreboards, sessions
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import transaction
from gridmgmt.storage.embedded import test_cluster
from gridmgmt.storage.rights.walls import Acting, Login
from tests.builders_cases import STREET
from tests.conftest import demo_database
from tests.month.killed import Killing, played
from tests.month.playing import engine_for, make_plan, outcome, unlike


def timed(work: Callable[[], Killing]) -> tuple[Killing, float]:
    """A month and how many seconds it took."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def figures_that_differ(url: str, now: datetime, books: RuleBooks) -> tuple[int, int]:
    """How many figures the boards have, and on how many the event log does not agree."""
    with engine_for(url, Login.APP) as engine:
        with transaction(engine, Acting.door()) as db:
            people = sessions.demo_people(db)["people"]
        leader = next(p for p in people if Role.SHIFT_LEADER in p["roles"])
        who = Actor(leader["id"], leader["name"], frozenset({Role.SHIFT_LEADER}), frozenset({STREET}))
        with transaction(engine, Acting.of(who)) as db:
            shown = scoreboards.as_shown(db, who, now, books)
            return len(shown.figures()), len(
                differences(shown, scoreboards.from_the_log(db, who, now, books))
            )


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.month", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--no-keep-result", action="store_true")
    return parser.parse_args()


def main() -> int:
    """Run, print, keep; 1 when anything differs."""
    given = _given()
    plan = make_plan(cases=given.cases, seed=given.seed, patrol_every=5)
    books, cluster = RuleBooks(), test_cluster()
    with ExitStack() as held, tempfile.TemporaryDirectory(prefix="gm-month-") as room:
        held.enter_context(cluster.shared())
        peace, hurt = (demo_database(cluster, f"month_{name}") for name in ("peace", "hurt"))
        held.callback(cluster.drop, "month_peace")
        held.callback(cluster.drop, "month_hurt")
        first, first_s = timed(lambda: played(peace, plan, books, Path(room) / "peace", kills=0))
        again, again_s = timed(lambda: played(hurt, plan, books, Path(room) / "hurt", kills=given.kills))
        rows, other = outcome(peace), outcome(hurt)
        wrong = unlike(rows, other)
        figures, differing = figures_that_differ(hurt, plan.end, books)
        received = again.box.received()
        facts: dict[str, Any] = {
            "seed": given.seed,
            "cases": rows["cases"].total(),
            "steps of history": rows["steps"].total(),
            "rows compared": {name: found.total() for name, found in rows.items()},
            "killed": dict(sorted(again.killed.items())),
            "killed in all": again.killed.total(),
            "outlived their mine": again.outlived,
            "messages received": len(received),
            "of them a second time": len(received) - len(set(received)),
            "figures of the boards": figures,
            "done": first.done,
        }
        unequal = sum(len(a) + len(b) for a, b in wrong.values())
        steps = rows["steps"].total()
        result = Result(
            name="month",
            question="A month of the loop: the same where workers are killed, and rebuilt from its log?",
            unit="steps",
            sides=(
                Side(
                    "with kills", steps / again_s, f"{again.killed.total()} workers died", differing=unequal
                ),
                Side("in peace", steps / first_s),
            ),
            facts=facts,
            goals={
                f"{given.kills} workers died by signal 9": again.killed.total() == given.kills,
                "no row that counts differs": unequal == 0,
                "every message arrived": len(set(received)) == rows["deliveries"].total(),
                "the log rebuilds every figure": differing == 0,
            },
        )
    sys.stdout.write(table(result) + "\n")
    for name, (ours, theirs) in wrong.items():
        sys.stdout.write(
            "".join(f"{name} -{r}\n" for r in ours[:5]) + "".join(f"{name} +{r}\n" for r in theirs[:5])
        )
    if not given.no_keep_result:
        write(result, Options(given.on))
    return 0 if all(result.goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
