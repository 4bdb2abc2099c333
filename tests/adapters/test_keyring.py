"""Sealing: what was changed, moved, cut off or erased does not open; keys change while reads go on."""

import json
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridmgmt.adapters.envelopes import CHUNK_BYTES
from gridmgmt.adapters.keyfiles import KeyFiles, make_kek_file
from gridmgmt.adapters.keyring import FileKeyRing, open_key_ring
from gridmgmt.errors import Erased, InvalidInput, SealBroken, UnknownKey, Unreadable

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HERE = "contacts|phone|0190a0f0-0000-7000-8000-000000000001"


@pytest.fixture
def ring(tmp_path: Path) -> FileKeyRing:
    return ring_at(tmp_path)


def ring_at(place: Path, now: datetime = NOW) -> FileKeyRing:
    return open_key_ring(place / "kek.json", place / "data", make=True, clock=lambda: now)


def test_a_sealed_value_opens_in_its_place_and_shows_nothing(ring: FileKeyRing) -> None:
    plain = "张三 13800001234".encode()
    sealed = ring.seal(plain, context=HERE)
    assert plain == ring.open(sealed, context=HERE)
    assert b"13800001234" not in sealed
    assert sealed != ring.seal(plain, context=HERE)
    assert len(plain) + 37 == len(sealed)


def test_a_value_moved_to_another_row_or_column_does_not_open(ring: FileKeyRing) -> None:
    sealed = ring.seal(b"x", context=HERE)
    for elsewhere in (HERE[:-1] + "2", HERE.replace("phone", "name"), "contacts|phone", ""):
        with pytest.raises(SealBroken):
            ring.open(sealed, context=elsewhere)


def test_a_thousand_changed_or_exchanged_values_are_all_refused(ring: FileKeyRing) -> None:
    chance = random.Random(41)
    rows = [f"contacts|phone|{number}" for number in range(50)]
    sealed = [ring.seal(str(13_800_000_000 + n).encode(), context=row) for n, row in enumerate(rows)]
    refused = 0
    for attempt in range(1000):
        here = chance.randrange(50)
        value = bytearray(sealed[here])
        if attempt % 2:
            value = bytearray(sealed[(here + chance.randrange(1, 50)) % 50])
        else:
            value[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
        with pytest.raises(Unreadable):
            ring.open(bytes(value), context=rows[here])
        refused += 1
    assert 1000 == refused


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 36, b"\x07" + b"a" * 60])
def test_what_is_no_sealed_value_is_refused(ring: FileKeyRing, sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        ring.open(sealed, context=HERE)


def test_a_value_of_another_installation_names_an_unknown_key(ring: FileKeyRing, tmp_path: Path) -> None:
    other = ring_at(tmp_path / "other")
    with pytest.raises(UnknownKey):
        ring.open(other.seal(b"x", context=HERE), context=HERE)


def test_each_class_and_month_has_a_key_of_its_own(tmp_path: Path) -> None:
    november, december = ring_at(tmp_path), ring_at(tmp_path, NOW.replace(month=12))
    keys = {
        november.key_of(ring.seal(b"x", context=context)).id
        for ring in (november, december)
        for context in ("contacts|phone|1", "reports|description|1")
    }
    assert 4 == len(keys)


def test_a_destroyed_key_erases_its_month_and_nothing_else_in_every_process(tmp_path: Path) -> None:
    one, other = ring_at(tmp_path), ring_at(tmp_path, NOW.replace(month=12))
    november, december = one.seal(b"old", context=HERE), other.seal(b"new", context=HERE)
    assert b"old" == other.open(november, context=HERE)
    assert one.keys.destroy(one.key_of(november).id, NOW)
    assert not one.keys.destroy(one.key_of(november).id, NOW)
    for ring in (one, other, ring_at(tmp_path)):
        with pytest.raises(Erased):
            ring.open(november, context=HERE)
        assert b"new" == ring.open(december, context=HERE)
    assert b"again" == one.open(one.seal(b"again", context=HERE), context=HERE)


def test_a_new_key_seals_and_older_ones_still_open(ring: FileKeyRing) -> None:
    old = ring.seal(b"value", context=HERE)
    ring.keys.add("contacts", "2026-11")
    assert not ring.is_current(old)
    new = ring.reseal(old, context=HERE)
    assert ring.is_current(new)
    assert (b"value", b"value") == (ring.open(old, context=HERE), ring.open(new, context=HERE))


def test_a_value_resealed_later_keeps_its_month(tmp_path: Path) -> None:
    old = ring_at(tmp_path).seal(b"value", context=HERE)
    later = ring_at(tmp_path, NOW.replace(year=2027, month=3))
    later.keys.add("contacts", "2026-11")
    assert "2026-11" == later.key_of(later.reseal(old, context=HERE)).month


def test_keys_change_while_others_read_and_no_read_fails(tmp_path: Path) -> None:
    changing = ring_at(tmp_path)
    sealed = [changing.seal(b"value", context=HERE)]
    failed: list[BaseException] = []
    done = threading.Event()
    reads = []

    def read() -> None:
        ring, count = ring_at(tmp_path), 0
        try:
            while not done.is_set():
                assert b"value" == ring.open(sealed[-1], context=HERE)
                count += 1
        except BaseException as exc:  # noqa: BLE001  whatever it is, the test wants to know
            failed.append(exc)
        reads.append(count)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        changing.keys.add("contacts", "2026-11")
        changing.keys.change_kek()
        sealed.append(changing.reseal(sealed[-1], context=HERE))
    done.set()
    for reader in readers:
        reader.join(20)
    assert [] == failed
    assert all(reads)


def test_the_old_key_encryption_key_is_worth_nothing_after_a_change(
    ring: FileKeyRing, tmp_path: Path
) -> None:
    sealed = ring.seal(b"value", context=HERE)
    before = (tmp_path / "kek.json").read_bytes()
    assert 2 == ring.keys.change_kek()
    assert b"value" == ring_at(tmp_path).open(sealed, context=HERE)
    (tmp_path / "kek.json").chmod(0o600)
    (tmp_path / "kek.json").write_bytes(before)
    with pytest.raises(InvalidInput, match="does not belong"):
        ring_at(tmp_path).open(sealed, context=HERE)


def test_two_processes_that_need_a_key_at_once_make_one(tmp_path: Path) -> None:
    rings = [ring_at(tmp_path) for _ in range(8)]
    rings[0].keys.all()
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda r=r: made.append(r.seal(b"x", context=HERE))) for r in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 1 == len({rings[0].key_of(sealed).id for sealed in made})


