"""What an auditor sees: lines of his street, the state of the seal, heads.

Looking leaves a line of its own.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from gridmgmt.domain.checkpoint import Note, parse_note
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.errors import NotFound
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.seal_check import Report
from gridmgmt.storage import audit, audit_search, seal
from gridmgmt.storage.audit_search import Found, Wanted
from gridmgmt.storage.db import Db


def newest_head(db: Db) -> Note:
    """The last signed head.

    Raises
    ------
    NotFound
        Nothing has been sealed yet.
    """
    last = seal.last_checkpoint(db)
    if last is None:
        raise NotFound("Nothing has been sealed yet.", kind="checkpoint")
    return parse_note(last.note)


def head_of_day(db: Db, day: date, zone: tzinfo) -> Note:
    """The last signed head of a day.

    Raises
    ------
    NotFound
        Nothing was sealed on that day.
    """
    begin = datetime.combine(day, time(0), zone)
    note = seal.last_note_between(db, begin, begin + timedelta(days=1))
    if note is None:
        raise NotFound("Nothing was sealed on that day.", kind="checkpoint")
    return parse_note(note)


def record_verification(db: Db, report: Report, now: datetime) -> None:
    """The line that says that the log was verified and how that ended."""
    first = report.first
    facts = {
        "sound": report.sound,
        "size": report.size,
        "root": report.root,
        "rows": report.rows,
        "covered_size": report.covered_size,
        "findings": len(report.findings),
        "first": None if first is None else {"kind": first.kind, "seq": first.seq},
    }
    line = audit.AuditEntry(
        at=now,
        actor_id=None,
        subdistrict_code=None,
        action="audit:verify",
        object_kind="audit_log",
        object_id=str(report.size),
        outcome="done",
        facts=facts,
    )
    audit.append(db, [line])


def search(db: Db, actor: Actor, now: datetime, wanted: Wanted, *, limit: int) -> list[Found]:
    """Lines in the auditor's scope, newest first; that he looked is a line.

    Raises
    ------
    NotAllowed
        The actor is no auditor of this street.
    """
    code = _auditor(actor)
    found = audit_search.lines(db, actor, wanted, limit=limit)
    asked = {k: str(v) for k, v in wanted.as_facts().items()}
    audit.append(db, [done(actor, now, "audit:search", "audit_log", "", code, asked=asked, found=len(found))])
    return found


def status(db: Db, actor: Actor, now: datetime) -> dict[str, Any]:
    """Where the seal stands: newest head, what waits, and how the last verification ended.

    Raises
    ------
    NotAllowed
        The actor is no auditor of this street.
    """
    code = _auditor(actor)
    last = seal.last_checkpoint(db)
    waiting, oldest = seal.oldest_waiting(db)
    audit.append(db, [done(actor, now, "audit:status", "audit_log", "", code)])
    return {
        "at": now,
        "head": None if last is None else _head_facts(parse_note(last.note)),
        "waiting": waiting,
        "oldest_waiting_s": None if oldest is None else max(0.0, (now - oldest).total_seconds()),
        "last_verification": audit_search.last_verification(db),
    }


def head(db: Db, actor: Actor, now: datetime) -> Note:
    """The newest head, to be taken out of this system.

    Raises
    ------
    NotAllowed
        The actor is no auditor of this street.
    NotFound
        Nothing has been sealed yet.
    """
    code = _auditor(actor)
    note = newest_head(db)
    audit.append(db, [done(actor, now, "audit:head", "audit_log", str(note.head.no), code)])
    return note


def _auditor(actor: Actor) -> str:
    code = subdistrict_of(actor)
    require(actor, Permission.AUDIT_READ, code)
    return code


def _head_facts(note: Note) -> dict[str, Any]:
    found = note.head
    return {
        "origin": found.origin,
        "no": found.no,
        "size": found.size,
        "root": found.root.hex(),
        "alg": str(found.algorithm),
        "at": found.at,
        "kind": str(found.kind),
    }
