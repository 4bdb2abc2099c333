"""Rows about how people speak of classes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.wording import Wording, parse_phrases, parse_spellings, parse_synonyms
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import categories, category_phrases, category_synonyms, spellings


def load(db: Db, subdistrict_code: str) -> Wording:
    """Words and phrases of a street; the catalogue's own where the street has none."""
    of_street = category_phrases.c.subdistrict_code.in_(["", subdistrict_code])
    return Wording(
        parse_synonyms(_texts(db, select(category_synonyms).order_by("category", "word"))),
        parse_phrases(_texts(db, select(category_phrases).where(of_street).order_by("category", "no"))),
        parse_spellings(_texts(db, select(spellings))),
    )


def _texts(db: Db, query: Select[Any]) -> list[dict[str, str]]:
    return [{k: str(v) for k, v in row._mapping.items()} for row in db.execute(query)]


def unspelt(db: Db) -> list[str]:
    """Names of classes and other words for them that have no spelling yet."""
    names = select(categories.c.name).union(select(category_synonyms.c.word)).subquery()
    query = select(names.c.name).where(names.c.name.not_in(select(spellings.c.text))).order_by(names.c.name)
    return list(db.execute(query).scalars())


def spell(db: Db, given: Mapping[str, str], source: str) -> None:
    """Keep spellings; one that is there stays, as somebody may have mended it."""
    rows = [{"text": t, "pinyin": p, "source": source} for t, p in given.items() if p]
    if rows:
        db.execute(insert(spellings).on_conflict_do_nothing(), rows)
