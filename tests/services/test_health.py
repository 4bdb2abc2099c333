"""Health tells the truth: what cannot be served is not ready, what is late is degraded, by name."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gridmgmt.adapters import disks
from gridmgmt.services.health import Health, Limits, gauges, look_around
from gridmgmt.storage import backup_runs, heartbeats, outbox
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_street import make_uuid7

ALL = Limits(backup_s=26 * 3600.0)


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Iterator[object]:
    engines: list[Engine] = []

    def made(url: str) -> Engine:
        engines.append(make_engine(url, pool_size=1))
        return engines[-1]

    yield made
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="module")
def street(own_demo_url: str) -> Iterator[Engine]:
    """A street where a worker lives, nothing waits and a backup was made."""
    engine = make_engine(own_demo_url, pool_size=2)
    with transaction(engine, NOBODY) as db:
        outbox.mark_delivered(db, [r.id for r in outbox.claim(db)], NOW)
        heartbeats.beat(db, "worker", make_uuid7(1))
        heartbeats.beat(db, "backup", make_uuid7(2))
        db.execute(text("update app.heartbeats set beat_at = clock_timestamp() + interval '1 hour'"))
        now = db.execute(text("select clock_timestamp()")).scalar_one()
        backup_runs.record(db, now, "created", "20261123T020000Z", ok=True, facts={})
    yield engine
    engine.dispose()


def health_of(engine: Engine, now=NOW, limits: Limits = ALL, **places: Path) -> Health:
    return look_around(engine, now, limits, places)[0]


def failing(told: Health) -> list[str]:
    return [c.name for c in told.failing]


def test_where_everything_works_nothing_fails(street: Engine, tmp_path: Path) -> None:
    told = health_of(street, home=tmp_path)
    assert (told.status, failing(told)) == ("ready", [])
    assert told.told_to_anybody() == {
        "status": "ready",
        "checks": dict.fromkeys(
            (
                "database",
                "schema",
                "plan",
                "rights",
                "worker",
                "outbox",
                "deadlines",
                "clocks",
                "ladder",
                "seal",
                "receiver",
                "backup",
                "disk_home",
            ),
            "ok",
        ),
    }


def test_nobody_is_told_figures_without_asking_as_administrator(street: Engine, tmp_path: Path) -> None:
    said = str(health_of(street, home=tmp_path).told_to_anybody())
    assert not any(c.isdigit() for c in said)
    assert "age_s" in str(health_of(street).told_to_an_administrator())


def test_before_the_plan_begins_nothing_is_ready(street: Engine) -> None:
    told = health_of(street, NOW - timedelta(days=30))
    assert (told.status, failing(told)) == ("not_ready", ["plan"])


def test_a_database_without_schema_or_with_another_one_is_not_ready(make, clone, empty_template: str) -> None:
    told = health_of(make(clone("template1")))
    assert (told.status, "schema" in failing(told)) == ("not_ready", True)
    engine = make(clone(empty_template))
    with transaction(engine, NOBODY) as db:
        db.execute(text("update app.schema_revision set version_num = '0000'"))
    assert health_of(engine).status == "not_ready"


def test_a_database_that_is_away_is_not_ready_and_no_error(make, tmp_path: Path) -> None:
    told, seen = look_around(
        make(f"postgresql+psycopg://postgres@/any?host={tmp_path}"), NOW, ALL, {"home": tmp_path}
    )
    assert (told.status, failing(told), seen) == ("not_ready", ["database"], None)
    assert gauges(told, seen)["ready"] == 0.0


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        (
            "update app.heartbeats set beat_at = clock_timestamp() - interval '31 s' where kind = 'worker'",
            "worker",
        ),
        ("delete from app.heartbeats where kind = 'worker'", "worker"),
        ("delete from app.heartbeats where kind = 'backup'", "receiver"),
        ("grant select on app.cases to gridmgmt_auditor", "rights"),
        (
            "update app.outbox set delivered_at = null, at = :now - interval '61 seconds' where id = 1",
            "outbox",
        ),
    ],
)
def test_what_is_late_degrades_and_is_named(street: Engine, statement: str, part: str) -> None:
    with street.connect() as db, db.begin() as began:
        db.execute(text(statement), {"now": NOW} if ":now" in statement else {})
        from gridmgmt.services import health as service  # noqa: PLC0415
        from gridmgmt.storage import health as reading  # noqa: PLC0415

        told = Health(tuple(service._of_database(reading.look(db, NOW), ALL)))
        began.rollback()
    assert (told.status, failing(told)) == ("degraded", [part])


def test_a_deadline_that_passed_and_that_nobody_was_told_of_is_seen(db, books) -> None:
    from gridmgmt.services import health as service  # noqa: PLC0415
    from gridmgmt.services import oversight  # noqa: PLC0415
    from gridmgmt.storage import health as reading  # noqa: PLC0415
    from tests.builders_street import Street  # noqa: PLC0415

    case = Street(db, books).report()
    for seconds, wrong in ((59, False), (61, True)):
        found = reading.look(db, case.due_at + timedelta(seconds=seconds))
        told = Health(tuple(service._of_database(found, ALL)))
        assert ("deadlines" in failing(told)) is wrong, seconds
    oversight.announce_overdue(db, case.due_at + timedelta(seconds=61))
    found = reading.look(db, case.due_at + timedelta(hours=1))
    assert "deadlines" not in failing(Health(tuple(service._of_database(found, ALL))))


def test_a_backup_is_missed_where_one_is_expected(make, demo_url: str) -> None:
    engine = make(demo_url)
    assert "backup" in failing(health_of(engine, limits=Limits(backup_s=60.0)))
    assert "backup" not in failing(health_of(engine, limits=Limits(backup_s=None)))


def test_a_disk_that_fills_is_told(street: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 2**20, "total": 2**40})
    monkeypatch.setattr(disks.shutil, "disk_usage", lambda _: usage)
    told = health_of(street, photos=tmp_path / "not" / "there" / "yet")
    assert (told.status, failing(told)) == ("degraded", ["disk_photos"])


def test_monitoring_gets_the_figures_and_none_that_is_not_known(street: Engine, tmp_path: Path) -> None:
    told, seen = look_around(street, NOW, ALL, {"home": tmp_path})
    values = gauges(told, seen)
    assert values["ready"] == 1.0
    assert values["outbox_waiting"] == 0.0
    assert set(values["heartbeat_age_seconds"]) == {"worker", "backup"}
    assert values["check_ok"]["backup"] == 1.0
    without, nothing = look_around(street, NOW - timedelta(days=30), Limits(), {})
    assert "backup" not in gauges(without, nothing)["check_ok"]


def test_lines_that_nobody_seals_are_seen(db) -> None:
    from gridmgmt.services import health as service  # noqa: PLC0415
    from gridmgmt.storage import health as reading  # noqa: PLC0415

    for seconds, wrong in ((59, False), (61, True)):
        found = reading.look(db, NOW + timedelta(seconds=seconds))
        assert found.unsealed > 0
        assert ("seal" in failing(Health(tuple(service._of_database(found, ALL))))) is wrong, seconds
