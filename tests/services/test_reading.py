"""What pages are shown: lights by the working calendar, the loop's figures, and what one may do next."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.org import Actor
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import NotAllowed, NotFound
from gridmgmt.services import reading, speaking
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.board import CaseFilter
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_street import ENFORCEMENT, REFUSE, SORTING, Street, stranger


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def listed(street: Street, by: Actor, **only) -> list[dict]:
    return reading.case_list(
        street.db, by, street.now, street.books, CaseFilter(**only), limit=50, before=None
    )


def board(street: Street) -> dict:
    return reading.loop_board(street.db, street.shift_leader, street.now, street.books)


def detail(street: Street, by: Actor, case) -> dict:
    return reading.case_detail(street.db, by, street.now, street.books, case.id)


@pytest.mark.parametrize(
    ("hours_later", "light"), [(0, "green"), (4.7, "green"), (4.8, "yellow"), (5.5, "yellow"), (5.51, "red")]
)
def test_a_light_follows_working_time_in_the_list_as_on_the_board(
    street: Street, hours_later: float, light: str
) -> None:
    """Four working hours from 10:00: two before noon, two from 13:30; 80 % are used at 14:42."""
    street.report()
    then = street.later(hours=hours_later)
    assert [row["light"] for row in listed(then, street.acceptor)] == [light]
    assert {k: n for k, n in board(then)["lights"].items() if n} == {light: 1}


def test_a_result_keeps_the_light_it_was_handed_in_with(street: Street) -> None:
    case = street.report()
    street.later(hours=2).handled(case)
    much_later = street.later(days=3)
    assert [row["light"] for row in listed(much_later, street.acceptor)] == ["green"]
    assert board(much_later)["lights"]["red"] == 0
    assert board(much_later)["totals"]["overdue"] == 1, "it is the desk now that is late"


def test_a_case_without_a_running_limit_has_no_light(street: Street) -> None:
    filed = street.report(category=SORTING)
    street.closed(street.handled(street.report()))
    held = street.report()
    unit = street.handler(ENFORCEMENT)
    street.act(held, Action.SIGN_FOR, unit)
    request = street.ask(held, Action.HOLD, unit, reason="等待配件", resume_on="2026-11-27")
    street.answer(request, street.dispatcher)
    assert {row["light"] for row in listed(street, street.acceptor)} == {None}
    assert filed.due_at is None


def test_a_row_of_the_list_names_things_for_people(street: Street) -> None:
    case = street.report(cell=street.duty_cells[1])
    (row,) = listed(street, street.acceptor)
    assert row["state_name"] == "处置中"
    assert row["category"] == {"key": case.category, "code": "09006", "name": "占道经营"}
    assert row["unit_name"] == "综合执法队（示例）"
    assert row["community_name"] == street.book.communities[case.community_code].name
    assert (row["place_basis"], row["version"], row["worker_id"]) == ("point", case.version, None)


def test_the_board_shows_every_state_and_adds_up(street: Street) -> None:
    street.report()
    street.report(category=SORTING)
    street.report(category=REFUSE, description="燃气泄漏")
    street.closed(street.handled(street.report()))
    shown = board(street)
    counts = {row["state"]: row["count"] for row in shown["states"]}
    assert list(counts) == list(State)
    assert {k: v for k, v in counts.items() if v} == {"handling": 1, "filed": 2, "closed": 1}
    assert shown["totals"] == {
        "reported_today": 4, "closed_today": 1, "open": 3, "closed": 1, "overdue": 0, "unrouted": 1,
    }  # fmt: skip
    assert shown["subdistrict"] == {"code": STREET, "name": "杭州道街道"}
    assert shown["plan"]["cells"] == len(street.plan.plan.cells)
    assert shown["recent"][0]["kind_name"] == "结案"
    assert [u["unit_code"] for u in shown["units"]] == [ENFORCEMENT]


def test_today_begins_at_local_midnight(street: Street) -> None:
    street.report()
    assert board(street.later(hours=13, minutes=59))["totals"]["reported_today"] == 1
    assert board(street.later(hours=14))["totals"]["reported_today"] == 0


def test_a_street_without_a_plan_in_force_still_has_a_board(street: Street) -> None:
    street.db.execute(text("update app.grid_plans set valid_to = :now"), {"now": NOW})
    assert board(street)["plan"] is None


def test_a_case_in_full_tells_reasons_history_and_what_may_be_done(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    assert "sign_for" in {o["action"] for o in detail(street, unit, case)["legal"]}
    street.act(case, Action.SIGN_FOR, unit)
    shown = detail(street, unit, case)
    assert shown["routing"]["unit_name"] == "综合执法队（示例）"
    assert shown["routing"]["trace"][-1] == {
        "rule_id": "R-240", "outcome": "matched", "matched": True, "why": "街面秩序。",
    }  # fmt: skip
    assert [(h["action_name"], h["actor_name"]) for h in shown["history"]] == [
        ("上报", street.worker_of(case.cell_code).name),
        ("批转立案", "系统"), ("立案", "系统"), ("派遣", "系统"), ("签收", unit.name),
    ]  # fmt: skip
    assert {o["action"]: o["may"] for o in shown["legal"]} == {
        "extend": "ask", "send_back": "ask", "hold": "ask", "submit_result": "do",
    }  # fmt: skip


def test_what_somebody_else_may_do_is_offered_with_the_reason_why_not(street: Street) -> None:
    case = street.report()
    for offer in detail(street, street.shift_leader, case)["legal"]:
        assert offer["may"] is None
        assert offer["refusal"]["code"] == "not_allowed"
        assert offer["refusal"]["article"] == "11"


def test_an_offer_says_what_has_to_be_filled_in(street: Street) -> None:
    case = street.handled(street.report())
    offers = {o["action"]: o for o in detail(street, street.leader_of(case.cell_code), case)["legal"]}
    assert offers["pass_verification"]["requires"] == ["opinion"]
    assert offers["fail_verification"]["requires"] == ["reason"]
    assert {o["may"] for o in offers.values()} == {"do"}


def test_who_handled_is_told_that_he_may_not_verify(street: Street) -> None:
    case = street.report(category=SORTING)
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code=case.community_code)
    street.handled(case)
    offers = detail(street, street.worker_of(case.cell_code), case)["legal"]
    assert {o["refusal"]["code"] for o in offers} == {"duties_not_separated"}


def test_a_case_of_another_street_is_not_shown(street: Street) -> None:
    case = street.report()
    with pytest.raises(NotFound):
        detail(street, stranger(street.shift_leader), case)


def test_who_may_not_read_cases_sees_none(street: Street) -> None:
    case = street.report()
    for login in ("demo-admin", "demo-auditor", "demo-planner"):
        with pytest.raises(NotAllowed):
            detail(street, street.person(login), case)
        with pytest.raises(NotAllowed):
            listed(street, street.person(login))


def test_somebody_without_a_street_has_no_pages(street: Street) -> None:
    nobody = stranger(street.acceptor)
    nobody = type(nobody)(nobody.id, nobody.name, nobody.roles, frozenset())
    with pytest.raises(NotFound):
        reading.loop_board(street.db, nobody, NOW, street.books)


def test_classes_are_those_in_use_on_the_day(street: Street) -> None:
    today = speaking.categories(street.db, street.acceptor, NOW, street.books, None)
    assert today["standard_ref"] == ["GB/T 47678.5-2026", "LOCAL-TJ"]
    assert len(today["items"]) == 403 + 16
    before = speaking.categories(street.db, street.acceptor, NOW, street.books, date(2026, 6, 30))
    assert before["standard_ref"] == ["LOCAL-TJ"]


def test_heat_counts_hexes_of_the_resolution_asked_for(street: Street) -> None:
    for cell in street.duty_cells[:3]:
        street.report(cell=cell)
    street.report(cell=street.duty_cells[0])
    shown = reading.heat_hexes(
        street.db, street.acceptor, 12, since=NOW - timedelta(hours=1), until=None, state=None
    )
    assert sorted(f["properties"]["count"] for f in shown["features"]) == [1, 1, 2]
    assert (shown["total"], shown["without_point"], shown["resolution"]) == (4, 0, 12)
    ring = shown["features"][0]["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert 117.0 < ring[0][0] < 118.0, "longitude first"
