"""The catalogue as a phone needs it: classes, and how people speak of them."""

from datetime import date, datetime
from typing import Any

from gridmgmt.domain.org import Actor
from gridmgmt.domain.taxonomy import Category
from gridmgmt.domain.wording import Phrase, Wording
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db

_SHOWN = (
    "kind", "code", "name", "name_en", "major_code", "major_name", "major_name_en", "minor",
    "evidence_required", "emergency",
)  # fmt: skip


def categories(db: Db, actor: Actor, now: datetime, books: RuleBooks, on: date | None) -> dict[str, Any]:
    """The classes in use on a day, today by default, with words and phrases; general phrases once."""
    code = subdistrict_of(actor)
    book, wording = books.current(db, code), books.wording(db, code)
    found = book.catalogue.in_use(on or book.day_of(now))
    return {
        "standard_ref": sorted({c.standard_ref for c in found}),
        "items": [_told(c, wording) for c in found],
        "phrases": [_phrase(p) for p in wording.general_phrases()],
    }


def _told(category: Category, wording: Wording) -> dict[str, Any]:
    return {
        "key": str(category.key),
        **{name: getattr(category, name) for name in _SHOWN},
        "pinyin": wording.spelling_of(category.name),
        "words": [{"text": w, "pinyin": wording.spelling_of(w)} for w in wording.words_for(category.key)],
        "phrases": [_phrase(p) for p in wording.phrases_for(category.key)],
    }


def _phrase(phrase: Phrase) -> dict[str, str]:
    return {"text": phrase.text, "text_en": phrase.text_en}
