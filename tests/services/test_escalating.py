"""The ladder on the street: driven by the outbox and the clock, each rung once, whoever looks and when."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gridmgmt.domain.case import Case
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.ladder import Level, Rung, Running, rung_at
from gridmgmt.domain.workflow import Action
from gridmgmt.services import escalating, notifying, oversight
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import ladders, outbox
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_street import ENFORCEMENT, Street

HOUR = timedelta(hours=1)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def tick(street: Street, at) -> int:
    """One round of the worker at a time: deliver, tell, climb; how many cases were looked at."""
    oversight.deliver(street.db, at)
    while notifying.tell(street.db, at, street.books, ()):
        pass
    looked = 0
    while found := escalating.climb(street.db, at, street.books, ()):
        looked += found
    return looked


def steps(street: Street, case: Case, clock: str = "handling") -> list[tuple[int, int, bool]]:
    """Round, rung and whether it was told, in order."""
    found = [s for s in ladders.steps_of(street.db, case.id) if s["clock"] == clock]
    return sorted((s["round"], s["rung"], s["told"]) for s in found)


def told(street: Street, case: Case) -> list[tuple[str, str, int, str | None]]:
    """Login, reason, rung and absence of everybody told by the ladder's handling limit, in order."""
    query = text(
        "select p.login, n.because, n.rung, n.absence from app.notifications n"
        " join app.people p on p.id = n.person_id"
        " where n.case_id = :id and n.clock = 'handling' order by n.at, n.rung, p.login"
    )
    return [tuple(r) for r in street.db.execute(query, {"id": case.id})]


def at_share(street: Street, case: Case, percent: int):
    """The instant at which so much of the case's handling limit (four working hours of a Monday) is used."""
    assert case.clock_started_at is not None
    assert case.due_at is not None
    assert case.limit_unit is not None
    running = Running("handling", case.clock_started_at, case.due_at, case.limit_unit)
    return rung_at(running, percent, street.book.calendar)


def test_a_case_climbs_at_its_three_shares_and_each_rung_once(street: Street) -> None:
    case = street.report()
    tick(street, NOW)
    assert steps(street, case) == []
    for rung, percent in ((1, 80), (2, 100), (3, 150)):
        at = at_share(street, case, percent)
        tick(street, at - timedelta(seconds=1))
        assert len(steps(street, case)) == rung - 1, "not before its time"
        tick(street, at)
        tick(street, at)
        assert steps(street, case) == [(1, n, True) for n in range(1, rung + 1)]


def test_each_rung_tells_its_own_people(street: Street) -> None:
    case = street.report()
    tick(street, NOW)
    for percent in (80, 100, 150):
        tick(street, at_share(street, case, percent))
    by_rung = {}
    for login, because, rung, _ in told(street, case):
        by_rung.setdefault(rung, []).append((login, because))
    unit = f"demo-unit-{ENFORCEMENT.lower()}"
    assert (unit, "unit") in by_rung[1]
    assert [b for _, b in by_rung[1]].count("grid_worker") == 1
    assert {b for _, b in by_rung[2]} >= {"unit", "grid_leader", "community"}
    assert {b for _, b in by_rung[3]} == {"street", "district"}


def test_rungs_passed_in_downtime_are_each_recorded_and_people_told_once_of_the_highest(
    street: Street,
) -> None:
    case = street.report()
    tick(street, NOW)
    tick(street, NOW + timedelta(days=10))
    assert steps(street, case) == [(1, 1, False), (1, 2, False), (1, 3, True)]
    people = told(street, case)
    assert {rung for _, _, rung, _ in people} == {3}
    assert len({login for login, *_ in people}) == len(people), "nobody hears it twice"
    assert {b for _, b, *_ in people} >= {"unit", "grid_worker", "grid_leader", "street", "district"}


