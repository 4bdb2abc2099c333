"""Server and worker live and end together, asked to or not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.installation import Installation


@pytest.fixture(scope="module")
def installation(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"))
    yield made
    made.stop()


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends(pid: int) -> bool:
    """Whether a process that was told to end does so within 20 seconds."""
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # nobody else's child can be waited for
    return not is_running(pid)


def test_a_worker_does_not_outlive_its_server_whichever_way_that_ends(installation: Installation) -> None:
    installation.start()
    (worker,) = installation.children()
    installation.kill_server_alone()
    assert ends(worker), "kill -9"
    installation.start()
    (worker,) = installation.children()
    installation.stop()
    assert ends(worker), "a polite request"
    assert "Traceback" not in installation.said()
