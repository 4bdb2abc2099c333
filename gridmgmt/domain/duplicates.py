"""Likely duplicates 疑似重复 (DOMAIN §4.4): a score with its parts, so that whoever reports sees why. Pure.

A suggestion decides nothing: a person merges (并案), and every reporter is still told. The score is a
product, so each part can only lower it: *class* by the tree of the catalogue, *place* by metres (the same
component is the same place, whatever two phones say), *time* by days, *text* by the Chinese bigrams that two
descriptions share. Further apart or longer ago never scores higher.

Weights and threshold are those of the best F1 on a labelled synthetic set, looked at beside the duplicates
that clerks in Boston named: docs/explanation/duplicates.md has the curves and what they are worth.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from gridmgmt.domain.pattern import CategoryKey

REACH_M: Final = 60.0
"""From here on it is another place, unless both name one component."""
LONGEST: Final = timedelta(days=14)
"""Reports further apart count as new."""
SUGGESTED_FROM: Final = 0.23
"""Threshold of a suggestion; ``docs/duplicates.py`` says what it costs and finds."""
_SAME_MAJOR: Final = 0.7
_LATE: Final = 0.2
"""What is left of the time's part just before :data:`LONGEST`."""
_OTHER_WORDS: Final = 0.4
_NO_WORDS: Final = 0.5
_MINOR: Final = 3  # digits of the minor class at the end of a code
_HAN_OR_WORD: Final = re.compile(r"[\u4e00-\u9fff]+|[0-9a-z]+")


@dataclass(frozen=True, slots=True)
class Likeness:
    """What of two reports is compared; ``distance_m`` and ``apart`` between them, never negative.

    ``same_component`` is True only where both name one component; ``text`` and ``other_text`` as sent.
    """

    category: CategoryKey
    other_category: CategoryKey
    distance_m: float
    apart: timedelta
    text: str = ""
    other_text: str = ""
    same_component: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """How probably two reports are one, from 0 to 1, and why.

    ``text_share`` is None where one of them says nothing; the other shares are from 0 to 1.
    """

    value: float
    class_share: float
    place_share: float
    time_share: float
    text_share: float | None
    same_component: bool


def score(given: Likeness) -> Score:
    """Score two reports.

    Examples
    --------
    >>> key = CategoryKey.parse("GB/T 47678.5-2026:matter:06010")
    >>> score(Likeness(key, key, 0.0, timedelta(0), "垃圾满溢", "垃圾满溢")).value
    1.0
    """
    of_class = class_share(given.category, given.other_category)
    place = 1.0 if given.same_component else max(0.0, 1.0 - given.distance_m / REACH_M)
    time = _time_share(given.apart)
    text = text_share(given.text, given.other_text)
    said = _NO_WORDS if text is None else _OTHER_WORDS + (1.0 - _OTHER_WORDS) * text
    value = of_class * place * time * said
    return Score(value, of_class, place, time, text, given.same_component)


def class_share(one: CategoryKey, other: CategoryKey) -> float:
    """1 for one code, whether as component or as matter; less inside one major class; else 0."""
    if one.standard_ref != other.standard_ref or one.code[:-_MINOR] != other.code[:-_MINOR]:
        return 0.0
    return 1.0 if one.code == other.code else _SAME_MAJOR


def _time_share(apart: timedelta) -> float:
    if apart >= LONGEST:
        return 0.0
    return 1.0 - (1.0 - _LATE) * (apart / LONGEST)


def text_share(one: str, other: str) -> float | None:
    """The share of bigrams that two texts have in common (Jaccard); None where one has none.

    A bigram is two neighbouring Chinese characters; a number or a word of Latin letters counts as one.

    Examples
    --------
    >>> text_share("井盖破损", "井盖缺失")
    0.2
    """
    mine, others = _bigrams(one), _bigrams(other)
    if not mine or not others:
        return None
    return len(mine & others) / len(mine | others)


def _bigrams(text: str) -> frozenset[str]:
    found: set[str] = set()
    for run in _HAN_OR_WORD.findall(text.lower()):
        if run[0] < "\u4e00":
            found.add(run)
        else:
            found.update(run[i : i + 2] for i in range(len(run) - 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A case that a report probably repeats."""

    case_id: UUID
    score: Score


def suggest(
    candidates: Iterable[tuple[UUID, Likeness]], threshold: float = SUGGESTED_FROM, most: int = 5
) -> list[Suggestion]:
    """The likeliest cases, best first, at least ``threshold``; equal scores in order of the id."""
    scored = (Suggestion(case_id, score(given)) for case_id, given in candidates)
    likely = [one for one in scored if one.score.value >= threshold]
    return sorted(likely, key=lambda one: (-one.score.value, one.case_id))[:most]
