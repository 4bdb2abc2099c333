"""The watchdog and the look at the server's settings, as an operator and a timer start them."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from gridmgmt.cli import app
from gridmgmt.errors import NotAllowed
from gridmgmt.sealer import Sealing
from gridmgmt.settings import Settings
from gridmgmt.storage import heartbeats, outbox
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from gridmgmt.storage.server_check import Severity, findings
from tests.builders_cases import NOW
from tests.builders_street import make_uuid7
from tests.observe.kept import logging_kept

ALARM, UNSAFE = 4, 3


@pytest.fixture(scope="module")
def street(own_demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = make_engine(own_demo_url, pool_size=1)
    with transaction(engine, NOBODY) as db:
        outbox.mark_delivered(db, [r.id for r in outbox.claim(db)], NOW)
    Sealing(engine, Settings(home=tmp_path_factory.mktemp("sealer"))).drain(NOW)
    yield engine
    engine.dispose()


Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command with these settings and no others; its exit code and what it says as JSON."""

    def run_it(url: str, *words: str, **settings: str) -> tuple[int, Any]:
        for name in [name for name in os.environ if name.startswith("GRIDMGMT_")]:
            monkeypatch.delenv(name)
        for name, value in {"database_url": url, "home": str(tmp_path), **settings}.items():
            monkeypatch.setenv(f"GRIDMGMT_{name.upper()}", value)
        with logging_kept():
            done = CliRunner().invoke(app, [*words, "--json"])
        return done.exit_code, json.loads(done.stdout)

    return run_it


def live(engine: Engine, seconds_ago: int) -> None:
    with transaction(engine, NOBODY) as db:
        heartbeats.beat(db, "worker", make_uuid7(1))
        db.execute(
            text("update app.heartbeats set beat_at = clock_timestamp() - make_interval(secs => :s)"),
            {"s": seconds_ago},
        )


def test_while_all_is_well_it_is_silent(street: Engine, own_demo_url: str, run: Run, tmp_path: Path) -> None:
    live(street, -3600)
    status, told = run(own_demo_url, "watchdog", alarm_file=str(tmp_path / "alarms"))
    assert (status, told["status"]) == (0, "ready"), told
    assert not (tmp_path / "alarms").exists()


def test_a_dead_worker_is_an_alarm_by_a_command_and_a_file_that_need_no_queue(
    street: Engine, own_demo_url: str, run: Run, tmp_path: Path
) -> None:
    live(street, 31)
    horn = tmp_path / "horn"
    horn.write_text(f"#!/bin/sh\ncat >'{tmp_path}/heard'\n")
    horn.chmod(0o700)
    ways = {"alarm_file": str(tmp_path / "alarms"), "alarm_command": str(horn)}
    status, _ = run(own_demo_url, "watchdog", **ways)
    assert status == ALARM
    for place in ("alarms", "heard"):
        raised = json.loads((tmp_path / place).read_text())
        assert raised["alarm"] == ["worker"]
        assert next(c for c in raised["checks"] if c["name"] == "worker")["seen"]["age_s"] >= 31


def test_a_way_that_fails_is_told_and_does_not_keep_the_other_from_working(
    street: Engine, own_demo_url: str, run: Run, tmp_path: Path
) -> None:
    live(street, 31)
    ways = {"alarm_file": str(tmp_path / "alarms"), "alarm_command": "/bin/false"}
    status, told = run(own_demo_url, "watchdog", **ways)
    assert (status, told["faults"]) == (ALARM, ["the alarm command ended with 1"])
    assert (tmp_path / "alarms").exists()


def test_a_database_that_is_away_is_an_alarm_too(run: Run, tmp_path: Path) -> None:
    url = f"postgresql+psycopg://postgres@/any?host={tmp_path}"
    status, told = run(url, "watchdog", alarm_file=str(tmp_path / "alarms"))
    assert (status, told["status"]) == (ALARM, "not_ready")
    assert json.loads((tmp_path / "alarms").read_text())["alarm"] == ["database"]


def test_deadlines_are_judged_by_the_databases_clock_not_by_that_of_a_worker(db, books) -> None:
    from gridmgmt.storage import health  # noqa: PLC0415
    from tests.builders_street import Street  # noqa: PLC0415

    Street(db, books).report()
    # The case's deadline passed long ago for the database; a worker whose clock stands at NOW sees nothing.
    assert health.look(db, NOW).unannounced == 0
    assert health.look(db, health.clock(db)).unannounced == 1


def test_a_server_that_loses_acknowledged_records_is_unsafe(
    street: Engine, own_demo_url: str, run: Run
) -> None:
    # The tests' own server is fast and forgets: fsync and full_page_writes are off.
    status, told = run(own_demo_url, "db", "check")
    assert status == UNSAFE
    unsafe = {f["setting"] for f in told["settings"] if f["severity"] == "unsafe"}
    assert unsafe == {"fsync", "full_page_writes", "synchronous_commit"}
    with transaction(street, NOBODY) as db:
        db.execute(text("set local synchronous_commit = on"))
        found = {f.setting: f.severity for f in findings(db)}
        assert found["synchronous_commit"] is Severity.FINE
        assert found["statement_timeout"] is found["lock_timeout"] is Severity.FINE
        assert found["idle_in_transaction_session_timeout"] is Severity.FINE
        db.execute(text("set local lock_timeout = 0"))
        assert {f.setting: f.severity for f in findings(db)}["lock_timeout"] is Severity.WEAK


def test_production_does_not_start_on_it(own_demo_url: str, tmp_path: Path, monkeypatch) -> None:
    from gridmgmt.cli.safety import refuse_unsafe_server  # noqa: PLC0415

    given = {
        "database_url": own_demo_url,
        "home": tmp_path,
        "secret_key": "k3y-" * 12,
        "key_file": tmp_path / "kek",
    }
    refuse_unsafe_server(Settings(environment="demo", **given))
    with pytest.raises(NotAllowed) as refused:
        refuse_unsafe_server(Settings(environment="production", **given))
    assert any(fault.startswith("fsync is off") for fault in refused.value.facts["faults"])
