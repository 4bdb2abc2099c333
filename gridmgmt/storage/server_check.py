"""Whether the database server keeps what it promises: the settings that our promises rest on.

After the documentation of PostgreSQL 15, chapters 20 and 30. Asked on a connection of the application, so
what a role or a connection overrides is seen too.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import text

from gridmgmt.storage.db import Db


class Severity(StrEnum):
    """What follows: ``unsafe`` loses or damages acknowledged records, ``weak`` costs recovery or patience."""

    FINE = "fine"
    WEAK = "weak"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Finding:
    """One setting: as it is, as it should be, and why."""

    setting: str
    value: str
    severity: Severity
    wanted: str
    why: str


_OFF = {"off", "0", "0ms", ""}
# Setting → (accepted values or None for "anything but off", severity otherwise, wanted, why).
_RULES: tuple[tuple[str, set[str] | None, Severity, str, str], ...] = (
    ("fsync", {"on"}, Severity.UNSAFE, "on", "a crash of the machine would damage everything"),
    ("full_page_writes", {"on"}, Severity.UNSAFE, "on", "a page written by half could not be repaired"),
    (
        "synchronous_commit", {"on", "remote_apply", "remote_write"}, Severity.UNSAFE, "on",
        "a report would be acknowledged that a crash loses",
    ),
    ("data_checksums", {"on"}, Severity.WEAK, "on", "a damaged page would be read as if it were whole"),
    ("wal_level", {"replica", "logical"}, Severity.WEAK, "replica", "no backup to a point in time"),
    ("statement_timeout", None, Severity.WEAK, "15s", "one stuck statement would hold its locks for ever"),
    ("lock_timeout", None, Severity.WEAK, "10s", "a request would wait behind a lock for ever"),
    (
        "idle_in_transaction_session_timeout", None, Severity.WEAK, "30s",
        "a client that hangs would hold its locks for ever",
    ),
    ("TimeZone", {"UTC"}, Severity.WEAK, "UTC", "dates in SQL would be another zone's"),
    ("server_encoding", {"UTF8"}, Severity.UNSAFE, "UTF8", "Chinese text could not be stored"),
)  # fmt: skip


def findings(db: Db) -> list[Finding]:
    """Every setting that was looked at."""
    found = []
    for setting, accepted, otherwise, wanted, why in _RULES:
        value = db.execute(text("select current_setting(:name, true)"), {"name": setting}).scalar() or ""
        good = value in accepted if accepted is not None else value not in _OFF
        found.append(Finding(setting, value, Severity.FINE if good else otherwise, wanted, why))
    locale = str(
        db.execute(text("select datctype from pg_database where datname = current_database()")).scalar()
    )
    good = locale not in {"C", "POSIX"}
    found.append(
        Finding(
            "lc_ctype",
            locale,
            Severity.FINE if good else Severity.WEAK,
            "C.UTF-8",
            "similar Chinese texts would not be found",
        )
    )
    return found
