"""Strangers' bytes are looked into by a process that can do nothing else, and what comes out is clean."""

import io
import os
import resource
import signal
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from gridmgmt.adapters.evidence import exif
from gridmgmt.adapters.evidence import pool as pool_module
from gridmgmt.adapters.evidence.pool import ImagePool
from gridmgmt.adapters.evidence.watermark import Marker
from gridmgmt.errors import UnacceptablePhoto
from tests.adapters.pictures import bombs, mutants, picture, tiff, with_notes

FONT = Path(__file__).parents[2] / "data" / "fonts" / "labels.otf"
LINES = [
    [("received", "2026-11-23 10:00:00 +0800"), ("clock", "")],
    [("case", "120116-20261123-000001"), ("cell", "120116006001001")],
    [("reporter", "demo-worker-001"), ("digest", "ab12cd34ef56")],
]
BOMBS = list(bombs())


@pytest.fixture(scope="module")
def pool() -> Iterator[ImagePool]:
    made = ImagePool(size=1, font=FONT)
    yield made
    made.close()


def reason(pool: ImagePool, content: bytes) -> str | None:
    try:
        pool.examine(content, lines=LINES, derive=["screen", "thumb"])
    except UnacceptablePhoto as refusal:
        return str(refusal.facts["reason"])
    return None


def test_there_are_twenty_bombs() -> None:
    assert 20 == len(BOMBS)


@pytest.mark.parametrize(("name", "content"), [(name, content) for name, _, content in BOMBS])
def test_what_is_no_photo_is_refused(pool: ImagePool, name: str, content: bytes) -> None:
    assert reason(pool, content) in {
        "not_an_image", "too_many_pixels", "animated", "profile_too_large", "exif_loop", "polyglot",
        "truncated",
    }  # fmt: skip


def test_damaged_photos_break_nothing(pool: ImagePool) -> None:
    outcomes = [reason(pool, content) for _, content in mutants(seed=7, count=200)]
    assert "too_costly" not in outcomes
    assert outcomes.count(None) < 150
    assert reason(pool, picture()) is None


def test_the_process_stays_below_a_gigabyte(pool: ImagePool) -> None:
    big = io.BytesIO()
    Image.new("RGBA", (7200, 7200)).save(big, "PNG")
    examined = pool.examine(big.getvalue(), lines=LINES, derive=["screen", "thumb"])
    assert (7200, 7200) == (examined.width, examined.height)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2**20


def test_the_process_can_open_no_file_no_socket_and_no_child(pool: ImagePool) -> None:
    walls = pool.walls()
    assert walls["seccomp"] is True
    # The network namespace needs a right that some containers do not give; the filter closes sockets anyway.
    assert isinstance(walls["network_namespace"], bool)


