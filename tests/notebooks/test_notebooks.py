"""The planners' notebooks run from end to end on the demo street, without a server and without the internet.

Notebook 02 is a widget, which ``test_tuning.py`` drives in a browser.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

from gridmgmt.storage.embedded import Cluster
from tests.architecture.sources import ROOT

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
HERE = ("01_draw_the_cells", "03_what_if", "04_hot_spots", "05_compare_and_publish", "06_staffing_and_routes")
MADE = {
    "01_draw_the_cells": (
        "01_layers.png", "01_cells.html", "01_card.html", "01_deviation.html", "01_bund.png", "01_bund.html",
    ),
    "03_what_if": ("03_workers.png", "03_moved.csv", "03_late_in_force.html", "03_late_draft.html"),
    "04_hot_spots": ("04_heat.html", "04_spots.html", "04_rates.png", "04_rates.html"),
    "05_compare_and_publish": ("05_card.html", "05_plan_1.html", "05_plan_2.html", "05_maps.png"),
    "06_staffing_and_routes": ("06_posts.png", "06_load.html", "06_route.html", "06_route.png"),
}  # fmt: skip
Kernel = tuple[KernelManager, BlockingKernelClient]
# Notebook 05 makes a database of its own; in the tests that is one of the tests' cluster.
OWN_CLUSTER = 'Sandbox(ROOT / "data")'
TESTS_CLUSTER = (
    'Sandbox(ROOT / "data", __import__("gridmgmt.storage.embedded", fromlist=["x"]).test_cluster())'
)
# Whoever reaches for a name or an address outside this machine fails, and says so.
INLINE = "module://matplotlib_inline.backend_inline"
ALONE = """
%reset -f
import socket as _socket

def _alone(address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"the notebook reaches for {address}")

class _Socket(_socket.socket):
    def connect(self, address):
        _alone(address)
        return super().connect(address)
    def connect_ex(self, address):
        _alone(address)
        return super().connect_ex(address)

_socket.socket = _Socket

# Whoever asks for the demo's plan again gets a copy of the same: it is drawn once for all notebooks.
def _draw_once():
    import pickle

    import gridmgmt.planning.demo_plan as place

    build, drawn = place.build_demo_plan, {}

    def build_demo_plan(data_dir, *, seed=place.DEFAULT_SEED, progress=None):
        if (data_dir, seed) not in drawn:
            drawn[data_dir, seed] = pickle.dumps(build(data_dir, seed=seed, progress=progress))
        return pickle.loads(drawn[data_dir, seed])

    if build.__module__ == place.__name__:
        place.build_demo_plan = build_demo_plan

_draw_once()
"""


@cache
def notebook(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def text_of(name: str) -> str:
    return "\n".join(cell.source for cell in notebook(name).cells)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the data: everything that a notebook writes lands here."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "data").symlink_to(ROOT / "data")
    return folder


@pytest.fixture(scope="module")
def kernel(desk: Path) -> Iterator[Kernel]:
    """One process for all, so that packages are loaded once; each notebook begins without a name in it."""
    manager = KernelManager(kernel_name="python3")
    env = {n: v for n, v in os.environ.items() if n != "GRIDMGMT_DATABASE_URL"} | {"PYTHONPATH": str(ROOT)}
    manager.start_kernel(cwd=str(desk), env=env | {"MPLBACKEND": INLINE})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def run(name: str, kernel: Kernel) -> Any:
    book = nbformat.from_dict(json.loads(json.dumps(notebook(name))))
    for cell in book.cells:
        cell.source = cell.source.replace(OWN_CLUSTER, TESTS_CLUSTER)
    book.cells.insert(0, nbformat.v4.new_code_cell(ALONE))
    client = NotebookClient(book, timeout=240, km=kernel[0])
    client.kc = kernel[1]
    client.execute()
    return book


def require_closed_maps(pages: list[Path]) -> None:
    """Saved maps ask for nothing outside, and are drawn."""
    chromium = shutil.which("chromium")
    assert chromium
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for page in pages:
            asked, wrong = [], []
            tab = browser.new_page()
            tab.on("request", lambda request, into=asked: into.append(request.url))
            tab.on("pageerror", lambda error, into=wrong: into.append(str(error)))
            tab.goto(page.as_uri())
            assert ([page.as_uri()], []) == ([u for u in asked if not u.startswith("data:")], wrong)
            wanted = "path.leaflet-interactive" if "card" not in page.name else "svg path"
            assert tab.locator(wanted).count() > 0, page.name
            tab.close()
        browser.close()


# One test for all: on two workers there would be two kernels, which load everything and draw the plan twice.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_the_notebooks_run_from_end_to_end_and_their_maps_ask_for_nothing_outside(
    desk: Path, kernel: Kernel, cluster: Cluster, subtests: pytest.Subtests
) -> None:
    assert any(OWN_CLUSTER in text_of(name) for name in HERE)
    before = databases(cluster)
    for name in HERE:
        with subtests.test(name):
            require_no_complaint_and_all_files(run(name, kernel), name, desk / "out")
    assert before == databases(cluster)
    require_closed_maps(sorted((desk / "out").glob("*.html")))


def require_no_complaint_and_all_files(book: Any, name: str, out: Path) -> None:
    """Nothing on stderr; all that is promised is there, and no map that nobody knows."""
    outputs = [one for cell in book.cells for one in cell.get("outputs", [])]
    complaints = [one["text"] for one in outputs if one.get("name") == "stderr"]
    assert [] == complaints
    for file in MADE[name]:
        assert (out / file).stat().st_size > 200, file
    pages = {page.name for page in out.glob(f"{name[:2]}_*.html")}
    assert {file for file in MADE[name] if file.endswith("html")} == pages


def databases(cluster: Cluster) -> set[str]:
    """Sandboxes of the cluster: a notebook leaves none behind."""
    with cluster._connect() as connection:
        rows = connection.execute("select datname from pg_database where datname like 'sandbox%'")
        return {name for (name,) in rows}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_output_is_committed(name: str) -> None:
    raw = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in raw["cells"] if cell["cell_type"] == "code"]
    assert code
    assert [] == [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None]
    assert "widgets" not in raw["metadata"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_says_what_is_synthetic(name: str) -> None:
    first = notebook(name).cells[0]
    assert "markdown" == first.cell_type
    assert "synthetic" in first.source.lower()
    assert "合成" in first.source


@pytest.mark.parametrize("name", HERE)
def test_every_map_and_figure_that_is_shown_is_saved_with_a_notice(name: str) -> None:
    text = text_of(name)
    assert text.count("plan_map(") - text.count("still_map(") <= text.count("notice=") + 1
    assert not re.search(r"https?://(?!www\.openstreetmap\.org/copyright)", text)


def test_what_notebooks_write_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "/notebooks/out/" in ignored
