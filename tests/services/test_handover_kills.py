"""Workers that hand over, killed with -9 anywhere, or two at once: each open case goes over exactly once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_plans import published, redrawn
from tests.builders_street import Street
from tests.services import mines
from tests.services import switching_kills as switching

CASES = 30
SWITCH = NOW + timedelta(days=1)
ALL = {"moved": CASES, "records": CASES, "steps": CASES, "events": CASES, "lines": CASES, "torn": 0}


@pytest.fixture
def url(clone, demo_template: str) -> str:
    """A street with thirty open cases and a plan that takes effect tomorrow."""
    made = str(clone(demo_template))
    engine = make_engine(made, pool_size=1)
    with transaction(engine, NOBODY) as db:
        street = Street(db, RuleBooks())
        for number in range(CASES):
            street.report(cell=street.duty_cells[number % len(street.duty_cells)])
        published(street, redrawn(street.plan.plan, SWITCH))
    engine.dispose()
    return made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url, pool_size=1)
    yield made
    made.dispose()


def counts(engine: Engine) -> dict[str, int]:
    with transaction(engine, NOBODY) as db:
        return switching.counts(db)


def test_killed_anywhere_and_again_each_case_goes_over_once(url: str, engine: Engine) -> None:
    assert mines.ended(switching.start(url, SWITCH - timedelta.resolution)) == 0
    assert counts(engine)["records"] == 0, "nothing before the instant"
    kills = 0
    for nth in (1, 2):
        for point in switching.POINTS:
            kills += mines.ended(switching.start(url, SWITCH, kill_at=point, nth=nth)) == -9
            found = counts(engine)
            assert found.pop("torn") == 0, point
            assert len(set(found.values())) == 1, (point, found)
    assert kills == 2 * len(switching.POINTS)
    switching.work(url, SWITCH)
    assert counts(engine) == ALL
    switching.work(url, SWITCH)
    assert counts(engine) == ALL, "a second look changes nothing"


def test_two_workers_at_once_share_the_work(url: str, engine: Engine) -> None:
    children = [switching.start(url, SWITCH) for _ in range(2)]
    assert [mines.ended(c) for c in children] == [0, 0]
    switching.work(url, SWITCH)
    assert counts(engine) == ALL


def test_one_dies_beside_another_who_goes_on(url: str, engine: Engine) -> None:
    dying = switching.start(url, SWITCH, kill_at="recorded", nth=2)
    living = switching.start(url, SWITCH)
    assert mines.ended(living) == 0
    mines.ended(dying)
    switching.work(url, SWITCH + timedelta(days=3))
    assert counts(engine) == ALL
