"""A photo is what its bytes are: checked, kept once, its bytes before its row, and looked at on record."""

import hashlib
import io
import random
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from gridmgmt.adapters import photos as adapter
from gridmgmt.adapters.photos import LocalPhotoStore, MemoryPhotoStore, inspect_photo
from gridmgmt.demo.photos import draw_photo
from gridmgmt.errors import NotAllowed, NotFound, TooLarge, UnacceptablePhoto, Unavailable
from gridmgmt.services import evidence
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import photos
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_street import Street, stranger

LIMIT_BYTES = 2**20


def make_image(kind: str = "JPEG", size: tuple[int, int] = (32, 24), **options) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (90, 120, 40)).save(buffer, kind, **options)
    return buffer.getvalue()


def upload(content: bytes, media_type: str = "image/jpeg") -> evidence.Upload:
    return evidence.Upload(hashlib.sha256(content).hexdigest(), media_type, content)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def store(street: Street, given: evidence.Upload, into=None, by=None) -> evidence.Stored:
    return evidence.store_photo(
        street.db, by or street.acceptor, NOW, given, into or MemoryPhotoStore(), limit_bytes=LIMIT_BYTES
    )


def test_a_photo_is_kept_with_its_measures_and_audited(street: Street) -> None:
    given, kept = upload(make_image()), MemoryPhotoStore()
    stored = store(street, given, kept)
    assert not stored.known_before
    assert stored.facts == {
        "sha256": given.sha256, "media_type": "image/jpeg", "bytes": len(given.content), "width": 32,
        "height": 24, "received_at": NOW,
    }  # fmt: skip
    assert kept.get(given.sha256) == given.content
    (line,) = street.audited("photo", given.sha256)
    assert (line.action, line.actor_id) == ("photo:store", street.acceptor.id)


def test_the_same_photo_again_is_answered_as_the_first_time(street: Street) -> None:
    given, kept = upload(make_image()), MemoryPhotoStore()
    first = store(street, given, kept)
    again = evidence.store_photo(
        street.db, street.person("demo-worker-001"), street.later(hours=1).now, given, kept,
        limit_bytes=LIMIT_BYTES,
    )  # fmt: skip
    assert again.known_before
    assert again.facts == first.facts
    assert len(street.audited("photo", given.sha256)) == 1


