"""Pictures for tests: sound ones, hostile ones, and ones with a camera's notes."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), seed: int = 1, **options) -> bytes:
    """A picture with some texture."""
    rng = random.Random(seed)
    image = Image.new("RGB", size)
    for _ in range(40):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        image.paste(tuple(rng.randrange(256) for _ in range(3)), (x, y, x + 9, y + 7))
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _rational(*values: float) -> bytes:
    return b"".join(struct.pack("<II", round(v * 1000), 1000) for v in values)


def tiff(*, gps: bool = True, loop: bool = False) -> bytes:
    """A camera's notes: make, serial number, time and, if asked, a position in Tianjin."""
    extra = b""
    camera = [
        (0x9003, 2, b"2026:11:23 09:58:01\0"),
        (0x9011, 2, b"+08:00\0"),
        (0xA431, 2, b"SN-4711-0815\0"),
    ]
    place = [
        (1, 2, b"N\0"), (2, 5, _rational(39, 5, 30)), (3, 2, b"E\0"), (4, 5, _rational(117, 12, 18)),
        (0x12, 2, b"WGS-84\0"),
    ]  # fmt: skip
    main = [(0x010F, 2, b"HUAWEI\0"), (0x0110, 2, b"P60\0"), (0x0112, 3, struct.pack("<H", 6))]
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}
    heads = {"main": 8, "camera": 8 + 2 + 12 * 5 + 4}
    heads["gps"] = heads["camera"] + 2 + 12 * len(camera) + 4
    free = heads["gps"] + 2 + 12 * len(place) + 4

    def directory(entries: list[tuple[int, int, bytes]], following: int = 0) -> bytes:
        nonlocal extra
        out = struct.pack("<H", len(entries))
        for tag, kind, raw in sorted(entries):
            count = len(raw) // sizes[kind]
            if len(raw) <= 4:
                out += struct.pack("<HHI", tag, kind, count) + raw.ljust(4, b"\0")
            else:
                out += struct.pack("<HHII", tag, kind, count, free + len(extra))
                extra += raw + b"\0" * (len(raw) % 2)
        return out + struct.pack("<I", following)

    main += [(0x8769, 4, struct.pack("<I", heads["camera"]))]
    main += [(0x8825, 4, struct.pack("<I", heads["gps"]))] if gps else [(0x0131, 2, b"x\0")]
    body = directory(main, following=8 if loop else 0) + directory(camera) + directory(place)
    return b"II*\0" + struct.pack("<I", 8) + body + extra


def with_notes(kind: str = "JPEG", *, loop: bool = False, **options) -> bytes:
    """A picture with the notes of :func:`tiff`."""
    return picture(kind, exif=b"Exif\0\0" + tiff(loop=loop), **options)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_claiming(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header claims a size."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + _chunk(b"IDAT", data or zlib.compress(b"\0" * 64))
        + _chunk(b"IEND", b"")
    )


def _with_chunk(png: bytes, chunk: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    return png[:33] + chunk + png[33:]


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(2**20))
    return buffer.getvalue()


def _animation(kind: str, frames: int) -> bytes:
    buffer = io.BytesIO()
    images = [Image.new("RGB", (8, 8), (n % 256, n // 256, 7)) for n in range(frames)]
    images[0].save(buffer, kind, save_all=True, append_images=images[1:], duration=10, loop=0)
    return buffer.getvalue()


def _profile_jpeg() -> bytes:
    """A JPEG with a colour profile of four megabytes in as many segments as that takes."""
    segments, size = b"", 65_000
    for number in range(1, 65):
        body = b"ICC_PROFILE\0" + bytes([number, 64]) + bytes(size)
        segments += b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
    plain = picture()
    return plain[:2] + segments + plain[2:]


def bombs() -> Iterator[tuple[str, str, bytes]]:
    """(name, the type it claims, bytes) of twenty things that are no photo."""
    png = picture("PNG")
    big = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(big, "PNG")
    yield "pixels_png", "image/png", big.getvalue()
    yield "pixels_claimed", "image/png", png_claiming(60_000, 60_000)
    yield "pixels_claimed_most", "image/png", png_claiming(2**31 - 1, 2**31 - 1)
    jpeg = bytearray(picture())
    at = jpeg.find(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    yield "pixels_jpeg", "image/jpeg", bytes(jpeg)
    yield "frames_png", "image/png", _animation("PNG", 300)
    yield "frames_webp", "image/webp", _animation("WEBP", 300)
    yield "frames_gif", "image/png", _animation("GIF", 50)
    profile = _chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(40 * 2**20), 9))
    yield "profile_png", "image/png", _with_chunk(png, profile)
    yield "profile_jpeg", "image/jpeg", _profile_jpeg()
    text = _chunk(b"zTXt", b"c\0\0" + zlib.compress(bytes(80 * 2**20), 9))
    yield "text_png", "image/png", _with_chunk(png, text)
    yield "exif_loop_jpeg", "image/jpeg", with_notes(loop=True)
    yield "exif_loop_png", "image/png", with_notes("PNG", loop=True)
    yield "zip", "image/png", _zip()
    yield "zip_behind_jpeg", "image/jpeg", picture() + _zip()
    yield "page_behind_png", "image/png", png + b"<html><script>alert(1)</script></html>"
    yield "page_in_jpeg", "image/jpeg", picture(comment=b"<script>alert(1)</script>")
    yield "pdf_before", "image/jpeg", picture(comment=b"%PDF-1.7 1 0 obj")
    yield "svg", "image/png", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    yield "nothing", "image/jpeg", b""
    yield "cut_short", "image/png", picture("PNG", (400, 300))[:-2000]


def mutants(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """(type, bytes) of damaged photos: flipped, cut, doubled, spliced, lengths blown up."""
    rng = random.Random(seed)
    sound = [
        ("image/jpeg", picture()), ("image/jpeg", with_notes()), ("image/jpeg", picture(progressive=True)),
        ("image/png", picture("PNG")), ("image/png", with_notes("PNG")), ("image/webp", picture("WEBP")),
        ("image/webp", with_notes("WEBP", lossless=True)),
    ]  # fmt: skip
    for _ in range(count):
        media_type, content = rng.choice(sound)
        data = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 5, 20))):
            at = rng.randrange(len(data) or 1)
            match rng.randrange(6):
                case 0:
                    data[at] ^= 1 << rng.randrange(8)
                case 1:
                    data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
                case 2:
                    del data[at : at + rng.randrange(1, 64)]
                case 3:
                    data[at:at] = data[at : at + rng.randrange(1, 256)]
                case 4:
                    data[at:at] = rng.randbytes(rng.randrange(1, 32))
                case _:
                    other = rng.choice(sound)[1]
                    data[at : at + 32] = other[: rng.randrange(1, 64)]
            if not data:
                data = bytearray(b"\xff")
        yield media_type, bytes(data)
