"""Take the pictures of the docs: the pages of a running demo server, and the demo plan as a drawing.

``make pictures`` runs this against a server that somebody started with ``make run``. Headless Chromium shows
the pages; what is on them is whatever the demo has played, so two runs give two pictures. Before each shot
the page says itself that the map is at rest (``window.__mapIdle``); nothing waits for a fixed time.

The plan is drawn from the GeoDataFrames of :mod:`gridmgmt.planning.demo_plan` and needs no server. Every
picture is reduced to 256 colours when it would else pass 400 kB. Nothing is written on the server: the
report in the picture of the phone is filled in, but not sent.
"""

import argparse
import io
import json
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from gridmgmt.demo.photos import draw_photo
from gridmgmt.domain.grid import CellKind
from gridmgmt.planning.demo_files import ATTRIBUTION
from gridmgmt.planning.demo_plan import DemoStreet, build_demo_plan

CHECKOUT: Final = Path(__file__).resolve().parents[1]
MOST_BYTES: Final = 400_000
FLAT_COLOURS: Final = 64
PATIENCE_MS: Final = 90_000
# MapLibre wants WebGL 2, which Chromium then computes itself; the rest keeps the browser off the network.
CHROMIUM_ARGS: Final = (
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
PLACE: Final = {"longitude": 117.6466, "latitude": 39.0344, "accuracy": 9}
BAND: Final = (300, 500)
MARGIN_M: Final = 60.0
FOOT_PX: Final = 60
# From the fewest households in the band to the most; grey is a dedicated grid, red is outside the band.
BAND_COLOURS: Final = ("#dfeaf2", "#bcd5e7", "#93bbd8", "#659cc4", "#3a7aab")
DEDICATED_COLOUR: Final = "#d8d3c8"
OUTSIDE_COLOUR: Final = "#d4523a"


class Camera:
    """One browser, and where its pictures go."""

    def __init__(self, browser: Browser, url: str, out: Path) -> None:
        self._browser, self._url, self._out = browser, url, out

    @contextmanager
    def desk(self) -> Iterator[Page]:
        """The command centre on a screen of 1440 by 900, map at rest."""
        context = self._browser.new_context(
            base_url=self._url, viewport={"width": 1440, "height": 900}, locale="zh-CN"
        )
        with self._opened(context, "/") as page:
            rest(page)
            yield page

    @contextmanager
    def phone(self) -> Iterator[Page]:
        """The phone page on a screen of 360 by 800 with two pixels to each, standing in the street."""
        context = self._browser.new_context(
            base_url=self._url,
            viewport={"width": 360, "height": 800},
            device_scale_factor=2,
            locale="zh-CN",
            geolocation=PLACE,
            permissions=["geolocation"],
            is_mobile=True,
            has_touch=True,
        )
        with self._opened(context, "/field") as page:
            page.get_by_test_id("report").wait_for()
            yield page

    @contextmanager
    def _opened(self, context: BrowserContext, path: str) -> Iterator[Page]:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        try:
            page.goto(path)
            yield page
        finally:
            context.close()

    def shoot(self, page: Page, name: str) -> None:
        """Write what is seen to ``name``.png and tell its size."""
        content = slimmed(page.screenshot())
        (self._out / f"{name}.png").write_bytes(content)
        print(f"{name}.png  {len(content) // 1000} kB", flush=True)

    def draw(self, svg: str, name: str, width: int, height: int) -> None:
        """Write a drawing to ``name``.png."""
        context = self._browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.set_content(f"<body style='margin:0'>{svg}</body>")
        self.shoot(page, name)
        context.close()


def rest(page: Page) -> None:
    """Wait until the map has drawn everything it knows of, twice running."""
    for _ in range(2):
        page.wait_for_function("() => window.__mapIdle === true", timeout=PATIENCE_MS)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def slimmed(png: bytes) -> bytes:
    """The picture in at most 256 colours if it would else be too large for a repository.

    The commonest colours are kept as they are, since a page is mostly flat colour; the rest is shared out
    among what occurs besides, so that the red of one overdue case is not lost.
    """
    if len(png) <= MOST_BYTES:
        return png
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(picture).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    exact, rest_of_them = colours[order[:FLAT_COLOURS]], colours[order[FLAT_COLOURS:]]
    others = Image.fromarray(rest_of_them.reshape(1, -1, 3)).quantize(
        256 - FLAT_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette([*exact.ravel().tolist(), *(others.getpalette() or [])])
    buffer = io.BytesIO()
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def shoot_centre(camera: Camera) -> None:
    """The command centre: as it opens, with heat, with a case, in English."""
    with camera.desk() as page:
        camera.shoot(page, "centre")
        page.get_by_test_id("layer-heat").click()
        page.get_by_test_id("heat-legend").wait_for()
        rest(page)
        camera.shoot(page, "centre-heat")
    with camera.desk() as page:
        open_case(page)
        camera.shoot(page, "case")
    with camera.desk() as page:
        page.get_by_test_id("language").click()
        page.wait_for_function("() => document.documentElement.lang === 'en'")
        rest(page)
        camera.shoot(page, "centre-en")


def open_case(page: Page) -> None:
    """Choose the newest case that waits for the verification of its handling, and show it beside the map."""
    page.get_by_test_id("view-list").click()
    page.get_by_test_id("filter-state").select_option("handled")
    page.get_by_test_id("case-list").locator("[data-testid^=case-row]").first.click()
    page.get_by_test_id("history").wait_for()
    page.get_by_test_id("view-map").click()
    page.get_by_test_id("filter-clear").click()
    rest(page)


def play_somebody_busy(page: Page, most_cells: int = 100) -> None:
    """Make this tab the grid worker's in whose cells most results wait for a verification."""
    api = page.request
    demo = api.get("/api/v1/demo").json()
    api.post("/api/v1/demo/sign-in", data={"person_id": demo["defaults"]["centre"]})
    waiting = api.get("/api/v1/cases?state=handled&limit=200").json()["items"]
    cells = [case["cell_code"] for case in waiting]
    workers = [
        person
        for person in demo["people"]
        if "grid_worker" in person["roles"] and len(person["cell_codes"]) <= most_cells
    ]
    busiest = max(workers, key=lambda worker: sum(cell in worker["cell_codes"] for cell in cells))
    page.evaluate("id => sessionStorage.setItem('gridmgmt.person', id)", busiest["id"])
    page.reload()


def shoot_field(camera: Camera) -> None:
    """The phone: its home screen with tasks, and a report filled in."""
    with camera.phone() as page:
        play_somebody_busy(page)
        page.locator("[data-testid^=task-]").first.wait_for()
        camera.shoot(page, "field")
    for name, language in (("field-report", "zh-CN"), ("field-report-en", "en")):
        with camera.phone() as page:
            page.evaluate("language => localStorage.setItem('gridmgmt.locale', language)", language)
            page.reload()
            begin_report(page)
            camera.shoot(page, name)


def begin_report(page: Page) -> None:
    """Take a photo, as the first tap does; what is seen then is what two more taps are left of."""
    photo = draw_photo(random.Random(7), "matter:09006")  # noqa: S311  a drawing, not a secret
    page.get_by_test_id("report-camera").set_input_files(
        {"name": "synthetic.jpg", "mimeType": "image/jpeg", "buffer": photo.content}
    )
    page.get_by_test_id("photo-preview").locator("img").wait_for()
    page.locator("[data-testid=position][data-cell]").wait_for()


def shoot_walk(camera: Camera) -> None:
    """The phone's map and a patrol. The patrol stays on the phone: the server cannot be reached meanwhile."""
    with camera.phone() as page:
        play_somebody_busy(page, most_cells=1)
        page.get_by_test_id("report").wait_for()
        code = page.request.get("/api/v1/me").json()["cell_codes"][0]
        cells = page.request.get("/api/v1/cells").json()["features"]
        own = next(
            shapely.from_geojson(json.dumps(c["geometry"])) for c in cells if c["properties"]["code"] == code
        )
        place = own.representative_point()
        page.context.set_geolocation({"longitude": place.x, "latitude": place.y, "accuracy": 9})
        page.get_by_test_id("tab-map").click()
        page.locator("[data-testid^=pack-][data-state=kept]").first.wait_for()
        rest(page)
        camera.shoot(page, "field-map")
        page.get_by_test_id("tab-patrol").click()
        page.locator("[data-testid^=target-]").first.wait_for()
        page.context.set_offline(offline=True)
        page.get_by_test_id("shift-start").click()
        page.get_by_test_id("shift-open").wait_for()
        page.context.set_geolocation({"longitude": place.x + 1e-6, "latitude": place.y, "accuracy": 8})
        page.get_by_test_id("patrol-waiting").get_by_text("1 个位置").wait_for()
        # Six minutes in which the phone has no position: what could be reached meanwhile is unknown.
        page.context.set_geolocation(None)
        page.clock.install()
        page.clock.fast_forward(6 * 60_000)
        page.get_by_test_id("nothing-found").first.click()
        page.get_by_test_id("coverage-open").click()
        rest(page)
        page.get_by_test_id("coverage").scroll_into_view_if_needed()
        camera.shoot(page, "field-patrol")


def plan_as_svg(street: DemoStreet, width: int) -> tuple[str, int]:
    """Draw the cells of a plan; the SVG and its height in pixels.

    Duty grids are shaded by households, dedicated ones grey, communities outlined, roads thin.
    """
    west, south, east, north = street.outline.total_bounds
    scale = width / (east - west + 2 * MARGIN_M)
    height = round((north - south + 2 * MARGIN_M) * scale)

    def path(shape: shapely.Geometry, style: str) -> str:
        """One path element: the rings of an area, or a line."""
        lines = shapely.get_parts(shape.boundary if shape.geom_type.endswith("Polygon") else shape)
        origin, unit = [west - MARGIN_M, north + MARGIN_M], [scale, -scale]
        places = [(shapely.get_coordinates(line) - origin) * unit for line in lines]
        data = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) for line in places)
        return f'<path d="{data}" {style}/>'

    roads = gpd.clip(street.roads, street.outline.geometry.iloc[0], keep_geom_type=True)
    parts = [
        *(
            path(row.geometry, f'fill="{colour_of(row)}" stroke="#1b5c90" stroke-width="1"')
            for row in street.cells.itertuples()
        ),
        *(
            path(line, 'fill="none" stroke="#fff" stroke-width="1.2" opacity="0.8"')
            for line in roads.geometry
        ),
        *(
            path(area, 'fill="none" stroke="#2a2118" stroke-width="2.4" stroke-linejoin="round"')
            for area in street.communities.geometry
        ),
        legend(height, street),
    ]
    size = f'width="{width}" height="{height + FOOT_PX}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect {size} fill="#f8f5ee"/>{"".join(parts)}</svg>'
    )
    return svg, height + FOOT_PX


