"""Personal values in one form each, so that equal ones compare equal. Pure."""

import re
import unicodedata

from gridmgmt.errors import InvalidInput

_COUNTRY = re.compile(r"^(?:\+|00)?86(?=1\d{10}$)")
_PHONE = re.compile(r"\+?\d{5,15}")


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
