"""Canonical bytes: RFC 8785 where it is exact, and no number that two texts share."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.canonical import canonical

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    plain | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_is_rfc_8785_for_whatever_doubles_hold(value: object) -> None:
    assert canonical(json.dumps(value)) == rfc8785.dumps(value)


@given(values)
def test_order_and_spaces_do_not_matter(value: object) -> None:
    spaced = json.dumps(value, indent=3, ensure_ascii=False)
    assert canonical(spaced) == canonical(json.dumps(value, sort_keys=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740993", "9007199254740992"),
        ("1180591620717411303424", "1180591620717411303425"),
        ("0.10000000000000000001", "0.1"),
        ("1e400", "1e401"),
        ("9007199254740993", '{"number": "9007199254740993"}'),
        ('"1"', "1"),
        ("[1]", "[1, null]"),
    ],
)
def test_two_values_never_share_their_bytes(one: str, other: str) -> None:
    assert canonical(f'{{"facts": {one}}}') != canonical(f'{{"facts": {other}}}')


def test_the_same_number_written_twice_is_one() -> None:
    assert canonical("1.50") == canonical("1.5") == b"1.5"


@pytest.mark.parametrize("text", ["", "{", "[" * 5000 + "]" * 5000, '{"a": NaN}'])
def test_what_no_parser_takes_stands_for_itself(text: str) -> None:
    assert canonical(text) != canonical(text + " ")
    assert canonical(text) == canonical(text)
