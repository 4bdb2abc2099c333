"""A real browser: a joint call from issue to result in two posts with its inbox."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from shapely.geometry import shape

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.play import Cast, Day
from gridmgmt.domain.org import Role
from tests.builders_street import inner_point
from tests.journeys.installation import Installation
from tests.journeys.pages import CentrePage, chromium
from tests.journeys.test_browser import ARTIFACTS, require_parts
from tests.journeys.test_main_job import largest_duty_grid

LEAD, ASSISTANT = "HZD-06", "HZD-01"
DIRECTOR, LEAD_LOGIN, ASSISTANT_LOGIN = "demo-director", "demo-unit-hzd-06", "demo-unit-hzd-01"


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


def case_of_a_unit(installation: Installation) -> dict[str, Any]:
    """A case that was reported and dispatched just now."""
    with DemoClient(installation.base_url) as client:
        cast, now = Cast(client), datetime.now(UTC)
        cell = largest_duty_grid(client, cast.desk(Role.SHIFT_LEADER))
        worker = cast.worker_of(cell["properties"]["code"])
        place = dict(zip(("lon", "lat"), inner_point(shape(cell["geometry"])), strict=True))
        report = {
            "id": str(uuid.uuid4()),
            "category": "matter:06010",
            "description": "垃圾桶旁暴露垃圾",
            "position": {**place, "datum": "wgs84", "accuracy_m": 9.0},
            "observed_at": now.isoformat(),
            "photos": [Day(client, seed=5, now=now).photo(worker, "before")],
        }
        told = client.post(worker, "/reports", report)
        case: dict[str, Any] = client.get(worker, f"/cases/{told['case_id']}")
    return case


def act_as(page: CentrePage, login: str, case_id: str) -> Any:
    """Another person's look at the case, in the same tab."""
    with page.page.expect_response("**/demo/sign-in"):
        page.act_as(login)
    return page.drawer(case_id)


def test_a_joint_call_goes_from_issue_to_result_in_three_posts_and_the_inbox_tells_of_it(
    installation: Installation, browser: Browser
) -> None:
    case = case_of_a_unit(installation)
    centre = CentrePage(browser, installation.base_url)
    centre.page.goto("/")
    centre.page.locator("[data-testid=live].live").wait_for()
    centre.by("view-list").click()
    centre.by(f"case-row-{case['id']}").click()
    drawer = act_as(centre, DIRECTOR, case["id"])

    issue(centre, drawer)
    expect(drawer.get_by_test_id("joint-call")).to_contain_text("联合整治")
    expect(drawer.get_by_test_id("call-sign_in")).to_have_count(0)
    expect(drawer.get_by_test_id("call-assess")).to_have_count(0)

    # The assistant hears of it by itself, and answers the call.
    act_as(centre, ASSISTANT_LOGIN, case["id"])
    expect(centre.by("inbox-unread")).to_be_visible(timeout=60_000)
    centre.by("inbox-bell").click()
    told = centre.by("inbox-call_issued").first
    expect(told).to_contain_text(case["number"])
    # A call is answered by signing in; only a rung of the ladder asks to be acknowledged.
    expect(told.get_by_test_id("inbox-acknowledge")).to_have_count(0)
    centre.picture(ARTIFACTS / "centre-inbox.png")
    told.get_by_test_id("inbox-open").click()
    drawer = centre.drawer(case["id"])
    answer_call(drawer, ASSISTANT, "配合清理完毕")

    drawer = act_as(centre, LEAD_LOGIN, case["id"])
    answer_call(drawer, LEAD, "整治完毕")
    expect(drawer.get_by_test_id("joint-call")).to_contain_text("办结")

    # Now that the call has closed, the director gives the street's opinion.
    drawer = act_as(centre, DIRECTOR, case["id"])
    lead = drawer.get_by_test_id(f"task-{LEAD}")
    lead.get_by_test_id("call-assess").click()
    lead.get_by_test_id("call-opinion").fill("响应及时")
    lead.get_by_test_id("call-score").select_option("5")
    lead.get_by_test_id("call-submit").click()
    expect(lead.get_by_test_id("opinion")).to_contain_text("响应及时")
    lead.scroll_into_view_if_needed()
    centre.picture(ARTIFACTS / "centre-call-closed.png")

    # He was told of every answer, and has read them now.
    expect(centre.by("inbox-unread")).to_be_visible(timeout=60_000)
    centre.by("inbox-bell").click()
    read_everything(centre)
    centre.watch.require_peace()
    centre.context.close()


def read_everything(centre: CentrePage) -> None:
    """Read all, and again what came meanwhile: every answer to the call is told when it is delivered."""
    for _ in range(5):
        centre.by("inbox-read-all").click()
        with suppress(AssertionError):
            expect(centre.by("inbox-unread")).to_have_count(0)
            return
    raise AssertionError("something stays unread")


def issue(centre: CentrePage, drawer: Any) -> None:
    """Fill in the form of a call with a lead and an assistant, and issue it."""
    drawer.get_by_test_id("beside-issue_call").click()
    drawer.get_by_test_id("call-text").fill("占道经营与垃圾混合，联合整治")
    for index, unit in enumerate((LEAD, ASSISTANT)):
        if index:
            drawer.get_by_test_id("call-add-unit").click()
        task = drawer.get_by_test_id(f"call-task-{index}")
        task.get_by_test_id("task-unit").select_option(unit)
        task.get_by_test_id("task-what").fill("现场处置")
    drawer.get_by_test_id("call-submit").scroll_into_view_if_needed()
    centre.picture(ARTIFACTS / "centre-call-form.png")
    drawer.get_by_test_id("call-submit").click()


def answer_call(drawer: Any, unit: str, words: str) -> None:
    """A unit's way: signs in, arrives, reports."""
    task = drawer.get_by_test_id(f"task-{unit}")
    task.get_by_test_id("call-sign_in").click()
    expect(task).to_have_attribute("data-state", "signed_in")
    task.get_by_test_id("call-arrive").click()
    expect(task).to_have_attribute("data-state", "arrived")
    task.get_by_test_id("call-report").click()
    task.get_by_test_id("call-result").fill(words)
    task.get_by_test_id("call-submit").click()
    expect(task).to_have_attribute("data-state", "done")