def test_the_process_knows_nothing_of_ours(pool: ImagePool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", "postgresql://secret")
    made = ImagePool(size=1)
    worker = made._take()
    assert b"GRIDMGMT" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    worker.kill()


def test_a_process_that_hangs_is_killed_and_the_next_photo_is_looked_into() -> None:
    made = ImagePool(size=1, patience_s=20)
    worker = made._take()
    made._idle.put(worker)
    os.kill(worker.pid, 19)
    made._patience_s = 0.2
    assert "too_costly" == reason(made, picture())
    assert not worker.is_alive()
    made._patience_s = 20
    assert reason(made, picture()) is None
    made.close()


def test_a_process_that_dies_takes_nobody_with_it() -> None:
    made = ImagePool(size=1)
    worker = made._take()
    made._idle.put(worker)
    os.kill(worker.pid, 9)
    worker._process.wait()
    assert reason(made, picture()) is None
    made.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_that_reaches_the_process_does_not_cost_the_photo_under_way(number: int) -> None:
    made = ImagePool(size=1)
    worker = made._take()
    made._idle.put(worker)
    # Stopped first, so that the signal surely comes before the answer.
    os.kill(worker.pid, signal.SIGSTOP)
    found: list[str] = []
    asking = threading.Thread(target=lambda: found.append(made.examine(picture(), lines=LINES).media_type))
    asking.start()
    os.kill(worker.pid, number)
    os.kill(worker.pid, signal.SIGCONT)
    asking.join(30)
    made.close()
    assert found == ["image/jpeg"]


def test_a_process_is_replaced_after_its_share_of_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridmgmt.adapters.evidence.pool._MOST_JOBS", 2)
    made = ImagePool(size=1)
    reason(made, picture())
    reason(made, picture())
    again = made._take()
    assert again.jobs == 1, "only the greeting"
    again.kill()


def test_a_process_that_dies_at_its_birth_is_started_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    births = []

    class Stillborn(pool_module._Worker):
        def ask(self, header, content, patience_s):
            births.append(header)
            if len(births) == 1:
                self._process.kill()
            return super().ask(header, content, patience_s)

    monkeypatch.setattr(pool_module, "_Worker", Stillborn)
    made = ImagePool(size=1)
    assert reason(made, picture()) is None
    assert 3 == len(births), "two greetings and the photo"
    made.close()


@pytest.mark.parametrize("answer", [{}, {"width": -1}, {"width": 9, "height": 9, "media_type": "text/html"}])
def test_an_answer_that_is_nonsense_is_not_believed(answer: dict) -> None:
    from gridmgmt.adapters.evidence.pool import _checked  # noqa: PLC0415

    with pytest.raises(UnacceptablePhoto):
        _checked({"exif": "none", "meta": {}, **answer}, [], [])


# What the camera wrote.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_time_place_and_device_are_read_as_evidence(pool: ImagePool, kind: str) -> None:
    examined = pool.examine(with_notes(kind), lines=LINES)
    assert "read" == examined.exif
    assert {
        "make": "HUAWEI", "model": "P60", "serial": "SN-4711-0815", "taken_local": "2026:11:23 09:58:01",
        "taken_offset": "+08:00", "orientation": 6, "gps_datum": "WGS-84", "gps_lon": 117.205,
        "gps_lat": 39.09166667,
    } == dict(examined.meta)  # fmt: skip


def test_a_photo_without_notes_says_so(pool: ImagePool) -> None:
    assert "none" == pool.examine(picture(), lines=LINES).exif


def test_careless_notes_do_not_cost_the_evidence(pool: ImagePool) -> None:
    examined = pool.examine(picture(exif=b"Exif\0\0II*\0" + struct.pack("<I", 2**31)), lines=LINES)
    assert ("unreadable", {}) == (examined.exif, dict(examined.meta))


def test_notes_cut_anywhere_are_read_or_refused_but_never_break() -> None:
    whole = tiff()
    for end in range(len(whole)):
        try:
            exif.read_exif(whole[:end])
        except (ValueError, struct.error):
            continue


# Derivatives.


def shown(pool: ImagePool, content: bytes, kind: str = "screen") -> Image.Image:
    return Image.open(io.BytesIO(pool.examine(content, lines=LINES, derive=[kind]).derived[kind]))


def test_a_derivative_has_nothing_of_what_the_camera_wrote(pool: ImagePool) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        derived = pool.examine(with_notes(kind), lines=LINES, derive=["screen", "thumb"]).derived
        for content in derived.values():
            assert not {"exif", "icc_profile", "comment", "xmp"} & Image.open(io.BytesIO(content)).info.keys()
            assert b"SN-4711" not in content
            assert b"Exif" not in content


def test_a_derivative_is_upright_and_no_larger_than_a_screen(pool: ImagePool) -> None:
    # Orientation 6: what is wide in the file was held upright.
    image = shown(pool, with_notes(size=(3200, 2400)))
    assert 1200 == image.width
    assert 1600 < image.height < 1600 + 200
    assert 320 >= shown(pool, with_notes(size=(3200, 2400)), "thumb").width


def band(image: Image.Image, lines=LINES, font: Path | None = FONT) -> float:
    """How far the strip of a derivative is from what it should say; 0 is the same."""
    wanted = Marker(font.read_bytes() if font else None).strip(image.width, lines)
    found = image.crop((0, image.height - wanted.height, image.width, image.height))
    return ImageStat.Stat(ImageChops.difference(wanted, found).convert("L")).mean[0]


@pytest.mark.parametrize("size", [(64, 48), (640, 480), (3000, 2000)])
def test_the_strip_says_what_the_server_knows(pool: ImagePool, size: tuple[int, int]) -> None:
    image = shown(pool, picture(size=size))
    assert band(image) < 4
    other = [*LINES[:1], [("case", "120116-20261123-000002")], *LINES[2:]]
    assert band(image, other) > 2 * band(image)


def test_without_the_font_the_strip_is_english(tmp_path: Path) -> None:
    made = ImagePool(size=1, font=tmp_path / "none.otf")
    image = shown(made, picture(size=(640, 480)))
    assert band(image, font=None) < 4 < band(image)
    made.close()


def test_a_phones_two_pictures_in_one_file_are_one_photo(pool: ImagePool) -> None:
    buffer = io.BytesIO()
    first, second = (Image.new("RGB", (64, 48), c) for c in ("red", "blue"))
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    image = shown(pool, buffer.getvalue())
    assert image.getpixel((10, 10))[0] > 200


def test_a_motion_photo_with_its_clip_behind_is_accepted(pool: ImagePool) -> None:
    assert reason(pool, picture() + b"\0\0\0\x18ftypmp42" + bytes(5000)) is None
