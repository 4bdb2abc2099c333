"""Notebook 02 runs from top to bottom; in a real JupyterLab without internet a border is tuned by hand."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.architecture.sources import ROOT
from tests.notebooks.lab import PLACES, browser_page, laboratory, run_all

NAME = "02_tune_the_borders.ipynb"
NOTEBOOK = ROOT / "notebooks" / NAME

# Two neighbouring blocks of different cells of the first community. The second one is free to go: what is
# left of its cell stays in one piece. And the way from one to the other leads over nothing else that is not
# the taker's: a drag takes all that it sweeps over. It keeps clear of the map's foot, where chips appear.
FIND = """() => {
  const { scene, state, map } = document.querySelector('[data-testid=desk]').view;
  const { label } = state;
  const whole = (cell, without) => {
    const left = new Set(label.flatMap((c, n) => (c === cell && n !== without ? [n] : [])));
    const waiting = [...left].slice(0, 1);
    waiting.forEach((n) => left.delete(n));
    while (waiting.length) {
      map.neighbours[waiting.pop()].forEach((n) => { if (left.delete(n)) waiting.push(n); });
    }
    return left.size === 0;
  };
  const place = (n) => {
    const { x, y } = scene.atoms[n];
    return new DOMPoint(x, y).matrixTransform(map.view.getScreenCTM());
  };
  const floor = map.root.getBoundingClientRect().bottom - 90;
  const under = (x, y) => {
    const shape = y < floor ? document.elementFromPoint(x, y) : null;
    return shape?.closest('.gm-atoms') ? Number(shape.dataset.atom) : null;
  };
  const straight = (taker, given) => {
    const [from, to] = [place(taker), place(given)];
    const far = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y));
    if (far < 10 || under(from.x, from.y) !== taker || under(to.x, to.y) !== given) return false;
    for (let px = 0; px <= far; px += 0.5) {
      const share = Math.min(px / far, 1);
      const atom = under(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share);
      if (atom === null || (atom !== given && label[atom] !== label[taker])) return false;
    }
    return true;
  };
  const duty = (n) => map.cells.get(label[n]).duty;
  const fits = (a, b) => scene.atoms[a].home === 0 && scene.atoms[b].home === 0 && duty(a) && duty(b)
    && label[a] !== label[b] && scene.atoms[b].demand > 0 && whole(label[b], b) && straight(a, b);
  const ways = scene.borders.flatMap(([a, b]) => [[a, b], [b, a]]);
  const [taker, given] = ways.find(([a, b]) => fits(a, b));
  return {
    taker, given, demand: scene.atoms[given].demand,
    names: [taker, given].map((n) => map.cells.get(label[n]).name),
  };
}"""
PLACE = """n => {
  const { scene, map } = document.querySelector('[data-testid=desk]').view;
  const at = new DOMPoint(scene.atoms[n].x, scene.atoms[n].y).matrixTransform(map.view.getScreenCTM());
  return [at.x, at.y];
}"""
OUTPUTS = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.model.cells].map((cell) => cell.toJSON());
  const code = cells.filter((cell) => cell.cell_type === 'code');
  const outputs = code.flatMap((cell) => cell.outputs);
  const failed = outputs.some((one) => one.output_type === 'error');
  return failed || code.every((cell) => cell.execution_count) ? outputs : null;
}"""
LABEL = "n => document.querySelector('[data-testid=desk]').view.state.label[n]"


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """Nothing of Jupyter is written into anybody's home."""
    for name in PLACES:
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


def test_the_notebook_is_committed_without_outputs_and_says_what_is_synthetic():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert "SYNTHETIC" in "".join(notebook["cells"][0]["source"])


class Planner:
    """What a planner does on the map, in a page that shows it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found = page.evaluate(FIND)

    def at(self, atom: int) -> tuple[float, float]:
        x, y = self.page.evaluate(PLACE, atom)
        return x, y

    def drag(self, start: int, end: int) -> None:
        self.page.mouse.move(*self.at(start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(end), steps=6)
        self.page.mouse.up()

    def said(self, text: str) -> None:
        expect(self.page.get_by_test_id("said")).to_contain_text(text)

    def demands(self) -> list[float]:
        return [float(self.bar(n).get_attribute("data-demand") or "nan") for n in (0, 1)]

    def bar(self, which: int) -> Locator:
        return self.page.get_by_test_id(f"bar-{self.found['names'][which]}")

    def card(self) -> str:
        return self.page.get_by_test_id("card").inner_text()


def require_a_whole_run(outputs: list[dict[str, Any]]) -> None:
    """From top to bottom without a fault, and it has said what its text promises."""
    assert [] == [one for one in outputs if one["output_type"] == "error"]
    told = "".join("".join(one.get("text", "")) for one in outputs)
    assert "refused:" in told
    assert "with their code of before" in told


def test_a_planner_runs_it_in_jupyterlab_and_tunes_borders_and_nothing_is_asked_of_the_outside(apart):
    outside: list[str] = []
    faults: list[str] = []
    with laboratory(apart, NAME) as url, browser_page(outside) as page:
        page.on("pageerror", lambda error: faults.append(str(error)))
        run_all(page, url)
        require_a_whole_run(page.wait_for_function(OUTPUTS).json_value())
        desk = page.get_by_test_id("desk")
        desk.wait_for()
        page.wait_for_function("() => document.querySelector('[data-testid=desk]').view.state.undo > 0")
        desk.scroll_into_view_if_needed()
        # The notebook's own edits are taken back first, on the map.
        while not page.get_by_test_id("do-undo").is_disabled():
            page.get_by_test_id("do-undo").click()
            expect(page.get_by_test_id("said")).to_contain_text("已撤销")
        tune(page, Planner(page))
        assert faults == []
    assert outside == []


def tune(page: Page, planner: Planner) -> None:
    """Click blocks, drag a border, see the card change, undo; be refused; change the language."""
    taker, given, demand = (planner.found[name] for name in ("taker", "given", "demand"))
    planner.bar(1).click()
    before, card = planner.demands(), planner.card()
    page.mouse.click(*planner.at(given))
    expect(page.get_by_test_id("choice")).to_contain_text("已选 1 块")
    page.mouse.click(*planner.at(given))
    expect(page.get_by_test_id("choice")).to_be_empty()

    planner.drag(taker, given)
    planner.said("边界已移动")
    assert [before[0] + demand, before[1] - demand] == planner.demands()
    expect(page.get_by_test_id("figure-moved")).to_contain_text("原 0")
    expect(page.get_by_test_id("light-contiguous")).to_have_attribute("data-passed", "true")
    assert page.evaluate(LABEL, taker) == page.evaluate(LABEL, given)

    page.keyboard.press("z")
    planner.said("已撤销")
    assert (before, card) == (planner.demands(), planner.card())

    page.mouse.click(*planner.at(given))
    page.keyboard.press("f")
    planner.said("已冻结")
    planner.drag(taker, given)
    planner.said("已冻结 " + planner.found["names"][1])
    expect(page.get_by_test_id("said")).to_have_attribute("data-constraint", "frozen")
    assert before == planner.demands()

    page.get_by_test_id("do-language").click()
    expect(page.get_by_test_id("said")).to_contain_text("is frozen")
