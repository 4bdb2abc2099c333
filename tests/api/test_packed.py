"""Built pages travel packed where the browser takes it, and as what they are."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from api.packed import FOR_EVER, PackedFiles, packed

PLAIN = b"export const a = 1\n" * 100


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    (tmp_path / "a-1.js").write_bytes(PLAIN)
    (tmp_path / "a-1.js.gz").write_bytes(gzip.compress(PLAIN))
    (tmp_path / "a-1.js.br").write_bytes(b"brotli's shape")
    (tmp_path / "b-1.css").write_bytes(b"b {}")
    return tmp_path


@dataclass
class Answer:
    """An answer as it travelled: nothing unpacked."""

    status: int
    headers: httpx.Headers
    raw: bytes


def get(assets: Path, name: str, accepts: str, **headers: str) -> Answer:
    app = Starlette(routes=[Mount("/assets", PackedFiles(directory=assets))])

    async def ask() -> Answer:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
            client.stream("GET", f"/assets/{name}", headers={"Accept-Encoding": accepts} | headers) as answer,
        ):
            raw = b"".join([piece async for piece in answer.aiter_raw()])
            return Answer(answer.status_code, answer.headers, raw)

    return anyio.run(ask)


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_the_smallest_shape_that_is_accepted_travels_as_what_it_is(
    assets: Path, accepts: str, coding: str | None
) -> None:
    answer = get(assets, "a-1.js", accepts)
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == FOR_EVER
    assert (
        answer.raw == (assets / f"a-1.js{ {'br': '.br', 'gzip': '.gz'}.get(coding or '', '') }").read_bytes()
    )
    assert int(answer.headers["content-length"]) == len(answer.raw)


def test_what_has_no_packed_shape_travels_plain(assets: Path) -> None:
    answer = get(assets, "b-1.css", "br")
    assert (answer.raw, answer.headers.get("content-encoding")) == (b"b {}", None)


def test_no_shape_is_taken_for_another(assets: Path) -> None:
    tag = {"If-None-Match": get(assets, "a-1.js", "gzip").headers["etag"]}
    assert get(assets, "a-1.js", "gzip", **tag).status == 304
    plain = get(assets, "a-1.js", "identity", **tag)
    assert (plain.status, plain.raw) == (200, PLAIN)


def test_a_weight_that_cannot_be_read_is_a_no(assets: Path) -> None:
    answer = packed(assets / "a-1.js", "br;q=much", {})
    assert "content-encoding" not in answer.headers
