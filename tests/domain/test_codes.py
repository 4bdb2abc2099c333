"""Codes: what is accepted, what is refused and why, and that formatting and parsing agree."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.domain.codes import (
    CaseNumber,
    CommunityCode,
    ComponentCode,
    DistrictCode,
    GridCode,
    LegacyComponentCode,
    SubdistrictCode,
    UnifiedSocialCreditCode,
    iso7064_mod11_10,
    parse_component_code,
)
from gridmgmt.errors import InvalidCode

unhurried = settings(deadline=None)
DISTRICTS = st.integers(110_000, 659_999).map(str)
SEGMENTS = st.integers(1, 999)
SEQUENCES = st.integers(0, 999_999)
DAYS = st.dates(date(2020, 1, 1), date(2099, 12, 31))


@unhurried
@given(DISTRICTS, SEGMENTS, SEGMENTS, SEGMENTS)
def test_a_grid_code_is_made_of_6_3_3_3_digits_and_gives_them_back(district, street, community, sequence):
    community_code = f"{district}{street:03d}{community:03d}"
    code = GridCode.of(community_code, sequence)
    assert f"{community_code}{sequence:03d}" == str(code)
    assert code == GridCode.parse(str(code))
    assert (district, f"{district}{street:03d}", community_code, sequence) == (
        code.district_code,
        code.subdistrict_code,
        code.community_code,
        code.sequence,
    )


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (DistrictCode, "120116"),
        (SubdistrictCode, "120116005"),
        (CommunityCode, "120116005003"),
        (GridCode, "120116005003007"),
        (ComponentCode, "12011601001000042"),
        (LegacyComponentCode, "1201160101000042"),
    ],
)
def test_every_code_of_digits_refuses_another_length_and_other_characters(kind, text):
    assert text == str(kind.parse(text))
    for wrong in (text[:-1], text + "1", "", text[:-1] + "A", text[:-1] + "\uff11", text[:-1] + "\u0661"):
        with pytest.raises(InvalidCode) as refusal:
            kind.parse(wrong)
        assert kind.kind == refusal.value.facts["kind"]
        assert not kind.is_valid(wrong)
    for blank in (" " + text[1:], text[:-1] + "\n"):
        assert not kind.is_valid(blank)
    assert not kind.is_valid("0" + text[1:])
    assert not kind.is_valid("9" + text[1:])


def test_a_code_that_is_no_text_is_refused_and_not_crashed_on():
    for wrong in (None, 120116, b"120116"):
        with pytest.raises(InvalidCode):
            DistrictCode.parse(wrong)


def test_a_full_width_digit_is_refused_with_its_position():
    with pytest.raises(InvalidCode) as refusal:
        GridCode.parse("12011600500300\uff17")
    assert 15 == refusal.value.facts["position"]


@pytest.mark.parametrize(
    ("code", "segment"),
    [
        ("120116000003007", "subdistrict"),
        ("120116005000007", "community"),
        ("120116005003000", "sequence"),
    ],
)
def test_a_cell_belongs_to_a_community_and_never_straight_to_street_or_district(code, segment):
    with pytest.raises(InvalidCode) as refusal:
        GridCode.parse(code)
    assert segment == refusal.value.facts["segment"]


@pytest.mark.parametrize("sequence", [0, -1, 1000])
def test_a_cell_sequence_lies_between_1_and_999(sequence):
    with pytest.raises(InvalidCode):
        GridCode.of("120116005003", sequence)


def test_codes_sort_like_their_text():
    assert GridCode("120116005003002") < GridCode("120116005003010") < GridCode("120116005004001")


@unhurried
@given(DISTRICTS, st.integers(1_000, 99_999), SEQUENCES)
def test_a_component_code_is_made_of_6_5_6_digits_and_gives_them_back(district, category, sequence):
    code = ComponentCode.of(district, f"{category:05d}", sequence)
    assert code == parse_component_code(str(code))
    assert (district, f"{category:05d}", sequence) == (code.district_code, code.category_code, code.sequence)


def test_the_old_component_code_of_16_digits_is_recognised_and_kept_apart():
    code = parse_component_code("3205080101000001")
    assert isinstance(code, LegacyComponentCode)
    assert ("0101", 1) == (code.category_code, code.sequence)
    with pytest.raises(InvalidCode):
        parse_component_code("320508010100001")


def test_a_component_sequence_has_six_digits():
    with pytest.raises(InvalidCode):
        ComponentCode.of("120116", "01001", 1_000_000)


@pytest.mark.parametrize(("body", "check"), [("79462", "3"), ("8609574271", "9"), ("0794", "5")])
def test_the_check_digit_agrees_with_published_examples_of_iso_7064(body, check):
    assert check == iso7064_mod11_10(body)


@unhurried
@given(DISTRICTS, DAYS, SEQUENCES)
def test_a_case_number_gives_back_what_it_was_made_of(district, day, sequence):
    number = CaseNumber.of(district, day, sequence)
    assert number == CaseNumber.parse(str(number))
    assert (district, day, sequence) == (number.district_code, number.opened_on, number.sequence)


@unhurried
@given(DISTRICTS, DAYS, SEQUENCES)
def test_every_single_wrong_digit_of_a_case_number_is_found(district, day, sequence):
    text = str(CaseNumber.of(district, day, sequence))
    for at, right in enumerate(text):
        for digit in "0123456789":
            if digit != right:
                assert not CaseNumber.is_valid(text[:at] + digit + text[at + 1 :])


def test_a_case_number_with_a_fitting_check_digit_but_no_date_is_refused():
    body = "12011620260230000001"
    with pytest.raises(InvalidCode) as refusal:
        CaseNumber.parse(body + iso7064_mod11_10(body))
    assert "date" in refusal.value.facts["reason"]


def test_a_refused_case_number_does_not_tell_the_right_digit():
    text = str(CaseNumber.of("120116", date(2026, 11, 23), 42))
    wrong = text[:-1] + str((int(text[-1]) + 1) % 10)
    with pytest.raises(InvalidCode) as refusal:
        CaseNumber.parse(wrong)
    assert {"kind", "value", "reason"} == set(refusal.value.facts)


@pytest.mark.parametrize("sequence", [-1, 1_000_000])
def test_a_case_sequence_that_is_used_up_is_refused(sequence):
    with pytest.raises(InvalidCode):
        CaseNumber.of("120116", date(2026, 11, 23), sequence)


@pytest.mark.parametrize("text", ["91330100799655058B", "914403001922038216", "9144030071526726XG"])
def test_credit_codes_in_public_use_are_accepted(text):
    assert text == str(UnifiedSocialCreditCode.parse(text))


@unhurried
@given(st.sampled_from(["91330100799655058B", "9144030071526726XG"]), st.integers(0, 17), st.data())
def test_every_single_wrong_character_of_a_credit_code_is_found(text, at, data):
    other = data.draw(st.sampled_from([c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if c != text[at]]))
    with pytest.raises(InvalidCode):
        UnifiedSocialCreditCode.parse(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("text", ["91330100799655058b", "9133010079965505", "I1330100799655058B", "", None])
def test_a_credit_code_in_small_letters_or_with_unused_letters_is_refused(text):
    with pytest.raises(InvalidCode):
        UnifiedSocialCreditCode.parse(text)
