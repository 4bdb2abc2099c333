"""Deliveries: sent once when all is well, tried later and later when not, then given up into a list."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from gridmgmt.cli import app
from gridmgmt.domain.channel import LEASE, MOST_TRIES, Channel, Message
from gridmgmt.errors import Unavailable
from gridmgmt.escalation import Escalating, Sending, each_apart
from gridmgmt.services import oversight
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import deliveries
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY, Acting
from tests.builders_cases import NOW, STREET
from tests.builders_street import Street
from tests.services.climbing import as_worker

HOUR = timedelta(hours=1)


class Receiver:
    """A channel whose receiver is this list; it refuses the first so many."""

    def __init__(self, refusals: int = 0, channel: Channel = Channel.WEBHOOK) -> None:
        self.channel, self.refusals = channel, refusals
        self.got: list[Message] = []

    def send(self, message: Message, now: datetime) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("answered 503", retry_after_s=1)
        self.got.append(message)


class Broken(Receiver):
    """A channel whose code fails with what nobody foresaw, for the first so many."""

    def send(self, message: Message, now: datetime) -> None:
        if self.refusals:
            self.refusals -= 1
            raise UnicodeError("encoding with 'idna' codec failed")
        self.got.append(message)


def sending_to(receivers: list[Receiver]) -> Sending:
    """A worker's share of sending, with a clock that stands."""
    return Sending(receivers, clock=lambda: NOW)


@pytest.fixture
def url(clone, demo_template: str) -> str:
    """A street in which one dispatch has told one handler, by webhook."""
    made = str(clone(demo_template))
    engine = make_engine(made, pool_size=1)
    with transaction(engine, NOBODY) as db:
        Street(db, RuleBooks()).report()
        oversight.deliver(db, NOW)
    engine.dispose()
    return made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(as_worker(url), pool_size=1)
    Escalating([Channel.WEBHOOK])(made, NOW)
    yield made
    made.dispose()


def rows(engine: Engine) -> list[tuple[str, int, str | None]]:
    with transaction(engine, Acting.system([STREET])) as db:
        query = text("select state, tries, last_error from app.deliveries order by notification_id")
        return [tuple(r) for r in db.execute(query)]


def test_what_is_due_is_sent_once(engine: Engine) -> None:
    receiver = Receiver()
    for _ in range(2):
        sending_to([receiver])(engine, NOW)
    assert len(receiver.got) == len(rows(engine)) == 1
    assert rows(engine) == [("sent", 1, None)]
    assert receiver.got[0].kind == "case_dispatched"


def test_a_channel_that_is_not_set_up_sends_nothing(engine: Engine) -> None:
    other = Receiver(channel=Channel.SMS)
    sending_to([])(engine, NOW)
    sending_to([other])(engine, NOW)
    assert other.got == []
    assert rows(engine) == [("waiting", 0, None)]


def test_a_failure_is_tried_again_after_its_pause_and_not_before(engine: Engine) -> None:
    receiver = Receiver(refusals=1)
    sending = sending_to([receiver])
    sending(engine, NOW)
    assert rows(engine) == [("waiting", 1, "answered 503")]
    sending(engine, NOW + timedelta(seconds=4))
    assert receiver.got == [], "a first pause is five seconds at least"
    sending(engine, NOW + timedelta(seconds=11))
    assert len(receiver.got) == 1


def test_a_failure_that_nobody_foresaw_is_counted_and_holds_up_no_other_delivery(
    url: str, engine: Engine
) -> None:
    owner = make_engine(url, pool_size=1)
    with transaction(owner, NOBODY) as db:
        Street(db, RuleBooks()).report()
        oversight.deliver(db, NOW)
    owner.dispose()
    Escalating([Channel.WEBHOOK])(engine, NOW)
    broken = Broken(refusals=1)
    sending_to([broken])(engine, NOW)
    assert sorted(state for state, _, _ in rows(engine)) == ["sent", "waiting"]
    assert [row for row in rows(engine) if row[0] == "waiting"] == [("waiting", 1, "UnicodeError")]
    sending_to([broken])(engine, NOW + timedelta(seconds=11))
    assert len(broken.got) == 2


def test_a_channel_that_hangs_keeps_no_other_channel_waiting(url: str) -> None:
    hangs, ends, free = threading.Event(), threading.Event(), Receiver(channel=Channel.SMS)

    class Hanging(Receiver):
        def send(self, message: Message, now: datetime) -> None:
            hangs.set()
            ends.wait()

    engine = make_engine(as_worker(url), pool_size=2)
    Escalating([Channel.WEBHOOK, Channel.SMS])(engine, NOW)
    webhook, sms = each_apart([Hanging(), free])
    slow = threading.Thread(target=webhook, args=(engine, NOW))
    slow.start()
    try:
        assert hangs.wait(60)
        sms(engine, NOW)
        assert len(free.got) == 1
    finally:
        ends.set()
        slow.join()
        engine.dispose()


def test_after_so_many_failures_it_is_dead_until_somebody_lets_it_go_again(engine: Engine) -> None:
    receiver = Receiver(refusals=MOST_TRIES)
    sending = sending_to([receiver])
    for n in range(MOST_TRIES + 3):
        sending(engine, NOW + n * 2 * HOUR)
    assert rows(engine) == [("dead", MOST_TRIES, "answered 503")]
    later = NOW + 100 * HOUR
    with transaction(engine, Acting.system([STREET])) as db:
        (dead,) = deliveries.listed(db, "dead")
        assert deliveries.retry(db, [dead["notification_id"]], later) == 1
    sending(engine, later)
    assert len(receiver.got) == 1


def test_a_worker_that_died_while_sending_leaves_it_to_another_after_the_lease(engine: Engine) -> None:
    with transaction(engine, Acting.system([STREET])) as db:
        assert len(deliveries.claim(db, [Channel.WEBHOOK], NOW, limit=9)) == 1
    receiver = Receiver()
    sending = sending_to([receiver])
    sending(engine, NOW + LEASE - timedelta(seconds=1))
    assert receiver.got == []
    sending(engine, NOW + LEASE)
    assert len(receiver.got) == 1


def test_the_command_lists_the_dead_and_lets_them_go(
    url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(refusals=MOST_TRIES)
    for n in range(MOST_TRIES):
        sending_to([receiver])(engine, NOW + n * 2 * HOUR)
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", url)
    monkeypatch.setenv("GRIDMGMT_WORKER_DATABASE_URL", as_worker(url))
    monkeypatch.setenv("COLUMNS", "200")
    listed = CliRunner().invoke(app, ["deliveries", "list"])
    assert "answered 503" in listed.output
    assert "1 dead" in listed.output
    assert CliRunner().invoke(app, ["deliveries", "retry"]).exit_code != 0, "which ones?"
    assert "1 wait again" in CliRunner().invoke(app, ["deliveries", "retry", "--all"]).output
    assert "0 dead" in CliRunner().invoke(app, ["deliveries", "list"]).output
