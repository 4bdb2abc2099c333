"""The catalogue: dated classes, the choice of a limit, tables with faults, and the shipped data."""

import csv
from datetime import date
from pathlib import Path

import pytest

from gridmgmt.domain.pattern import CategoryKey, CategoryKind, CategoryPattern, PatternTable
from gridmgmt.domain.taxonomy import (
    AutoPolicy,
    Catalogue,
    Category,
    HandlingLimit,
    Limit,
    StageLimit,
    check_limits,
    parse_categories,
    parse_closing_conditions,
    parse_filing_conditions,
    parse_limits,
    parse_stage_limits,
)
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import InvalidInput, MissingFact, UnknownCategory

DATA = Path(__file__).parents[2] / "data" / "catalogue"
STANDARD = "GB/T 47678.5-2026"
ON = date(2026, 11, 23)


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make_category(code="06010", kind=CategoryKind.MATTER, **over):
    facts = {
        "standard_ref": STANDARD,
        "kind": kind,
        "code": code,
        "name": "暴露垃圾",
        "major_code": code[:2],
        "major_name": "市容环境类",
        "valid_from": date(2026, 7, 1),
        **over,
    }
    return Category(**facts)


def make_limit(pattern="*", amount=5, unit=LimitUnit.WORKING_DAY, **over):
    facts = {"source": "test", "valid_from": date(2020, 11, 1), **over}
    return HandlingLimit(CategoryPattern.parse(pattern), Limit(amount, unit), **facts)


def make_row(**over):
    return {
        "standard_ref": STANDARD,
        "kind": "matter",
        "code": "06010",
        "name": "暴露垃圾",
        "name_en": "",
        "major_code": "06",
        "major_name": "市容环境类",
        "valid_from": "2026-07-01",
        "valid_to": "",
        "minor": "1",
        "evidence_required": "1",
        "emergency": "0",
        "auto_policy": "dispatch",
        "source": "test",
        **over,
    }


def faults_of(parse, table):
    with pytest.raises(InvalidInput) as refusal:
        parse(table)
    return [(fault["row"], fault["column"]) for fault in refusal.value.facts["faults"]]


# Names of classes


def test_a_class_is_named_by_standard_kind_and_code():
    key = CategoryKey.parse(f"{STANDARD}:matter:06010")
    assert CategoryKey(STANDARD, CategoryKind.MATTER, "06010") == key
    assert f"{STANDARD}:matter:06010" == str(key)


@pytest.mark.parametrize("text", ["", "06010", "matter:06010", "GB/T 1:event:06010", "GB/T 1:matter:", "::"])
def test_a_text_that_is_no_full_name_is_refused(text):
    with pytest.raises(InvalidInput):
        CategoryKey.parse(text)


@pytest.mark.parametrize(
    "text", ["06010", "06*", "*", "matter:01*", "part:*", "GB/T 47678.5-2026:matter:06010"]
)
def test_a_pattern_reads_back_as_written(text):
    assert text == str(CategoryPattern.parse(text))


@pytest.mark.parametrize("text", ["", "0*1", "**", "event:06*", "matter:", "06010;06011", "０６*"])
def test_a_wrong_pattern_is_refused(text):
    with pytest.raises(InvalidInput):
        CategoryPattern.parse(text)


def test_the_narrowest_pattern_wins_whatever_the_order():
    texts = ["*", "01*", "matter:01*", "0100*", "01001", "matter:01001", f"{STANDARD}:matter:01001"]
    key = CategoryKey(STANDARD, CategoryKind.MATTER, "01001")
    for order in (texts, texts[::-1]):
        table = PatternTable((CategoryPattern.parse(text), text) for text in order)
        assert tuple(texts[::-1]) == table.matching(key)
    assert PatternTable([(CategoryPattern.parse("part:*"), 1)]).best(key) is None


# Finding a class


