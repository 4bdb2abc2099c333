"""The two pages as their users see them; tests speak to these objects and not to the markup."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, ImageChops
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FloatRect,
    Locator,
    Page,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
# Software rendering without a display, and nothing that would call home.
ARGUMENTS = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000.0


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """Everything that a browser context asked for or complained about."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self._own = base_url
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.failed: list[str] = []
        context.on("request", lambda request: self._asked(request.url))
        context.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on(
            "response", lambda got: got.status >= 400 and self.failed.append(f"{got.status} {got.url}")
        )

    def _asked(self, url: str) -> None:
        if not url.startswith(("data:", "blob:", "about:")) and not url.startswith(f"{self._own}/"):
            self.foreign.append(url)

    def require_peace(self) -> None:
        """Nothing was asked of anybody else, and nothing went wrong.

        One 401 is the page's way to learn that nobody is signed in yet; the browser notes it as an error.
        """
        failed, complaints = list(self.failed), list(self.complaints)
        if failed and failed[0] == f"401 {self._own}/api/v1/me":
            del failed[0], complaints[0]
        assert (self.foreign, failed, complaints) == ([], [], []), (self.foreign, failed, complaints)


PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 800},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/130.0.0.0 Mobile Safari/537.36"
    ),
}
"""A cheap phone."""


