"""A real browser's outbox on a bad line: nothing is lost, doubled or overwritten, and nobody is mixed up."""

import random
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect
from sqlalchemy import Engine, text

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.journeys.field.badline import CuttingLine
from tests.journeys.field.outbox_play import REFUSE, Load, play, require_everything_once
from tests.journeys.field.scene import Morning
from tests.journeys.installation import CHECKOUT, Installation
from tests.journeys.pages import PATIENCE_MS, FieldPage, chromium
from tests.journeys.test_browser import ARTIFACTS, require_parts

# Addresses of everything that the browser's caches of this page hold.
_KEPT = """async () => {
  const caches_of_page = await Promise.all((await caches.keys()).map((name) => caches.open(name)))
  const kept = await Promise.all(caches_of_page.map((cache) => cache.keys()))
  return kept.flat().map((request) => new URL(request.url).pathname)
}"""
FEW = Load(reports=8, through_form=2, photos=14, kills=2, cuts=24, most_pixels=420)
SEED = 20261126


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages, where a test may put a newer version."""
    require_parts()
    return Path(shutil.copytree(CHECKOUT / "web" / "dist", tmp_path_factory.mktemp("web") / "dist"))


@pytest.fixture(scope="module")
def installation(
    own_demo_url: str, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"), web_dir=str(web))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def engine(own_demo_url: str) -> Iterator[Engine]:
    made = make_engine(own_demo_url, pool_size=1)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as opened:
        yield opened


@pytest.fixture
def morning(installation: Installation) -> Iterator[Morning]:
    with DemoClient(installation.base_url) as client:
        yield Morning(client)


def step(case: dict[str, Any], action: str, **facts: Any) -> dict[str, Any]:
    """A move of a case as the task screen hands it to the outbox."""
    command_id = str(uuid.uuid4())
    body = {"command_id": command_id, "action": action, "version": case["version"], "facts": facts}
    return {
        "id": command_id, "kind": "case_action", "chain": f"case:{case['id']}", "title": action,
        "path": f"/cases/{case['id']}/actions", "body": body, "photos": [], "behalf": None,
        "subject": {"kind": "case", "id": case["id"]},
    }  # fmt: skip


def keep(phone: FieldPage, *steps: dict[str, Any]) -> None:
    """Do it on the phone: two taps each."""
    for one in steps:
        phone.page.evaluate("(job) => Promise.all([1, 2].map(() => window.__field.keep(job)))", one)


def moves(case: dict[str, Any]) -> list[str]:
    """What was done to a case after it had been dispatched."""
    return [line["action"] for line in case["history"] if line["action"] in ("sign_for", "submit_result")]


def result(morning: Morning, words: str) -> dict[str, Any]:
    """The facts of a handling, its photo stored already."""
    return {"result": words, "photos": [morning.day.photo(morning.leader, words)]}


def test_reports_made_offline_arrive_once_with_their_photos_over_a_line_that_is_cut_at_random_bytes(
    installation: Installation, browser: Browser, engine: Engine, morning: Morning, tmp_path: Path
) -> None:
    line = CuttingLine(installation.port, seed=SEED)
    outcome = play(browser, line, morning.place, FEW, tmp_path, SEED)
    line.close()
    require_everything_once(engine, outcome)
    installation.run("evidence", "scrub")  # opens and hashes every original; any that differs fails it
    assert outcome.left_photos == 0, "the phone is free of what has arrived"
    assert outcome.kills == FEW.kills
    assert len(line.cuts) >= FEW.cuts
    assert line.lost_answers > 0
    assert outcome.foreign == []


def test_what_was_done_to_a_case_offline_is_sent_in_its_order_and_a_second_device_overwrites_nothing(
    installation: Installation, browser: Browser, morning: Morning
) -> None:
    alone, both = morning.to_sign(), morning.to_sign(north_m=20)
    one, other = (FieldPage(browser, installation.base_url, morning.place) for _ in range(2))
    for phone in (one, other):
        phone.open()
        phone.act_as(morning.login)
        phone.context.set_offline(offline=True)
    keep(one, step(alone, "sign_for"), step(both, "sign_for"))
    keep(one, step(alone, "submit_result", **result(morning, "first")))
    keep(other, step(both, "sign_for"), step(both, "submit_result", **result(morning, "second")))

    one.context.set_offline(offline=False)
    expect(one.by("outbox-chip")).to_have_attribute("data-waiting", "0")
    assert one.unsent() == 0
    assert moves(morning.as_it_is(alone)) == ["sign_for", "submit_result"]
    assert moves(morning.as_it_is(both)) == ["sign_for"]

    # The second device meant to sign as well, on a case that has moved on; what was to follow waits for it.
    other.context.set_offline(offline=False)
    expect(other.by("outbox-chip")).to_have_attribute("data-refused", "1")
    assert moves(morning.as_it_is(both)) == ["sign_for"], "nothing was done twice"
    other.by("outbox-chip").click()
    other.by("entry-queued").click()
    expect(other.by("entry-held")).to_be_visible()
    other.by("back").click()
    other.by("entry-conflict").click()
    expect(other.by("conflict-now")).to_contain_text("处置")
    expect(other.by("conflict-redo")).to_have_count(0)
    other.picture(ARTIFACTS / "field-conflict.png")
    other.by("conflict-drop").click()
    other.by("drop-sure").click()

    # The step behind it goes by itself now, finds the case changed as well, and is done anew on what it is.
    other.by("outbox-chip").click()
    other.by("entry-conflict").click()
    other.by("conflict-redo").click()
    expect(other.by("sent-card")).to_be_visible()
    assert other.unsent() == 0
    assert moves(morning.as_it_is(both)) == ["sign_for", "submit_result"]
    for phone in (one, other):
        assert phone.watch.foreign == []
        phone.context.close()


def test_on_a_shared_phone_nobody_sees_or_sends_what_somebody_else_wrote(
    installation: Installation, browser: Browser, engine: Engine, morning: Morning, tmp_path: Path
) -> None:
    phone = FieldPage(browser, installation.base_url, morning.place)
    phone.open()
    first = morning.client.people()
    mine = next(p["login"] for p in first if p["id"] == morning.worker.id)
    phone.act_as(mine)

    def no_answer(route: Route) -> None:
        route.abort()

    phone.context.route("**/api/v1/reports", no_answer)
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(draw_photo(random.Random(5), REFUSE).content)
    phone.write(picture, REFUSE, "只给本人看的话")
    phone.by("send").dblclick()
    phone.by("kept-card").wait_for()
    report_id = phone.page.url.rpartition("/")[2]
    phone.by("go-home").click()

    phone.act_as(morning.login)
    phone.context.unroute("**/api/v1/reports", no_answer)
    phone.by("outbox-chip").click()
    expect(phone.by("of-others")).to_have_attribute("data-count", "1")
    assert phone.unsent() == 0
    phone.page.goto(f"/field#entry/{report_id}")
    expect(phone.page.locator("#screen")).not_to_contain_text("暴露垃圾")
    phone.page.evaluate("() => void dispatchEvent(new Event('online'))")
    with transaction(engine, NOBODY, read_only=True) as db:
        asked = text("select count(*) from app.reports where id = :id")
        assert db.execute(asked, {"id": report_id}).scalar_one() == 0

    phone.by("tab-home").click()
    phone.act_as(mine)
    expect(phone.by("outbox-chip")).to_have_attribute("data-waiting", "0")
    with transaction(engine, NOBODY, read_only=True) as db:
        asked = text("select reporter_id from app.reports where id = :id")
        assert db.execute(asked, {"id": report_id}).scalar_one() == uuid.UUID(morning.worker.id)
    assert phone.watch.foreign == []
    phone.context.close()


def test_the_page_opens_cold_without_a_network_and_keeps_no_answer_of_the_server_for_the_next_person(
    installation: Installation, browser: Browser, morning: Morning
) -> None:
    phone = FieldPage(browser, installation.base_url, morning.place)
    phone.open()
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    phone.tab("me")
    name = phone.by("me").locator("h2").inner_text()
    phone.context.set_offline(offline=True)
    phone.reopen()
    expect(phone.by("outbox-chip")).to_have_attribute("data-online", "false")
    phone.tab("me")
    expect(phone.by("me")).to_contain_text(name)
    kept = phone.page.evaluate(_KEPT)
    assert "/field" in kept
    assert [path for path in kept if path.startswith("/api/")] == []
    manifest = phone.page.locator("link[rel=manifest]").get_attribute("href")
    assert manifest == "/field.webmanifest"
    assert phone.watch.foreign == []
    phone.context.close()


def test_a_newer_version_waits_for_a_tap_and_loses_nothing_that_is_written(
    installation: Installation, browser: Browser, morning: Morning, web: Path
) -> None:
    phone = FieldPage(browser, installation.base_url, morning.place)
    phone.open()
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    phone.page.reload()
    phone.by("outbox-chip").wait_for()
    worker = web / "field-sw.js"
    for shape in web.glob("field-sw.js.*"):
        shape.unlink()
    worker.write_text(worker.read_text(encoding="utf-8") + "\n// a newer version\n", encoding="utf-8")
    phone.page.evaluate(
        "() => navigator.serviceWorker.getRegistration('/field').then((one) => one.update()).then(() => true)"
    )
    phone.by("renewal").wait_for()
    phone.page.evaluate("() => { window.__old = true }")
    with phone.page.expect_navigation():
        phone.by("renew").click()
    phone.by("outbox-chip").wait_for()
    assert phone.page.evaluate("() => window.__old") is None
    expect(phone.by("renewal")).to_have_count(0)
    phone.context.close()
