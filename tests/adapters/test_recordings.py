"""A recording is Opus in WebM or Ogg and nothing besides; what is played holds its packets alone."""

import random
import struct
from collections.abc import Iterator

import pytest

from gridmgmt.adapters.evidence import opus
from gridmgmt.adapters.evidence.opus import RecordingError, read_ogg, samples_of
from gridmgmt.adapters.evidence.pool import ImagePool
from gridmgmt.adapters.evidence.sound import MOST_BYTES, examine_recording
from gridmgmt.errors import UnacceptablePhoto
from tests.adapters.recordings import HEAD, cluster, element, ogg, packets, track, webm


def reason(content: bytes) -> str:
    with pytest.raises(RecordingError) as caught:
        examine_recording(content)
    return str(caught.value)


@pytest.fixture(scope="module")
def pool() -> Iterator[ImagePool]:
    made = ImagePool(size=1)
    yield made
    made.close()


@pytest.mark.parametrize(("make", "media_type"), [(webm, "audio/webm"), (ogg, "audio/ogg")])
def test_the_length_is_counted_from_the_packets_and_the_same_packets_are_played(
    make, media_type: str
) -> None:
    given = packets(2.5)
    facts, (played,) = examine_recording(make(given))
    assert (facts["media_type"], facts["duration_ms"]) == (media_type, 2500 - 312 * 1000 // 48_000 - 1)
    assert read_ogg(played).packets == given


def test_nothing_that_a_recorder_wrote_about_itself_is_in_what_is_played() -> None:
    noted = webm(packets(), behind=element(0x1254C367, b"made on the phone of somebody"))
    _, (played,) = examine_recording(noted)
    assert b"phone" not in played
    assert b"a recorder" not in played


def test_a_cluster_with_its_length_is_read_as_one_without() -> None:
    given = packets()
    assert examine_recording(webm(clusters=cluster(given, endless=False)))[1] == [ogg(given)]


def test_long_packets_are_laced_over_several_parts() -> None:
    given = [bytes([0x78]) + bytes(n) for n in (253, 254, 255, 509, 510, 1200)] * 50
    assert list(read_ogg(ogg(given)).packets) == given


@pytest.mark.parametrize(
    "content",
    [
        webm(doc_type=b"matroska"),
        webm(tracks=track(codec=b"A_VORBIS")),
        webm(tracks=track(kind=b"\x01")),
        webm(tracks=b""),
        webm(tracks=track() + track()),
        webm(tracks=track().replace(HEAD, HEAD[:9] + b"\x08" + HEAD[10:])),
        webm(tracks=track().replace(HEAD, HEAD[:8] + b"\xf1" + HEAD[9:])),
        ogg()[:60],
    ],
)
def test_what_is_no_single_track_of_opus_is_no_recording(content: bytes) -> None:
    assert reason(content) in {"not_a_recording", "recording_damaged"}


@pytest.mark.parametrize(
    "content",
    [
        webm() + b"PK\x03\x04 an archive behind it",
        webm(behind=element(0x1941A469, b"an attachment")),
        webm(tracks=track(more=element(0x6D80, b"an encoding"))),
        webm(clusters=cluster(packets(), flags=0x82)),
        webm()[:-5],
        webm(clusters=element(0x1F43B675, element(0xA3, b"\x81\0\0\x80"))),
        webm([b"\x7b\x00" + bytes(20)]),
        ogg() + b"x",
        ogg() + ogg(),
        ogg()[:-1] + bytes([ogg()[-1] ^ 1]),
        ogg()[:-300],
    ],
)
def test_anything_that_a_recording_does_not_need_and_any_damage_is_refused(content: bytes) -> None:
    assert reason(content) == "recording_damaged"


def test_a_packet_that_never_ends_is_given_up_at_its_bound_and_not_joined_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = b"".join(
        _page_of_laces(number, continued=number > 2, body=b"\x78" * (255 * 255)) for number in range(2, 12)
    )
    begins = ogg()
    begins = begins[: begins.index(b"OggS", begins.index(b"OpusTags"))]
    pages: list[int] = []
    crc = opus._crc
    monkeypatch.setattr(opus, "_crc", lambda page: pages.append(len(page)) or crc(page))
    assert reason(begins + endless) == "recording_damaged"
    assert len(pages) == 3, "head, tags and the page on which it grew too long"


def _page_of_laces(number: int, *, continued: bool, body: bytes) -> bytes:
    """A page of one packet that goes on on the next page."""
    front = b"OggS\0" + struct.pack("<BqII", int(continued), 0, 1, number)
    back = b"\xff" + b"\xff" * 255 + body
    return front + struct.pack("<I", opus._crc(front + b"\0\0\0\0" + back)) + back


def test_a_recording_over_three_minutes_or_over_the_size_is_refused() -> None:
    assert examine_recording(webm(packets(180)))[0]["duration_ms"] <= 180_000
    assert reason(webm(packets(181))) == "recording_too_long"
    assert reason(webm() + bytes(MOST_BYTES)) == "recording_too_long"


@pytest.mark.parametrize(
    ("toc", "count", "ms"),
    [
        (0x00, 0, 10),
        (0x18, 0, 60),
        (0x60, 0, 10),
        (0x68, 0, 20),
        (0x80, 0, 2.5),
        (0x79, 0, 40),
        (0x7B, 6, 120),
    ],
)
def test_how_long_a_packet_lasts_is_read_from_its_first_bytes(toc: int, count: int, ms: float) -> None:
    assert samples_of(bytes([toc, count]) + bytes(9)) == ms * 48


def test_no_bytes_bring_the_reader_to_anything_but_a_refusal() -> None:
    chance = random.Random(20261126)
    whole = webm(packets(0.4))
    for _ in range(3000):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            content[chance.randrange(4, len(content))] = chance.randrange(256)
        cut = bytes(content[: chance.randrange(4, len(content) + 1)])
        try:
            facts, (played,) = examine_recording(cut)
        except RecordingError:
            continue
        assert facts["duration_ms"] > 0
        assert read_ogg(played).packets


def test_the_limited_process_hears_what_phones_send(pool: ImagePool) -> None:
    found = pool.examine(webm(), lines=[], derive=["screen", "thumb"])
    assert (found.media_type, found.width, found.is_recording) == ("audio/webm", None, True)
    assert found.derived == {"sound": ogg()}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (webm(packets(181)), "recording_too_long"),
        (webm(tracks=track(codec=b"A_AAC")), "not_a_recording"),
        (b"\x1a\x45\xdf\xa3" + struct.pack(">Q", 1 << 56), "not_a_recording"),
        (webm()[:-3], "recording_damaged"),
    ],
)
def test_a_refusal_of_a_recording_has_its_reason(pool: ImagePool, content: bytes, why: str) -> None:
    with pytest.raises(UnacceptablePhoto) as caught:
        pool.examine(content, lines=[], derive=["screen"])
    assert caught.value.facts["reason"] == why
