"""The outbox at its full count, as ``make field`` runs it: ``python -m bench.field_outbox [--seed 1]``.

Fifty reports with a hundred photos are written in a real browser without a network and brought home over
a line that cuts connections at random bytes, while the page is killed and opened again. What the tests
check with a few is repeated here with the promised counts and kept in ``bench/results/field_outbox.json``.
No ratio to a peer, hence no ``run``: ``python -m bench`` leaves it out. All is synthetic, on this machine.
"""

import argparse
import json
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench.report import RESULTS, machine
from gridmgmt.demo.client import DemoClient
from gridmgmt.storage.db import make_engine
from gridmgmt.storage.embedded import test_cluster
from tests.conftest import demo_database
from tests.journeys.field.badline import CuttingLine
from tests.journeys.field.outbox_play import Load, facts_of, play, require_everything_once
from tests.journeys.field.scene import Morning
from tests.journeys.installation import Installation
from tests.journeys.pages import chromium

FULL = Load(reports=50, through_form=5, photos=100, kills=10, cuts=200, most_pixels=1100)
DATABASE = "bench_field_outbox"


def measured(url: str, home: Path, seed: int) -> tuple[dict[str, Any], dict[str, bool]]:
    """Figures, and what was promised of them; a report that is lost or doubled raises."""
    installation = Installation(url, home)
    installation.start()
    try:
        with DemoClient(installation.base_url) as client:
            place = Morning(client).place
        line = CuttingLine(installation.port, seed=seed)
        with chromium() as browser:
            outcome = play(browser, line, place, FULL, home, seed)
        engine = make_engine(url, pool_size=1)
        require_everything_once(engine, outcome)
        engine.dispose()
        installation.run("evidence", "scrub")
    finally:
        installation.stop()
    facts = {"seed": seed, **facts_of(outcome, line)}
    goals = {
        "every report is there once, with every photo by its SHA-256": True,
        "every original on the server has its SHA-256": True,
        f"the line was cut at least {FULL.cuts} times": len(line.cuts) >= FULL.cuts,
        "also as answers came": line.lost_answers > 0,
        f"the page was killed {FULL.kills} times": outcome.kills == FULL.kills,
        "nothing is left on the phone": outcome.left_photos == 0,
        "nothing was asked of any other origin": not outcome.foreign,
    }
    return facts, goals


def main() -> int:
    """Run, print, keep; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.field_outbox", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    cluster = test_cluster()
    with cluster.shared(), tempfile.TemporaryDirectory(prefix="gm-field-") as room:
        try:
            facts, goals = measured(demo_database(cluster, DATABASE), Path(room), given.seed)
        finally:
            cluster.drop(DATABASE)
    document = {
        "benchmark": "field_outbox",
        "on": given.on.isoformat(),
        "question": "Reports written offline, sent over a bad line: is each there once, with its photos?",
        "facts": facts,
        "goals": goals,
        "machine": machine(),
    }
    told = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(told)
    (RESULTS / "field_outbox.json").write_text(told, encoding="utf-8")
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
