"""Measures of the field page: bytes before the map, axe, tap targets, and where the keyboard gets to.

axe-core is put into the page by the browser's own tools; the page's content security policy stays in force.
"""

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as NothingCame

CHECKOUT = Path(__file__).resolve().parents[3]
DIST = CHECKOUT / "web" / "dist"
AXE = CHECKOUT / "web" / "node_modules" / "axe-core" / "axe.min.js"

THEMES = ("light", "dark", "sunlight")
LANGUAGES = ("zh-CN", "en")
MOST_BYTES = 300_000
LEAST_PX = 44
# What html.unescape and a parser would do is not needed: the build writes these lines itself.
_SCRIPT = re.compile(r'<(?:script|link)\b[^>]*?(?:src|href)="/?(assets/[^"]+\.js)"')
_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["']\./([\w.-]+\.js)["']""")


@dataclass(frozen=True)
class FirstLoad:
    """Scripts that a page needs before it shows anything, with what they weigh packed by gzip."""

    scripts: dict[str, int]

    @property
    def bytes(self) -> int:
        return sum(self.scripts.values())


def first_load(page: str = "field.html", dist: Path = DIST) -> FirstLoad:
    """What the page names, and what that imports at once; not what is imported when somebody asks for it."""
    waiting = [Path(name).name for name in _SCRIPT.findall((dist / page).read_text(encoding="utf-8"))]
    scripts: dict[str, int] = {}
    while waiting:
        name = waiting.pop()
        if name in scripts:
            continue
        content = (dist / "assets" / name).read_bytes()
        scripts[name] = len(gzip.compress(content, 9))
        waiting += _IMPORT.findall(content.decode())
    return FirstLoad(scripts)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


_FIND = """async (options) => (await axe.run(document, options)).violations.map((one) => [
  one.id, one.help, one.nodes.map((node) => [node.target.join(' '), node.failureSummary]),
])"""


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds on the page as it is shown now; all rules, or only these."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe() + "; undefined")
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = page.evaluate(_FIND, {"resultTypes": ["violations"], **only})
    return [f"{rule}: {said} {where}" for rule, said, nodes in found for where in nodes[:3]]


_TARGETS = (
    "a[href], button, input, select, textarea, summary, [role=button], [role=link], [role=radio], [role=tab],"
    " [role=switch]"
)
_SMALL = """([targets, least]) => {
  const small = []
  for (const one of document.querySelectorAll(targets)) {
    if (!one.checkVisibility({ visibilityProperty: true })) continue
    if (one.closest('[inert], .maplibregl-map')) continue
    let box = one.getBoundingClientRect()
    // A control that is only heard lies in the label that is tapped.
    if (box.width <= 2 || box.height <= 2) box = (one.closest('label') ?? one).getBoundingClientRect()
    if (box.width <= 2 || box.height <= 2) continue
    if (box.width >= least - 0.5 && box.height >= least - 0.5) continue
    const name = one.dataset.testid ?? one.textContent.trim().slice(0, 30)
    small.push(`${one.tagName.toLowerCase()} ${name} ${box.width.toFixed(0)}×${box.height.toFixed(0)}`)
  }
  return small
}"""


def small_targets(page: Page, least_px: float = LEAST_PX) -> list[str]:
    """What can be tapped and is smaller than a finger."""
    found: list[str] = page.evaluate(_SMALL, [_TARGETS, least_px])
    return found


def paint(page: Page, theme: str) -> None:
    """Show the page in another theme, as the switch on the page would."""
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)


class Keys:
    """A keyboard and nothing else.

    Parameters
    ----------
    page : which is left alone by mouse and touch from here on.
    """

    MOST_TABS = 120

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, wanted: Locator) -> Locator:
        """Press Tab until the element has the focus; it must then be seen to have it."""
        wanted.first.wait_for(state="attached")
        for _ in range(self.MOST_TABS):
            if wanted.first.evaluate("one => one === document.activeElement"):
                return wanted.first
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {wanted}")

    def press(self, wanted: Locator, key: str = "Enter") -> None:
        """Go there and press a key."""
        self.to(wanted)
        self.page.keyboard.press(key)

    def write(self, wanted: Locator, words: str) -> None:
        """Go there and write."""
        self.to(wanted)
        self.page.keyboard.insert_text(words)

    def give(self, wanted: Locator, file: Path) -> None:
        """Open the dialogue of a file by a key, and choose one."""
        self.to(wanted)
        try:
            with self.page.expect_file_chooser(timeout=15_000) as asked:
                self.page.keyboard.press("Enter")
        except NothingCame:
            # A busy browser now and then drops the key; whoever pressed it presses again, if he still can.
            assert wanted.first.evaluate("one => one === document.activeElement"), "the focus was taken away"
            with self.page.expect_file_chooser() as asked:
                self.page.keyboard.press("Enter")
        asked.value.set_files(file)


Screen = Callable[[], None]


def in_every_look(page: Page, screen: str) -> Iterator[str]:
    """What is wrong with a screen in this language: all rules once, contrast and targets in every theme."""
    for number, theme in enumerate(THEMES):
        paint(page, theme)
        rules = () if number == 0 else ("color-contrast",)
        yield from (f"{screen} {theme}: {one}" for one in violations(page, rules))
        yield from (f"{screen} {theme}: small {one}" for one in small_targets(page))
    paint(page, THEMES[0])
