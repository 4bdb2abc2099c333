"""Events leave in the order of their commits, by one deliverer at a time, and none is passed over."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gridmgmt.domain.events import Event, EventKind
from gridmgmt.storage import outbox
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import ELSEWHERE, NOW, STREET


@pytest.fixture(scope="module")
def own_engine(own_empty_url: str) -> Iterator[Engine]:
    engine = make_engine(own_empty_url, pool_size=3)
    yield engine
    engine.dispose()


def make_event(number: str, subdistrict: str = STREET) -> Event:
    return Event(EventKind.CASE_FILED, subdistrict, NOW, None, {"number": number})


def deliver(db: Db) -> list[str]:
    rows = outbox.claim(db)
    outbox.mark_delivered(db, [r.id for r in rows], NOW)
    return [r.facts["number"] for r in rows]


def numbers(rows: list[outbox.OutboxRow]) -> list[str]:
    return [r.facts["number"] for r in rows]


def test_an_event_comes_out_as_it_went_in(db: Db) -> None:
    outbox.append(db, [make_event("1")])
    (row,) = [r for r in outbox.claim(db) if r.facts == {"number": "1"}]
    assert (row.subdistrict_code, row.kind, row.case_id, row.at) == (STREET, "case_filed", None, NOW)
    assert row.delivery_no == 0, "it waits"


def test_no_events_are_appended_without_harm(db: Db) -> None:
    outbox.append(db, [])
    outbox.mark_delivered(db, [], NOW)


def test_delivery_numbers_grow_in_commit_order_though_ids_do_not(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        last = outbox.last_delivery(db)
    with own_engine.connect() as slow, slow.begin() as late:
        outbox.append(slow, [make_event("lower id")])
        with transaction(own_engine, NOBODY) as fast:
            outbox.append(fast, [make_event("higher id")])
        with transaction(own_engine, NOBODY) as db:
            assert deliver(db) == ["higher id"]
            seen = outbox.last_delivery(db)
        late.commit()
    with transaction(own_engine, NOBODY) as db:
        assert deliver(db) == ["lower id"]
    with transaction(own_engine, NOBODY, read_only=True) as db:
        everything = outbox.delivered_after(db, last, None)
        assert numbers(everything) == ["higher id", "lower id"]
        assert everything[1].id < everything[0].id
        # Whoever had seen the first one misses nothing.
        assert numbers(outbox.delivered_after(db, seen, None)) == ["lower id"]


def test_only_one_worker_delivers_at_a_time_and_the_next_goes_on(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        outbox.append(db, [make_event("once")])
    with own_engine.connect() as first, first.begin() as under_way:
        assert numbers(outbox.claim(first)) == ["once"]
        with transaction(own_engine, NOBODY) as second:
            assert outbox.claim(second) == []
        under_way.rollback()  # the first one dies
    with transaction(own_engine, NOBODY) as second:
        assert deliver(second) == ["once"]


def test_a_claim_takes_the_oldest_first_and_no_more_than_asked(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        outbox.append(db, [make_event(str(n)) for n in range(5)])
        assert numbers(outbox.claim(db, limit=2)) == ["0", "1"]
        assert deliver(db) == ["0", "1", "2", "3", "4"]


def test_events_of_other_subdistricts_are_not_shown(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        last = outbox.last_delivery(db)
        outbox.append(db, [make_event("here"), make_event("there", ELSEWHERE)])
        deliver(db)
        assert numbers(outbox.delivered_after(db, last, frozenset({STREET}))) == ["here"]
        assert numbers(outbox.delivered_after(db, last, frozenset({ELSEWHERE}))) == ["there"]
        assert outbox.delivered_after(db, last, frozenset()) == []
        assert numbers(outbox.delivered_after(db, last, None)) == ["here", "there"]


def test_the_last_delivery_of_an_empty_outbox_is_zero(clone, empty_template: str) -> None:
    engine = make_engine(clone(empty_template), pool_size=1)
    with transaction(engine, NOBODY, read_only=True) as db:
        assert outbox.last_delivery(db) == 0
    engine.dispose()
