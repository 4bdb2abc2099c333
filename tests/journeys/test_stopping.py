"""Several server processes told to stop: requests under way end well, streams are ended, and soon."""

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.request import urlopen

import httpx
import pytest
from shapely.geometry import shape

from gridmgmt.demo.client import DemoClient, Person
from gridmgmt.demo.photos import draw_photo
from gridmgmt.demo.play import Cast, uuid7
from gridmgmt.domain.org import Role
from tests.journeys.installation import Installation, free_port

STREAMS = 3
# Of stop_within_s and some for the worker.
MOST_S = 25.0


@pytest.fixture
def installation(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(own_demo_url, tmp_path_factory.mktemp("home"))
    metrics = str(free_port())
    made._environment |= {
        "GRIDMGMT_PROCESSES": "2", "GRIDMGMT_METRICS_PORT": metrics, "GRIDMGMT_LOG_REQUESTS": "true",
    }  # fmt: skip
    made.metrics_url = f"http://127.0.0.1:{metrics}/metrics"  # type: ignore[attr-defined]
    yield made
    made.stop()


def values_of(url: str) -> dict[str, float]:
    text = urlopen(url, timeout=10).read().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def lines_of(installation: Installation) -> list[dict]:
    return [json.loads(line) for line in installation.said().splitlines() if line.startswith("{")]


class Half:
    """A request of which only the first half has been sent."""

    def __init__(
        self, installation: Installation, who: Person, method: str, path: str, kind: str, body: bytes
    ) -> None:
        head = (
            f"{method} /api/v1{path} HTTP/1.1\r\nHost: street\r\nContent-Type: {kind}\r\n"
            f"Authorization: {who.headers['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._line = socket.create_connection(("127.0.0.1", installation.port), timeout=30)
        self._line.sendall(head.encode() + body[: len(body) // 2])
        self._rest = body[len(body) // 2 :]

    def finish(self) -> str:
        """Send the rest; the status line of the answer."""
        with self._line:
            self._line.sendall(self._rest)
            return self._line.recv(65536).decode(errors="replace").split("\r\n")[0]


def report_in(cell: dict, photo: str) -> dict:
    """A report from the middle of a cell."""
    point, now = shape(cell["geometry"]).representative_point(), datetime.now(UTC)
    return {
        "id": str(uuid7(now, random.Random(3))), "category": "matter:09006", "description": "",
        "position": {"lon": point.x, "lat": point.y, "datum": "wgs84", "accuracy_m": 8.0},
        "observed_at": now.isoformat(), "photos": [photo],
    }  # fmt: skip


def test_a_server_told_to_stop_ends_its_streams_and_finishes_what_was_begun(
    installation: Installation,
) -> None:
    installation.start()
    heard: list[str] = []
    with DemoClient(installation.base_url) as client:
        cast = Cast(client)
        desk, admin = cast.desk(Role.SHIFT_LEADER), cast.desk(Role.ADMINISTRATOR)
        cell = client.get(desk, "/cells")["features"][0]
        worker = cast.worker_of(cell["properties"]["code"])
        photo = draw_photo(random.Random(1), "first")
        client.put_photo(worker, photo.sha256, photo.content)
        told = client.get(admin, "/health")
    assert {c["name"]: c["standing"] for c in told["checks"]}["worker"] == "ok"
    values = values_of(installation.metrics_url)  # type: ignore[attr-defined]
    assert values["gridmgmt_ready"] == 1
    assert values['gridmgmt_http_request_seconds_count{route="/readyz"}'] >= 1, "from the server processes"
    assert values['gridmgmt_worker_turns_total{outcome="done"}'] >= 1, "and from the worker beside them"

    ready = threading.Barrier(STREAMS + 1)

    def listen() -> None:
        with httpx.stream(
            "GET", f"{installation.base_url}/api/v1/stream", headers=desk.headers, timeout=60, trust_env=False
        ) as answer:
            lines = answer.iter_lines()
            next(lines)
            ready.wait(30)
            heard.extend(line for line in lines if line == "event: end")

    listeners = [threading.Thread(target=listen) for _ in range(STREAMS)]
    for thread in listeners:
        thread.start()
    ready.wait(30)
    other = draw_photo(random.Random(2), "second")
    report = report_in(cell, photo.sha256)
    begun = [
        Half(installation, worker, "PUT", f"/photos/{other.sha256}", "image/jpeg", other.content),
        Half(installation, worker, "POST", "/reports", "application/json", json.dumps(report).encode()),
    ]
    # A request that came after those was answered, so they were taken up.
    for _ in range(8):
        assert httpx.get(f"{installation.base_url}/livez", trust_env=False).status_code == 200

    began = time.monotonic()
    stopping = threading.Thread(target=installation.stop)
    stopping.start()
    for thread in listeners:
        thread.join(30)
    assert heard == ["event: end"] * STREAMS
    assert [half.finish() for half in begun] == ["HTTP/1.1 201 Created"] * 2
    stopping.join(30)
    assert time.monotonic() - began < MOST_S

    said = lines_of(installation)
    assert {"api"} <= {line["process"] for line in said}, "server processes log as their parent does"
    requests = [line for line in said if line["event"] == "request"]
    assert {"/api/v1/stream", "/readyz", "/api/v1/reports"} <= {line["route"] for line in requests}
    assert "Traceback" not in installation.said()
