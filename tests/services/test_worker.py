"""The background process: every deadline is announced once, every event delivered, and it never gives up."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from gridmgmt import worker
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import Unavailable
from gridmgmt.services import oversight
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import outbox, overdue
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_street import ENFORCEMENT, Street

MINUTE = timedelta(minutes=1)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def overdue_of(street: Street, case) -> list[str]:
    query = text(
        "select facts ->> 'due_at' from app.outbox where case_id = :id and kind = 'case_overdue' order by id"
    )
    return list(street.db.execute(query, {"id": case.id}).scalars())


def test_a_deadline_that_passed_is_announced_once(street: Street) -> None:
    case = street.report()
    assert case.due_at is not None
    assert oversight.announce_overdue(street.db, case.due_at) == 0, "the deadline itself is in time"
    assert oversight.announce_overdue(street.db, case.due_at + MINUTE) == 1
    assert oversight.announce_overdue(street.db, case.due_at + 2 * MINUTE) == 0
    assert overdue_of(street, case) == [case.due_at.isoformat()]


def test_an_announcement_says_which_case_where_and_whose(street: Street) -> None:
    case = street.report()
    oversight.announce_overdue(street.db, NOW + timedelta(days=1))
    query = text("select facts from app.outbox where case_id = :id and kind = 'case_overdue'")
    facts = street.db.execute(query, {"id": case.id}).scalar_one()
    assert (facts["number"], facts["state"], facts["cell_code"], facts["unit_code"]) == (
        case.number, "handling", case.cell_code, ENFORCEMENT,
    )  # fmt: skip


def test_a_new_deadline_is_a_new_announcement(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    request = street.ask(case, Action.EXTEND, unit, reason="需要配件", amount=1, unit="working_day")
    oversight.announce_overdue(street.db, NOW + timedelta(hours=6))
    street.answer(request, street.dispatcher)
    assert oversight.announce_overdue(street.db, NOW + timedelta(hours=7)) == 0
    assert oversight.announce_overdue(street.db, NOW + timedelta(days=3)) == 1
    assert len(overdue_of(street, case)) == 2


def test_a_result_in_time_is_not_announced_at_the_units_deadline_but_at_the_desks(street: Street) -> None:
    case = street.report()
    assert case.due_at is not None
    handled = street.later(hours=5).handled(case)
    assert handled.stage_due_at is not None
    assert oversight.announce_overdue(street.db, case.due_at + MINUTE) == 0
    assert oversight.announce_overdue(street.db, handled.stage_due_at + MINUTE) == 1
    assert overdue_of(street, case) == [handled.stage_due_at.isoformat()]


def test_a_hold_that_outlasts_its_last_day_is_announced(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    request = street.ask(case, Action.HOLD, unit, reason="等待配件", resume_on="2026-11-27")
    street.answer(request, street.dispatcher)
    assert oversight.announce_overdue(street.db, NOW + timedelta(days=3)) == 0
    assert oversight.announce_overdue(street.db, NOW + timedelta(days=5)) == 1


def test_a_case_that_ended_is_never_announced(street: Street) -> None:
    street.closed(street.handled(street.report()))
    assert oversight.announce_overdue(street.db, NOW + timedelta(days=90)) == 0


def test_the_longest_waiting_are_announced_first_and_a_sweep_is_bounded(street: Street) -> None:
    late = [street.later(minutes=n).report() for n in range(3)]
    far = NOW + timedelta(days=2)
    assert [o.case_id for o in overdue.claim_overdue(street.db, far, limit=2)] == [late[0].id, late[1].id]
    assert [o.case_id for o in overdue.claim_overdue(street.db, far, limit=2)] == [late[2].id]


def test_waiting_events_are_delivered_and_numbered(street: Street) -> None:
    oversight.deliver(street.db, NOW)
    last = outbox.last_delivery(street.db)
    case = street.report()
    assert outbox.delivered_after(street.db, last, None) == []
    assert oversight.deliver(street.db, NOW) == 4
    delivered = outbox.delivered_after(street.db, last, None)
    assert [r.kind for r in delivered] == street.events_of(case)
    assert [r.delivery_no for r in delivered] == [last + n for n in (1, 2, 3, 4)]
    assert oversight.deliver(street.db, NOW) == 0


# The loop itself, on a database of its own.


@pytest.fixture(scope="module")
def own_engine(own_demo_url: str) -> Iterator[Engine]:
    engine = make_engine(own_demo_url, pool_size=3)
    yield engine
    engine.dispose()


def test_a_turn_sweeps_and_delivers_in_one_go(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        case = Street(db, RuleBooks()).report()
    assert worker.turn(own_engine, NOW + timedelta(days=1), sweep=True) is True
    assert worker.turn(own_engine, NOW + timedelta(days=1), sweep=True) is False
    with transaction(own_engine, NOBODY, read_only=True) as db:
        kinds = [r.kind for r in outbox.delivered_after(db, 0, None) if r.case_id == case.id]
    assert kinds[-1] == "case_overdue"


class Stop(threading.Event):
    """A stop sign that is set after some pauses, none of which is waited for."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._after = after

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) >= self._after:
            self.set()
        return self.is_set()


