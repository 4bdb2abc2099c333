"""What a camera wrote beside a picture: time, place, device. A small reader that no file can lead astray.

Reads a TIFF structure (Exif 2.32: IFD0, the Exif and the GPS directory) with every offset checked, at
most 500 entries and 64 kB of values, and no directory twice. What is read is what the file claims; nobody
has checked it, and the datum of a position is whatever the phone used. Pillow's reader is not asked: it
reads all tags of all directories, and this one has to say when a structure bites its own tail.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_LETTERS = {3: "H", 4: "I", 8: "h", 9: "i"}
_MOST_ENTRIES = 500
_MOST_TEXT = 200
_MOST_NUMBERS = 4
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825

_TEXTS = {
    0x010F: "make",
    0x0110: "model",
    0x0131: "software",
    0x9003: "taken_local",
    0x9011: "taken_offset",
    0xA431: "serial",
}
_ORIENTATION = 0x0112


class ExifLoopError(ValueError):
    """A directory refers to one that was read already."""


def read_exif(block: bytes) -> dict[str, Any]:
    """The tags that count as evidence.

    Parameters
    ----------
    block : TIFF bytes, with or without the marker ``Exif`` before them.

    Returns
    -------
    Any of ``taken_local`` (the camera's own clock, as written), ``taken_offset``, ``make``, ``model``,
    ``software``, ``serial``, ``orientation``, ``gps_lon``, ``gps_lat`` (degrees, datum as written in
    ``gps_datum`` or unknown), ``gps_altitude_m``, ``gps_error_m``, ``gps_at`` (UTC as written).

    Raises
    ------
    ExifLoopError
        The structure refers to itself.
    ValueError
        It cannot be read.
    """
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        raise ValueError("no TIFF header")
    seen: set[int] = set()
    (first,) = struct.unpack_from(order + "I", block, 4)
    found: dict[str, Any] = {}
    main = _directory(block, order, first, seen)
    camera = _sub_directory(block, order, main.get(_EXIF_IFD), seen)
    gps = _sub_directory(block, order, main.get(_GPS_IFD), seen)
    for tag, name in _TEXTS.items():
        text = _text(main.get(tag, camera.get(tag)))
        if text:
            found[name] = text
    turned = main.get(_ORIENTATION)
    if isinstance(turned, list) and turned and turned[0] in range(1, 9):
        found["orientation"] = int(turned[0])
    return found | _position(gps)


def _sub_directory(block: bytes, order: str, pointer: object, seen: set[int]) -> dict[int, Any]:
    if not isinstance(pointer, list) or not pointer:
        return {}
    return _directory(block, order, int(pointer[0]), seen)


def _directory(block: bytes, order: str, offset: int, seen: set[int]) -> dict[int, Any]:
    """All entries of one directory; the directories after it (thumbnails) are followed for loops alone."""
    entries: dict[int, Any] = {}
    first = True
    while offset:
        if offset in seen:
            raise ExifLoopError("a directory refers to itself")
        seen.add(offset)
        if offset + 2 > len(block):
            raise ValueError("a directory lies outside")
        (count,) = struct.unpack_from(order + "H", block, offset)
        if count > _MOST_ENTRIES or offset + 2 + 12 * count > len(block):
            raise ValueError("a directory is cut short")
        if first:
            entries = dict(_entries(block, order, offset + 2, count))
        first = False
        after = offset + 2 + 12 * count
        offset = struct.unpack_from(order + "I", block, after)[0] if after + 4 <= len(block) else 0
    return entries


def _entries(block: bytes, order: str, start: int, count: int) -> Iterator[tuple[int, Any]]:
    for number in range(count):
        at = start + 12 * number
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        size = _TYPE_BYTES.get(kind, 0) * length
        if not size or size > 2**16:
            continue
        where = at + 8 if size <= 4 else struct.unpack_from(order + "I", block, at + 8)[0]
        raw = block[where : where + size]
        if len(raw) == size:
            yield tag, _value(raw, order, kind)


def _value(raw: bytes, order: str, kind: int) -> object:
    if kind in _LETTERS:
        letter = _LETTERS[kind]
        return [n for (n,) in struct.iter_unpack(order + letter, raw)][:_MOST_NUMBERS]
    if kind in {5, 10}:
        pairs = struct.iter_unpack(order + ("II" if kind == 5 else "ii"), raw)
        return [a / b if b else math.nan for a, b in pairs][:_MOST_NUMBERS]
    return raw


def _text(value: object) -> str | None:
    if not isinstance(value, bytes):
        return None
    text = value.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    # Control and direction characters of a stranger have no business in a log or a page.
    return "".join(c for c in text if c.isprintable())[:_MOST_TEXT] or None


def _position(gps: Mapping[int, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lat = _degrees(gps.get(2), _text(gps.get(1)), "NS", 90)
    lon = _degrees(gps.get(4), _text(gps.get(3)), "EW", 180)
    if lat is not None and lon is not None:
        found |= {"gps_lon": lon, "gps_lat": lat}
    if (datum := _text(gps.get(0x12))) is not None:
        found["gps_datum"] = datum
    below = -1 if gps.get(5) == b"\x01" else 1
    for tag, name, sign in ((6, "gps_altitude_m", below), (0x1F, "gps_error_m", 1)):
        value = gps.get(tag)
        if isinstance(value, list) and value and math.isfinite(value[0]) and abs(value[0]) < 1e6:
            found[name] = sign * float(value[0])
    clock, day = gps.get(7), _text(gps.get(0x1D))
    if isinstance(clock, list) and len(clock) == 3 and day and all(math.isfinite(n) for n in clock):
        found["gps_at"] = f"{day} {int(clock[0]):02}:{int(clock[1]):02}:{int(clock[2]):02}"[:_MOST_TEXT]
    return found


def _degrees(parts: object, side: str | None, sides: str, most: int) -> float | None:
    if not isinstance(parts, list) or len(parts) != 3 or side is None or side not in sides:
        return None
    degrees = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    if not math.isfinite(degrees) or not 0 <= degrees <= most:
        return None
    return round(-degrees if side == sides[1] else degrees, 8)
