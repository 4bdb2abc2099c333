"""Engine and transactions. Sync SQLAlchemy Core on psycopg; there is no ORM session to go stale.

``Db`` is a SQLAlchemy ``Connection`` inside exactly one transaction. Whoever opens it commits it:
``api/deps.py`` before the answer leaves, ``worker.py`` per batch, the CLI per command. Services and
storage functions never do.

Every transaction says whom it acts for (:class:`gridmgmt.storage.rights.walls.Acting`); PostgreSQL then
shows it the rows of that scope and no others. What is set ends with the transaction, so nothing of it
is left on a pooled connection.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
import structlog
from sqlalchemy import Connection, Engine, NestedTransaction, create_engine, event
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.util import queue as pool_queue

from gridmgmt.errors import GridError, NotAllowed, Unavailable
from gridmgmt.storage.rights.walls import NOBODY, Acting

Db = Connection

# A request that waits longer than this on one statement is broken, not busy.
_STATEMENT_TIMEOUT_MS = 15_000
# Behind a lock it waits less long, and a client that hangs in a transaction holds its own so long at most.
_LOCK_TIMEOUT_MS = 10_000
_IDLE_IN_TRANSACTION_MS = 30_000
_RETRY_AFTER_S = 5
_INSUFFICIENT_PRIVILEGE = "42501"
_ACTING = "acting"

# Over TCP a server that vanished without a word is noticed after 15 s; a local socket has no such fate.
_NOTICE_A_DEAD_NETWORK = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
# SQLAlchemy times the wait for a pooled connection by the wall clock: one that steps back by two hours would
# keep whoever waits for as long. (``queue`` has no other way to be told.)
pool_queue._time = time.monotonic  # type: ignore[attr-defined]  # noqa: SLF001

log = structlog.get_logger(__name__)


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
        # A failed statement is logged; what people wrote is not.
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        connect_args={
            "application_name": application,
            "options": f"-c timezone=UTC -c statement_timeout={_STATEMENT_TIMEOUT_MS}"
            f" -c lock_timeout={_LOCK_TIMEOUT_MS}"
            f" -c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_MS}",
            "connect_timeout": 5,
            **_NOTICE_A_DEAD_NETWORK,
        },
    )

    @event.listens_for(engine, "handle_error")
    def _drop_pool_after_a_restart(context: Any) -> None:
        # One dead connection means that the server went away: the others are dead too.
        if context.is_disconnect:
            context.invalidate_pool_on_disconnect = True

    return engine


@contextmanager
def transaction(engine: Engine, acting: Acting, *, read_only: bool = False) -> Iterator[Db]:
    """One transaction: committed on a clean exit, rolled back on any error.

    Parameters
    ----------
    acting : whom it acts for; :func:`act_as` may say so later, when somebody has been recognised.
    read_only : PostgreSQL refuses every write in it.

    Raises
    ------
    NotAllowed
        PostgreSQL refused a row or a table to whom this acts for: a check before it is missing.
    Unavailable
        The database cannot be reached or went away; nothing of this transaction is stored, except
        when the connection broke during the commit itself, which is why every write is idempotent
        by an id that the client made.
    """
    try:
        with engine.connect() as opened:
            connection = opened.execution_options(postgresql_readonly=True) if read_only else opened
            with connection.begin():
                connection.info[_ACTING] = NOBODY
                if acting is not NOBODY:
                    act_as(connection, acting)
                yield connection
    except (ProgrammingError, psycopg.errors.InsufficientPrivilege) as exc:
        if getattr(exc, "orig", exc).sqlstate != _INSUFFICIENT_PRIVILEGE:  # type: ignore[union-attr]
            raise
        log.exception("refused_by_database", wall=acting.wall)
        raise NotAllowed("Your roles do not reach what this needs.", article="41-3", rule="R41c") from exc
    except (OperationalError, InterfaceError, PoolTimeoutError) as exc:
        if is_outage(exc):
            raise Unavailable(
                "The database cannot take this now; keep what you sent and try again.",
                retry_after_s=_RETRY_AFTER_S,
            ) from exc
        raise


_ENTER = """
    select set_config('app.uid', %s, true), set_config('app.subdistricts', %s, true),
           set_config('app.request_id', %s, true), set_config('app.rights', {rights}, true),
           set_config('role', %s, true)
