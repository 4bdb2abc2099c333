"""Which passwords are refused: the common ones, whatever they are dressed up as."""

import itertools
from datetime import timedelta

import pytest

from gridmgmt.domain.commonpasswords import examples, is_common
from gridmgmt.domain.passwordrules import PasswordRules, check_password, has_expired
from gridmgmt.errors import WeakPassword
from tests.builders_cases import NOW

KNOWN = [
    "1234567890", "password123", "P@ssw0rd", "Passw0rd!", "qwertyuiop", "1qaz2wsx3edc", "woaini1314520",
    "Woaini520!", "zhangwei123", "wangfang1990", "tianjin2026", "Tianjin@2026", "admin888",
    "Admin@123", "wangge123456", "jiedao2025!", "binhai@2024", "iloveyou520", "abc123456", "a123456789",
    "123456abc", "520woaini", "nihao123", "helloworld1", "xiaoming666", "5201314520", "Qwerty!@#123",
    "letmein!!", "88888888", "password_2024", "lihui88888888", "zhoujie2008",
]  # fmt: skip
FINE = [
    "correct horse battery", "kanchuang-wai-de-huaishu", "三月的海河边有风", "tv9!mQx2rLw",
    "a grid of streets",
    "nvYg7bTR4m", "zhongguo renmin wansui",
]  # fmt: skip


@pytest.mark.parametrize("password", KNOWN)
def test_what_many_people_use_is_common(password: str) -> None:
    assert is_common(password), password


@pytest.mark.parametrize("password", FINE)
def test_what_somebody_made_up_is_not(password: str) -> None:
    assert not is_common(password)
    check_password(password, PasswordRules(minimum_characters=8), ["demo-shift"])


def test_far_more_than_ten_thousand_that_are_long_enough_are_known() -> None:
    """ASVS 5.0, 6.2.4 asks for the common ones *that the other rules accept*."""
    rules = PasswordRules()
    long_enough = (p for p in examples() if len(p) >= rules.minimum_characters)
    known = set(itertools.islice(long_enough, 0, 60_000, 3))
    assert len(known) >= 10_000
    assert [p for p in known if not is_common(p)] == []


@pytest.mark.parametrize(
    ("password", "kinds"),
    [("only lower case", False), ("Upper and lower", True), ("Ab3defghijkl", True), ("ab3defghijkl", False)],
)
def test_composition_matters_only_where_a_site_must(password: str, kinds: bool) -> None:
    check_password(password, PasswordRules(), [])
    strict = PasswordRules(complexity=True)
    if kinds:
        check_password(password, strict, [])
    else:
        with pytest.raises(WeakPassword) as refused:
            check_password(password, strict, [])
        assert refused.value.facts["reasons"] == ["too_simple"]


@pytest.mark.parametrize(("days", "age", "expired"), [(0, 9999, False), (90, 89, False), (90, 90, True)])
def test_a_password_ages_only_where_a_site_must(days: int, age: int, expired: bool) -> None:
    assert has_expired(NOW - timedelta(days=age), PasswordRules(days=days), NOW) is expired
