"""A patrol on the street: plan, sign-on, positions, notes, sign-off; who sees what; what is kept how long."""

import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.domain.coverage import CoverageRules
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrol import TargetKind, Unit
from gridmgmt.domain.patrolshift import LONGEST_SHIFT, Given, NoteKind, Told
from gridmgmt.domain.purposes import Purpose
from gridmgmt.errors import (
    BeyondPurpose,
    ContentDiffers,
    InvalidGeometry,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotFound,
    NotReady,
    StaleVersion,
    WrongCrs,
)
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.services import patrol_plans, patrol_views, patrolling, retention
from gridmgmt.services.patrol_plans import GivenTarget, SetPlan
from gridmgmt.services.patrolling import Batch, Note, SignOn, Taken
from gridmgmt.services.retention import Hold
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import patrols
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_patrol import SECOND
from tests.builders_street import Street, elsewhere_street, found_small_street, inner_point

RULES = CoverageRules()
HOUR = timedelta(hours=1)


class Patrol:
    """One worker's morning in the first duty grid."""

    def __init__(self, street: Street) -> None:
        self.street, self.db, self.books = street, street.db, street.books
        self.cell = street.duty_cells[0]
        self.worker = street.worker_of(self.cell.code)
        self.home = inner_point(self.cell.polygon)
        self.id = uuid.uuid4()

    def on(self, after: timedelta = timedelta(0), **over: Any) -> patrolling.Shift:
        now = NOW + after
        command = SignOn(**{"id": self.id, "told": Told(now, now)} | over)
        return patrolling.sign_on(self.db, self.worker, now, self.books, RULES, command)

    def off(self, after: timedelta, told: Told | None = None) -> Any:
        now = NOW + after
        told = told or Told(now, now)
        return patrolling.sign_off(self.db, self.worker, now, self.books, RULES, self.id, told)

    def point(
        self, no: int, after: timedelta, east_deg: float = 0.0, accuracy_m: float | None = 8.0
    ) -> Given:
        return Given(no, NOW + after, self.home.lon + east_deg, self.home.lat, accuracy_m)

    def send(self, points: list[Given], after: timedelta, by: Actor | None = None) -> Taken:
        now = NOW + after
        batch = Batch(now, Datum.WGS84, points)
        return patrolling.add_track(self.db, by or self.worker, now, self.books, RULES, self.id, batch)

    def note(self, after: timedelta, by: Actor | None = None, **over: Any) -> Any:
        now = NOW + after
        facts = {"id": uuid.uuid4(), "told": Told(now, now), "kind": NoteKind.NOTHING_FOUND} | over
        return patrolling.add_note(self.db, by or self.worker, now, RULES, self.id, Note(**facts))

    def plan(self, *targets: GivenTarget, version: int = 1, by: Actor | None = None, **over: Any) -> Any:
        command = SetPlan(**{"id": uuid.uuid4(), "cell_code": self.cell.code, "version": version,
                             "targets": targets} | over)  # fmt: skip
        return patrol_plans.set_plan(self.db, by or self.street.planner, NOW, self.books, command)

    def today(self, after: timedelta, by: Actor | None = None) -> dict[str, Any]:
        return patrol_plans.today(self.db, by or self.worker, NOW + after, self.books, RULES)

    def coverage(self, by: Actor, after: timedelta = HOUR) -> dict[str, Any]:
        return patrol_views.coverage_of_shift(self.db, by, NOW + after, self.books, self.id)

    def rows(self, table: str) -> list[Any]:
        query = text(f"select * from app.{table} where shift_id = :id order by 1, 2")
        kept = [dict(r._mapping) for r in self.db.execute(query, {"id": self.id})]
        return [{n: v for n, v in row.items() if n not in {"computed_at", "received_at"}} for row in kept]


def here(patrol: Patrol, **over: Any) -> GivenTarget:
    facts = {
        "id": uuid.uuid4(), "kind": TargetKind.POINT, "name": "街角", "amount": 1, "unit": Unit.DAYS,
        "geometry": {"type": "Point", "coordinates": list(patrol.home)},
    }  # fmt: skip
    return GivenTarget(**facts | over)


