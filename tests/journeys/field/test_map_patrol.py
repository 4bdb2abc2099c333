"""The map and the patrol on a real phone page: with a network, without one, with positions that go silent."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from shapely.geometry import Point, shape

from gridmgmt.demo.client import DemoClient
from tests.journeys.field.mirror import green_at, mirror
from tests.journeys.field.walking import WORKER, Walker, plan_of_the_day
from tests.journeys.installation import CHECKOUT, Installation
from tests.journeys.pages import PATIENCE_MS, chromium
from tests.journeys.test_browser import require_parts

ARTIFACTS = CHECKOUT / "artifacts"
MINUTE_MS = 60_000
_NEARLY_EMPTY = """
    navigator.getBattery = async () => Object.assign(new EventTarget(), { level: 0.15, charging: false })
"""


@dataclass(frozen=True)
class Ground:
    """The worker's grid, its stops, and the way to ask the server behind the phone's back."""

    installation: Installation
    zooms: list[int]
    cell: dict[str, Any]
    stops: list[Point]
    targets: list[dict[str, Any]]

    def ask(self, login: str, path: str, **params: str) -> Any:
        """GET as somebody."""
        with DemoClient(self.installation.base_url) as client:
            person = next(p for p in client.people() if p["login"] == login)
            return client.get(client.sign_in(person), path, **params)


@pytest.fixture(scope="module")
def ground(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    require_parts()
    ARTIFACTS.mkdir(exist_ok=True)
    with mirror() as (address, zooms):
        made = Installation(
            own_demo_url, tmp_path_factory.mktemp("home"), basemap_url=address, basemap_key="stub-key",
            basemap_matrix="c", basemap_attribution="测试底图", basemap_review_number="GS(测)0001号",
        )  # fmt: skip
        made.start()
        try:
            yield _planned(made, zooms)
        finally:
            made.stop()


def _planned(made: Installation, zooms: list[int]) -> Ground:
    """Three checkpoints in the first worker's first grid, and nothing else to walk."""
    names = ("北门垃圾房", "配电箱", "临街井盖")
    cell, stops, targets = plan_of_the_day(made.base_url, WORKER, names)
    return Ground(made, zooms, cell, stops, targets)


@pytest.fixture(scope="module")
def browser(ground: Ground) -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_the_map_shows_ones_grids_and_what_is_near_and_draws_the_same_without_a_network(
    ground: Ground, browser: Browser
) -> None:
    phone = Walker(browser, ground.installation.base_url, ground.stops[0])
    phone.open()
    phone.act_as(WORKER)
    phone.tab("map")
    phone.map_is_drawn("field-map")
    code = ground.cell["properties"]["code"]
    pack = phone.by(f"pack-{code}")
    expect(pack).to_have_attribute("data-state", "kept")
    expect(pack).to_contain_text("KB")
    assert {code} == {one["code"] for one in phone.drawn("own-cell")}
    assert len({one["code"] for one in phone.drawn("cell-line")}) > 1, "the neighbours are there, faintly"
    phone.picture(ARTIFACTS / "field-map.png")

    # The twin says the same in words, nearest first, and is reached without a finger.
    rows = phone.by("map-list").locator("li button")
    expect(rows.first).to_contain_text("北门垃圾房")
    expect(rows.first).to_contain_text("0 米")
    rows.first.focus()
    phone.page.keyboard.press("Enter")
    expect(phone.by("patrol-plan")).to_be_visible()

    # A finger on a mark opens it, also where the sunlight theme enlarges the page.
    phone.page.evaluate("localStorage.setItem('gridmgmt.theme', 'sunlight')")
    phone.page.reload()
    phone.tab("map")
    phone.map_is_drawn("field-map")
    phone.picture(ARTIFACTS / "field-map-sunlight.png")
    mark = ground.stops[2]
    phone.page.touchscreen.tap(*phone.on_screen("field-map", mark.x, mark.y))
    expect(phone.by("patrol-plan")).to_be_visible()
    phone.page.evaluate("localStorage.removeItem('gridmgmt.theme')")

    # A fresh page without a server: drawn from the phone.
    phone.without_server()
    phone.page.reload()
    phone.by("tab-map").click()
    phone.map_is_drawn("field-map")
    assert {code} == {one["code"] for one in phone.drawn("own-cell")}
    for layer in ("road-fill", "buildings", "blocks"):
        assert phone.drawn(layer), layer
    expect(phone.by("map-stale")).to_be_visible()
    expect(phone.by("map-list").locator("li button").first).to_contain_text("北门垃圾房")
    phone.picture(ARTIFACTS / "field-map-offline.png")

    # Deleted by hand it stays away; for another person it was never there.
    phone.with_server()
    pack.get_by_role("button").click()
    expect(pack).to_have_attribute("data-state", "unwanted")
    phone.act_as("demo-worker-002")
    phone.tab("map")
    expect(phone.by(f"pack-{code}")).to_have_count(0)
    assert phone.watch.foreign == []
    phone.context.close()


