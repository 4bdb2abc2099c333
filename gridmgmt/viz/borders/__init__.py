"""A map in the notebook on which a planner moves borders by hand, the report card beside it.

The browser draws and asks; Python decides. What is drawn once comes over the trait ``scene``, what changes
with each edit over ``state``; what the planner asks for comes back over ``order``, numbered, so that the same
edit can be asked for twice. Each is plain facts (``gridmgmt.planning.editing_scene``), so this package knows
nothing of plans.

One ES module, joined here from its parts, and one style sheet. Nothing is loaded from anywhere: no tile, no
font, no library; the map is SVG made of the atoms themselves.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, Protocol

import anywidget
import orjson
import traitlets

from gridmgmt.errors import GridError

PARTS: Final = ("drawing.js", "map.js", "hand.js", "card.js", "desk.js")
LANGUAGES: Final = ("zh", "en")


class Sheet(Protocol):
    """What the map shows: a value that gives the next one when an edit is asked for."""

    def scene(self) -> dict[str, Any]:
        """Return what is drawn once."""

    def state(self) -> dict[str, Any]:
        """Return what changes with each edit."""

    def asked(self, order: Mapping[str, Any]) -> "Sheet":
        """Return the sheet after an edit or after its refusal."""


def module_text() -> str:
    """Return the ES module: its parts one after another, each of plain functions."""
    here = files(__name__)
    return "\n".join(here.joinpath(part).read_text(encoding="utf-8") for part in PARTS)


def style_text() -> str:
    """Return the style sheet."""
    return files(__name__).joinpath("desk.css").read_text(encoding="utf-8")


def texts() -> dict[str, dict[str, str]]:
    """Return all that the map says, by language."""
    read: dict[str, dict[str, str]] = orjson.loads(files(__name__).joinpath("texts.json").read_bytes())
    return read


class BorderDesk(anywidget.AnyWidget):
    """The map with its card.

    Parameters
    ----------
    sheet : what is shown, such as ``gridmgmt.planning.editing_scene.Sheet(desk)``.
    language : ``zh`` or ``en``; the planner can change it on the map.
    height_px : of the map.

    Examples
    --------
    In a notebook::

        widget = BorderDesk(Sheet(desk))
        widget              # shows the map
        widget.sheet.desk   # the plan as it is now
    """

    _esm = module_text()
    _css = style_text()
    scene = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    order = traitlets.Dict().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    language = traitlets.Enum(LANGUAGES, "zh").tag(sync=True)
    height_px = traitlets.Int(600).tag(sync=True)

    def __init__(self, sheet: Sheet, *, language: str = "zh", height_px: int = 600) -> None:
        """Show a sheet."""
        self._sheet = sheet
        super().__init__(
            scene=sheet.scene(), state=sheet.state() | {"answered": 0}, texts=texts(), language=language,
            height_px=height_px,
        )  # fmt: skip
        self.observe(self._ordered, names="order")

    @property
    def sheet(self) -> Sheet:
        """What is shown now; set it to show another sheet of the same street."""
        return self._sheet

    @sheet.setter
    def sheet(self, sheet: Sheet) -> None:
        """Show another sheet."""
        self._sheet = sheet
        self._show()

    def _ordered(self, change: Mapping[str, Any]) -> None:
        order = change["new"]
        if not order:
            return
        fault = None
        try:
            self._sheet = self._sheet.asked(order)
        except GridError as error:
            # The planner is told on the map; a traceback would go to a log that nobody has open.
            fault = {"code": error.code, "message": error.message}
        self._show(answered=int(order.get("n", 0)), fault=fault)

    def _show(self, answered: int | None = None, fault: Mapping[str, str] | None = None) -> None:
        number = self.state.get("answered", 0) if answered is None else answered
        self.state = self._sheet.state() | {"answered": number, "fault": fault}
