"""Backups as an operator asks for them; every outcome is on record in the database itself."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from gridmgmt.domain.org import SYSTEM_ACTOR_ID
from gridmgmt.storage import audit, backup_runs
from gridmgmt.storage.audit import AuditEntry
from gridmgmt.storage.backup.place import Backup
from gridmgmt.storage.backup.restore import Recovered
from gridmgmt.storage.backup.verify import Verdict
from gridmgmt.storage.db import Db
from gridmgmt.storage.revision import current_revision


def schema_facts(db: Db) -> dict[str, Any]:
    """What a manifest says about the records themselves."""
    return {"schema_revision": current_revision(db)}


def note_created(db: Db, now: datetime, backup: Backup, removed: list[str]) -> None:
    """A backup was finished; its age counts from here."""
    facts = {"bytes": backup.facts["database_bytes"], "removed": removed}
    backup_runs.record(db, now, "created", backup.label, ok=True, facts=facts)


def note_verified(db: Db, now: datetime, verdict: Verdict) -> None:
    """A backup was looked at."""
    facts = {"files": verdict.files, "faults": list(verdict.faults[:20]), "notes": list(verdict.notes)}
    backup_runs.record(db, now, "verified", verdict.label, ok=verdict.sound, facts=facts)


def note_drill(db: Db, now: datetime, label: str, facts: Mapping[str, Any], *, ok: bool) -> None:
    """A restore was tried for practice."""
    backup_runs.record(db, now, "drilled", label, ok=ok, facts=facts)


def note_recovery(db: Db, now: datetime, recovered: Recovered) -> None:
    """Into the restored database: that its records end at this point and go on from here.

    What was acknowledged after the recovery point is not in it; whoever reads the audit log finds that
    here and not by a gap.
    """
    facts = recovery_facts(recovered)
    audit.append(
        db,
        [
            AuditEntry(
                at=now,
                actor_id=SYSTEM_ACTOR_ID,
                subdistrict_code=None,
                action="database:restore",
                object_kind="database",
                object_id=recovered.label,
                outcome="done",
                facts=facts,
                rule="R41c",
            )
        ],
    )
    backup_runs.record(db, now, "restored", recovered.label, ok=True, facts=facts)


def recovery_facts(recovered: Recovered) -> dict[str, Any]:
    """The recovery point, without the URL."""
    facts = asdict(recovered)
    facts.pop("url")
    return {
        k: v.isoformat() if isinstance(v, datetime) else str(v) if isinstance(v, Path) else v
        for k, v in facts.items()
    }
