"""A report comes in: its cell is found, duty list and rules decide, a deadline runs, or it is refused."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import (
    ContentDiffers,
    GridError,
    ImplausibleTime,
    InvalidGeometry,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotFound,
    OutsideArea,
    PlanNotInForce,
    UnknownCategory,
)
from gridmgmt.geo.crs import Datum
from gridmgmt.geo.datum import point_in_datum
from gridmgmt.geo.measure import distance_lonlat_m
from gridmgmt.services import intake
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases, grids
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import (
    ENFORCEMENT,
    REFUSE,
    SORTING,
    Street,
    as_utc,
    elsewhere_street,
    found_small_street,
    inner_point,
)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def stored(db: Db) -> int:
    return int(db.execute(text("select count(*) from app.reports")).scalar_one())


def refused(street: Street, kind: type[GridError], **over) -> GridError:
    """The refusal of a report that is well-formed but for ``over``; nothing of it is stored."""
    cell = street.duty_cells[0]
    by = street.worker_of(cell.code)
    command = street.command(by, cell, **over)
    before = stored(street.db)
    with pytest.raises(kind) as refusal:
        street.send(by, command)
    assert type(refusal.value) is kind
    assert stored(street.db) == before
    return refusal.value


# The way it should go.


def test_a_report_finds_its_cell_unit_and_deadline_with_reasons(street: Street) -> None:
    cell = street.duty_cells[2]
    by = street.worker_of(cell.code)
    command = street.command(by, cell)
    answer = street.send(by, command)
    body = answer.body
    assert not answer.replayed
    assert (body["id"], body["case_id"]) == (str(command.id), str(command.id))
    assert (body["cell_code"], body["cell_name"], body["community_code"]) == (
        cell.code, cell.name, cell.community_code,
    )  # fmt: skip
    assert body["category"] == {"key": "GB/T 47678.5-2026:matter:09006", "code": "09006", "name": "占道经营"}
    assert body["duty"]["allowed"] is True
    assert body["duty"]["article"] == "7-1"
    assert body["routing"]["unit_code"] == ENFORCEMENT
    assert body["routing"]["rule_id"] == "R-240"
    assert body["routing"]["reason"] == "街面秩序。"
    assert body["routing"]["worker_id"] == str(by.id)
    assert body["state"] == "handling"
    # Four working hours from Monday 10:00: two before noon, two from 13:30.
    assert as_utc(body["due_at"]) == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    assert as_utc(body["received_at"]) == NOW
    assert street.events_of(street.case(command.id)) == [
        "report_received", "report_accepted", "case_filed", "case_dispatched",
    ]  # fmt: skip


def test_every_rule_that_was_tried_is_kept_with_the_case(street: Street) -> None:
    case = street.report()
    query = text("select routing, duty from app.cases where id = :id")
    row = street.db.execute(query, {"id": case.id}).one()
    tried = [rule for rule, _, _ in row.routing["trace"]]
    assert tried == [r.id for r in street.book.rules.rules][: len(tried)], "in the order of the rules"
    assert row.routing["trace"][-1][:2] == ["R-240", "matched"]
    assert row.duty["item_no"] == "5"


def test_what_the_policy_did_by_itself_stands_in_the_history_as_done_by_the_system(street: Street) -> None:
    case = street.report()
    steps = cases.history(street.db, case.id)
    assert [s.action for s in steps] == ["report", "accept", "file", "dispatch"]
    assert steps[0].actor_id == case.reported_by
    assert len({s.actor_id for s in steps[1:]}) == 1
    assert steps[1].actor_id != case.reported_by


def test_the_policy_of_a_class_may_end_before_dispatch(street: Street) -> None:
    assert street.report(category=SORTING).state is State.FILED
    assert street.report(category="LOCAL-TJ:matter:L02001").state is State.ACCEPTED
    assert street.report(category="LOCAL-TJ:matter:L08001").state is State.REPORTED


def test_a_report_is_audited_with_the_request_it_came_by(street: Street) -> None:
    case = street.report()
    (line,) = street.audited("report", case.report_id)
    assert (line.action, line.outcome, line.actor_id, line.request_id) == (
        "report:submit", "done", case.reported_by, "test-request",
    )  # fmt: skip


def test_the_number_of_a_case_carries_the_citys_day(street: Street) -> None:
    late = street.later(hours=14, minutes=30)  # half past midnight in Tianjin, still the 23rd in UTC
    assert late.report().number[6:14] == "20261124"
    assert street.report().number[6:14] == "20261123"


# The same report again.


def test_a_replay_is_answered_as_the_first_time_and_changes_nothing(street: Street) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    command = street.command(by, street.duty_cells[0])
    first = street.send(by, command)
    street.act(street.case(command.id), Action.SIGN_FOR, street.handler(ENFORCEMENT))
    before = stored(street.db)
    again = street.later(hours=5).send(by, command)
    assert again.replayed
    assert again.body == first.body, "what was told then, though the case has moved on"
    assert stored(street.db) == before


@pytest.mark.parametrize(
    "change",
    [
        {"description": "别的内容"},
        {"accuracy_m": 9.0},
        {"source": Source.VIDEO},
        {"observed_at": NOW - timedelta(minutes=11)},
        {"photos": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_id_with_other_content_is_refused_and_the_stored_one_stays(street: Street, change: dict) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    command = street.command(by, street.duty_cells[0])
    first = street.send(by, command)
    with pytest.raises(ContentDiffers):
        street.send(by, replace(command, **change))
    assert street.send(by, command).body == first.body


def test_the_same_content_from_another_person_is_other_content(street: Street) -> None:
    cell = street.duty_cells[0]
    command = street.command(street.worker_of(cell.code), cell)
    street.send(street.worker_of(cell.code), command)
    with pytest.raises(ContentDiffers):
        street.send(street.leader_of(cell.code), command)


def test_an_id_that_is_taken_in_another_street_is_refused_without_a_word_about_it(street: Street) -> None:
    found_small_street(street.db)
    case = street.report()
    elsewhere = elsewhere_street(street.db, street.books)
    by = elsewhere.person("elsewhere-worker")
    command = elsewhere.command(by, elsewhere.duty_cells[0], id=case.report_id)
    with pytest.raises(ContentDiffers) as refusal:
        elsewhere.send(by, command)
    assert refusal.value.facts == {}
    with pytest.raises(NotFound):
        intake.answered_report(elsewhere.db, by, case.report_id)


def test_what_the_sender_was_told_can_be_asked_for(street: Street) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    command = street.command(by, street.duty_cells[0])
    told = street.send(by, command).body
    assert intake.answered_report(street.db, by, command.id) == told
    with pytest.raises(NotFound):
        intake.answered_report(street.db, by, UUID(int=77))


# What cannot be accepted.


def test_an_unknown_class_is_refused(street: Street) -> None:
    refused(street, UnknownCategory, category="matter:99999")


def test_a_class_that_is_not_in_force_yet_is_refused(street: Street) -> None:
    street.db.execute(text("update app.categories set valid_from = '2026-11-24' where code = '09006'"))
    refused(street, UnknownCategory)


def test_a_photo_is_uploaded_before_the_report_that_names_it(street: Street) -> None:
    fault = refused(street, MissingFact, photos=("0" * 64,))
    assert fault.facts["missing"] == ["photos"]
    assert fault.facts["photos"] == ["0" * 64]


def test_a_photo_of_another_street_does_not_count_as_uploaded(street: Street) -> None:
    found_small_street(street.db)
    elsewhere = elsewhere_street(street.db, street.books)
    digest = elsewhere.photo(elsewhere.person("elsewhere-worker"))
    assert refused(street, MissingFact, photos=(digest,)).facts["photos"] == [digest]


def test_a_patrol_report_of_a_visible_class_needs_a_photo(street: Street) -> None:
    fault = refused(street, MissingFact, photos=())
    assert [f["code"] for f in fault.facts["faults"]] == ["missing_evidence"]


def test_a_point_outside_the_street_is_refused_by_name(street: Street) -> None:
    fault = refused(street, OutsideArea, lon=117.2, lat=39.13)
    assert (fault.article, fault.rule) == ("21-1", "R21a")
    assert fault.facts["subdistrict"] == "杭州道街道"


@pytest.mark.parametrize(
    ("lon", "lat", "hint"),
    [
        (39.03, 117.65, "axes_swapped"),
        (math.nan, 39.03, "not_finite"),
        (117.65, math.inf, "not_finite"),
        (117.65, 91.0, "out_of_range"),
        (556_000.0, 4_321_000.0, "metric_coordinates"),
    ],
)
def test_what_is_no_position_is_refused_with_a_hint(
    street: Street, lon: float, lat: float, hint: str
) -> None:
    assert refused(street, InvalidGeometry, lon=lon, lat=lat).facts["hint"] == hint


def test_the_future_is_refused_but_a_clock_may_be_five_minutes_fast(street: Street) -> None:
    ahead = NOW + timedelta(minutes=5)
    refused(street, ImplausibleTime, observed_at=ahead + timedelta.resolution)
    assert street.report(observed_at=ahead).state is State.HANDLING


@pytest.mark.parametrize("off", [timedelta(days=400), timedelta(hours=-30)], ids=["ahead", "behind"])
def test_a_phone_with_a_wrong_clock_reports_all_the_same_and_its_word_is_kept(
    street: Street, off: timedelta
) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    told = NOW + off - timedelta(minutes=40)
    command = street.command(by, street.duty_cells[0], observed_at=told, sent_at=NOW + off)
    first = street.send(by, command)
    row = street.db.execute(
        text("select observed_at, device_at from app.reports where id = :id"), {"id": command.id}
    ).one()
    assert tuple(row) == (NOW - timedelta(minutes=40), told)
    # Sent again, the phone's clock says something else, and the report is the same.
    again = street.send(by, replace(command, sent_at=NOW + off + timedelta(minutes=3)))
    assert (again.replayed, again.body) == (True, first.body)


def test_a_phone_whose_clock_is_right_is_taken_at_its_word(street: Street) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    told = NOW - timedelta(hours=2)
    command = street.command(by, street.duty_cells[0], observed_at=told, sent_at=NOW - timedelta(seconds=40))
    street.send(by, command)
    row = street.db.execute(
        text("select observed_at, device_at from app.reports where id = :id"), {"id": command.id}
    ).one()
    assert tuple(row) == (told, None)


def test_all_faults_of_a_report_are_told_at_once(street: Street) -> None:
    fault = refused(street, InvalidInput, observed_at=NOW + timedelta(days=1), photos=(), accuracy_m=0.0)
    assert [f["field"] for f in fault.facts["faults"]] == ["observed_at", "accuracy_m", "photos"]


def test_who_may_not_report_is_refused_by_article_11(street: Street) -> None:
    cell = street.duty_cells[0]
    for login in ("demo-shift", "demo-dispatcher", "demo-unit-hzd-01", "demo-auditor"):
        by = street.person(login)
        with pytest.raises(NotAllowed) as refusal:
            street.send(by, street.command(by, cell))
        assert refusal.value.article == "11"


def test_after_the_end_of_its_plan_a_street_takes_no_report(street: Street) -> None:
    grids.end_plan(street.db, street.plan.plan.id, NOW)
    fault = refused_without_plan(street)
    assert (fault.article, fault.rule) == ("21-1", "R21a")


def test_before_its_first_plan_a_street_takes_no_report(street: Street) -> None:
    statement = text("update app.grid_plans set valid_from = :at")
    street.db.execute(statement, {"at": NOW + timedelta(hours=1)})
    refused_without_plan(street)


def refused_without_plan(street: Street) -> PlanNotInForce:
    by = street.acceptor
    west, south, east, north = street.book.plans[0].plan.cells[0].polygon.bounds
    command = intake.SubmitReport(
        id=UUID(int=5), category=REFUSE, description="", source=Source.HOTLINE_12345, lon=(west + east) / 2,
        lat=(south + north) / 2, datum=Datum.WGS84, accuracy_m=None, observed_at=NOW, photos=(),
        self_handled=False,
    )  # fmt: skip
    with pytest.raises(PlanNotInForce) as refusal:
        street.send(by, command)
    return refusal.value


# Which cell.


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_a_shifted_datum_finds_the_right_cell_half_a_kilometre_away(street: Street, datum: Datum) -> None:
    for cell in street.duty_cells[::15]:
        place = inner_point(cell.polygon)
        sent = point_in_datum(place, datum)
        assert 300.0 < distance_lonlat_m(place, sent) < 2000.0
        assert street.plan.index.code_at(sent) != cell.code, "as WGS 84 it would be another cell or none"
        case = street.report(cell=cell, lon=sent.lon, lat=sent.lat, datum=datum)
        assert case.cell_code == cell.code
        query = text("select lon, lat, datum from app.reports where id = :id")
        kept = street.db.execute(query, {"id": case.report_id}).one()
        assert tuple(kept) == (sent.lon, sent.lat, str(datum)), "as sent, never converted back"


def test_a_corner_that_cells_share_belongs_to_the_smallest_code(street: Street) -> None:
    polygons = [c.polygon for c in street.plan.plan.cells]
    tree = shapely.STRtree(polygons)
    corners = np.unique(shapely.get_coordinates(np.array(polygons, dtype=object)), axis=0)
    tried = 0
    for lon, lat in corners[:: len(corners) // 40].tolist():
        touching = sorted(
            street.plan.plan.cells[i].code
            for i in tree.query(shapely.Point(lon, lat), predicate="intersects")
        )
        if len(touching) > 1:
            assert street.report(street.acceptor, lon=lon, lat=lat).cell_code == touching[0]
            tried += 1
    assert tried >= 5
