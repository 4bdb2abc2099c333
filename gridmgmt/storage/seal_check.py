"""What the verifier reads: leaves with their lines, lines without leaves, last images, guards.

Everything comes in pieces of bounded size, so that a log of any length needs no more memory than a short one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from gridmgmt.storage.db import Db
from gridmgmt.storage.seal import ROW_TEXT, Cursor

GUARDED = ("audit_log", "audit_leaves", "audit_checkpoints")


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A table whose rows' images are kept, and how: primary key and personal columns."""

    name: str
    keys: tuple[str, ...]
    personal: tuple[str, ...]


def prepare(db: Db) -> None:
    """Settings of this transaction for reading a long log in pieces.

    The planner must find a piece's lines by their ids and never read the whole log for each piece.
    """
    for setting in ("statement_timeout = 0", "enable_hashjoin = off", "enable_mergejoin = off"):
        db.execute(text(f"set local {setting}"))


def pieces(db: Db, first: int, beyond: int, *, with_lines: bool) -> list[tuple[int, int, bytes, str | None]]:
    """(seq, audit id, leaf, the line's JSON text or None) of one piece, by seq."""
    line = ROW_TEXT if with_lines else "''"
    query = text(f"""
        select l.seq, l.audit_id, l.leaf, case when a.id is not null then {line} end
          from app.audit_leaves l left join app.audit_log a on a.id = l.audit_id
         where l.seq >= :first and l.seq < :beyond order by l.seq
    """)  # noqa: S608  fixed text
    found = db.execute(query, {"first": first, "beyond": beyond})
    return [(row[0], row[1], bytes(row[2]), row[3]) for row in found]


def leaves_from(db: Db, seq: int) -> int:
    """How many leaves lie at or above a place: more than the heads know of."""
    query = text("select count(*) from app.audit_leaves where seq >= :seq or seq < 0")
    return int(db.execute(query, {"seq": seq}).scalar_one())


def lines_below(db: Db, cursor: Cursor) -> int:
    """How many lines there are up to a cursor."""
    query = text("select count(*) from app.audit_log a where (a.xact, a.id) <= (:xact, :id)")
    return int(db.execute(query, {"xact": cursor.xact, "id": cursor.id}).scalar_one())


def sealed_lines_below(db: Db, cursor: Cursor) -> int:
    """How many of them have a leaf."""
    query = text("""
        select count(*) from app.audit_log a join app.audit_leaves l on l.audit_id = a.id
         where (a.xact, a.id) <= (:xact, :id)
    """)
    db.execute(text("set local enable_hashjoin = on"))
    count = db.execute(query, {"xact": cursor.xact, "id": cursor.id}).scalar_one()
    db.execute(text("set local enable_hashjoin = off"))
    return int(count)


def lines_without_leaf(db: Db, cursor: Cursor, most: int) -> list[tuple[int, datetime]]:
    """(id, time) of lines up to a cursor that nobody sealed, lowest id first."""
    query = text("""
        select a.id, a.at from app.audit_log a
         where (a.xact, a.id) <= (:xact, :id)
           and not exists (select from app.audit_leaves l where l.audit_id = a.id)
         order by a.id limit :most
    """)
    found = db.execute(query, {"xact": cursor.xact, "id": cursor.id, "most": most})
    return [(row[0], row[1]) for row in found]


def missing_guards(db: Db) -> list[str]:
    """What should refuse rewriting and is absent or switched off."""
    found = db.execute(
        text("""
            select 'append_only on app.' || name from unnest(cast(:tables as text[])) as name
             where not exists (
                select from pg_trigger t where t.tgrelid = to_regclass('app.' || name)
                   and t.tgname = 'append_only' and t.tgenabled = 'A'
                   and t.tgfoid = 'app.refuse_rewriting()'::regprocedure)
            union all
            select name from unnest(array['guard_audit_structure', 'guard_audit_removal']) as name
             where not exists (select from pg_event_trigger e where e.evtname = name and e.evtenabled = 'A')
            union all
            select tgname || ' on ' || tgrelid::regclass from pg_trigger
             where tgfoid = 'app.keep_row_image()'::regprocedure and tgenabled <> 'A'
        """),
        {"tables": list(GUARDED)},
    )
    return sorted(found.scalars())


def watched_tables(db: Db) -> list[WatchedTable]:
    """The tables whose rows' images are kept, as their triggers say."""
    query = text(r"""
        select c.relname, args[1], args[2]
          from pg_trigger t join pg_class c on c.oid = t.tgrelid,
               lateral string_to_array(encode(t.tgargs, 'escape'), '\000') as args
         where t.tgname = 'keep_image' and t.tgfoid = 'app.keep_row_image()'::regprocedure
         order by c.relname
    """)
    return [
        WatchedTable(name, *(tuple(filter(None, a.strip("{}").split(","))) for a in arguments))
        for name, *arguments in db.execute(query)
    ]


def rows_unlike_their_image(db: Db, table: WatchedTable) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of rows that differ from the last image in the log, and of rows that are gone.

    Personal values are compared by their commitments while the salt is there; after an erasure the
    other columns still are.
    """
    # Names come from the catalogue, through the driver's quoting.
    name = _quoted(table.name)
    query = text(f"""
        with live as (
            select app.row_key(j, cast(:keys as text[])) as id, j
              from (select to_jsonb(t) as j from app.{name} t) x),
        last as (
            select distinct on (object_id) object_id, action, facts -> 'new' as image
              from app.audit_log
             where object_kind = :kind and action in ('row:insert', 'row:update', 'row:delete', 'row:found')
             order by object_id, id desc),
        emptied as (
            select max(id) as id from app.audit_log where object_kind = :kind and action = 'row:truncate')
        select coalesce(live.id, last.object_id),
               case when live.id is null then 'row gone'
                    when last.image is null then 'no image' else 'differs' end
          from live full join last on last.object_id = live.id
         where case
            when live.id is null then last.action <> 'row:delete' and (select id from emptied) is null
            when last.image is null then true
            else exists (
                select from jsonb_object_keys(last.image) as k
                 where not (k = any(cast(:personal as text[]))
                            and not exists (select from app.audit_salts s
                                             where s.object_kind = :kind and s.object_id = live.id))
                   and last.image -> k is distinct from
                       app.row_image(:kind, live.id, jsonb_build_object(k, live.j -> k),
                           case when k = any(cast(:personal as text[])) then array[k] else '{{}}'::text[] end)
                       -> k) end
         order by 1
    """)  # noqa: S608
    asked = {"kind": table.name, "keys": list(table.keys), "personal": list(table.personal)}
    for key, what in db.execute(query, asked):
        yield str(key), str(what)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
