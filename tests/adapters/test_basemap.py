"""The base map's mirror: asked with numbers only, bounded in every way, and never missed for long."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gridmgmt.adapters import basemap
from gridmgmt.adapters.basemap import MOST_BYTES, Basemap, Layer, Picture, require_template
from gridmgmt.adapters.tilestore import TileStore
from gridmgmt.errors import InvalidInput, Unavailable
from gridmgmt.geo.tilegrid import Address, Matrix
from tests.builders_cases import NOW

PNG = b"\x89PNG\r\n\x1a\n and so on"
MIRROR = "https://mirror.test/vec_w/wmts?TILEMATRIX={z}&TILECOL={x}&TILEROW={y}&tk={key}"
TILE = Address(14, 13_546, 6_241)


class Mirror:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, directory: Path, **over: object) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, content=PNG)
        options = {"keep": timedelta(days=7)} | over
        self.basemap = Basemap(
            {Layer.GROUND: MIRROR}, "s3cret", Matrix.PROJECTED,
            TileStore(directory, most_bytes=2**30, least_free_bytes=0),
            transport=httpx.MockTransport(self._handle), **options,
        )  # fmt: skip

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.answer()

    def tile(self, at: Address = TILE, after: timedelta = timedelta(0)) -> Picture | None:
        return self.basemap.tile(Layer.GROUND, at, NOW + after)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_a_mirror_is_asked_for_one_tile_with_the_servers_key_and_once_while_it_is_fresh(
    mirror: Mirror,
) -> None:
    assert mirror.tile() == Picture(PNG, "image/png")
    assert mirror.tile(after=timedelta(days=6)) == Picture(PNG, "image/png")
    (asked,) = mirror.asked
    assert asked == "https://mirror.test/vec_w/wmts?TILEMATRIX=14&TILECOL=13546&TILEROW=6241&tk=s3cret"
    mirror.tile(after=timedelta(days=8))
    assert len(mirror.asked) == 2


def test_without_days_nothing_is_kept(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, keep=timedelta(0))
    mirror.tile()
    mirror.tile()
    assert (2, []) == (len(mirror.asked), [p for p in tmp_path.rglob("*") if p.is_file()])


@pytest.mark.parametrize("status", [204, 404])
def test_where_a_mirror_has_nothing_nothing_is_drawn_and_it_is_not_asked_again(
    mirror: Mirror, status: int
) -> None:
    mirror.answer = lambda: httpx.Response(status)
    assert mirror.tile() is None
    assert mirror.tile() is None
    assert len(mirror.asked) == 1


BAD_ANSWERS = {
    "a page": lambda: httpx.Response(200, content=b"<html><script>alert(1)</script>"),
    "an svg": lambda: httpx.Response(200, content=b"<svg onload=alert(1)>"),
    "nothing": lambda: httpx.Response(200, content=b""),
    "another address": lambda: httpx.Response(302, headers={"Location": "http://169.254.169.254/latest"}),
    "a refusal": lambda: httpx.Response(403, content=b"key s3cret is not valid"),
    "too much": lambda: httpx.Response(200, content=PNG + b"x" * MOST_BYTES),
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_what_is_no_picture_is_not_passed_on_and_not_kept(mirror: Mirror, tmp_path: Path, what: str) -> None:
    mirror.answer = BAD_ANSWERS[what]
    with pytest.raises(Unavailable) as refused:
        mirror.tile()
    assert "s3cret" not in f"{refused.value.message}{refused.value.facts}"
    assert (1, []) == (len(mirror.asked), [p for p in tmp_path.rglob("*") if p.is_file()])


def test_a_mirror_that_does_not_answer_is_left_alone_for_a_while_and_what_is_kept_is_shown(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(basemap.time, "monotonic", lambda: clock[0])
    mirror.tile()

    def silence() -> httpx.Response:
        raise httpx.ConnectTimeout("no answer from https://mirror.test?tk=s3cret")

    mirror.answer = silence
    late = timedelta(days=30)
    assert mirror.tile(after=late) == Picture(PNG, "image/png")
    other = Address(14, 1, 1)
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            mirror.tile(other)
        assert refused.value.facts == {"retry_after_s": 20}
    assert len(mirror.asked) == 2, "it was asked once more and then left alone"
    clock[0] += basemap.REST_S
    mirror.answer = lambda: httpx.Response(200, content=PNG)
    assert mirror.tile(other) == Picture(PNG, "image/png")


@pytest.mark.parametrize("status", [302, 400, 401, 403, 418, 429, 500, 503])
def test_a_mirror_that_refuses_is_left_alone_for_a_while_so_that_asking_on_costs_no_allowance(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    clock = [100.0]
    monkeypatch.setattr(basemap.time, "monotonic", lambda: clock[0])
    mirror.answer = lambda: httpx.Response(status)
    for y in range(4):
        with pytest.raises(Unavailable) as refused:
            mirror.tile(Address(14, 1, y))
        assert refused.value.facts == {"retry_after_s": 20}
    assert len(mirror.asked) == 1
    clock[0] += basemap.REST_S
    mirror.answer = lambda: httpx.Response(404)
    assert [mirror.tile(Address(14, 2, y)) for y in range(3)] == [None] * 3
    assert len(mirror.asked) == 4, "that a tile is not there is no refusal"


def test_few_fetches_are_under_way_at_once(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[dict] = []

    def asks_another() -> httpx.Response:
        if len(mirror.asked) <= basemap.MOST_AT_ONCE:
            try:
                mirror.tile(Address(14, len(mirror.asked), 0))
            except Unavailable as fault:
                refused.append(dict(fault.facts))
        return httpx.Response(200, content=PNG)

    mirror.answer = asks_another
    mirror.tile()
    assert [{"retry_after_s": 1}] == refused


def test_a_directory_that_cannot_be_written_costs_the_copy_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    mirror = Mirror(tmp_path / "file")
    assert mirror.tile() == Picture(PNG, "image/png")


@pytest.mark.parametrize(
    ("address", "has_key"),
    [
        ("https://mirror.test/{z}/{x}.png", False),
        ("https://{x}.mirror.test/{z}/{x}/{y}", False),
        ("https://mirror.test/{z}/{x}/{y}?tk={key}", False),
        ("https://mirror.test/{z}/{x}/{y}", True),
        ("https://mirror.test?{z}{x}{y}", False),
    ],
)
def test_an_address_has_a_place_for_each_number_behind_its_host_and_for_the_key_if_there_is_one(
    address: str, has_key: bool
) -> None:
    with pytest.raises(InvalidInput):
        require_template(address, has_key=has_key)
