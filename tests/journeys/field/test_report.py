"""Reporting from a phone in a real browser: three taps, finding, same thing, on the spot, voice, drafts."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from shapely.geometry import shape

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from tests.builders_street import inner_point
from tests.journeys.field.phones import Reporter, chromium_with_microphone, digest_of
from tests.journeys.installation import Installation
from tests.journeys.test_browser import require_parts

REFUSE, SORTING = "06010", "06041"


@pytest.fixture(scope="module")
def installation(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    require_parts()
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    with chromium_with_microphone() as opened:
        yield opened


@pytest.fixture(scope="module")
def workers(installation: Installation) -> list[dict]:
    """Two grid workers, each with a place well inside a cell of his own."""
    with DemoClient(installation.base_url) as client:
        people = [p for p in client.people() if "grid_worker" in p["roles"] and p["cell_codes"]]
        features = client.get(client.sign_in(people[0]), "/cells")["features"]
    shapes = {one["properties"]["code"]: shape(one["geometry"]) for one in features}
    found = []
    for person in people[:2]:
        place = inner_point(shapes[person["cell_codes"][0]])
        found.append({"person_id": person["id"], "place": {"lon": place.lon, "lat": place.lat}})
    return found


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two photos as a camera makes them, different in every test."""
    chance = random.Random(str(tmp_path))
    made = []
    for number in range(2):
        photo = draw_photo(chance, "matter:06010")
        path = tmp_path / f"photo-{number}.jpg"
        path.write_bytes(photo.content)
        made.append(path)
    return made


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_report_is_three_taps_and_its_photo_arrives_as_it_was_taken(
    installation: Installation, browser: Browser, workers: list[dict], photos: list[Path], language: str
) -> None:
    phone = Reporter(browser, installation.base_url, **workers[0], language=language)
    phone.open()
    phone.keep_picture(f"home-{language}")
    phone.take(photos[0])
    phone.located()
    phone.keep_picture(f"form-{language}")
    phone.tap(phone.by(f"suggested-{REFUSE}"))
    phone.tap(phone.by("send"))
    case = phone.sent()
    assert phone.taps == 3
    phone.keep_picture(f"sent-{language}")
    told = phone.case(case["id"])
    assert told["report"]["photos"] == [digest_of(photos[0])]
    assert told["report"]["position"]["accuracy_m"] == 9
    # Who reports refuse here again is offered it first.
    phone.page.goto("/field#report")
    first = phone.by("suggested").get_by_role("button").first
    expect(first).to_have_text("Exposed refuse" if language == "en" else "暴露垃圾")
    phone.watch.require_peace()
    phone.context.close()


def test_a_class_is_found_by_initials_by_what_residents_say_and_in_the_tree(
    installation: Installation, browser: Browser, workers: list[dict]
) -> None:
    phone = Reporter(browser, installation.base_url, **workers[0])
    phone.open()
    phone.tap(phone.by("report"))
    for typed in ("bllj", "baolu", "没人收", REFUSE):
        phone.by("category-search").fill(typed)
        expect(phone.by("category-found").get_by_role("button").first).to_contain_text("暴露垃圾")
    phone.keep_picture("search")
    phone.by("category-search").fill("")
    phone.tap(phone.by("category-tree"))
    phone.tap(phone.by("major-06"))
    phone.keep_picture("tree")
    phone.tap(phone.by(f"tree-option-{REFUSE}"))
    expect(phone.by("category-chosen")).to_have_attribute("data-code", REFUSE)
    # Phrases of the class come first; a second tap takes one back.
    phone.tap(phone.by("phrase").first)
    phone.tap(phone.by("phrase").nth(1))
    phone.tap(phone.by("phrase").first)
    expect(phone.by("description")).to_have_value("有异味")
    phone.watch.require_peace()
    phone.context.close()


def test_the_point_is_set_by_moving_the_map_or_without_one_and_then_claims_no_accuracy(
    installation: Installation, browser: Browser, workers: list[dict], photos: list[Path]
) -> None:
    phone = Reporter(browser, installation.base_url, **workers[0], accuracy=180)
    phone.open()
    phone.take(photos[0])
    phone.located()
    expect(phone.by("poor-position")).to_be_visible()
    where = phone.by("position")
    before = where.inner_text()
    phone.tap(phone.by("open-map"))
    phone.by("position-map").locator("canvas").focus()
    phone.page.wait_for_function("() => window.__mapIdle === true")
    phone.keep_picture("map")
    phone.page.keyboard.press("ArrowUp")
    expect(where).to_contain_text("已手动定点")
    assert where.inner_text() != before
    phone.tap(phone.by("open-list"))
    moved = where.inner_text()
    phone.by("step-north").press("ArrowUp")
    expect(where).not_to_have_text(moved)
    phone.keep_picture("no-map")
    phone.choose(REFUSE)
    phone.tap(phone.by("send"))
    assert phone.case(phone.sent()["id"])["report"]["position"]["accuracy_m"] is None
    phone.watch.require_peace()
    phone.context.close()


