"""A row of every table in three subdistricts, so that every right can be tried on somebody's and on others'.

What the demo and a short piece of work leave in the street is copied into a sibling (same district) and into
a street of another district, with every code and id replaced; a table that is still empty gets a row made
of its columns' types. Foreign keys and checks are not looked at: rights do not depend on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from gridmgmt.storage.db import Db
from gridmgmt.storage.rights.matrix import Scope, TableRights, read_matrix
from tests.builders_cases import STREET

SIBLING, OTHER = "120116006", "120101001"
STREETS = (STREET, SIBLING, OTHER)

_DUMMIES = {
    "text": "'x'", "uuid": "gen_random_uuid()", "bytea": "'\\x00'::bytea", "boolean": "false",
    "integer": "1", "bigint": "1", "smallint": "1", "double precision": "1", "jsonb": "'{}'::jsonb",
    "bigint[]": "'{}'::bigint[]",
    "timestamp with time zone": "now()", "date": "current_date", "text[]": "'{}'::text[]",
    "geometry": "st_multi(st_makeenvelope(117, 39, 117.01, 39.01, 4490))",
    "numeric": "1", "interval": "'1 hour'::interval", "time without time zone": "time '08:00'",
}  # fmt: skip
_CHECKS = """
    select conrelid::regclass, conname from pg_constraint
     where connamespace = 'app'::regnamespace and contype = 'c'
"""


@dataclass(frozen=True)
class Place:
    """Where one row is: a condition that finds it, a statement that adds another one like it, and a column
    that an update may name."""

    found_by: str
    one_more: str
    touched: str
    person_id: str | None


@dataclass(frozen=True)
class Columns:
    """A table's columns: type by name, keys, and those of unique indexes of one column."""

    types: Mapping[str, str]
    key: tuple[str, ...]
    unique: frozenset[str]
    identity: frozenset[str]


def fill(db: Db) -> dict[str, dict[str, Place]]:
    """Places by table and street; tables whose rows belong to no street have them under the first one."""
    db.execute(text("set local session_replication_role = replica"))
    db.execute(text("set local app.migration = 'trial'"))
    for table, constraint in db.execute(text(_CHECKS)).all():
        db.execute(text(f"alter table {table} drop constraint {constraint}"))
    return {name: _fill_table(db, rights) for name, rights in read_matrix().items()}


def _fill_table(db: Db, rights: TableRights) -> dict[str, Place]:
    columns = _columns(db, rights.table)
    if db.execute(text(f"select not exists (select from app.{rights.table})")).scalar():
        _make_up(db, rights, columns)
    where = _home(rights, columns)
    ctid = db.execute(text(f"select ctid from app.{rights.table} where {where} limit 1")).scalar()
    assert ctid is not None, f"no row of {rights.table} in the street"
    places = {STREET: _place(db, rights.table, columns, f"ctid = '{ctid}'::tid", STREET)}
    if rights.scope is not Scope.COMMON:
        for street in STREETS[1:]:
            _copy(db, rights.table, columns, f"ctid = '{ctid}'::tid", street)
            made = db.execute(
                text(
                    f"select ctid from app.{rights.table} order by xmin::text::bigint desc, ctid desc limit 1"
                )
            ).scalar()
            places[street] = _place(db, rights.table, columns, f"ctid = '{made}'::tid", street)
    return places


def _home(rights: TableRights, columns: Columns) -> str:
    match rights.scope:
        case Scope.SELF:
            return f"code = '{STREET}'"
        case Scope.COLLEAGUE:
            return "login = 'demo-shift'"
        case Scope.OWN:
            return "person_id is not null"
        case Scope.COMMON:
            return "true"
        case _:
            return f"subdistrict_code = '{STREET}'"


