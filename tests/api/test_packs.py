"""Packs over HTTP: one's own grids, whole, and nothing of anybody; asked again at the price of a line."""

import json
import struct
import uuid

import pytest
from shapely.geometry import shape

from gridmgmt.services import packs
from tests.api.client import Person, Server
from tests.api.patrolling import plan_version, target

LAYERS = {"cells", "communities", "blocks", "roads", "buildings"}


@pytest.fixture
def worker(server: Server) -> Person:
    return server.person("demo-worker-001")


def set_plan(server: Server, cell: str, *targets: dict) -> None:
    """Set what is to be walked in a cell."""
    body = {"id": str(uuid.uuid4()), "version": plan_version(server, cell), "targets": list(targets)}
    answer = server.person("demo-planner").http.put(f"/api/v1/patrol-plans/{cell}", json=body)
    assert answer.status_code == 200, answer.text


def taken(worker: Person, cell: str) -> tuple[dict, dict[tuple, bytes]]:
    """A pack's header, and its tiles by address."""
    answer = worker.get(f"/packs/{cell}")
    assert answer.status_code == 200, answer.text
    (length,) = struct.unpack(">I", answer.content[:4])
    header, at = json.loads(answer.content[4 : 4 + length]), 4 + length
    found = {}
    for *address, size in header["tiles"]:
        found[tuple(address)] = answer.content[at : at + size]
        at += size
    assert at == len(answer.content)
    return header, found


def test_a_pack_holds_every_tile_of_a_grid_as_the_map_would_get_it(worker: Person) -> None:
    (offered,) = [p for p in worker.get("/packs").json()["items"] if p["cell_code"] == worker.cells[0]]
    header, tiles = taken(worker, worker.cells[0])
    assert (offered["tiles"], offered["name"]) == (len(tiles), header["name"])
    assert LAYERS == {layer for layer, *_ in tiles}
    assert set(range(header["zooms"][0], header["zooms"][1] + 1)) == {z for _, z, _, _ in tiles}
    for (layer, z, x, y), content in list(tiles.items())[:: max(1, len(tiles) // 8)]:
        assert worker.get(f"/tiles/{layer}/{z}/{x}/{y}.mvt").content == content
    nearest = [content for (layer, z, *_), content in tiles.items() if (layer, z) == ("cells", 16)]
    assert any(worker.cells[0].encode() in content for content in nearest)


def test_a_pack_holds_the_grids_outline_hexagons_and_checkpoints(server: Server, worker: Person) -> None:
    cell = worker.cells[0]
    set_plan(server, cell, target(worker, name="垃圾房"))
    header, _ = taken(worker, cell)
    assert ["垃圾房"] == [one["name"] for one in header["targets"]]
    assert shape(header["outline"]).is_valid
    assert (12, True) == (header["resolution"], len(header["hexagons"]) > 50)


def test_a_pack_says_nothing_of_any_person(server: Server, worker: Person) -> None:
    header, tiles = taken(worker, worker.cells[0])
    everything = json.dumps(header, ensure_ascii=False).encode() + b"".join(tiles.values())
    told = [p["name"] for p in server.people()] + [p["id"] for p in server.people()]
    assert [] == [word for word in told if word.encode() in everything]


def test_unchanged_costs_no_bytes_and_a_new_plan_of_patrols_another_tag(
    server: Server, worker: Person
) -> None:
    cell = worker.cells[0]

    def tag() -> str:
        return next(p["tag"] for p in worker.get("/packs").json()["items"] if p["cell_code"] == cell)

    before, etag = tag(), worker.get(f"/packs/{cell}").headers["etag"]
    again = worker.http.get(f"/api/v1/packs/{cell}", headers={"If-None-Match": etag})
    assert (304, b"", before) == (again.status_code, again.content, tag())
    set_plan(server, cell)
    assert before != tag()
    assert etag != worker.get(f"/packs/{cell}").headers["etag"]


def test_under_the_same_tag_nothing_is_drawn_to_say_that_nothing_changed(
    worker: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = worker.cells[0]
    etag = worker.get(f"/packs/{cell}").headers["etag"]
    (offered,) = [p for p in worker.get("/packs").json()["items"] if p["cell_code"] == cell]
    assert etag.startswith(f'"{offered["tag"]}.')
    drawn: list[object] = []
    monkeypatch.setattr(packs, "packed", lambda *given: drawn.append(given) or b"")
    again = worker.http.get(f"/api/v1/packs/{cell}", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (304, etag, []) == (again.status_code, again.headers["etag"], drawn)


def test_under_another_tag_the_same_content_costs_no_bytes(worker: Person) -> None:
    etag = worker.get(f"/packs/{worker.cells[0]}").headers["etag"]
    before = f'"{"0" * 32}.{etag[1:-1].partition(".")[2]}"'
    again = worker.http.get(f"/api/v1/packs/{worker.cells[0]}", headers={"If-None-Match": before})
    assert (304, etag, b"") == (again.status_code, again.headers["etag"], again.content)


@pytest.mark.parametrize("accepts", ["gzip;q=0", "gzip;q=0, br", "identity", "xgzip"])
def test_whoever_takes_no_gzip_gets_none(worker: Person, accepts: str) -> None:
    plain = worker.http.get(f"/api/v1/packs/{worker.cells[0]}", headers={"Accept-Encoding": accepts})
    assert plain.headers.get("content-encoding") is None
    assert int(plain.headers["content-length"]) == len(plain.content)


def test_packs_are_of_ones_own_grids(server: Server, worker: Person) -> None:
    other = server.person("demo-worker-002")
    foreign = next(c for c in other.cells if c not in worker.cells)
    assert sorted(worker.cells) == [p["cell_code"] for p in worker.get("/packs").json()["items"]]
    assert (404, "pack") == (
        worker.get(f"/packs/{foreign}").status_code,
        worker.get(f"/packs/{foreign}").json()["facts"]["kind"],
    )
    assert [] == server.person("demo-dispatcher").get("/packs").json()["items"]


def test_on_the_way_a_pack_is_small(worker: Person) -> None:
    packed = worker.http.get(f"/api/v1/packs/{worker.cells[0]}", headers={"Accept-Encoding": "gzip"})
    assert int(packed.headers["content-length"]) < len(packed.content) / 2