class FieldPage:
    """The grid worker's phone.

    Parameters
    ----------
    place : where it is.
    options : of the browser's context, such as ``locale`` or ``color_scheme``.
    """

    def __init__(self, browser: Browser, base_url: str, place: dict[str, float], **options: Any) -> None:
        self.context = browser.new_context(
            **PHONE
            | {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "permissions": ["geolocation"]}
            | options,
            base_url=base_url,
            geolocation={"longitude": place["lon"], "latitude": place["lat"], "accuracy": 9},
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.watch = Watch(self.context, base_url)
        self.page: Page = self.context.new_page()

    def open(self) -> None:
        """Show the home screen."""
        self.page.goto("/field")
        self.by("report").wait_for()

    def by(self, name: str) -> Locator:
        """An element by its test id."""
        return self.page.get_by_test_id(name)

    def tab(self, name: str) -> None:
        """Tap on a place of the bar at the bottom: home, tasks, patrol, me."""
        self.by(f"tab-{name}").click()

    def act_as(self, login: str) -> None:
        """Play another person's part, and come back to the home screen."""
        self.tab("me")
        self.by("person-menu").locator("summary").click()
        self.by("person-search").fill(login)
        person = self.by(f"person-{login}")
        name = person.locator("b").inner_text()
        with self.page.expect_response("**/demo/sign-in"):
            person.click()
        # Every screen is made anew for another person; until then a key may still go to the one before.
        expect(self.by("person-menu").locator("summary b")).to_have_text(name)
        self.tab("home")

    def fill_in(self, photo: Path, category: str, words: str) -> str:
        """Fill in a report at the phone's position; the code of the cell that the page shows."""
        self.by("report").click()
        self.by("photo-input").set_input_files(photo)
        self.by("photo-preview").wait_for()
        self.by("category-search").fill(category)
        self.by(f"category-option-{category}").click()
        self.by("description").fill(words)
        found = self.page.locator("[data-testid=position][data-cell]")
        found.wait_for()
        code = found.get_attribute("data-cell") or ""
        self.by("open-map").click()
        self.by("position-map").scroll_into_view_if_needed()
        self.by("position-map").locator("canvas").wait_for()
        self.page.wait_for_timeout(1500)  # the pin has dropped and the tiles are painted
        return code

    def write(self, photo: Path, category: str, words: str) -> None:
        """Fill in a report as far as that goes without a network."""
        self.by("report").click()
        self.by("photo-input").set_input_files(photo)
        self.by("photo-preview").wait_for()
        self.by("category-search").fill(category)
        self.by(f"category-option-{category}").click()
        self.by("description").fill(words)

    def send(self) -> None:
        """Tap on Send."""
        self.by("send").click()

    def unsent(self) -> int:
        """How many entries have not left the phone, as the header says."""
        chip = self.page.locator("[data-testid=outbox-chip][data-known=true]")
        return int(chip.get_attribute("data-waiting") or 0) + int(chip.get_attribute("data-refused") or 0)

    def reopen(self) -> None:
        """Kill the page in the middle of whatever it does, and open it again."""
        self.page.close()
        self.page = self.context.new_page()
        self.page.goto("/field")
        self.by("outbox-chip").wait_for()

    def sent(self) -> dict[str, str]:
        """The case that the sent report became."""
        card = self.by("sent-card")
        card.wait_for()
        return {"id": card.get_attribute("data-case") or "", "number": self.by("case-number").inner_text()}

    def picture(self, path: Path) -> None:
        """Keep what is on the screen."""
        self.page.screenshot(path=path)


LAYERS = {"cells", "roads", "communities"}


class CentrePage:
    """The command centre on a wide screen."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.context = browser.new_context(
            viewport={"width": 1600, "height": 900},
            base_url=base_url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.watch = Watch(self.context, base_url)
        self.tiles: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("response", self._note_tile)

    def _note_tile(self, response: Any) -> None:
        found = re.match(r"/api/v1/tiles/(\w+)/", urlsplit(response.url).path)
        if found:
            self.tiles.append(found[1])

    def open(self) -> None:
        """Show the map, and return when it stands still and the stream is open."""
        self.page.goto("/")
        self.page.locator("[data-testid=live].live").wait_for()
        self.page.locator("[data-testid=map] canvas").wait_for()
        # An empty map stands still as well: every layer has answered before it is looked at.
        while not set(self.tiles) >= LAYERS:
            self.page.wait_for_event("response")
        self.settle()

    def by(self, name: str) -> Locator:
        """An element by its test id."""
        return self.page.get_by_test_id(name)

    def settle(self) -> Image.Image:
        """The map once two looks at it, some time apart, are the same."""
        before = self.map()
        for _ in range(100):
            self.page.wait_for_timeout(400)
            now = self.map()
            if ImageChops.difference(before, now).getbbox() is None:
                return now
            before = now
        raise AssertionError("the map does not come to rest")

    def map(self) -> Image.Image:
        """The part of the map that nothing lies over, as it is painted now."""
        return Image.open(io.BytesIO(self.page.screenshot(clip=self.free))).convert("RGB")

    @cached_property
    def free(self) -> FloatRect:
        """Where that part is: between board and feed, toolbar and legend."""
        board, feed, bar, notes = (
            self.by(name).bounding_box() for name in ("board", "feed", "view-map", "map-notes")
        )
        assert board and feed and bar and notes  # noqa: PT018  all of them or nothing
        x, y = board["x"] + board["width"], bar["y"] + bar["height"] + 16
        return {"x": x, "y": y, "width": feed["x"] - x, "height": notes["y"] - 64 - y}

    def click_map(self, x: float, y: float) -> None:
        """Click on a pixel of :meth:`map`."""
        self.page.mouse.click(self.free["x"] + x, self.free["y"] + y)

    def total(self, name: str) -> int:
        """A figure of the board."""
        return int(self.by(f"total-{name}").inner_text())

    def act_as(self, login: str) -> None:
        """Play another person's part."""
        self.by("person-menu").locator("summary").click()
        self.by("person-search").fill(login)
        self.by(f"person-{login}").click()

    def drawer(self, case_id: str) -> Locator:
        """The open case, once it is this one."""
        shown = self.page.locator(f"[data-testid=case-drawer][data-case='{case_id}']")
        shown.wait_for()
        return shown

    def heard_of(self, number: str) -> Locator:
        """The feed's line about a case."""
        line = self.by("feed-item").filter(has_text=number).first
        expect(line).to_be_visible(timeout=PATIENCE_MS)
        return line

    def picture(self, path: Path) -> None:
        """Keep what is on the screen."""
        self.page.screenshot(path=path)


def new_dots(before: Image.Image, after: Image.Image, colour: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Pixels that have a colour now and had another one before."""
    was, now = (np.asarray(image, dtype=np.int16) for image in (before, after))
    appeared = _near(now, colour) & ~_near(was, colour)
    return [(int(x), int(y)) for y, x in np.argwhere(appeared)]


def _near(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image - np.array(colour)) <= 12).all(axis=2)
