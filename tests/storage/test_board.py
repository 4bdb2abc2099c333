"""The read models of the command centre count what is there, in SQL, inside the reader's street."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import Datum
from gridmgmt.geo.datum import point_in_datum
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import board
from gridmgmt.storage.board import CaseFilter
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_street import (
    CLEANING,
    ENFORCEMENT,
    REFUSE,
    SORTING,
    Street,
    found_small_street,
    inner_point,
    stranger,
)

ANY = CaseFilter()


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def ids(rows: list) -> list:
    return [row["id"] for row in rows]


def test_cases_are_listed_last_changed_first(street: Street) -> None:
    first = street.report()
    second = street.later(minutes=1).report()
    street.later(minutes=2).act(first, Action.SIGN_FOR, street.handler(ENFORCEMENT))
    assert ids(board.list_cases(street.db, street.acceptor, ANY, limit=10)) == [first.id, second.id]


def test_a_list_goes_on_after_a_row_even_among_equals(street: Street) -> None:
    made = {street.report().id for _ in range(7)}
    seen, before = [], None
    while page := board.list_cases(street.db, street.acceptor, ANY, limit=2, before=before):
        seen += ids(page)
        before = (page[-1]["updated_at"], page[-1]["id"])
    assert len(seen) == 7
    assert set(seen) == made


def test_the_lists_of_two_streets_are_one_list_newest_first(street: Street) -> None:
    found_small_street(street.db)
    made = [street.later(minutes=n).report().id for n in range(6)]
    for table, key in (("cases", "id"), ("outbox", "case_id")):
        moved = text(f"update app.{table} set subdistrict_code = :street where {key} = any(:ids)")
        street.db.execute(moved, {"street": ELSEWHERE, "ids": made[::2]})
    both = replace(street.acceptor, subdistricts=frozenset({STREET, ELSEWHERE}))
    newest = made[::-1]
    first = board.list_cases(street.db, both, ANY, limit=4)
    assert ids(first) == newest[:4]
    before = (first[-1]["updated_at"], first[-1]["id"])
    assert ids(board.list_cases(street.db, both, ANY, limit=4, before=before)) == newest[4:]
    events = board.recent_events(street.db, both, limit=5)
    assert [e["id"] for e in events] == sorted((e["id"] for e in events), reverse=True)
    assert {e["case_id"] for e in events[:2]} <= set(newest[:2])
    assert len(events) == 5
    one = board.list_cases(street.db, stranger(street.acceptor), ANY, limit=9)
    assert ids(one) == newest[1::2], "each street alone sees its own"


def test_each_filter_narrows_by_its_own_column(street: Street) -> None:
    here, there = street.duty_cells[0], street.duty_cells[5]
    trade = street.report(cell=here)
    refuse = street.later(hours=1).report(cell=there, category=REFUSE)
    closed = street.closed(street.handled(street.report(cell=there)))
    shown = {
        "state": CaseFilter(state="closed"),
        "cell": CaseFilter(cell_code=here.code),
        "category": CaseFilter(category="06010"),
        "changed": CaseFilter(updated_after=NOW),
        "open": CaseFilter(open_only=True),
    }
    found = {k: set(ids(board.list_cases(street.db, street.acceptor, v, limit=9))) for k, v in shown.items()}
    assert found == {
        "state": {closed.id},
        "cell": {trade.id},
        "category": {refuse.id},
        "changed": {refuse.id},
        "open": {trade.id, refuse.id},
    }


def test_mine_is_what_waits_for_me(street: Street) -> None:
    cell = street.duty_cells[0]
    of_unit = street.report(cell=cell)
    of_other = street.report(cell=cell, category=REFUSE)
    handed_in = street.handled(street.report(cell=cell))
    sorting = street.report(cell=cell, category=SORTING)
    sorting = street.act(sorting, Action.DISPATCH, street.dispatcher, unit_code=cell.community_code)
    only = CaseFilter(mine=True)

    def mine(login: str) -> set:
        return set(ids(board.list_cases(street.db, street.person(login), only, limit=20)))

    assert mine("demo-unit-hzd-01") == {of_unit.id, handed_in.id}
    assert mine("demo-unit-hzd-06") == {of_other.id}
    leader = street.leader_of(cell.code)
    assert set(ids(board.list_cases(street.db, leader, only, limit=20))) == {handed_in.id}
    worker = street.worker_of(cell.code)
    assert set(ids(board.list_cases(street.db, worker, only, limit=20))) == {handed_in.id, sorting.id}


def test_who_was_asked_to_confirm_has_it_in_his_list_until_he_tells(street: Street) -> None:
    cell = street.duty_cells[0]
    worker, other = street.worker_of(cell.code), street.worker_of(street.duty_cells[5].code)
    case = street.report(by=street.acceptor, cell=cell, source=Source.HOTLINE_12345)
    only = CaseFilter(mine=True)

    def lists() -> tuple[list, list]:
        return tuple(ids(board.list_cases(street.db, who, only, limit=9)) for who in (worker, other))

    assert lists() == ([], [])
    case = street.act(case, Action.ASK_CONFIRMATION, street.acceptor, worker_id=str(worker.id))
    assert lists() == ([case.id], [])
    case = street.act(case, Action.CONFIRM, worker, found=True, opinion="属实")
    assert lists() == ([], [])
    case = street.act(case, Action.ASK_CONFIRMATION, street.acceptor, worker_id=str(other.id))
    assert lists() == ([], [case.id])


def test_states_units_and_todays_figures_are_counted(street: Street) -> None:
    street.report()
    street.report(category=REFUSE)
    street.closed(street.handled(street.report()))
    street.report(description="燃气泄漏", category=REFUSE)
    by_state = {
        r["state"]: (r["count"], r["overdue"]) for r in board.counts_by_state(street.db, street.acceptor, NOW)
    }
    assert by_state == {"handling": (2, 0), "closed": (1, 0), "filed": (1, 0)}
    units = {r["unit_code"]: (r["open"], r["overdue"], r["closed"])
             for r in board.counts_by_unit(street.db, street.acceptor, NOW)}  # fmt: skip
    assert units == {ENFORCEMENT: (1, 0, 1), CLEANING: (1, 0, 0)}
    today = board.totals(street.db, street.acceptor, NOW, NOW - timedelta(hours=10))
    assert (today["reported_today"], today["closed_today"], today["unrouted"]) == (4, 1, 1)
    tomorrow = board.totals(street.db, street.acceptor, NOW, NOW + timedelta(hours=14))
    assert (tomorrow["reported_today"], tomorrow["closed_today"]) == (0, 0)


def test_a_case_is_overdue_from_the_first_instant_after_its_deadline(street: Street) -> None:
    case = street.report()
    assert case.due_at is not None
    for at, overdue in ((case.due_at, 0), (case.due_at + timedelta.resolution, 1)):
        (row,) = board.counts_by_state(street.db, street.acceptor, at)
        assert (row["state"], row["overdue"]) == ("handling", overdue)


def test_a_case_that_its_unit_handed_in_on_time_is_not_overdue_while_the_desk_has_time(
    street: Street,
) -> None:
    case = street.report()
    assert case.due_at is not None
    minute = timedelta(minutes=1)
    in_time = street.later(seconds=(case.due_at - NOW - minute).total_seconds())
    handled = in_time.handled(case)
    assert handled.stage_due_at > case.due_at + minute
    (row,) = board.counts_by_state(street.db, street.acceptor, case.due_at + minute)
    assert (row["state"], row["overdue"]) == ("handled", 0)
    (row,) = board.counts_by_state(street.db, street.acceptor, handled.stage_due_at + minute)
    assert (row["state"], row["overdue"]) == ("handled", 1)


def test_a_case_on_hold_is_overdue_only_after_the_last_day_of_its_hold(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    request = street.ask(case, Action.HOLD, unit, reason="等待配件", resume_on="2026-11-27")
    street.answer(request, street.dispatcher)
    held = street.case(case.id)
    assert (held.clock_paused_at, held.stage_due_at) == (NOW, NOW.replace(day=27, hour=16))
    for days, overdue in ((2, 0), (5, 1)):
        (row,) = board.counts_by_state(street.db, street.acceptor, NOW + timedelta(days=days))
        assert (row["state"], row["overdue"]) == ("on_hold", overdue)


def test_only_running_clocks_are_told(street: Street) -> None:
    case = street.report()
    street.closed(street.handled(street.report()))
    (row,) = board.running_clocks(street.db, street.acceptor)
    assert (row["clock_started_at"], row["due_at"], row["limit_unit"]) == (
        case.clock_started_at, case.due_at, "working_hour",
    )  # fmt: skip


@pytest.mark.parametrize("resolution", [8, 9, 10, 11, 12])
def test_a_hexagons_parent_by_bits_is_that_of_h3(street: Street, resolution: int) -> None:
    cells = street.duty_cells[::4]
    for cell in cells:
        street.report(cell=cell)
    expected = Counter(
        hexes.parent(hexes.hex_of(inner_point(c.polygon)), resolution)
        if resolution < hexes.DEFAULT_RESOLUTION
        else hexes.hex_of(inner_point(c.polygon))
        for c in cells
    )
    rows = board.heat(street.db, street.acceptor, resolution, since=None, until=None, state=None)
    assert {r["h3"]: r["count"] for r in rows} == expected


def test_a_case_without_a_point_of_ours_is_counted_beside_the_hexes(street: Street) -> None:
    cell = street.duty_cells[0]
    shifted = point_in_datum(inner_point(cell.polygon), Datum.GCJ02)
    street.report(cell=cell, lon=shifted.lon, lat=shifted.lat, datum=Datum.GCJ02)
    street.report(cell=cell)
    rows = board.heat(street.db, street.acceptor, 9, since=None, until=None, state=None)
    assert sorted((r["h3"] is None, r["count"]) for r in rows) == [(False, 1), (True, 1)]


def test_heat_is_narrowed_by_time_and_state(street: Street) -> None:
    street.report()
    street.later(hours=1).report()
    street.closed(street.handled(street.report()))
    hour = timedelta(hours=1)

    def counted(**only) -> int:
        given = {"since": None, "until": None, "state": None} | only
        return sum(r["count"] for r in board.heat(street.db, street.acceptor, 9, **given))

    assert counted() == 3
    assert counted(since=NOW + hour) == 1
    assert counted(until=NOW + hour) == 2, "the end is not included"
    assert counted(state="closed") == 1


def test_the_feed_shows_the_newest_events_with_their_class(street: Street) -> None:
    case = street.report()
    street.act(case, Action.SIGN_FOR, street.handler(ENFORCEMENT))
    newest, before = board.recent_events(street.db, street.acceptor, limit=2)
    assert (newest["kind"], before["kind"]) == ("case_signed_for", "case_dispatched")
    assert (newest["number"], newest["state"], newest["cell_code"]) == (
        case.number,
        "handling",
        case.cell_code,
    )
    assert newest["category"] == case.category


def test_a_case_is_shown_with_report_photos_and_reasons(street: Street) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    photos = (street.photo(by, "b"), street.photo(by, "a"))
    case = street.report(by, photos=photos, accuracy_m=12.5)
    row = board.case_row(street.db, street.acceptor, case.id)
    assert row is not None
    assert tuple(row["photos"]) == photos, "in the order taken"
    assert (row["datum"], row["accuracy_m"], row["description"]) == ("wgs84", 12.5, "占道经营，影响通行")
    assert row["routing"]["unit_code"] == ENFORCEMENT
    assert row["duty"]["allowed"] is True
    assert (row["label_lon"], row["label_lat"]) == (row["lon"], row["lat"])


def test_a_case_without_a_point_is_labelled_inside_its_cell(street: Street) -> None:
    cell = street.duty_cells[0]
    shifted = point_in_datum(inner_point(cell.polygon), Datum.GCJ02)
    case = street.report(cell=cell, lon=shifted.lon, lat=shifted.lat, datum=Datum.GCJ02)
    row = board.case_row(street.db, street.acceptor, case.id)
    assert row is not None
    assert row["lon"] is None
    assert street.plan.index.code_at(type(shifted)(row["label_lon"], row["label_lat"])) == cell.code
    assert (row["sent_lon"], row["sent_lat"], row["datum"]) == (shifted.lon, shifted.lat, "gcj02")


def test_names_are_told_by_id(street: Street) -> None:
    assert board.names_of(street.db, [street.acceptor.id]) == {street.acceptor.id: street.acceptor.name}
    assert board.names_of(street.db, []) == {}
