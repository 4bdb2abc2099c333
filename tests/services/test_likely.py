"""Asked before sending: the same likely cases as with the answer, in scope, and nothing is written."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gridmgmt.domain.duplicates import LONGEST
from gridmgmt.domain.org import Actor
from gridmgmt.errors import NotAllowed, UnknownCategory
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.services import likely
from gridmgmt.services.intake import SubmitReport
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import nearby
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_privacy import WORDS, confide, make_keys
from tests.builders_street import SORTING, Street


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def asking(command: SubmitReport, **over: object) -> likely.AskLikely:
    names = ("category", "lon", "lat", "datum", "observed_at", "description")
    return likely.AskLikely(**{name: getattr(command, name) for name in names} | over)


def ask(street: Street, by: Actor, command: SubmitReport, **over: object) -> list[dict]:
    return likely.before_sending(street.db, by, street.now, street.books, asking(command, **over))


def test_before_sending_it_is_told_what_the_answer_would_tell(street: Street) -> None:
    cell = street.duty_cells[0]
    first, second = street.report(cell=cell), street.report(cell=cell, description="小贩占道")
    by = street.leader_of(cell.code)
    command = street.command(by, cell, description="占道经营，小贩很多")
    told = ask(street, by, command)
    assert {one["case_id"] for one in told} == {str(first.id), str(second.id)}
    assert told == street.send(by, command).body["duplicates"]


def test_asking_writes_nothing_and_takes_no_number(street: Street) -> None:
    cell = street.duty_cells[0]
    street.report(cell=cell)
    by = street.leader_of(cell.code)
    command = street.command(by, cell)
    counts = text(
        "select (select count(*) from app.reports), (select count(*) from app.audit_log),"
        " (select count(*) from app.outbox), (select last_value from app.case_number_seq)"
    )
    before = street.db.execute(counts).one()
    assert ask(street, by, command)
    assert street.db.execute(counts).one() == before


def test_what_somebody_confided_is_compared_with_nothing(street: Street, tmp_path: Path) -> None:
    case = confide(street, make_keys(tmp_path))
    by = street.worker_of(case.cell_code)
    (told,) = ask(street, by, street.command(by, street.duty_cells[0], description=WORDS), category=SORTING)
    assert (told["case_id"], told["why"]["text"]) == (str(case.id), None)


def test_another_class_an_old_case_and_a_datum_drawn_aside_are_told_nothing(street: Street) -> None:
    cell = street.duty_cells[0]
    street.report(cell=cell)
    by = street.leader_of(cell.code)
    command = street.command(by, cell)
    assert ask(street, by, command)
    assert ask(street, by, command, category=SORTING) == []
    assert ask(street, by, command, datum=Datum.GCJ02) == []
    later = street.later(days=15)
    assert ask(later, by, command, observed_at=later.now - timedelta(minutes=1)) == []


def test_nobody_is_told_of_another_streets_cases(street: Street) -> None:
    cell = street.duty_cells[0]
    street.report(cell=cell)
    by = street.leader_of(cell.code)
    command = street.command(by, cell)
    place = LonLat(command.lon, command.lat)
    assert nearby.open_near(street.db, STREET, place, NOW - LONGEST)
    assert nearby.open_near(street.db, ELSEWHERE, place, NOW - LONGEST) == ()


def test_whoever_may_not_report_asks_nothing_and_an_unknown_class_is_refused(street: Street) -> None:
    cell = street.duty_cells[0]
    by = street.leader_of(cell.code)
    command = street.command(by, cell)
    with pytest.raises(NotAllowed):
        ask(street, street.planner, command)
    with pytest.raises(UnknownCategory):
        ask(street, by, command, category="matter:99999")
