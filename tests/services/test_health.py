"""Ready means: the database is there, has this version's schema, and a plan is in force."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from gridmgmt.errors import Unavailable
from gridmgmt.services.health import readiness
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from gridmgmt.storage.schema import head_revision
from tests.builders_cases import NOW


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Iterator[object]:
    engines: list[Engine] = []

    def made(url: str) -> Engine:
        engines.append(make_engine(url, pool_size=1))
        return engines[-1]

    yield made
    for engine in engines:
        engine.dispose()


def test_a_street_with_a_plan_in_force_is_ready(make, demo_url: str) -> None:
    assert readiness(make(demo_url), NOW) == {
        "status": "ready",
        "database": "ok",
        "schema": head_revision(),
        "schema_wanted": head_revision(),
        "plans_in_force": 1,
        "outbox_waiting": 1,
    }


def test_before_the_plan_begins_nothing_is_ready(make, demo_url: str) -> None:
    told = readiness(make(demo_url), NOW - timedelta(days=30))
    assert (told["status"], told["plans_in_force"]) == ("not_ready", 0)


def test_a_database_without_schema_or_with_another_one_is_not_ready(make, clone, empty_template: str) -> None:
    told = readiness(make(clone("template1")), NOW)
    assert (told["status"], told["schema"], told["plans_in_force"]) == ("not_ready", None, 0)
    engine = make(clone(empty_template))
    with transaction(engine, NOBODY) as db:
        db.execute(text("update app.schema_revision set version_num = '0000'"))
    assert readiness(engine, NOW)["status"] == "not_ready"


def test_a_database_that_is_away_is_an_outage(make, tmp_path) -> None:
    with pytest.raises(Unavailable):
        readiness(make(f"postgresql+psycopg://postgres@/any?host={tmp_path}"), NOW)
