"""A dry run tells who would get what instead, and owns up to what it may not read."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

from gridmgmt.domain.dryrun import PastCase, dry_run
from gridmgmt.domain.duty import DutyStanding
from gridmgmt.domain.report import Source
from gridmgmt.domain.routing import parse_rules
from tests.domain.test_routing import COMMUNITY, NOW, UNITS, make_verdict

ON = date(2026, 11, 23)
KEY = "GB/T 47678.5-2026:matter:06010"


@dataclass
class Book:
    """As much of a rulebook as is asked."""

    off_list: frozenset[str] = frozenset()
    units: dict = field(default_factory=lambda: UNITS)

    def category_or_none(self, name, _at):
        return None if name.endswith("99999") else SimpleNamespace(key=name)

    def duty(self, category, _at):
        standing = DutyStanding.OFF_LIST if category.key in self.off_list else DutyStanding.LEAD
        return make_verdict(standing)


def make_case(n=1, **over):
    facts = {
        "id": UUID(int=n), "number": f"N{n}", "category": KEY, "source": Source.PATROL, "at": NOW,
        "community_code": COMMUNITY, "cell_code": f"{COMMUNITY}007", "cell_kind": "duty", "unit_code": "TEAM",
        "rule_id": "R-1", "queue_reason": None,
    }  # fmt: skip
    return PastCase(**{**facts, **over})


def draft(*forms):
    rules = [
        {"id": f"D-{i}", "order": i, "reason": "r", "valid_from": "2026-01-01", "when": {}, **form}
        for i, form in enumerate(forms, start=1)
    ]
    return parse_rules({"version": "draft", "timezone": "Asia/Shanghai", "rules": rules})


def test_only_cases_that_somebody_else_would_get_differ_and_units_are_counted():
    rules = draft({"when": {"source": ["web"]}, "to": {"unit": "DEPT"}}, {"to": {"unit": "TEAM"}})
    cases = [
        make_case(1),
        make_case(2, source=Source.WEB),
        make_case(3, unit_code=None, queue_reason="no_rule"),
    ]
    found = dry_run(cases, rules, Book(), ON)
    assert [("N2", "DEPT", "D-1"), ("N3", "TEAM", "D-2")] == [
        (one.case.number, one.unit_code, one.rule_id) for one in found.differing
    ]
    assert [("", 1, 0), ("DEPT", 0, 1), ("TEAM", 2, 2)] == found.by_unit
    facts = found.as_facts(1)
    assert (3, 2, 1, True) == (facts["cases"], facts["differing"], len(facts["items"]), facts["truncated"])


def test_rules_of_the_draft_are_asked_as_if_they_had_been_in_force():
    rules = draft({"to": {"unit": "DEPT"}, "valid_from": "2026-11-23"}, {"to": {"unit": "TEAM"}})
    before = make_case(at=NOW - timedelta(days=90))
    assert "DEPT" == dry_run([before], rules, Book(), ON).compared[0].unit_code
    assert "TEAM" == dry_run([before], rules, Book(), date(2026, 11, 22)).compared[0].unit_code


def test_the_hour_of_the_report_counts():
    rules = draft(
        {"when": {"time_of_day": ["22:00", "06:00"]}, "to": {"unit": "DEPT"}}, {"to": {"unit": "TEAM"}}
    )
    night = datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert ["DEPT", "TEAM"] == [
        one.unit_code for one in dry_run([make_case(at=night), make_case()], rules, Book(), ON).compared
    ]


def test_a_class_off_the_list_or_out_of_the_catalogue_stays_in_the_queue():
    rules = draft({"to": {"unit": "TEAM"}})
    gone = make_case(2, category="GB/T 47678.5-2026:matter:99999")
    found = dry_run([make_case(), gone], rules, Book(off_list=frozenset({KEY})), ON)
    assert ["off_duty_list", "unknown_category"] == [one.queue_reason for one in found.compared]


def test_what_words_could_change_is_counted_where_the_text_may_not_be_read():
    fire = {"when": {"text_contains": ["火"]}, "to": {"queue": True}}
    web = {"when": {"all": [{"source": ["web"]}, {"not": {"text_contains": ["水"]}}]}, "to": {"unit": "DEPT"}}
    rules = draft(
        fire, web, {"to": {"unit": "TEAM"}}, {"when": {"text_contains": ["土"]}, "to": {"queue": True}}
    )
    cases = [make_case(1), make_case(2, source=Source.WEB), make_case(3, text="火"), make_case(4, text="")]
    found = dry_run(cases, rules, Book(), ON)
    assert [("D-1",), ("D-1", "D-2"), (), ()] == [one.text_rules for one in found.compared]
    assert [None, "TEAM"] == [one.unit_code for one in found.compared[2:]]
    assert 2 == found.as_facts(9)["depending_on_text"]


def test_progress_is_told_case_by_case():
    told = []
    dry_run([make_case(1), make_case(2)], draft(), Book(), ON, told.append)
    assert [1, 2] == told
