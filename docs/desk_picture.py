"""Take the picture of the page on tuning borders: ``python docs/desk_picture.py``.

The notebook's map runs here without Jupyter: a page of its own holds the ES module, and a model that hands
each order to the same Python value as in a notebook. A border is dragged with the mouse before the shot. The
demo's plan; nothing is loaded from anywhere.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pictures import CHECKOUT, CHROMIUM_ARGS, slimmed
from playwright.sync_api import Page, sync_playwright

from gridmgmt.planning.demo_plan import build_demo_plan
from gridmgmt.planning.editing import Desk, lay_out
from gridmgmt.planning.editing_scene import Sheet
from gridmgmt.viz.borders import module_text, style_text, texts

IMAGE: Final = CHECKOUT / "docs" / "images" / "tune-the-borders.png"
SIZE: Final = {"width": 1280, "height": 800}
MODEL: Final = """
const told = {};
window.model = {
  get: (name) => window.traits[name],
  set: (name, value) => { window.traits[name] = value; },
  save_changes: async () => {
    window.traits.state = await window.askPython(window.traits.order);
    (told["change:state"] ?? []).forEach((listener) => listener());
    (told["change:language"] ?? []).forEach((listener) => listener());
  },
  on: (name, listener) => { (told[name] ??= []).push(listener); },
  off: () => {},
};
"""


class Stand:
    """The map on a page of its own."""

    def __init__(self, page: Page, sheet: Sheet, language: str = "zh") -> None:
        self.sheet, self.page, self.answered = sheet, page, 0
        page.expose_function("askPython", self._asked)
        traits = {
            "scene": sheet.scene(), "state": self.state(), "order": {}, "texts": texts(), "language": language,
            "height_px": SIZE["height"] - 92,
        }  # fmt: skip
        page.set_content(
            f"<!doctype html><meta charset='utf-8'><style>{style_text()}</style><body style='margin:0'></body>"
        )
        page.evaluate("traits => { window.traits = traits; }", traits)
        module = module_text().replace("export default", "window.desk =", 1)
        page.add_script_tag(
            content=f"{MODEL}\n{module}\nwindow.desk.render({{model: window.model, el: document.body}});"
        )
        page.wait_for_function("() => document.querySelectorAll('.gm-labels text').length > 0")

    def state(self) -> dict[str, Any]:
        """What the map is told."""
        return self.sheet.state() | {"answered": self.answered, "fault": None}

    def _asked(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if order.get("n", 0) > self.answered:
            self.sheet, self.answered = self.sheet.asked(order), int(order["n"])
        return json.loads(json.dumps(self.state()))

    def at(self, atom: int) -> tuple[float, float]:
        """Where an atom is on the page."""
        place = self.page.evaluate(
            """n => { const a = window.traits.scene.atoms[n]; const m = document.querySelector('.gm-map > g');
                const p = new DOMPoint(a.x, a.y).matrixTransform(m.getScreenCTM()); return [p.x, p.y]; }""",
            atom,
        )
        return float(place[0]), float(place[1])


def border_pair(sheet: Sheet) -> tuple[int, int]:
    """An atom and a neighbour of another cell with some households that may be taken, all staying in the band."""
    desk = sheet.desk
    for taker, given in desk.ground.graph.pairs.tolist():
        if desk.ground.graph.weights[given] > 20 and desk.now.label[taker] != desk.now.label[given]:
            after = desk.move([given], int(desk.now.label[taker]))
            if isinstance(after, Desk) and after.card.report.in_band_share == 1.0:
                return taker, given
    raise SystemExit("no border can be moved")


def shoot(page: Page, sheet: Sheet, out: Path) -> None:
    """Drag a border, choose blocks beside it, and write what is seen."""
    stand = Stand(page, sheet)
    taker, given = border_pair(sheet)
    page.mouse.move(*stand.at(taker))
    page.mouse.down()
    page.mouse.move(*stand.at(given), steps=8)
    page.mouse.up()
    page.wait_for_function("() => window.traits.state.undo === 1")
    cell = sheet.desk.now.label[given]
    page.evaluate(
        "n => document.querySelector(`[data-testid='bar-${n}']`).click()",
        stand.state()["cells"][cell]["name"],
    )
    after = stand.sheet.desk
    for atom in after.row_along(int(after.now.label[taker]), int(cell))[:1].tolist():
        page.mouse.click(*stand.at(atom))
    page.locator("[data-testid=choice] button").first.wait_for()
    content = slimmed(page.screenshot())
    out.write_bytes(content)
    print(f"{out.name}  {len(content) // 1000} kB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Take the picture of the notebook's map.")
    parser.add_argument("--out", type=Path, default=IMAGE)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    street = build_demo_plan(CHECKOUT / "data" / "demo")
    desk = lay_out(
        street.communities, street.atoms, street.cells, lines=street.roads, buildings=street.buildings
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=[*CHROMIUM_ARGS])
        page = browser.new_context(viewport=SIZE, locale="zh-CN").new_page()  # type: ignore[arg-type]
        page.on("pageerror", lambda error: print("page error:", error))
        page.set_default_timeout(30_000)
        shoot(page, Sheet(desk), given.out)
        browser.close()


if __name__ == "__main__":
    main()
