"""Recordings as phones make them, built byte by byte: Opus packets in WebM as a stream, or in Ogg."""

import random
import struct

from gridmgmt.adapters.evidence.opus import Sound, write_ogg

HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
_TWENTY_MS = 0x78  # CELT, full band, 20 ms, one frame
ENDLESS = b"\x01" + b"\xff" * 7


def packets(seconds: float = 1.0, seed: int = 1) -> list[bytes]:
    """So many packets of 20 ms, of sizes that a voice has."""
    chance = random.Random(seed)
    count = round(seconds * 50)
    return [bytes([_TWENTY_MS]) + chance.randbytes(chance.randint(20, 90)) for _ in range(count)]


def element(number: int, body: bytes, *, size: bytes | None = None) -> bytes:
    """One element of a WebM file."""
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return name + (size or struct.pack(">Q", len(body) | 1 << 56)) + body


def track(codec: bytes = b"A_OPUS", kind: bytes = b"\x02", more: bytes = b"") -> bytes:
    """The description of the one track."""
    told = element(0xD7, b"\x01") + element(0x83, kind) + element(0x86, codec) + element(0x63A2, HEAD) + more
    return element(0x1654AE6B, element(0xAE, told))


def cluster(given: list[bytes], at_ms: int = 0, *, endless: bool = True, flags: int = 0x80) -> bytes:
    """A cluster with one packet a block."""
    blocks = element(0xE7, struct.pack(">I", at_ms))
    for n, packet in enumerate(given):
        blocks += element(0xA3, b"\x81" + struct.pack(">hB", n * 20, flags) + packet)
    return element(0x1F43B675, blocks, size=ENDLESS if endless else None)


def webm(given: list[bytes] | None = None, **parts: bytes) -> bytes:
    """A file as a recorder streams it: endless segment, endless clusters of a second each."""
    sound = packets() if given is None else given
    ebml = element(0x1A45DFA3, element(0x4282, parts.get("doc_type", b"webm")))
    info = element(0x1549A966, element(0x2AD7B1, b"\x0f\x42\x40") + element(0x4D80, b"a recorder"))
    clusters = b"".join(cluster(sound[i : i + 50], i * 20) for i in range(0, len(sound), 50))
    body = info + parts.get("tracks", track()) + parts.get("clusters", clusters) + parts.get("behind", b"")
    return ebml + element(0x18538067, body, size=ENDLESS)


def ogg(given: list[bytes] | None = None) -> bytes:
    """The same in Ogg."""
    return write_ogg(Sound(1, 312, packets() if given is None else given))
