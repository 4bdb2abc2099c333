"""Grants and policies, made from the matrix after every migration, and the proof that they stand.

Rights are state, not history: Alembic moves tables, this writes their rights anew whenever the matrix,
the functions or the migrations have changed. A digest of what PostgreSQL then says is kept as the
comment of ``app.may``; a grant or policy that somebody adds, drops or alters later changes the digest,
so that start and readiness find it (:func:`deviation`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from gridmgmt.domain.org import Role
from gridmgmt.errors import Conflict
from gridmgmt.storage.rights.matrix import (
    MANAGE,
    MATRIX_FILE,
    VERBS,
    Scope,
    TableRights,
    read_matrix,
    sequences,
)
from gridmgmt.storage.rights.walls import OWNER, WALLS_OF_PERSONS, Login, Wall

FUNCTIONS_FILE = Path(__file__).with_name("functions.sql")

# A restrictive policy holds these to the scope of the transaction; the others work for all streets.
_SCOPED = (*WALLS_OF_PERSONS, Wall.RULES, Wall.SETUP)
# "(select …)" makes PostgreSQL ask once a statement instead of once a row (40 times cheaper).
_MINE = "any((select app.my_subdistricts())::text[])"
_SCOPES = {
    Scope.SUBDISTRICT: f"subdistrict_code = {_MINE}",
    Scope.SELF: f"code = {_MINE}",
    Scope.SHARED: f"coalesce(subdistrict_code, '') = '' or subdistrict_code = {_MINE}",
    Scope.COLLEAGUE: (
        f"people.subdistrict_code = {_MINE} or exists (select from app.person_roles r"
        f" where r.person_id = people.id and r.subdistrict_code = {_MINE})"
    ),
    Scope.OWN: (
        "person_id = (select app.my_uid())"
        " or ((select app.may('{table}:manage')) and person_id in (select app.my_people()))"
    ),
}
_CALLABLE_BY_WALLS = ("my_subdistricts()", "my_uid()", "may(text)", "my_people()")
_CALLABLE_BY_LOGINS = (
    "rights_of(text[])",
    "signed_in(bytea[], timestamptz, interval)",
    "every_subdistrict()",
)
# Whoever verifies makes the images of rows again.
_CALLABLE_BY_SEALER = (
    "row_key(jsonb, text[])",
    "row_image(text, text, jsonb, text[])",
    "commitment(text, text, jsonb)",
)
_WALL_ROLES = ", ".join(wall.role for wall in Wall)


def apply(connection: Connection) -> bool:
    """Write grants and policies where they are not those of this version; whether anything was written.

    Parameters
    ----------
    connection : acting as the owner of schema ``app``, in a transaction.

    Raises
    ------
    Conflict
        A table is not in the matrix, or the matrix names one that is not there.
    """
    wanted = _wanted()
    if _recorded(connection)[:1] == [wanted] and deviation(connection) is None:
        return False
    matrix = read_matrix()
    tables = set(connection.execute(text(_TABLES)).scalars())
    if tables != set(matrix):
        raise Conflict("The matrix of rights and the tables differ.", tables=sorted(tables ^ set(matrix)))
    for statement in (*_functions(matrix), *_clean(connection), *_rights(matrix)):
        _run(connection, statement)
    mark = f"rights {wanted} {_digest(connection)}"
    _run(connection, f"comment on function app.may(text) is '{mark}'")
    return True


def lift(connection: Connection) -> None:
    """Take all policies away, so that a migration may change what they rest on.

    Nobody sees anything until :func:`apply`.
    """
    for statement in _clean(connection):
        _run(connection, statement)


def _run(connection: Connection, statement: str) -> None:
    # To the driver without parameters: several statements in one text, and no meaning of "%".
    driver: Any = connection.connection.driver_connection
    driver.execute(statement)


def deviation(connection: Connection) -> str | None:
    """What is wrong with the rights of this database, in a sentence; None when they stand as written."""
    recorded = _recorded(connection)
    if not recorded:
        return "rights were never written; run gridmgmt db migrate"
    if recorded[0] != _wanted():
        return "rights are those of another version; run gridmgmt db migrate"
    if recorded[1] != _digest(connection):
        return "grants or policies were changed after they were written; run gridmgmt db migrate"
    if not connection.execute(text(_LEAKPROOF)).scalar():
        return "the box operator is not marked leakproof, so maps are slow; run gridmgmt db prepare"
    return None


def _wanted() -> str:
    content = MATRIX_FILE.read_bytes() + FUNCTIONS_FILE.read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _recorded(connection: Connection) -> list[str]:
    found = connection.execute(
        text("select obj_description(to_regprocedure('app.may(text)'), 'pg_proc')")
    ).scalar()
    words = str(found or "").split()
    return words[1:] if words[:1] == ["rights"] else []


def _functions(matrix: Mapping[str, TableRights]) -> Iterator[str]:
    yield FUNCTIONS_FILE.read_text(encoding="utf-8")
    lists = ",\n".join(f"('{role}', '{_rights_of(matrix, role)}')" for role in Role)
    yield f"""
        create or replace function app.rights_of(asked text[]) returns text
        language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
        begin
            return (select string_agg(m.rights, '') from (values {lists}) m(role, rights)
                     where m.role = any(asked));
        end $$
    """  # noqa: S608  names of the matrix
    yield "revoke all on all functions in schema app from public"
    for function in _CALLABLE_BY_WALLS:
        yield f"grant execute on function app.{function} to {_WALL_ROLES}, {OWNER}"
    for function in _CALLABLE_BY_LOGINS:
        callers = f"{Login.APP}, {Login.WORKER}, {Login.MIGRATE}, {Wall.DOOR.role}"
        yield f"grant execute on function app.{function} to {callers}"
    for function in _CALLABLE_BY_SEALER:
        yield f"grant execute on function app.{function} to {Wall.SEALER.role}"


def _rights_of(matrix: Mapping[str, TableRights], role: Role) -> str:
    return ",".join(
        [
            "",
            *(f"{name}:{v}" for name, t in matrix.items() for v in (*VERBS, MANAGE) if role in t.roles[v]),
            "",
        ]
    )


def _clean(connection: Connection) -> Iterator[str]:
    everybody = f"public, {_WALL_ROLES}, {Login.APP}, {Login.WORKER}"
    yield f"revoke all on schema app from {everybody}"
    yield f"revoke all on all tables in schema app from {everybody}"
    yield f"revoke all on all sequences in schema app from {everybody}"
    for table, policy in connection.execute(
        text("select tablename, policyname from pg_policies where schemaname = 'app'")
    ).all():
        yield f"drop policy {policy} on app.{table}"
    for table in connection.execute(text(_FORCED)).scalars().all():
        yield f"alter table app.{table} no force row level security"


def _rights(matrix: Mapping[str, TableRights]) -> Iterator[str]:
    everybody = f"{_WALL_ROLES}, {Login.APP}, {Login.WORKER}"
    yield f"grant usage on schema app to {everybody}"
    # Alembic's own table tells nothing but a number.
    yield f"grant select on app.schema_revision to {everybody}"
    for rights in matrix.values():
        table = f"app.{rights.table}"
        yield f"alter table {table} enable row level security"
        yield f"alter table {table} force row level security"
        yield from _policies(rights)
        for verb in VERBS:
            for wall in rights.walls(verb):
                columns = ", ".join(rights.columns.get(wall, ())) if verb == "select" else ""
                yield f"grant {verb}{f' ({columns})' if columns else ''} on {table} to {wall.role}"
    for sequence, right in sequences().items():
        name, verb = right.split(":")
        for wall in matrix[name].walls(verb):
            yield f"grant usage on sequence app.{sequence} to {wall.role}"


def _policies(rights: TableRights) -> Iterator[str]:
    table, name = f"app.{rights.table}", rights.table
    scope = _SCOPES.get(rights.scope, "").format(table=name)
    granted = {wall for verb in VERBS for wall in rights.walls(verb)}
    if scope and granted.intersection(_SCOPED):
        # Whoever sets an installation up is no person whose rows these could be.
        free = {Wall.SETUP} if rights.scope is Scope.OWN else set()
        walls = ", ".join(wall.role for wall in _SCOPED if wall not in free)
        # A new person has no role yet by which he could be seen.
        check = "true" if rights.scope is Scope.COLLEAGUE else scope
        yield (
            f"create policy {name}_scope on {table} as restrictive for all to {walls}"
            f" using ({scope}) with check ({check})"
        )
    for verb in VERBS:
        people = [wall.role for wall in rights.walls(verb) if wall in WALLS_OF_PERSONS]
        condition = f"(select app.may('{name}:{verb}'))"
        for suffix, to, allowed in (
            ("", people, condition),
            ("_pass", [wall.role for wall in sorted(rights.passes[verb])], "true"),
            ("_owner", [OWNER] if verb in rights.owner else [], "true"),
        ):
            if to:
                yield (
                    f"create policy {name}_{verb}{suffix} on {table} for {verb} to {', '.join(to)}"
                    f" {_clause(verb, allowed)}"
                )


def _clause(verb: str, allowed: str) -> str:
    match verb:
        case "insert":
            return f"with check ({allowed})"
        case "update":
            return f"using ({allowed}) with check ({allowed})"
        case _:
            return f"using ({allowed})"


_TABLES = """
    select relname from pg_class
     where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') and relname <> 'schema_revision'
