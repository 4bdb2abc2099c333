"""Rules come into use, people are chosen by roster and load, and what nobody takes is in somebody's queue."""

import json
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.roster import EVERY_DAY, Leave, Shift
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import Conflict, InvalidInput, NotAllowed
from gridmgmt.services import routing_rules
from gridmgmt.services.routing_rules import OWNER_OF_QUEUE
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import rosters
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_street import ROADSIDE_TRADE, SORTING, Street
from tests.conftest import CHECKOUT

TODAY = NOW.date()


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def demo() -> dict:
    path = CHECKOUT / "data" / "catalogue" / "routing_rules_demo.json"
    return json.loads(path.read_text(encoding="utf-8"))


def only(*forms: dict) -> dict:
    base = {"reason": "试", "valid_from": "2026-01-01", "when": {}}
    new = [base | {"id": f"N-{i}", "order": 1 + i} | form for i, form in enumerate(forms)]
    return demo() | {"version": "new", "rules": new}


def plus(*forms: dict) -> dict:
    return demo() | {"version": "new", "rules": [*only(*forms)["rules"], *demo()["rules"]]}


TRADE = {"when": {"category": ["09006"]}, "to": {"unit": "HZD-02"}}


def administrator(street: Street):
    return street.person("demo-admin")


def publish(street: Street, document: dict, valid_from: date | None = None):
    book = street.books.current(street.db, STREET)
    return routing_rules.publish(street.db, administrator(street), street.now, book, document, valid_from)


def queue(street: Street) -> list[dict]:
    found = routing_rules.unrouted_queue(street.db, street.dispatcher, street.now, street.books, limit=50)
    return found["items"]


# Into use


def test_the_demo_rules_are_sound_on_the_demo_street(street: Street) -> None:
    book = street.books.current(street.db, STREET)
    assert routing_rules.lint_rules(book, book.rules, TODAY) == []


def test_a_published_set_decides_the_next_report_and_is_on_record(street: Street) -> None:
    publish(street, plus(TRADE))
    case = street.report()
    assert (case.unit_code, case.rule_id) == ("HZD-02", "N-0")
    (line,) = street.db.execute(
        text("select facts from app.audit_log where action = 'rules:publish'")
    ).scalars()
    assert line["version"] == "new"


def test_a_set_with_a_first_day_decides_from_that_day_on(street: Street) -> None:
    before = street.report().unit_code
    publish(street, plus(TRADE), TODAY + timedelta(days=2))
    assert street.report(cell=street.duty_cells[1]).unit_code == before
    assert street.later(days=2).report(cell=street.duty_cells[2]).unit_code == "HZD-02"


@pytest.mark.parametrize(
    ("document", "first_day", "refusal"),
    [
        (plus({"to": {"unit": "GONE"}}), None, InvalidInput),
        (only(TRADE), None, InvalidInput),
        (plus(TRADE) | {"version": ""}, None, InvalidInput),
        (plus(TRADE), TODAY - timedelta(days=1), InvalidInput),
        (demo(), None, Conflict),
    ],
    ids=["unknown unit", "uncovered classes", "no version", "in the past", "published before"],
)
def test_a_set_that_is_wrong_is_not_published(street: Street, document, first_day, refusal) -> None:
    with pytest.raises(refusal):
        publish(street, document, first_day)


def test_only_whoever_edits_the_catalogue_publishes_or_tries_rules(street: Street) -> None:
    book = street.books.current(street.db, STREET)
    with pytest.raises(NotAllowed):
        routing_rules.publish(street.db, street.dispatcher, NOW, book, plus(TRADE), None)
    with pytest.raises(NotAllowed):
        routing_rules.try_for(street.db, street.director, NOW, street.books, plus(TRADE), NOW, None)