def run(monkeypatch, turns: list, **stop) -> list[float]:
    """The pauses after each of these outcomes of a turn."""
    left = iter(turns)

    def turn(engine: Engine, now: object, *, sweep: bool) -> bool:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(worker, "turn", turn)
    monkeypatch.setattr(worker, "beat", lambda *_: None)
    sign = Stop(after=len(turns))
    worker.run(None, sign, clock=lambda: NOW)
    return sign.pauses


def test_a_database_that_is_away_is_tried_again_ever_more_slowly(monkeypatch) -> None:
    away = Unavailable("away", retry_after_s=5)
    pauses = run(monkeypatch, [away] * 7 + [False])
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 0.25]


def test_one_bad_turn_does_not_stop_the_clocks(monkeypatch) -> None:
    assert run(monkeypatch, [ValueError("bad row"), True, False]) == [1.0, 0.1, 0.25]


def test_while_there_is_work_it_only_takes_breath(monkeypatch) -> None:
    assert run(monkeypatch, [True, True, False]) == [0.1, 0.1, 0.25]


def test_a_worker_survives_a_database_that_comes_back(own_engine: Engine, monkeypatch) -> None:
    with transaction(own_engine, NOBODY) as db:
        Street(db, RuleBooks()).report()
    real, calls = worker.turn, []

    def turn(engine: Engine, now: object, *, sweep: bool) -> bool:
        calls.append(sweep)
        if len(calls) == 1:
            with transaction(own_engine, NOBODY) as db:
                db.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return real(own_engine, NOW, sweep=sweep)

    monkeypatch.setattr(worker, "turn", turn)
    worker.run(own_engine, Stop(after=3), clock=lambda: NOW)
    assert calls[0] is True, "the first turn sweeps"
    with transaction(own_engine, NOBODY, read_only=True) as db:
        waiting = db.execute(text("select count(*) from app.outbox where delivered_at is null")).scalar()
    assert waiting == 0


def test_two_workers_at_once_deliver_each_event_once(own_engine: Engine) -> None:
    with transaction(own_engine, NOBODY) as db:
        street = Street(db, RuleBooks(), now=NOW + MINUTE)
        made = [street.report() for _ in range(5)]
    threads = [
        threading.Thread(target=lambda: [worker.turn(own_engine, NOW, sweep=True) for _ in range(4)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with transaction(own_engine, NOBODY, read_only=True) as db:
        delivered = [r for r in outbox.delivered_after(db, 0, None) if r.case_id in {c.id for c in made}]
    assert len(delivered) == 20
    assert len({r.delivery_no for r in delivered}) == 20