def test_keys_lie_wrapped_and_readable_by_their_owner_alone(ring: FileKeyRing, tmp_path: Path) -> None:
    key = ring.key_of(ring.seal(b"x", context=HERE))
    assert 0o400 == (tmp_path / "kek.json").stat().st_mode & 0o777
    (kept,) = (tmp_path / "data").glob("*.json")
    assert 0o600 == kept.stat().st_mode & 0o777
    assert key.secret is not None
    assert key.secret.hex() not in kept.read_text()
    assert "secret" not in repr(key)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    make_kek_file(tmp_path / "kek.json")
    (tmp_path / "kek.json").chmod(0o440)
    with pytest.raises(InvalidInput, match="owner alone"):
        KeyFiles(tmp_path / "kek.json", tmp_path / "data")


def test_without_leave_a_missing_key_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="keys init"):
        KeyFiles(tmp_path / "kek.json", tmp_path / "data")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": 1, "current": 1, "keys": {"1": "c2hvcnQ="}}']
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "kek.json").touch(0o600)
    (tmp_path / "kek.json").write_text(content)
    with pytest.raises(InvalidInput, match="not a key file"):
        KeyFiles(tmp_path / "kek.json", tmp_path / "data")


def test_a_changed_wrapped_key_is_refused(ring: FileKeyRing, tmp_path: Path) -> None:
    sealed = ring.seal(b"x", context=HERE)
    (kept,) = (tmp_path / "data").glob("*.json")
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"month": "2026-12"}))
    with pytest.raises(InvalidInput, match="does not belong"):
        ring_at(tmp_path).open(sealed, context=HERE)


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_a_stream_of_any_length_comes_back_whole(ring: FileKeyRing, size: int) -> None:
    plain = random.Random(size).randbytes(size)
    sealed = b"".join(ring.seal_stream(pieces(plain, 10_007), context=HERE))
    assert plain == b"".join(ring.open_stream(pieces(sealed, 4_999), context=HERE))


def spoiled(sealed: bytes) -> Iterator[bytes]:
    """A stream of four chunks in every way that should be found."""
    head, step = sealed[:41], CHUNK_BYTES + 16
    chunks = list(pieces(sealed[41:], step))
    yield head + b"".join(chunks[:-1])
    yield head + b"".join([chunks[1], chunks[0], *chunks[2:]])
    yield head + b"".join([*chunks[:2], *chunks[1:]])
    yield head + b"".join([chunks[0], *chunks[2:]])
    yield sealed + chunks[-1]
    yield sealed[:-1]
    yield sealed + b"\0"
    yield head
    yield head[:40]
    for at in (0, 5, 20, 60, len(sealed) - 1):
        yield sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def test_a_stream_changed_reordered_or_cut_off_is_refused(ring: FileKeyRing) -> None:
    plain = random.Random(7).randbytes(3 * CHUNK_BYTES + 100)
    sealed = b"".join(ring.seal_stream([plain], context=HERE))
    for wrong in spoiled(sealed):
        with pytest.raises(Unreadable):
            list(ring.open_stream([wrong], context=HERE))
    with pytest.raises(SealBroken):
        list(ring.open_stream([sealed], context=HERE + "0"))


def test_the_same_number_is_found_however_it_is_written(ring: FileKeyRing) -> None:
    spellings = ("13800001234", "+86 138-0000-1234", "0086 138 0000 1234", "１３８００００１２３４")
    indexes = {ring.blind_index(spelling, column="contacts.phone") for spelling in spellings}
    assert 1 == len(indexes)
    assert ring.blind_index("13800001235", column="contacts.phone") not in indexes


def test_blind_indexes_of_two_columns_cannot_be_compared(ring: FileKeyRing) -> None:
    assert ring.blind_index("13800001234", column="contacts.phone") != ring.blind_index(
        "13800001234", column="people.phone"
    )


def test_a_blind_index_stays_the_same_when_keys_change(ring: FileKeyRing) -> None:
    before = ring.blind_index("13800001234", column="contacts.phone")
    ring.keys.change_kek()
    assert before == ring.blind_index("13800001234", column="contacts.phone")


@pytest.mark.parametrize("value", ["", "123", "call me", "1" * 16])
def test_what_is_no_telephone_number_has_no_index(ring: FileKeyRing, value: str) -> None:
    with pytest.raises(InvalidInput):
        ring.blind_index(value, column="contacts.phone")


@pytest.mark.parametrize("key_class", ["", "Contacts", "../x", "a" * 81])
def test_a_class_has_a_plain_name(ring: FileKeyRing, key_class: str) -> None:
    with pytest.raises(InvalidInput):
        ring.seal(b"x", context=f"{key_class}|phone|1")
