"""Personal values: one form each so that equal ones compare equal, and a short form that says little. Pure.

The short forms are those in use: ``138****1234``, ``张*``, ``3301**********123X``. :data:`SHOWN` says which
role sees which field in full, short or not at all; what is shown short can be asked for with a purpose.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import InvalidInput

_COUNTRY = re.compile(r"^(?:\+|00)?86(?=1\d{10}$)")
_PHONE = re.compile(r"\+?\d{5,15}")
# Within text: the digits of a code go on before or after, those of a number do not. \d also
# means full-width digits, so their first ones are named with the others.
_MOBILE_IN_TEXT = re.compile(
    r"(?<![0-9０-９])(?:[+＋]?[8８][6６][-. ]?)?"
    r"[1１][3-9３-９]\d[-. ]?\d{4}[-. ]?\d{4}(?![0-9０-９])"
)
_IDENTITY_IN_TEXT = re.compile(r"(?<![0-9０-９])[1-9１-９]\d{16}[\dXxＸｘ](?![0-9０-９])")
_DIGIT = re.compile(r"\d")
_DIGEST = re.compile(r"[0-9a-fA-F-]{32,}")
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"


class Field(StrEnum):
    """Kinds of personal field that answers carry."""

    CONTACT_NAME = "contact_name"
    CONTACT_PHONE = "contact_phone"
    FREE_TEXT = "free_text"
    """What people wrote: numbers in it are shortened, the rest stays."""
    IDENTITY_NUMBER = "identity_number"
    STAFF_NAME = "staff_name"
    STAFF_LOGIN = "staff_login"


class Shown(StrEnum):
    """How much of a field somebody sees."""

    FULL = "full"
    SHORT = "short"
    HIDDEN = "hidden"


_LOOP = {
    Field.CONTACT_NAME: Shown.SHORT,
    Field.CONTACT_PHONE: Shown.SHORT,
    Field.FREE_TEXT: Shown.SHORT,
    Field.IDENTITY_NUMBER: Shown.SHORT,
    Field.STAFF_NAME: Shown.FULL,
    Field.STAFF_LOGIN: Shown.HIDDEN,
}
_NOTHING = dict.fromkeys(Field, Shown.HIDDEN)

SHOWN: Mapping[Role, Mapping[Field, Shown]] = MappingProxyType(
    {
        Role.GRID_WORKER: _LOOP,
        Role.ACCEPTOR: _LOOP,
        Role.SHIFT_LEADER: _LOOP,
        Role.DISPATCHER: _LOOP,
        Role.HANDLER: _LOOP,
        Role.SUPERVISOR: _LOOP,
        Role.DIRECTOR: _LOOP,
        Role.DISTRICT_OFFICER: _LOOP,
        # A planner counts; whom a cell belongs to, he need not know by name.
        Role.PLANNER: _NOTHING | {Field.STAFF_NAME: Shown.SHORT},
        Role.ADMINISTRATOR: _NOTHING | {Field.STAFF_NAME: Shown.FULL, Field.STAFF_LOGIN: Shown.FULL},
        Role.SECURITY_ADMINISTRATOR: _NOTHING | {Field.STAFF_NAME: Shown.FULL, Field.STAFF_LOGIN: Shown.FULL},
        Role.AUDITOR: _NOTHING | {Field.STAFF_NAME: Shown.FULL},
        Role.PEER: _NOTHING,
        Role.SYSTEM: _NOTHING,
    }
)
_MORE = (Shown.HIDDEN, Shown.SHORT, Shown.FULL)


def shown_to(actor: Actor, field: Field) -> Shown:
    """How much of a field the actor sees: the most that one of his roles allows."""
    allowed = (SHOWN.get(role, _NOTHING)[field] for role in actor.roles)
    return max(allowed, key=_MORE.index, default=Shown.HIDDEN)


def show(actor: Actor, field: Field, value: str | None) -> str | None:
    """A field as the actor sees it; None when there is none, or none for him."""
    shown = shown_to(actor, field)
    if value is None or shown is Shown.HIDDEN:
        return None
    return value if shown is Shown.FULL else _SHORTEN[field](value)


def short_name(name: str) -> str:
    """The first character and a star for each other.

    Examples
    --------
    >>> short_name("张三"), short_name("欧阳小明")
    ('张*', '欧***')
    """
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)


def short_phone(phone: str) -> str:
    """Three digits, four stars, four digits of a mobile number; the last two of any other.

    Examples
    --------
    >>> short_phone("13800001234"), short_phone("02225300000")
    ('138****1234', '*********00')
    """
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", phone))
    digits = _COUNTRY.sub("", digits)
    if re.fullmatch(r"1\d{10}", digits):
        return f"{digits[:3]}****{digits[-4:]}"
    return "*" * max(0, len(digits) - 2) + digits[-2:] if len(digits) > 4 else "*" * len(digits)


def short_identity_number(number: str) -> str:
    """Four digits, ten stars, the last four.

    Examples
    --------
    >>> short_identity_number("33010019000101123X")
    '3301**********123X'
    """
    return (
        f"{number[:4]}{'*' * max(0, len(number) - 8)}{number[-4:]}" if len(number) > 8 else "*" * len(number)
    )


def short_text(text: str) -> str:
    """Text whose mobile numbers and identity numbers are shortened; the rest stays.

    Examples
    --------
    >>> short_text("请回电 138 0000 1234，谢谢")
    '请回电 138****1234，谢谢'
    """
    if _DIGIT.search(text) is None or _DIGEST.fullmatch(text):
        return text
    return _MOBILE_IN_TEXT.sub(lambda found: short_phone(found[0]), _IDENTITY_IN_TEXT.sub(_short_found, text))


def _short_found(found: re.Match[str]) -> str:
    number = unicodedata.normalize("NFKC", found[0])
    return short_identity_number(number) if _has_birthday(number) else found[0]


def holds_numbers(text: str) -> bool:
    """Whether text holds a mobile number or an identity number."""
    return short_text(text) != text


def without_numbers(value: Any) -> Any:
    """JSON whose texts are shortened as by :func:`short_text`; names of members stay."""
    match value:
        case str():
            return short_text(value)
        case dict():
            return {name: without_numbers(part) for name, part in value.items()}
        case list() | tuple():
            return [without_numbers(part) for part in value]
        case _:
            return value


def is_identity_number(text: str) -> bool:
    """Whether this is a citizen's identity number with a right check character (GB 11643)."""
    return (
        _IDENTITY_IN_TEXT.fullmatch(text) is not None
        and _has_birthday(text)
        and text[-1].upper() == identity_check(text[:17])
    )