def _columns(db: Db, table: str) -> Columns:
    query = text("""
        select a.attname, format_type(a.atttypid, null) as type, a.attgenerated <> '' as generated,
               a.attidentity <> '' as identity,
               coalesce(a.attnum = any(p.indkey), false) as key,
               exists (select from pg_index u where u.indrelid = a.attrelid and u.indisunique
                          and u.indnkeyatts = 1 and u.indkey[0] = a.attnum) as alone
          from pg_attribute a left join pg_index p on p.indrelid = a.attrelid and p.indisprimary
         where a.attrelid = cast(:table as regclass) and a.attnum > 0 and not a.attisdropped
         order by a.attnum
    """)
    rows = [r for r in db.execute(query, {"table": f"app.{table}"}) if not r.generated]
    return Columns(
        {r.attname: r.type for r in rows},
        tuple(r.attname for r in rows if r.key),
        frozenset(r.attname for r in rows if r.alone),
        frozenset(r.attname for r in rows if r.identity),
    )


def _make_up(db: Db, rights: TableRights, columns: Columns) -> None:
    values = {name: _DUMMIES[kind] for name, kind in columns.types.items() if kind in _DUMMIES}
    if "subdistrict_code" in values:
        values["subdistrict_code"] = f"'{STREET}'"
    if rights.scope is Scope.OWN:
        values["person_id"] = "(select id from app.people where login = 'demo-shift')"
    db.execute(
        text(
            f"insert into app.{rights.table} ({', '.join(values)}) overriding system value"
            f" values ({', '.join(values.values())})"
        )
    )


def _changed(columns: Columns, name: str, street: str) -> str:  # noqa: PLR0911  one answer a type
    """An expression for a column's value in another street."""
    kind = columns.types[name]
    mark = street
    if kind == "uuid":
        return f"md5({name}::text || '{mark}')::uuid"
    if kind == "text":
        moved = f"replace({name}, '{STREET}', '{street}')"
        if name not in columns.unique:
            return moved
        return f"case when position('{STREET}' in {name}) > 0 then {moved} else {name} || '-{mark}' end"
    if kind == "jsonb":
        return f"replace({name}::text, '{STREET}', '{street}')::jsonb"
    if kind == "bytea" and (name in columns.key or name in columns.unique):
        return f"sha256({name} || '{mark}'::bytea)"
    if kind in {"bigint", "integer"} and (name in columns.identity or name in columns.unique):
        return f"{name} + {STREETS.index(street) + 1} * 1000000"
    return name


def _copy(db: Db, table: str, columns: Columns, where: str, street: str) -> None:
    values = ", ".join(_changed(columns, name, street) for name in columns.types)
    db.execute(
        text(
            f"insert into app.{table} ({', '.join(columns.types)}) overriding system value"
            f" select {values} from app.{table} where {where}"
        )
    )


def _place(db: Db, table: str, columns: Columns, where: str, street: str) -> Place:
    key = columns.key
    literal = " || ' and ' || ".join(f"format('{name} = %L', {name})" for name in key)
    names = ", ".join(columns.types)
    values = ", ".join(_fresh(columns, name) for name in columns.types)
    holes = ", ".join(["%L"] * len(columns.types))
    person = "person_id::text" if "person_id" in columns.types else "null"
    found_by, one_more, person_id = db.execute(
        text(
            f"select {literal}, format('insert into app.{table} ({names}) overriding system value"
            f" values ({holes})', {values}), {person} from app.{table} where {where}"
        )
    ).one()
    touched = next(n for n in (*key, *columns.types) if n not in columns.identity)
    return Place(str(found_by), str(one_more), touched, person_id)


def _fresh(columns: Columns, name: str) -> str:
    """An expression for a row that could be added beside this one: other keys, same street and person."""
    kind = columns.types[name]
    if name in {"person_id", "subdistrict_code"} or name not in {*columns.key, *columns.unique}:
        return name
    match kind:
        case "uuid":
            return "gen_random_uuid()"
        case "bytea":
            return f"sha256({name} || 'fresh'::bytea)"
        case "bigint" | "integer" | "smallint":
            return f"{name} + 7"
        case _:
            return name


def values_of(db: Db, query: str) -> list[Any]:
    """The first column of a query."""
    return list(db.execute(text(query)).scalars())
