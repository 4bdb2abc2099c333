"""What holds for every decision: one rule decides, nothing is lost, failures are seen, rulings proposed."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.condition import LANGUAGE, Problems, compile_condition
from gridmgmt.domain.duty import DutyStanding
from gridmgmt.domain.precedent import Precedent, Precedents
from gridmgmt.domain.routing import Known, Outcome, QueueReason, Roster, RuleSet, parse_rules, route
from gridmgmt.domain.rules import DatedRules, rules_in_use
from gridmgmt.errors import InvalidInput
from tests.domain.test_routing import (
    COMMUNITY,
    NOW,
    STREET,
    UNITS,
    Cell,
    make_report,
    make_rules,
    make_verdict,
    routed,
    to,
)

# A valid value of every key; "all", "any" and "not" hold conditions.
tests = st.one_of(
    st.sampled_from(
        [
            {}, {"category": ["0601*"]}, {"category": ["07*"]}, {"cell_kind": ["duty"]}, {"source": ["web"]},
            {"duty_role": ["lead"]}, {"text_contains": ["井盖"]}, {"time_of_day": ["09:00", "11:00"]},
            {"weekday": ["mon"]}, {"season": ["11-15", "03-16"]}, {"part_owner": ["DEPT"]},
        ]
    )
)  # fmt: skip
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
targets = st.sampled_from(
    [{"unit": "TEAM"}, {"unit": "DEPT"}, {"unit": "CLOSED"}, {"unit": "GONE"}, {"community": True},
     {"owner": True}, {"queue": True}]
)  # fmt: skip
forms = st.lists(st.fixed_dictionaries({"when": conditions, "to": targets}), max_size=6)
standings = st.sampled_from(list(DutyStanding))


@given(forms=forms, standing=standings, text=st.sampled_from(["", "井盖丢失"]))
def test_each_report_has_a_unit_or_a_reason_to_wait_and_the_first_rule_that_holds_decides(
    forms, standing, text
):
    rules = make_rules(*forms)
    decision = routed(rules, make_report(description=text), standing=standing)
    assert (decision.unit_code is None) == (decision.queue_reason is not None)
    assert decision == routed(rules, make_report(description=text), standing=standing)
    if standing is DutyStanding.OFF_LIST:
        assert QueueReason.OFF_DUTY_LIST is decision.queue_reason
        return
    *before, last = decision.trace or [None]
    assert all(line.outcome in {Outcome.NOT_MATCHED, Outcome.NOT_IN_FORCE} for line in before)
    if decision.rule_id is None:
        assert QueueReason.NO_RULE is decision.queue_reason
        assert len(decision.trace) == len(rules.rules)
    else:
        assert decision.rule_id == last.rule_id
        alone = RuleSet("alone", rules.zone, tuple(r for r in rules.rules if r.id == last.rule_id))
        again = routed(alone, make_report(description=text), standing=standing)
        assert (decision.unit_code, decision.queue_reason) == (again.unit_code, again.queue_reason)


@given(forms=forms, seed=st.integers(0, 99))
def test_the_order_of_the_document_does_not_matter_and_the_order_of_rules_does(forms, seed):
    numbered = [{"id": f"R-{i}", "order": i, "reason": "r", "valid_from": "2026-01-01", **f}
                for i, f in enumerate(forms)]  # fmt: skip
    document = {"version": "t", "timezone": "Asia/Shanghai", "rules": numbered}
    shuffled = random.Random(seed).sample(numbered, len(numbered))
    assert routed(parse_rules(document)) == routed(parse_rules({**document, "rules": shuffled}))
    first = {"id": "first", "order": -1, "reason": "r", "valid_from": "2026-01-01", "when": {},
             "to": {"unit": "DEPT"}}  # fmt: skip
    assert "first" == routed(parse_rules({**document, "rules": [*shuffled, first]})).rule_id


# The language


def test_every_key_of_the_language_reads_its_own_example():
    for name, form in LANGUAGE.items():
        problems = Problems([])
        compile_condition({name: form.example}, "when", problems, {"夜市一带": frozenset({COMMUNITY})})
        assert [] == problems.found, name


def test_a_key_that_is_none_is_answered_with_all_there_are():
    problems = Problems([])
    compile_condition({"colour": ["red"]}, "when", problems)
    assert f"is not one of {', '.join(LANGUAGE)}" == problems.found[0]["fault"]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"area": ["here"]}, True),
        ({"area": ["cell"]}, True),
        ({"area": ["elsewhere"]}, False),
        ({"area": ["elsewhere", "here"]}, True),
        ({"weekday": ["mon"]}, True),
        ({"weekday": ["sat", "sun"]}, False),
        ({"season": ["11-15", "03-16"]}, True),
        ({"season": ["11-24", "03-16"]}, False),
        ({"season": ["11-01", "11-23"]}, False),
        ({"season": ["11-23", "11-24"]}, True),
        ({"duty_item": ["7"]}, False),
        ({"part_owner": ["DEPT"]}, False),
    ],
)
def test_tests_of_area_day_item_and_owner(when, holds):
    document = {
        "version": "t",
        "timezone": "Asia/Shanghai",
        "areas": {"here": [COMMUNITY], "cell": [Cell().code], "elsewhere": ["120116005004"]},
        "rules": [{"id": "R", "order": 1, "reason": "r", "valid_from": "2026-01-01", "when": when,
                   "to": {"unit": "TEAM"}}],
    }  # fmt: skip
    assert holds == (routed(parse_rules(document)).unit_code == "TEAM")


def test_a_part_whose_owner_is_known_goes_to_its_owner():
    rules = make_rules({"when": {"part_owner": ["DEPT"]}, "to": {"owner": True}}, to("TEAM"))
    known = Known(part_owner="DEPT")
    place = (Cell(), rules, UNITS, Roster(), NOW)
    assert "DEPT" == route(make_report(), make_verdict(), *place, known).unit_code
    assert "TEAM" == route(make_report(), make_verdict(), *place).unit_code


@pytest.mark.parametrize(
    ("areas", "path"),
    [
        ([], "areas"),
        ({"a": []}, "areas.a"),
        ({"a": ["120116005"]}, "areas.a[0]"),
        ({"a": [COMMUNITY, 7]}, "areas.a[1]"),
    ],
)
def test_a_wrong_area_is_refused_with_its_path(areas, path):
    with pytest.raises(InvalidInput) as refusal:
        parse_rules({"version": "t", "timezone": "Asia/Shanghai", "rules": [], "areas": areas})
    assert [path] == [fault["path"] for fault in refusal.value.facts["faults"]]


def test_of_published_sets_the_one_that_started_last_is_in_use():
    def dated(version, day):
        return DatedRules(datetime(2026, 11, day, tzinfo=UTC), RuleSet(version, make_rules().zone, ()))

    sets = [dated("old", 1), dated("planned", 20), dated("at once", 10)]

    def used(day):
        return rules_in_use(sets, datetime(2026, 11, day, tzinfo=UTC)).version

    assert ["old", "at once", "planned", "planned"] == [used(5), used(10), used(20), used(25)]
    assert "old" == rules_in_use(sets, datetime(2026, 10, 1, tzinfo=UTC)).version


# A rule that fails


def test_a_rule_that_fails_is_named_and_no_later_rule_hides_it():
    rules = make_rules(to("OFFICE", {"category": ["07*"]}), to("TEAM"), to("DEPT"))

    def broken(_facts):
        raise ZeroDivisionError("13800001234")

    failing = replace(rules.rules[1], condition=broken)
    decision = routed(replace(rules, rules=(rules.rules[0], failing, rules.rules[2])))
    assert (None, "R-2", QueueReason.RULE_FAILED) == (
        decision.unit_code, decision.rule_id, decision.queue_reason,
    )  # fmt: skip
    assert ["R-1", "R-2"] == [line.rule_id for line in decision.trace]
    assert Outcome.FAILED is decision.trace[-1].outcome
    assert "13800001234" not in str(decision.as_facts()), "what the failure says may hold what people wrote"


# Rulings of the district


def make_precedent(unit="DEPT", **over):
    facts = {
        "subdistrict_code": STREET,
        "category": str(make_report().category),
        "community_code": COMMUNITY,
        "cell_code": Cell().code,
        "unit_code": unit,
        "document_no": "津滨裁〔2026〕1号",
        "case_id": UUID(int=7),
        "at": datetime(2026, 10, 1, tzinfo=UTC),
    }
    return Precedent(**{**facts, **over})


def with_rulings(*rulings, rules=None, standing=DutyStanding.LEAD):
    known = Known(precedents=Precedents(rulings))
    place = (Cell(), rules or make_rules(to("TEAM")), UNITS, Roster(), NOW)
    return route(make_report(), make_verdict(standing), *place, known)


def test_a_ruling_that_agrees_stands_in_the_trace_with_its_document():
    decision = with_rulings(make_precedent("TEAM"))
    assert ("TEAM", None) == (decision.unit_code, decision.queue_reason)
    assert ("津滨裁〔2026〕1号", Outcome.PROPOSED) == decision.trace[-1][:2]
    assert "津滨裁〔2026〕1号" == decision.as_facts()["precedent"]["document_no"]


def test_where_a_ruling_about_this_cell_names_another_unit_a_person_decides_and_sees_both():
    decision = with_rulings(make_precedent("DEPT"))
    assert (None, "R-1", QueueReason.RULING_DIFFERS) == (
        decision.unit_code, decision.rule_id, decision.queue_reason,
    )  # fmt: skip
    assert "TEAM" in decision.reason
    assert "DEPT" in decision.reason
    assert "DEPT" == decision.as_facts()["precedent"]["unit_code"]


def test_a_ruling_about_another_cell_of_the_community_is_told_and_stops_nothing():
    decision = with_rulings(make_precedent("DEPT", cell_code=f"{COMMUNITY}001"))
    assert ("TEAM", "DEPT") == (decision.unit_code, decision.proposal.unit_code)
    assert "TEAM" == with_rulings(make_precedent("DEPT", cell_code=None)).unit_code


@pytest.mark.parametrize(
    "elsewhere",
    [{"category": "GB/T 47678.5-2026:matter:06011"}, {"community_code": "120116005004", "cell_code": "x"}],
)
def test_a_ruling_about_another_class_or_place_says_nothing(elsewhere):
    decision = with_rulings(make_precedent(**elsewhere))
    assert ("TEAM", None) == (decision.unit_code, decision.proposal)


def test_what_no_rule_takes_waits_with_the_ruled_unit_proposed():
    decision = with_rulings(make_precedent("DEPT"), rules=make_rules())
    assert (None, QueueReason.NO_RULE, "DEPT") == (
        decision.unit_code, decision.queue_reason, decision.proposal.unit_code,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "standing"),
    [("TEAM", DutyStanding.WITHDRAWN), ("TEAM", DutyStanding.ASSIST), ("CLOSED", DutyStanding.LEAD),
     ("GONE", DutyStanding.LEAD)],
)  # fmt: skip
def test_what_the_duty_list_forbids_or_no_longer_exists_is_not_proposed_and_stops_nothing(unit, standing):
    decision = with_rulings(make_precedent(unit), rules=make_rules(to("DEPT")), standing=standing)
    assert ("DEPT", None) == (decision.unit_code, decision.proposal.unit_code)
    assert Outcome.PROPOSAL_REFUSED is decision.trace[-1].outcome
    assert decision.proposal.refusal


def test_the_newest_ruling_of_a_place_counts_and_the_cell_s_own_before_the_community_s():
    older = make_precedent("OFFICE", at=datetime(2026, 1, 1, tzinfo=UTC))
    newer = make_precedent("DEPT")
    elsewhere = make_precedent("TEAM", cell_code=f"{COMMUNITY}001", at=datetime(2026, 11, 1, tzinfo=UTC))
    for rulings in ((older, newer, elsewhere), (elsewhere, newer, older)):
        assert "DEPT" == with_rulings(*rulings).proposal.unit_code
