"""Marks that tell whose copy of an export a file is, even half of it. Pure.

A time is given to the millisecond and a degree to the eighth decimal. What stands below the second and
below the sixth decimal (11 cm) is not measured: it follows from the value itself and the copy's secret
key. So each value bears its mark alone: rows and columns may be deleted, sorted and mixed, and every value
that is left still tells. It is lost when times are cut to seconds and degrees rounded to six decimals.

:func:`weigh` says how improbable it is that values bear the marks of a copy by chance.
"""

import hmac
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation

_TIME_MARKS = 1_000
_DEGREE_MARKS = 100
_SIX, _EIGHT = Decimal("0.000001"), Decimal("0.00000001")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{3}(?:000)?(?:Z|\+00:?00)?")
_DEGREE = re.compile(r"(?<![\d.])\d{1,3}\.\d{4,15}(?!\d)")

CERTAIN = 1e-9
"""A copy counts as found when chance alone would do the same less often than this."""


def marked_time(key: bytes, at: datetime) -> str:
    """A time in UTC with the copy's milliseconds.

    Parameters
    ----------
    key : the copy's secret, 32 bytes.
    """
    stem = at.astimezone(UTC).replace(microsecond=0)
    millisecond = _mark(key, stem.isoformat(), _TIME_MARKS)
    return f"{(stem + timedelta(milliseconds=millisecond)).isoformat(timespec='milliseconds')[:-6]}Z"


def marked_degree(key: bytes, degrees: float) -> Decimal:
    """Degrees with six decimals of their own and two of the copy's."""
    stem = Decimal(repr(degrees)).quantize(_SIX, rounding=ROUND_DOWN)
    return stem + _mark(key, str(stem), _DEGREE_MARKS) * _EIGHT


@dataclass(frozen=True, slots=True)
class Evidence:
    """Values that could bear a mark, those that bear the copy's, and how often chance would do as well."""

    values: int
    matching: int
    chance: float

    @property
    def certain(self) -> bool:
        """Whether chance is out of the question."""
        return self.chance < CERTAIN


def values_in(text: str) -> tuple[frozenset[datetime], frozenset[Decimal]]:
    """Times to the millisecond, and numbers with decimals of degrees, in the text of a file."""
    times = set()
    for found in _TIME.finditer(text):
        plain = found[0][:23].replace(" ", "T")
        try:
            times.add(datetime.fromisoformat(plain).replace(tzinfo=UTC))
        except ValueError:
            continue
    degrees = set()
    for found in _DEGREE.finditer(text):
        try:
            degrees.add(Decimal(found[0]).quantize(_EIGHT))
        except InvalidOperation:
            continue
    return frozenset(times), frozenset(degrees)


def weigh(key: bytes, times: Iterable[datetime], degrees: Iterable[Decimal]) -> Evidence:
    """What a file's values say about one copy.

    Values of equal stem bear equal marks, so each counts once.
    """
    seen = hits = 0
    log_chance = 0.0
    for marks, outcomes in (
        (_TIME_MARKS, [_bears_time(key, at) for at in times]),
        (_DEGREE_MARKS, [_bears_degree(key, value) for value in degrees]),
    ):
        matching = sum(outcomes)
        seen, hits = seen + len(outcomes), hits + matching
        log_chance += _log_tail(len(outcomes), matching, 1 / marks)
    return Evidence(seen, hits, math.exp(max(log_chance, -700.0)))


def _bears_time(key: bytes, at: datetime) -> bool:
    stem = at.replace(microsecond=0)
    return at.microsecond // 1000 == _mark(key, stem.isoformat(), _TIME_MARKS)


def _bears_degree(key: bytes, value: Decimal) -> bool:
    stem = value.quantize(_SIX, rounding=ROUND_DOWN)
    return value - stem == _mark(key, str(stem), _DEGREE_MARKS) * _EIGHT


def _mark(key: bytes, stem: str, marks: int) -> int:
    return int.from_bytes(hmac.digest(key, stem.encode(), "sha256")[:8], "big") % marks


def _log_tail(values: int, matching: int, share: float) -> float:
    """Logarithm of a bound on the chance that so many match, when each does with this share (Chernoff)."""
    if values == 0 or matching <= values * share:
        return 0.0
    found = matching / values
    divergence = found * math.log(found / share)
    if found < 1:
        divergence += (1 - found) * math.log((1 - found) / (1 - share))
    return -values * divergence
