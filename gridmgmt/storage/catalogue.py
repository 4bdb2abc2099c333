"""Catalogue, duty lists, routing rules and calendars: rows in, rulebook out.

Rows are handed to the parsers of the domain as text, exactly as rows of a file are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Boolean, RowMapping, Table, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.duty import parse_duty_lists
from gridmgmt.domain.grid import GridPlan
from gridmgmt.domain.limit import parse_milestones
from gridmgmt.domain.org import Community, CommunityKind, Subdistrict, Unit, UnitKind
from gridmgmt.domain.rulebook import IndexedPlan, RuleBook
from gridmgmt.domain.rules import DatedRules, parse_rules
from gridmgmt.domain.taxonomy import (
    Catalogue,
    parse_categories,
    parse_closing_conditions,
    parse_filing_conditions,
    parse_limits,
    parse_stage_limits,
)
from gridmgmt.errors import Conflict, NotFound
from gridmgmt.storage import grids, precedents, rosters, tables
from gridmgmt.storage.calendars import load_calendar
from gridmgmt.storage.db import Db

# Enough for those in use, those to come, and some before; all others stay in the table.
_MOST_RULE_SETS = 12


def revision(db: Db) -> int:
    """The number that every change to rules, plans or rosters raises."""
    return int(db.execute(text("select revision from app.rulebook_revision")).scalar_one())


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _rows(db: Db, table: Table, *order: str) -> list[dict[str, str]]:
    query = select(*(c for c in table.c if c.name != "id")).order_by(*(table.c[name] for name in order))
    return [{k: _as_text(v) for k, v in r._mapping.items()} for r in db.execute(query)]


def load_catalogue(db: Db) -> Catalogue:
    """Every class with its limits and conditions."""
    return Catalogue(
        parse_categories(_rows(db, tables.categories, "standard_ref", "kind", "code", "valid_from")),
        parse_limits(_rows(db, tables.handling_limits, "id")),
        parse_stage_limits(_rows(db, tables.stage_limits, "state")),
        parse_filing_conditions(_rows(db, tables.filing_conditions, "category", "code")),
        parse_closing_conditions(_rows(db, tables.closing_conditions, "category")),
        parse_milestones(_rows(db, tables.handling_milestones, "category", "no")),
    )


def load_units(db: Db) -> dict[str, Unit]:
    """Every unit by code, closed ones too."""
    return {
        r.code: Unit(r.code, r.name, UnitKind(r.kind), r.subdistrict_code, r.parent_code, r.active)
        for r in db.execute(select(tables.units))
    }


def load_rulebook(db: Db, subdistrict_code: str, *, known: RuleBook | None = None) -> RuleBook:
    """Everything that decisions about one subdistrict rest on, as of now.

    Parameters
    ----------
    known : an earlier rulebook of the same subdistrict. The index of a plan whose cells are the same is
        taken over from it: building one costs most of a second, reading the rest some milliseconds.

    Raises
    ------
    NotFound
        No such subdistrict.
    """
    number = revision(db)
    row = db.execute(
        select(tables.subdistricts).where(tables.subdistricts.c.code == subdistrict_code)
    ).first()
    if row is None:
        raise NotFound("No such subdistrict.", kind="subdistrict")
    communities = db.execute(
        select(*(tables.communities.c[name] for name in ("code", "name", "kind", "area_class"))).where(
            tables.communities.c.subdistrict_code == subdistrict_code
        )
    )
    duty_rows = [
        r
        for r in _rows(db, tables.duty_items, "district_code", "version", "no")
        if r["district_code"] == row.district_code
    ]
    people = db.execute(
        text(
            "select p.id, p.name from app.people p where exists (select 1 from app.person_roles r"
            " where r.person_id = p.id and r.subdistrict_code = :code)"
        ),
        {"code": subdistrict_code},
    )
    return RuleBook(
        revision=number,
        subdistrict=Subdistrict(row.code, row.name, row.district_code, row.district_name, row.head),
        communities={
            c.code: Community(c.code, c.name, subdistrict_code, CommunityKind(c.kind), c.area_class)
            for c in communities
        },
        plans=tuple(_indexed(p, known) for p in grids.published_plans(db, subdistrict_code)),
        catalogue=load_catalogue(db),
        duty_lists=tuple(parse_duty_lists(duty_rows)),
        approvals=(),
        rule_sets=_load_rules(db, subdistrict_code),
        units=load_units(db),
        roster=rosters.load_roster(db, subdistrict_code),
        calendar=load_calendar(db, row.calendar_id),
        people={p.id: p.name for p in people},
        calendar_id=row.calendar_id,
        precedents=precedents.proposed_in(db, subdistrict_code),
    )


def _indexed(plan: GridPlan, known: RuleBook | None) -> IndexedPlan:
    cells = {c.code: c for c in plan.cells}
    for earlier in known.plans if known else ():
        if earlier.plan.cells == plan.cells:
            return IndexedPlan(plan, earlier.index, cells)
    return IndexedPlan(plan, CellIndex.of((c.code, c.polygon) for c in plan.cells), cells)


def _load_rules(db: Db, subdistrict_code: str) -> tuple[DatedRules, ...]:
    table = tables.routing_rule_sets
    query = (
        select(table.c.document, table.c.published_at, table.c.valid_from)
        .where(table.c.subdistrict_code == subdistrict_code)
        .order_by(table.c.published_at.desc(), table.c.version.desc())
        .limit(_MOST_RULE_SETS)
    )
    found = [_dated(r.document, r.published_at, r.valid_from) for r in db.execute(query)]
    nothing = {"version": "none", "timezone": "Asia/Shanghai", "rules": []}
    return tuple(reversed(found)) or (_dated(nothing, datetime.min.replace(tzinfo=UTC), None),)


def _dated(document: Mapping[str, Any], published_at: datetime, valid_from: date | None) -> DatedRules:
    rules = parse_rules(document)
    if valid_from is None:
        return DatedRules(published_at, rules)
    starts_at = datetime.combine(valid_from, time(0), rules.zone).astimezone(UTC)
    return DatedRules(max(published_at, starts_at), rules)


def _typed(table: Table, row: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.c:
        if column.name == "id":
            continue
        given = (row.get(column.name) or "").strip()
        kind = column.type.python_type
        if kind is bool:
            values[column.name] = given.lower() in {"1", "true", "yes"}
        elif kind is date:
            values[column.name] = date.fromisoformat(given) if given else None
        elif kind is int:
            values[column.name] = int(given)
        else:
            values[column.name] = given
    return values


def add_rows(db: Db, table_name: str, rows: Iterable[Mapping[str, str]]) -> int:
    """Insert rows of a catalogue file that the domain's parser has accepted; returns their count."""
    table: Table = getattr(tables, table_name)
    values = [_typed(table, row) for row in rows]
    if values:
        db.execute(insert(table), values)
    return len(values)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of the rows of one table: new, changed, and as they were."""

    new: int
    changed: int
    same: int


def take_in(db: Db, table_name: str, rows: Iterable[Mapping[str, str]]) -> TakenIn:
    """Insert rows that are new and change those whose key is known; rows that are not given stay.

    The key is the table's own: classes, area, condition and first day for a limit.
    """
    table: Table = getattr(tables, table_name)
    values = [_typed(table, row) for row in rows]
    key = _KEYS.get(table_name) or [c.name for c in table.primary_key.columns]
    others = [c.name for c in table.c if c.name not in {*key, "id"}]
    statement = insert(table)
    differs = or_(*(table.c[n].is_distinct_from(statement.excluded[n]) for n in others))
    statement = statement.on_conflict_do_update(
        index_elements=key, set_={n: statement.excluded[n] for n in others}, where=differs
    )
    # xmax is 0 where a row is new; a row that the condition leaves alone is not returned at all.
    returned = statement.returning(literal_column("xmax = 0", Boolean))
    fresh = [row[0] for value in values for row in db.execute(returned, value)]
    return TakenIn(sum(fresh), len(fresh) - sum(fresh), len(values) - len(fresh))


_KEYS: Mapping[str, list[str]] = {"handling_limits": ["category", "area_class", "condition", "valid_from"]}


def publish_rules(
    db: Db, subdistrict_code: str, document: Mapping[str, Any], at: Any, valid_from: date | None = None
) -> None:
    """Store a rule set that the parser has accepted; in use from ``valid_from``, else from the commit on.

    Raises
    ------
    Conflict
        This version is published already: what cases were routed by is never replaced.
    """
    table = tables.routing_rule_sets
    stored = db.execute(
        insert(table)
        .values(
            subdistrict_code=subdistrict_code,
            version=str(document["version"]),
            document=dict(document),
            published_at=at,
            valid_from=valid_from,
        )
        .on_conflict_do_nothing()
        .returning(table.c.version)
    ).scalar()
    if stored is None:
        raise Conflict(
            "This version of the routing rules is published already; give the document a new one.",
            article="22-2",
            version=str(document["version"]),
        )


def newest_rules(db: Db, subdistrict_code: str) -> list[RowMapping]:
    """(version, document, published_at, valid_from) of the published sets, newest first."""
    table = tables.routing_rule_sets
    query = (
        select(table.c.version, table.c.document, table.c.published_at, table.c.valid_from)
        .where(table.c.subdistrict_code == subdistrict_code)
        .order_by(table.c.published_at.desc(), table.c.version.desc())
    )
    return [r._mapping for r in db.execute(query)]
