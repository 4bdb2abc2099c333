"""A process that takes photos in and is killed where a test says; for the kill test and its long run."""

import hashlib
import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gridmgmt.adapters.evidence import faults
from gridmgmt.adapters.evidence.blobs import LocalBlobs
from gridmgmt.adapters.evidence.pool import Examined
from gridmgmt.adapters.evidence.room import EvidenceRoom
from gridmgmt.adapters.evidence.spool import Spool, Uploads
from gridmgmt.adapters.evidence.vault import Vault
from gridmgmt.adapters.keyring import open_key_ring
from gridmgmt.domain.org import Actor
from gridmgmt.services import evidence, scrubbing
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import photos
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY


class Nodding:
    """Takes everything for a photo: what is tested is what becomes of its bytes."""

    def examine(self, content: bytes, *, lines, derive) -> Examined:
        return Examined("image/jpeg", 4, 3, "none", {}, {"thumb": b"\xff\xd8\xff" + content[:9]})


def room_at(root: Path) -> EvidenceRoom:
    """A room on the disk."""
    ring = open_key_ring(root / "kek.json", root / "keys", make=True)
    place = root / "photos"
    return EvidenceRoom(
        Vault(LocalBlobs(place), ring), Nodding(), Spool(place, limit_bytes=2**20), Uploads(place)
    )


@dataclass
class Tally:
    """What was counted."""

    kills: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    orphans_before: int = 0
    orphans_after: int = 0


@contextmanager
def opened(url: str, actor: Actor) -> Iterator[Db]:
    """A transaction on a connection of its own."""
    engine = make_engine(url, pool_size=1)
    try:
        with transaction(engine, NOBODY) as db:
            yield db
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Sending:
    """Who sends, when, to where; rules are loaded once and not in each process."""

    url: str
    room: EvidenceRoom
    actor: Actor
    now: datetime
    books: RuleBooks


def send(to: Sending, content: bytes, pieces: int = 3) -> str:
    """The way of a PUT: spool, admit, take in, settle, commit."""
    url, room, actor, now, books = to.url, to.room, to.actor, to.now, to.books
    digest = hashlib.sha256(content).hexdigest()
    with opened(url, actor) as db:
        admission = evidence.admit(db, actor, now, books, digest)
    if admission.known is not None:
        return digest
    with room.spool.receiving() as body:
        step = -(-len(content) // pieces)
        for at in range(0, len(content), step):
            body.write(content[at : at + step])
        sent = evidence.Sent("image/jpeg", body.content(), body.sha256)
    outcome = evidence.take_in(room, admission, sent)
    with opened(url, actor) as db:
        evidence.settle(db, actor, now, admission, sent, outcome)
    faults.reached("committed")
    return digest


def _killed_at(point: str, to: Sending, content: bytes) -> bool:
    """Send in a process of its own that is killed at a point; whether it acknowledged before."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            faults.watch(lambda at: os.kill(os.getpid(), signal.SIGKILL) if at == point else None)
            digest = send(to, content)
            os.write(writing, json.dumps(digest).encode())
        finally:
            os._exit(1)
    os.close(writing)
    told = os.read(reading, 200)
    os.close(reading)
    os.waitpid(child, 0)
    return bool(told)


def kill_everywhere(url: str, root: Path, actor: Actor, now: datetime, *, times: int, seed: int) -> Tally:
    """Kill at every named point so many times; then send again what was not acknowledged, and sweep."""
    room, chance, tally, books = room_at(root), random.Random(seed), Tally(), RuleBooks()
    with opened(url, actor) as db:
        books.current(db, min(actor.subdistricts))
    to = Sending(url, room, actor, now, books)
    sent: dict[str, bytes] = {}
    acknowledged: set[str] = set()

    def stranger() -> bytes:
        content = chance.randbytes(chance.randrange(2000, 20_000))
        sent[hashlib.sha256(content).hexdigest()] = content
        return content

    for point in faults.POINTS:
        for number in range(times):
            content = stranger()
            tally.kills += 1
            if _killed_at(point, to, content):
                raise AssertionError(f"{point} was never reached")
            # What is sent in full between the kills must survive all of them; every other one comes again.
            acknowledged.add(send(to, stranger()))
            if number % 2 == 0:
                acknowledged.add(send(to, content))
    tally.acknowledged = len(acknowledged)
    _count(url, room, actor, now, sent, acknowledged, tally)
    return tally


def _count(
    url: str,
    room: EvidenceRoom,
    actor: Actor,
    now: datetime,
    sent: dict[str, bytes],
    acknowledged: set[str],
    tally: Tally,
) -> None:
    late = datetime.now(now.tzinfo) + timedelta(days=2)
    tally.orphans_before = len(
        scrubbing.scrub(room, lambda: opened(url, actor), late, remove=False).orphans
    ) + sum(1 for _ in room.spool.leftovers())
    scrubbing.scrub(room, lambda: opened(url, actor), late, remove=True)
    tally.orphans_after = len(
        scrubbing.scrub(room, lambda: opened(url, actor), late, remove=False).orphans
    ) + sum(1 for _ in room.spool.leftovers())
    code = min(actor.subdistricts)
    with opened(url, actor) as db:
        rows = photos.known(db, code, list(sent))
    tally.lost = sorted(d for d in acknowledged if d not in rows)
    # A row without its bytes would be evidence that is none, so all rows' bytes are read.
    tally.differing = sorted(
        d for d in rows if room.vault.fault(d) is not None or room.vault.get(d) != sent[d]
    )
