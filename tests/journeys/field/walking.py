"""A phone on its way: the map and the patrol as their user sees them, a position that moves or is silent."""

import io
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Request, expect
from shapely.geometry import Point, Polygon, mapping, shape

from gridmgmt.demo.client import DemoClient
from tests.journeys.pages import PATIENCE_MS, FieldPage

WORKER = "demo-worker-001"
# A receiver tells the time of a position by the phone's clock, which these tests move on.
_RECEIVER_BY_THE_PHONES_CLOCK = """
    const receiver = navigator.geolocation
    const timed = (tell) => ({ coords }) => tell({ coords, timestamp: Date.now() })
    const [watch, once] = [receiver.watchPosition.bind(receiver), receiver.getCurrentPosition.bind(receiver)]
    receiver.watchPosition = (tell, fault, options) => watch(timed(tell), fault, options)
    receiver.getCurrentPosition = (tell, fault, options) => once(timed(tell), fault, options)
"""


class Walker(FieldPage):
    """A grid worker with the phone in his hand."""

    def __init__(self, browser: Browser, base_url: str, place: Point, **options: Any) -> None:
        super().__init__(browser, base_url, {"lon": place.x, "lat": place.y}, **options)
        self.context.add_init_script(_RECEIVER_BY_THE_PHONES_CLOCK)
        self._ended: list[str] = []
        self.context.on("request", self._note_end)

    def _note_end(self, asked: Request) -> None:
        found = re.search(r"/api/v1/patrols/([0-9a-f-]{36})/end$", asked.url)
        if found:
            self._ended.append(found[1])

    def ended_shift(self) -> str:
        """The id of the shift that the phone ended last."""
        return self._ended[-1]

    def speak_english(self) -> None:
        """Change the language of the page."""
        self.tab("me")
        self.page.get_by_text("English", exact=True).click()

    def be_at(self, place: Point, accuracy_m: float = 8.0) -> None:
        """Move there."""
        self.context.set_geolocation({"longitude": place.x, "latitude": place.y, "accuracy": accuracy_m})

    def lose_position(self) -> None:
        """No satellite, no network position."""
        self.context.set_geolocation(None)

    def walk_to(self, place: Point, waiting: int) -> None:
        """Move there, and return when the phone has kept that."""
        self.be_at(place)
        expect(self.by("patrol-waiting")).to_contain_text(f"{waiting} 个位置", timeout=PATIENCE_MS)

    def without_server(self) -> None:
        """No network any more; a page that is opened now is the one that its service worker has kept."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.context.set_offline(offline=True)

    def with_server(self) -> None:
        """The network is back."""
        self.context.set_offline(offline=False)

    def map_is_drawn(self, name: str) -> None:
        """The map under a test id has drawn all that it knows of."""
        self.by(name).locator("canvas").wait_for()
        for _ in range(200):
            if self.page.evaluate("window.__mapIdle === true"):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("the map does not come to rest")

    def drawn(self, *layers: str) -> list[dict[str, Any]]:
        """Properties of what a map shows now in some layers."""
        found: list[dict[str, Any]] = self.page.evaluate(
            "(layers) => __map.queryRenderedFeatures({ layers }).map((f) => f.properties)", list(layers)
        )
        return found

    def on_screen(self, name: str, lon: float, lat: float) -> tuple[float, float]:
        """The pixel of the screen that a place on the map under a test id is drawn at."""
        x, y = self.page.evaluate(
            "([lon, lat]) => { const p = __map.project([lon, lat]); return [p.x, p.y] }", [lon, lat]
        )
        box = self.by(name).bounding_box()
        assert box
        return box["x"] + x, box["y"] + y

    def colour_at(self, name: str, lon: float, lat: float) -> tuple[int, int, int]:
        """What the map under a test id is painted with at a place."""
        x, y = self.on_screen(name, lon, lat)
        picture = Image.open(io.BytesIO(self.page.screenshot(scale="css"))).convert("RGB")
        red, green, blue = picture.getpixel((round(x), round(y)))  # type: ignore[misc]
        return red, green, blue

    def shares(self) -> dict[str, int]:
        """The coverage of the worker's grid as the page says it, in percent."""
        found = self.by("shares").first.locator("[data-verdict]")
        found.first.wait_for()
        return {
            one.get_attribute("data-verdict") or "": int(re.sub(r"\D", "", one.inner_text()) or 0)
            for one in found.all()
        }

    def nothing_found(self, target: dict[str, Any]) -> str:
        """Tap "nothing found" at a target; what the page says of where that was."""
        row = self.by(f"target-{target['id']}")
        row.get_by_test_id("nothing-found").click()
        tapped = self.by("plan-behind").get_by_test_id(f"target-{target['id']}").get_by_test_id("tapped")
        tapped.wait_for()
        return tapped.get_attribute("data-said") or ""

    def full_picture(self, path: Path) -> None:
        """Keep the whole page, longer than the screen."""
        self.page.screenshot(path=path, full_page=True)


def stops_in(cell: Polygon, count: int, apart_deg: float) -> list[Point]:
    """Places inside a grid that are some way apart, always the same."""
    west, south, east, north = cell.bounds
    found: list[Point] = []
    steps = 24
    inside = cell.buffer(-0.00012)
    for i in range(steps * steps):
        place = Point(
            west + (east - west) * (i % steps) / steps, south + (north - south) * (i // steps) / steps
        )
        if inside.contains(place) and all(place.distance(one) >= apart_deg for one in found):
            found.append(place)
    assert len(found) >= count, "the grid is too small for so many stops"
    return found[:count]


def plan_of_the_day(
    base_url: str, login: str, names: Sequence[str]
) -> tuple[dict[str, Any], list[Point], list[dict[str, Any]]]:
    """The grid, the places and the targets of a plan that has some checkpoints in a worker's first grid."""
    with DemoClient(base_url) as client:
        people = {p["login"]: p for p in client.people()}
        worker, planner = client.sign_in(people[login]), client.sign_in(people["demo-planner"])
        code = people[login]["cell_codes"][0]
        cell = next(c for c in client.get(worker, "/cells")["features"] if c["properties"]["code"] == code)
        plans = [p for p in client.get(planner, "/patrol-plans")["items"] if p["cell_code"] == code]
    ground = shape(cell["geometry"])
    polygon = max(getattr(ground, "geoms", [ground]), key=lambda p: p.area)
    stops = stops_in(polygon, len(names), apart_deg=0.0007)
    targets = [
        {"id": str(uuid.uuid4()), "kind": "point", "name": name, "amount": 1, "geometry": mapping(place)}
        for name, place in zip(names, stops, strict=True)
    ]
    version = max([p["version"] for p in plans], default=0)
    body = {"id": str(uuid.uuid4()), "version": version, "targets": targets}
    answer = httpx.put(f"{base_url}/api/v1/patrol-plans/{code}", json=body, headers=planner.headers)
    assert answer.status_code == 200, answer.text
    return cell, stops, targets
