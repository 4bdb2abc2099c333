"""Report, task, verification and patrol with a keyboard and nothing else."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from tests.journeys.field.quality import Keys
from tests.journeys.field.scene import Morning
from tests.journeys.field.walking import WORKER, Walker, plan_of_the_day
from tests.journeys.installation import Installation
from tests.journeys.pages import FieldPage, chromium
from tests.journeys.test_browser import require_parts

STEP = timedelta(seconds=6)
"""From stop to stop; of positions that come faster the phone does not keep every one."""


@pytest.fixture(scope="module")
def installation(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    require_parts()
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "shot.jpg"
    path.write_bytes(draw_photo(random.Random(5), "matter:09006").content)
    return path


def keys_of(phone: FieldPage, login: str) -> Keys:
    """The keyboard of somebody's phone; from here on nothing is tapped."""
    phone.open()
    phone.act_as(login)
    phone.by("report").wait_for()
    return Keys(phone.page)


def test_a_report_is_made_with_the_keyboard_alone(
    installation: Installation, browser: Browser, photo: Path
) -> None:
    with DemoClient(installation.base_url) as client:
        morning = Morning(client)
        phone = FieldPage(browser, installation.base_url, morning.place)
        keys = keys_of(phone, morning.login)
    keys.press(phone.by("report"))
    keys.give(phone.by("photo-input"), photo)
    phone.by("photo-preview").wait_for()
    keys.write(phone.by("category-search"), "09006")
    keys.press(phone.by("category-option-09006"))
    phone.page.locator("[data-testid=position][data-cell]").wait_for()
    keys.write(phone.by("description"), "占道经营")
    keys.press(phone.by("send"))
    phone.by("sent-card").wait_for()
    phone.context.close()


def test_a_task_and_a_verification_are_done_with_the_keyboard_alone(
    installation: Installation, browser: Browser, photo: Path
) -> None:
    with DemoClient(installation.base_url) as client:
        morning = Morning(client)
        task, looked_at = morning.to_sign(), morning.to_verify(north_m=20)
        phone = FieldPage(browser, installation.base_url, morning.place)
        keys = keys_of(phone, morning.login)
        keys.press(phone.by("tab-tasks"))
        keys.press(phone.by(f"task-{task['id']}"))
        keys.press(phone.by("action-sign_for"))
        phone.by("done").wait_for()
        keys.press(phone.by("action-submit_result"))
        keys.press(phone.by("phrase-cleared"))
        keys.give(phone.by("photo-input"), photo)
        phone.by("photo-preview").wait_for()
        keys.press(phone.by("action-submit"))
        phone.by("done").wait_for()
        keys.press(phone.by("tab-tasks"))
        keys.press(phone.by(f"task-{looked_at['id']}"))
        keys.press(phone.by("action-pass_verification"))
        phone.page.locator("[data-testid=place-check][data-standing=at_place]").wait_for()
        keys.press(phone.by("phrase-restored"))
        keys.press(phone.by("action-submit"))
        phone.by("done").wait_for()
        assert [morning.as_it_is(case)["state"] for case in (task, looked_at)] == ["handled", "verified"]
    phone.context.close()


def test_a_shift_of_patrol_is_walked_with_the_keyboard_alone(
    installation: Installation, browser: Browser
) -> None:
    _, stops, targets = plan_of_the_day(installation.base_url, WORKER, ("北门垃圾房", "配电箱", "临街井盖"))
    phone = Walker(browser, installation.base_url, stops[0])
    # Slow by less than what counts as wrong, so that a stop moved on is not yet to come for the server.
    phone.page.clock.install(time=datetime.now(UTC) - 5 * STEP)
    keys = keys_of(phone, WORKER)
    keys.press(phone.by("tab-patrol"))
    ahead = phone.by("patrol-plan").locator("ol li")
    expect(ahead).to_have_count(len(targets))
    keys.press(phone.by("shift-start"))
    phone.by("shift-open").wait_for()
    # From stop to stop; a position puts the stop behind him, a key says that nothing was found there.
    for place, target in zip(stops, targets, strict=True):
        phone.page.clock.fast_forward(STEP // timedelta(milliseconds=1))
        phone.be_at(place)
        row = phone.by("plan-behind").get_by_test_id(f"target-{target['id']}")
        row.wait_for()
        keys.press(row.get_by_test_id("nothing-found"))
        expect(row.get_by_test_id("tapped")).to_have_attribute("data-said", "at_place")
    phone.by("plan-done").wait_for()
    keys.press(phone.by("shift-end"))
    keys.press(phone.by("shift-end-sure"))
    phone.by("shift-ended").wait_for()
    phone.context.close()
