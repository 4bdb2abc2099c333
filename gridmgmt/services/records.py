"""The audit line of a change that was made."""

from datetime import datetime
from typing import Any

from gridmgmt.domain.org import Actor
from gridmgmt.storage.audit import AuditEntry


def done(
    actor: Actor,
    now: datetime,
    action: str,
    object_kind: str,
    object_id: str,
    subdistrict_code: str,
    **facts: Any,
) -> AuditEntry:
    """An audit line with outcome ``done``; ``facts`` hold identifiers and states, no personal data.

    Whom a deputy stood in for is said with it.
    """
    if actor.on_behalf_of is not None:
        facts["on_behalf_of"] = str(actor.on_behalf_of)
    return AuditEntry(
        at=now,
        actor_id=actor.id,
        subdistrict_code=subdistrict_code,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        outcome="done",
        facts=facts,
    )
