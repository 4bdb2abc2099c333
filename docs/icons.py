"""Make the icons of the field page from web/src/ui/icon.svg: python docs/icons.py.

A phone's home screen takes PNG only. The maskable one fills its square and keeps the sign within the middle
four fifths, because launchers cut circles and squircles out of it. The results are committed.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SIGN = ROOT / "web" / "src" / "ui" / "icon.svg"
PLACE = ROOT / "web" / "src" / "field" / "icons"
CHROMIUM = Path("/usr/bin/chromium")
GROUND = "#1b5c90"
ICONS = {"icon-192.png": (192, 1.0), "icon-512.png": (512, 1.0), "maskable-512.png": (512, 0.8)}
"""Name, edge in pixels, share of the edge that the sign takes."""


def main() -> None:
    """Draw them all anew."""
    PLACE.mkdir(exist_ok=True)
    svg = SIGN.read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name, (edge, share) in ICONS.items():
            page = browser.new_page(viewport={"width": edge, "height": edge})
            ground = f"background:{GROUND}" if share < 1 else "background:transparent"
            page.set_content(
                f"<body style='margin:0;{ground};display:grid;place-items:center;height:{edge}px'>"
                f"<div style='width:{edge * share}px;height:{edge * share}px'>{svg}</div>"
            )
            page.screenshot(path=PLACE / name, omit_background=True)
            page.close()
        browser.close()
    sys.stdout.write(f"{len(ICONS)} icons in {PLACE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
