"""The evidence pack of a refusal: what 同级政府 or the parent department needs to act on it (article 44).

One JSON document: whom the street called, for what and on whose order, when each answered, what the unit
said, the case behind it with its whole history, and the SHA-256 of every photo. It is made in the
transaction of the refusal and kept as bytes, so that its digest is of what is handed over; the sealed
audit log holds the digest as well. Nothing of it is personal data beyond who acted for which office.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gridmgmt.domain.canonical import canonical
from gridmgmt.domain.case import Case
from gridmgmt.domain.jointcall import JointCall, Task
from gridmgmt.domain.org import Actor, UnitKind
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.services.records import done
from gridmgmt.storage import audit, board, cases, joint_calls
from gridmgmt.storage.db import Db
from gridmgmt.storage.joint_calls import Pack

FORMAT = "gridmgmt/refusal-pack/1"


def keep_pack(
    db: Db, actor: Actor, now: datetime, book: RuleBook, case: Case, call: JointCall, task: Task
) -> None:
    """Make the pack of a sub-task that was just refused and store it."""
    document = canonical(json.dumps(_document(db, actor, now, book, case, call, task), default=_plain))
    digest = hashlib.sha256(document).digest()
    joint_calls.add_pack(db, Pack(task.id, call.id, case.id, call.subdistrict_code, document, digest, now))
    audit.append(
        db,
        [
            done(
                actor, now, "call:evidence", "joint_call", str(call.id), call.subdistrict_code,
                task=str(task.id), sha256=digest.hex(), bytes=len(document),
            )
        ],
    )  # fmt: skip


def _document(
    db: Db, actor: Actor, now: datetime, book: RuleBook, case: Case, call: JointCall, task: Task
) -> dict[str, Any]:
    steps, lines = cases.history(db, case.id), joint_calls.history(db, call.id)
    row = board.case_row(db, actor, case.id)
    ids = [*(s.actor_id for s in steps), *(s.actor_id for s in lines), call.issued_by]
    names = {str(person): name for person, name in board.names_of(db, ids).items()}
    stated = [*(s.facts for s in steps), *(s.facts for s in lines)]
    photos = {p for facts in stated for p in facts.get("photos") or ()}
    photos |= set(row["photos"] if row else ())
    return {
        "format": FORMAT,
        "made_at": now,
        "subdistrict": {"code": case.subdistrict_code, "name": book.subdistrict.name},
        "addressed_to": _addressee(book, task),
        "refused": _task_facts(book, task, now),
        "call": {
            "id": call.id, "purpose": call.purpose, "text": call.text, "issued_at": call.issued_at,
            "issued_by": call.issued_by, "document_no": call.document_no,
            "tasks": [_task_facts(book, other, now) for other in call.tasks],
            "history": [_line(s) for s in lines],
        },
        "case": {
            "id": case.id, "number": case.number, "category": case.category, "cell_code": case.cell_code,
            "community_code": case.community_code, "reported_at": case.reported_at, "state": case.state,
            "unit_code": case.unit_code, "due_at": case.due_at, "duty": row["duty"] if row else None,
            "history": [
                _line(s) | {"from_state": s.from_state, "to_state": s.to_state, "article": s.article}
                for s in steps
            ],
        },
        "people": names,
        "photos_sha256": sorted(photos),
    }  # fmt: skip


def _addressee(book: RuleBook, task: Task) -> Mapping[str, Any]:
    """Article 44: an outpost's parent department decides on it, the district on everybody else."""
    unit = book.units.get(task.unit_code)
    if unit is not None and unit.kind is UnitKind.OUTPOST and unit.parent_code:
        parent = book.units.get(unit.parent_code)
        return {
            "body": "parent_department", "code": unit.parent_code,
            "name": parent.name if parent else unit.parent_code, "article": "44-2", "rule": "R44b",
        }  # fmt: skip
    district = book.subdistrict
    return {
        "body": "district_government", "code": district.district_code, "name": district.district_name,
        "article": "44-1", "rule": "R44a",
    }  # fmt: skip


def _task_facts(book: RuleBook, task: Task, now: datetime) -> dict[str, Any]:
    unit = book.units.get(task.unit_code)
    names = (
        "id", "unit_code", "part", "what", "state", "sign_in_due_at", "arrive_due_at", "due_at",
        "signed_in_at", "arrived_at", "ended_at", "ended_by", "words", "photos",
    )  # fmt: skip
    return {name: getattr(task, name) for name in names} | {
        "unit_name": unit.name if unit else None,
        "unit_kind": unit.kind if unit else None,
        "late": task.late(now),
    }


def _line(step: Any) -> dict[str, Any]:
    names = ("seq", "action", "actor_id", "on_behalf_of", "at", "facts")
    return {name: getattr(step, name) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return dict(value) if isinstance(value, Mapping) else str(value)