def test_a_base_map_in_degrees_lies_where_it_belongs_and_comes_through_our_server_alone(
    ground: Ground, browser: Browser
) -> None:
    phone = Walker(
        browser, ground.installation.base_url, ground.stops[0], locale="en-US", color_scheme="light"
    )
    phone.open()
    phone.act_as(WORKER)
    phone.tab("map")
    phone.map_is_drawn("field-map")
    phone.by("map-basemap").check()
    expect(phone.by("map-screen")).to_contain_text("GS(测)0001号")
    phone.page.evaluate(
        "for (const id of ['own-cell', 'here', 'here-accuracy', 'thing', 'thing-sign'])"
        " __map.setLayoutProperty(id, 'visibility', 'none')"
    )
    phone.page.wait_for_timeout(300)
    phone.map_is_drawn("field-map")
    zoom = max(ground.zooms)
    west, south, east, north = shape(ground.cell["geometry"]).bounds
    seen = 0
    for share in (0.15, 0.35, 0.55, 0.75):
        lon, lat = west + (east - west) * 0.37, south + (north - south) * share
        red, green, blue = phone.colour_at("field-map", lon, lat)
        # Where a line of ours lies over it, the place tells nothing.
        if abs(red - 200) < 12 and abs(blue - 40) < 12:
            assert abs((green - green_at(zoom, lat) + 128) % 256 - 128) < 14, (
                lat,
                green,
                green_at(zoom, lat),
            )
            seen += 1
    assert seen >= 2
    phone.picture(ARTIFACTS / "field-map-basemap.png")
    phone.watch.require_peace()
    phone.context.close()


def test_a_patrol_without_a_network_says_unknown_where_the_phone_was_silent_and_arrives_whole(
    ground: Ground, browser: Browser
) -> None:
    gate, box, well = ground.targets
    at_gate = ground.stops[0]
    phone = Walker(browser, ground.installation.base_url, at_gate)
    phone.page.clock.install()
    phone.open()
    phone.act_as(WORKER)
    phone.tab("map")
    expect(phone.by(f"pack-{ground.cell['properties']['code']}")).to_have_attribute("data-state", "kept")
    phone.tab("patrol")
    expect(phone.by("patrol-plan").locator("ol li")).to_have_count(3)
    phone.without_server()
    phone.by("shift-start").click()
    expect(phone.by("shift-open")).to_be_visible()
    phone.walk_to(Point(at_gate.x + 1e-6, at_gate.y), 1)
    expect(phone.by("plan-behind")).to_contain_text(gate["name"])  # reached, by the position alone
    assert phone.nothing_found(gate) == "at_place"
    phone.tab("home")
    expect(phone.by("recording")).to_be_visible()
    phone.picture(ARTIFACTS / "field-recording.png")
    phone.by("recording").click()

    # Nothing can be told of where he is for five minutes, and the phone does not guess.
    phone.lose_position()
    phone.page.clock.fast_forward(5 * MINUTE_MS)
    expect(phone.by("coverage")).to_have_attribute("data-source", "phone")
    phone.page.clock.fast_forward(MINUTE_MS)
    assert phone.nothing_found(box) == "unknown"
    silent = phone.shares()
    assert silent["unknown"] > 20
    assert silent["covered"] > 0

    # The page is killed in the middle of the shift and opened again: the shift goes on, the hole stays.
    phone.page.reload()
    phone.by("tab-patrol").click()
    expect(phone.by("shift-open")).to_be_visible()
    phone.walk_to(Point(at_gate.x + 2e-6, at_gate.y), 2)
    assert phone.nothing_found(well) == "not_at_place"
    assert phone.shares()["unknown"] > 20
    phone.by("coverage-open").click()
    phone.map_is_drawn("coverage-map")
    assert {"covered", "unknown"} <= {one["verdict"] for one in phone.drawn("hexagons")}
    phone.full_picture(ARTIFACTS / "field-patrol.png")
    _end_and_send(phone)
    assert phone.watch.foreign == []
    phone.context.close()
    _require_arrived(ground, phone.ended_shift())


