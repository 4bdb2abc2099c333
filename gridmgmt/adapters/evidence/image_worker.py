"""The process that decodes strangers' bytes; nobody else does. Started and ended by ``pool.py``.

Speaks over two pipes: a request is a JSON header, framed by its length, and the photo's bytes; an answer
is a JSON header and the derivatives' bytes. It holds no file, no secret and no connection, and once it is
warm it can open none (``sandbox.py``). It trusts nothing; its own answers are checked by the pool.

Run as ``python -I -m gridmgmt.adapters.evidence.image_worker``.
"""

import io
import json
import re
import signal
import struct
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from PIL import JpegImagePlugin as _JpegImagePlugin
from PIL import MpoImagePlugin as _MpoImagePlugin
from PIL import PngImagePlugin as _PngImagePlugin
from PIL import WebPImagePlugin as _WebPImagePlugin

from gridmgmt.adapters.evidence import sandbox
from gridmgmt.adapters.evidence.exif import ExifLoopError, read_exif
from gridmgmt.adapters.evidence.opus import RecordingError
from gridmgmt.adapters.evidence.sound import examine_recording, is_recording
from gridmgmt.adapters.evidence.watermark import Marker

# 50 "mega" pixels as sensors count them: 8192 × 6144, the largest mode of common phones, is one of them.
MAX_PIXELS = 50 * 2**20
MAX_PROFILE_BYTES = 2**20
KINDS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# Imported before the doors close, because Pillow imports a format when it first meets it.
_PLUGINS = (_JpegImagePlugin, _MpoImagePlugin, _PngImagePlugin, _WebPImagePlugin)
_NO_DAMAGE = r"(?i)(possibly )?corrupt exif|truncated file read|image appears to be a malformed mpo"
_QUALITY = 82
_JPEG_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# What would make the same bytes something else to another reader.
_OTHER_KINDS = re.compile(rb"<script|<html|<svg|<\?php|<!doctype|%PDF-|PK\x05\x06|PK\x03\x04", re.IGNORECASE)


class RefusedError(Exception):
    """The bytes are no acceptable photo; the argument is the stable reason."""


