"""Whether this installation works, told as it is: one verdict a part, and what follows from them.

*Vital* parts decide whether requests can be served at all: without the database, the schema of this
version or a plan in force nothing can be taken in (``not_ready``). The others make it ``degraded``: taking
a server away because the worker is late would turn a delay into an outage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from gridmgmt.adapters.disks import Room, room_on
from gridmgmt.errors import Unavailable
from gridmgmt.storage import health
from gridmgmt.storage.db import transaction
from gridmgmt.storage.health import Look
from gridmgmt.storage.rights.walls import Acting


class Standing(StrEnum):
    """How a part is."""

    OK = "ok"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Check:
    """One part: its name, how it is, whether nothing can be served without it, and what was seen."""

    name: str
    standing: Standing
    vital: bool
    seen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a part fails. Seconds, but for the disk; None: this is not looked at."""

    worker_s: float = 30.0
    outbox_s: float = 60.0
    overdue_s: float = 60.0
    stale_s: float = 600.0
    seal_s: float = 60.0
    receiver_s: float = 60.0
    backup_s: float | None = None
    disk_share: float = 0.05
    disk_bytes: int = 2**30


_BACKUP_WITHIN_H = 26


def limits(backup_within_h: int | None, *, production: bool) -> Limits:
    """The limits of an installation; outside production no backup is expected unless one is asked for."""
    hours = backup_within_h or (_BACKUP_WITHIN_H if production else None)
    return Limits(backup_s=None if hours is None else hours * 3600.0)


@dataclass(frozen=True, slots=True)
class Health:
    """All checks, and what they come to: ``ready``, ``degraded`` or ``not_ready``."""

    checks: tuple[Check, ...]

    @property
    def failing(self) -> list[Check]:
        """Those that fail."""
        return [c for c in self.checks if c.standing is not Standing.OK]

    @property
    def status(self) -> str:
        """In a word."""
        if any(c.vital for c in self.failing):
            return "not_ready"
        return "degraded" if self.failing else "ready"

    def told_to_anybody(self) -> dict[str, Any]:
        """Without a figure, version or place: enough for a load balancer."""
        return {"status": self.status, "checks": {c.name: c.standing.value for c in self.checks}}

    def told_to_an_administrator(self) -> dict[str, Any]:
        """With what was seen."""
        return {
            "status": self.status,
            "checks": [
                {"name": c.name, "standing": c.standing.value, "vital": c.vital, "seen": dict(c.seen)}
                for c in self.checks
            ],
        }


def places(home: Path, photos: Path) -> dict[str, Path]:
    """Directories whose disks must not fill, by the name of their check."""
    return {"home": home, "photos": photos}


def look_around(
    engine: Engine, now: datetime | None, limits: Limits, places: Mapping[str, Path]
) -> tuple[Health, Look | None]:
    """The health now, and the figures behind it; None where the database did not answer.

    Parameters
    ----------
    now : None: by the database's own clock, for whoever watches from outside.
    places : directories whose disks must not fill, by name.
    """
    try:
        with transaction(engine, Acting.lookout(), read_only=True) as db:
            found = health.look(db, now or health.clock(db))
    except Unavailable:
        found = None
    rooms = {name: room_on(path) for name, path in places.items()}
    return Health((*_of_database(found, limits), *_of_disks(rooms, limits))), found


def _of_database(found: Look | None, limits: Limits) -> Iterator[Check]:
    yield _check("database", found is not None, vital=True)
    if found is None:
        return
    same = found.revision == found.wanted
    yield _check("schema", same, vital=True, revision=found.revision, wanted=found.wanted)
    yield _check("plan", found.plans > 0, vital=True, in_force=found.plans)
    if not same:
        return
    # Row-level security fails closed; what deviates needs a person, and not an outage.
    yield _check("rights", found.rights is None, deviation=found.rights)
    age = found.heartbeats.get("worker")
    yield _check("worker", age is not None and age <= limits.worker_s, age_s=age)
    late = found.oldest_s > limits.outbox_s
    yield _check("outbox", not late, waiting=found.waiting, oldest_s=found.oldest_s)
    passed = found.unannounced > 0 and found.latest_s > limits.overdue_s
    yield _check("deadlines", not passed, unannounced=found.unannounced, latest_s=found.latest_s)
    fresh = found.stale_s <= limits.stale_s
    yield _check("clocks", fresh, stale_s=found.stale_s, not_computed=found.not_computed)
    yield _check("ladder", found.ladder_aside == 0, put_aside=found.ladder_aside)
    unsealed = found.unsealed > 0 and found.unsealed_s > limits.seal_s
    yield _check("seal", not unsealed, waiting=found.unsealed, oldest_s=found.unsealed_s)
    if limits.backup_s is not None:
        age = found.heartbeats.get("backup")
        yield _check("receiver", age is not None and age <= limits.receiver_s, age_s=age)
        fresh = found.backup_age_s is not None and found.backup_age_s <= limits.backup_s
        yield _check("backup", fresh, age_s=found.backup_age_s)


def _of_disks(rooms: Mapping[str, Room | None], limits: Limits) -> Iterator[Check]:
    for name, room in rooms.items():
        enough = room is not None and room.free >= min(limits.disk_bytes, limits.disk_share * room.total)
        yield _check(f"disk_{name}", enough, free_bytes=room.free if room else None)


def _check(name: str, good: bool, *, vital: bool = False, **seen: Any) -> Check:  # noqa: FBT001
    return Check(name, Standing.OK if good else Standing.FAILING, vital, seen)


def gauges(told: Health, found: Look | None) -> dict[str, float | dict[str, float]]:
    """The same for monitoring; what is not known is left out, never 0."""
    values: dict[str, float | dict[str, float]] = {
        "ready": float(told.status != "not_ready"),
        "check_ok": {c.name: float(c.standing is Standing.OK) for c in told.checks},
        "disk_free_bytes": {
            c.name.removeprefix("disk_"): float(c.seen["free_bytes"])
            for c in told.checks
            if c.seen.get("free_bytes") is not None
        },
    }
    if found is not None and found.revision == found.wanted:
        values |= {
            "outbox_waiting": float(found.waiting),
            "outbox_oldest_seconds": found.oldest_s,
            "deadlines_unannounced": float(found.unannounced),
            "deadlines_latest_seconds": found.latest_s,
            "deadlines_stale_seconds": found.stale_s,
            "deadlines_not_computed": float(found.not_computed),
            "ladder_put_aside": float(found.ladder_aside),
            "audit_unsealed": float(found.unsealed),
            "audit_unsealed_seconds": found.unsealed_s,
            "heartbeat_age_seconds": dict(found.heartbeats),
        }
        if found.backup_age_s is not None:
            values["backup_age_seconds"] = found.backup_age_s
    return values
