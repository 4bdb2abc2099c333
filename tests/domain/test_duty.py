"""The duty list of articles 7, 42 and 45: who leads, who assists, what is refused, and when it holds."""

import csv
from datetime import date
from pathlib import Path

import pytest

from gridmgmt.domain.duty import (
    ApprovedExtra,
    DutyDomain,
    DutyItem,
    DutyList,
    DutyRole,
    DutyStanding,
    check_dispatch,
    check_duty,
    parse_duty_lists,
)
from gridmgmt.domain.org import Unit, UnitKind
from gridmgmt.domain.pattern import CategoryKind, CategoryPattern
from gridmgmt.domain.taxonomy import Catalogue, Category, parse_categories
from gridmgmt.errors import InvalidInput, OffDutyList

DATA = Path(__file__).parents[2] / "data" / "catalogue"
ON = date(2026, 11, 23)


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make_category(code="06010", **over):
    facts = {
        "standard_ref": "GB/T 47678.5-2026", "kind": CategoryKind.MATTER, "code": code, "name": code,
        "major_code": code[:2], "major_name": "x", "valid_from": date(2020, 1, 1), **over,
    }  # fmt: skip
    return Category(**facts)


def make_item(patterns, role=DutyRole.LEAD, no="1"):
    found = tuple(CategoryPattern.parse(text) for text in patterns.split(";"))
    return DutyItem(no, f"item {no}", DutyDomain.URBAN_MANAGEMENT, "条例第六条", role, found)


def make_list(*items, **over):
    facts = {
        "district_code": "120116", "version": "1", "effective_from": date(2026, 7, 1), "effective_to": None,
        "published_on": date(2026, 6, 20), "items": items, **over,
    }  # fmt: skip
    return DutyList(**facts)


def make_approval(patterns="06010", **over):
    facts = {
        "approval_no": "津滨政批〔2026〕1号（示例）", "approving_body": "district government",
        "patterns": tuple(CategoryPattern.parse(text) for text in patterns.split(";")),
        "approved_on": date(2026, 11, 1), "expires_on": date(2026, 12, 1), **over,
    }  # fmt: skip
    return ApprovedExtra(**facts)


def make_unit(kind, **over):
    return Unit(code="U", name="unit", kind=kind, subdistrict_code="120116005", **over)


OFFICE, DEPARTMENT = make_unit(UnitKind.SUBDISTRICT_OFFICE), make_unit(UnitKind.DEPARTMENT)
COMMUNITY, OUTPOST = make_unit(UnitKind.COMMUNITY), make_unit(UnitKind.OUTPOST)


@pytest.mark.parametrize(
    ("role", "standing", "allowed", "rule"),
    [
        (DutyRole.LEAD, DutyStanding.LEAD, True, "R07a"),
        (DutyRole.ASSIST, DutyStanding.ASSIST, False, "R07a"),
        (DutyRole.WITHDRAWN, DutyStanding.WITHDRAWN, False, "R07b"),
    ],
)
def test_the_role_of_the_item_decides_whether_the_street_may_lead(role, standing, allowed, rule):
    verdict = check_duty(make_list(make_item("06*", role)), make_category(), ON)
    assert (standing, allowed, rule, "7-1") == (
        verdict.standing,
        verdict.allowed,
        verdict.rule,
        verdict.article,
    )
    assert not verdict.waits_for_approval


def test_the_narrowest_item_decides():
    listed = make_list(make_item("09*"), make_item("09008", DutyRole.WITHDRAWN, "2"))
    assert DutyStanding.WITHDRAWN is check_duty(listed, make_category("09008"), ON).standing
    assert DutyStanding.LEAD is check_duty(listed, make_category("09009"), ON).standing


def test_what_is_not_on_the_list_waits_for_an_approval():
    verdict = check_duty(make_list(make_item("07*")), make_category(), ON)
    assert (DutyStanding.OFF_LIST, "7-2", "R07c") == (verdict.standing, verdict.article, verdict.rule)
    assert verdict.waits_for_approval
    assert not verdict.allowed


@pytest.mark.parametrize(
    "listed",
    [
        None,
        make_list(make_item("06*"), published_on=None),
        make_list(make_item("06*"), published_on=date(2026, 11, 24)),
        make_list(make_item("06*"), effective_from=date(2026, 11, 24)),
        make_list(make_item("06*"), effective_to=ON),
    ],
)
def test_a_list_that_is_not_published_or_not_in_force_gives_no_duty(listed):
    verdict = check_duty(listed, make_category(), ON)
    assert DutyStanding.OFF_LIST is verdict.standing
    assert "No published duty list" in verdict.reason


def test_a_list_holds_from_its_first_day_and_not_on_its_last():
    listed = make_list(make_item("06*"), effective_to=date(2026, 12, 1))
    held = [
        listed.in_force(day)
        for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 11, 30), date(2026, 12, 1))
    ]
    assert [False, True, True, False] == held


@pytest.mark.parametrize(
    ("on", "standing"), [(date(2020, 10, 31), "not_judged"), (date(2020, 11, 1), "off_list")]
)
def test_what_happened_before_the_regulation_took_effect_is_not_judged_by_it(on, standing):
    verdict = check_duty(None, make_category(), on)
    assert standing == verdict.standing


@pytest.mark.parametrize(
    ("on", "standing"),
    [
        (date(2026, 10, 31), DutyStanding.OFF_LIST),
        (date(2026, 11, 1), DutyStanding.APPROVED_EXTRA),
        (date(2026, 11, 30), DutyStanding.APPROVED_EXTRA),
        (date(2026, 12, 1), DutyStanding.OFF_LIST),
    ],
)
def test_an_approval_opens_the_list_only_while_it_holds(on, standing):
    verdict = check_duty(make_list(), make_category(), on, [make_approval()])
    assert standing is verdict.standing
    assert (standing is DutyStanding.APPROVED_EXTRA) == verdict.allowed


