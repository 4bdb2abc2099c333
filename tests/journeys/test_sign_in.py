"""A real browser and a real server: from the one-time link to a device that is removed from another."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.installation import CHECKOUT, Installation
from tests.journeys.pages import PATIENCE_MS, Watch, chromium
from tests.journeys.test_browser import require_parts

ARTIFACTS = CHECKOUT / "artifacts"
PASSWORD = "kan chuang wai de huaishu"


@pytest.fixture(scope="module")
def installation(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Not the demo: whoever wants in signs in."""
    require_parts()
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"), environment="development")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    ARTIFACTS.mkdir(exist_ok=True)
    with chromium() as opened:
        yield opened


class Seat:
    """One browser of the person: its own cookies, its own device."""

    def __init__(self, browser: Browser, installation: Installation, *, phone: bool = False) -> None:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        self.context: BrowserContext = browser.new_context(
            viewport=size, base_url=installation.base_url, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.watch = Watch(self.context, installation.base_url)
        self.page: Page = self.context.new_page()
        self.page.on("dialog", lambda dialog: dialog.accept())

    def fill(self, **values: str) -> None:
        """Type into fields by their test ids."""
        for name, value in values.items():
            self.page.get_by_test_id(name.replace("_", "-")).fill(value)

    def click(self, name: str) -> None:
        """Click on something by its test id."""
        self.page.get_by_test_id(name).click()

    def picture(self, name: str) -> None:
        """Keep what is on the screen."""
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def status_of(self, path: str) -> int:
        """What the page's own request is answered with."""
        script = "path => fetch(path, {credentials: 'same-origin'}).then(answer => answer.status)"
        return int(self.page.evaluate(script, path))


class Authenticator:
    """The app on the person's phone; it waits for the next half minute when a code was used."""

    def __init__(self, secret: str) -> None:
        self._totp, self._used = pyotp.TOTP(secret), 0

    def code(self) -> str:
        """A code that was not shown before; a step ahead counts as well, so nobody has to wait."""
        now = int(datetime.now(UTC).timestamp()) // 30
        self._used = max(now - 1, self._used + 1)
        return self._totp.at(self._used * 30)


def set_up(seat: Seat, link: str) -> Authenticator:
    """From the opened link to being signed in: password, authenticator, recovery codes."""
    seat.page.goto(link)
    expect(seat.page.get_by_test_id("set-up")).to_contain_text("王安全")
    assert "set-up" not in seat.page.url, "the secret is out of the address bar at once"
    seat.fill(new_password="woaini1314520", repeat="woaini1314520")
    seat.click("choose")
    expect(seat.page.get_by_test_id("reasons")).to_contain_text("太常见")
    seat.picture("set-up-password")
    seat.fill(new_password=PASSWORD, repeat=PASSWORD)
    seat.click("choose")
    seat.page.get_by_test_id("qr").wait_for()
    assert seat.page.get_by_test_id("qr").evaluate("image => image.complete && image.naturalWidth > 0")
    seat.picture("set-up-qr")
    app = Authenticator(seat.page.get_by_test_id("secret").text_content() or "")
    seat.fill(code=app.code())
    seat.click("confirm")
    expect(seat.page.get_by_test_id("recovery").locator("li")).to_have_count(10)
    seat.picture("set-up-recovery")
    seat.click("kept")
    seat.page.get_by_test_id("account").wait_for()
    return app


def sign_in(seat: Seat, app: Authenticator) -> None:
    """On the field page: a wrong password first, then the right one and a code."""
    seat.page.goto("/field")
    seat.fill(login="wang.anquan", password="not the password at all")
    seat.picture("sign-in-phone")
    seat.click("go-on")
    expect(seat.page.get_by_test_id("refusal")).to_contain_text("登录未成功")
    seat.fill(password=PASSWORD)
    seat.click("go-on")
    seat.page.get_by_test_id("code").wait_for()
    seat.picture("sign-in-code")
    seat.fill(code=app.code())
    seat.click("go-on")
    seat.page.get_by_test_id("outbox-chip").wait_for()


def test_from_the_link_to_a_device_that_is_removed_from_another(
    installation: Installation, browser: Browser
) -> None:
    printed = installation.run(
        "accounts", "first-link", "--role", "security_administrator", "--login", "wang.anquan",
        "--name", "王安全", "--subdistrict", "120116005",
    )  # fmt: skip
    found = re.search(r"http\S+#set-up/\S+", printed)
    assert found, printed
    desk, other = Seat(browser, installation), Seat(browser, installation, phone=True)
    app = set_up(desk, found[0])
    sign_in(other, app)
    assert other.status_of("/api/v1/me") == 200

    # The first device removes the second; its next request is nobody's.
    desk.page.reload()
    desk.page.get_by_test_id("other-device").wait_for()
    desk.picture("account")
    desk.click("revoke")
    expect(desk.page.get_by_test_id("other-device")).to_have_count(0)
    assert other.status_of("/api/v1/me") == 401
    assert desk.status_of("/api/v1/me") == 200
    other.page.reload()
    other.page.get_by_test_id("sign-in").wait_for()

    # Whoever opens the link again finds it used.
    desk.page.goto("about:blank")
    desk.page.goto(found[0])
    expect(desk.page.get_by_test_id("refusal")).to_contain_text("链接无效")
    desk.page.get_by_test_id("language").click()
    desk.picture("set-up-used-en")
    for seat in (desk, other):
        assert seat.watch.foreign == []
        assert [said for said in seat.watch.complaints if "Content Security Policy" in said] == []
        seat.context.close()


def test_both_pages_ask_whoever_is_not_signed_in_to_sign_in(
    installation: Installation, browser: Browser
) -> None:
    seat = Seat(browser, installation)
    for path in ("/", "/field", "/account"):
        seat.page.goto(path)
        seat.page.get_by_test_id("sign-in").wait_for()
    seat.page.goto("/")
    seat.page.get_by_test_id("sign-in").wait_for()
    seat.picture("sign-in-centre")
    seat.context.close()
