"""Opus packets and their Ogg file (RFC 6716, RFC 7845): how long a packet lasts, and a plain file made anew.

Nothing is decoded. Only what a recording needs is read, everything else is refused, and what is shown is
written from the packets alone, so that no note of the recorder's and nothing between the packets survives.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

RATE = 48_000
_MOST_PACKET_SAMPLES = 5_760  # 120 ms
_MOST_PACKET_BYTES = 61_440
_HEAD = b"OpusHead"
_TAGS = b"OpusTags" + struct.pack("<I8sI", 8, b"gridmgmt", 0)
_SERIAL = 1
_PACKETS_A_PAGE = 25
_FIRST, _LAST, _CONTINUED = 2, 4, 1


class RecordingError(Exception):
    """The bytes are no acceptable recording; the argument is the stable reason."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as its packets; ``pre_skip`` samples at the beginning are not heard."""

    channels: int
    pre_skip: int
    packets: Sequence[bytes] = field(repr=False)

    @property
    def samples(self) -> int:
        """Samples at 48 kHz that are heard."""
        return max(0, sum(map(samples_of, self.packets)) - self.pre_skip)

    @property
    def duration_ms(self) -> int:
        """How long it is heard."""
        return self.samples * 1000 // RATE


def samples_of(packet: bytes) -> int:
    """Samples at 48 kHz that a packet stands for, by its first bytes (RFC 6716, 3.1 and 3.2).

    Raises
    ------
    RecordingError
        It is empty, or says more than 120 ms.
    """
    if not packet or len(packet) > _MOST_PACKET_BYTES:
        raise RecordingError("recording_damaged")
    toc = packet[0]
    config, code = toc >> 3, toc & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    if code == 3 and len(packet) < 2:
        raise RecordingError("recording_damaged")
    frames = (1, 2, 2, packet[1] & 63 if code == 3 else 0)[code]
    if not 0 < frames * frame <= _MOST_PACKET_SAMPLES:
        raise RecordingError("recording_damaged")
    return frames * frame


def read_head(head: bytes) -> tuple[int, int]:
    """Channels and pre-skip of an ``OpusHead``; only mono and stereo in the plain order.

    Raises
    ------
    RecordingError
        It is no such head.
    """
    if len(head) != 19 or head[:8] != _HEAD or head[8] >> 4 != 0:
        raise RecordingError("not_a_recording")
    channels, pre_skip, _rate, gain, mapping = struct.unpack_from("<BHIhB", head, 9)
    if channels not in {1, 2} or mapping != 0 or gain != 0:
        raise RecordingError("not_a_recording")
    return channels, pre_skip


def read_ogg(content: bytes) -> Sound:
    """A recording out of an Ogg file with one stream, every page's checksum tested.

    Raises
    ------
    RecordingError
        Anything is there that a recording does not need, or a page is damaged.
    """
    packets = list(_packets(content))
    if len(packets) < 3 or packets[1][:8] != _TAGS[:8]:
        raise RecordingError("not_a_recording")
    channels, pre_skip = read_head(packets[0])
    return Sound(channels, pre_skip, packets[2:])


def _packets(content: bytes) -> Iterator[bytes]:
    at, number, serial, rest, ended = 0, 0, None, b"", False
    while at < len(content):
        if len(content) < at + 27 or content[at : at + 5] != b"OggS\0" or ended:
            raise RecordingError("recording_damaged")
        kind, _granule, stream, sequence, checksum, count = struct.unpack_from("<BqIIIB", content, at + 5)
        sizes = content[at + 27 : at + 27 + count]
        end = at + 27 + count + sum(sizes)
        page = content[at : at + 22] + b"\0\0\0\0" + content[at + 26 : end]
        serial = stream if serial is None else serial
        sound = end <= len(content) and len(sizes) == count and _crc(page) == checksum
        in_order = sequence == number and stream == serial and bool(kind & _FIRST) == (number == 0)
        if not (sound and in_order and bool(kind & _CONTINUED) == bool(rest)):
            raise RecordingError("recording_damaged")
        at += 27 + count
        for size in sizes:
            rest += content[at : at + size]
            at += size
            # Here and not when it is whole: what never ends would be copied anew with each of its parts.
            if len(rest) > _MOST_PACKET_BYTES:
                raise RecordingError("recording_damaged")
            if size < 255:
                yield rest
                rest = b""
        number, ended = number + 1, bool(kind & _LAST)
    if rest:
        raise RecordingError("recording_damaged")


def write_ogg(sound: Sound) -> bytes:
    """The recording as an Ogg file that says nothing but the sound."""
    head = _HEAD + struct.pack("<BBHIhB", 1, sound.channels, sound.pre_skip, RATE, 0, 0)
    pages = [_page(0, 0, _FIRST, [head]), _page(1, 0, 0, [_TAGS])]
    granule = 0
    groups = list(_groups(sound.packets))
    for number, group in enumerate(groups, start=2):
        granule += sum(map(samples_of, group))
        pages.append(_page(number, granule, _LAST if number == len(groups) + 1 else 0, group))
    return b"".join(pages)


def _groups(packets: Sequence[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    laces = 0
    for packet in packets:
        needed = len(packet) // 255 + 1
        if group and (laces + needed > 255 or len(group) == _PACKETS_A_PAGE):
            yield group
            group, laces = [], 0
        group.append(packet)
        laces += needed
    if group:
        yield group


def _page(number: int, granule: int, kind: int, packets: Iterable[bytes]) -> bytes:
    whole = list(packets)
    sizes = bytearray()
    for packet in whole:
        sizes += b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    front = b"OggS\0" + struct.pack("<BqII", kind, granule, _SERIAL, number)
    back = bytes([len(sizes)]) + bytes(sizes) + b"".join(whole)
    return front + struct.pack("<I", _crc(front + b"\0\0\0\0" + back)) + back


def _table() -> list[int]:
    table = []
    for n in range(256):
        value = n << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7) & 0xFFFFFFFF if value & 0x80000000 else value << 1
        table.append(value & 0xFFFFFFFF)
    return table


_TABLE = _table()


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = ((value << 8) & 0xFFFFFFFF) ^ _TABLE[(value >> 24) ^ byte]
    return value
