"""Workers of the ladder that die, meet, or were away for days: every step is taken once, and none is lost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from gridmgmt.services import oversight
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_street import Street
from tests.services import climbing, mines

CASES = 30
DAY = timedelta(days=1)


@pytest.fixture
def url(clone, demo_template: str) -> str:
    """A street with thirty cases whose events were delivered; whom they concern was not told yet."""
    made = str(clone(demo_template))
    engine = make_engine(made, pool_size=1)
    with transaction(engine, NOBODY) as db:
        street = Street(db, RuleBooks())
        for _ in range(CASES):
            street.report()
        oversight.deliver(db, NOW)
    engine.dispose()
    return made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url, pool_size=1)
    yield made
    made.dispose()


def steps(engine: Engine) -> set[tuple]:
    with transaction(engine, NOBODY) as db:
        query = text("select case_id, clock, round, rung, told from app.ladder_steps")
        return {tuple(r) for r in db.execute(query)}


def faults(engine: Engine) -> dict[str, int]:
    with transaction(engine, NOBODY) as db:
        return climbing.twice_or_never(db)


def told(engine: Engine) -> int:
    with transaction(engine, NOBODY) as db:
        return int(db.execute(text("select count(*) from app.notifications")).scalar_one())


def test_a_worker_killed_anywhere_and_again_leaves_every_step_taken_once(url: str, engine: Engine) -> None:
    late = NOW + 10 * DAY
    kills = 0
    for nth in (1, 2):
        for point in climbing.POINTS:
            kills += mines.ended(climbing.start(url, late, kill_at=point, nth=nth)) == -9
            assert faults(engine) == {}, point
    assert kills >= len(climbing.POINTS), "it was killed indeed"
    climbing.work(url, late)
    climbing.work(url, late)
    found = steps(engine)
    handling = [s for s in found if s[1] == "handling"]
    assert len(handling) == 3 * CASES
    assert sum(s[4] for s in handling) == CASES, "of three rungs passed in downtime one is told"
    assert faults(engine) == {}


def test_two_workers_at_once_share_the_work_and_meet_at_nothing(url: str, engine: Engine) -> None:
    climbing.work(url, NOW)
    assert steps(engine) == set()
    late = NOW + 10 * DAY
    children = [climbing.start(url, late) for _ in range(2)]
    assert [mines.ended(c) for c in children] == [0, 0]
    assert len([s for s in steps(engine) if s[1] == "handling"]) == 3 * CASES
    assert faults(engine) == {}


def test_a_worker_dies_beside_another_who_goes_on(url: str, engine: Engine) -> None:
    climbing.work(url, NOW)
    late = NOW + 10 * DAY
    dying = climbing.start(url, late, kill_at="steps written", nth=2)
    living = climbing.start(url, late)
    assert (mines.ended(dying), mines.ended(living)) in {(-9, 0), (0, 0)}
    climbing.work(url, late)
    assert len([s for s in steps(engine) if s[1] == "handling"]) == 3 * CASES
    assert faults(engine) == {}


def test_doing_it_again_changes_nothing(url: str, engine: Engine) -> None:
    late = NOW + 10 * DAY
    climbing.work(url, late)
    before = (steps(engine), told(engine))
    climbing.work(url, late)
    assert (steps(engine), told(engine)) == before
