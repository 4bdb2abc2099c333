"""The linter: every planted fault is found, sound rules raise no alarm, and both are so by brute force."""

import copy
import csv
import json
import random
from dataclasses import dataclass
from datetime import date, time
from itertools import product
from pathlib import Path

import pytest

from gridmgmt.domain.duty import check_duty, parse_duty_lists
from gridmgmt.domain.org import Unit, UnitKind
from gridmgmt.domain.report import Source
from gridmgmt.domain.routing import RoutingFacts, parse_rules, parse_units
from gridmgmt.domain.rulelint import Fault, lint
from gridmgmt.domain.ruleworld import World, samples
from gridmgmt.domain.taxonomy import Catalogue, parse_categories
from gridmgmt.errors import InvalidInput

DATA = Path(__file__).parents[2] / "data" / "catalogue"
ON = date(2026, 11, 23)
HOMES = ("120116005003", "120116005004")


@dataclass(frozen=True)
class Cell:
    code: str
    community_code: str
    kind: str


CELLS = (
    Cell(f"{HOMES[0]}001", HOMES[0], "duty"),
    Cell(f"{HOMES[0]}002", HOMES[0], "dedicated"),
    Cell(f"{HOMES[1]}001", HOMES[1], "duty"),
)


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def city():
    catalogue = Catalogue(parse_categories(rows("gbt_47678_5_2026.csv") + rows("local_tj_demo.csv")))
    (duty_list,) = parse_duty_lists(rows("duty_list_demo.csv"))
    units = parse_units(rows("units_demo.csv"))
    for code in HOMES:
        units.setdefault(code, Unit(code, code, UnitKind.COMMUNITY))
    return catalogue, duty_list, units


@pytest.fixture(scope="module")
def demo_document():
    return json.loads((DATA / "routing_rules_demo.json").read_text(encoding="utf-8"))


def found_in(city, document, on=ON, *, closed=(), units=None):
    catalogue, duty_list, known = city
    known = dict(units or known)
    for code in closed:
        known[code] = Unit(code, known[code].name, known[code].kind, active=False)

    def world(day):
        classes = [(c, check_duty(duty_list, c, day)) for c in catalogue.in_use(day)]
        return World(day, classes, CELLS, known)

    return lint(parse_rules(document), on, world)


def faults(found):
    return sorted({(str(f.fault), f.path) for f in found})


def test_the_demo_rules_raise_no_alarm(city, demo_document):
    assert [] == found_in(city, demo_document)


def planted(document, *new, drop=(), **over):
    document = copy.deepcopy(document)
    document["rules"] = [r | over.get(r["id"], {}) for r in document["rules"] if r["id"] not in drop]
    for i, form in enumerate(new):
        rule = {"id": f"P-{i}", "order": 1000 + i, "reason": "planted", "valid_from": "2020-11-01"}
        document["rules"].append(rule | form)
    return document


TEAM = {"unit": "HZD-02"}
NIGHT = {"time_of_day": ["22:00", "06:00"]}
RUBBISH = {"category": ["06010"]}