@pytest.mark.parametrize(
    ("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_the_three_kinds_of_photo_are_accepted(kind: str, media_type: str) -> None:
    given = upload(make_image(kind), media_type)
    facts = inspect_photo(given.content, sha256=given.sha256, media_type=media_type, limit_bytes=LIMIT_BYTES)
    assert (facts.media_type, facts.width, facts.height) == (media_type, 32, 24)


NOISE = random.Random(5).randbytes(4000)
REFUSED = {
    "hash_differs": (make_image(), "image/jpeg", "0" * 64),
    "not_an_image": (b"this is a text, whatever it is called", "image/jpeg", None),
    "empty": (b"", "image/jpeg", None),
    "gif": (make_image("GIF"), "image/gif", None),
    "type_differs": (make_image("PNG"), "image/jpeg", None),
    "truncated": (make_image(size=(640, 480))[:-2000], "image/jpeg", None),
    "truncated_png": (make_image("PNG", (640, 480))[:-60], "image/png", None),
    "noise": (NOISE, "image/jpeg", None),
    "damaged": (make_image("PNG", (640, 480))[:200] + NOISE, "image/png", None),
}
REASONS = {
    "empty": "not_an_image", "gif": "not_an_image", "truncated_png": "truncated", "noise": "not_an_image",
    "damaged": "truncated",
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sound_photo_is_refused_with_the_reason(street: Street, case: str) -> None:
    content, media_type, digest = REFUSED[case]
    digest = digest or hashlib.sha256(content).hexdigest()
    kept = MemoryPhotoStore()
    with pytest.raises(UnacceptablePhoto) as refusal:
        store(street, evidence.Upload(digest, media_type, content), kept)
    assert refusal.value.facts["reason"] == REASONS.get(case, case)
    assert kept.kept == {}
    assert photos.find(street.db, STREET, digest) is None


@pytest.mark.parametrize("size", [(8000, 7501), (65_000, 65_000)], ids=["just_over", "bomb"])
def test_a_small_file_of_huge_dimensions_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    bomb = _png_header(*size)
    with pytest.raises(UnacceptablePhoto) as refusal:
        inspect_photo(
            bomb, sha256=hashlib.sha256(bomb).hexdigest(), media_type="image/png", limit_bytes=LIMIT_BYTES
        )
    assert refusal.value.facts["reason"] == "too_many_pixels"


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_photo_over_the_limit_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(TooLarge) as refusal:
        inspect_photo(bytes(101), sha256="", media_type="image/jpeg", limit_bytes=100)
    assert refusal.value.facts == {"limit_bytes": 100, "bytes": 101}


def test_who_neither_reports_nor_handles_adds_no_evidence(street: Street) -> None:
    given = upload(make_image())
    for login in ("demo-shift", "demo-dispatcher", "demo-auditor", "demo-planner", "demo-admin"):
        with pytest.raises(NotAllowed):
            store(street, given, by=street.person(login))
    for login in ("demo-unit-hzd-01", "demo-worker-001", "demo-leader-01"):
        store(street, upload(make_image(quality=len(login))), by=street.person(login))


def test_the_bytes_are_safe_before_the_row_says_so(street: Street) -> None:
    class Full(MemoryPhotoStore):
        def put(self, sha256: str, content: bytes) -> None:
            raise Unavailable("full", retry_after_s=30)

    given = upload(make_image())
    with pytest.raises(Unavailable):
        store(street, given, Full())
    assert photos.find(street.db, STREET, given.sha256) is None


def test_looking_at_a_photo_is_on_record(street: Street) -> None:
    given = upload(make_image("PNG"), "image/png")
    store(street, given)
    assert evidence.look_at_photo(street.db, street.shift_leader, NOW, given.sha256) == "image/png"
    assert [a.action for a in street.audited("photo", given.sha256)] == ["photo:store", "photo:look"]


def test_a_photo_of_another_street_is_not_found(street: Street) -> None:
    given = upload(make_image())
    store(street, given)
    with pytest.raises(NotFound):
        evidence.look_at_photo(street.db, stranger(street.shift_leader), NOW, given.sha256)
    with pytest.raises(NotFound):
        evidence.look_at_photo(street.db, street.shift_leader, NOW, "0" * 64)


def test_the_demos_photos_say_that_they_are_synthetic_and_differ(street: Street) -> None:
    rng = random.Random(1)
    first, second = draw_photo(rng, "09006"), draw_photo(rng, "09006")
    assert first.sha256 != second.sha256
    assert not store(street, upload(first.content)).known_before


# The local store.


def test_the_local_store_keeps_bytes_by_their_digest_for_the_owner_alone(tmp_path: Path) -> None:
    kept = LocalPhotoStore(tmp_path / "photos")
    kept.put("ab" * 32, b"bytes")
    kept.put("ab" * 32, b"bytes")
    assert kept.get("ab" * 32) == b"bytes"
    files = [p for p in (tmp_path / "photos").rglob("*") if p.is_file()]
    assert [p.name for p in files] == ["ab" * 32]
    assert files[0].stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotFound):
        kept.get("cd" * 32)


def test_a_store_that_cannot_write_is_unavailable_and_leaves_no_part(tmp_path: Path, monkeypatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adapter.os, "fsync", full)
    kept = LocalPhotoStore(tmp_path / "photos")
    with pytest.raises(Unavailable) as refusal:
        kept.put("ab" * 32, b"bytes")
    assert refusal.value.facts == {"retry_after_s": 30}
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
