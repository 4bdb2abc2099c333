"""One server per module, on a demo street of the module's own: what a test commits, the next one finds."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.client import Person, Server, make_settings, served


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A short path: the name of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="gm-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def server(own_demo_url: str, directory: Path) -> Iterator[Server]:
    """The application on the demo street."""
    with served(make_settings(own_demo_url, directory), directory) as running:
        yield running


@pytest.fixture(autouse=True)
def _fixed_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that moved the clock leaves it as it was; none spends another one's allowance of refusals."""
    if "server" in request.fixturenames:
        request.getfixturevalue("server").app.state.parts.refusals._began_s = float("-inf")
    yield
    if "server" in request.fixturenames:
        running: Server = request.getfixturevalue("server")
        running.clock.at = type(running.clock)().at


@pytest.fixture
def worker(server: Server) -> Person:
    """The grid worker of the first cell."""
    return server.person("demo-worker-001")


@pytest.fixture
def acceptor(server: Server) -> Person:
    """The acceptor."""
    return server.person("demo-acceptor")


@pytest.fixture
def shift(server: Server) -> Person:
    """The shift leader."""
    return server.person("demo-shift")


@pytest.fixture
def dispatcher(server: Server) -> Person:
    """The dispatcher."""
    return server.person("demo-dispatcher")


@pytest.fixture
def unit(server: Server) -> Person:
    """The handler of the enforcement team."""
    return server.person("demo-unit-hzd-01")


@pytest.fixture
def leader(server: Server) -> Person:
    """The grid leader of the first cells, who verifies there."""
    return server.person("demo-leader-01")
