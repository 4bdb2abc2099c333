"""A transaction acts for whom it says, to its end and not beyond."""

import contextlib
import random
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DataError

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import GridError, NotAllowed
from gridmgmt.storage.db import Db, act_as, acting_as, make_engine, transaction
from gridmgmt.storage.rights.matrix import read_matrix
from gridmgmt.storage.rights.walls import NOBODY, Acting, Login, Wall, wall_of
from tests.builders_cases import STREET
from tests.rights.conftest import Filled
from tests.rights.rows import OTHER, SIBLING

WORKER = Actor(uuid.UUID(int=7), "虚构", frozenset({Role.GRID_WORKER}), frozenset({STREET}))


@pytest.fixture(scope="module")
def app_engine(filled: Filled):
    """Connections as the API logs in."""
    url = make_url(filled.url).set(username=Login.APP).render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=5)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What PostgreSQL refuses is logged with its trace, which is drawn at leisure outside production."""
    with structlog.testing.capture_logs():
        yield


@pytest.mark.parametrize("table", read_matrix())
def test_a_transaction_that_says_nobody_reads_nothing(app_engine: Engine, table: str) -> None:
    with pytest.raises(NotAllowed), transaction(app_engine, NOBODY) as db:
        db.execute(text(f"select 1 from app.{table} limit 1"))


def test_without_a_subdistrict_nothing_is_there(app_engine: Engine) -> None:
    nowhere = replace(WORKER, subdistricts=frozenset())
    with transaction(app_engine, Acting.of(nowhere)) as db:
        for table in ("cases", "reports", "people", "units", "grid_cells"):
            where = "where subdistrict_code is not null" if table == "units" else ""
            assert db.execute(text(f"select count(*) from app.{table} {where}")).scalar() == 0, table


def test_without_roles_nothing_is_allowed(app_engine: Engine) -> None:
    with transaction(app_engine, Acting.of(replace(WORKER, roles=frozenset()))) as db:
        assert db.execute(text("select count(*) from app.cases")).scalar() == 0


@pytest.mark.parametrize("wall", [Wall.SYSTEM, Wall.SEALER, Wall.SETUP])
def test_the_api_cannot_become_the_worker_the_sealer_or_the_set_up(app_engine: Engine, wall: Wall) -> None:
    with pytest.raises(NotAllowed), transaction(app_engine, Acting(wall, subdistricts=frozenset({STREET}))):
        pass


def test_whoever_acts_cannot_ask_for_the_rights_of_other_roles(app_engine: Engine) -> None:
    with pytest.raises(NotAllowed), transaction(app_engine, Acting.of(WORKER)) as db:
        db.execute(text("select app.rights_of(array['district_officer'])"))


def test_a_transaction_never_becomes_nobody_again(app_engine: Engine) -> None:
    with transaction(app_engine, Acting.of(WORKER)) as db, pytest.raises(ValueError, match="nobody"):
        act_as(db, NOBODY)


def test_acting_for_somebody_else_for_a_while_ends_as_it_began(app_engine: Engine) -> None:
    where = text("select current_user || ' ' || current_setting('app.subdistricts')")
    with transaction(app_engine, Acting.of(WORKER)) as db:
        before = db.execute(where).scalar()
        with acting_as(db, Acting.rules(SIBLING)):
            assert db.execute(where).scalar() == f"gridmgmt_rules {SIBLING}"
        assert db.execute(where).scalar() == before
        with pytest.raises(GridError), acting_as(db, Acting.rules(SIBLING)):
            raise GridError("refused")
        assert db.execute(where).scalar() == before


@pytest.mark.parametrize(
    ("roles", "wall"),
    [
        ({Role.PLANNER}, Wall.PLANNER),
        ({Role.PLANNER, Role.DIRECTOR}, Wall.BUSINESS),
        ({Role.ACCEPTOR, Role.SHIFT_LEADER}, Wall.BUSINESS),
        ({Role.AUDITOR}, Wall.AUDITOR),
        ({Role.ADMINISTRATOR}, Wall.ADMINISTRATOR),
        ({Role.SECURITY_ADMINISTRATOR}, Wall.SECURITY),
        (set(), Wall.BUSINESS),
    ],
)
def test_a_role_that_stands_alone_has_its_own_wall(roles: set[Role], wall: Wall) -> None:
    assert wall_of(frozenset(roles)) is wall


class Asker:
    """Somebody who asks again and again on shared connections, each time for another street."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine, self.rng = engine, random.Random(seed)
        self.wrong: list[str] = []

    def ask(self, times: int) -> None:
        """Ask, and end in one of four ways."""
        for _ in range(times):
            street = self.rng.choice((STREET, SIBLING, OTHER))
            person = uuid.UUID(int=self.rng.getrandbits(120))
            actor = replace(WORKER, subdistricts=frozenset({street}), id=person)
            with (
                contextlib.suppress(GridError, DataError),
                transaction(self.engine, Acting.of(actor)) as db,
            ):
                self._once(db, street)
            with self.engine.connect() as raw:
                query = text("select current_user, coalesce(current_setting('app.subdistricts', true), '')")
                if tuple(left := raw.execute(query).one()) != (Login.APP, ""):
                    self.wrong.append(f"left behind: {left}")

    def _once(self, db: Db, street: str) -> None:
        seen = set(db.execute(text("select distinct subdistrict_code from app.cases")).scalars())
        if seen != {street}:
            self.wrong.append(f"{street} sees {seen}")
        match self.rng.randrange(4):
            case 0:
                raise GridError("refused")
            case 1:
                db.execute(text("select 1 / 0"))
            case 2:
                nested = db.begin_nested()
                db.execute(text("set local app.subdistricts = ''"))
                nested.rollback()
                if (mine := db.execute(text("select app.my_subdistricts()")).scalar()) != [street]:
                    self.wrong.append(f"a savepoint left {mine}")


def test_nothing_of_one_transaction_is_left_for_the_next_on_the_same_connection(app_engine: Engine) -> None:
    """Eight threads on five connections: commits, refusals, failed statements, savepoints, other people."""
    askers = [Asker(app_engine, seed) for seed in range(8)]
    threads = [threading.Thread(target=asker.ask, args=(100,)) for asker in askers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == [fault for asker in askers for fault in asker.wrong]
