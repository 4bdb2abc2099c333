"""What waits is waited for; what never comes, or came twice, is found all the same."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.ledger import Ledger
from tests.faults.run import VERDICTS, settled
from tests.faults.verify import UNDELIVERED, Verdict, verify

WAITS = Verdict(broken=[f"{UNDELIVERED}: 1", f"{UNDELIVERED}: 2"])
TWICE = Verdict(broken=[f"{UNDELIVERED}: 1", "event delivered twice: 7"])
LOST = Verdict(lost=["report a"], broken=[f"{UNDELIVERED}: 1"])
CLEAN = Verdict()


def outcome(verdicts: list[Verdict], *, empty: bool = True) -> tuple[Verdict, int]:
    """The verdict that stands when these come one after the other, and how many were asked for."""
    asked = 0

    async def drained() -> bool:
        return empty

    async def judged() -> Verdict:
        nonlocal asked
        asked += 1
        return verdicts[min(asked, len(verdicts)) - 1]

    return asyncio.run(settled(drained, judged)), asked


def test_an_event_written_after_the_draining_is_drained_and_judged_again() -> None:
    assert outcome([WAITS, WAITS, CLEAN]) == (CLEAN, 3)
    assert outcome([CLEAN]) == (CLEAN, 1)


def test_an_event_that_is_never_delivered_is_found() -> None:
    assert outcome([WAITS]) == (WAITS, VERDICTS)
    assert outcome([WAITS, CLEAN], empty=False) == (WAITS, 1)


@pytest.mark.parametrize("found", [TWICE, LOST])
def test_what_is_wrong_beside_waiting_events_is_not_judged_away(found: Verdict) -> None:
    assert outcome([found, CLEAN]) == (found, 1)


@pytest.fixture
def outbox(own_empty_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """An outbox whose own guard against a number given twice is off."""
    with psycopg.connect(own_empty_url.replace("+psycopg", ""), autocommit=True) as db:
        db.execute("alter table app.outbox drop constraint if exists uq_outbox_delivery_no")
        yield db
        db.execute("truncate app.outbox")


def events(db: psycopg.Connection[tuple[object, ...]], *numbers: int | None) -> list[str]:
    """What is found wrong with events of these delivery numbers."""
    for number in numbers:
        db.execute(
            "insert into app.outbox (subdistrict_code, kind, at, facts, delivered_at, delivery_no)"
            " values ('120116005', 'inbox_changed', now(), '{}', case when %(n)s::bigint is null then null"
            " else now() end, %(n)s)",
            {"n": number},
        )
    return [one.rpartition(": ")[0] for one in verify(db.info.dsn, Ledger()).broken]


def test_events_that_wait_are_undelivered_and_not_delivered_twice(outbox: psycopg.Connection) -> None:
    assert events(outbox, 1, None, None) == [UNDELIVERED] * 2


def test_a_number_given_to_two_events_is_a_double_delivery(outbox: psycopg.Connection) -> None:
    assert events(outbox, 1, 2, 2, 3) == ["event delivered twice"]
