"""Transactions: all or nothing, read-only when said so, and an outage is told from a mistake."""

import time

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.util import queue

from gridmgmt.errors import NotFound, Unavailable
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY


@pytest.fixture(scope="module")
def own_engine(own_empty_url: str):
    engine = make_engine(own_empty_url, pool_size=2)
    with transaction(engine, NOBODY) as db:
        db.execute(text("create table kept (n int)"))
    yield engine
    engine.dispose()


def kept(engine: Engine) -> list[int]:
    with transaction(engine, NOBODY, read_only=True) as db:
        return list(db.execute(text("select n from kept order by n")).scalars())


def insert_and_fail(engine: Engine) -> None:
    with transaction(engine, NOBODY) as db:
        db.execute(text("insert into kept values (2)"))
        raise NotFound("no")


def insert_and_break(engine: Engine) -> None:
    with transaction(engine, NOBODY) as db:
        db.execute(text("insert into kept values (4)"))
        db.execute(text("select pg_terminate_backend(pg_backend_pid())"))


def test_a_clean_exit_commits_and_an_error_leaves_nothing(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        db.execute(text("insert into kept values (1)"))
    with pytest.raises(NotFound):
        insert_and_fail(own_engine)
    assert kept(own_engine) == [1]


def test_a_read_only_transaction_cannot_write(own_engine: Engine) -> None:
    with pytest.raises(DBAPIError) as refused, transaction(own_engine, NOBODY, read_only=True) as db:
        db.execute(text("insert into kept values (3)"))
    assert refused.value.orig.sqlstate == "25006"
    with transaction(own_engine, NOBODY) as db:
        db.execute(text("delete from kept where n = 3"))  # the same connection may write again


def test_connections_speak_utc_and_give_up_on_stuck_statements(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY, read_only=True) as db:
        assert db.execute(text("show timezone")).scalar() == "UTC"
        assert db.execute(text("show statement_timeout")).scalar() == "15s"


def test_a_wrong_statement_is_a_mistake_and_no_outage(own_engine: Engine) -> None:
    with pytest.raises(ProgrammingError), transaction(own_engine, NOBODY) as db:
        db.execute(text("select from where"))


def test_a_server_that_is_not_there_is_an_outage(tmp_path) -> None:
    engine = make_engine(f"postgresql+psycopg://postgres@/any?host={tmp_path}", pool_size=1)
    with pytest.raises(Unavailable) as refused, transaction(engine, NOBODY):
        pass
    assert refused.value.facts == {"retry_after_s": 5}
    engine.dispose()


def test_a_connection_that_breaks_is_an_outage_and_the_next_one_works(own_engine: Engine) -> None:
    with pytest.raises(Unavailable):
        insert_and_break(own_engine)
    assert 4 not in kept(own_engine)


def test_after_an_outage_no_dead_connection_is_handed_out(own_engine: Engine) -> None:
    with own_engine.connect() as first, own_engine.connect() as second:
        pids = [c.execute(text("select pg_backend_pid()")).scalar_one() for c in (first, second)]
    other = make_engine(own_engine.url.render_as_string(hide_password=False), pool_size=1)
    with transaction(other, NOBODY) as db:
        db.execute(text("select pg_terminate_backend(p) from unnest(cast(:pids as int[])) p"), {"pids": pids})
    other.dispose()
    with pytest.raises(Unavailable), transaction(own_engine, NOBODY) as db:
        db.execute(text("select 1"))
    for _ in range(3):
        with transaction(own_engine, NOBODY) as db:
            assert db.execute(text("select 1")).scalar() == 1


def test_a_pool_without_a_free_connection_is_an_outage(own_engine: Engine, monkeypatch) -> None:
    engine = make_engine(own_engine.url.render_as_string(hide_password=False), pool_size=1)
    monkeypatch.setattr(engine.pool, "_max_overflow", 0)
    monkeypatch.setattr(engine.pool, "_timeout", 0.05)
    with engine.connect(), pytest.raises(Unavailable), transaction(engine, NOBODY):
        pass
    engine.dispose()


def test_the_wait_for_a_connection_is_timed_by_a_clock_that_never_steps_back() -> None:
    assert queue._time is time.monotonic
