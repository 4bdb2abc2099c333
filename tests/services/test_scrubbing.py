"""The scrub reads everything: 100 flipped bits are 100 findings, and what belongs to nothing goes."""

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gridmgmt.adapters.evidence.room import EvidenceRoom
from gridmgmt.adapters.evidence.spool import Announced, new_upload_id
from gridmgmt.domain.evidence import PhotoState
from gridmgmt.services import evidence, scrubbing
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.scrubbing import Opened, SlowScrub
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db
from gridmgmt.worker import run_beside
from tests.builders_cases import NOW, STREET
from tests.builders_street import Street
from tests.services.killing import room_at

PHOTOS = 100


@pytest.fixture
def room(tmp_path: Path) -> EvidenceRoom:
    return room_at(tmp_path)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def opened(db: Db) -> Opened:
    @contextmanager
    def one() -> Iterator[Db]:
        yield db

    return one


def stored(street: Street, room: EvidenceRoom, count: int = PHOTOS) -> list[str]:
    """Digests of photos that were sent."""
    chance, digests = random.Random(11), []
    for _ in range(count):
        content = chance.randbytes(2000)
        digest = hashlib.sha256(content).hexdigest()
        admission = evidence.admit(street.db, street.acceptor, street.now, street.books, digest)
        sent = evidence.Sent("image/jpeg", content, digest)
        taken = evidence.take_in(room, admission, sent)
        evidence.settle(street.db, street.acceptor, street.now, admission, sent, taken)
        digests.append(digest)
    return digests


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def test_whole_evidence_is_found_whole(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    digests = stored(street, room, 3)
    found = scrubbing.scrub(room, opened, NOW, remove=True)
    assert found.is_whole
    assert (len(digests), len(digests), [], []) == (
        found.originals, found.derivatives, found.orphans, found.foreign,
    )  # fmt: skip


def test_a_hundred_flipped_bits_are_a_hundred_findings(
    street: Street, room: EvidenceRoom, opened: Opened
) -> None:
    digests, chance = stored(street, room), random.Random(12)
    for digest in digests:
        flip(room.vault.blobs.path(digest), chance)
    found = scrubbing.scrub(room, opened, NOW, remove=True)
    assert sorted(digests) == sorted(found.damaged)
    assert not found.is_whole
    assert {PhotoState.MISSING} == {rows.state(street.db, STREET, d) for d in digests}
    assert all(room.vault.blobs.path(d).exists() for d in digests), "a person decides what becomes of it"


def test_damage_is_on_record_once(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    (digest,) = stored(street, room, 1)
    room.vault.blobs.remove(digest)
    for _ in range(2):
        assert [digest] == scrubbing.scrub(room, opened, NOW, remove=True).missing
    assert ["photo:store", "photo:damaged"] == [e.action for e in street.audited("photo", digest)]


def test_a_lost_derivative_is_no_lost_evidence(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    stored(street, room, 1)
    (derived,) = rows.page_of_derivatives(street.db, "", 9)
    room.vault.blobs.remove(derived)
    found = scrubbing.scrub(room, opened, NOW, remove=True)
    assert found.is_whole
    assert [derived] == found.lost_derivatives


def test_what_belongs_to_nothing_goes_after_a_day(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    (kept,) = stored(street, room, 1)
    orphan = "ab" * 32
    room.vault.blobs.add(orphan, b"killed between file and row")
    part = room.vault.blobs.path(orphan).with_name(f"{orphan}.1.ab.part")
    part.write_bytes(b"half")
    room.spool.root.mkdir(parents=True)
    (room.spool.root / "left").write_bytes(b"killed while receiving")
    written_s = NOW.timestamp()
    for path in (room.vault.blobs.path(orphan), part, room.spool.root / "left"):
        os.utime(path, (written_s, written_s))

    young = scrubbing.scrub(room, opened, NOW + timedelta(hours=23), remove=True)
    assert ([], 0) == (young.orphans, young.removed)
    listed = scrubbing.scrub(room, opened, NOW + timedelta(hours=25), remove=False)
    assert ({orphan, part.name}, 0) == (set(listed.orphans), listed.removed)
    gone = scrubbing.scrub(room, opened, NOW + timedelta(hours=25), remove=True)
    assert 3 == gone.removed
    assert not part.exists()
    assert room.vault.blobs.read(orphan) is None
    assert room.vault.fault(kept) is None


def test_what_is_none_of_ours_is_named_and_left(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    foreign = room.vault.blobs.path("cd" * 32).with_name("notes.txt")
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody's")
    os.utime(foreign, (0, 0))
    found = scrubbing.scrub(room, opened, NOW, remove=True)
    assert (["notes.txt"], 0) == (found.foreign, found.removed)
    assert foreign.exists()


def test_an_upload_whose_time_is_over_goes(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    owner = street.acceptor.id
    told = Announced(new_upload_id(), owner, STREET, "ab" * 32, "image/jpeg", 9, NOW + timedelta(days=3))
    room.uploads.create(told, done=False)
    scrubbing.scrub(room, opened, NOW + timedelta(days=2), remove=True)
    assert room.uploads.find(owner, told.id, NOW).announced == told
    assert 1 == scrubbing.scrub(room, opened, NOW + timedelta(days=3), remove=True).removed
    assert [] == [p for p in room.uploads.root.rglob("*") if p.is_file()]


def test_in_small_steps_all_is_read_within_a_day(street: Street, room: EvidenceRoom, opened: Opened) -> None:
    digests, chance = stored(street, room, 50), random.Random(13)
    for digest in digests:
        flip(room.vault.blobs.path(digest), chance)
    slow, found, now = SlowScrub(), [], NOW
    assert slow.step(room, opened, now) is not None
    assert slow.step(room, opened, now + timedelta(seconds=59)) is None
    while now < NOW + timedelta(minutes=10):
        now += timedelta(minutes=1)
        if (step := slow.step(room, opened, now)) is not None:
            found += step.damaged
    assert set(digests) == set(found)


def test_a_chore_that_fails_once_goes_on() -> None:
    stop, steps = threading.Event(), []

    def step(now: datetime) -> None:
        steps.append(now)
        if len(steps) == 1:
            raise RuntimeError
        stop.set()

    run_beside(step, stop, clock=lambda: NOW, every_s=0.001).join(20)
    assert [NOW, NOW] == steps
