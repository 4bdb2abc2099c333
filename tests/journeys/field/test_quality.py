"""Every field screen in both languages and all themes: axe finds nothing, nothing is less than a finger."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.photos import draw_photo
from tests.journeys.field.quality import LANGUAGES, MOST_BYTES, first_load, in_every_look
from tests.journeys.field.scene import Morning
from tests.journeys.field.screens import screens
from tests.journeys.installation import Installation
from tests.journeys.pages import FieldPage, chromium
from tests.journeys.test_browser import require_parts


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
    path = tmp_path_factory.mktemp("photo") / "before.jpg"
    path.write_bytes(draw_photo(random.Random(5), "matter:09006").content)
    return path


def test_what_a_phone_loads_before_the_map_is_under_300_kb_packed() -> None:
    require_parts()
    load = first_load()
    assert load.scripts, "the page names its scripts"
    assert not any("createMap" in name or "maplibre" in name for name in load.scripts), "the map comes later"
    assert load.bytes < MOST_BYTES, load


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_is_free_of_what_axe_finds_and_of_small_targets(
    installation: Installation, browser: Browser, photo: Path, language: str
) -> None:
    with DemoClient(installation.base_url) as client:
        morning = Morning(client)
        cases = {
            "sign": morning.to_sign(), "handle": morning.to_handle(), "verify": morning.to_verify(),
            "confirm": morning.to_confirm(),
        }  # fmt: skip
        login, place = morning.login, morning.place
    phone = FieldPage(browser, installation.base_url, place, locale=language, reduced_motion="reduce")
    phone.context.add_init_script(f"localStorage.setItem('gridmgmt.locale', '{language}')")
    phone.open()
    phone.act_as(login)
    wrong: list[str] = []
    for name, show in screens(phone, {kind: case["id"] for kind, case in cases.items()}, photo):
        show()
        wrong += in_every_look(phone.page, name)
    assert wrong == []
    phone.watch.require_peace()
    phone.context.close()