"""
_ENTER_WITH_ROLES = _ENTER.format(rights="coalesce(app.rights_of(cast(%s as text[])), '')")
# A wall without people has no rights to look up, and must stand in a database that has no schema yet.
_ENTER_WITHOUT = _ENTER.format(rights="''")


def act_as(db: Db, acting: Acting) -> None:
    """From here to the end of the transaction, act for somebody; the last call counts.

    Parameters
    ----------
    acting : made from a session's actor or by the process itself, never from what a client sends.
    """
    if acting.wall is None:
        raise ValueError("a transaction never becomes nobody again")
    if db.info[_ACTING] is not NOBODY:
        # Only the login may ask which rights belong to roles.
        _execute(db, "set local role none", ())
    statement = _ENTER_WITH_ROLES if acting.roles else _ENTER_WITHOUT
    roles = (sorted(acting.roles),) if acting.roles else ()
    scope = ",".join(sorted(acting.subdistricts))
    values = (str(acting.person_id or ""), scope, acting.request_id, *roles, acting.wall.role)
    _execute(db, statement, values)
    db.info[_ACTING] = acting


@contextmanager
def savepoint(db: Db) -> Iterator[NestedTransaction]:
    """A part of the transaction that is undone alone where it fails, with whom it acted for."""
    before: Acting = db.info.get(_ACTING, NOBODY)
    try:
        with db.begin_nested() as part:
            yield part
    except BaseException:
        db.info[_ACTING] = before
        raise


@contextmanager
def acting_as(db: Db, acting: Acting) -> Iterator[None]:
    """Act for somebody else for a while, within the same transaction; then as before."""
    before: Acting = db.info.get(_ACTING, NOBODY)
    if before is NOBODY:
        # The login itself, which may do so in tests alone.
        yield
        return
    act_as(db, acting)
    try:
        yield
    except GridError:
        # A refusal of ours leaves the transaction in order, and somebody may go on with it.
        act_as(db, before)
        raise
    act_as(db, before)


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
    found = _execute(db, statement, values).fetchone()
    return None if found is None or found[0] is None else orjson.loads(found[0])


def _execute(db: Db, statement: str, values: Sequence[Any]) -> Any:
    driver: Any = db.connection.driver_connection
    try:
        return driver.execute(statement, values, prepare=True)
    except psycopg.OperationalError as exc:
        if driver.closed:
            # The server went away: the other connections of the pool are dead too.
            db.invalidate(exc)
            db.engine.dispose(close=False)
        raise OperationalError(statement, None, exc) from exc


def passes(exc: Exception) -> bool:
    """Whether the same thing may succeed a moment later: the database was away, busy or in a ring.

    Everything else lies with the thing itself, and would fail again.
    """
    return isinstance(exc, Unavailable) or is_outage(exc)


def is_outage(exc: Exception) -> bool:
    """Whether this error means "not now" rather than "the statement is wrong"."""
    if isinstance(exc, PoolTimeoutError):
        return True
    if isinstance(exc, DBAPIError):
        sqlstate = getattr(exc.orig, "sqlstate", None)
        # 08 connection, 57P shutdown, 53 out of room, memory or connections, 58030 the disk fails, 55P03
        # and 57014 waited too long, 40 chosen as a deadlock's victim; None: no server spoke. In each of
        # these the same thing may well succeed a moment later.
        return bool(
            exc.connection_invalidated
            or sqlstate is None
            or sqlstate.startswith(("08", "53", "57P", "40"))
            or sqlstate in {"58030", "55P03", "57014", "25P03"}
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