# What is added to the sound demo rules, and what exactly the linter must then say, nothing more or less.
PLANTED = {
    "behind a rule that takes all": (
        [{"when": RUBBISH, "to": TEAM}], {},
        {("unreachable", "rule P-0")},
    ),
    "behind two rules that take all between them": (
        [{"order": 1, "when": {"all": [RUBBISH, NIGHT]}, "to": TEAM},
         {"order": 2, "when": {"all": [RUBBISH, {"not": NIGHT}]}, "to": TEAM},
         {"order": 3, "when": RUBBISH, "to": TEAM}], {},
        {("unreachable", "rule P-2")},
    ),
    "two hours that no night has": (
        [{"order": 1, "to": TEAM,
          "when": {"all": [{"time_of_day": ["01:00", "02:00"]}, {"time_of_day": ["03:00", "04:00"]}]}}], {},
        {("never_holds", "rule P-0")},
    ),
    "a class that is none": ([{"order": 1, "when": {"category": ["99999"]}, "to": TEAM}], {},
                             {("never_holds", "rule P-0")}),
    "a class that the duty list gives to nobody": (
        [{"order": 1, "when": {"category": ["L09001"]}, "to": TEAM}], {},
        {("never_holds", "rule P-0")},
    ),
    "a cell that is none": ([{"order": 1, "when": {"cell": ["120116005999001"]}, "to": TEAM}], {},
                            {("never_holds", "rule P-0")}),
    "one class of two is none": (
        [{"order": 1, "when": {"all": [{"category": ["06010", "99999"]}, NIGHT]}, "to": TEAM}], {},
        {("dead_value", "rule P-0")},
    ),
    "the same condition in other words, another target": (
        [{"order": 1, "when": {"all": [RUBBISH, {"cell_kind": ["duty"]}]}, "to": TEAM},
         {"order": 2, "when": {"not": {"any": [{"not": RUBBISH}, {"cell_kind": ["dedicated", "unit"]}]}},
          "to": {"unit": "HZD-01"}}], {},
        {("conflict", "rule P-1")},
    ),
    "the same condition, to the queue and to a unit": (
        [{"order": 1, "when": NIGHT, "to": {"queue": True}},
         {"order": 2, "when": NIGHT, "to": {"unit": "BH-CG"}}], {},
        {("conflict", "rule P-1"), ("unreachable", "rule R-030")},
    ),
    "a unit that is none": ([{"order": 1, "when": RUBBISH, "to": {"unit": "GONE"}}], {},
                            {("target_unknown", "rule P-0")}),
    "a closed unit": ([{"order": 1, "when": {"all": [RUBBISH, NIGHT]}, "to": {"unit": "HZD-03"}}],
                      {"closed": ("HZD-03",)},
                      {("target_closed", "rule P-0"), ("target_closed", "rule R-302")}),
    "the street leads what is withdrawn": (
        [{"order": 1, "when": {"category": ["08016"]}, "to": TEAM}], {},
        {("target_not_allowed", "rule P-0"), ("conflict", "rule R-020")},
    ),
    "the community leads what it assists": ([{"order": 1, "when": {"category": ["matter:01001"]},
                                              "to": {"community": True}}], {},
                                            {("target_not_allowed", "rule P-0")}),
    "ends before it begins": ([{"order": 1, "when": RUBBISH, "to": TEAM, "valid_from": "2026-12-01",
                                "valid_to": "2026-11-30"}], {},
                              {("dates_out_of_order", "rule P-0")}),
    "ends on the day it begins": ([{"order": 1, "when": RUBBISH, "to": TEAM, "valid_from": "2026-12-01",
                                    "valid_to": "2026-12-01"}], {},
                                  {("dates_out_of_order", "rule P-0")}),
    "ended": ([{"order": 1, "when": RUBBISH, "to": TEAM, "valid_to": "2026-11-23"}], {},
              {("expired", "rule P-0")}),
    "sends next month to a unit that is none": (
        [{"order": 1, "when": RUBBISH, "to": {"unit": "GONE"}, "valid_from": "2026-12-20"}], {},
        {("target_unknown", "rule P-0")}),
    "an owner that is no unit": ([{"order": 1, "when": {"all": [{"part_owner": ["GONE", "PS-GAS"]}, RUBBISH]},
                                   "to": {"owner": True}}], {}, {("dead_value", "rule P-0")}),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_and_nothing_else_is(city, demo_document, name):
    new, more, expected = PLANTED[name]
    found = found_in(city, planted(demo_document, *new), **more)
    assert sorted(expected) == faults(found)


def test_a_class_that_no_rule_takes_is_named_with_its_places(city, demo_document):
    found = found_in(city, planted(demo_document, drop=("R-250",)))
    assert [("uncovered", "class GB/T 47678.5-2026:matter:06023")] == faults(found)
    (gap,) = found
    assert sorted(gap.about) == [
        "1 dedicated cell(s) of 120116005003", "2 duty cell(s) of 120116005003, 120116005004",
    ]  # fmt: skip


def test_a_gap_at_night_in_one_community_is_a_gap(city, demo_document):
    when = {"all": [{"category": ["06023"]}, {"not": {"all": [NIGHT, {"community": [HOMES[1]]}]}}]}
    (gap,) = found_in(city, planted(demo_document, **{"R-250": {"when": when}}))
    assert (Fault.UNCOVERED, ("1 duty cell(s) of 120116005004",)) == (gap.fault, gap.about)
    assert "at some hours" in gap.text


def test_a_gap_that_opens_when_a_rule_ends_is_told_with_its_day(city, demo_document):
    (gap,) = found_in(city, planted(demo_document, **{"R-250": {"valid_to": "2027-03-01"}}))
    assert (Fault.UNCOVERED, date(2027, 3, 1)) == (gap.fault, gap.on)


def test_a_rule_that_waits_for_an_earlier_one_to_end_is_reachable(city, demo_document):
    later = {"order": 251 + 5, "when": {"category": ["06023"]}, "to": {"unit": "BH-SW"}}
    assert [] == found_in(city, planted(demo_document, later, **{"R-250": {"valid_to": "2027-03-01"}}))


def test_a_community_without_a_unit_is_found(city, demo_document):
    units = {k: v for k, v in city[2].items() if k != HOMES[1]}
    (gap,) = found_in(city, demo_document, units=units)
    assert (Fault.TARGET_UNKNOWN, "rule R-210", (HOMES[1],)) == (gap.fault, gap.path, gap.about)


def test_errors_keep_rules_from_being_published_and_warnings_do_not():
    assert {Fault.DEAD_VALUE, Fault.EXPIRED} == {f for f in Fault if not f.is_error}


def test_rules_that_tell_too_many_reports_apart_are_refused_and_not_half_checked(city, demo_document):
    when = {"any": [{"text_contains": [f"词{i}"]} for i in range(20)]}
    with pytest.raises(InvalidInput, match="kinds of reports"):
        found_in(city, planted(demo_document, {"order": 1, "when": when, "to": TEAM}))


# By brute force


WORDS = ("火", "火灾", "灾", "水")
TESTS = [
    {"category": ["06010"]}, {"category": ["0601*"]}, {"category": ["06*", "09*"]}, {"cell_kind": ["duty"]},
    {"community": [HOMES[0]]}, {"area": ["here"]}, {"source": ["patrol", "web"]}, {"text_contains": ["火灾"]},
    {"text_contains": ["火", "水"]}, {"text_contains": ["灾"]}, {"time_of_day": ["22:00", "06:00"]},
    {"time_of_day": ["08:00", "18:00"]}, {"weekday": ["sat", "sun"]}, {"season": ["11-15", "03-16"]},
    {"duty_role": ["lead"]}, {"duty_item": ["1"]}, {"part_owner": ["PS-GAS"]}, {},
]  # fmt: skip


def condition(rng, depth=2):
    kind = rng.choice(("test", "test", "all", "any", "not") if depth else ("test",))
    if kind == "test":
        return rng.choice(TESTS)
    if kind == "not":
        return {"not": condition(rng, depth - 1)}
    return {kind: [condition(rng, depth - 1) for _ in range(rng.randint(1, 3))]}


def every_report(world):
    classes = [(c, v) for c, v in world.classes if not v.waits_for_approval]
    texts = ["", *WORDS, "火 灾", "火灾水", "水 灾", "火 水"]
    days = [date(2026, 11, 14), date(2026, 11, 15), date(2026, 11, 16), date(2027, 3, 15), date(2027, 3, 20)]
    hours = [time(0), time(6), time(8), time(12), time(18), time(22, 30)]
    for (c, v), cell, source, text, hour, day, owner in product(
        classes,
        world.cells,
        (Source.PATROL, Source.WEB, Source.VIDEO),
        texts,
        hours,
        days,
        (None, "PS-GAS", "X"),
    ):
        no = v.item.no if v.item else None
        yield RoutingFacts(
            c.key, source, v.standing, text, hour, day, cell.community_code, cell.code, cell.kind, no, owner
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_samples_stand_for_every_report(city, seed):
    rng = random.Random(seed)
    catalogue, duty_list, units = city
    names = ("06010", "06012", "09001", "07001", "06041", "08016")
    classes = [(c, check_duty(duty_list, c, ON)) for c in (catalogue.find(f"matter:{n}", ON) for n in names)]
    world = World(ON, classes, CELLS, units)
    rules = parse_rules(
        {
            "version": "t",
            "timezone": "Asia/Shanghai",
            "areas": {"here": [CELLS[2].code]},
            "rules": [
                {"id": f"R{i}", "order": i, "reason": "r", "valid_from": "2026-01-01",
                 "when": condition(rng), "to": TEAM}
                for i in range(5)
            ],
        }
    ).rules  # fmt: skip
    answers = {tuple(r.condition(s.facts) is None for r in rules) for s in samples(rules, world)}
    everything = list(every_report(world))
    brute = {
        tuple(r.condition(f) is None for r in rules)
        for f in rng.sample(everything, min(4000, len(everything)))
    }
    assert brute <= answers


def test_no_sample_stands_twice(city, demo_document):
    catalogue, duty_list, units = city
    rules = parse_rules(demo_document).rules
    world = World(ON, [(c, check_duty(duty_list, c, ON)) for c in catalogue.in_use(ON)], CELLS, units)
    found = samples(rules, world)
    assert len(found) == len({s.facts for s in found})
    listed = {c.key for c, v in world.classes if not v.waits_for_approval}
    assert listed == {c.key for s in found for c in s.classes}
