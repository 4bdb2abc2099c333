"""Several reports by one commit: each has its own outcome, and none leaves a trace in another."""

import pytest
from sqlalchemy import text

from gridmgmt.errors import ContentDiffers, MissingFact, NotAllowed, OutsideArea
from gridmgmt.services import intake
from gridmgmt.services.intake import Answer, Submission
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db
from tests.builders_street import Street, elsewhere_street, found_small_street


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def send(street: Street, *given: Submission) -> list[intake.Outcome]:
    return intake.submit_reports(street.db, street.now, street.books, given)


def submission(street: Street, number: int = 0, **over) -> Submission:
    cell = street.duty_cells[number]
    by = street.worker_of(cell.code)
    return Submission(by, street.command(by, cell, **over), f"request-{number}")


def stored(street: Street, given: Submission) -> int:
    query = text("select count(*) from app.reports where id = :id")
    return int(street.db.execute(query, {"id": given.command.id}).scalar_one())


def test_each_report_of_a_group_gets_the_answer_it_would_get_alone(street: Street) -> None:
    group = [submission(street, n) for n in range(4)]
    answers = send(street, *group)
    assert [a.body["id"] for a in answers] == [str(s.command.id) for s in group]
    assert [a.body["cell_code"] for a in answers] == [c.code for c in street.duty_cells[:4]]
    assert not any(a.replayed for a in answers)
    alone = street.send(group[2].actor, group[2].command)
    assert (alone.body, alone.replayed) == (answers[2].body, True)
    assert len({a.body["case_number"] for a in answers}) == 4


def test_reports_of_one_group_see_each_other_as_duplicates(street: Street) -> None:
    first, second, elsewhere = submission(street), submission(street), submission(street, 60)
    answers = send(street, first, second, elsewhere)
    seen = [[d["case_id"] for d in a.body["duplicates"]] for a in answers]
    assert seen == [[], [str(first.command.id)], []]


def test_a_refused_report_is_not_written_and_the_others_are(street: Street) -> None:
    good, far, bare = (
        submission(street),
        submission(street, 1, lon=117.2, lat=39.1),
        submission(street, 2, photos=("0" * 64,)),
    )
    stranger = Submission(street.person("demo-admin"), submission(street, 3).command, "request-3")
    outcomes = send(street, far, good, bare, stranger)
    assert [type(o) for o in outcomes] == [OutsideArea, Answer, MissingFact, NotAllowed]
    assert [stored(street, s) for s in (far, good, bare, stranger)] == [0, 1, 0, 0]
    query = text("select request_id from app.audit_log where object_id = :id")
    assert street.db.execute(query, {"id": str(good.command.id)}).scalars().all() == ["request-0"]


def test_two_taps_in_one_group_are_one_report(street: Street) -> None:
    tap = submission(street)
    first, second = send(street, tap, tap)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.body == second.body
    assert stored(street, tap) == 1
    assert street.events_of(street.case(first.body["case_id"])).count("report_received") == 1


def test_of_two_contents_under_one_id_in_a_group_the_first_stays(street: Street) -> None:
    first = submission(street)
    other = submission(street, id=first.command.id, description="另一段话")
    outcomes = send(street, first, other)
    assert [type(o) for o in outcomes] == [Answer, ContentDiffers]


def test_a_second_tap_after_a_refusal_is_judged_by_itself(street: Street) -> None:
    refused = submission(street, 1, lon=117.2, lat=39.1)
    mended = submission(street, 1, id=refused.command.id)
    outcomes = send(street, refused, mended)
    assert [type(o) for o in outcomes] == [OutsideArea, Answer]


def test_a_group_may_come_from_several_streets(street: Street) -> None:
    found_small_street(street.db)
    there = elsewhere_street(street.db, street.books)
    here, far = submission(street), submission(there)
    answers = send(street, here, far)
    assert [a.body["subdistrict_code"] for a in answers] == [street.code, there.code]
    taken = submission(there, id=here.command.id)
    (refusal,) = send(there, taken)
    assert isinstance(refusal, ContentDiffers)


def test_an_empty_group_asks_nothing_of_the_database(street: Street) -> None:
    assert intake.submit_reports(None, street.now, street.books, []) == []
