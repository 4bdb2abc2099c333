"""The same thing seen again: photos join an open case once, move nothing, and are nobody's second report."""

import json
import math
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.domain.org import Actor
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import ContentDiffers, ImplausibleTime, MissingFact, NotAllowed, NotFound, NotReady
from gridmgmt.geo.crs import Datum
from gridmgmt.services import reading, seeing_again
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.walls import Acting
from tests.builders_cases import ELSEWHERE
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


def test_an_id_that_is_taken_behind_another_streets_wall_is_not_acknowledged(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    theirs = see(street, by, seen(street, case.id, by)).sighting
    moved = text(
        "insert into app.case_sightings select (s).* from (select jsonb_populate_record(c, :over) as s"
        " from app.case_sightings c where c.id = :id) as other"
    )
    command = seen(street, case.id, by, photos=(street.photo(by, "mine"),))
    over = {"id": str(command.id), "subdistrict_code": ELSEWHERE}
    street.db.execute(moved, {"over": json.dumps(over), "id": theirs.id})
    act_as(street.db, Acting.of(by))
    with pytest.raises(ContentDiffers):
        see(street, by, command)


def test_of_the_position_the_distance_is_kept_and_shown_and_not_the_position(street: Street) -> None:
    case, by = street.report(lon=117.6466, lat=39.0344), street.person("demo-worker-002")
    north = seen(street, case.id, by, lat=39.0344 + 2000 / 111_195, photos=(street.photo(by, "north"),))
    for command in (seen(street, case.id, by), north, seen(street, case.id, by, datum=Datum.GCJ02)):
        see(street, by, command)
    shown = reading.case_detail(street.db, street.shift_leader, street.now, street.books, case.id)["beside"]
    here, away, unknown = sorted((line["place"] for line in shown["sightings"]), key=_by_distance)
    assert (here["standing"], here["basis"], here["accuracy_m"]) == ("at_place", "point", 9.0)
    assert (here["distance_m"], away["distance_m"]) == (0, pytest.approx(2000, rel=0.01))
    assert (away["standing"], unknown["standing"]) == ("away", "not_measured")
    columns = "select column_name from information_schema.columns where table_name = 'case_sightings'"
    assert not {"lon", "lat"} & set(street.db.execute(text(columns)).scalars())


def _by_distance(place: dict[str, Any]) -> float:
    return math.inf if place["distance_m"] is None else float(place["distance_m"])


@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(days=-400), timedelta(hours=-3)])
def test_a_wrong_clock_loses_nothing_that_was_seen(street: Street, wrong: timedelta) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    told, ago = street.now - timedelta(minutes=20) + wrong, timedelta(minutes=20)
    command = seen(street, case.id, by, observed_at=told, sent_at=street.now + wrong)
    kept = see(street, by, command).sighting
    assert (kept.observed_at, kept.device_at) == (street.now - ago, told)
    later = replace(command, sent_at=street.now + wrong + timedelta(hours=1))
    assert see(street.later(hours=1, minutes=2), by, later).replayed, (
        "sent again it is known by what was told"
    )
    with pytest.raises(ContentDiffers):
        see(street, by, replace(later, observed_at=told + timedelta(minutes=5)))


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
    with pytest.raises(MissingFact) as caught:
        see(street, by, seen(street, case.id, by, photos=("0" * 64,)))
    assert caught.value.facts["missing"] == ["photos"]
    with pytest.raises(MissingFact) as caught:
        see(street, by, seen(street, case.id, by, recordings=(street.photo(by, "no sound"),)))
    assert caught.value.facts["missing"] == ["recordings"], "a photo is no recording"
    with pytest.raises(ImplausibleTime):
        see(street, by, seen(street, case.id, by, observed_at=street.now + timedelta(hours=1)))


def test_who_may_not_report_or_is_of_another_street_sees_nothing_again(street: Street) -> None:
    case, by = street.report(), street.person("demo-worker-002")
    with pytest.raises(NotAllowed):
        see(street, street.director, seen(street, case.id, by))
    with pytest.raises((NotFound, NotAllowed)):
        see(street, stranger(by), seen(street, case.id, by))
