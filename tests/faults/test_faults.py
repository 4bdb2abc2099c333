"""A short, seeded part of ``make faults``: kills, broken wires, a jumping clock, a full disk; then ledgers.

And the control: without ``synchronous_commit`` the same harness must see what was acknowledged be lost.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.ledger import Entry, Ledger
from tests.faults.processes import CHECKOUT, FAKETIME, MADE_BEFORE, Database
from tests.faults.proxy import Fault, Mode, Wire
from tests.faults.run import BETWEEN, Plan, run


@pytest.fixture(scope="module", autouse=True)
def _made_once() -> Iterator[None]:
    """The runs of this file begin with copies of one cluster."""
    with tempfile.TemporaryDirectory(prefix="gm-seed-") as scratch, pytest.MonkeyPatch.context() as patch:
        Path(scratch).chmod(0o755)
        made = Database(Path(scratch) / "pg", {})
        made.make()
        made.cluster.down()
        patch.setenv(MADE_BEFORE, str(made.cluster.home))
        yield
        made.cluster.destroy()


@pytest.fixture
def room() -> Iterator[Path]:
    """In memory, so that what is measured is not the disk; kill -9 of processes spares it."""
    parent = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    made = Path(tempfile.mkdtemp(prefix="gm-faults-", dir=parent))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_what_is_acknowledged_outlives_kills_broken_wires_and_clock_jumps(room: Path) -> None:
    outcome = run(room / "run", Plan(seed=5, kills=2, wires=1, clock_jumps=1, reporters=4, quiet_s=0.3))
    verdict = outcome.verdict
    assert verdict.lost == verdict.doubled == verdict.invented == verdict.broken == verdict.unaudited == []
    assert outcome.ledger.faults == []
    assert outcome.ledger.hangs == 0
    assert outcome.fatal_signals == 0
    assert outcome.done.total() == 4
    assert verdict.counts["report ok"] >= 4 * BETWEEN
    assert outcome.ledger.heard, "somebody listened to the stream"


def test_without_synchronous_commit_the_harness_sees_the_loss(room: Path) -> None:
    off = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB",
           "bgwriter_lru_maxpages": "0", "autovacuum": "off"}  # fmt: skip
    plan = Plan(seed=6, kills=2, wires=0, victims=("database",), pause_s=0.02, quiet_s=0.3, settings=off)
    # A kill follows an acknowledgement at once; whether somebody's flush comes between is chance.
    assert any(run(room / f"run-{seed}", replace(plan, seed=seed)).verdict.lost for seed in range(6, 14))


def test_a_full_disk_is_refused_cleanly_and_recovered_from_without_a_restart() -> None:
    assert FAKETIME.exists(), "Debian's libfaketime is missing: .ci/install-packages test"
    command = [
        sys.executable, "-m", "tests.faults", "--only", "disk", "--full-disks", "1", "--no-keep-result",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "'disk full': 1" in done.stdout
    assert "'503'" in done.stdout, "it was full"


def through(fault: Fault | None, sent: bytes) -> bytes:
    """What a client hears from a server that repeats what it is told, over a wire with a fault."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(100):
            writer.write(piece)
        writer.close()
        await writer.wait_closed()

    async def ask() -> bytes:
        server = await asyncio.start_server(repeat, "127.0.0.1", 0)
        target = server.sockets[0].getsockname()[:2]
        listening = await asyncio.start_server(repeat, "127.0.0.1", 0)
        listen = listening.sockets[0].getsockname()[:2]
        listening.close()
        await listening.wait_closed()
        async with Wire(listen, target) as wire:
            suffering = asyncio.create_task(wire.suffer(fault)) if fault else None
            await asyncio.sleep(0)
            try:
                reader, writer = await asyncio.open_connection(*listen)
                writer.write(sent)
                writer.write_eof()
                heard = await reader.read(1000)
                writer.close()
                await writer.wait_closed()
            except OSError:
                heard = b"reset"
            if suffering:
                await suffering
        server.close()
        return heard

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        (None, b"hello"),
        (Fault(Mode.DELAY, 0.2, delay_s=0.01), b"hello"),
        (Fault(Mode.CUT, 0.2), b"reset"),
        (Fault(Mode.BLACKHOLE, 0.2), b"reset"),
        (Fault(Mode.HALF_OPEN, 0.2), b"reset"),
    ],
    ids=["none", "delay", "cut", "blackhole", "half_open"],
)
def test_the_wire_does_what_its_fault_says(fault: Fault | None, heard: bytes) -> None:
    assert through(fault, b"hello") in {heard, b"" if heard == b"reset" else heard}


def test_a_ledger_tells_what_was_answered_from_what_was_not() -> None:
    ledger = Ledger({"a": Entry("report", "ok"), "b": Entry("report"), "c": Entry("photo", "refused")})
    assert list(ledger.of("report", "ok")) == ["a"]
    assert ledger.count() == {"photo refused": 1, "report ok": 1, "report unknown": 1}
