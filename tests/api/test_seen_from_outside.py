"""What the server says of a request to those who run it: the route, never the path, and nobody's data."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest

from gridmgmt.observe import logs, metrics
from tests.api.client import Person, Server, make_settings, served
from tests.observe.kept import logging_kept

PHONE, IDENTITY, NAME = "13812345678", "120116199003071234", "张三丰"


@pytest.fixture(scope="module")
def talkative(own_demo_url: str, directory) -> Iterator[tuple[Server, io.BytesIO]]:
    """A server that logs every request, as one in production does."""
    stream, real = io.TextIOWrapper(io.BytesIO(), write_through=True), sys.stderr
    settings = make_settings(own_demo_url, directory, log_requests=True)
    with logging_kept(), served(settings, directory) as server:
        sys.stderr = stream
        logs.configure("info", as_json=True, process="api")
        try:
            yield server, stream.buffer
        finally:
            sys.stderr = real


def requests_in(said: io.BytesIO) -> list[dict]:
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "request"]


def test_a_request_is_one_line_with_route_status_time_and_who(talkative) -> None:
    server, said = talkative
    worker = server.person("demo-worker-001")
    case = worker.report()
    answer = worker.http.get(f"/api/v1/cases/{case['id']}", headers={"X-Request-Id": "asked-12345"})
    assert answer.status_code == 200
    line = next(one for one in requests_in(said) if one["request_id"] == "asked-12345")
    assert line.pop("duration_ms") > 0
    assert line.pop("timestamp")
    assert line == {
        "event": "request", "level": "info", "process": "api", "method": "GET",
        "route": "/api/v1/cases/{case_id}", "status": 200, "request_id": "asked-12345", "actor_id": worker.id,
    }  # fmt: skip
    intake = [one for one in requests_in(said) if one["route"] == "/api/v1/reports"]
    assert [(one["status"], one["actor_id"]) for one in intake] == [(201, worker.id)], "the door's, too"


def test_no_persons_data_and_no_query_reach_the_log(talkative) -> None:
    server, said = talkative
    worker = server.person("demo-worker-001")
    draft = worker.draft(description=f"{NAME} {PHONE} {IDENTITY}")
    assert worker.post("/reports", draft).status_code == 201
    worker.get("/cases", q=PHONE, name=NAME)
    worker.get(f"/cases/{PHONE}")
    worker.http.get(f"/api/v1/{NAME}/{IDENTITY}")
    worker.post("/reports", {"description": PHONE, NAME: IDENTITY})
    server.client.post("/api/v1/session", json={"login": PHONE, "password": IDENTITY})
    server.client.get("/livez", headers={"X-Request-Id": PHONE})
    server.client.request("BREW", "/coffee")
    text = said.getvalue().decode()
    position = str(draft["position"]["lat"])
    for canary in (PHONE, IDENTITY, NAME, "q=", worker.token, position):
        assert canary not in text, canary
    assert all("dropped" not in line for line in requests_in(said))


def test_counters_are_by_template_so_that_no_client_makes_new_ones(talkative) -> None:
    server, _ = talkative
    worker: Person = server.person("demo-worker-001")
    for n in range(20):
        worker.get(f"/cases/{n}")
        worker.get(f"/nothing/{n}")
        worker.http.request(f"VERB{n}", "/livez")
    text = generate_latest(metrics.REGISTRY).decode()
    assert 'route="/api/v1/cases/{case_id}"' in text
    assert 'route="unmatched"' in text
    assert "/nothing/1" not in text
    assert "VERB1" not in text
    assert 'gridmgmt_refusals_total{code="not_found"}' in text