def test_a_standard_that_replaces_another_holds_from_its_day_on():
    old = make_category(
        standard_ref="GB/T 30428.2-2013", valid_from=date(2013, 1, 1), valid_to=date(2026, 7, 1)
    )
    new = make_category()
    catalogue = Catalogue([old, new])
    assert old == catalogue.find("06010", date(2026, 6, 30))
    assert new == catalogue.find("06010", date(2026, 7, 1))


def test_one_code_for_a_component_and_a_matter_needs_its_kind():
    part, matter = make_category("01001", CategoryKind.PART), make_category("01001")
    catalogue = Catalogue([part, matter])
    assert part == catalogue.find("part:01001", ON)
    assert matter == catalogue.find(matter.key, ON)
    with pytest.raises(UnknownCategory) as refusal:
        catalogue.find("01001", ON)
    assert {str(part.key), str(matter.key)} == set(refusal.value.facts["candidates"])


def test_an_unknown_class_is_refused_and_one_of_another_day_is_told_apart():
    catalogue = Catalogue([make_category()])
    for name, on, known in (("06999", ON, False), ("06010", date(2026, 6, 30), True)):
        with pytest.raises(UnknownCategory) as refusal:
            catalogue.find(name, on)
        assert known == refusal.value.facts["known"]


def test_a_policy_includes_the_steps_before_it():
    assert AutoPolicy.DISPATCH.reaches(AutoPolicy.FILE)
    assert AutoPolicy.FILE.reaches(AutoPolicy.FILE)
    assert not AutoPolicy.ACCEPT.reaches(AutoPolicy.FILE)
    assert not AutoPolicy.NONE.reaches(AutoPolicy.ACCEPT)


# Choosing a limit


def test_the_limit_of_the_class_comes_before_that_of_its_major_and_the_fallback():
    category = make_category()
    limits = [make_limit("*", 5), make_limit("06*", 3), make_limit("06010", 4, LimitUnit.WORKING_HOUR)]
    for n, expected in ((3, 4), (2, 3), (1, 5)):
        assert expected == Catalogue([category], limits[:n]).limit_for(category, ON).limit.amount


def test_area_class_and_filing_condition_choose_a_row_and_others_fall_back():
    category = make_category()
    catalogue = Catalogue(
        [category],
        [
            make_limit("06010", 1),
            make_limit("06010", 2, area_class="outer"),
            make_limit("06010", 3, condition="missing"),
            make_limit("06010", 4, area_class="outer", condition="missing"),
        ],
    )
    for area_class, condition, expected in (
        ("", "", 1),
        ("inner", "slight", 1),
        ("outer", "", 2),
        ("outer", "slight", 2),
        ("", "missing", 3),
        ("outer", "missing", 4),
    ):
        assert expected == catalogue.limit_for(category, ON, area_class, condition).limit.amount


def test_a_limit_holds_from_its_first_day_and_not_on_its_last():
    category = make_category()
    old = make_limit("06010", 1, valid_to=date(2026, 11, 1), source="old")
    new = make_limit("06010", 2, valid_from=date(2026, 11, 1), source="new")
    catalogue = Catalogue([category], [old, new])
    assert "old" == catalogue.limit_for(category, date(2026, 10, 31)).source
    assert "new" == catalogue.limit_for(category, date(2026, 11, 1)).source


def test_a_class_without_any_limit_is_an_error_and_found_when_the_catalogue_is_adopted():
    category = make_category()
    catalogue = Catalogue([category], [make_limit("07*")])
    with pytest.raises(MissingFact):
        catalogue.limit_for(category, ON)
    with pytest.raises(InvalidInput) as refusal:
        check_limits(catalogue, ON)
    assert [str(category.key)] == refusal.value.facts["without_limit"]


def test_a_stage_limit_of_an_urgency_falls_back_to_the_general_one():
    stages = [
        StageLimit("reported", Limit(30, LimitUnit.NATURAL_MINUTE), "test"),
        StageLimit("sign_for", Limit(1, LimitUnit.WORKING_DAY), "test"),
        StageLimit("sign_for", Limit(15, LimitUnit.NATURAL_MINUTE), "test", "emergency"),
    ]
    catalogue = Catalogue([], stage_limits=stages)
    assert {State.REPORTED: Limit(30, LimitUnit.NATURAL_MINUTE)} == catalogue.desk_limits()
    assert 15 == catalogue.stage_limit_for("sign_for", "emergency").limit.amount
    assert 1 == catalogue.stage_limit_for("sign_for", "utility").limit.amount
    assert catalogue.stage_limit_for("handling") is None