@pytest.fixture
def patrol(db: Db, books: RuleBooks) -> Patrol:
    return Patrol(Street(db, books))


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def walk(patrol: Patrol, count: int = 30) -> list[Given]:
    """A position each ten seconds, a few metres apart."""
    return [patrol.point(n, n * 10 * SECOND, n * 5e-5) for n in range(count)]


# Plans


def test_the_demo_street_has_a_synthetic_plan_of_its_own_roads(patrol: Patrol) -> None:
    plans = patrol_plans.plans(patrol.db, patrol.street.planner, NOW, patrol.books)
    # A cell of a few large compounds has no road of its own.
    assert 0.9 * len(patrol.street.duty_cells) < len(plans) <= len(patrol.street.duty_cells)
    assert {True} == {p["synthetic"] for p in plans}
    kinds = [t["kind"] for p in plans for t in p["targets"]]
    assert kinds.count("point") == len(plans)
    assert kinds.count("segment") > 2 * len(plans)


def test_a_planner_sets_a_plan_and_the_worker_has_it_today(patrol: Patrol) -> None:
    target = here(patrol)
    plan = patrol.plan(target)
    assert (2, False) == (plan.version, plan.synthetic)
    (cell,) = patrol.today(minutes(0))["cells"]
    (due,) = cell["targets"]
    assert (target.id, True, None) == (due["id"], due["due"], due["last_on"])
    assert patrol.street.audited("patrol_plan", plan.id)


def test_a_plan_is_set_once_by_its_id_and_never_over_anothers(patrol: Patrol) -> None:
    target, plan_id = here(patrol), uuid.uuid4()
    first = patrol.plan(target, id=plan_id)
    assert first == patrol.plan(target, id=plan_id)
    with pytest.raises(ContentDiffers):
        patrol.plan(here(patrol), id=plan_id)
    with pytest.raises(StaleVersion) as told:
        patrol.plan(target)
    assert 2 == told.value.facts["version"]


def test_only_a_planner_sets_plans_and_only_for_cells_that_there_are(patrol: Patrol) -> None:
    for nobody in (patrol.worker, patrol.street.dispatcher, patrol.street.director):
        with pytest.raises(NotAllowed):
            patrol.plan(here(patrol), by=nobody)
    with pytest.raises(NotFound):
        patrol.plan(cell_code=f"{patrol.cell.code[:12]}999")


def test_a_target_that_is_broken_or_elsewhere_is_refused(patrol: Patrol) -> None:
    other = inner_point(patrol.street.duty_cells[-1].polygon)
    for geometry in (
        {"type": "Point", "coordinates": list(other)},
        {"type": "Point", "coordinates": [patrol.home.lat, patrol.home.lon]},
        {"type": "LineString", "coordinates": [list(patrol.home), list(patrol.home)]},
        {"type": "Polygon", "coordinates": []},
    ):
        with pytest.raises(InvalidGeometry):
            patrol.plan(here(patrol, geometry=geometry))


# Shifts and positions


def test_a_morning_covers_what_was_walked_and_the_plan_of_the_day_knows(patrol: Patrol) -> None:
    target = here(patrol)
    patrol.plan(target)
    patrol.on()
    assert patrol.id == patrol.today(minutes(1))["shift_id"]
    assert Taken(30, 0, {}) == patrol.send(walk(patrol), minutes(5))
    stored = patrol.off(minutes(6))
    assert (30, 30) == (stored.points, stored.points_counted)
    (due,) = patrol.today(minutes(7))["cells"][0]["targets"]
    assert (False, patrol.books.current(patrol.db, patrol.street.code).day_of(NOW)) == (
        due["due"], due["last_on"],
    )  # fmt: skip
    assert patrol.today(timedelta(days=1))["cells"][0]["targets"][0]["due"]
    found = patrol.coverage(patrol.worker)
    (told,) = [f for f in found["features"] if f["properties"]["what"] == "point"]
    assert ("covered", NOW) == (told["properties"]["verdict"], told["properties"]["reached_at"])


