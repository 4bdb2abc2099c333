"""Taking in catalogue tables: everything is parsed first, so that a faulty table changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gridmgmt.adapters.spelling import pinyin_of
from gridmgmt.domain.duty import parse_duty_lists
from gridmgmt.domain.limit import GENERAL, parse_milestones
from gridmgmt.domain.routing import parse_rules, parse_units
from gridmgmt.domain.rows import Faults, Raw, Row
from gridmgmt.domain.taxonomy import (
    Catalogue,
    check_limits,
    parse_categories,
    parse_closing_conditions,
    parse_filing_conditions,
    parse_limits,
    parse_stage_limits,
)
from gridmgmt.domain.wording import parse_phrases, parse_spellings, parse_synonyms
from gridmgmt.domain.workcalendar import parse_work_calendar
from gridmgmt.errors import InvalidInput
from gridmgmt.storage import calendars, catalogue, grids, people, wordings
from gridmgmt.storage.catalogue import TakenIn
from gridmgmt.storage.db import Db

Rows = Sequence[Raw]


@dataclass(frozen=True, slots=True)
class CatalogueTables:
    """Rows of the tables of ``data/catalogue`` as text, and the two JSON documents."""

    categories: Rows
    handling_limits: Rows
    stage_limits: Rows
    filing_conditions: Rows
    closing_conditions: Rows
    handling_milestones: Rows
    category_synonyms: Rows
    category_phrases: Rows
    duty_items: Rows
    units: Rows
    routing_rules: Mapping[str, Any]
    work_hours: Mapping[str, Any]


def check_tables(given: CatalogueTables, on: date) -> Catalogue:
    """Parse every table; the catalogue they make.

    Raises
    ------
    InvalidInput
        The first faulty table, with every fault in it; or classes in use without a handling limit.
    """
    made = Catalogue(
        parse_categories(given.categories),
        parse_limits(given.handling_limits),
        parse_stage_limits(given.stage_limits),
        parse_filing_conditions(given.filing_conditions),
        parse_closing_conditions(given.closing_conditions),
        parse_milestones(given.handling_milestones),
    )
    parse_synonyms(given.category_synonyms)
    parse_phrases(given.category_phrases)
    parse_duty_lists(given.duty_items)
    parse_units(given.units)
    parse_rules(given.routing_rules)
    parse_work_calendar(given.work_hours)
    check_limits(made, on)
    return made


CATALOGUE_TABLES = (
    "categories",
    "handling_limits",
    "handling_milestones",
    "stage_limits",
    "filing_conditions",
    "closing_conditions",
    "category_synonyms",
    "category_phrases",
    "spellings",
)


def take_in(db: Db, given: Mapping[str, Rows], on: date) -> dict[str, TakenIn]:
    """Take rows of catalogue tables into a database that is in use, and check the whole that they make.

    Parameters
    ----------
    given : rows by table, any of :data:`CATALOGUE_TABLES`. A limit ends by its ``valid_to``; no row is
        removed.

    Raises
    ------
    InvalidInput
        No such table, a faulty one, or a catalogue in which a class has no limit or two that contradict
        each other. The caller's transaction is to be undone.
    """
    unknown = sorted(set(given) - set(CATALOGUE_TABLES))
    if unknown or not given:
        raise InvalidInput("Give tables of the catalogue.", unknown=unknown, known=list(CATALOGUE_TABLES))
    for name, rows in given.items():
        _PARSERS[name](rows)
    taken = {name: catalogue.take_in(db, name, _stored_names(name, rows)) for name, rows in given.items()}
    check_limits(catalogue.load_catalogue(db), on)
    spell(db)
    return taken


def spell(db: Db) -> int:
    """Spell what has no Pinyin yet, so that a phone can search by it; how many texts."""
    texts = wordings.unspelt(db)
    wordings.spell(db, {text: pinyin_of(text) for text in texts}, "pypinyin")
    return len(texts)


def set_areas(db: Db, subdistrict_code: str, rows: Rows) -> dict[str, tuple[str, str]]:
    """Say of which area class 区域类别 communities of a street are.

    Parameters
    ----------
    rows : ``community_code`` and ``area_class``, which is empty for none. Communities that are not named keep
        theirs. Cases keep the class that they were opened with.

    Returns
    -------
    What it was and is, by code, of those that change.

    Raises
    ------
    InvalidInput
        A community is unknown or named twice, or no limit names the class; every fault with its row.
    """
    known = grids.area_classes(db, subdistrict_code)
    classes = catalogue.load_catalogue(db).area_classes
    faults = Faults("areas")
    named: dict[str, int] = {}

    def build(row: Row) -> tuple[str, str]:
        code, area_class = row.text("community_code"), row.text("area_class", needed=False)
        if code and code not in known:
            row.refuse("community_code", f"{code!r} is no community of this street")
        if code in named:
            row.refuse("community_code", f"is there already in row {named[code]}")
        if area_class and area_class not in classes:
            row.refuse("area_class", f"no limit is for {area_class!r}, but for {sorted(classes)}")
        named.setdefault(code, row.number)
        return code, area_class

    given = [item for _, item in faults.collect(rows, build)]
    faults.raise_if_any()
    changed = {code: (known[code][1], new) for code, new in given if known[code][1] != new}
    for code, (_, area_class) in changed.items():
        grids.set_area_class(db, code, area_class)
    return changed


_PARSERS: Mapping[str, Callable[[Rows], object]] = {
    "categories": parse_categories,
    "handling_limits": parse_limits,
    "handling_milestones": parse_milestones,
    "stage_limits": parse_stage_limits,
    "filing_conditions": parse_filing_conditions,
    "closing_conditions": parse_closing_conditions,
    "category_synonyms": parse_synonyms,
    "category_phrases": parse_phrases,
    "spellings": parse_spellings,
}


def _stored_names(table: str, rows: Rows) -> Rows:
    """Rows as the table keeps them: the general urgency is the empty one."""
    if table != "stage_limits":
        return rows
    return [{**row, "urgency": (row.get("urgency") or "").strip().removeprefix(GENERAL)} for row in rows]


def add_calendar(db: Db, given: CatalogueTables, calendar_id: str, now: datetime) -> None:
    """Store the working calendar; a subdistrict refers to it."""
    calendar = parse_work_calendar(given.work_hours)
    calendars.add_calendar(db, calendar_id, calendar, source="chinesecalendar and work_hours.json", at=now)


def add_tables(db: Db, given: CatalogueTables, subdistrict_code: str, now: datetime) -> dict[str, int]:
    """Store tables that :func:`check_tables` accepted; returns the rows of each."""
    units = [
        {
            "code": u.code,
            "name": u.name,
            "kind": u.kind,
            "subdistrict_code": u.subdistrict_code,
            "parent_code": u.parent_code,
            "active": u.active,
        }
        for u in parse_units(given.units).values()
    ]
    people.add_units(db, units)
    counts = {
        name: catalogue.add_rows(db, name, getattr(given, name))
        for name in (
            "categories",
            "handling_limits",
            "stage_limits",
            "filing_conditions",
            "closing_conditions",
            "handling_milestones",
            "category_synonyms",
            "category_phrases",
            "duty_items",
        )
    }
    counts["spellings"] = spell(db)
    catalogue.publish_rules(db, subdistrict_code, given.routing_rules, now)
    return counts | {"units": len(units), "routing_rules": len(given.routing_rules["rules"])}
