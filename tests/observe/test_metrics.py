"""Metrics: what several processes count is one sum, and labels are few whatever clients send."""

import os
import subprocess
import sys
from pathlib import Path

from tests.journeys.installation import free_port

COUNTING = """
from gridmgmt.observe import metrics
metrics.request_answered("POST", "/api/v1/reports", 201, 0.02)
metrics.request_answered("POST", "/api/v1/reports", 201, 0.3)
metrics.refused("off_duty_list")
metrics.group_taken_in(3)
metrics.turn_ended("done", delivered=4)
metrics.swept(0.01, announced=2)
"""
SERVING = """
import sys
from urllib.request import urlopen
from gridmgmt.observe import metrics
port = int(sys.argv[1])
state = {"outbox_waiting": 7.0, "check_ok": {"worker": 0.0}}
server = metrics.serve_metrics("127.0.0.1", port, lambda: state)
sys.stdout.write(urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
server.shutdown()
"""


def run(code: str, directory: Path | None, *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    if directory is not None:
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def values_of(text: str) -> dict[str, float]:
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_what_several_processes_counted_is_added_up_also_of_those_that_ended(tmp_path: Path) -> None:
    run(COUNTING, tmp_path)
    run(COUNTING, tmp_path)
    values = values_of(run(SERVING, tmp_path, str(free_port())))
    asked = '{method="POST",route="/api/v1/reports",status="201"}'
    assert values[f"gridmgmt_http_requests_total{asked}"] == 4
    assert values['gridmgmt_http_request_seconds_bucket{le="0.025",route="/api/v1/reports"}'] == 2
    assert values['gridmgmt_refusals_total{code="off_duty_list"}'] == 2
    assert values["gridmgmt_intake_group_size_sum"] == 6
    assert values["gridmgmt_events_delivered_total"] == 8
    assert values["gridmgmt_deadlines_announced_total"] == 4


def test_the_state_of_the_installation_is_read_when_somebody_looks(tmp_path: Path) -> None:
    for directory in (None, tmp_path):
        values = values_of(run(SERVING, directory, str(free_port())))
        assert values["gridmgmt_outbox_waiting"] == 7
        assert values['gridmgmt_check_ok{of="worker"}'] == 0
