"""Audit lines, a sealer and heads for tests: plain functions with defaults, keys made up each time."""

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, text

from gridmgmt.adapters.signing import new_key
from gridmgmt.adapters.witness import HeadMemory
from gridmgmt.domain.checkpoint import Note, parse_note
from gridmgmt.domain.merkle import Algorithm
from gridmgmt.services import sealing
from gridmgmt.services.seal_check import Asked, Report, verify
from gridmgmt.services.sealing import Sealer
from gridmgmt.storage import audit, seal
from gridmgmt.storage.audit import AuditEntry
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW, STREET

ORIGIN = "gridmgmt.test/audit"
_numbers = itertools.count(1)


def make_line(**over: Any) -> AuditEntry:
    """A line about a thing of its own."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "at": NOW,
        "actor_id": uuid.UUID(int=number),
        "subdistrict_code": STREET,
        "action": "thing:change",
        "object_kind": "thing",
        "object_id": f"thing-{number}",
        "outcome": "done",
        "facts": {"number": number, "share": 0.25, "word": "占道", "nested": {"b": [1, None], "a": True}},
    }
    return AuditEntry(**{**facts, **over})


def make_sealer(directory: Path, **over: Any) -> Sealer:
    """A sealer with a new key that remembers in a directory."""
    facts = {
        "algorithm": Algorithm.SHA256,
        "key": new_key(ORIGIN),
        "memory": HeadMemory(directory / f"{uuid.uuid4()}.note"),
    }
    return Sealer(**{**facts, **over})


_EMPTY = """
    set local app.migration = 'test';
    set local session_replication_role = replica;
    alter table app.audit_log disable trigger append_only;
    alter table app.retention_classes disable trigger user;
    delete from app.retention_classes;
    delete from app.audit_log;
    alter table app.audit_log enable always trigger append_only;
    alter table app.retention_classes enable trigger user;
    alter table app.retention_classes enable always trigger keep_image;
    alter table app.retention_classes enable always trigger keep_truncation;
"""


def begin_with_nothing(url: str) -> str:
    """Let a fresh database's log be empty: what an installation brings along has lines of its own."""
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.execute(_EMPTY)
    return url


def write(engine: Engine, count: int, **over: Any) -> None:
    """Commit some lines."""
    with transaction(engine, NOBODY) as db:
        audit.append(db, [make_line(**over) for _ in range(count)])


def seal_all(engine: Engine, sealer: Sealer, now: datetime = NOW) -> Note | None:
    """Seal what waits, as the sealing process does; the last head."""
    note = None
    while True:
        with transaction(engine, NOBODY) as db:
            sealed = sealing.seal(db, sealer, now)
        if sealed is None:
            return note
        note = sealed.note
        sealer.memory.remember(note)


def seal_everything(url: str, directory: Path) -> Sealer:
    """Seal all that waits in a database; by whom."""
    engine, sealer = make_engine(url, pool_size=1), make_sealer(directory)
    seal_all(engine, sealer)
    engine.dispose()
    return sealer


def make_log(engine: Engine, sealer: Sealer, batches: Sequence[int]) -> list[Note]:
    """A sealed log with a head after each so many lines; the heads."""
    heads = []
    for number, count in enumerate(batches):
        write(engine, count)
        note = seal_all(engine, sealer, NOW + timedelta(minutes=number))
        assert note is not None
        heads.append(note)
    return heads


def asked(sealer: Sealer, heads: Sequence[Note] = (), **over: Any) -> Asked:
    """The question that an auditor with the right key asks."""
    return replace(Asked(keys=[sealer.key.public_key], heads=list(heads)), **over)


def check(db: Db, sealer: Sealer, heads: Sequence[Note] = (), **over: Any) -> Report:
    """Verify the log as it stands in a transaction."""
    return verify(db, asked(sealer, heads, **over), NOW)


def open_to_tampering(db: Db) -> None:
    """What a superuser does first: no trigger speaks any more in this transaction."""
    db.execute(text("set local app.migration = 'tampering'"))
    for table in ("audit_log", "audit_leaves", "audit_checkpoints"):
        db.execute(text(f"alter table app.{table} disable trigger all"))
    db.execute(text("set local session_replication_role = replica"))


def heads_of(db: Db) -> list[Note]:
    """Every stored head."""
    last = seal.last_checkpoint(db)
    size = last.size if last else 0
    return [parse_note(c.note) for c in seal.checkpoints_between(db, -1, size)]
