"""Routing: the first rule that holds, a trace of all looked at, and never silence."""

import csv
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from gridmgmt.domain.duty import DutyStanding, DutyVerdict, check_duty, parse_duty_lists
from gridmgmt.domain.org import Unit, UnitKind
from gridmgmt.domain.pattern import CategoryKey, CategoryKind
from gridmgmt.domain.report import Report, Source
from gridmgmt.domain.routing import (
    Outcome,
    QueueReason,
    Roster,
    RosterEntry,
    RosterRole,
    check_targets,
    parse_rules,
    parse_units,
    route,
)
from gridmgmt.domain.taxonomy import Catalogue, parse_categories
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.crs import Datum, LonLat

DATA = Path(__file__).parents[2] / "data" / "catalogue"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday 10:00 in Tianjin
ON = date(2026, 11, 23)
STREET, COMMUNITY = "120116005", "120116005003"


@dataclass(frozen=True)
class Cell:
    code: str = f"{COMMUNITY}007"
    community_code: str = COMMUNITY
    kind: str = "duty"


def make_report(code="06010", **over):
    facts = {
        "id": UUID(int=1),
        "subdistrict_code": STREET,
        "reporter_id": UUID(int=2),
        "source": Source.PATROL,
        "category": CategoryKey("GB/T 47678.5-2026", CategoryKind.MATTER, code),
        "description": "",
        "position": LonLat(117.65, 39.03),
        "datum": Datum.WGS84,
        "observed_at": NOW,
        "received_at": NOW,
        **over,
    }
    return Report(**facts)


def make_verdict(standing=DutyStanding.LEAD):
    return DutyVerdict(standing, f"It is {standing}.", "7-1", "R07a")


UNITS = {
    unit.code: unit
    for unit in (
        Unit("OFFICE", "office", UnitKind.SUBDISTRICT_OFFICE, STREET),
        Unit("TEAM", "team", UnitKind.SUBDISTRICT_OFFICE, STREET, "OFFICE"),
        Unit("DEPT", "department", UnitKind.DEPARTMENT),
        Unit("CLOSED", "closed team", UnitKind.SUBDISTRICT_OFFICE, STREET, active=False),
        Unit(COMMUNITY, "community", UnitKind.COMMUNITY, STREET),
    )
}


def make_rules(*forms):
    rules = [
        {"id": f"R-{i}", "order": i, "reason": f"reason {i}", "valid_from": "2026-01-01", "when": {}, **form}
        for i, form in enumerate(forms, start=1)
    ]
    return parse_rules({"version": "test", "timezone": "Asia/Shanghai", "rules": rules})


def to(unit, when=None, **over):
    return {"to": {"unit": unit}, "when": when or {}, **over}


NOBODY = Roster()


def routed(rules, report=None, cell=Cell(), standing=DutyStanding.LEAD, roster=NOBODY, now=NOW):
    return route(report or make_report(), make_verdict(standing), cell, rules, UNITS, roster, now)


def test_the_first_rule_that_holds_decides_and_every_rule_before_it_says_why_it_did_not():
    rules = make_rules(
        to("OFFICE", {"category": ["07*"]}),
        to("OFFICE", valid_to="2026-11-23"),
        to("TEAM", {"category": ["0601*"]}),
        to("DEPT"),
    )
    routing = routed(rules)
    assert ("TEAM", "R-3", "reason 3", None) == (
        routing.unit_code, routing.rule_id, routing.reason, routing.queue_reason,
    )  # fmt: skip
    assert [
        ("R-1", Outcome.NOT_MATCHED, 'class is not ["07*"]'),
        ("R-2", Outcome.NOT_IN_FORCE, "not in force on that day"),
        ("R-3", Outcome.MATCHED, "reason 3"),
    ] == list(routing.trace)


def test_rules_are_tried_in_their_order_and_not_in_that_of_the_file():
    rules = make_rules(to("OFFICE", order=20), to("TEAM", order=10))
    assert "TEAM" == routed(rules).unit_code


def test_a_rule_holds_from_its_first_day_in_local_time():
    rules = make_rules(to("TEAM", valid_from="2026-11-24"))
    eve = datetime(2026, 11, 23, 15, 59, tzinfo=UTC)
    assert routed(rules, now=eve).unit_code is None
    assert "TEAM" == routed(rules, now=eve + timedelta(minutes=1)).unit_code


