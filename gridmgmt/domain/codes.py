"""Codes of places, components, cases and organisations: parse, check, format.

A code object exists only if the code is well formed, so whoever holds one need not check again.
Nothing is trimmed, padded or folded: what a sender means by a blank or a full-width digit is for
the sender to say. Whether a code is *in use* is a question for the registers, not for this module.

::

    DistrictCode      6   GB/T 2260
    SubdistrictCode   9   district + 3      (GB/T 10114 shape)
    CommunityCode    12   subdistrict + 3   (statistical division code)
    GridCode         15   community + 3     (GB/T 47678.3, before it GB/T 30428.1)
    ComponentCode    17   district + major 2 + minor 3 + sequence 6   (GB/T 47678.5-2026)
    LegacyComponentCode  16   district + major 2 + minor 2 + sequence 6   (GB/T 30428.2-2013)
    CaseNumber       21   district + yyyymmdd + sequence 6 + check digit  (ours)
    UnifiedSocialCreditCode  18   GB 32100-2015, check character MOD 31-3

A segment 000 means "none" in the division codes, and every grid must belong to a community, so 000
is refused in each segment. A case number is never used twice. Its sequence has six digits and not
five, because one sequence serves a whole database with all its subdistricts; its check digit
(ISO 7064 MOD 11,10) finds every single wrong digit.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

from gridmgmt.errors import InvalidCode

_DIGITS = frozenset("0123456789")
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_SEQUENCE_MAX = 999_999
# _MOD_11_10[p][d]: the running product after digit d
_MOD_11_10 = tuple(tuple(((d + p) % 10 or 10) * 2 % 11 for d in range(10)) for p in range(11))


def _refuse(kind: str, text: object, reason: str, **facts: Any) -> InvalidCode:
    shown = text if isinstance(text, str) else repr(text)
    return InvalidCode(
        f"{shown[:40]!r} is not a {kind}: {reason}.", kind=kind, value=shown[:40], reason=reason, **facts
    )


def iso7064_mod11_10(digits: str) -> str:
    """Check digit of ISO 7064 MOD 11,10 for a string of ASCII digits.

    Examples
    --------
    >>> iso7064_mod11_10("79462")
    '3'
    """
    product = 10
    for digit in digits.encode("ascii"):
        product = _MOD_11_10[product][digit - 48]
    return str((11 - product) % 10)


@dataclass(frozen=True, slots=True, order=True)
class _DigitCode:
    """Codes that are digits only; ``length`` and ``segments`` are set by each kind."""

    text: str

    kind: ClassVar[str] = "code"
    length: ClassVar[int] = 0
    # (name, first position): a segment of three digits that may not be 000
    segments: ClassVar[tuple[tuple[str, int], ...]] = ()

    def __post_init__(self) -> None:
        text = self.text
        if not isinstance(text, str):
            raise _refuse(self.kind, text, "it is not text")
        if len(text) != self.length:
            raise _refuse(self.kind, text, f"it needs {self.length} digits", length=self.length)
        # str.isdigit also accepts full-width and other scripts' digits, which no register stores.
        if not (text.isascii() and text.isdigit()):
            at = next(i for i, c in enumerate(text) if c not in _DIGITS)
            raise _refuse(self.kind, text, f"position {at + 1} is not a digit 0-9", position=at + 1)
        if not "1" <= text[0] <= "8":
            raise _refuse(self.kind, text, "no province code starts so", position=1)
        for name, start in self.segments:
            if text[start : start + 3] == "000":
                raise _refuse(self.kind, text, f"its {name} segment is 000, which means none", segment=name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The code, if it is well formed.

        Raises
        ------
        InvalidCode
            ``facts`` name the kind, the value and the reason.
        """
        return cls(text)

    @classmethod
    def is_valid(cls, text: str) -> bool:
        """Whether :meth:`parse` would accept it."""
        try:
            cls(text)
        except InvalidCode:
            return False
        return True

    def __str__(self) -> str:
        return self.text

    @property
    def district_code(self) -> str:
        """The first six digits."""
        return self.text[:6]


@dataclass(frozen=True, slots=True, order=True)
class DistrictCode(_DigitCode):
    """A district 区 (GB/T 2260); 120116 is 滨海新区."""

    kind: ClassVar[str] = "district code"
    length: ClassVar[int] = 6


@dataclass(frozen=True, slots=True, order=True)
class SubdistrictCode(_DigitCode):
    """A subdistrict 街道; its segment is 0xx for 街道, 1xx for 镇, 2xx for 乡, 4xx and up for others."""

    kind: ClassVar[str] = "subdistrict code"
    length: ClassVar[int] = 9
    segments: ClassVar[tuple[tuple[str, int], ...]] = (("subdistrict", 6),)


@dataclass(frozen=True, slots=True, order=True)
class CommunityCode(_DigitCode):
    """A community 社区 or village 村."""

    kind: ClassVar[str] = "community code"
    length: ClassVar[int] = 12
    segments: ClassVar[tuple[tuple[str, int], ...]] = (("subdistrict", 6), ("community", 9))

    @property
    def subdistrict_code(self) -> str:
        """The first nine digits."""
        return self.text[:9]


