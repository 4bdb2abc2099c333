"""``python -m tests.fuzz``: the full runs of ``make fuzz`` and ``make races``; results go to bench/results.

``fuzz``: at least 10,000 requests that schemathesis makes from the OpenAPI document, in every role and as
nobody, and 5,000 grown by hand. ``races``: 10,000 reports, each sent one to five times at once, a tenth with
another body under the same id.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from bench.report import Options, Result, Side, table, write
from gridmgmt.storage.embedded import test_cluster
from tests.conftest import demo_database
from tests.fuzz.described import run_as
from tests.fuzz.grown import grow
from tests.fuzz.races import race
from tests.fuzz.target import CAST, NOBODY, Target, target


@contextmanager
def _served() -> Iterator[tuple[Target, str, Path]]:
    """A target on a street of its own, its database's connection string, a scratch directory."""
    with test_cluster().shared(), tempfile.TemporaryDirectory(prefix="gm-fuzz-") as scratch:
        url = demo_database(test_cluster(), "fuzzed")
        with target(url, Path(scratch)) as served:
            yield served, url.replace("+psycopg", ""), Path(scratch)


def fuzz(examples: int, grown_requests: int, seed: int) -> Result:
    """Every role in turn, then what is grown by hand."""
    with _served() as (served, dsn, scratch):
        race(served, dsn, ids=20, seed=seed)  # cases for the others to find
        began, described, failures = time.monotonic(), 0, []
        roles = {}
        for role in [*CAST, NOBODY]:
            judged = run_as(served, role, examples=examples, seed=seed, directory=scratch)
            sys.stdout.write(f"{role}: {judged.requests} requests, {len(judged.failures)} failures\n")
            sys.stdout.write("".join(f"   {line[:160]}\n" for line in judged.failures[:20]))
            sys.stdout.flush()
            described += judged.requests
            roles[role] = judged.requests
            failures += judged.failures
        described_s, began = time.monotonic() - began, time.monotonic()
        grown = grow(served, requests=grown_requests, seed=seed)
        grown_s = time.monotonic() - began
        sys.stdout.write("".join(f"   {line[:300]}\n" for line in grown.wrong[:20]))
        statuses, faults = dict(served.statuses), list(served.faults)
    return Result(
        "fuzz", "What does the API answer to requests that nobody should send?", "requests",
        (
            Side("schemathesis, every role", described / described_s, f"{described:,} requests"),
            Side("grown by hand", grown.sent / grown_s, f"{grown.sent:,} requests"),
        ),
        {
            "answers": {str(k): v for k, v in sorted(statuses.items())}, "requests by role": roles,
            "seed": seed, "5xx": faults[:20],
        },
        {
            "at least 10,000 requests from the document": described >= 10_000,
            "at least 5,000 grown by hand": grown.sent >= 5_000,
            "0 answers of 5xx": not faults,
            "0 violations of the document, 0 forgotten sessions": not failures,
            "0 refusals that are no problem document": not grown.wrong,
        },
    )  # fmt: skip


def races(ids: int, seed: int) -> Result:
    """Every report several times at once."""
    with _served() as (served, dsn, _):
        began = time.monotonic()
        raced = race(served, dsn, ids=ids, seed=seed)
        seconds = time.monotonic() - began
        sys.stdout.write("".join(f"   {line}\n" for line in raced.wrong[:20]))
        faults = len(served.faults)
    return Result(
        "races", "Has a report that is sent several times at once one effect?", "requests",
        (Side("gridmgmt over HTTP", raced.sent / seconds, f"{raced.sent:,} requests for {ids:,} reports"),),
        {
            "reports": raced.ids, "requests": raced.sent, "reports with a changed body": raced.changed,
            "answers": {str(k): v for k, v in sorted(raced.statuses.items())}, "seed": seed,
            "wrong": raced.wrong[:20],
        },
        {
            "one effect each; other content refused": not raced.wrong,
            "0 answers of 5xx": faults == 0,
            "only 201 and 409": set(raced.statuses) <= {201, 409},
        },
    )  # fmt: skip


def main() -> int:
    """Run, print, keep; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["fuzz", "races"])
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=10, help="of each operation in each phase and role")
    parser.add_argument("--grown", type=int, default=5_000)
    parser.add_argument("--ids", type=int, default=10_000)
    parser.add_argument("--keep-result", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    fuzzing = given.what == "fuzz"
    result = fuzz(given.examples, given.grown, given.seed) if fuzzing else races(given.ids, given.seed)
    sys.stdout.write(table(result) + "\n")
    if given.keep_result:
        write(result, Options(on=given.on))
    return 0 if all(result.goals.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
