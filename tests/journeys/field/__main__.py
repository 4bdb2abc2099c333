"""``python -m tests.journeys.field``: ``make field-quality``; figures go to bench/results/field_quality.json.

A cheap phone is played by Chromium: the processor four times slower, the network "fast 3G" as the tools of
the browser have it (562 ms, 1.44 Mbit/s down, 675 kbit/s up), a cold cache. *Usable* is when the button to
report has opened the form. A machine that is busy measures that as well: its load is in the facts.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from bench.report import Options, Result, Side, table, write
from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from tests.conftest import demo_database, test_cluster
from tests.journeys.field.quality import (
    CHECKOUT,
    LANGUAGES,
    MOST_BYTES,
    THEMES,
    first_load,
    in_every_look,
    paint,
)
from tests.journeys.field.scene import Morning
from tests.journeys.field.screens import screens
from tests.journeys.installation import Installation
from tests.journeys.pages import CHROMIUM, PHONE, FieldPage, chromium

FAST_3G = {
    "offline": False,
    "latency": 562.5,
    "downloadThroughput": 1_440_000 / 8,
    "uploadThroughput": 675_000 / 8,
}
SLOWER = 4
USABLE_S = 3.0
LIGHTHOUSE = "lighthouse@13"


def usable_s(page: Page) -> float:
    """Seconds from asking for the page until its button has opened the form."""
    began = time.perf_counter()
    page.goto("/field", wait_until="commit")
    page.get_by_test_id("report").click()
    page.get_by_test_id("photo-input").wait_for(state="attached")
    return time.perf_counter() - began


def loads(browser: Browser, base_url: str, times: int) -> tuple[list[float], list[float]]:
    """Seconds until usable of first visits, each with an empty phone, and of second ones."""
    first, again = [], []
    for _ in range(times):
        context = browser.new_context(**PHONE, base_url=base_url, locale="zh-CN")
        context.set_default_timeout(60_000)
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.send("Network.emulateNetworkConditions", FAST_3G)
        tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        first.append(usable_s(page))
        # The phone has time to keep what it needs, as it has while a report is written.
        page.wait_for_timeout(6_000)
        page.goto("about:blank")
        again.append(usable_s(page))
        context.close()
    return first, again


def looks(browser: Browser, base_url: str, photo: Path) -> dict[str, list[str]]:
    """What is wrong with any screen, by language."""
    wrong: dict[str, list[str]] = {}
    for language in LANGUAGES:
        with DemoClient(base_url) as client:
            morning = Morning(client)
            made = {
                "sign": morning.to_sign(), "handle": morning.to_handle(), "verify": morning.to_verify(),
                "confirm": morning.to_confirm(),
            }  # fmt: skip
            login, place = morning.login, morning.place
        phone = FieldPage(browser, base_url, place, locale=language, reduced_motion="reduce")
        phone.context.add_init_script(f"localStorage.setItem('gridmgmt.locale', '{language}')")
        phone.open()
        phone.act_as(login)
        found: list[str] = []
        for name, show in screens(phone, {kind: case["id"] for kind, case in made.items()}, photo):
            show()
            found += in_every_look(phone.page, name)
        paint(phone.page, THEMES[0])
        wrong[language] = found
        phone.context.close()
    return wrong


def lighthouse(base_url: str, home: Path) -> dict[str, Any]:
    """Scores by category, or why there are none."""
    npx = shutil.which("npx", path=f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}")
    if npx is None:
        return {"why not": "no npx"}
    report = home / "lighthouse.json"
    command = [
        npx, "--yes", LIGHTHOUSE, f"{base_url}/field", "--quiet", "--output=json", f"--output-path={report}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        "--only-categories=accessibility,best-practices",
    ]  # fmt: skip
    environment = os.environ | {"CHROME_PATH": str(CHROMIUM), "NODE_USE_SYSTEM_CA": "1"}
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            command, env=environment, cwd=home, capture_output=True, text=True, timeout=400, check=False
        )
        if report.exists():
            told = json.loads(report.read_text(encoding="utf-8"))
            scores = {name: one["score"] for name, one in told["categories"].items()}
            lost = [a["id"] for a in told["audits"].values() if a.get("score") == 0]
            return {"version": told["lighthouseVersion"], "scores": scores, "lost": lost}
        return {"why not": (done.stderr or done.stdout).strip().splitlines()[-1:]}
    return {"why not": "took too long"}


def measure(times: int, *, with_lighthouse: bool) -> Result:
    """All of it, on a demo installation of its own."""
    with ExitStack() as held:
        cluster = test_cluster()
        held.enter_context(cluster.shared())
        home = Path(held.enter_context(tempfile.TemporaryDirectory()))
        photo = home / "before.jpg"
        photo.write_bytes(draw_photo(random.Random(5), "matter:09006").content)
        made = Installation(str(demo_database(cluster, "field_quality")), home)
        made.start()
        held.callback(made.stop)
        browser = held.enter_context(chromium())
        load_before = os.getloadavg()[0]
        first, again = loads(browser, made.base_url, times)
        wrong = looks(browser, made.base_url, photo)
        scores = lighthouse(made.base_url, home) if with_lighthouse else {"why not": "not asked for"}
    return result(first, again, wrong, scores, load_before)


def result(
    first: list[float],
    again: list[float],
    wrong: dict[str, list[str]],
    scores: dict[str, Any],
    load_before: float,
) -> Result:
    """The figures as they are kept."""
    bytes_ = first_load()
    usual_first, usual_again = statistics.median(first), statistics.median(again)
    return Result(
        name="field_quality",
        question="how soon is the phone's page usable, and what stands in anybody's way?",
        unit="loads",
        sides=(
            Side("first visit", round(1 / usual_first, 3), f"{usual_first:.2f} s (median of {len(first)})"),
            Side("again", round(1 / usual_again, 3), f"{usual_again:.2f} s"),
        ),
        facts={
            "profile": f"processor {SLOWER} times slower, fast 3G, empty phone",
            "usable_s": {"first": [round(s, 2) for s in first], "again": [round(s, 2) for s in again]},
            "load of the machine before": round(load_before, 1),
            "scripts before the map, packed (gzip), bytes": bytes_.bytes,
            "scripts": bytes_.scripts,
            "axe and targets": {language: len(found) for language, found in wrong.items()},
            "found": [line for found in wrong.values() for line in found][:20],
            "lighthouse": scores,
        },
        goals={
            "under 300 KB of packed script before the map": bytes_.bytes < MOST_BYTES,
            "usable in under 3 s": usual_first < USABLE_S,
            "axe finds nothing and every target is 44 px": not any(wrong.values()),
        },
    )


def main() -> int:
    """Measure, print, keep; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.journeys.field")
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--without-lighthouse", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.times, with_lighthouse=not asked.without_lighthouse)
    sys.stdout.write(table(found) + "\n" + json.dumps(found.facts, ensure_ascii=False, indent=1) + "\n")
    write(found, Options(on=asked.on))
    return 0 if all(found.goals.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
