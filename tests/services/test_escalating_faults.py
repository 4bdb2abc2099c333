"""A case that breaks the ladder holds up nobody else, is seen, and climbs as soon as the fault is mended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gridmgmt.domain.case import Case
from gridmgmt.errors import Unavailable
from gridmgmt.observe import metrics
from gridmgmt.services import escalating, health
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import health as figures
from gridmgmt.storage import ladders
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import Street
from tests.services.test_escalating import at_share, steps, tick


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


class Broken(Exception):
    """Something that nobody thought of."""


def break_case(monkeypatch: pytest.MonkeyPatch, case: Case, fault: Callable[[], Exception] = Broken) -> None:
    real = escalating._look

    def broken(one: Any, *arguments: Any) -> Any:
        if one.case.id == case.id:
            raise fault()
        return real(one, *arguments)

    monkeypatch.setattr(escalating, "_look", broken)


def aside(street: Street) -> list[tuple[str, str, int]]:
    return [(o["number"], o["fault"], o["failures"]) for o in ladders.aside(street.db)]


def put_aside() -> float:
    return metrics.REGISTRY.get_sample_value("gridmgmt_ladder_put_aside_total") or 0.0


def test_one_broken_case_is_put_aside_and_all_others_of_its_batch_climb(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [street.report() for _ in range(5)]
    broken = cases[2]
    break_case(monkeypatch, broken)
    before = put_aside()
    tick(street, NOW)
    at = at_share(street, broken, 80)
    tick(street, at)
    climbed = [steps(street, case) for case in cases]
    assert climbed == [[(1, 1, True)], [(1, 1, True)], [], [(1, 1, True)], [(1, 1, True)]]
    assert aside(street) == [(broken.number, "Broken", 2)]
    assert put_aside() == before + 2


def test_a_case_put_aside_is_told_to_the_desk_once_and_shown_as_degraded(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = street.report()
    break_case(monkeypatch, broken)
    for minutes in (0, 1, 10, 60, 200):
        tick(street, NOW + timedelta(minutes=minutes))
    query = text(
        "select p.login from app.notifications n join app.people p on p.id = n.person_id"
        " where n.kind = 'ladder_stuck' and n.case_id = :id order by 1"
    )
    assert list(street.db.execute(query, {"id": broken.id}).scalars()) == ["demo-dispatcher", "demo-shift"]
    look = figures.look(street.db, NOW)
    told = {check.name: check for check in health._of_database(look, health.Limits())}
    assert (told["ladder"].standing, told["ladder"].vital) == (health.Standing.FAILING, False)
    assert told["ladder"].seen == {"put_aside": 1}


def test_it_is_tried_again_later_and_later_and_not_in_between(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = street.report()
    break_case(monkeypatch, broken)
    tick(street, NOW)
    at, pauses = NOW, []
    for _ in range(8):
        query = text("select look_at from app.case_ladders where case_id = :id")
        again = street.db.execute(query, {"id": broken.id}).scalar_one()
        pauses.append((again - at).total_seconds() / 60)
        assert escalating.climb(street.db, again - timedelta(seconds=1), street.books, ()) == 0
        assert escalating.climb(street.db, again, street.books, ()) == 1
        at = again
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_when_the_fault_is_mended_the_case_climbs_what_it_missed_and_the_record_ends(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = street.report()
    break_case(monkeypatch, broken)
    tick(street, NOW)
    at = at_share(street, broken, 100)
    tick(street, at)
    assert steps(street, broken) == []
    monkeypatch.undo()
    tick(street, at + timedelta(hours=1))
    assert steps(street, broken) == [(1, 1, False), (1, 2, True)]
    assert aside(street) == []


def test_what_a_broken_case_wrote_before_it_broke_is_undone(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, broken = street.report(), street.report()
    tick(street, NOW)
    real = escalating.notification

    def fails(what: Any, recipient: Any) -> Any:
        if what.case_id == broken.id:
            street.db.execute(text("select 1 / 0"))
        return real(what, recipient)

    monkeypatch.setattr(escalating, "notification", fails)
    tick(street, at_share(street, good, 80))
    assert (steps(street, good), steps(street, broken)) == ([(1, 1, True)], [])
    assert aside(street) == [(broken.number, "DataError", 1)]


@pytest.mark.parametrize(
    "away", [lambda: Unavailable("away"), lambda: OperationalError("select", {}, Exception())]
)
def test_a_database_that_is_away_is_no_fault_of_the_case(
    street: Street, monkeypatch: pytest.MonkeyPatch, away: Callable[[], Exception]
) -> None:
    case = street.report()
    break_case(monkeypatch, case, away)
    with pytest.raises((Unavailable, OperationalError)):
        tick(street, NOW)
    assert aside(street) == []