def test_without_a_rule_that_holds_the_report_goes_to_the_manual_queue():
    routing = routed(make_rules(to("TEAM", {"category": ["07*"]})))
    assert (None, QueueReason.NO_RULE, 1) == (routing.unit_code, routing.queue_reason, len(routing.trace))
    assert QueueReason.NO_RULE is routed(make_rules()).queue_reason


@pytest.mark.parametrize(
    ("target", "standing", "outcome", "queue"),
    [
        ("CLOSED", DutyStanding.LEAD, Outcome.TARGET_INACTIVE, QueueReason.TARGET_INACTIVE),
        ("NOBODY", DutyStanding.LEAD, Outcome.TARGET_UNKNOWN, QueueReason.TARGET_UNKNOWN),
        ("TEAM", DutyStanding.ASSIST, Outcome.TARGET_NOT_ALLOWED, QueueReason.TARGET_NOT_ALLOWED),
        ("TEAM", DutyStanding.WITHDRAWN, Outcome.TARGET_NOT_ALLOWED, QueueReason.TARGET_NOT_ALLOWED),
    ],
)
def test_a_rule_that_fails_is_seen_by_a_person_and_no_later_rule_hides_it(target, standing, outcome, queue):
    routing = routed(make_rules(to(target), to("DEPT")), standing=standing)
    assert (None, "R-1", queue) == (routing.unit_code, routing.rule_id, routing.queue_reason)
    assert [("R-1", outcome)] == [(line.rule_id, line.outcome) for line in routing.trace]


@pytest.mark.parametrize("standing", [DutyStanding.ASSIST, DutyStanding.WITHDRAWN])
def test_what_the_street_does_not_lead_is_routed_to_the_department(standing):
    assert "DEPT" == routed(make_rules(to("DEPT")), standing=standing).unit_code


def test_what_is_off_the_duty_list_enters_nobody_s_queue():
    roster = Roster([make_entry()])
    routing = routed(make_rules(to("TEAM")), standing=DutyStanding.OFF_LIST, roster=roster)
    assert (None, None, QueueReason.OFF_DUTY_LIST) == (
        routing.unit_code,
        routing.worker_id,
        routing.queue_reason,
    )
    assert () == routing.trace


def test_a_rule_may_send_to_the_queue_on_purpose():
    routing = routed(make_rules({"to": {"queue": True}}, to("TEAM")))
    assert (QueueReason.BY_RULE, "reason 1") == (routing.queue_reason, routing.reason)


def test_a_rule_may_name_the_community_of_the_cell():
    rules = make_rules({"to": {"community": True}})
    assert COMMUNITY == routed(rules).unit_code
    elsewhere = Cell(community_code="120116005004")
    assert QueueReason.TARGET_UNKNOWN is routed(rules, cell=elsewhere).queue_reason
    assert QueueReason.TARGET_UNKNOWN is routed(rules, cell=None).queue_reason


def test_the_decision_can_be_stored_as_json_with_its_trace():
    roster = Roster([make_entry()])
    facts = routed(make_rules(to("TEAM")), roster=roster).as_facts()
    assert facts == json.loads(json.dumps(facts))
    assert [["R-1", "matched", "reason 1"]] == facts["trace"]
    assert str(UUID(int=10)) == facts["worker_id"]
    assert "test" == facts["rules_version"]


# Conditions


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"category": ["06*"]}, True),
        ({"category": ["07*", "06010"]}, True),
        ({"category": ["part:06010"]}, False),
        ({"community": [COMMUNITY]}, True),
        ({"community": ["120116005004"]}, False),
        ({"cell": [f"{COMMUNITY}007"]}, True),
        ({"cell_kind": ["dedicated"]}, False),
        ({"cell_kind": ["dedicated", "duty"]}, True),
        ({"source": ["web", "patrol"]}, True),
        ({"source": ["web"]}, False),
        ({"duty_role": ["lead"]}, True),
        ({"duty_role": ["assist"]}, False),
        ({"text_contains": ["井盖", "垃圾"]}, True),
        ({"text_contains": ["井盖"]}, False),
        ({"time_of_day": ["10:00", "10:01"]}, True),
        ({"time_of_day": ["09:00", "10:00"]}, False),
        ({"time_of_day": ["22:00", "06:00"]}, False),
        ({"time_of_day": ["09:00", "06:00"]}, True),
        ({"all": [{"category": ["06*"]}, {"source": ["patrol"]}]}, True),
        ({"all": [{"category": ["06*"]}, {"source": ["web"]}]}, False),
        ({"any": [{"category": ["07*"]}, {"source": ["patrol"]}]}, True),
        ({"any": [{"category": ["07*"]}, {"source": ["web"]}]}, False),
        ({"not": {"category": ["07*"]}}, True),
        ({"not": {"any": [{"category": ["07*"]}, {"source": ["patrol"]}]}}, False),
    ],
)
def test_conditions(when, holds):
    routing = routed(make_rules(to("TEAM", when)), make_report(description="路边垃圾"))
    assert holds == (routing.unit_code == "TEAM")
    assert routing.trace[0].why


