"""The map of borders: it asks nothing of the outside, says everything in both languages, and obeys orders."""

import re

import pytest

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.editing import Desk
from gridmgmt.planning.editing_division import REASONS
from gridmgmt.planning.editing_scene import ACTIONS, Sheet
from gridmgmt.viz.borders import BorderDesk, module_text, style_text, texts
from tests.builders_editing import make_desk


@pytest.fixture
def sheet() -> Sheet:
    return Sheet(make_desk())


def test_module_and_style_load_nothing_from_anywhere():
    module = module_text()
    assert [] == re.findall(
        r"^\s*import\b|\bimport\(|\bfetch\(|XMLHttpRequest|WebSocket|@import|url\((?!#)",
        module + style_text(),
        re.MULTILINE,
    )
    named = set(re.findall(r"https?://[^\s\"']+", module + style_text()))
    # A name of SVG elements, never an address that is asked.
    assert {"http://www.w3.org/2000/svg"} == named
    assert 1 == module.count("export default")


def test_both_languages_have_every_text_and_every_refusal_and_action_is_worded():
    told = texts()
    assert {"zh", "en"} == set(told)
    assert set(told["zh"]) == set(told["en"])
    keys = {f"refused_{constraint}" for constraint in REASONS} | {f"did_{action}" for action in ACTIONS}
    keys |= set(re.findall(r"words\(\"(\w+)\"\)", module_text()))
    buttons = set(re.findall(r"this\.button\(\"(\w+)\"", module_text()))
    keys |= {f"tip_{button}" for button in buttons} | {"do_freeze", "do_thaw", "choice", "choice_alone"}
    keys |= {f"rule_{verdict['name']}" for verdict in make_desk().card.as_facts()["verdicts"]}
    assert set() == keys - set(told["zh"])
    assert all(text.strip() for language in told.values() for text in language.values())


def test_scene_and_state_tell_the_plan(sheet):
    scene, state = sheet.scene(), sheet.state()
    desk = sheet.desk
    assert desk.ground.count == len(scene["atoms"]) == len(state["label"])
    assert desk.ground.graph.pairs.tolist() == [border[:2] for border in scene["borders"]]
    assert all(border[2].startswith("M") for border in scene["borders"])
    assert sum(atom["demand"] for atom in scene["atoms"]) == sum(cell["demand"] for cell in state["cells"])
    assert {"buildings", "roads", "lanes"} <= set(scene["beneath"])
    # North is up: the first atom is the north-west one.
    first, last = scene["atoms"][0], scene["atoms"][-1]
    assert first["x"] < last["x"]
    assert first["y"] < last["y"]


def test_an_order_changes_the_plan_and_a_refusal_leaves_it(sheet):
    widget = BorderDesk(sheet)
    widget.order = {"action": "move", "atoms": [2], "cell": 0, "n": 1}
    assert (0, 1, 1) == (widget.state["label"][2], widget.state["undo"], widget.state["answered"])
    widget.order = {"action": "move", "atoms": [7], "cell": 0, "n": 2}
    assert "dedicated" == widget.state["refusal"]["constraint"]
    assert (0, 2) == (widget.state["label"][2], widget.state["answered"])
    widget.order = {"action": "undo", "n": 3}
    assert widget.state["refusal"] is None
    assert sheet.desk.now.same_as(widget.sheet.desk.now)


def test_an_order_that_names_what_is_not_there_is_told_and_changes_nothing(sheet):
    widget = BorderDesk(sheet)
    for n, order in enumerate(
        ({"action": "fly"}, {"action": "move", "atoms": [0]}, {"action": "merge", "cells": [0, 99]}), 1
    ):
        widget.order = order | {"n": n}
        assert "invalid_input" == widget.state["fault"]["code"]
        assert n == widget.state["answered"]
    assert sheet.desk is widget.sheet.desk


def test_a_line_drawn_on_the_map_is_the_same_line_in_the_crs(sheet):
    # Forty metres of margin; the line runs north to south through the middle of the second column.
    after = sheet.asked({"action": "redraw", "one": 0, "two": 1, "line": [[141, -10], [141, 600]]})
    assert isinstance(after.desk, Desk)
    assert after.refusal is None
    assert [0, 1, 1, 1] == after.desk.now.label[:4].tolist()
    with pytest.raises(InvalidInput):
        sheet.asked({"action": "split", "cell": 0, "line": [1, 2, 3]})


def test_a_sheet_set_from_python_is_shown_and_remembers_how_the_plan_was_opened(sheet):
    widget = BorderDesk(sheet, language="en")
    moved = sheet.desk.move([2], 0)
    widget.sheet = Sheet(moved)
    assert 0 == widget.state["label"][2]
    assert 0 == widget.state["opened"]["moved"]
    assert widget.state["card"]["moved"] > 0
