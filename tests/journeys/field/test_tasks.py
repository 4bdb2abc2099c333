"""A grid leader and his phone: tasks, a verification at the place, a conflict, the inbox; zh and en."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from gridmgmt.domain.org import Role
from tests.journeys.field.scene import Morning
from tests.journeys.installation import Installation
from tests.journeys.pages import FieldPage, chromium
from tests.journeys.test_browser import ARTIFACTS, require_parts

METRE_DEG = 1 / 111_195
WORDS = {
    "zh-CN": {"at": "在现场", "away": "不在现场", "far": "公里", "age": "分钟前", "kept": "已存在手机里"},
    "en": {
        "at": "At the place",
        "away": "Away from the place",
        "far": "km",
        "age": "min ago",
        "kept": "kept on",
    },
}
LANGUAGES = list(WORDS)


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
def morning(installation: Installation) -> Iterator[Morning]:
    with DemoClient(installation.base_url) as client:
        yield Morning(client)


@pytest.fixture
def photo(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "after.jpg"
    path.write_bytes(draw_photo(random.Random(request.node.name), "matter:06041").content)
    return path


class Tasks(FieldPage):
    """The leader's phone with its tasks open."""

    def __init__(self, browser: Browser, installation: Installation, morning: Morning, language: str) -> None:
        super().__init__(browser, installation.base_url, morning.place, locale=language)
        self.words, self._morning = WORDS[language], morning
        self.context.add_init_script(f"localStorage.setItem('gridmgmt.locale', '{language}')")
        self.open()
        self.act_as(morning.login)
        self.tab("tasks")

    def row(self, case: dict[str, Any]) -> Locator:
        """The line of a case."""
        return self.by(f"task-{case['id']}")

    def open_case(self, case: dict[str, Any]) -> None:
        """Open a case from the list."""
        self.row(case).click()
        self.page.locator(f"[data-testid=task-screen][data-version='{case['version']}']").wait_for()

    def stand(self, north_m: float, accuracy: float = 7.0) -> None:
        """Carry the phone to a place north of the cell's middle."""
        place = self._morning.place
        self.context.set_geolocation(
            {"longitude": place["lon"], "latitude": place["lat"] + north_m * METRE_DEG, "accuracy": accuracy}
        )

    def all_kept(self) -> None:
        """Every task of the list lies on the phone in full."""
        expect(self.by("tasks")).to_have_attribute("data-kept", "true", timeout=60_000)

    def done(self) -> None:
        """The page says that it was done."""
        self.by("done").wait_for()

    def end(self, *, offline: bool = False) -> None:
        """Nothing was asked of anybody else; without a network there is nothing to complain about."""
        if offline:
            assert self.watch.foreign == []
        else:
            self.watch.require_peace()
        self.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_task_goes_from_its_list_to_the_result(
    installation: Installation, browser: Browser, morning: Morning, photo: Path, language: str
) -> None:
    case = morning.to_sign(north_m=60)
    far = morning.to_handle(north_m=-400)
    phone = Tasks(browser, installation, morning, language)
    expect(phone.by("group-sign").locator(f"[data-testid='task-{case['id']}']")).to_be_visible()
    phone.picture(ARTIFACTS / f"field-tasks-{language}.png")
    phone.by("order-route").check(force=True)
    walked = phone.by("route").locator("[data-testid^=task-]")
    expect(walked.first).to_be_visible()
    order = walked.evaluate_all("rows => rows.map(row => row.dataset.testid)")
    assert order.index(f"task-{case['id']}") < order.index(f"task-{far['id']}"), "the near one comes first"
    phone.picture(ARTIFACTS / f"field-route-{language}.png")

    phone.open_case(case)
    phone.by("action-sign_for").click()
    phone.done()
    phone.by("action-submit_result").click()
    expect(phone.by("action-submit")).to_be_disabled()
    phone.by("phrase-cleared").click()
    phone.by("photo-input").set_input_files(photo)
    phone.by("photo-preview").wait_for()
    phone.picture(ARTIFACTS / f"field-handle-{language}.png")
    phone.by("action-submit").click()
    phone.done()
    now = morning.as_it_is(case)
    assert now["state"] == "handled"
    assert now["history"][-1]["facts"]["photos"], "the evidence is there"
    phone.end()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_verification_tells_how_far_away_it_was_made(
    installation: Installation, browser: Browser, morning: Morning, language: str
) -> None:
    near, away = morning.to_verify(north_m=20), morning.to_verify(north_m=-30)
    phone = Tasks(browser, installation, morning, language)
    phone.open_case(near)
    phone.by("action-pass_verification").click()
    check = phone.page.locator("[data-testid=place-check][data-standing=at_place]")
    expect(check).to_contain_text(phone.words["at"])
    expect(phone.by("fact-place_reason")).to_have_count(0)
    phone.by("phrase-restored").click()
    phone.picture(ARTIFACTS / f"field-verify-{language}.png")
    phone.by("action-submit").click()
    phone.done()

    phone.by("back").click()
    phone.stand(1800)
    phone.open_case(away)
    phone.by("action-pass_verification").click()
    check = phone.page.locator("[data-testid=place-check][data-standing=away]")
    expect(check).to_contain_text(phone.words["away"])
    expect(phone.by("place-distance")).to_contain_text(phone.words["far"])
    phone.by("phrase-restored").click()
    expect(phone.by("action-submit")).to_be_disabled()
    phone.by("phrase-video").click()
    phone.picture(ARTIFACTS / f"field-verify-away-{language}.png")
    phone.by("action-submit").click()
    phone.done()

    said = {c["id"]: morning.as_it_is(c)["history"][-1]["facts"] for c in (near, away)}
    assert said[near["id"]]["place"]["standing"] == "at_place"
    assert said[near["id"]]["place"]["distance_m"] < 60
    kept = said[away["id"]]
    assert (kept["place"]["standing"], kept["place"]["accuracy_m"]) == ("away", 7)
    assert 1700 < kept["place"]["distance_m"] < 1900, "as it was, not rounded towards the case"
    assert kept["place_reason"]
    assert not re.search(r'"l(on|at)"', str(kept)), "where he stood is kept nowhere"
    line = phone.page.locator("[data-testid=said-where][data-standing=away]").first
    expect(line).to_contain_text(phone.words["far"])
    phone.end()


