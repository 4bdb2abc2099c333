r"""The one form of bytes of a JSON text: RFC 8785, and exact where that is not.

RFC 8785 (JCS) writes numbers as doubles. A database holds numbers that no double does, and a forger must not
be able to change the digits that a double forgets: such a number becomes
``{"\u0000number": "<its text>"}``. That cannot be mistaken, since PostgreSQL stores no U+0000 in JSON.

Most rows hold nothing but strings, small integers and ASCII names; for those orjson's sorted output is
the same bytes at a sixteenth of the price (a test compares the two).
"""

import json
import math
from decimal import Decimal
from typing import Any

import orjson
import rfc8785

_LARGEST_EXACT = 2**53 - 1
_NUMBER = "\x00number"


def canonical(text: str) -> bytes:
    """The bytes that stand for a JSON text, however it was spaced and ordered.

    A text that is no JSON, or nested beyond what a parser takes, stands for itself: whatever a row
    was changed into, its bytes differ from what they were.

    >>> canonical('{"b": 1, "a": [true, null]}')
    b'{"a":[true,null],"b":1}'
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        return _exact(text)
    if _is_plain(value):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return _exact(text)


def _is_plain(value: Any) -> bool:
    """Whether orjson writes this as RFC 8785 would: no fractions, no wide integers, ASCII names."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_LARGEST_EXACT <= value <= _LARGEST_EXACT)
    if kind is dict:
        return all(name.isascii() and _is_plain(inner) for name, inner in value.items())
    return kind is list and all(map(_is_plain, value))


def _exact(text: str) -> bytes:
    try:
        value = json.loads(text, parse_int=_number, parse_float=_number)
        return rfc8785.dumps(value)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError):
        return b"\x00" + text.encode("utf-8", "surrogatepass")


def _number(text: str) -> Any:
    """A number where RFC 8785 keeps all of it, its text where not."""
    if text.lstrip("-").isdigit():
        whole = int(text) if len(text) < 20 else None
        exact = whole is not None and -_LARGEST_EXACT <= whole <= _LARGEST_EXACT
        return whole if exact else {_NUMBER: text}
    rounded = float(text)
    if math.isfinite(rounded) and Decimal(repr(rounded)) == Decimal(text):
        return rounded
    return {_NUMBER: text}