@dataclass(frozen=True, slots=True, order=True)
class GridCode(_DigitCode):
    """A cell 网格: community code and a sequence of three digits that starts at 001.

    Examples
    --------
    >>> code = GridCode.of("120116005003", 7)
    >>> str(code), code.community_code, code.sequence
    ('120116005003007', '120116005003', 7)
    """

    kind: ClassVar[str] = "grid code"
    length: ClassVar[int] = 15
    segments: ClassVar[tuple[tuple[str, int], ...]] = (
        ("subdistrict", 6),
        ("community", 9),
        ("sequence", 12),
    )

    @classmethod
    def of(cls, community_code: str, sequence: int) -> Self:
        """The code of the cell number ``sequence`` (1-999) of a community.

        Raises
        ------
        InvalidCode
            The community code is malformed or the sequence is out of range.
        """
        if not 1 <= sequence <= 999:
            raise _refuse(cls.kind, community_code, "a sequence lies between 1 and 999", sequence=sequence)
        return cls(f"{CommunityCode(community_code)}{sequence:03d}")

    @property
    def subdistrict_code(self) -> str:
        """The first nine digits."""
        return self.text[:9]

    @property
    def community_code(self) -> str:
        """The first twelve digits."""
        return self.text[:12]

    @property
    def sequence(self) -> int:
        """The number inside the community."""
        return int(self.text[12:])


@dataclass(frozen=True, slots=True, order=True)
class ComponentCode(_DigitCode):
    """One component 部件 in the 17 digits of GB/T 47678.5-2026."""

    kind: ClassVar[str] = "component code"
    length: ClassVar[int] = 17

    @classmethod
    def of(cls, district_code: str, category_code: str, sequence: int) -> Self:
        """The code of component number ``sequence`` (0-999999) of a class of five digits.

        Raises
        ------
        InvalidCode
            A part is malformed or out of range.
        """
        if not 0 <= sequence <= _SEQUENCE_MAX:
            raise _refuse(cls.kind, category_code, "a sequence has six digits", sequence=sequence)
        return cls(f"{DistrictCode(district_code)}{category_code}{sequence:06d}")

    @property
    def category_code(self) -> str:
        """Major and minor class, five digits."""
        return self.text[6:11]

    @property
    def sequence(self) -> int:
        """The number inside district and class."""
        return int(self.text[11:])


@dataclass(frozen=True, slots=True, order=True)
class LegacyComponentCode(_DigitCode):
    """One component in the 16 digits used before July 2026; read on import, never issued.

    Its minor class has two digits and means another list, so it has no 17-digit form without a
    mapping table. Keep it beside the new code.
    """

    kind: ClassVar[str] = "component code of the old form"
    length: ClassVar[int] = 16

    @property
    def category_code(self) -> str:
        """Major and minor class of GB/T 30428.2-2013, four digits."""
        return self.text[6:10]

    @property
    def sequence(self) -> int:
        """The number inside district and class."""
        return int(self.text[10:])


def parse_component_code(text: str) -> ComponentCode | LegacyComponentCode:
    """A component code in either form, told apart by its length.

    Raises
    ------
    InvalidCode
        Neither 17 nor 16 digits.
    """
    if isinstance(text, str) and len(text) == LegacyComponentCode.length:
        return LegacyComponentCode(text)
    return ComponentCode(text)


@dataclass(frozen=True, slots=True, order=True)
class CaseNumber(_DigitCode):
    """A case number 案卷号: district, day of the report, sequence, check digit.

    The day is the local one of the city. Which sequence value comes next is the database's to say.

    Examples
    --------
    >>> number = CaseNumber.of("120116", date(2026, 11, 23), 42)
    >>> str(number), number.sequence, number.opened_on.isoformat()
    ('120116202611230000427', 42, '2026-11-23')
    """

    kind: ClassVar[str] = "case number"
    length: ClassVar[int] = 21

    def __post_init__(self) -> None:
        _DigitCode.__post_init__(self)
        body, check = self.text[:20], self.text[20]
        if iso7064_mod11_10(body) != check:
            # The right digit is not told: a mistyped number would then be "mended" to another case.
            raise _refuse(self.kind, self.text, "its check digit does not fit")
        try:
            date.fromisoformat(f"{body[6:10]}-{body[10:12]}-{body[12:14]}")
        except ValueError:
            raise _refuse(self.kind, self.text, "its digits 7-14 are no date") from None

    @classmethod
    def of(cls, district_code: str, opened_on: date, sequence: int) -> Self:
        """Number a case; ``sequence`` lies between 0 and 999999.

        Raises
        ------
        InvalidCode
            The district code is malformed or the sequence is used up.
        """
        if not 0 <= sequence <= _SEQUENCE_MAX:
            raise _refuse(cls.kind, district_code, "a sequence has six digits", sequence=sequence)
        day = opened_on.isoformat().replace("-", "")
        body = f"{DistrictCode(district_code)}{day}{sequence:06d}"
        return cls(body + iso7064_mod11_10(body))

    @property
    def opened_on(self) -> date:
        """The local day of the report."""
        return date(int(self.text[6:10]), int(self.text[10:12]), int(self.text[12:14]))

    @property
    def sequence(self) -> int:
        """The database's running number."""
        return int(self.text[14:20])


_CREDIT_SHAPE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class UnifiedSocialCreditCode:
    """An organisation 统一社会信用代码 (GB 32100-2015); letters I, O, S, V and Z are not used.

    Only the last character is checked. The check character of the organisation code inside
    (GB 11714) is left alone: codes issued before the merger are not all consistent with it.
    """

    text: str

    kind: ClassVar[str] = "unified social credit code"

    def __post_init__(self) -> None:
        text = self.text
        if not isinstance(text, str) or not _CREDIT_SHAPE.fullmatch(text):
            raise _refuse(self.kind, text, "it needs 18 characters of GB 32100, in capitals", length=18)
        total = sum(_CREDIT_ALPHABET.index(c) * w for c, w in zip(text, _CREDIT_WEIGHTS, strict=False))
        if _CREDIT_ALPHABET[-total % 31] != text[17]:
            raise _refuse(self.kind, text, "its check character does not fit")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The code, if it is well formed; raises InvalidCode."""
        return cls(text)

    def __str__(self) -> str:
        return self.text