def test_an_approval_covers_only_its_scope_and_is_named_in_the_reason():
    approvals = [make_approval("07*"), make_approval("0601*")]
    verdict = check_duty(make_list(), make_category(), ON, approvals)
    assert approvals[1] is verdict.approval
    assert "district government" in verdict.reason
    assert DutyStanding.OFF_LIST is check_duty(make_list(), make_category("08001"), ON, approvals).standing


def test_an_approval_cannot_give_the_street_what_departments_must_do_themselves():
    listed = make_list(make_item("06*", DutyRole.WITHDRAWN))
    assert DutyStanding.WITHDRAWN is check_duty(listed, make_category(), ON, [make_approval()]).standing


@pytest.mark.parametrize("unit", [OFFICE, COMMUNITY])
@pytest.mark.parametrize("role", [DutyRole.WITHDRAWN, DutyRole.ASSIST])
def test_a_unit_of_the_street_cannot_be_responsible_for_what_a_department_leads(unit, role):
    verdict = check_duty(make_list(make_item("06*", role, "7")), make_category(), ON)
    with pytest.raises(OffDutyList) as refusal:
        check_dispatch(verdict, unit)
    assert ("R07b", "7-1", "7") == (refusal.value.rule, refusal.value.article, refusal.value.facts["item_no"])


@pytest.mark.parametrize("unit", [DEPARTMENT, OUTPOST])
@pytest.mark.parametrize("role", list(DutyRole))
def test_a_department_or_its_outpost_can_always_be_made_responsible(unit, role):
    check_dispatch(check_duty(make_list(make_item("06*", role)), make_category(), ON), unit)


def test_the_street_can_be_made_responsible_for_what_it_leads():
    check_dispatch(check_duty(make_list(make_item("06*")), make_category(), ON), OFFICE)
    check_dispatch(check_duty(make_list(), make_category(), ON, [make_approval()]), COMMUNITY)


@pytest.mark.parametrize("unit", [OFFICE, DEPARTMENT, OUTPOST])
def test_nobody_is_made_responsible_for_what_is_off_the_list(unit):
    with pytest.raises(OffDutyList) as refusal:
        check_dispatch(check_duty(make_list(), make_category(), ON), unit)
    assert ("R07c", "7-2") == (refusal.value.rule, refusal.value.article)


# The table


def make_row(**over):
    return {
        "district_code": "120116", "version": "1", "effective_from": "2026-07-01", "effective_to": "",
        "published_on": "2026-06-20", "no": "1", "name": "item", "domain": "urban_management",
        "legal_basis": "条例第六条", "duty_role": "lead", "lead_unit_kind": "subdistrict_office",
        "lead_unit_code": "", "categories": "06*;09001", **over,
    }  # fmt: skip


def faults_of(table):
    with pytest.raises(InvalidInput) as refusal:
        parse_duty_lists(table)
    return [(fault["row"], fault["column"]) for fault in refusal.value.facts["faults"]]


def test_rows_are_gathered_into_versions():
    lists = parse_duty_lists([make_row(), make_row(no="2", categories="07*"), make_row(version="2")])
    assert [("1", 2), ("2", 1)] == [(found.version, len(found.items)) for found in lists]
    assert 2 == len(lists[0].items[0].patterns)


def test_an_item_without_legal_basis_or_field_of_duty_cannot_be_published():
    assert [(2, "domain"), (2, "legal_basis")] == faults_of([make_row(legal_basis=" ", domain="")])


def test_numbers_and_patterns_are_not_given_twice_in_one_version():
    assert [(3, "item"), (3, "pattern")] == faults_of([make_row(), make_row(categories="09001")])


def test_rows_of_one_version_agree_about_its_dates():
    other = make_row(no="2", categories="07*", effective_from="2026-08-01")
    assert [(3, "effective_from")] == faults_of([make_row(), other])


def test_the_street_cannot_be_named_as_leader_of_what_it_assists():
    assert [(2, "lead_unit_kind")] == faults_of([make_row(duty_role="assist")])


def test_a_wrong_pattern_is_a_fault_of_its_row():
    assert [(2, "")] == faults_of([make_row(categories="06*;6**")])


# The shipped list


@pytest.fixture(scope="module")
def listed():
    (found,) = parse_duty_lists(rows("duty_list_demo.csv"))
    return found


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(parse_categories(rows("gbt_47678_5_2026.csv") + rows("local_tj_demo.csv")))


def test_every_matter_of_the_standard_has_a_place_on_the_demo_list(listed, catalogue):
    off = [
        str(category.key)
        for category in catalogue.in_use(ON)
        if category.kind is CategoryKind.MATTER and check_duty(listed, category, ON).waits_for_approval
    ]
    assert ["LOCAL-TJ:matter:L09001"] == off


def test_every_field_of_article_6_is_on_the_demo_list(listed):
    assert set(DutyDomain) == {item.domain for item in listed.items}


def test_every_group_of_article_23_is_mapped_and_old_compounds_are_only_assisted(listed, catalogue):
    groups = {
        "rivers and lakes": ["06025", "06026"],
        "old compounds": ["L03005"],
        "city appearance": ["06010", "06012"],
        "pollution": ["06027", "06028"],
        "sorting of refuse": ["06041"],
        "parking": ["09009", "09010"],
        "unauthorised building": ["06001"],
        "disease vectors": ["L01002"],
    }
    for group, codes in groups.items():
        for code in codes:
            assert check_duty(listed, catalogue.find(code, ON), ON).item is not None, group
    assert DutyStanding.ASSIST is check_duty(listed, catalogue.find("L03005", ON), ON).standing
