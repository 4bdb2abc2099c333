"""What is in a database, as one number a table: so that two states can be compared, row for row.

The number is the sum of a 64-bit hash of every row's text, so the order of rows does not matter. With
``until`` only rows count that were last written by a transaction committed by then, which the server must
keep the times of (``track_commit_timestamp``): for tables whose rows never change, that is the state of
that instant.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

State = dict[str, tuple[int, str]]
"""Table → rows and sum of their hashes."""


def tables_of(connection: psycopg.Connection[Any], schema: str = "app") -> list[str]:
    """Names of the tables of a schema."""
    rows = connection.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r' order by 1",
        [schema],
    )
    return [name for (name,) in rows]


def state_of(
    connection: psycopg.Connection[Any],
    tables: Sequence[str],
    *,
    until: datetime | None = None,
    schema: str = "app",
) -> State:
    """The state of these tables, now or as of an instant."""
    found: State = {}
    for table in tables:
        where = sql.SQL("where pg_xact_commit_timestamp(t.xmin) <= %(until)s") if until else sql.SQL("")
        query = sql.SQL(
            "select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text from {} t {}"
        ).format(sql.Identifier(schema, table), where)
        for rows, hashes in connection.execute(query, {"until": until}):
            found[table] = (rows, hashes)
    return found


def committed_by(
    connection: psycopg.Connection[Any], transactions: Sequence[int], until: datetime
) -> set[int]:
    """Which of these transactions were committed by an instant, by the server's own record."""
    rows = connection.execute(
        "select x from unnest(%s::bigint[]) x where pg_xact_commit_timestamp(x::text::xid) <= %s",
        [list(transactions), until],
    )
    return {x for (x,) in rows}


def read_everything(url: str) -> dict[str, int]:
    """Read every row of every table of a database, which a damaged page would not bear; rows by table."""
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        return {name: rows for name, (rows, _) in state_of(connection, tables_of(connection)).items()}
