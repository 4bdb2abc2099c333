"""Every sealed column that can be sealed anew, for the change of keys.

``reports.description_sealed`` is not among them: reports are append-only. It is sealed under a key of its
own, and that key, in ``subject_keys``, is sealed anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column whose values are sealed for ``place|key``; the class of their keys begins ``place``."""

    table: str
    column: str
    key: str
    place: str

    @property
    def key_class(self) -> str:
        """The class of the keys that it is sealed under."""
        return self.place.partition("|")[0]

    def context(self, key: Any) -> str:
        """What the value of the row with this key is sealed for."""
        return f"{self.place}|{key}"


SEALED_COLUMNS = (
    SealedColumn("contacts", "name", "report_id", "contacts|name"),
    SealedColumn("contacts", "phone", "report_id", "contacts|phone"),
    SealedColumn("subject_keys", "sealed", "report_id", "subject_keys|sealed"),
)
AS_THEY_ARE = frozenset({("accounts", "totp_sealed"), ("sign_ins", "totp_sealed")})
"""Sealed columns that the worker may not read, so it does not seal them anew: what signing in needs. Their
older keys stay, and go when a second factor is set up again, or with the minutes of a sign-in."""


def sealed_under(
    db: Db, column: SealedColumn, key_ids: Sequence[bytes], *, limit: int
) -> list[tuple[Any, bytes]]:
    """Keys and values of rows sealed under one of these, locked; those that others lock are left out."""
    query = text(f"""
        select {column.key}, {column.column} from app.{column.table}
         where substring({column.column} from 2 for 8) = any(:ids)
         limit :limit for update skip locked
    """)  # noqa: S608  names of our own
    rows = db.execute(query, {"ids": list(key_ids), "limit": limit})
    return [(row[0], bytes(row[1])) for row in rows]


def replace_values(db: Db, column: SealedColumn, values: Sequence[tuple[Any, bytes]]) -> None:
    """Put new values into rows that :func:`sealed_under` locked."""
    statement = text(
        f"update app.{column.table} set {column.column} = :value where {column.key} = :key"  # noqa: S608
    )
    if values:
        db.execute(statement, [{"key": key, "value": value} for key, value in values])