def test_what_was_handled_on_the_spot_needs_before_and_after_and_waits_for_the_check(
    installation: Installation, browser: Browser, workers: list[dict], photos: list[Path]
) -> None:
    phone = Reporter(browser, installation.base_url, **workers[0])
    phone.open()
    phone.take(photos[0])
    phone.choose(SORTING)
    phone.tap(phone.by("self-handled"))
    expect(phone.by("send")).to_be_disabled()
    phone.take(photos[1], by="photo-input-after")
    expect(phone.by("photos-after").get_by_test_id("photo-preview")).to_have_count(1)
    phone.by("photos-before").scroll_into_view_if_needed()
    phone.keep_picture("on-the-spot")
    phone.located()
    phone.tap(phone.by("send"))
    told = phone.case(phone.sent()["id"])
    assert told["state"] == "self_handled"
    assert told["report"]["photos"] == [digest_of(photo) for photo in photos]
    phone.watch.require_peace()
    phone.context.close()


def test_what_was_said_is_heard_before_sending_and_on_the_cases_page(
    installation: Installation, browser: Browser, workers: list[dict], photos: list[Path]
) -> None:
    phone = Reporter(browser, installation.base_url, **workers[0])
    phone.open()
    phone.take(photos[0])
    phone.located()
    phone.tap(phone.by(f"suggested-{REFUSE}"))
    phone.tap(phone.by("voice-start"))
    expect(phone.by("voice-stop")).to_contain_text("0:01")
    phone.tap(phone.by("voice-stop"))
    note = phone.by("voice-note").locator("audio")
    assert note.evaluate("a => a.play().then(() => true)"), "it can be heard"
    phone.by("voice-note").scroll_into_view_if_needed()
    phone.keep_picture("voice")
    phone.tap(phone.by("send"))
    case = phone.sent()
    (recording,) = phone.case(case["id"])["report"]["recordings"]
    heard = phone.context.request.get(f"/api/v1/photos/{recording}?size=sound")
    assert (heard.status, heard.headers["content-type"]) == (200, "audio/ogg")
    phone.page.goto(f"/field#case/{case['id']}")
    played = phone.by("recordings").locator("audio")
    assert played.evaluate("a => a.play().then(() => a.duration)") > 0.5
    phone.watch.require_peace()
    phone.context.close()


def test_the_same_thing_is_one_tap_and_no_second_report_even_without_a_network(
    installation: Installation, browser: Browser, workers: list[dict], photos: list[Path]
) -> None:
    first = Reporter(browser, installation.base_url, **workers[1])
    first.open()
    first.take(photos[0])
    first.located()
    first.choose("06036")
    first.tap(first.by("send"))
    case = first.sent()
    first.context.close()
    # A colleague who comes by; his phone has heard of the case before the network goes.
    phone = Reporter(browser, installation.base_url, workers[1]["place"], workers[0]["person_id"])
    phone.open()
    phone.has_heard_of(case["id"])
    phone.context.set_offline(offline=True)
    phone.take(photos[1])
    phone.choose("06036")
    likely = phone.by("likely")
    expect(likely).to_have_attribute("data-from", "phone")
    expect(phone.by("likely-phone")).to_be_visible()
    likely.scroll_into_view_if_needed()
    phone.keep_picture("likely-offline")
    phone.tap(phone.by(f"same-{case['id']}"))
    phone.by("kept-card").wait_for()
    phone.context.set_offline(offline=False)
    phone.by("joined-card").wait_for()
    phone.keep_picture("joined")
    told = phone.case(case["id"])
    (again,) = told["beside"]["sightings"]
    assert again["photos"] == [digest_of(photos[1])]
    assert again["seen_by"] == workers[0]["person_id"]
    assert phone.watch.foreign == []
    phone.context.close()


def test_several_half_typed_reports_outlive_a_killed_app(
    installation: Installation, browser: Browser, workers: list[dict], photos: list[Path]
) -> None:
    phone = Reporter(browser, installation.base_url, **workers[0])
    phone.open()
    phone.take(photos[0])
    phone.by("description").fill("写到一半，电话来了")
    phone.by("category-search").fill("bllj")
    phone.tap(phone.by(f"category-option-{REFUSE}"))
    phone.page.go_back()
    phone.take(photos[1])
    phone.by("photo-preview").wait_for()
    phone.page.go_back()
    expect(phone.by("drafts")).to_have_attribute("data-count", "2")
    # Killed without a word, as a phone out of memory does it.
    phone.page.close(run_before_unload=False)
    phone.page = phone.context.new_page()
    phone.open()
    expect(phone.by("drafts")).to_have_attribute("data-count", "2")
    phone.keep_picture("drafts")
    phone.tap(phone.by("drafts").get_by_text("暴露垃圾"))
    expect(phone.by("description")).to_have_value("写到一半，电话来了")
    expect(phone.by("photo-preview")).to_have_count(1)
    phone.located()
    phone.tap(phone.by("send"))
    assert phone.case(phone.sent()["id"])["report"]["photos"] == [digest_of(photos[0])]
    phone.page.goto("/field#")
    expect(phone.by("drafts")).to_have_attribute("data-count", "1")
    assert phone.watch.foreign == []
    phone.context.close()