@pytest.mark.parametrize("hour", range(24))
def test_a_time_of_day_may_pass_midnight_and_leaves_out_its_end(hour):
    rules = make_rules(to("TEAM", {"time_of_day": ["22:00", "06:00"]}))
    now = datetime(2026, 11, 22, 16, tzinfo=UTC) + timedelta(hours=hour)  # local midnight and on
    assert (hour >= 22 or hour < 6) == (routed(rules, now=now).unit_code == "TEAM")


@pytest.mark.parametrize("when", [{"community": [COMMUNITY]}, {"cell": ["x"]}, {"cell_kind": ["duty"]}])
def test_a_report_without_a_cell_fits_no_test_of_place(when):
    assert routed(make_rules(to("TEAM", when)), cell=None).unit_code is None


@pytest.mark.parametrize(
    ("form", "path"),
    [
        ({"when": {"category": ["6**"]}}, "rules[0].when.category[0]"),
        ({"when": {"category": "06*"}}, "rules[0].when.category"),
        ({"when": {"category": []}}, "rules[0].when.category"),
        ({"when": {"all": [{}, {"source": ["patrol", "pigeon"]}]}}, "rules[0].when.all[1].source[1]"),
        ({"when": {"not": {"any": [{"colour": ["red"]}]}}}, "rules[0].when.not.any[0].colour"),
        ({"when": {"any": []}}, "rules[0].when.any"),
        ({"when": {"category": ["06*"], "source": ["web"]}}, "rules[0].when"),
        ({"when": None}, "rules[0].when"),
        ({"when": {"duty_role": ["chief"]}}, "rules[0].when.duty_role[0]"),
        ({"when": {"cell_kind": ["round"]}}, "rules[0].when.cell_kind[0]"),
        ({"when": {"community": ["120116005"]}}, "rules[0].when.community[0]"),
        ({"when": {"text_contains": [""]}}, "rules[0].when.text_contains[0]"),
        ({"when": {"time_of_day": ["22:00"]}}, "rules[0].when.time_of_day"),
        ({"when": {"time_of_day": ["22:00", "25:00"]}}, "rules[0].when.time_of_day"),
        ({"when": {"time_of_day": ["22:00", "22:00"]}}, "rules[0].when.time_of_day"),
        ({"to": {"unit": ""}}, "rules[0].to"),
        ({"to": {"unit": "TEAM", "queue": True}}, "rules[0].to"),
        ({"to": None}, "rules[0].to"),
        ({"to": {"owner": False}}, "rules[0].to"),
        ({"when": {"area": ["nowhere"]}}, "rules[0].when.area[0]"),
        ({"when": {"weekday": ["sat", "someday"]}}, "rules[0].when.weekday[1]"),
        ({"when": {"season": ["11-15"]}}, "rules[0].when.season"),
        ({"when": {"season": ["11-15", "02-30"]}}, "rules[0].when.season"),
        ({"when": {"season": ["11-15", "11-15"]}}, "rules[0].when.season"),
        ({"order": "first"}, "rules[0].order"),
        ({"reason": ""}, "rules[0].reason"),
        ({"valid_from": None}, "rules[0].valid_from"),
        ({"valid_from": "soon"}, "rules[0].valid_from"),
        ({"enabled": False}, "rules[0].enabled"),
    ],
)
def test_a_wrong_rule_is_refused_when_loaded_with_the_path_of_the_error(form, path):
    with pytest.raises(InvalidInput) as refusal:
        make_rules({**to("TEAM"), **form})
    assert path in [fault["path"] for fault in refusal.value.facts["faults"]]


def test_every_error_of_the_rules_is_reported_at_once():
    with pytest.raises(InvalidInput) as refusal:
        make_rules(to("TEAM", {"source": ["a", "b"]}), to("TEAM", {"colour": []}), {"to": {}})
    expected = [
        "rules[0].when.source[0]", "rules[0].when.source[1]", "rules[1].when.colour", "rules[2].to",
    ]  # fmt: skip
    assert expected == [fault["path"] for fault in refusal.value.facts["faults"]]