def test_in_a_stairwell_tasks_are_read_and_done_and_go_out_later(
    installation: Installation, browser: Browser, morning: Morning
) -> None:
    case, other = morning.to_verify(north_m=10), morning.to_sign(north_m=15)
    phone = Tasks(browser, installation, morning, "zh-CN")
    phone.row(case).wait_for()
    expect(phone.row(other)).to_be_visible()
    phone.all_kept()
    phone.context.set_offline(True)
    phone.page.locator("[data-testid=tasks][data-stale=true]").wait_for()
    phone.row(case).click()
    phone.page.locator("[data-testid=task-screen][data-stale=true]").wait_for()
    expect(phone.by("may-at")).to_be_visible()
    phone.by("action-pass_verification").click()
    phone.page.locator("[data-testid=place-check][data-standing=at_place]").wait_for()
    phone.by("phrase-restored").click()
    phone.by("action-submit").click()
    expect(phone.by("case-kept")).to_contain_text(phone.words["kept"])
    phone.picture(ARTIFACTS / "field-task-offline.png")
    assert morning.as_it_is(case)["state"] == "handled"
    phone.context.set_offline(False)
    expect(phone.by("outbox-chip")).to_have_attribute("data-waiting", "0", timeout=60_000)
    assert morning.as_it_is(case)["state"] == "verified"
    phone.end(offline=True)


def test_a_phone_that_is_woken_shows_that_something_waits_and_nothing_else(
    installation: Installation, browser: Browser, morning: Morning
) -> None:
    phone = FieldPage(
        browser, installation.base_url, morning.place, permissions=["geolocation", "notifications"]
    )
    phone.open()
    active = "async () => (await navigator.serviceWorker.ready).active !== null"
    assert phone.page.evaluate(active)
    tools = phone.context.new_cdp_session(phone.page)
    known: list[dict[str, Any]] = []
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda told: known.extend(told["registrations"]))
    tools.send("ServiceWorker.enable")
    while not known:
        phone.page.wait_for_timeout(100)  # the browser tells when it likes
    line = {"text": "有新的消息等您查看。", "tag": "n-1"}
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": installation.base_url,
            "registrationId": known[0]["registrationId"],
            "data": json.dumps(line, ensure_ascii=False),
        },
    )
    shown = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
        .map((one) => [one.title, one.body, one.tag])"""
    for _ in range(100):
        if phone.page.evaluate(shown):
            break
        phone.page.wait_for_timeout(100)
    assert phone.page.evaluate(shown) == [["网格工作台", line["text"], line["tag"]]]
    phone.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_that_moved_meanwhile_is_a_conflict_that_is_seen_and_nothing_is_overwritten(
    installation: Installation, browser: Browser, morning: Morning, language: str
) -> None:
    case = morning.to_confirm(north_m=25)
    phone = Tasks(browser, installation, morning, language)
    expect(phone.row(case)).to_be_visible()
    phone.all_kept()
    phone.open_case(case)
    phone.context.set_offline(True)
    phone.by("action-confirm").click()
    phone.page.locator("[data-testid=place-check][data-standing=at_place]").wait_for()
    phone.by("fact-found-yes").check(force=True)
    phone.by("phrase-true").click()
    phone.by("action-submit").click()
    phone.by("case-kept").wait_for()
    acceptor = morning.cast.desk(Role.ACCEPTOR)
    moved = morning.client.act(acceptor, case, "reject", reason="重复来电，已当面答复")
    phone.context.set_offline(False)
    expect(phone.by("outbox-chip")).to_have_attribute("data-refused", "1", timeout=60_000)
    waiting = phone.page.locator("[data-testid=case-pending][data-state=conflict]")
    expect(waiting).to_be_visible(timeout=60_000)
    phone.picture(ARTIFACTS / f"field-conflict-{language}.png")
    waiting.click()
    phone.by("conflict-card").wait_for()
    phone.picture(ARTIFACTS / f"field-conflict-entry-{language}.png")
    now = morning.as_it_is(case)
    assert (now["state"], now["version"]) == ("rejected", moved["version"])
    phone.end(offline=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_inbox_tells_of_a_new_task_and_asks_for_no_signature(
    installation: Installation, browser: Browser, morning: Morning, language: str
) -> None:
    phone = Tasks(browser, installation, morning, language)
    case = morning.to_sign(north_m=35)
    expect(phone.by("inbox-unread")).to_be_visible(timeout=60_000)
    phone.by("inbox-bell").click()
    told = phone.by("inbox-case_dispatched").filter(has_text=case["number"])
    expect(told).to_be_visible(timeout=60_000)
    expect(told.get_by_test_id("inbox-acknowledge")).to_have_count(0)
    phone.picture(ARTIFACTS / f"field-inbox-{language}.png")
    phone.by("inbox-read-all").click()
    expect(phone.by("inbox-unread")).to_have_count(0, timeout=60_000)
    told.get_by_test_id("inbox-open").click()
    phone.by("action-sign_for").wait_for()
    phone.end()