def colour_of(cell: object) -> str:
    """Fill of a cell: its fifth of the band, grey for a dedicated grid, red outside the band."""
    if cell.kind == CellKind.DEDICATED:  # type: ignore[attr-defined]
        return DEDICATED_COLOUR
    low, high = BAND
    share = (cell.households - low) / (high - low)  # type: ignore[attr-defined]
    if not 0 <= share <= 1:
        return OUTSIDE_COLOUR
    return BAND_COLOURS[min(int(share * len(BAND_COLOURS)), len(BAND_COLOURS) - 1)]


def legend(top: int, street: DemoStreet) -> str:
    """Colours with their meaning, and the notes that every map must show."""
    step = (BAND[1] - BAND[0]) // len(BAND_COLOURS)
    entries = [(c, f"{BAND[0] + i * step}+") for i, c in enumerate(BAND_COLOURS)]
    entries.append((DEDICATED_COLOUR, "dedicated 专属网格"))
    text, x = "", 190
    for colour, words in entries:
        text += f'<rect x="{x}" y="{top + 6}" width="16" height="12" fill="{colour}" stroke="#1b5c90"/>'
        text += f'<text x="{x + 21}" y="{top + 16}">{words}</text>'
        x += 74
    name = street.outline["name"].iloc[0]
    return (
        f'<g font-family="Noto Sans CJK SC, sans-serif" font-size="12" fill="#2a2118">'
        f'<text x="14" y="{top + 16}">households per duty grid</text>{text}'
        f'<text x="14" y="{top + 34}">{name} · thick lines: communities (where they lie is illustrative) · '
        f"outline illustrative, households SYNTHETIC</text>"
        f'<text x="14" y="{top + 50}">Roads: {ATTRIBUTION}</text></g>'
    )


def main() -> None:
    """Read the options and take every picture."""
    parser = argparse.ArgumentParser(description="Take the pictures of the docs.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a running demo server")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs" / "images", help="where to write")
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing; `make test` installs it.")
    given.out.mkdir(parents=True, exist_ok=True)
    svg, height = plan_as_svg(build_demo_plan(CHECKOUT / "data" / "demo"), width=960)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGS))
        camera = Camera(browser, given.url.rstrip("/"), given.out)
        camera.draw(svg, "plan", 960, height)
        shoot_centre(camera)
        shoot_field(camera)
        shoot_walk(camera)
        browser.close()


if __name__ == "__main__":
    main()
