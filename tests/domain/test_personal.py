"""Personal values are shown as the table says, to every role and in every kind of field."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.personal import (
    SHOWN,
    Field,
    Shown,
    holds_numbers,
    identity_check,
    is_identity_number,
    normal_phone,
    short_name,
    short_phone,
    short_text,
    show,
    shown_to,
    without_numbers,
)
from gridmgmt.errors import InvalidInput

# Made at run time, so that no file of the repository holds a number that could be somebody's.
IDENTITY = (first := "330100" + date(1900, 1, 1).strftime("%Y%m%d") + "123") + identity_check(first)
PHONE = "13800001234"
TEXT = f"请联系 {PHONE}，证件 {IDENTITY}。"

# Roles from top to bottom, fields from left to right: f full, s short, - not at all.
#                          name phone text  id  staff login
MATRIX = {
    Role.GRID_WORKER:            "s s s s f -",
    Role.ACCEPTOR:               "s s s s f -",
    Role.SHIFT_LEADER:           "s s s s f -",
    Role.DISPATCHER:             "s s s s f -",
    Role.HANDLER:                "s s s s f -",
    Role.SUPERVISOR:             "s s s s f -",
    Role.DIRECTOR:               "s s s s f -",
    Role.DISTRICT_OFFICER:       "s s s s f -",
    Role.PLANNER:                "- - - - s -",
    Role.ADMINISTRATOR:          "- - - - f f",
    Role.SECURITY_ADMINISTRATOR: "- - - - f f",
    Role.AUDITOR:                "- - - - f -",
    Role.PEER:                   "- - - - - -",
    Role.SYSTEM:                 "- - - - - -",
}  # fmt: skip
VALUES = {
    Field.CONTACT_NAME: ("欧阳小明", "欧***"),
    Field.CONTACT_PHONE: (PHONE, "138****1234"),
    Field.FREE_TEXT: (TEXT, f"请联系 138****1234，证件 3301**********{IDENTITY[-4:]}。"),
    Field.IDENTITY_NUMBER: (IDENTITY, f"3301**********{IDENTITY[-4:]}"),
    Field.STAFF_NAME: ("张三", "张*"),
    Field.STAFF_LOGIN: ("zhangsan", "z*******"),
}


def actor(*roles: Role) -> Actor:
    return Actor(UUID(int=1), "某人", frozenset(roles), frozenset({"120116005"}))


def test_every_role_and_every_field_is_in_the_table() -> None:
    assert set(Role) == set(SHOWN) == set(MATRIX)
    assert all(set(Field) == set(row) for row in SHOWN.values())


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_of_each_field_what_is_written_down(role: Role) -> None:
    for field, letter in zip(Field, MATRIX[role].split(), strict=True):
        full, short = VALUES[field]
        assert {"f": full, "s": short, "-": None}[letter] == show(actor(role), field, full)


def test_somebody_with_two_posts_sees_what_one_of_them_allows() -> None:
    assert shown_to(actor(Role.PLANNER, Role.HANDLER), Field.STAFF_NAME) is Shown.FULL
    assert shown_to(actor(), Field.STAFF_NAME) is Shown.HIDDEN
    assert show(actor(Role.HANDLER), Field.CONTACT_NAME, None) is None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("电话13800001234。", "电话138****1234。"),
        ("tel:+86 138-0000-1234", "tel:138****1234"),
        ("１３８００００１２３４", "138****1234"),
        ("138 0000 1234 或 139 0000 1234", "138****1234 或 139****1234"),
        ("车牌津A12345，200元", "车牌津A12345，200元"),
        ("网格120116005001001", "网格120116005001001"),
        ("案卷120116202611230000427", "案卷120116202611230000427"),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c13800001234", None),
        ("文号330100201320123456", "文号330100201320123456"),
        ("138****1234", "138****1234"),
    ],
)
def test_numbers_in_text_are_short_and_nothing_else_is_touched(written: str, shown: str | None) -> None:
    assert (written if shown is None else shown) == short_text(written)
    assert holds_numbers(written) == (short_text(written) != written)


def test_facts_lose_their_numbers_at_every_depth_and_nothing_else() -> None:
    facts = {"a": [f"找{PHONE}", 13800001234, None], "b": {"c": (PHONE,)}, PHONE: True}
    assert {"a": ["找138****1234", 13800001234, None], "b": {"c": ["138****1234"]}, PHONE: True} == (
        without_numbers(facts)
    )


@given(st.text(max_size=60))
def test_shortening_twice_is_shortening_once(text: str) -> None:
    assert short_text(text) == short_text(short_text(text))


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "+86", "0086 ", "86-"]))
def test_no_mobile_number_stays_whole_in_a_sentence(number: str, prefix: str) -> None:
    spaced = f"{number[:3]} {number[3:7]}-{number[7:]}"
    for written in (number, spaced):
        shown = short_text(f"住户说{prefix}{written}，谢谢")
        assert number not in shown.replace(" ", "").replace("-", "")
        assert normal_phone(prefix + written) == number


def test_names_and_other_numbers_keep_little() -> None:
    assert ("", "*", "张*") == (short_name(""), short_name("张"), short_name("张三"))
    assert ("*********00", "****") == (short_phone("022-25300000"), short_phone("1234"))


def test_an_identity_number_is_known_by_its_check_character() -> None:
    assert is_identity_number(IDENTITY)
    wrong = IDENTITY[:-1] + ("0" if IDENTITY[-1] != "0" else "1")
    assert not is_identity_number(wrong)
    assert not is_identity_number(IDENTITY[:6] + "19991332" + IDENTITY[14:])
    # A slip of the pen is somebody's number all the same.
    assert holds_numbers(wrong)


@pytest.mark.parametrize("wrong", ["", "12", "no number", "1" * 17])
def test_what_is_no_telephone_number_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInput):
        normal_phone(wrong)
