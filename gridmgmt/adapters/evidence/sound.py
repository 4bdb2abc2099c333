"""Recordings 语音 as phones make them: Opus in WebM or Ogg, read strictly and made anew as plain Ogg.

Runs in the limited process only (``image_worker.py``). A WebM file is a tree of elements; those that a
recorder writes are known here by their numbers, and any other is refused, as is anything behind the last.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gridmgmt.adapters.evidence.opus import RecordingError, Sound, read_head, read_ogg, write_ogg

MOST_BYTES = 4 * 2**20
MOST_MS = 180_000
KIND = "sound"
_WEBM, _OGG = b"\x1a\x45\xdf\xa3", b"OggS"

_EBML, _SEGMENT, _INFO, _TRACKS, _TRACK = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE
_CLUSTER, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0x1F43B675, 0xA3, 0xA0, 0xA1
_TYPE, _CODEC, _PRIVATE, _DOC_TYPE = 0x83, 0x86, 0x63A2, 0x4282
# What may lie in what. Void, checksums, cues, seek heads and tags are passed over and never shown.
_PASSED = {0xEC, 0xBF, 0x1C53BB6B, 0x114D9B74, 0x1254C367}
_INSIDE: dict[int, set[int]] = {
    0: {_EBML, _SEGMENT},
    _EBML: {0x4286, 0x42F7, 0x42F2, 0x42F3, _DOC_TYPE, 0x4287, 0x4285},
    _SEGMENT: {_INFO, _TRACKS, _CLUSTER},
    _INFO: {0x2AD7B1, 0x4D80, 0x5741, 0x4489, 0x4461, 0x73A4, 0x7BA9},
    _TRACKS: {_TRACK},
    _TRACK: {
        0xD7, 0x73C5, _TYPE, 0xB9, 0x88, 0x55AA, 0x9C, 0x23E383, 0x22B59C, 0x22B59D, 0x536E, _CODEC, _PRIVATE,
        0x258688, 0x56AA, 0x56BB, 0xE1, 0x6DE7, 0x6DF8, 0xAA,
    },
    _CLUSTER: {0xE7, 0xA7, 0xAB, _SIMPLE_BLOCK, _BLOCK_GROUP},
    _BLOCK_GROUP: {_BLOCK, 0x9B, 0x75A2, 0xFB},
}  # fmt: skip
_ENTERED = {_EBML, _SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER, _BLOCK_GROUP}
_ENDS_CLUSTER = _INSIDE[_SEGMENT] | (_PASSED - {0xEC, 0xBF})
_MAY_BE_ENDLESS = {_SEGMENT, _CLUSTER}


def is_recording(content: bytes) -> bool:
    """Whether the bytes begin as one of the two containers."""
    return content[:4] in {_WEBM, _OGG}


def examine_recording(content: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Facts of a recording, and the file that is played instead of it.

    Raises
    ------
    RecordingError
        ``not_a_recording``, ``recording_damaged`` or ``recording_too_long``.
    """
    if len(content) > MOST_BYTES:
        raise RecordingError("recording_too_long")
    webm = content[:4] == _WEBM
    sound = _read_webm(content) if webm else read_ogg(content)
    if not 0 < sound.duration_ms <= MOST_MS:
        raise RecordingError("recording_too_long" if sound.duration_ms else "recording_damaged")
    return {
        "media_type": "audio/webm" if webm else "audio/ogg",
        "duration_ms": sound.duration_ms,
        "derived": [KIND],
    }, [write_ogg(sound)]


@dataclass(frozen=True, slots=True)
class _Element:
    parent: int
    id: int
    body: bytes


def _read_webm(content: bytes) -> Sound:
    packets: list[bytes] = []
    told: dict[int, bytes] = {}
    tracks = 0
    for element in _elements(content):
        if element.id in {_SIMPLE_BLOCK, _BLOCK}:
            packets.append(_packet(element.body))
        elif element.id in {_TYPE, _CODEC, _PRIVATE, _DOC_TYPE}:
            told[element.id] = element.body
        tracks += element.id == _TRACK
    if (tracks, told.get(_DOC_TYPE), told.get(_TYPE), told.get(_CODEC)) != (1, b"webm", b"\x02", b"A_OPUS"):
        raise RecordingError("not_a_recording")
    channels, pre_skip = read_head(told.get(_PRIVATE, b""))
    return Sound(channels, pre_skip, packets)


def _elements(content: bytes) -> Iterator[_Element]:
    """Every element in its order, containers without a body of their own.

    A stream is written before its length is known: segment and clusters may be endless, and a cluster ends
    where the next element of the segment begins.
    """
    # The containers that are open, each with where it ends; None: where its parent's next element begins.
    open_: list[tuple[int, int | None]] = [(0, len(content))]
    at = 0
    while at < len(content):
        while open_[-1][1] is not None and at >= open_[-1][1]:
            open_.pop()
        number, at = _number(content, at, keep_marker=True)
        if open_[-1] == (_CLUSTER, None) and number in _ENDS_CLUSTER:
            open_.pop()
        parent, ends_at = open_[-1]
        if number not in _INSIDE[parent] and not (parent and number in _PASSED):
            raise RecordingError("recording_damaged")
        size, at = _number(content, at, keep_marker=False)
        limit = next(end for _, end in reversed(open_) if end is not None) if ends_at is None else ends_at
        if (size is None and number not in _MAY_BE_ENDLESS) or (size is not None and at + size > limit):
            raise RecordingError("recording_damaged")
        if number in _ENTERED:
            yield _Element(parent, number, b"")
            open_.append((number, None if size is None else at + size))
            continue
        assert size is not None  # noqa: S101  for the type checker: only containers are endless
        yield _Element(parent, number, content[at : at + size])
        at += size


def _number(content: bytes, at: int, *, keep_marker: bool) -> tuple[Any, int]:
    """A number of variable length and where it ends; None for the size that says "unknown"."""
    if at >= len(content) or content[at] == 0:
        raise RecordingError("recording_damaged")
    length = 9 - content[at].bit_length()
    raw = content[at : at + length]
    if len(raw) < length or (keep_marker and length > 4):
        raise RecordingError("recording_damaged")
    value = int.from_bytes(raw, "big")
    if keep_marker:
        return value, at + length
    value &= (1 << 7 * length) - 1
    return (None if value == (1 << 7 * length) - 1 else value), at + length


def _packet(block: bytes) -> bytes:
    """The one packet of a block: of track 1 to 126, without lacing."""
    if len(block) < 5 or not block[0] & 0x80 or struct.unpack_from("B", block, 3)[0] & 0x06:
        raise RecordingError("recording_damaged")
    return block[4:]