def main() -> None:
    """Answer requests until the pipe closes.

    A service manager that stops a server, and Ctrl-C, signal every process of it at once. A photo under way
    is finished all the same: its sender would hear that it had been too costly. The closed pipe ends this.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sandbox.limit_process()
    alone = sandbox.leave_network()
    hello, font = _receive(requests)
    marker = Marker(font if hello.get("font") else None)
    _warm(marker)
    shut = sandbox.close_doors()
    _send(answers, {"network_namespace": alone, "seccomp": shut, "language": marker.language}, [])
    while True:
        try:
            header, content = _receive(requests)
        except EOFError:
            return
        sandbox.allow_cpu()
        answer, blobs = _answered(header, content, marker)
        _send(answers, answer, blobs)


def _answered(
    header: Mapping[str, Any], content: bytes, marker: Marker
) -> tuple[dict[str, Any], Sequence[bytes]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # A phone's careless notes or table of second pictures are no damage to the photo.
            warnings.filterwarnings("ignore", message=_NO_DAMAGE, category=UserWarning)
            return examine_recording(content) if is_recording(content) else examine(content, header, marker)
    except (RefusedError, RecordingError) as refusal:
        return {"refused": str(refusal)}, []
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return {"refused": "too_many_pixels"}, []
    except Exception as fault:  # noqa: BLE001  whatever a decoder stumbles over, the file is to blame
        return {"refused": "truncated", "fault": type(fault).__name__}, []


def examine(
    content: bytes, header: Mapping[str, Any], marker: Marker
) -> tuple[dict[str, Any], Sequence[bytes]]:
    """Facts of a photo and its derivatives.

    Parameters
    ----------
    header : ``derive`` (list of [name, longest side in pixels]) and ``lines`` of the strip.

    Raises
    ------
    RefusedError
        ``not_an_image``, ``too_many_pixels``, ``animated``, ``profile_too_large``,
        ``exif_loop`` or ``polyglot``.
    """
    if not content:
        raise RefusedError("not_an_image")
    _refuse_polyglot(content)
    try:
        opened = Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"])
    except UnidentifiedImageError as fault:
        raise RefusedError("not_an_image") from fault
    with opened as image:
        kind, (width, height) = KINDS[str(image.format)], image.size
        if width * height > MAX_PIXELS:
            raise RefusedError("too_many_pixels")
        # The second picture of an MPO is a phone's depth map or preview; an animation is no photo.
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            raise RefusedError("animated")
        _refuse_profile(image)
        sizes = [(str(name), int(side)) for name, side in header.get("derive", ())]
        # Every pixel is decoded, at full size: damage anywhere has to be found.
        image.load()
        meta, state = _exif_of(image)
        blobs = _derivatives(image, sizes, meta.get("orientation", 1), header.get("lines", ()), marker)
    return {
        "media_type": kind, "width": width, "height": height, "exif": state, "meta": meta,
        "derived": [name for name, _ in sizes],
    }, blobs  # fmt: skip


def _exif_of(image: Image.Image) -> tuple[dict[str, Any], str]:
    block = image.info.get("exif")
    if not isinstance(block, bytes) or not block:
        return {}, "none"
    try:
        return read_exif(block), "read"
    except ExifLoopError as fault:
        raise RefusedError("exif_loop") from fault
    except (ValueError, struct.error):
        # A phone's careless block is no reason to refuse evidence.
        return {}, "unreadable"


def _refuse_profile(image: Image.Image) -> None:
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and len(profile) > MAX_PROFILE_BYTES:
        raise RefusedError("profile_too_large")


def _refuse_polyglot(content: bytes) -> None:
    """Bytes that are a picture to one reader and a page, archive or document to another.

    Phones put true things behind a JPEG (a motion clip, depth maps), so that alone is no reason; behind a
    PNG or WebP nothing belongs. What lies inside the picture cannot be a header elsewhere: readers of
    pages and PDFs look at the beginning, readers of archives at the end.
    """
    end = _end_of_picture(content)
    behind = content[end:]
    if content[:3] != b"\xff\xd8\xff" and len(behind) > 8:
        raise RefusedError("polyglot")
    if _OTHER_KINDS.search(content[:1024]) or _OTHER_KINDS.search(behind):
        raise RefusedError("polyglot")


def _end_of_picture(content: bytes) -> int:
    """Where the first picture ends; the length of all where that cannot be told."""
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        at = content.find(b"IEND", 8)
        return at + 8 if at > 0 else len(content)
    if content[:4] == b"RIFF" and len(content) >= 12:
        (size,) = struct.unpack_from("<I", content, 4)
        return min(len(content), 8 + int(size))
    at = 2
    while content[:2] == b"\xff\xd8" and at + 4 <= len(content) and content[at] == 0xFF:
        mark = content[at + 1]
        if mark == 0xD9:
            return at + 2
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]
        if mark == 0xDA:
            found = _JPEG_MARK.search(content, at)
            at = found.start() if found else len(content)
    return len(content)


def _derivatives(
    image: Image.Image,
    sizes: Sequence[tuple[str, int]],
    orientation: int,
    lines: Sequence[Sequence[tuple[str, str]]],
    marker: Marker,
) -> list[bytes]:
    if not sizes:
        return []
    largest = max(side for _, side in sizes)
    # Shrunk first, so that turning and converting cost little whatever arrived.
    small = image.copy() if max(image.size) <= largest else None
    if small is None:
        scale = largest / max(image.size)
        wanted = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        source = image if image.mode in {"RGB", "L", "RGBA"} else image.convert("RGB")
        small = source.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=2.0)
    flat = _flat(small)
    turned = _turned(flat, orientation)
    blobs = []
    for _, side in sizes:
        picture = turned.copy()
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        # A new image has no info of the old one; nothing of EXIF, profile or comment can be written.
        marker.mark(picture, lines).save(buffer, "JPEG", quality=_QUALITY, optimize=False)
        blobs.append(buffer.getvalue())
    return blobs


def _flat(image: Image.Image) -> Image.Image:
    """RGB on white."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        ground = Image.new("RGB", image.size, (255, 255, 255))
        ground.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return ground
    return image.convert("RGB")


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info = {}
    image.getexif().update(exif)
    turned = ImageOps.exif_transpose(image)
    plain = Image.new("RGB", turned.size)
    plain.paste(turned)
    return plain


def _warm(marker: Marker) -> None:
    """Do everything once that imports or opens a file, before the doors close."""
    Image.preinit()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    lines = [[("received", "0"), ("clock", "")]]
    for kind in ("JPEG", "PNG", "WEBP"):
        buffer = io.BytesIO()
        Image.new("RGB", (64, 48)).save(buffer, kind, exif=Image.Exif())
        examine(buffer.getvalue(), {"derive": [["screen", 48], ["thumb", 16]], "lines": lines}, marker)
    _answered({}, b"", marker)


def _receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    header_bytes, body_bytes = struct.unpack(">IQ", _exactly(stream, 12))
    return json.loads(_exactly(stream, header_bytes)), _exactly(stream, body_bytes)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _send(stream: BinaryIO, header: Mapping[str, Any], blobs: Sequence[bytes]) -> None:
    text = json.dumps({**header, "blobs": [len(b) for b in blobs]}, ensure_ascii=True).encode()
    stream.write(struct.pack(">IQ", len(text), sum(map(len, blobs))) + text)
    stream.writelines(blobs)
    stream.flush()


if __name__ == "__main__":
    main()
