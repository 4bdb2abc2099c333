"""The desk as plain facts: what a map draws once, what changes with each edit, and edits asked for as facts.

Whatever shows the desk (the widget of :mod:`gridmgmt.viz.borders`, a page) speaks this and nothing else, so
it needs neither GeoDataFrames nor the engine. Places are metres from the north-west corner of the street,
x east and y **south**, as screens have it, with centimetres.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import GeomArray
from gridmgmt.planning.editing import Desk
from gridmgmt.planning.editing_card import DeskCard
from gridmgmt.planning.editing_cells import changed_cells
from gridmgmt.planning.editing_division import Refusal, name_of
from gridmgmt.planning.evaluate import LINE_CLASS
from gridmgmt.planning.lines import ROAD_CLASSES, LineClass

MARGIN_M: Final = 40.0
WIDE: Final = frozenset({LineClass.ARTERIAL, LineClass.COLLECTOR})

ACTIONS: Final[Mapping[str, Callable[[Desk, Mapping[str, Any]], "Desk | Refusal"]]] = {
    "move": lambda desk, order: desk.move(order["atoms"], order["cell"]),
    "advance": lambda desk, order: desk.advance(order["taker"], order["giver"]),
    "redraw": lambda desk, order: desk.redraw(order["one"], order["two"], order["line"]),
    "split": lambda desk, order: desk.split(
        order["cell"], atoms=order.get("atoms"), line=order.get("line"), seed=order.get("seed", 0)
    ),
    "merge": lambda desk, order: desk.merge(order["cells"]),
    "freeze": lambda desk, order: desk.freeze(order["cells"]),
    "thaw": lambda desk, order: desk.thaw(order["cells"]),
    "reoptimise": lambda desk, order: desk.reoptimise(
        communities=order.get("communities"), preset=order.get("preset", "default"), seed=order.get("seed", 0)
    ),
    "undo": lambda desk, _: desk.undo(),
    "redo": lambda desk, _: desk.redo(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A desk with what a map of it has to know. A value: :meth:`asked` gives the next one.

    Attributes
    ----------
    desk : the plan under the hand.
    water : polygons or lines of water in the CRS of the atoms, to be drawn beneath.
    refusal : of the last edit asked for; None when it was made.
    opened : the card of the plan as it was laid on the desk; judged once, then handed on.
    """

    desk: Desk
    water: gpd.GeoDataFrame | None = None
    refusal: Refusal | None = None
    opened: DeskCard | None = None

    def __post_init__(self) -> None:
        """Judge the plan as it was laid on the desk, unless the sheet before has."""
        if self.opened is None:
            first = self.desk
            if first.past:
                first = Desk(first.ground, first.measures, first.past[0])
            object.__setattr__(self, "opened", first.card)

    def asked(self, order: Mapping[str, Any]) -> "Sheet":
        """Return the sheet after an edit, or the same one with the refusal.

        Parameters
        ----------
        order : ``action`` and what that method of :class:`~gridmgmt.planning.editing.Desk` takes: atoms and
            cells by number, lines in places of the scene.

        Raises
        ------
        InvalidInput
            No such action, a fact is missing, or it names what is not there.
        """
        action = ACTIONS.get(str(order.get("action")))
        if action is None:
            raise InvalidInput(
                "there is no such action", action=str(order.get("action")), actions=list(ACTIONS)
            )
        given = dict(order)
        if given.get("line") is not None:
            given["line"] = self._in_crs(given["line"])
        try:
            outcome = action(self.desk, given)
        except KeyError as missing:
            raise InvalidInput("a fact is missing", missing=[str(missing.args[0])]) from missing
        if isinstance(outcome, Refusal):
            return replace(self, refusal=outcome)
        return replace(self, desk=outcome, refusal=None)

    def scene(self) -> dict[str, Any]:
        """Return what is drawn once: atoms, the borders between them, communities, and what lies beneath."""
        ground = self.desk.ground
        west, north, width, height = self._frame()
        corner = np.array([west, north])
        inside = (ground.inside - corner) * [1.0, -1.0]
        return {
            "width": round(width, 2),
            "height": round(height, 2),
            "demand": ground.demand,
            "band": list(ground.band),
            "communities": [
                {"code": str(code), "name": str(name), "d": path}
                for code, name, path in zip(
                    ground.communities["code"], ground.communities["name"],
                    _paths(np.asarray(ground.communities.geometry.array, dtype=object), corner), strict=True,
                )
            ],
            "atoms": [
                {"d": path, "x": round(x, 1), "y": round(y, 1), "home": home, "demand": demand}
                for path, (x, y), home, demand in zip(
                    _paths(ground.shapes, corner), inside.tolist(), ground.home.tolist(),
                    ground.graph.weights.tolist(), strict=True,
                )
            ],
            "borders": self._borders(corner),
            "beneath": self._beneath(corner),
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return what changes with each edit."""
        desk, table = self.desk, self.desk.card.cells
        west, north, _, _ = self._frame()
        changed = changed_cells(desk.ground, desk.now, table)
        cells = [
            {
                "number": cell,
                "name": name_of(desk.ground, desk.now, cell),
                "home": int(table.home[row]),
                "duty": bool(table.duty[row]),
                "demand": round(float(table.demand[row]), 2),
                "deviation": round(float(table.deviation_share[row]), 4),
                "compact": round(float(table.polsby_popper[row]), 3),
                "m2": round(float(table.area_m2[row])),
                "x": round(float(table.centroid[row, 0] - west), 1),
                "y": round(float(north - table.centroid[row, 1]), 1),
                "frozen": cell in desk.now.frozen,
                "changed": bool(changed[row]),
            }
            for row, cell in enumerate(table.number.tolist())
        ]
        return {
            "label": desk.now.label.tolist(),
            "cells": cells,
            "card": desk.card.as_facts(),
            "opened": self.opened.as_facts() if self.opened else None,
            "undo": len(desk.past),
            "redo": len(desk.future),
            "refusal": self.refusal.as_facts() if self.refusal else None,
        }

    def _frame(self) -> tuple[float, float, float, float]:
        west, south, east, north = shapely.total_bounds(self.desk.ground.shapes).tolist()
        return west - MARGIN_M, north + MARGIN_M, east - west + 2 * MARGIN_M, north - south + 2 * MARGIN_M

    def _in_crs(self, line: Any) -> Any:
        west, north, _, _ = self._frame()
        places = np.asarray(line, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != 2:
            raise InvalidInput("a line is a list of finite places", argument="line")
        return places * [1.0, -1.0] + [west, north]

    def _borders(self, corner: Any) -> list[list[Any]]:
        ground = self.desk.ground
        a, b = ground.graph.pairs.T
        pieces = shapely.intersection(ground.shapes[a], ground.shapes[b])
        lines = np.asarray([_joined(piece) for piece in pieces], dtype=object)
        return [
            [one, two, path]
            for (one, two), path in zip(ground.graph.pairs.tolist(), _paths(lines, corner), strict=True)
        ]

    def _beneath(self, corner: Any) -> dict[str, str]:
        ground = self.desk.ground
        drawn = {}
        if self.water is not None:
            drawn["water"] = "".join(_paths(np.asarray(self.water.geometry.array, dtype=object), corner))
        if ground.buildings is not None:
            drawn["buildings"] = "".join(
                _paths(np.asarray(ground.buildings.geometry.array, dtype=object), corner)
            )
        if ground.lines is not None:
            west, north, width, height = self._frame()
            frame = shapely.box(west, north - height, west + width, north)
            seen = shapely.intersection(np.asarray(ground.lines.geometry.array, dtype=object), frame)
            wide = np.zeros(len(seen), dtype=np.bool_)
            if LINE_CLASS in ground.lines:
                wide = np.array([ROAD_CLASSES.get(str(c)) in WIDE for c in ground.lines[LINE_CLASS]])
            drawn["roads"] = "".join(_paths(seen[wide], corner))
            drawn["lanes"] = "".join(_paths(seen[~wide], corner))
        return drawn


def _joined(shape: Any) -> Any:
    lines = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 1]
    return shapely.line_merge(shapely.multilinestrings(lines)) if lines else shapely.multilinestrings([])


def _paths(shapes: GeomArray, corner: Any) -> list[str]:
    """Shapes as the ``d`` of SVG paths: lines open, rings closed."""
    paths = []
    for shape in shapes:
        parts = []
        for part in shapely.get_parts(shape):
            polygon = shapely.get_dimensions(part) == 2
            lines = shapely.get_rings(part) if polygon else [part]
            for line in lines:
                places = np.round((shapely.get_coordinates(line) - corner) * [1.0, -1.0], 2)
                kept = places[:-1] if polygon else places
                if len(kept):
                    told = "L".join(f"{x:g} {y:g}" for x, y in kept.tolist())
                    parts.append(f"M{told}{'Z' if polygon else ''}")
        paths.append("".join(parts))
    return paths
