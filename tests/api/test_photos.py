"""Photos over HTTP: sent twice is stored once, what is no photo is refused, looking is for the street."""

import hashlib
import io

import httpx
import pytest
from PIL import Image

from gridmgmt.demo.photos import DrawnPhoto
from tests.api.client import Person, make_photo


def named(content: bytes) -> DrawnPhoto:
    return DrawnPhoto(content, hashlib.sha256(content).hexdigest())


def test_the_first_upload_is_created_and_the_next_one_known(worker: Person) -> None:
    photo = make_photo()
    first, again = worker.put_photo(photo), worker.put_photo(photo)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert first.json() == {
        "sha256": photo.sha256, "media_type": "image/jpeg", "bytes": len(photo.content), "width": 16,
        "height": 8, "received_at": "2026-11-23T02:00:00Z",
    }  # fmt: skip


def test_the_bytes_come_back_as_they_were_and_may_be_kept(worker: Person, shift: Person) -> None:
    photo = make_photo()
    worker.put_photo(photo)
    answer = shift.get(f"/photos/{photo.sha256}")
    assert answer.content == photo.content
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, max-age=86400, immutable"


def png(size: tuple[int, int] = (16, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG")
    return buffer.getvalue()


REFUSED = {
    "not_an_image": (named(b"Dear sir, this is a text called photo.jpg"), "image/jpeg"),
    "hash_differs": (DrawnPhoto(make_photo().content, "0" * 64), "image/jpeg"),
    "truncated": (named(png((400, 300))[:-40]), "image/png"),
    "type_differs": (named(png()), "image/jpeg"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_photo_is_refused_with_the_reason(worker: Person, reason: str) -> None:
    photo, media_type = REFUSED[reason]
    answer = worker.put_photo(photo, media_type)
    assert (answer.status_code, answer.json()["code"]) == (422, "unacceptable_photo")
    assert answer.json()["facts"]["reason"] == reason
    assert worker.get(f"/photos/{photo.sha256}").status_code == 404


def test_a_photo_that_would_unpack_to_gigabytes_is_refused(worker: Person) -> None:
    bomb = named(png((10_000, 10_000)))
    assert len(bomb.content) < 2**20
    answer = worker.put_photo(bomb, "image/png")
    assert (answer.status_code, answer.json()["facts"]["reason"]) == (422, "too_many_pixels")


def test_a_photo_is_named_by_its_digest_and_nothing_else(worker: Person) -> None:
    for name in ("photo.jpg", "A" * 64, "0" * 63, "../../etc/passwd"):
        answer = worker.http.put(f"/api/v1/photos/{name}", content=b"x")
        assert answer.status_code in {404, 422}


def test_a_photo_without_a_type_is_refused(worker: Person) -> None:
    photo = make_photo()
    answer: httpx.Response = worker.http.put(f"/api/v1/photos/{photo.sha256}", content=photo.content)
    assert answer.json()["facts"]["reason"] == "type_differs"
