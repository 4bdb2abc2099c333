"""Residents' reports that confide something, sealed as at the door; keys in a directory of the test's own."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from gridmgmt.adapters.keyring import FileKeyRing, open_key_ring
from gridmgmt.domain.case import Case
from gridmgmt.domain.personal import Contact
from gridmgmt.domain.report import Source
from gridmgmt.services import confidences
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import SORTING, Street

_BYTES = re.compile(r"\\x((?:[0-9a-f]{2})+)")
PHONE = "13800001234"
CONTACT = Contact("张三", PHONE)
WORDS = "楼道堆物，我住三号楼"
FILE_FIELDS = ("number", "state", "reported_at", "lon", "lat")


def make_keys(place: Path) -> FileKeyRing:
    """A key ring of its own, at the fixed time."""
    return open_key_ring(place / "kek.json", place / "data", make=True, clock=lambda: NOW)


def confide(
    street: Street,
    keys: FileKeyRing,
    *,
    contact: Contact | None = CONTACT,
    description: str = WORDS,
    source: Source = Source.WINDOW,
    **over: Any,
) -> Case:
    """A resident's report at the window, taken down by the acceptor; its case."""
    cell = over.pop("cell", street.duty_cells[0])
    by = over.pop("by", street.acceptor)
    command = street.command(by, cell, source=source, description=description, category=SORTING, **over)
    sealed = confidences.confided(keys, command.id, source, description, contact)
    answer = street.send(by, street.command(by, cell, **{
        "id": command.id, "source": source, "description": description, "category": SORTING,
        "confidence": sealed, **over,
    }))  # fmt: skip
    return street.case(answer.body["case_id"])


def end(db: Db, case: Case, *, days_ago: int) -> None:
    """Let a case have ended so many days before NOW."""
    statement = text(
        "update app.cases set state = 'closed',"
        " closed_at = cast(:now as timestamptz) - make_interval(days => :days) where id = :id"
    )
    db.execute(statement, {"now": NOW, "days": days_ago, "id": case.id})


def dump(db: Db) -> str:
    """Every row of every table of the schema as text, and what its bytes would say as text."""
    tables = db.execute(text("select tablename from pg_tables where schemaname = 'app' order by 1")).scalars()
    parts = []
    for name in tables:
        rows = db.execute(text(f"select t::text from app.{name} t"))
        for (shown,) in rows:
            # Bytes are shown in hex, in which no text is recognised.
            hidden = (bytes.fromhex(found).decode("utf-8", "replace") for found in _BYTES.findall(shown))
            parts.append(f"{name}: {shown} {' '.join(hidden)}")
    return "\n".join(parts)


def count(db: Db, table: str, report_id: UUID | None = None) -> int:
    """Rows of a table, of one report or of all."""
    where = "" if report_id is None else " where report_id = :id"
    query = text(f"select count(*) from app.{table}{where}")
    return db.execute(query, {"id": report_id} if report_id else {}).scalar_one()
