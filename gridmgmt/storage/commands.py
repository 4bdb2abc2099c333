"""Commands that moved a case: a command that comes again is recognised by the id that its sender made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import case_steps


@dataclass(frozen=True, slots=True)
class DoneBefore:
    """What a command did when it came the first time."""

    case_id: UUID
    actor_id: UUID
    action: str
    facts: Mapping[str, Any]


def done_by_command(db: Db, command_id: UUID) -> DoneBefore | None:
    """What this command already did; None when it is new."""
    columns = (case_steps.c.case_id, case_steps.c.actor_id, case_steps.c.action, case_steps.c.facts)
    found = db.execute(select(*columns).where(case_steps.c.command_id == command_id)).first()
    return None if found is None else DoneBefore(**found._mapping)
