"""Rulebooks are kept while nothing changes, read anew when something does, and built once at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine, text

from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import catalogue
from gridmgmt.storage.db import Db, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW, STREET
from tests.builders_plans import published, redrawn
from tests.builders_street import ENFORCEMENT, Street


def test_the_same_revision_is_the_same_book(db: Db, books: RuleBooks) -> None:
    assert books.current(db, STREET) is books.current(db, STREET)


def test_a_change_is_seen_by_the_next_who_asks(db: Db, books: RuleBooks) -> None:
    before = books.current(db, STREET)
    db.execute(text("update app.units set active = false where code = :c"), {"c": ENFORCEMENT})
    after = books.current(db, STREET)
    assert (before.units[ENFORCEMENT].active, after.units[ENFORCEMENT].active) == (True, False)
    assert after.revision == before.revision + 1


def test_an_unchanged_plan_keeps_its_index_and_a_changed_one_gets_a_new_one(db: Db, books: RuleBooks) -> None:
    street = Street(db, books)
    before = books.current(db, STREET)
    db.execute(text("update app.people set name = name"))
    same = books.current(db, STREET)
    assert same is not before
    assert same.plans[0].index is before.plans[0].index
    db.execute(text("update app.grid_plans set valid_from = valid_from - interval '1 day'"))
    moved = books.current(db, STREET)
    assert moved.plans[0].index is before.plans[0].index
    assert moved.plans[0].plan.valid_from < before.plans[0].plan.valid_from
    other = published(street, redrawn(before.plans[0].plan, NOW + timedelta(days=1)))
    old, new = books.current(db, STREET).plans
    assert (old.index, new.plan.id) == (before.plans[0].index, other.id)
    assert new.index.codes == tuple(cell.code for cell in other.cells)


def test_how_people_speak_is_read_once_until_it_changes(db: Db, books: RuleBooks) -> None:
    before = books.wording(db, STREET)
    assert books.wording(db, STREET) is before
    for change in (
        "insert into app.category_synonyms values ('*', '新说法', 'test')",
        "insert into app.category_phrases values ('', '*', 999, '新短语', '', 'test')",
        "insert into app.spellings values ('新说法', 'xin shuo fa', 'test')",
    ):
        db.execute(text(change))
    after = books.wording(db, STREET)
    assert after is not before
    assert after.spelling_of("新说法") == "xin shuo fa"
    assert "新短语" in [phrase.text for phrase in after.general_phrases()]


def test_many_threads_that_find_no_book_build_it_once(engine: Engine, monkeypatch) -> None:
    built, load = [], catalogue.load_rulebook
    together = threading.Barrier(2)

    def slow(db: Db, code: str, **known: object):
        built.append(code)
        return load(db, code, **known)

    monkeypatch.setattr(catalogue, "load_rulebook", slow)
    books = RuleBooks()

    def ask(_: int) -> object:
        with transaction(engine, NOBODY, read_only=True) as db:
            together.wait(10)
            return books.current(db, STREET)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert first is second
    assert built == [STREET]
