"""gridmgmt ladder: the default, a street's own rungs, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridmgmt.cli import app
from gridmgmt.storage import ladders
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import STREET

GOOD = "no,percent,levels,acknowledge_minutes\n1,50,holder,30\n2,100,street district,0\n"


@pytest.fixture
def command(own_demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["ladder", *map(str, arguments), "--subdistrict", STREET])
        return done.exit_code, done.output

    return run


def test_a_street_sets_its_rungs_and_goes_back_to_the_default(
    command, own_demo_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "rungs.csv"
    file.write_text(GOOD, encoding="utf-8")
    assert "the default" in command("show")[1]
    assert command("set", file) == (0, "2 rungs\n")
    shown = command("show")[1]
    assert "the street's own" in shown
    assert "street, district" in shown
    engine = make_engine(own_demo_url, pool_size=1)
    with transaction(engine, NOBODY) as db:
        assert [r.percent for r in ladders.rungs_of(db, STREET)] == [50, 100]
    engine.dispose()
    assert command("set", "--default") == (0, "the default\n")
    assert "80 %" in command("show")[1]


@pytest.mark.parametrize(
    "content",
    [
        "no,percent,levels,acknowledge_minutes\n",
        GOOD.replace("holder", "mayor"),
        GOOD.replace("2,100", "2,50"),
        GOOD.replace("2,100", "3,100"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(command, tmp_path: Path, content: str) -> None:
    file = tmp_path / "rungs.csv"
    file.write_text(content, encoding="utf-8")
    assert command("set", file)[0] != 0


def test_a_file_or_the_default_but_not_neither(command) -> None:
    assert command("set")[0] != 0
