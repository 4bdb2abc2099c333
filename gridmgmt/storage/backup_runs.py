"""What became of the backups, as rows that are only ever added."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, insert, select

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import backup_runs

What = Literal["created", "verified", "restored", "drilled"]


def record(db: Db, at: datetime, what: What, label: str, *, ok: bool, facts: Mapping[str, Any]) -> None:
    """Add a line."""
    outcome = "done" if ok else "failed"
    db.execute(insert(backup_runs).values(at=at, what=what, outcome=outcome, label=label, facts=dict(facts)))


def newest(db: Db, what: What) -> datetime | None:
    """When this was last done with success; None: never."""
    return db.execute(
        select(func.max(backup_runs.c.at)).where(backup_runs.c.what == what, backup_runs.c.outcome == "done")
    ).scalar()