# Tables with faults


def test_every_fault_of_a_table_is_reported_at_once_with_row_and_column():
    table = [
        make_row(),
        make_row(code="06011", kind="event", valid_from="1 July"),
        make_row(code="07012", name=""),
        make_row(code="06013", minor="maybe"),
    ]
    expected = [(3, "valid_from"), (3, "kind"), (4, "code"), (4, "name"), (5, "minor")]
    assert expected == faults_of(parse_categories, table)


def test_a_row_with_too_many_cells_is_a_fault_and_not_shifted_quietly():
    assert [(2, "")] == faults_of(parse_categories, [{**make_row(), None: ["surplus"]}])


def test_a_column_that_is_not_there_is_a_fault_of_every_row():
    table = [{k: v for k, v in make_row().items() if k != "source"}]
    assert [(2, "source")] == faults_of(parse_categories, table)


def test_a_class_that_ends_before_it_starts_is_a_fault():
    assert [(2, "valid_to")] == faults_of(parse_categories, [make_row(valid_to="2026-07-01")])


def test_two_rows_of_one_class_may_follow_each_other_but_not_overlap():
    first = make_row(valid_to="2027-01-01")
    assert 2 == len(parse_categories([first, make_row(valid_from="2027-01-01")]))
    assert [(3, "code")] == faults_of(parse_categories, [first, make_row(valid_from="2026-12-31")])
    assert [(3, "code")] == faults_of(parse_categories, [make_row(valid_from="2027-01-01"), make_row()])


def test_two_limits_for_the_same_at_one_time_are_a_fault():
    row = {
        "category": "06*", "area_class": "", "condition": "", "amount": "4", "unit": "working_hour",
        "valid_from": "2026-01-01", "valid_to": "", "source": "test",
    }  # fmt: skip
    assert [(3, "category")] == faults_of(parse_limits, [row, {**row, "valid_from": "2026-07-01"}])
    assert 2 == len(parse_limits([row, {**row, "area_class": "outer"}]))
    bad = [
        {**row, "amount": "0"},
        {**row, "amount": "1.5"},
        {**row, "unit": "day"},
        {**row, "category": "**"},
    ]
    assert [(2, "amount"), (3, "amount"), (4, "unit"), (5, "")] == faults_of(parse_limits, bad)


def test_a_stage_limit_names_a_state_of_the_workflow():
    row = {"state": "reported", "urgency": "", "amount": "30", "unit": "natural_minute", "source": "test"}
    assert 1 == len(parse_stage_limits([row]))
    assert [(2, "state")] == faults_of(parse_stage_limits, [{**row, "state": "waiting"}])
    assert [(3, "state")] == faults_of(parse_stage_limits, [row, row])


# The shipped data


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(
        parse_categories(rows("gbt_47678_5_2026.csv") + rows("local_tj_demo.csv")),
        parse_limits(rows("handling_limits.csv")),
        parse_stage_limits(rows("stage_limits.csv")),
        parse_filing_conditions(rows("filing_conditions.csv")),
        parse_closing_conditions(rows("closing_conditions.csv")),
    )


def test_the_standard_has_153_components_and_250_matters_by_major_class(catalogue):
    count = {}
    for category in catalogue.in_use(ON):
        if category.standard_ref == STANDARD:
            name = (category.kind, category.major_code)
            count[name] = count.get(name, 0) + 1
    parts = {"01": 76, "02": 44, "03": 16, "04": 14, "05": 3}
    matters = {**parts, "06": 51, "07": 7, "08": 16, "09": 21, "10": 2}
    expected = {(CategoryKind.PART, major): n for major, n in parts.items()}
    expected |= {(CategoryKind.MATTER, major): n for major, n in matters.items()}
    assert expected == count
    assert (153, 250) == (sum(parts.values()), sum(matters.values()))