def identity_check(first: str) -> str:
    """The check character after 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(w * int(digit) for w, digit in zip(_IDENTITY_WEIGHTS, first, strict=True))
    return _IDENTITY_CHECKS[total % 11]


def _has_birthday(number: str) -> bool:
    """A birthday stands where it should; a wrong check character may be a slip of the pen."""
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return born.year >= 1880


_SHORTEN = {
    Field.CONTACT_NAME: short_name,
    Field.CONTACT_PHONE: short_phone,
    Field.FREE_TEXT: short_text,
    Field.IDENTITY_NUMBER: short_identity_number,
    Field.STAFF_NAME: short_name,
    Field.STAFF_LOGIN: short_name,
}


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask or tell about a report; both may be missing, never both."""

    name: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Confidence:
    """What a report confides, sealed already; storage keeps it apart from the report.

    ``pepper`` makes the digest of the report's content worthless to whoever would guess at the content: it
    follows from what is confided and a key, and is not stored.
    """

    subject_key: bytes
    description: bytes | None
    name: bytes | None
    phone: bytes | None
    phone_index: bytes | None
    pepper: bytes

    @property
    def has_contact(self) -> bool:
        """Whether somebody can be asked or told."""
        return self.name is not None or self.phone is not None


def normal_text(value: str) -> str:
    """Width, case and outer blanks do not tell values apart (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", value).strip().casefold()


def normal_phone(value: str) -> str:
    """A telephone number as digits, with a leading ``+`` where it is another country's.

    China's own prefix is left off a mobile number; blanks, hyphens, dots and brackets are left out.

    Raises
    ------
    InvalidInput
        Not 5 to 15 digits.

    Examples
    --------
    >>> normal_phone("+86 138-0000-1234"), normal_phone("（022）2530 0000")
    ('13800001234', '02225300000')
    """
    text = re.sub(r"[\s().\-‐-―]", "", unicodedata.normalize("NFKC", value))
    text = _COUNTRY.sub("", text)
    if not _PHONE.fullmatch(text):
        raise InvalidInput("This is not a telephone number.", rule="R41c")
    return text
