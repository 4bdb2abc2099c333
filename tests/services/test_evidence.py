"""A photo is what its bytes are: checked, kept once, its bytes before its row, and looked at on record."""

import hashlib
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from gridmgmt.adapters.evidence.blobs import MemoryBlobs
from gridmgmt.adapters.evidence.pool import ImagePool
from gridmgmt.adapters.evidence.room import EvidenceRoom
from gridmgmt.adapters.evidence.spool import Spool, Uploads
from gridmgmt.adapters.evidence.vault import Vault
from gridmgmt.adapters.keyring import FileKeyRing, open_key_ring
from gridmgmt.demo.photos import draw_photo
from gridmgmt.domain.evidence import PhotoState
from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import (
    EvidenceDamaged,
    GridError,
    MissingFact,
    NotAllowed,
    NotFound,
    StoreFull,
    UnacceptablePhoto,
)
from gridmgmt.services import evidence, ledger, originals
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import board, photos
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db
from tests.adapters.pictures import picture, with_notes
from tests.adapters.recordings import ogg, webm
from tests.builders_cases import NOW, STREET
from tests.builders_street import Street, make_uuid7, stranger

REASON = "复核举报中的拍摄时间"


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture(scope="module")
def pool() -> Iterator[ImagePool]:
    made = ImagePool(size=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyRing:
    place = tmp_path_factory.mktemp("keys")
    return open_key_ring(place / "kek.json", place / "data", make=True)


@pytest.fixture
def room(pool: ImagePool, ring: FileKeyRing, tmp_path: Path) -> EvidenceRoom:
    return EvidenceRoom(
        Vault(MemoryBlobs(), ring), pool, Spool(tmp_path, limit_bytes=2**20), Uploads(tmp_path)
    )


def named(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def send(street: Street, room: EvidenceRoom, content: bytes, by=None, **over) -> evidence.Stored | GridError:
    """What a request does, in one transaction."""
    who, digest = by or street.acceptor, over.get("sha256", named(content))
    admission = evidence.admit(street.db, who, street.now, street.books, digest)
    if admission.known is not None:
        return evidence.Stored(admission.known, known_before=True)
    sent = evidence.Sent(over.get("media_type", "image/jpeg"), content, named(content))
    outcome = evidence.take_in(room, admission, sent)
    stored = evidence.settle(street.db, who, street.now, admission, sent, outcome)
    return outcome if isinstance(outcome, GridError) else stored


def line(street: Street, digest: str) -> PhotoState | None:
    return rows.state(street.db, STREET, digest)


def test_a_photo_is_kept_with_its_measures_and_audited(street: Street, room: EvidenceRoom) -> None:
    content = picture(size=(32, 24))
    stored = send(street, room, content)
    assert not stored.known_before
    assert stored.facts == {
        "sha256": named(content), "media_type": "image/jpeg", "bytes": len(content), "width": 32,
        "height": 24, "duration_ms": None, "received_at": NOW,
    }  # fmt: skip
    assert room.vault.get(named(content)) == content
    (entry,) = street.audited("photo", named(content))
    assert (entry.action, entry.actor_id) == ("photo:store", street.acceptor.id)
    assert PhotoState.STORED == line(street, named(content))


def test_the_same_photo_again_is_answered_as_the_first_time(street: Street, room: EvidenceRoom) -> None:
    content = picture()
    first = send(street, room, content)
    again = send(street.later(hours=1), room, content, by=street.person("demo-worker-001"))
    assert again.known_before
    assert again.facts == first.facts
    assert len(street.audited("photo", named(content))) == 1


def test_what_the_camera_wrote_is_kept_as_evidence(street: Street, room: EvidenceRoom) -> None:
    content = with_notes()
    send(street, room, content)
    found = rows.meta(street.db, street.shift_leader, named(content))
    assert ("read", "2026:11:23 09:58:01", "HUAWEI", "SN-4711-0815") == (
        found["exif"], found["taken_local"], found["make"], found["serial"],
    )  # fmt: skip
    assert (117.205, 39.09166667) == (found["gps_lon"], found["gps_lat"])
    assert rows.meta(street.db, stranger(street.shift_leader), named(content)) is None


NOISE = random.Random(5).randbytes(4000)
REFUSED = {
    "hash_differs": (picture(), "image/jpeg", "0" * 64),
    "not_an_image": (b"this is a text, whatever it is called", "image/jpeg", None),
    "type_differs": (picture("PNG"), "image/jpeg", None),
    "truncated": (picture(size=(640, 480))[:-2000], "image/jpeg", None),
    "animated": (b"", "image/png", None),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_photo_leaves_its_reason_and_nothing_else(
    street: Street, room: EvidenceRoom, reason: str
) -> None:
    content, media_type, digest = REFUSED[reason]
    if reason == "animated":
        buffer = io.BytesIO()
        frames = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in range(5)]
        frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
        content = buffer.getvalue()
    digest = digest or named(content)
    refusal = send(street, room, content, media_type=media_type, sha256=digest)
    assert isinstance(refusal, UnacceptablePhoto)
    assert reason == refusal.facts["reason"]
    assert {} == room.vault.blobs.kept
    assert photos.find(street.db, STREET, digest) is None
    assert PhotoState.REFUSED == line(street, digest)
    (waiting,) = ledger.photos_awaited(street.db, street.acceptor, limit=9)
    assert (digest, "unacceptable_photo", reason) == (
        waiting["sha256"], waiting["refused_code"], waiting["refused_reason"],
    )  # fmt: skip


def test_who_neither_reports_nor_handles_adds_no_evidence(street: Street, room: EvidenceRoom) -> None:
    for login in ("demo-shift", "demo-dispatcher", "demo-auditor", "demo-planner", "demo-admin"):
        with pytest.raises(NotAllowed):
            send(street, room, picture(), by=street.person(login))
    for seed, login in enumerate(("demo-unit-hzd-01", "demo-worker-001", "demo-leader-01")):
        assert isinstance(
            send(street, room, picture(seed=seed + 9), by=street.person(login)), evidence.Stored
        )


def test_the_bytes_are_safe_before_the_row_says_so(street: Street, room: EvidenceRoom, ring) -> None:
    class Full(MemoryBlobs):
        def add(self, key: str, data: bytes) -> bool:
            raise StoreFull("full", retry_after_s=30)

    content = picture()
    full = replace(room, vault=Vault(Full(), ring))
    assert isinstance(send(street, full, content), StoreFull)
    assert photos.find(street.db, STREET, named(content)) is None
    assert PhotoState.CHECKED == line(street, named(content)), "a sound photo that is still awaited"
    assert isinstance(send(street, room, content), evidence.Stored)
    assert PhotoState.STORED == line(street, named(content))


# Looking.


def look(street: Street, room: EvidenceRoom, digest: str, by=None, kind: str = "screen") -> evidence.Shown:
    who = by or street.shift_leader
    found = evidence.look_at_photo(street.db, who, street.now, street.books, digest, kind)
    shown = evidence.show(room, found)
    evidence.keep_shown(street.db, street.now, found, shown)
    return shown


def test_looking_shows_a_derivative_and_is_on_record(street: Street, room: EvidenceRoom) -> None:
    content = with_notes("PNG")
    send(street, room, content, media_type="image/png")
    shown = look(street, room, named(content))
    assert shown.examined is None, "made when the photo came"
    assert named(shown.content) == shown.digest != named(content)
    assert "JPEG" == Image.open(io.BytesIO(shown.content)).format
    assert b"SN-4711" not in shown.content
    assert [a.action for a in street.audited("photo", named(content))] == ["photo:store", "photo:look"]


def test_once_there_is_a_case_the_strip_has_its_number(street: Street, room: EvidenceRoom) -> None:
    content = picture(size=(640, 480))
    send(street, room, content, by=street.person("demo-worker-001"))
    before = look(street, room, named(content))
    case = street.report(photos=(named(content),))
    found = evidence.look_at_photo(
        street.db, street.shift_leader, street.now, street.books, named(content), "thumb"
    )
    assert [("case", case.number), ("cell", case.cell_code)] == found.lines[-2]
    after = look(street, room, named(content))
    assert before.digest != after.digest
    assert after.examined is not None
    assert look(street, room, named(content)).digest == after.digest
    assert look(street, room, named(content)).examined is None, "kept for the next look"


@pytest.mark.parametrize(
    ("source", "whose"),
    [(Source.PATROL, [("phone", "")]), (Source.HOTLINE_12345, []), (Source.VIDEO, [])],
)
def test_a_reports_photo_tells_when_and_where_it_was_seen_as_told_and_names_only_a_patrols_phone(
    street: Street, room: EvidenceRoom, source: Source, whose: list[tuple[str, str]]
) -> None:
    content = picture(size=(640, 480))
    send(street, room, content, by=street.person("demo-worker-001"))
    by = None if source is Source.PATROL else street.acceptor
    street.report(by, photos=(named(content),), lon=117.6466, lat=39.0344, accuracy_m=8.4, source=source)
    found = evidence.look_at_photo(
        street.db, street.shift_leader, street.now, street.books, named(content), "screen"
    )
    assert [
        [("observed", "2026-11-23 09:50:00 +0800"), *whose],
        [("place", "117.64660,39.03440 +-8m WGS84")],
    ] == found.lines[1:3]


def test_a_recording_is_kept_played_and_never_shown_as_a_picture(street: Street, room: EvidenceRoom) -> None:
    content, by = webm(), street.person("demo-worker-001")
    stored = send(street, room, content, by=by, media_type="audio/webm")
    assert (stored.facts["duration_ms"], stored.facts["width"]) == (993, None)
    heard = look(street, room, named(content), kind="sound")
    assert heard.content == ogg()
    assert [a.action for a in street.audited("photo", named(content))] == ["photo:store", "photo:look"]
    assert room.vault.get(named(content)) == content
    with pytest.raises(NotFound):
        look(street, room, named(content))
    shown = picture()
    send(street, room, shown, by=by)
    with pytest.raises(NotFound):
        look(street, room, named(shown), kind="sound")


def test_a_recording_is_no_photo_of_a_report_and_a_photo_no_recording(
    street: Street, room: EvidenceRoom
) -> None:
    content, by = webm(), street.person("demo-worker-001")
    send(street, room, content, by=by, media_type="audio/webm")
    cell = street.duty_cells[0]
    with pytest.raises(MissingFact) as caught:
        street.report(by, cell, photos=(named(content),))
    assert caught.value.facts["missing"] == ["photos"]
    with pytest.raises(MissingFact) as caught:
        street.report(by, cell, recordings=(street.photo(by, "another"),))
    assert caught.value.facts["missing"] == ["recordings"]
    case = street.report(by, cell, recordings=(named(content),))
    row = board.case_row(street.db, street.shift_leader, case.id)
    assert row is not None
    assert (row["photos"], row["recordings"]) == ([street.photo(by)], [named(content)])


def test_a_result_photo_has_the_number_of_its_case(street: Street, room: EvidenceRoom) -> None:
    case = street.report()
    by = street.handler_of(case)
    street.act(case, Action.SIGN_FOR, by)
    content = picture(seed=8)
    send(street, room, content, by=by)
    street.act(case, Action.SUBMIT_RESULT, by, result="已清理", photos=[named(content)])
    found = evidence.look_at_photo(
        street.db, street.shift_leader, street.now, street.books, named(content), "screen"
    )
    assert ("case", case.number) == found.lines[1][0]


def test_the_strip_tells_the_servers_time_in_the_streets_zone(street: Street, room: EvidenceRoom) -> None:
    content = picture()
    send(street, room, content)
    found = evidence.look_at_photo(
        street.db, street.shift_leader, street.now, street.books, named(content), "screen"
    )
    assert [("received", "2026-11-23 10:00:00 +0800"), ("clock", "")] == found.lines[0]
    assert [("reporter", "demo-acceptor"), ("digest", named(content)[:12])] == found.lines[-1]


def test_a_photo_of_another_street_is_not_found(street: Street, room: EvidenceRoom) -> None:
    content = picture()
    send(street, room, content)
    with pytest.raises(NotFound):
        look(street, room, named(content), by=stranger(street.shift_leader))
    with pytest.raises(NotFound):
        look(street, room, "0" * 64)


def test_a_damaged_derivative_is_made_again(street: Street, room: EvidenceRoom) -> None:
    content = picture()
    send(street, room, content)
    first = look(street, room, named(content))
    room.vault.blobs.replace(first.digest, b"x")
    again = look(street, room, named(content))
    assert first.content == again.content
    assert again.examined is not None


def test_with_a_damaged_original_nothing_is_served_silently(street: Street, room: EvidenceRoom) -> None:
    content = picture()
    send(street, room, content)
    first = look(street, room, named(content))
    room.vault.blobs.remove(named(content))
    street.report(photos=(named(content),))
    shown = look(street, room, named(content))
    assert shown.content == first.content, "the derivative from before is true as far as it goes"
    assert shown.damage is not None
    evidence.note_damage(street.db, street.shift_leader, street.now, shown.damage)
    assert PhotoState.MISSING == line(street, named(content))
    for digest in list(room.vault.blobs.kept):
        room.vault.blobs.remove(digest)
    with pytest.raises(EvidenceDamaged):
        look(street, room, named(content))
    again = send(street, room, content)
    assert not again.known_before
    assert look(street, room, named(content)).damage is None
    assert PhotoState.STORED == line(street, named(content))


# The original.


def ask(street: Street, digest: str, by, reason: str = REASON, number: int = 1) -> bytes:
    token = hashlib.sha256(bytes([number])).digest()
    originals.ask_for_original(
        street.db, by, street.now, digest, reason, link_id=make_uuid7(number), token_sha256=token
    )
    return token


def test_the_original_is_for_the_director_and_the_auditor_once_with_a_reason(
    street: Street, room: EvidenceRoom
) -> None:
    content = picture()
    digest = named(content)
    send(street, room, content)
    for number, by in enumerate((street.director, street.person("demo-auditor")), 1):
        token = ask(street, digest, by, number=number)
        assert "image/jpeg" == originals.open_original(street.db, by, street.now, digest, token)
        with pytest.raises(NotFound):
            originals.open_original(street.db, by, street.now, digest, token)
    actions = [entry.action for entry in street.audited("photo", digest)]
    assert ["photo:store", *["photo:original:ask", "photo:original:look"] * 2] == actions


def test_the_original_is_for_nobody_else(street: Street, room: EvidenceRoom) -> None:
    send(street, room, picture())
    for login in ("demo-shift", "demo-worker-001", "demo-admin", "demo-acceptor", "demo-supervisor"):
        with pytest.raises(NotAllowed):
            ask(street, named(picture()), street.person(login))
    with pytest.raises(MissingFact):
        ask(street, named(picture()), street.director, reason="  x ")
    with pytest.raises(NotFound):
        ask(street, named(picture()), stranger(street.director))


def test_a_link_is_bound_to_person_photo_and_five_minutes(street: Street, room: EvidenceRoom) -> None:
    first, second = picture(seed=1), picture(seed=2)
    send(street, room, first)
    send(street, room, second)
    token = ask(street, named(first), street.director)
    for by, digest, now in (
        (street.person("demo-auditor"), named(first), street.now),
        (street.director, named(second), street.now),
        (street.director, named(first), street.now + timedelta(minutes=5)),
    ):
        with pytest.raises(NotFound):
            originals.open_original(street.db, by, now, digest, token)
    assert originals.open_original(street.db, street.director, street.now, named(first), token)


# The ledger.


def test_who_announced_and_the_desk_see_what_is_not_here_yet(street: Street, room: EvidenceRoom) -> None:
    worker, report = street.person("demo-worker-001"), make_uuid7(77)
    contents = [picture(seed=n) for n in range(3)]
    coming = [ledger.Coming(named(c), "image/jpeg", len(c)) for c in contents]
    announced = ledger.announce_photos(street.db, worker, street.now, report, coming)
    assert [named(c) for c in contents] == [p["sha256"] for p in announced]
    send(street, room, contents[1], by=worker)
    for who in (worker, street.acceptor, street.shift_leader):
        states = [p["state"] for p in ledger.photos_of_report(street.db, who, report)]
        assert ["announced", "stored", "announced"] == states
        waiting = ledger.photos_awaited(street.db, who, limit=9)
        assert {named(contents[0]), named(contents[2])} == {p["sha256"] for p in waiting}
        assert {report} == {p["report_id"] for p in waiting}
    another = street.person("demo-worker-002")
    assert [] == ledger.photos_of_report(street.db, another, report)
    assert [] == ledger.photos_awaited(street.db, another, limit=9)
    assert [] == ledger.photos_of_report(street.db, stranger(street.acceptor), report)


def test_announcing_again_changes_nothing(street: Street, room: EvidenceRoom) -> None:
    worker, report, content = street.person("demo-worker-001"), make_uuid7(78), picture()
    coming = [ledger.Coming(named(content), "image/jpeg", len(content))]
    ledger.announce_photos(street.db, worker, street.now, report, coming)
    send(street, room, content, by=worker)
    (again,) = ledger.announce_photos(street.db, worker, street.later(hours=1).now, report, coming)
    assert ("stored", NOW) == (again["state"], again["changed_at"])


def test_the_demos_photos_say_that_they_are_synthetic_and_differ(street: Street, room: EvidenceRoom) -> None:
    rng = random.Random(1)
    first, second = draw_photo(rng, "09006"), draw_photo(rng, "09006")
    assert first.sha256 != second.sha256
    assert not send(street, room, first.content).known_before