def test_an_extension_starts_the_next_round_from_the_first_rung(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    tick(street, NOW)
    request = street.ask(case, Action.EXTEND, unit, reason="需要配件", amount=1, unit="working_day")
    tick(street, at_share(street, case, 80))
    street.answer(request, street.dispatcher)
    extended = street.case(case.id)
    tick(street, at_share(street, case, 100))
    assert steps(street, case) == [(1, 1, True)]
    tick(street, at_share(street, extended, 80))
    assert steps(street, case) == [(1, 1, True), (2, 1, True)]


def test_a_hold_stops_the_ladder_and_its_time_is_nobodys(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    request = street.ask(case, Action.HOLD, unit, reason="等待配件", resume_on="2026-11-27")
    held = street.later(hours=1)
    held.answer(request, street.dispatcher)
    tick(street, at_share(street, case, 150))
    assert steps(street, case) == []
    back = street.later(days=2)
    back.act(case, Action.RESUME, unit)
    resumed = street.case(case.id)
    assert resumed.due_at is not None
    tick(back, back.now + timedelta(minutes=1))
    assert steps(street, case) == [], "an hour of four is used, whatever the wall clock says"
    tick(street, resumed.due_at)
    assert steps(street, case)[-1] == (1, 2, True)


def test_a_case_that_ended_climbs_no_further(street: Street) -> None:
    case = street.report()
    tick(street, NOW)
    street.closed(street.handled(case))
    tick(street, NOW + timedelta(days=90))
    tick(street, NOW + timedelta(days=91))
    assert ladders.steps_of(street.db, case.id) == []
    assert tick(street, NOW + timedelta(days=92)) == 0, "nothing to look at again"


def test_rework_starts_a_new_round(street: Street) -> None:
    case = street.report()
    tick(street, NOW)
    tick(street, at_share(street, case, 80))
    late = street.later(days=1)
    late.handled(case)
    late.act(case, Action.FAIL_VERIFICATION, street.leader_of(case.cell_code), reason="未清理干净")
    tick(street, late.now)
    assert steps(street, case) == [(1, 1, True)], "the time at the desk was not the unit's"
    tick(street, at_share(street, street.case(case.id), 80))
    assert steps(street, case) == [(1, 1, True), (2, 1, True)]


def test_a_rung_that_nobody_acknowledges_tells_the_next_once(street: Street) -> None:
    case = street.report()
    ladders.set_rungs(
        street.db,
        street.code,
        [Rung(1, 10, (Level.HOLDER,), 30), Rung(2, 100, (Level.DISTRICT,), 0)],
    )
    tick(street, NOW)
    first = at_share(street, case, 10)
    tick(street, first)
    assert [b for _, b, *_ in told(street, case)] == ["unit"]
    tick(street, first + timedelta(minutes=29))
    assert len(told(street, case)) == 1
    for _ in range(2):
        tick(street, first + timedelta(minutes=31))
    assert [b for _, b, *_ in told(street, case)] == ["unit", "district"]
    assert steps(street, case) == [(1, 1, True)], "the rung itself was passed once"


def test_an_acknowledged_rung_is_not_passed_on(street: Street) -> None:
    case = street.report()
    ladders.set_rungs(
        street.db,
        street.code,
        [Rung(1, 10, (Level.HOLDER,), 30), Rung(2, 100, (Level.DISTRICT,), 0)],
    )
    tick(street, NOW)
    first = at_share(street, case, 10)
    tick(street, first)
    unit = street.handler(ENFORCEMENT)
    assert ladders.acknowledge(street.db, (case.id, "handling", 1, 1), unit.id, first)
    assert not ladders.acknowledge(street.db, (case.id, "handling", 1, 1), unit.id, first)
    tick(street, first + timedelta(minutes=31))
    assert [b for _, b, *_ in told(street, case)] == ["unit"]


def test_an_event_that_cannot_be_read_holds_up_nobody_behind_it(street: Street) -> None:
    old = {"deputy_id": "of another version", "request_id": "as well"}
    outbox.append(street.db, [Event(EventKind.DEPUTY_NAMED, STREET, NOW, None, old)])
    case = street.report()
    with capture_logs() as logs:
        tick(street, NOW)
    assert ["event_not_told"] == [line["event"] for line in logs if line["log_level"] == "error"]
    found = street.db.execute(
        text("select count(*) from app.notifications where case_id = :id"), {"id": case.id}
    )
    assert found.scalar_one() > 0
