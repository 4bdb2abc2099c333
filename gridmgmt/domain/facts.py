"""Reading the facts that a person states with an action.

Facts arrive as JSON values in a mapping and are stored as they came. What a rule computes with is read
here, strictly: a value that does not fit is the sender's to mend (InvalidInput), never a default of
ours and never a crash. Whether a fact is there at all is the workflow table's business.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import InvalidInput


def is_empty(value: object) -> bool:
    """Whether this says nothing: None, blank text, an empty collection. False and 0 are answers."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, tuple, dict, set, frozenset)) and not value)


def read_id(facts: Mapping[str, Any], name: str) -> UUID:
    """An id in any spelling that UUIDs have.

    Raises
    ------
    InvalidInput
        It is none; ``facts["field"]`` names it. So do all readers below.
    """
    try:
        return UUID(str(facts[name]))
    except ValueError:
        raise _unreadable(name, "an id") from None


def read_amount(facts: Mapping[str, Any], name: str) -> int:
    """A whole number of at least 1, as a number or in digits."""
    value = facts[name]
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= 9 else 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _unreadable(name, "a whole number of at least 1")
    return value


def read_limit_unit(facts: Mapping[str, Any], name: str) -> LimitUnit:
    """A unit of limits by its stored value."""
    try:
        return LimitUnit(facts[name])
    except ValueError:
        raise _unreadable(name, f"one of {', '.join(LimitUnit)}") from None


def read_day(facts: Mapping[str, Any], name: str) -> date:
    """A date in ISO 8601, such as 2026-12-01."""
    try:
        return date.fromisoformat(str(facts[name]))
    except ValueError:
        raise _unreadable(name, "a date such as 2026-12-01") from None


def read_yes_no(facts: Mapping[str, Any], name: str) -> bool:
    """True or "yes", False or "no"."""
    value = facts[name]
    if isinstance(value, bool):
        return value
    if value not in ("yes", "no"):
        raise _unreadable(name, "yes or no")
    return bool(value == "yes")


def _unreadable(name: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"The fact {name} must be {wanted}.", rule="R22a", field=name)
