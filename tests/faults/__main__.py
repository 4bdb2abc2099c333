"""``python -m tests.faults``: the full run of ``make faults``; results go to bench/results/faults.json.

Three runs with one seed: the promise (kills, network faults and clock jumps under load), full disks, and the
control: with ``synchronous_commit = off`` the same harness must see acknowledged reports lost, or it proves
nothing.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from bench.report import Options, Result, Side, table, write
from tests.faults.run import VICTIMS, Outcome, Plan, run

DISK_MB = 700
_INSIDE = "GRIDMGMT_FAULTS_ON_SMALL_DISK"


def on_a_small_disk(arguments: list[str]) -> None:
    """Become a process whose scratch directory is a small disk of its own, that vanishes with it."""
    if os.environ.get(_INSIDE):
        return
    scratch = tempfile.mkdtemp(prefix="gm-disk-", dir="/tmp")
    os.environ[_INSIDE] = scratch
    mount = f"mount -t tmpfs -o size={DISK_MB}m,mode=755 tmpfs {scratch}"
    shell = f'{mount} && exec "$0" -m tests.faults "$@"'
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n", "-E"]
    done = subprocess.run(
        [
            *as_root,
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            shell,
            sys.executable,
            *arguments,
        ],
        check=False,
    )
    shutil.rmtree(scratch, ignore_errors=True)
    raise SystemExit(done.returncode)


def say(name: str, outcome: Outcome) -> None:
    """What a run came to."""
    verdict = outcome.verdict
    sys.stdout.write(f"== {name}\n")
    for key, value in outcome.facts().items():
        sys.stdout.write(f"   {key}: {value}\n")
    for kind in ("lost", "doubled", "invented", "broken", "unaudited"):
        for line in getattr(verdict, kind)[:10]:
            sys.stdout.write(f"   {kind}: {line}\n")
    for line in outcome.ledger.faults[:10]:
        sys.stdout.write(f"   {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run, print, keep; 1 when a promise was broken or the control saw nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--wires", type=int, default=50)
    parser.add_argument("--clock-jumps", type=int, default=6)
    parser.add_argument("--full-disks", type=int, default=4)
    parser.add_argument("--control-kills", type=int, default=10)
    parser.add_argument("--room", default="/var/tmp", help="where the durable clusters lie")
    parser.add_argument("--only", choices=["promise", "disk", "control"])
    parser.add_argument("--keep-result", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    on_a_small_disk(sys.argv[1:])
    # Asked to end, it takes down what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(os.environ[_INSIDE])
    # Two kinds of disk: what is durable lies on a real one, what is filled up is small and in memory.
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="gm-faults-", dir=given.room) as real:
        Path(real).chmod(0o755)
        plans = {
            "promise": (
                Path(real) / "a",
                Plan(given.seed, given.kills, given.wires, clock_jumps=given.clock_jumps),
            ),
            "disk": (scratch / "b", Plan(given.seed, 0, 0, full_disks=given.full_disks, quiet_s=4.0)),
            "control": (
                Path(real) / "c",
                Plan(
                    given.seed, given.control_kills, 0,
                    victims=("database",), reporters=8, pause_s=0.01, quiet_s=3.0,
                    settings={"synchronous_commit": "off", "wal_writer_delay": "1s"},
                ),
            ),
        }  # fmt: skip
        for name, (home, plan) in plans.items():
            if given.only in (None, name):
                outcomes[name] = run(home, plan)
                say(name, outcomes[name])
    result = judged(outcomes)
    sys.stdout.write(table(result) + "\n")
    if given.keep_result and given.only is None:
        write(result, Options(on=given.on))
    return 0 if all(result.goals.values()) else 1


def judged(outcomes: dict[str, Outcome]) -> Result:
    """Goals and figures of the runs that were made."""
    goals: dict[str, bool] = {}
    for name in ("promise", "disk"):
        if name in outcomes:
            one = outcomes[name]
            goals[f"{name}: 0 acknowledged lost"] = not one.verdict.lost
            goals[f"{name}: 0 doubled, 0 invented"] = not (one.verdict.doubled or one.verdict.invented)
            goals[f"{name}: 0 audit gaps"] = not one.verdict.unaudited
            goals[f"{name}: history, outbox and stream whole"] = not one.verdict.broken
            goals[f"{name}: 0 answers of 500"] = not one.ledger.statuses[500]
            goals[f"{name}: no request hangs 30 s"] = not one.ledger.hangs
            goals[f"{name}: the database never died of itself"] = not one.fatal_signals or name == "disk"
    if "control" in outcomes:
        goals["control: without synchronous_commit the harness sees the loss"] = bool(
            outcomes["control"].verdict.lost
        )
    sides = tuple(
        Side(name, one.verdict.counts.get("report ok", 0) / one.seconds, f"lost {len(one.verdict.lost)}")
        for name, one in outcomes.items()
    )
    return Result(
        "faults", f"What is acknowledged while {', '.join(sorted(set(VICTIMS)))} are killed and wires break?",
        "acknowledged reports", sides, {name: one.facts() for name, one in outcomes.items()}, goals,
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
