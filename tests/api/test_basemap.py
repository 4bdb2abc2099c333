"""The base map's door over HTTP, with a mirror on a socket: around one's street, and without its key."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gridmgmt.adapters.tilestore import TileStore
from gridmgmt.geo.tilegrid import Address, Box, Matrix, over
from gridmgmt.keeping import Keeping
from tests.api.client import Server, make_settings, served

PNG = b"\x89PNG\r\n\x1a\n a tile"
KEY = "a-key-of-the-mirror"


class Asked(BaseHTTPRequestHandler):
    """A WMTS mirror: keeps the addresses that it was asked, answers a tile."""

    addresses: list[str]

    def do_GET(self) -> None:
        self.addresses.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def mirror() -> Iterator[tuple[str, list[str]]]:
    """Its address and what it was asked."""
    handler = type("Handler", (Asked,), {"addresses": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler.addresses
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def with_mirror(
    own_demo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, list[str]]]:
    directory: Path = tmp_path_factory.mktemp("basemap")
    with mirror() as (address, asked):
        settings = make_settings(
            own_demo_url,
            directory,
            basemap_url=address + "/vec_c/wmts?TILEMATRIX={z}&TILECOL={x}&TILEROW={y}&tk={key}",
            basemap_key=KEY,
            basemap_matrix="c",
            basemap_attribution="测试底图",
            basemap_review_number="GS(测)0001号",
            basemap_least_free_bytes=0,
        )
        with served(settings, directory) as server:
            yield server, asked


def tile_here(server: Server, zoom: int = 15) -> Address:
    west, south, east, north = server.person("demo-worker-001").get("/extent").json()["bbox"]
    projected = next(iter(over(Box(west, south, east, north), [zoom])))
    middle = (south + north) / 2
    return Address(zoom, projected.x, int((90.0 - middle) / (360.0 / 2**zoom)))


def test_the_extent_says_what_must_be_written_on_the_base_map_and_nothing_of_its_key(
    with_mirror: tuple[Server, list[str]],
) -> None:
    server, _ = with_mirror
    answer = server.person("demo-worker-001").get("/extent")
    assert answer.json()["basemap"] == {
        "layers": ["ground"],
        "matrix": str(Matrix.GEOGRAPHIC),
        "least_zoom": 10,
        "most_zoom": 18,
        "attribution": "测试底图",
        "review_number": "GS(测)0001号",
    }
    assert KEY not in answer.text
    assert "127.0.0.1" not in answer.text


def test_a_tile_comes_from_the_mirror_once_and_with_a_tag(with_mirror: tuple[Server, list[str]]) -> None:
    server, asked = with_mirror
    worker, tile = server.person("demo-worker-001"), tile_here(server)
    address = f"/basemap/ground/{tile.z}/{tile.x}/{tile.y}"
    asked.clear()
    first = worker.get(address)
    assert (200, PNG, "image/png") == (first.status_code, first.content, first.headers["content-type"])
    assert [f"/vec_c/wmts?TILEMATRIX={tile.z}&TILECOL={tile.x}&TILEROW={tile.y}&tk={KEY}"] == asked
    again = worker.http.get(f"/api/v1{address}", headers={"If-None-Match": first.headers["etag"]})
    assert (304, 1) == (again.status_code, len(asked))
    assert first.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("ground/15/0/0", 404),
        ("ground/15/27009/5000", 404),
        ("ground/15/{x}/99999", 404),
        ("labels/15/{x}/{y}", 404),
        ("other/15/{x}/{y}", 422),
        ("ground/21/0/0", 422),
        ("ground/15/{x}/..%2f..%2fetc", 404),
        ("ground/15/{x}/{y}?url=http://example.org", 200),
    ],
)
def test_no_other_tile_and_no_other_host_can_be_asked_for(
    with_mirror: tuple[Server, list[str]], address: str, status: int
) -> None:
    server, asked = with_mirror
    tile = tile_here(server)
    path = address.format(x=tile.x + 1, y=tile.y)
    asked.clear()
    answer = server.person("demo-worker-001").http.get(f"/api/v1/basemap/{path}")
    assert status == answer.status_code, answer.text
    assert all(path.startswith("/vec_c/wmts?TILEMATRIX=15") for path in asked)
    assert (status == 200) == bool(asked)


@pytest.mark.parametrize(("zoom", "status"), [(9, 404), (10, 200), (18, 200), (19, 404), (20, 404)])
def test_only_the_zooms_that_pages_are_told_of_are_asked_for(
    with_mirror: tuple[Server, list[str]], zoom: int, status: int
) -> None:
    server, asked = with_mirror
    tile = tile_here(server, zoom)
    asked.clear()
    answer = server.person("demo-worker-001").get(f"/basemap/ground/{tile.z}/{tile.x}/{tile.y}")
    assert (status, status == 200) == (answer.status_code, bool(asked)), answer.text


def test_the_worker_takes_away_what_is_beyond_the_bound_every_five_minutes(
    with_mirror: tuple[Server, list[str]],
) -> None:
    server, asked = with_mirror
    parts, now, tile = server.app.state.parts, server.clock.at, tile_here(server)
    bound_to_nothing = TileStore(parts.settings.home / "basemap", most_bytes=0, least_free_bytes=0)
    keeping = Keeping(parts.keys, parts.export_files, bound_to_nothing, most_rows=1)
    for minutes, again in ((0, True), (4, False), (5, True)):
        server.person("demo-worker-001").get(f"/basemap/ground/{tile.z}/{tile.x}/{tile.y}")
        asked.clear()
        keeping(server.engine, now + timedelta(minutes=minutes))
        server.person("demo-worker-001").get(f"/basemap/ground/{tile.z}/{tile.x}/{tile.y}")
        assert bool(asked) == again


def test_without_a_mirror_there_is_no_base_map(server: Server) -> None:
    worker = server.person("demo-worker-001")
    assert worker.get("/extent").json()["basemap"] is None
    answer = worker.get("/basemap/ground/10/846/195")
    assert (404, "basemap") == (answer.status_code, answer.json()["facts"]["kind"])
