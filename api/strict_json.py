"""JSON as this server takes it: stricter than the grammar, so that every reader sees the same thing.

Two parsers that disagree about one text are a way in: the one that checks sees the harmless key, the
one that acts the other. And what PostgreSQL cannot keep (NUL, half a surrogate pair) or only costs
(thousands of levels, numbers of a thousand digits) is refused here, before a model or a query meets it.
Stricter than RFC 8259 where that says "SHOULD" or "interoperable": I-JSON (RFC 7493) in all but time.
"""

import json
from collections.abc import Sequence

import orjson

MOST_LEVELS = 20
MOST_VALUES = 20_000
MOST_KEY_CHARACTERS = 100
_INTEGERS = range(-(2**63), 2**63)


class _Refused(Exception):
    pass


def fault_of(content: bytes) -> str | None:
    """What is wrong with a JSON text, in one English sentence; None when it is taken.

    Parameters
    ----------
    content : of bounded length; an empty text has no fault, whoever wants a body will miss it.

    Examples
    --------
    >>> fault_of(b'{"lon": 117.65}')
    >>> fault_of(b'{"lon": 1, "lon": 2}')
    'The key "lon" is given twice.'
    >>> fault_of(b'{"lon": 1e400}')
    'This is not JSON: number is infinity when parsed as double.'
    """
    if not content:
        return None
    try:
        # Refuses NaN, Infinity, 1e400, half surrogate pairs, what is not UTF-8, over 1,024 levels.
        value = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        return f"This is not JSON: {exc.msg}."
    try:
        _require_small(value)
        json.loads(content, object_pairs_hook=_unique, parse_int=_bounded)
    except _Refused as refusal:
        return str(refusal)
    return None


def _require_small(value: object) -> None:
    """Levels, values, characters; without recursion, for levels are what is in question."""
    waiting, seen = [(value, 1)], 0
    while waiting:
        one, level = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise _Refused(f"The text has over {MOST_VALUES} values.")
        if isinstance(one, str):
            if "\x00" in one:
                raise _Refused("A text holds the character NUL.")
        elif isinstance(one, (dict, list)):
            if level > MOST_LEVELS:
                raise _Refused(f"The text has over {MOST_LEVELS} levels.")
            parts: Sequence[object] = list(one.values()) if isinstance(one, dict) else one
            waiting += [(part, level + 1) for part in parts]


def _unique(pairs: list[tuple[str, object]]) -> None:
    keys = set()
    for key, _ in pairs:
        if len(key) > MOST_KEY_CHARACTERS or "\x00" in key:
            raise _Refused(f"A key has over {MOST_KEY_CHARACTERS} characters, or NUL among them.")
        if key in keys:
            raise _Refused(f'The key "{key}" is given twice.')
        keys.add(key)


def _bounded(digits: str) -> int:
    # Far more digits than 64 bits have are not even turned into a number.
    if len(digits) > 20 or (number := int(digits)) not in _INTEGERS:
        raise _Refused("A whole number has over 64 bits.")
    return number