def test_every_component_is_mirrored_by_the_matter_that_something_is_wrong_with_it(catalogue):
    for part in catalogue.in_use(ON):
        if part.kind is CategoryKind.PART:
            assert f"{part.name}异常" == catalogue.find(f"matter:{part.code}", ON).name


def test_some_classes_known_by_heart_have_their_names(catalogue):
    for name, expected in {
        "part:01001": "供水井盖",
        "matter:01001": "供水井盖异常",
        "06010": "暴露垃圾",
        "06025": "水域不洁",
        "09012": "占用消防通道",
        "10002": "架空线缆脱落",
    }.items():
        assert expected == catalogue.find(name, ON).name
    for gap in ("01016", "06031", "07005", "09007", "05001"):
        with pytest.raises(UnknownCategory):
            catalogue.find(gap, ON)


def test_no_class_of_the_new_standard_is_in_use_before_july_2026(catalogue):
    assert {"LOCAL-TJ"} == {category.standard_ref for category in catalogue.in_use(date(2026, 6, 30))}


def test_every_class_has_an_english_name_a_source_and_a_limit_with_a_source(catalogue):
    check_limits(catalogue, ON)
    for category in catalogue.in_use(ON):
        assert category.name_en
        assert category.name_en.isascii() or "ç" in category.name_en
        assert category.major_name_en
        assert category.source
        assert catalogue.limit_for(category, ON).source


def test_an_emergency_never_waits_at_a_desk_and_never_runs_out_by_default(catalogue):
    emergencies = [c for c in catalogue.in_use(ON) if c.emergency and c.standard_ref == STANDARD]
    assert 20 < len(emergencies)
    assert all(c.auto_policy is AutoPolicy.DISPATCH for c in emergencies if c.kind is CategoryKind.MATTER)


def test_the_sample_limits_are_those_of_the_field(catalogue):
    for code, amount, unit in (
        ("06010", 4, LimitUnit.WORKING_HOUR),
        ("06012", 2, LimitUnit.WORKING_HOUR),
        ("06011", 2, LimitUnit.WORKING_DAY),
        ("06025", 15, LimitUnit.WORKING_DAY),
    ):
        assert Limit(amount, unit) == catalogue.limit_for(catalogue.find(code, ON), ON).limit
    waste = catalogue.find("06011", ON)
    assert (
        Limit(4, LimitUnit.WORKING_HOUR)
        == catalogue.limit_for(waste, ON, condition="construction_waste").limit
    )


def test_every_filing_condition_that_a_limit_names_exists_for_its_classes(catalogue):
    for limit in parse_limits(rows("handling_limits.csv")):
        if limit.condition:
            category = catalogue.find(str(limit.pattern).replace("matter:", f"{STANDARD}:matter:"), ON)
            assert limit.condition in {c.code for c in catalogue.filing_conditions_for(category)}


def test_every_class_has_a_closing_condition_and_the_narrowest_is_used(catalogue):
    assert all(catalogue.closing_condition_for(category) for category in catalogue.in_use(ON))
    assert "拆除" in catalogue.closing_condition_for(catalogue.find("06001", ON)).text


def test_every_state_that_waits_for_a_desk_has_a_limit(catalogue):
    # handling runs on the handling limit, on_hold on its planned day
    waiting = {s for s in State if not s.is_final} - {State.HANDLING, State.ON_HOLD}
    assert waiting == set(catalogue.desk_limits())


def test_the_signing_limits_are_those_of_the_hotline_rule(catalogue):
    for urgency, expected in {
        "emergency": Limit(15, LimitUnit.NATURAL_MINUTE),
        "utility": Limit(30, LimitUnit.NATURAL_MINUTE),
        "general": Limit(1, LimitUnit.WORKING_DAY),
    }.items():
        assert expected == catalogue.stage_limit_for("sign_for", urgency).limit
