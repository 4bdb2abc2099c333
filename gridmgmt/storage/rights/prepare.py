"""Preparing a database: the one step that needs a superuser."""

from pathlib import Path

import psycopg

from gridmgmt.errors import Unavailable

PREPARE_FILE = Path(__file__).with_name("prepare.sql")
_ATTEMPTS = 5


def prepare(url: str) -> None:
    """Roles, extensions, ownership and marks; doing it twice changes nothing.

    Parameters
    ----------
    url : of a superuser in the database to prepare.

    Raises
    ------
    Unavailable
        Others kept changing the same roles of the server at the same time.
    """
    statements = PREPARE_FILE.read_text(encoding="utf-8")
    for _ in range(_ATTEMPTS):
        try:
            with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
                # Roles are shared by all databases of the server, advisory locks are not: two databases that
                # are prepared at once may meet, and the loser begins anew.
                connection.execute(statements)
        except (
            psycopg.errors.InternalError_,
            psycopg.errors.UniqueViolation,
            psycopg.errors.DuplicateObject,
        ):
            continue
        return
    raise Unavailable("The roles of this database server are being changed by others.", retry_after_s=5)
