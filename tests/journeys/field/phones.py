"""A grid worker who reports, with a phone that hears; every tap is counted."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, sync_playwright

from tests.journeys.installation import CHECKOUT
from tests.journeys.pages import ARGUMENTS, CHROMIUM, FieldPage

ARTIFACTS = CHECKOUT / "artifacts" / "field"
# A microphone that plays a tone, and nobody who is asked for permission.
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

# Looks into what the phone has stored; a database that is not there yet is not made by looking.
_KNOWS_OF = """id => new Promise((resolve) => {
  const asked = indexedDB.open('gridmgmt_report')
  asked.onupgradeneeded = () => asked.transaction.abort()
  asked.onerror = () => resolve(false)
  asked.onsuccess = () => {
    const found = asked.result.transaction('known').objectStore('known').getAll()
    found.onsuccess = () => {
      asked.result.close()
      resolve(found.result.some((one) => one.id === id))
    }
  }
})"""


@contextmanager
def chromium_with_microphone() -> Iterator[Browser]:
    """A headless browser that can record."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS, *MICROPHONE])
        try:
            yield opened
        finally:
            opened.close()


class Reporter(FieldPage):
    """One worker with one phone; ``person_id`` is whom the demo signs in."""

    def __init__(
        self, browser: Browser, base_url: str, place: dict[str, float], person_id: str, *,
        language: str = "zh-CN", accuracy: float = 9,
    ) -> None:  # fmt: skip
        super().__init__(browser, base_url, place, permissions=["geolocation", "microphone"])
        self.context.set_geolocation(
            {"longitude": place["lon"], "latitude": place["lat"], "accuracy": accuracy}
        )
        kept = f"localStorage['gridmgmt.locale'] = '{language}';"
        kept += f"sessionStorage['gridmgmt.person'] = '{person_id}'"
        # An empty page has no storage.
        self.context.add_init_script(f"if (location.protocol === 'http:') {{ {kept} }}")
        self.taps = 0

    def open(self) -> None:
        """Show the home screen with what reporting needs at hand."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/api/v1/categories")):
            self.page.goto("/field")
        self.by("report-camera").wait_for(state="attached")

    def tap(self, what: Locator) -> None:
        """One tap of a finger."""
        self.taps += 1
        what.tap()

    def take(self, photos: Path | Sequence[Path], by: str = "report-camera") -> None:
        """Tap where the camera opens, and take photos with it."""
        with self.page.expect_file_chooser() as opened:
            self.tap(self.by(by).locator(".."))
        opened.value.set_files(photos)

    def choose(self, code: str) -> None:
        """Find a class by its code."""
        self.by("category-search").fill(code)
        self.tap(self.by(f"category-option-{code}"))

    def located(self) -> None:
        """Return when the page knows the cell of its place."""
        self.page.locator("[data-testid=position][data-cell]").wait_for()

    def has_heard_of(self, case_id: str) -> None:
        """Return when the phone has stored a case that it may be near to."""
        self.page.wait_for_function(_KNOWS_OF, arg=case_id, polling=200)

    def case(self, case_id: str) -> dict[str, Any]:
        """A case as the server tells it to this worker."""
        found: dict[str, Any] = self.context.request.get(f"/api/v1/cases/{case_id}").json()
        return found

    def keep_picture(self, name: str) -> None:
        """Keep what is on the screen."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.picture(ARTIFACTS / f"report-{name}.png")


def digest_of(photo: Path) -> str:
    """The name of a photo on the server."""
    return hashlib.sha256(photo.read_bytes()).hexdigest()
