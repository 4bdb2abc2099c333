"""What a new password must be like. Length and rarity decide; composition and age only where a site must.

OWASP ASVS 5.0 (6.2.5, 6.2.10) wants neither rules of composition nor changes by the calendar; GB/T 22239
§8.1.4.1 wants both. Both are settings, off unless the site is certified (decision record 0010).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gridmgmt.domain.commonpasswords import is_common
from gridmgmt.errors import WeakPassword

# Long enough for a sentence; a limit, because hashing reads all of it.
LONGEST = 128
_KINDS_ASKED = 3
_DIFFERENT_CHARACTERS = 5


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """The rules of an installation. ``days`` is the age at which a password has to be changed; 0: never."""

    minimum_characters: int = 10
    complexity: bool = False
    days: int = 0


def check_password(password: str, rules: PasswordRules, about: Iterable[str]) -> None:
    """Refuse a new password that is easily guessed.

    Parameters
    ----------
    about : words that the person is known by: login, name, unit. A password may not contain one.

    Raises
    ------
    WeakPassword
        ``facts["reasons"]`` lists ``too_short``, ``too_long``, ``too_common``, ``about_oneself``,
        ``too_few_characters`` (fewer than five different ones), ``too_simple``.
    """
    reasons = list(_faults(password, rules, about))
    if reasons:
        raise WeakPassword(
            "This password is too easily guessed.",
            article="41",
            rule="R41c",
            reasons=reasons,
            minimum_characters=rules.minimum_characters,
        )


def _faults(password: str, rules: PasswordRules, about: Iterable[str]) -> Iterator[str]:
    if len(password) < rules.minimum_characters:
        yield "too_short"
    if len(password) > LONGEST:
        yield "too_long"
    if len(set(password)) < _DIFFERENT_CHARACTERS:
        yield "too_few_characters"
    if is_common(password):
        yield "too_common"
    if any(len(word) > 2 and word.casefold() in password.casefold() for word in about):
        yield "about_oneself"
    if rules.complexity and _kinds(password) < _KINDS_ASKED:
        yield "too_simple"


def _kinds(password: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return sum(any(test(character) for character in password) for test in tests)


def has_expired(changed_at: datetime, rules: PasswordRules, now: datetime) -> bool:
    """Whether a password is so old that it has to be changed at the next sign-in."""
    return rules.days > 0 and now - changed_at >= timedelta(days=rules.days)
