"""Engine and transactions. Sync SQLAlchemy Core on psycopg; there is no ORM session to go stale.

``Db`` is a SQLAlchemy ``Connection`` inside exactly one transaction. Whoever opens it commits it:
``api/deps.py`` before the answer leaves, ``worker.py`` per batch, the CLI per command. Services and
storage functions never do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gridmgmt.errors import Unavailable

Db = Connection

# A request that waits longer than this on one statement is broken, not busy.
_STATEMENT_TIMEOUT_MS = 15_000
_RETRY_AFTER_S = 5


def _to_json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def make_engine(url: str, *, pool_size: int = 20, application: str = "gridmgmt") -> Engine:
    """An engine whose connections speak UTC and give up on stuck statements.

    Parameters
    ----------
    url : SQLAlchemy URL of a PostgreSQL with PostGIS; a bare ``postgresql://`` means psycopg.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=5,
        pool_pre_ping=False,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        connect_args={
            "application_name": application,
            "options": f"-c timezone=UTC -c statement_timeout={_STATEMENT_TIMEOUT_MS}",
            "connect_timeout": 5,
        },
    )

    @event.listens_for(engine, "handle_error")
    def _drop_pool_after_a_restart(context: Any) -> None:
        # One dead connection means that the server went away: the others are dead too.
        if context.is_disconnect:
            context.invalidate_pool_on_disconnect = True

    return engine


@contextmanager
def transaction(engine: Engine, *, read_only: bool = False) -> Iterator[Db]:
    """One transaction: committed on a clean exit, rolled back on any error.

    Parameters
    ----------
    read_only : PostgreSQL refuses every write in it.

    Raises
    ------
    Unavailable
        The database cannot be reached or went away; nothing of this transaction is stored, except
        when the connection broke during the commit itself, which is why every write is idempotent
        by an id that the client made.
    """
    try:
        with engine.connect() as opened:
            connection = opened.execution_options(postgresql_readonly=True) if read_only else opened
            with connection.begin():
                yield connection
    except (OperationalError, InterfaceError, PoolTimeoutError) as exc:
        if is_outage(exc):
            raise Unavailable(
                "The database cannot be reached; keep what you sent and try again.",
                retry_after_s=_RETRY_AFTER_S,
            ) from exc
        raise


def hot_json(db: Db, statement: str, values: Sequence[str]) -> Any:
    """What a statement that every request pays for answers: the JSON text of its one column.

    Goes to the driver directly, inside the same transaction: on a small statement the client's share
    (compiling, adapting each parameter, building rows) is larger than PostgreSQL's own work. Hence
    also text in and text out, and one value instead of many columns.

    Parameters
    ----------
    statement : with a ``%s`` for each value, cast where its type is not plain; fixed text, never built
        from input.
    values : the parameters in order, as PostgreSQL would print them.

    Returns
    -------
    The value; None for null and without rows.
    """
    driver: Any = db.connection.driver_connection
    try:
        found = driver.cursor().execute(statement, values, prepare=True).fetchone()
    except psycopg.OperationalError as exc:
        if driver.closed:
            # The server went away: the other connections of the pool are dead too.
            db.invalidate(exc)
            db.engine.dispose(close=False)
        raise OperationalError(statement, None, exc) from exc
    return None if found is None or found[0] is None else orjson.loads(found[0])


def is_outage(exc: Exception) -> bool:
    """Whether this error means "the server is not there" rather than "the statement is wrong"."""
    if isinstance(exc, PoolTimeoutError):
        return True
    if isinstance(exc, DBAPIError):
        sqlstate = getattr(exc.orig, "sqlstate", None)
        # 08 connection, 57P01-57P03 shutdown, 53300 too many connections; None: no server spoke.
        return bool(
            exc.connection_invalidated
            or sqlstate is None
            or sqlstate.startswith("08")
            or sqlstate in {"57P01", "57P02", "57P03", "53300"}
        )
    return False


def may_be_one_rows_fault(exc: Exception) -> bool:
    """Whether work on several rows may succeed for the others without one of them.

    A value or constraint that refuses a row, or a fault of our own in deciding on it; not a lock, a
    timeout, a full disk or an outage, which would only come again for each row.
    """
    if isinstance(exc, Unavailable):
        return False
    return isinstance(exc, (DataError, IntegrityError)) or not isinstance(exc, DBAPIError)
