"""The units for systemd: whatever ends is started again, and what systemd makes of them."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridmgmt.cli import app

RUNNING = ("gridmgmt-server.service", "gridmgmt-worker.service", "gridmgmt-receiver.service")


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    words = ["service", "install-units", "--to", str(folder), "--program", "/bin/true", "--user", "root"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return folder


def read(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text())
    return unit


@pytest.mark.parametrize("name", RUNNING)
def test_whatever_ends_is_started_again_even_if_it_ended_well_and_for_as_long_as_it_takes(
    units: Path, name: str
) -> None:
    unit = read(units / name)
    assert unit["Service"]["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert int(unit["Service"]["RestartSec"]) <= 5


def test_a_worker_that_hangs_is_noticed_and_one_that_waits_for_its_database_is_left_alone(
    units: Path,
) -> None:
    from gridmgmt import worker  # noqa: PLC0415

    service = read(units / "gridmgmt-worker.service")["Service"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 2 * worker._LONGEST_PAUSE_S


def test_the_watchdog_is_a_process_of_its_own_each_minute(units: Path) -> None:
    assert read(units / "gridmgmt-watchdog.timer")["Timer"]["OnUnitActiveSec"] == "1min"
    assert "watchdog" in read(units / "gridmgmt-watchdog.service")["Service"]["ExecStart"]
    assert "watchdog" not in read(units / "gridmgmt-worker.service")["Service"]["ExecStart"]


def test_every_command_of_a_unit_exists(units: Path) -> None:
    for path in units.glob("*.service"):
        words = read(path)["Service"]["ExecStart"].split()[1:]
        done = CliRunner().invoke(app, [*[w for w in words if not w.startswith(("-", "/"))], "--help"])
        assert done.exit_code == 0, path.name
        options = [w for w in words if w.startswith("--")]
        assert all(option in done.output for option in options), path.name


def test_systemd_finds_no_fault_in_them(units: Path) -> None:
    verifier = shutil.which("systemd-analyze")
    for path in units.iterdir():
        unit = read(path)
        assert "Unit" in unit
        assert unit["Unit"]["Description"].startswith("gridmgmt: ")
    if verifier is None:
        return  # a machine without systemd has nobody to ask; the rules above hold there as well
    names = [str(path) for path in sorted(units.iterdir())]
    done = subprocess.run(
        [verifier, "verify", "--man=no", *names], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