def test_a_target_of_each_shift_is_due_again_in_the_next(patrol: Patrol) -> None:
    patrol.plan(here(patrol, unit=Unit.SHIFTS))
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    assert not patrol.today(minutes(6))["cells"][0]["targets"][0]["due"]
    patrol.off(minutes(6))
    assert patrol.today(minutes(7))["cells"][0]["targets"][0]["due"]
    patrol.id = uuid.uuid4()
    patrol.on(minutes(8))
    assert patrol.today(minutes(9))["cells"][0]["targets"][0]["due"]


def test_batches_in_any_order_twice_and_after_the_sign_off_end_at_the_same(patrol: Patrol) -> None:
    def morning(chance: random.Random | None) -> list[Any]:
        saved = patrol.db.begin_nested()
        patrol.on()
        points = walk(patrol)
        batches = [points[i : i + 6] for i in range(0, 30, 6)]
        if chance:
            batches += batches
            chance.shuffle(batches)
        for batch in batches[: len(batches) // 2]:
            patrol.send(batch, minutes(5))
        patrol.off(minutes(6))
        for batch in batches[len(batches) // 2 :]:
            patrol.send(batch, minutes(7))
        left = [patrol.rows(t) for t in ("track_points", "patrol_coverage", "patrol_visits")]
        saved.rollback()
        return left

    first = morning(None)
    assert first == morning(random.Random(1)) == morning(random.Random(2))
    assert 30 == len(first[0])


def test_positions_outside_the_shift_are_refused_each_with_its_reason(patrol: Patrol) -> None:
    patrol.on()
    patrol.off(minutes(10))
    far = Given(4, NOW, 116.4, 39.9, 8.0)
    points = [patrol.point(1, -minutes(1)), patrol.point(2, minutes(5)), patrol.point(3, minutes(11)), far]
    taken = patrol.send(points, minutes(20))
    assert {1: "before_sign_on", 3: "after_sign_off", 4: "elsewhere"} == dict(taken.refused)
    assert [2] == [row["no"] for row in patrol.rows("track_points")]


def test_a_tap_after_a_sign_on_that_was_slow_to_arrive_counts_by_a_wrong_clock_too(patrol: Patrol) -> None:
    target = here(patrol)
    patrol.plan(target)
    # An hour fast; eight seconds on the network.
    fast = NOW + HOUR
    shift = patrol.on(8 * SECOND, told=Told(fast, fast))
    tap = Told(fast + SECOND, fast + minutes(1))
    assert shift.on_at == patrol.note(minutes(1), told=tap, target_id=target.id)["at"]


def test_what_was_recorded_after_the_sign_off_is_erased_by_it(patrol: Patrol) -> None:
    patrol.on()
    patrol.send([patrol.point(1, minutes(5)), patrol.point(2, minutes(15))], minutes(20))
    told = Told(NOW + minutes(10), NOW + minutes(21))
    stored = patrol.off(minutes(21), told)
    assert (NOW + minutes(10), 1) == (stored.shift.off_at, stored.points)
    assert [1] == [row["no"] for row in patrol.rows("track_points")]


def test_an_inaccurate_position_is_kept_and_does_not_count(patrol: Patrol) -> None:
    patrol.plan(here(patrol))
    patrol.on()
    patrol.send([patrol.point(1, minutes(1), accuracy_m=80.0)], minutes(2))
    stored = patrol.off(minutes(3))
    assert (1, 0) == (stored.points, stored.points_counted)
    assert ["unknown"] == [row["verdict"] for row in patrol.rows("patrol_visits")]


def test_signing_on_twice_is_one_shift_and_two_at_once_are_refused(patrol: Patrol) -> None:
    assert patrol.on() == patrol.on(told=Told(NOW, NOW))
    with pytest.raises(NotReady):
        patrol.on(id=uuid.uuid4())
    with pytest.raises(ContentDiffers):
        patrol.on(told=Told(NOW - HOUR, NOW))


def test_signing_off_twice_is_harmless_and_at_another_time_refused(patrol: Patrol) -> None:
    patrol.on()
    first = patrol.off(minutes(10))
    again = patrol.off(minutes(12), Told(NOW + minutes(10), NOW + minutes(12)))
    assert first.shift.off_at == again.shift.off_at
    with pytest.raises(ContentDiffers):
        patrol.off(minutes(12))


def test_a_shift_that_nobody_ended_lapses_when_the_next_begins(patrol: Patrol) -> None:
    first = patrol.on()
    next_day = timedelta(days=1)
    patrol.on(next_day, id=uuid.uuid4())
    found = patrols.load_shift(patrol.db, first.id, patrol.worker)
    assert (True, NOW + LONGEST_SHIFT) == (found.shift.lapsed, found.shift.off_at)


def test_a_worker_signs_on_for_his_own_cells_only(patrol: Patrol) -> None:
    with pytest.raises(NotAllowed):
        patrol.on(cells=(patrol.street.duty_cells[-1].code,))
    patrol.worker = patrol.street.dispatcher
    with pytest.raises(NotAllowed):
        patrol.on()


def test_a_track_of_a_shifted_datum_is_refused(patrol: Patrol) -> None:
    patrol.on()
    batch = Batch(NOW, Datum.GCJ02, [patrol.point(1, minutes(0))])
    with pytest.raises(WrongCrs):
        patrolling.add_track(patrol.db, patrol.worker, NOW, patrol.books, RULES, patrol.id, batch)


# Notes


def test_nothing_found_is_one_tap_and_covers_nothing(patrol: Patrol) -> None:
    target, note_id = here(patrol), uuid.uuid4()
    patrol.plan(target)
    patrol.on()
    told = Told(NOW + minutes(1), NOW + minutes(1))
    for _ in range(2):
        patrol.note(minutes(1), id=note_id, target_id=target.id, told=told)
    patrol.off(minutes(5))
    (feature,) = [f for f in patrol.coverage(patrol.worker)["features"] if f["properties"]["what"] == "point"]
    assert (1, "unknown") == (feature["properties"]["nothing_found"], feature["properties"]["verdict"])
    with pytest.raises(ContentDiffers):
        patrol.note(minutes(2), id=note_id, target_id=target.id)


def test_a_tap_says_whether_it_was_made_at_the_place_and_keeps_no_position(patrol: Patrol) -> None:
    target = here(patrol)
    patrol.plan(target)
    patrol.on()
    far = LonLat(patrol.home.lon + 0.01, patrol.home.lat)
    for position, accuracy_m in ((patrol.home, 8.0), (far, 8.0), (far, 900.0), (None, None)):
        patrol.note(minutes(1), target_id=target.id, position=position, accuracy_m=accuracy_m)
    patrol.off(minutes(5))
    (feature,) = [f for f in patrol.coverage(patrol.worker)["features"] if f["properties"]["what"] == "point"]
    noted = [(n["at_place"], n["distance_m"]) for n in feature["properties"]["noted"]]
    near, *_ = [m for said, m in noted if said == "at_place"]
    away, *_ = [m for said, m in noted if said == "not_at_place"]
    assert sorted(said for said, _ in noted) == ["at_place", "not_at_place", "unknown", "unknown"]
    assert (0, 870) == (near, round(away, -1))
    assert "unknown" == feature["properties"]["verdict"], "a tap covers nothing, wherever it is made"
    columns = patrol.db.execute(text("select * from app.patrol_notes limit 1")).keys()
    assert {"at_place", "distance_m"} == {c for c in columns if c in {"lon", "lat", "at_place", "distance_m"}}


def test_a_finding_is_a_report_that_names_its_patrol(patrol: Patrol) -> None:
    target = here(patrol)
    patrol.plan(target)
    patrol.on()
    case = patrol.street.report(patrol.worker, patrol.cell)
    patrol.note(minutes(1), kind=NoteKind.FINDING, report_id=case.report_id, target_id=target.id)
    (feature,) = [f for f in patrol.coverage(patrol.worker)["features"] if f["properties"]["what"] == "point"]
    assert [str(case.report_id)] == feature["properties"]["findings"]


def test_a_note_is_about_something_known_and_on_duty(patrol: Patrol) -> None:
    target = here(patrol)
    patrol.plan(target)
    patrol.on()
    others = patrol.street.report(cell=patrol.street.duty_cells[-1])
    for refused, facts in (
        (NotFound, {"target_id": uuid.uuid4()}),
        (NotFound, {"kind": NoteKind.FINDING, "report_id": others.report_id}),
        (NotFound, {"kind": NoteKind.FINDING, "report_id": uuid.uuid4()}),
        (InvalidInput, {"kind": NoteKind.FINDING, "target_id": target.id}),
        (InvalidInput, {"report_id": others.report_id}),
        (InvalidInput, {}),
    ):
        with pytest.raises(refused):
            patrol.note(minutes(1), **facts)
    patrol.off(minutes(5))
    with pytest.raises(NotReady):
        patrol.note(minutes(9), target_id=target.id)


# Who sees what


def test_positions_are_their_workers_own(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    mine = patrol_views.own_track(patrol.db, patrol.worker, RULES, patrol.id)
    assert 30 == len(mine["features"])
    assert (30, None) == (mine["kept"]["positions_days"], mine["kept"]["positions_erased_at"])
    leader = patrol.street.leader_of(patrol.cell.code)
    for other in (leader, patrol.street.worker_of(patrol.street.duty_cells[-1].code)):
        with pytest.raises(NotFound):
            patrol_views.own_track(patrol.db, other, RULES, patrol.id)
        with pytest.raises(NotFound):
            patrol.send(walk(patrol), minutes(6), by=other)
    for nobody in (patrol.street.dispatcher, patrol.street.director):
        with pytest.raises(NotAllowed):
            patrol_views.own_track(patrol.db, nobody, RULES, patrol.id)


def test_leader_and_desk_see_coverage_and_a_stranger_nothing(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    leader = patrol.street.leader_of(patrol.cell.code)
    for seen_by in (patrol.worker, leader, patrol.street.dispatcher, patrol.street.shift_leader):
        (figures,) = patrol.coverage(seen_by)["cells"]
        assert 1.0 == pytest.approx(sum(figures["shares"].values()), abs=1e-3)
        assert figures["shares"]["covered"] > 0
    with pytest.raises(NotFound):
        patrol.coverage(patrol.street.worker_of(patrol.street.duty_cells[-1].code))


def test_another_street_sees_none_of_it(patrol: Patrol) -> None:
    found_small_street(patrol.db)
    patrol.on()
    elsewhere = elsewhere_street(patrol.db, patrol.books)
    for look in (
        lambda: patrol.coverage(elsewhere.shift_leader),
        lambda: patrol_views.revealed_track(
            patrol.db,
            elsewhere.person("elsewhere-director"),
            NOW,
            RULES,
            patrol.id,
            Purpose.LEGAL,
            "依法调取轨迹",
        ),
    ):
        with pytest.raises(NotFound):
            look()


def test_a_director_sees_a_track_for_a_purpose_and_on_record(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))

    def reveal(by: Actor, purpose: Purpose, note: str) -> dict[str, Any]:
        return patrol_views.revealed_track(patrol.db, by, NOW, RULES, patrol.id, purpose, note)

    director = patrol.street.director
    for refused, by, purpose, note in (
        (BeyondPurpose, director, Purpose.STATISTICS, "看看走了多少"),
        (MissingFact, director, Purpose.LEGAL, " "),
        (NotAllowed, patrol.street.dispatcher, Purpose.LEGAL, "依法调取轨迹"),
    ):
        with pytest.raises(refused):
            reveal(by, purpose, note)
    assert 30 == len(reveal(director, Purpose.EMERGENCY, "人员失联查找")["features"])
    (line,) = [e for e in patrol.street.audited("shift", patrol.id) if e.action == "track:reveal"]
    assert ("emergency", director.id) == (line.facts["purpose"], line.actor_id)


def test_attendance_is_the_desks_and_ones_own(patrol: Patrol) -> None:
    patrol.on()
    patrol.off(2 * HOUR)
    day = patrol.books.current(patrol.db, patrol.street.code).day_of(NOW)

    def seen(by: Actor) -> list[Any]:
        return patrol_views.shifts_on(patrol.db, by, NOW + 3 * HOUR, patrol.books, day)["attendance"]

    (mine,) = seen(patrol.worker)
    assert (1, 7200, 7200) == (mine["shifts"], mine["on_duty"], mine["unseen"])
    assert 1 == len(seen(patrol.street.dispatcher))
    assert [] == seen(patrol.street.worker_of(patrol.street.duty_cells[-1].code))


def test_shifts_of_a_day_cover_a_cell_together(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    patrol.off(minutes(6))
    first = patrol.coverage(patrol.worker)["cells"][0]["shares"]["covered"]
    patrol.id = uuid.uuid4()
    patrol.on(HOUR)
    patrol.off(HOUR + minutes(5))
    day = patrol.books.current(patrol.db, patrol.street.code).day_of(NOW)
    both = patrol_views.coverage_of_cell(
        patrol.db, patrol.street.dispatcher, NOW + 2 * HOUR, patrol.books, patrol.cell.code, day
    )
    assert 2 == len(both["shifts"])
    assert first == both["cells"][0]["shares"]["covered"]


# What is kept how long


def left(patrol: Patrol) -> tuple[int, int]:
    return len(patrol.rows("track_points")), len(patrol.rows("patrol_coverage"))


def test_positions_go_after_their_period_with_proof_and_what_they_covered_stays(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    patrol.off(minutes(6))
    end = NOW + minutes(6)
    before = patrol.rows("patrol_coverage")
    assert 0 == retention.erase_due(patrol.db, end + timedelta(days=30))
    assert 30 == retention.erase_due(patrol.db, end + timedelta(days=30, seconds=1))
    assert 0 == retention.erase_due(patrol.db, end + timedelta(days=31))
    assert (0, 1) == left(patrol)
    assert before == patrol.rows("patrol_coverage")
    proof = patrol.db.execute(text("select * from app.purges where class_code = 'track'")).one()
    assert (30, 0) == (proof.erased, proof.held)
    told = patrol_views.own_track(patrol.db, patrol.worker, RULES, patrol.id)
    assert ([], 30) == (told["features"], told["shift"]["points"])
    assert told["kept"]["positions_erased_at"] is not None


def test_a_shift_that_nobody_ended_is_thinned_too(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    over = NOW + LONGEST_SHIFT + timedelta(days=30)
    assert 0 == retention.erase_due(patrol.db, over)
    assert 30 == retention.erase_due(patrol.db, over + SECOND)


def test_a_legal_hold_on_a_finding_holds_its_track(patrol: Patrol) -> None:
    patrol.on()
    patrol.send(walk(patrol), minutes(5))
    case = patrol.street.report(patrol.worker, patrol.cell)
    patrol.note(minutes(6), kind=NoteKind.FINDING, report_id=case.report_id)
    patrol.off(minutes(7))
    hold = Hold(uuid.uuid4(), case.id, "津检〔2026〕1号", "调取证据")
    retention.place_hold(patrol.db, patrol.street.director, NOW, hold)
    later = NOW + timedelta(days=60)
    assert 0 == retention.erase_due(patrol.db, later)
    retention.end_hold(patrol.db, patrol.street.director, NOW, hold.id, "津检〔2026〕2号")
    assert 30 == retention.erase_due(patrol.db, later)
