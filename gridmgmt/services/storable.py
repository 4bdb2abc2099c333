"""What JSON can say and the database cannot keep is refused before anything is decided.

PostgreSQL's text has no NUL and no half of a surrogate pair; stored JSON has no NaN, and its writer takes
whole numbers of 64 bits. Facts of a move are free JSON, so nothing else has looked at them yet.
"""

import math

from gridmgmt.errors import InvalidInput

_DEEPEST = 16
_INTEGERS = range(-(2**63), 2**64)


def require_storable(value: object, field: str) -> None:
    """Refuse a JSON value that could not be stored as it is.

    Parameters
    ----------
    value : as ``json.loads`` gives it.
    field : what to call it in the refusal.

    Raises
    ------
    InvalidInput
        Text with a NUL or half a surrogate pair, a number that is not finite or has over 64 bits, or more
        than 16 levels of nesting.
    """
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        match one:
            case str() if _is_text(one):
                pass
            case bool() | None:
                pass
            case int() if one in _INTEGERS:
                pass
            case float() if math.isfinite(one):
                pass
            case dict() if depth < _DEEPEST:
                waiting += [(part, depth + 1) for pair in one.items() for part in pair]
            case list() if depth < _DEEPEST:
                waiting += [(part, depth + 1) for part in one]
            case _:
                raise InvalidInput(
                    f"The {field} hold something that cannot be stored: text with characters that are none,"
                    f" a number beyond 64 bits or none at all, or over {_DEEPEST} levels.",
                    field=field,
                )


def _is_text(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
