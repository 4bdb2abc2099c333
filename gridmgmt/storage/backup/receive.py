"""Receiving WAL as it is written: what was committed a moment ago can be restored.

``pg_receivewal --synchronous`` under our watch: it flushes each piece and reports it, and a replication
slot has the server keep what is not yet here. This loop starts it again when it ends, whatever the
reason, notes the digest of each finished segment, and copies new evidence.
"""

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from gridmgmt.errors import Unavailable
from gridmgmt.storage.backup import place
from gridmgmt.storage.backup.tools import SLOT, Source, program

_LOOK_S = 1.0
_STOP_S = 10.0


def receive(source: Source, root: Path, stop: threading.Event, beat: Callable[[], None]) -> None:
    """Receive until ``stop`` is set or the program ends.

    Parameters
    ----------
    beat : called about once a second while WAL is being received.

    Raises
    ------
    Unavailable : the receiver ended; call again.
    """
    wal = root / "wal"
    wal.mkdir(parents=True, exist_ok=True, mode=0o700)
    source.make_slot()
    command = [
        program("pg_receivewal"), "--directory", str(wal), "--slot", SLOT, "--synchronous", "--no-loop",
        "--no-password", "--status-interval", "1",
    ]  # fmt: skip
    receiver = subprocess.Popen(  # noqa: S603
        command, env=source.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        while not stop.wait(_LOOK_S):
            if receiver.poll() is not None:
                raise Unavailable("pg_receivewal ended", retry_after_s=5, status=receiver.returncode)
            note_segments(wal)
            beat()
    finally:
        if receiver.poll() is None:
            receiver.terminate()
            try:
                receiver.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                receiver.kill()
                receiver.wait()
        note_segments(wal)


def note_segments(wal: Path) -> int:
    """Note the digest of each finished segment that has none yet; how many these were."""
    noted = place.read_list(wal / "wal.sha256")
    new = [s for s in place.segments_in(wal) if s not in noted]
    for segment in new:
        place.append_to_list(wal / "wal.sha256", segment, place.digest_of(wal / segment))
    return len(new)


def caught_up(source: Source, *, patience_s: int) -> bool:
    """Whether a receiver runs and has, within so many seconds, all that is committed now."""
    (wanted,) = source.ask("SELECT pg_current_wal_flush_lsn()")
    query = (
        f"SELECT active AND restart_lsn >= '{wanted}' FROM pg_replication_slots"  # noqa: S608  both are ours
        f" WHERE slot_name = '{SLOT}'"
    )
    for _ in range(patience_s):
        if source.ask(query) == (True,):
            return True
        time.sleep(1)
    return False
