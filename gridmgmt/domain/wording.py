"""How people speak of classes: other words for them 俗称, how they are typed, and phrases that describe.

Words are dated data like the rest of the catalogue, but nothing is decided by them: they only help to find a
class and to describe what was seen. ``Spelling`` is a text in Pinyin, one syllable a character, so that a
phone can search by ``bao lu la ji`` and by ``bllj`` alike.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gridmgmt.domain.pattern import CategoryKey, CategoryPattern, PatternTable
from gridmgmt.domain.rows import Faults, Raw, Row

T = TypeVar("T")

_LONGEST_WORD = 20
_LONGEST_PHRASE = 60
_ALL = CategoryPattern.parse("*")


@dataclass(frozen=True, slots=True)
class Synonym:
    """What residents call these classes."""

    pattern: CategoryPattern
    word: str
    source: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A description that a worker chooses by one tap; of every street where ``subdistrict_code`` is empty."""

    subdistrict_code: str
    pattern: CategoryPattern
    no: int
    text: str
    text_en: str
    source: str


def parse_synonyms(rows: Iterable[Raw]) -> list[Synonym]:
    """Synonyms from the rows of ``category_synonyms_demo.csv``; raises InvalidInput with every fault."""
    faults = Faults("category_synonyms")

    def build(row: Row) -> Synonym:
        word = row.text("word")
        if len(word) > _LONGEST_WORD:
            row.refuse("word", f"is over {_LONGEST_WORD} characters")
        return Synonym(CategoryPattern.parse(row.text("category")), word, row.text("source"))

    items = faults.collect(rows, build)
    _refuse_twice(faults, items, lambda one: (one.pattern, one.word), "word")
    return [item for _, item in items]


def parse_phrases(rows: Iterable[Raw]) -> list[Phrase]:
    """Phrases from the rows of ``category_phrases_demo.csv``; raises InvalidInput with every fault."""
    faults = Faults("category_phrases")

    def build(row: Row) -> Phrase:
        text, text_en = row.text("text"), row.text("text_en", needed=False)
        for column, value in (("text", text), ("text_en", text_en)):
            if len(value) > _LONGEST_PHRASE:
                row.refuse(column, f"is over {_LONGEST_PHRASE} characters")
        return Phrase(
            subdistrict_code=row.text("subdistrict_code", needed=False),
            pattern=CategoryPattern.parse(row.text("category")),
            no=row.whole("no", least=1),
            text=text,
            text_en=text_en,
            source=row.text("source"),
        )

    items = faults.collect(rows, build)
    _refuse_twice(faults, items, lambda one: (one.subdistrict_code, one.pattern, one.no), "no")
    return [item for _, item in items]


def parse_spellings(rows: Iterable[Raw]) -> dict[str, str]:
    """Pinyin by text: lower-case syllables with blanks between them, ``v`` for ``ü``."""
    faults = Faults("spellings")

    def build(row: Row) -> tuple[str, str]:
        pinyin = row.text("pinyin")
        if not all(part.isascii() and part.isalnum() and part == part.lower() for part in pinyin.split()):
            row.refuse("pinyin", "is lower-case syllables with blanks between them")
        return row.text("text"), pinyin

    items = faults.collect(rows, build)
    _refuse_twice(faults, items, lambda one: one[0], "text")
    return dict(item for _, item in items)


def _refuse_twice(
    faults: Faults, items: Iterable[tuple[int, T]], name_of: Callable[[T], Hashable], column: str
) -> None:
    seen: dict[Hashable, int] = {}
    for number, item in items:
        name = name_of(item)
        if name in seen:
            faults.add(number, column, f"is there already in row {seen[name]}")
        seen.setdefault(name, number)
    faults.raise_if_any()


class Wording:
    """Words, phrases and spellings of one street.

    Parameters
    ----------
    phrases : of the street and of every street.
    """

    def __init__(
        self, synonyms: Iterable[Synonym] = (), phrases: Sequence[Phrase] = (),
        spellings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._synonyms = PatternTable((one.pattern, one.word) for one in synonyms)
        # A street's own phrases for a pattern come in place of everybody's for it.
        own = {one.pattern for one in phrases if one.subdistrict_code}
        kept = [one for one in phrases if one.subdistrict_code or one.pattern not in own]
        ordered = sorted(kept, key=lambda one: one.no)
        self._general = [one for one in ordered if one.pattern == _ALL]
        self._phrases = PatternTable((one.pattern, one) for one in ordered if one.pattern != _ALL)
        self._spellings = dict(spellings or {})

    def words_for(self, key: CategoryKey) -> list[str]:
        """Other words for a class, those of the narrowest pattern first."""
        return list(dict.fromkeys(self._synonyms.matching(key)))

    def phrases_for(self, key: CategoryKey) -> list[Phrase]:
        """Phrases of a class beside the general ones, the narrowest pattern's first, each text once."""
        return list({one.text: one for one in reversed(self._phrases.matching(key))}.values())[::-1]

    def general_phrases(self) -> list[Phrase]:
        """Phrases of every class."""
        return list(self._general)

    def spelling_of(self, text: str) -> str:
        """Pinyin of a text; empty where nobody has spelt it."""
        return self._spellings.get(text, "")
