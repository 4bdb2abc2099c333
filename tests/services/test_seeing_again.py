"""The same thing seen again: photos join an open case once, move nothing, and are nobody's second report."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.org import Actor
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import ContentDiffers, ImplausibleTime, MissingFact, NotAllowed, NotFound, NotReady
from gridmgmt.geo.crs import Datum
from gridmgmt.services import reading, seeing_again
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db
from tests.builders_street import Street, stranger

AT_THE_DESK = "LOCAL-TJ:matter:L08001"


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def seen(street: Street, case_id: uuid.UUID, by: Actor, **over: object) -> seeing_again.SeeAgain:
    facts = {
        "id": uuid.uuid4(), "case_id": case_id, "lon": 117.6466, "lat": 39.0344, "datum": Datum.WGS84,
        "accuracy_m": 9.0, "observed_at": street.now, "words": "还在", "recordings": (),
        "photos": (street.photo(by, "seen again"),),
    }  # fmt: skip
    return seeing_again.SeeAgain(**(facts | over))  # type: ignore[arg-type]


def see(street: Street, by: Actor, command: seeing_again.SeeAgain) -> seeing_again.Seen:
    return seeing_again.see_again(street.db, by, street.now, command)


def counted(street: Street) -> tuple[int, int]:
    query = text("select (select count(*) from app.reports), (select count(*) from app.case_sightings)")
    return tuple(street.db.execute(query).one())  # type: ignore[return-value]


def test_what_is_seen_again_joins_the_case_and_makes_no_second_report(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    reports, _ = counted(street)
    command = seen(street, case.id, by)
    assert see(street, by, command).number == case.number
    assert counted(street) == (reports, 1)
    assert street.case(case.id) == case, "nothing of the case has moved"
    assert street.events_of(case)[-1] == "case_seen_again"
    found = rows.captioned(street.db, street.shift_leader, command.photos[0])
    assert found is not None
    assert found["number"] == case.number


def test_the_cases_page_shows_who_saw_it_and_what(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    command = seen(street, case.id, by, words="找 13812345678 的人")
    see(street, by, command)
    shown = reading.case_detail(street.db, street.shift_leader, street.now, street.books, case.id)["beside"]
    (line,) = shown["sightings"]
    assert (line["photos"], line["seen_by"]) == (list(command.photos), by.id)
    assert "13812345678" not in line["words"]
    assert shown["names"][str(by.id)] == by.name


def test_sent_twice_it_is_kept_once_and_other_content_is_refused(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    command = seen(street, case.id, by)
    assert not see(street, by, command).replayed
    assert see(street.later(hours=2), by, command).replayed
    assert counted(street)[1] == 1
    with pytest.raises(ContentDiffers):
        see(street, by, seen(street, case.id, by, id=command.id, words="别的"))


def test_of_a_merged_case_it_joins_the_master(street: Street) -> None:
    master, twin = street.report(), street.report(category=AT_THE_DESK)
    street.act(twin, Action.MERGE, street.acceptor, master_id=str(master.id))
    by = street.person("demo-worker-002")
    command = seen(street, twin.id, by)
    assert see(street, by, command).sighting.case_id == master.id
    assert see(street, by, command).replayed


def test_a_case_that_has_ended_takes_no_more(street: Street) -> None:
    case, by = street.closed(street.handled(street.report())), street.person("demo-worker-002")
    with pytest.raises(NotReady) as caught:
        see(street, by, seen(street, case.id, by))
    assert caught.value.facts["state"] == "closed"


def test_it_needs_a_photo_that_was_uploaded_and_a_time_that_can_be(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    with pytest.raises(MissingFact):
        see(street, by, seen(street, case.id, by, photos=()))
    with pytest.raises(MissingFact):
        see(street, by, seen(street, case.id, by, photos=("0" * 64,)))
    with pytest.raises(ImplausibleTime):
        see(street, by, seen(street, case.id, by, observed_at=street.now + timedelta(hours=1)))


def test_who_may_not_report_or_is_of_another_street_sees_nothing_again(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    with pytest.raises(NotAllowed):
        see(street, street.director, seen(street, case.id, by))
    with pytest.raises((NotFound, NotAllowed)):
        see(street, stranger(by), seen(street, case.id, by))