def test_a_dry_run_tells_who_would_get_what_and_moves_nothing(street: Street) -> None:
    case = street.report()
    tried = routing_rules.try_for(
        street.db, administrator(street), street.now, street.books, plus(TRADE),
        NOW - timedelta(days=1), NOW + timedelta(days=1),
    )  # fmt: skip
    (item,) = tried["items"]
    assert (item["number"], item["unit_before"], item["unit_after"]) == (
        case.number,
        case.unit_code,
        "HZD-02",
    )
    assert (tried["cases"], tried["differing"], tried["findings"]) == (1, 1, [])
    assert street.case(case.id) == case
    assert "占道经营" not in json.dumps(tried, ensure_ascii=False, default=str), "no word of a report"


# The queue


@pytest.mark.parametrize(
    ("rules", "reason", "rule_id"),
    [
        (only({"when": {"category": ["08*"]}, "to": {"unit": "HZD-02"}}), "no_rule", None),
        (only({"to": {"queue": True}}), "by_rule", "N-0"),
        (only({"to": {"unit": "GONE"}}), "target_unknown", "N-0"),
    ],
)
def test_what_no_rule_takes_is_in_a_queue_with_reason_owner_and_clock(
    street: Street, rules: dict, reason: str, rule_id: str | None
) -> None:
    street.db.execute(
        text("update app.routing_rule_sets set document = cast(:d as jsonb)"), {"d": json.dumps(rules)}
    )
    case = street.report()
    (item,) = queue(street)
    assert (item["number"], item["queue_reason"], item["rule_id"]) == (case.number, reason, rule_id)
    assert item["due_at"] == case.stage_due_at is not None
    assert item["owner"]["role"] == OWNER_OF_QUEUE[case.state]
    assert item["owner"]["on_duty"]
    assert not item["overdue"]
    assert queue(street.later(days=30))[0]["overdue"]


def test_every_state_that_a_case_without_unit_can_be_in_has_an_owner_and_a_limit(street: Street) -> None:
    limits = street.books.current(street.db, STREET).catalogue.desk_limits()
    assert set(OWNER_OF_QUEUE) == {State.REPORTED, State.ACCEPTED, State.FILED}
    assert set(OWNER_OF_QUEUE) <= set(limits)


def test_the_owner_on_duty_is_whoever_has_the_shift(street: Street) -> None:
    street.db.execute(
        text("update app.routing_rule_sets set document = jsonb_set(document, '{rules}', '[]')")
    )
    street.report()
    owner = queue(street)[0]["owner"]
    person = owner["on_duty"][0]["id"]
    rosters.add_shifts(street.db, STREET, [shift_of(person, 22, 6)])
    assert queue(street)[0]["owner"]["on_duty"] == []


def test_a_case_that_was_dispatched_by_hand_leaves_the_queue(street: Street) -> None:
    street.db.execute(
        text("update app.routing_rule_sets set document = jsonb_set(document, '{rules}', '[]')")
    )
    case = street.report()
    assert case.state is State.FILED, "classes of roadside trade are filed by themselves"
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code="HZD-01")
    assert queue(street) == []


