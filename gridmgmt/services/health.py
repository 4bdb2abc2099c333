"""Whether this installation is ready to work."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from gridmgmt.storage import health
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting


def readiness(engine: Engine, now: datetime) -> dict[str, Any]:
    """Database, schema revision and plans in force.

    Raises
    ------
    Unavailable
        The database cannot be reached.
    """
    with transaction(engine, Acting.lookout(), read_only=True) as db:
        found = health.look(db, now)
    ready = found.revision == found.wanted and found.plans > 0
    return {
        "status": "ready" if ready else "not_ready",
        "database": "ok",
        "schema": found.revision,
        "schema_wanted": found.wanted,
        "plans_in_force": found.plans,
        "outbox_waiting": found.waiting,
    }