def _end_and_send(phone: Walker) -> None:
    """Sign off without a server, then let everything go, and look at what came of it."""
    phone.by("shift-end").click()
    phone.by("shift-end-sure").click()
    expect(phone.by("shift-ended")).to_be_visible()

    phone.with_server()
    expect(phone.by("patrol-waiting")).to_have_count(0, timeout=PATIENCE_MS)
    expect(phone.by("kept-until")).to_be_visible()
    expect(phone.by("coverage")).to_have_attribute("data-source", "server")
    assert phone.shares()["unknown"] > 20
    phone.map_is_drawn("coverage-map")
    assert len(phone.drawn("trace")) >= 1, "his own way, as dots"
    phone.full_picture(ARTIFACTS / "field-patrol-ended.png")


def _require_arrived(ground: Ground, shift_id: str) -> None:
    """The server has the shift as it was: positions, taps with where they were made, a hole of minutes."""
    track = ground.ask(WORKER, f"/patrols/{shift_id}/track")
    assert (2, 2) == (len(track["features"]), track["shift"]["points_counted"])
    assert track["shift"]["unseen_s"] >= 5 * 60
    found = ground.ask("demo-dispatcher", "/patrols/coverage.geojson", shift=shift_id)["features"]
    noted = {
        f["properties"]["name"]: f["properties"]["noted"] for f in found if f["properties"]["what"] == "point"
    }
    assert {"北门垃圾房": ["at_place"], "配电箱": ["unknown"], "临街井盖": ["not_at_place"]} == {
        name: [one["at_place"] for one in taps] for name, taps in noted.items()
    }
    verdicts = {f["properties"]["verdict"] for f in found if f["properties"]["what"] == "hexagon"}
    assert {"covered", "unknown"} <= verdicts


def test_a_patrol_with_a_network_by_keyboard_and_on_a_low_battery(ground: Ground, browser: Browser) -> None:
    phone = Walker(
        browser, ground.installation.base_url, ground.stops[1], locale="en-US", color_scheme="dark"
    )
    phone.context.add_init_script(_NEARLY_EMPTY)
    phone.open()
    phone.act_as(WORKER)
    phone.speak_english()
    phone.tab("patrol")

    def press(name: str) -> None:
        phone.by(name).first.focus()
        phone.page.keyboard.press("Enter")

    press("shift-start")
    expect(phone.by("pace")).to_contain_text("45 seconds")
    expect(phone.by("awake")).to_have_count(0)
    expect(phone.by("coverage")).to_have_attribute("data-source", "server", timeout=PATIENCE_MS)
    before = phone.by("patrol-plan").locator("ol li").count()
    press("nothing-found")
    expect(phone.by("patrol-plan").locator("ol li")).to_have_count(before - 1)
    expect(phone.by("patrol-waiting")).to_have_count(0, timeout=PATIENCE_MS)
    phone.full_picture(ARTIFACTS / "field-patrol-en-dark.png")
    press("shift-end")
    press("shift-end-sure")
    expect(phone.by("kept-until")).to_be_visible()
    phone.tab("map")
    phone.map_is_drawn("field-map")
    phone.picture(ARTIFACTS / "field-map-en-dark.png")
    phone.watch.require_peace()
    phone.context.close()