def test_a_rule_that_fails_is_seen_in_the_queue_the_audit_log_and_the_events(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = street.books.current(street.db, STREET)
    first = book.rules.rules[0]

    def broken(_facts):
        raise RuntimeError("broken")

    failing = replace(book.rules, rules=(replace(first, condition=broken), *book.rules.rules[1:]))
    sets = (replace(book.rule_sets[-1], rules=failing),)
    monkeypatch.setitem(street.books._held, STREET, replace(book, rule_sets=sets))
    case = street.report()
    (item,) = queue(street)
    assert (item["queue_reason"], item["rule_id"]) == ("rule_failed", first.id)
    told = text("select facts from app.outbox where case_id = :id and kind = 'case_unrouted'")
    facts = street.db.execute(told, {"id": case.id}).scalar_one()
    assert (facts["queue_reason"], facts["rule_id"]) == ("rule_failed", first.id)
    assert "rule:fail" in {entry.action for entry in street.audited("report", case.id)}


# People


def shift_of(person, starts: int, ends: int, **over) -> Shift:
    return Shift(person, EVERY_DAY, time(starts), time(ends), date(2026, 1, 1), **over)


def worker_of(street: Street, case) -> str | None:
    query = text("select routing ->> 'worker_id' from app.cases where id = :id")
    return street.db.execute(query, {"id": case.id}).scalar()


def test_a_leave_sends_the_work_to_the_deputy_it_names(street: Street) -> None:
    cell = street.duty_cells[0]
    away, deputy = street.worker_of(cell.code), street.worker_of(street.duty_cells[1].code)
    rosters.add_leaves(street.db, STREET, [Leave(away.id, TODAY, TODAY + timedelta(days=3), deputy.id)])
    assert worker_of(street, street.report(by=deputy, cell=cell)) == str(deputy.id)
    assert worker_of(street.later(days=3), street.later(days=3).report(by=deputy, cell=cell)) == str(away.id)


def test_out_of_his_shift_somebody_else_answers(street: Street) -> None:
    cell = street.duty_cells[0]
    worker, leader = street.worker_of(cell.code), street.leader_of(cell.code)
    rosters.add_shifts(street.db, STREET, [shift_of(worker.id, 20, 22)])
    assert worker_of(street, street.report(cell=cell)) == str(leader.id)


def test_of_two_workers_the_one_with_less_open_work_gets_the_next_case(street: Street) -> None:
    cell, other = street.duty_cells[0], street.worker_of(street.duty_cells[1].code)
    first = street.worker_of(cell.code)
    street.db.execute(
        text("insert into app.cell_workers (cell_code, subdistrict_code, person_id, duty, valid_from)"
             " values (:cell, :code, :person, 'worker', date '2026-01-01')"),
        {"cell": cell.code, "code": STREET, "person": other.id},
    )  # fmt: skip
    busy = min(first.id, other.id)
    idle = ({first.id, other.id} - {busy}).pop()
    assert worker_of(street, street.report(by=first, cell=cell)) == str(busy)
    case = street.report(by=first, cell=cell, category=SORTING)
    street.db.execute(text("update app.cases set worker_id = :p where id = :id"), {"p": busy, "id": case.id})
    assert rosters.open_load(street.db, STREET, [first.id, other.id]) == {busy: 1}
    assert worker_of(street, street.report(by=first, cell=cell, category=ROADSIDE_TRADE)) == str(idle)


def test_nobody_s_load_is_counted_where_there_is_nothing_to_choose(street: Street) -> None:
    assert rosters.open_load(street.db, STREET, [street.dispatcher.id]) == {}


# Rulings of the district


def test_what_the_district_ruled_is_proposed_for_the_next_case_of_that_class_and_place(
    street: Street,
) -> None:
    keep = text(
        "update app.routing_rule_sets set document = jsonb_set(document, '{rules}', cast(:r as jsonb))"
    )
    street.db.execute(keep, {"r": "[]"})
    case = street.report()
    street.act(case, Action.REFER, street.dispatcher, reason="两部门都说不归自己管")
    street.act(case, Action.RULE, street.district, unit_code="BH-CG", document_no="津滨裁〔2026〕1号")
    waiting = street.report()
    (item,) = [i for i in queue(street) if i["number"] == waiting.number]
    told = {name: item["precedent"][name] for name in ("unit_code", "document_no", "case_id", "same_cell")}
    assert told == {
        "unit_code": "BH-CG", "document_no": "津滨裁〔2026〕1号", "case_id": str(case.id), "same_cell": True,
    }  # fmt: skip
    street.db.execute(keep, {"r": json.dumps(demo()["rules"])})
    asked = street.report()
    (item,) = [i for i in queue(street) if i["number"] == asked.number]
    assert item["queue_reason"] == "ruling_differs", "the rules name the enforcement team for roadside trade"
    assert asked.unit_code is None
    elsewhere = street.report(cell=street.duty_cells[1])
    assert elsewhere.unit_code == "HZD-01", "a ruling about one cell stops nothing in others"