@pytest.mark.parametrize("twice", [{"id": "R-1"}, {"order": 1}])
def test_two_rules_share_neither_id_nor_order(twice):
    with pytest.raises(InvalidInput):
        make_rules(to("TEAM"), {**to("OFFICE"), **twice})


@pytest.mark.parametrize("document", [{}, {"timezone": "Asia/Shanghai"}, {"timezone": "Moon", "rules": []}])
def test_a_document_without_rules_or_zone_is_refused(document):
    with pytest.raises(InvalidInput):
        parse_rules(document)


def test_rules_that_name_a_unit_nobody_knows_are_not_adopted():
    check_targets(make_rules(to("TEAM"), to("CLOSED")), UNITS)
    with pytest.raises(InvalidInput) as refusal:
        check_targets(make_rules(to("TEAM"), to("NOBODY")), UNITS)
    assert ["rule R-2"] == [fault["path"] for fault in refusal.value.facts["faults"]]


# The worker


def make_entry(n=10, role=RosterRole.WORKER, **over):
    facts = {"cell_code": Cell().code, "person_id": UUID(int=n), "role": role, "valid_from": date(2026, 1, 1)}
    return RosterEntry(**{**facts, **over})


def test_a_report_in_the_manual_queue_still_has_its_worker():
    assert UUID(int=10) == routed(make_rules(), roster=Roster([make_entry()])).worker_id


# Units


def make_unit_row(**over):
    return {
        "code": "A",
        "name": "a",
        "kind": "department",
        "subdistrict_code": "",
        "parent_code": "",
        "active": "1",
        **over,
    }


def test_units_are_read_with_every_fault_at_once():
    units = parse_units([make_unit_row(), make_unit_row(code="B", parent_code="A", active="0")])
    assert ("A", False) == (units["B"].parent_code, units["B"].active)
    bad = [
        make_unit_row(),
        make_unit_row(),
        make_unit_row(code="C", parent_code="X"),
        make_unit_row(code="D", kind="x"),
    ]
    with pytest.raises(InvalidInput) as refusal:
        parse_units(bad)
    assert {(3, "code"), (4, "parent_code"), (5, "kind")} == {
        (fault["row"], fault["column"]) for fault in refusal.value.facts["faults"]
    }


# The shipped rules


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def demo():
    catalogue = Catalogue(parse_categories(rows("gbt_47678_5_2026.csv") + rows("local_tj_demo.csv")))
    rules = parse_rules(json.loads((DATA / "routing_rules_demo.json").read_text(encoding="utf-8")))
    units = parse_units(rows("units_demo.csv"))
    (duty_list,) = parse_duty_lists(rows("duty_list_demo.csv"))
    return catalogue, rules, units, duty_list


def route_demo(demo, category, now=NOW, **over):
    _, rules, units, duty_list = demo
    report = make_report(**over)
    object.__setattr__(report, "category", category.key)
    return route(report, check_duty(duty_list, category, ON), Cell(), rules, units, Roster(), now)


def test_the_demo_rules_name_units_that_exist(demo):
    _, rules, units, _ = demo
    check_targets(rules, units)


def test_the_demo_rules_find_a_unit_for_every_matter_on_the_list(demo):
    for category in demo[0].in_use(ON):
        if category.kind is CategoryKind.MATTER and category.code != "L09001":
            routing = route_demo(demo, category)
            assert routing.unit_code is not None, (category.code, routing.reason)
            if category.code[:2] in {"06", "07", "08", "09", "10"}:
                assert "R-900" != routing.rule_id, category.code


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("06010", "HZD-06"),
        ("06041", COMMUNITY),
        ("09005", "HZD-01"),
        ("matter:01011", "PS-GAS"),
        ("08016", "BH-GH"),
        ("09012", "BH-XF"),
        ("09015", "HZD-SCS"),
        ("L02002", "HZD-03"),
    ],
)
def test_some_demo_matters_reach_the_unit_one_expects(demo, code, unit):
    assert unit == route_demo(demo, demo[0].find(code, ON)).unit_code


def test_a_word_of_danger_in_the_text_calls_a_person(demo):
    routing = route_demo(demo, demo[0].find("matter:01011", ON), description="闻到燃气泄漏")
    assert QueueReason.BY_RULE is routing.queue_reason


def test_at_night_street_trading_goes_to_the_night_shift(demo):
    night = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    assert "HZD-07" == route_demo(demo, demo[0].find("09006", ON), now=night).unit_code
