"""What the command centre reads: board, heat, plan, cells, tiles, classes, and the pages themselves."""

import pytest
from sqlalchemy import text

from gridmgmt.geo.crs import LonLat
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server, make_settings, served
from tests.storage.test_tiles import tile_of


@pytest.fixture(scope="module")
def case(server: Server) -> dict:
    """One open case, reported before anything is read."""
    return server.person("demo-worker-001").report()


def test_the_board_agrees_with_the_lists(case: dict, shift: Person) -> None:
    board = shift.get("/board").json()
    listed = shift.get("/cases", limit=200).json()["items"]
    open_ = [row for row in listed if row["state"] not in {"closed", "rejected", "merged", "voided"}]
    assert board["totals"]["open"] == len(open_)
    assert sum(board["lights"].values()) == sum(row["light"] is not None for row in open_)
    assert board["recent"][0]["case_id"] == case["id"]
    assert board["at"] == "2026-11-23T02:00:00Z"


@pytest.mark.parametrize("resolution", [8, 9, 10, 11, 12])
def test_heat_covers_every_case_at_every_resolution(case: dict, shift: Person, resolution: int) -> None:
    heat = shift.get("/heat", resolution=resolution).json()
    assert heat["total"] == sum(f["properties"]["count"] for f in heat["features"]) + heat["without_point"]
    assert heat["total"] == len(shift.get("/cases", limit=200).json()["items"])


def test_the_cells_are_those_of_the_plan_and_nested_in_communities(shift: Person) -> None:
    (plan,) = shift.get("/plans").json()["items"]
    cells = shift.get("/cells").json()["features"]
    assert len(cells) == plan["cells"] == shift.get("/board").json()["plan"]["cells"]
    assert (plan["status"], plan["synthetic"]) == ("published", True)
    assert plan["report_card"]["cells"] == plan["cells"]
    for feature in cells:
        properties = feature["properties"]
        assert properties["code"].startswith(properties["community_code"])
        assert len(properties["code"]) == 15
    assert shift.get("/cells", plan=plan["id"]).json()["features"] == cells


def test_before_the_plan_there_were_no_cells(shift: Person) -> None:
    assert shift.get("/cells", on="2020-01-01T00:00:00Z").json()["features"] == []


def test_who_owns_a_point_is_answered_for_planners_and_workers(worker: Person, server: Server) -> None:
    for person in (worker, server.person("demo-planner")):
        told = person.get("/cells/at", **worker.place, datum="wgs84").json()
        assert told["code"] == worker.cells[0]
        assert told["worker"]["id"] == worker.id
    outside = worker.get("/cells/at", lon=117.2, lat=39.1, datum="wgs84")
    assert (outside.status_code, outside.json()["code"]) == (422, "outside_area")
    before = worker.get("/cells/at", **worker.place, datum="wgs84", on="2020-01-01T00:00:00Z")
    assert (before.status_code, before.json()["code"]) == (409, "plan_not_in_force")


def address(worker: Person, zoom: int = 16) -> str:
    z, x, y = tile_of(LonLat(worker.place["lon"], worker.place["lat"]), zoom)
    return f"{z}/{x}/{y}.mvt"


@pytest.mark.parametrize("layer", ["cells", "communities", "blocks", "roads", "buildings"])
def test_tiles_are_vector_tiles_of_their_layer(worker: Person, layer: str) -> None:
    answer = worker.get(f"/tiles/{layer}/{address(worker, 14)}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert layer.encode() in answer.content


def test_an_empty_tile_has_no_content(worker: Person) -> None:
    answer = worker.get("/tiles/cells/16/0/0.mvt")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_tile_that_is_known_is_not_sent_again_until_something_changes(
    server: Server, worker: Person
) -> None:
    path = f"/api/v1/tiles/cells/{address(worker)}"
    first = worker.http.get(path)
    known = {"If-None-Match": first.headers["ETag"]}
    again = worker.http.get(path, headers=known)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["X-Content-Type-Options"] == "nosniff"
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("update app.grid_cells set name = '改名' where code = :c"), {"c": worker.cells[0]})
    after = worker.http.get(path, headers=known)
    assert after.status_code == 200
    assert "改名".encode() in after.content


def test_a_tile_is_for_the_one_who_asked(server: Server, worker: Person) -> None:
    answer = worker.get(f"/tiles/cells/{address(worker)}")
    assert "private" in answer.headers["Cache-Control"]
    assert "Cookie" in answer.headers["Vary"]
    assert server.client.get(f"/api/v1/tiles/cells/{address(worker)}").status_code == 401


def test_the_map_says_where_it_is_and_what_is_made_up(shift: Person) -> None:
    extent = shift.get("/extent").json()
    assert extent["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert len(extent["notes"]) == 2
    west, south, east, north = extent["bbox"]
    assert 117 < west < east < 118
    assert 38 < south < north < 40


def test_classes_are_those_of_the_day(worker: Person) -> None:
    body = worker.get("/categories").json()
    keys = [c["key"] for c in body["items"]]
    assert "GB/T 47678.5-2026:matter:09006" in keys
    assert len(keys) == len(set(keys))
    assert worker.get("/categories", on="2026-06-30").json()["standard_ref"] == ["LOCAL-TJ"]


def test_the_description_of_the_interface_is_served_and_has_examples(server: Server) -> None:
    document = server.client.get("/api/v1/openapi.json").json()
    assert document["info"]["title"] == "gridmgmt"
    assert "Problem" in document["components"]["schemas"]
    assert document["components"]["schemas"]["ReportIn"]["examples"]
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            assert about.get("summary") or about.get("description"), f"{method} {path}"


def test_the_pages_and_their_assets_are_served(server: Server) -> None:
    for path, title in (("/", "centre"), ("/field", "field")):
        page = server.client.get(path)
        assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-cache")
        assert title in page.text
    assert server.client.get("/assets/a.js").headers["Content-Type"].startswith("text/javascript")


def test_a_phone_finds_a_newer_version_of_the_page_beside_it_and_no_copy_in_between(server: Server) -> None:
    kinds = {"/field-sw.js": "text/javascript", "/field.webmanifest": "application/manifest+json"}
    for path, kind in kinds.items():
        answer = server.client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
        # A worker below / may keep pages below /field without further ado.
        assert answer.headers["Content-Type"].startswith(kind)


def test_pages_that_were_not_built_are_missed_in_plain_words(own_demo_url: str, directory) -> None:
    settings = make_settings(own_demo_url, directory, web_dir=directory / "nothing")
    with served(settings, directory) as bare:
        answer = bare.client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "make web" in answer.json()["detail"]


def test_alive_and_ready_are_told_without_a_session(server: Server) -> None:
    assert server.client.get("/livez").json() == {"status": "ok"}
    ready = server.client.get("/readyz")
    assert ready.status_code == 200
    checks = ready.json()["checks"]
    assert (checks["database"], checks["schema"], checks["plan"]) == ("ok", "ok", "ok")
    assert ready.json()["status"] in {"ready", "degraded"}


def test_answers_are_utf8_json_with_times_in_utc(case: dict, shift: Person) -> None:
    answer = shift.get(f"/cases/{case['id']}")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["reported_at"] == "2026-11-23T02:00:00Z"
    assert "占道经营".encode() in answer.content