"""
_FORCED = """
    select relname from pg_class
     where relnamespace = to_regnamespace('app') and relkind in ('r', 'p') and relforcerowsecurity
"""
_LEAKPROOF = (
    "select proleakproof from pg_proc where oid = 'geometry_overlaps(geometry, geometry)'::regprocedure"
)
# Everything that decides who may touch what, as PostgreSQL has it.
_STANDING = """
    select md5(string_agg(line, e'\n' order by line)) from (
        select concat_ws('|', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check) line
          from pg_policies where schemaname = 'app'
        union all
        select concat_ws('|', 'table', relname, relkind, relowner::regrole, relrowsecurity,
                         relforcerowsecurity, relacl)
          from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
        union all
        select concat_ws('|', 'column', attrelid::regclass, attname, attacl)
          from pg_attribute join pg_class c on c.oid = attrelid
         where c.relnamespace = 'app'::regnamespace and attacl is not null
        union all
        select concat_ws('|', 'function', proname, prosecdef, proowner::regrole, proacl, proconfig)
          from pg_proc where pronamespace = 'app'::regnamespace
        union all
        select concat_ws('|', 'trigger', tgrelid::regclass, tgname, tgenabled)
          from pg_trigger join pg_class c on c.oid = tgrelid
         where c.relnamespace = 'app'::regnamespace and not tgisinternal
        union all
        select concat_ws('|', 'role', rolname, rolsuper, rolbypassrls, rolinherit)
          from pg_roles where rolname like 'gridmgmt\\_%'
        union all
        select concat_ws('|', 'member', roleid::regrole, member::regrole)
          from pg_auth_members where member::regrole::text like 'gridmgmt\\_%') standing
"""


def _digest(connection: Connection) -> str:
    return str(connection.execute(text(_STANDING)).scalar_one())
