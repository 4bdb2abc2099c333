"""A real browser: a phone files a report, the command centre sees it on the map and moves it on."""

import os
import random
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from shapely.geometry import shape

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from tests.builders_street import inner_point
from tests.journeys.installation import CHECKOUT, Installation
from tests.journeys.pages import CHROMIUM, CentrePage, FieldPage, chromium, new_dots

ARTIFACTS = CHECKOUT / "artifacts"
REFUSE = "06010"
GREEN = (43, 138, 102)
"""What a case in good time is painted in (palette.ts)."""


def require_parts() -> None:
    """Browser and built pages; without them the test is skipped, and fails in continuous integration."""
    missing = [str(p) for p in (CHROMIUM, CHECKOUT / "web" / "dist" / "centre.html") if not p.exists()]
    if missing and os.environ.get("CI"):
        pytest.fail(f"missing: {', '.join(missing)}", pytrace=False)
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}; make setup brings them")


@pytest.fixture(scope="module")
def installation(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    require_parts()
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    ARTIFACTS.mkdir(exist_ok=True)
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def cell(installation: Installation) -> dict:
    """A duty grid in the middle of the street, with a position well inside."""
    with DemoClient(installation.base_url) as client:
        someone = client.sign_in(client.people()[0])
        centre = client.get(someone, "/extent")["centre"]
        cells = client.get(someone, "/cells")["features"]
    middle = min(
        (c for c in cells if c["properties"]["kind"] == "duty"),
        key=lambda c: shape(c["geometry"]).centroid.distance(shape({"type": "Point", "coordinates": centre})),
    )
    place = inner_point(shape(middle["geometry"]))
    return {"code": middle["properties"]["code"], "place": {"lon": place.lon, "lat": place.lat}}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(draw_photo(random.Random(3), "06010").content)
    return path


def test_a_phone_files_a_report_and_the_centre_sees_it_on_the_map_and_moves_it_on(
    installation: Installation, browser: Browser, cell: dict, photo: Path
) -> None:
    centre = CentrePage(browser, installation.base_url)
    centre.open()
    assert {"cells", "roads", "communities"} <= set(centre.tiles), "the map is drawn from our own tiles"
    before, reported = centre.settle(), centre.total("reported_today")
    centre.picture(ARTIFACTS / "centre-before.png")

    phone = FieldPage(browser, installation.base_url, cell["place"])
    phone.open()
    assert phone.fill_in(photo, REFUSE, "垃圾桶旁暴露垃圾") == cell["code"]
    phone.picture(ARTIFACTS / "field-report.png")
    phone.send()
    case = phone.sent()
    phone.picture(ARTIFACTS / "field-sent.png")

    # It arrives by itself: on the feed, on the board, and as a dot on the map that can be clicked.
    centre.heard_of(case["number"])
    expect(centre.by("total-reported_today")).to_have_text(str(reported + 1))
    dots = new_dots(before, centre.settle(), GREEN)
    assert len(dots) > 20, "a green dot that was not there before"
    centre.click_map(statistics.mean(x for x, _ in dots), statistics.mean(y for _, y in dots))
    drawer = centre.drawer(case["id"])
    expect(drawer.get_by_test_id("history")).to_contain_text("派遣")
    expect(drawer.get_by_test_id("routing")).to_contain_text("环卫作业队")
    photo_shown = (
        "() => [...document.querySelectorAll('[data-testid=case-drawer] img')].every(i => i.naturalWidth)"
    )
    centre.page.wait_for_function(photo_shown)
    centre.picture(ARTIFACTS / "centre-case.png")

    # The unit signs for it in the drawer.
    centre.act_as("demo-unit-hzd-06")
    drawer.get_by_test_id("action-sign_for").click()
    expect(drawer.get_by_test_id("history")).to_contain_text("签收")
    expect(drawer.get_by_test_id("stage-loop")).to_have_attribute("data-state", "handling")

    # And it stands in the list.
    centre.by("view-list").click()
    row = centre.by(f"case-row-{case['id']}")
    expect(row).to_be_visible()
    expect(row).to_contain_text("暴露垃圾")
    centre.picture(ARTIFACTS / "centre-list.png")

    for page in (centre, phone):
        page.watch.require_peace()
        page.context.close()


def test_a_report_that_is_written_without_a_network_is_kept_and_sent_later(
    installation: Installation, browser: Browser, cell: dict, photo: Path
) -> None:
    phone = FieldPage(browser, installation.base_url, cell["place"])
    phone.open()
    phone.fill_in(photo, REFUSE, "断网时写的上报")
    phone.context.set_offline(offline=True)
    phone.send()
    phone.by("kept-card").wait_for()
    phone.picture(ARTIFACTS / "field-kept.png")
    phone.context.set_offline(offline=False)
    assert phone.sent()["number"]
    assert phone.watch.foreign == []
    phone.context.close()
