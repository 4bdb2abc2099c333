"""Rulings of the district on who is responsible, kept as precedents that routing may ask (R22d)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select

from gridmgmt.domain.case import Case
from gridmgmt.domain.org import Actor
from gridmgmt.domain.precedent import Precedent as Ruling
from gridmgmt.domain.precedent import Precedents
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import precedents


@dataclass(frozen=True, slots=True)
class Precedent:
    """One ruling: this class at this place belongs to that unit, by this document."""

    case_id: UUID
    subdistrict_code: str
    community_code: str
    cell_code: str
    category: str
    unit_code: str
    document_no: str
    ruled_by: UUID
    at: datetime


def add(db: Db, ruled: Case, document_no: str, ruled_by: UUID, at: datetime) -> None:
    """Keep the ruling that a case has just got; ``ruled`` is the case after it."""
    db.execute(
        insert(precedents)
        .values(
            case_id=ruled.id, seq=ruled.version, subdistrict_code=ruled.subdistrict_code,
            community_code=ruled.community_code, cell_code=ruled.cell_code, category=ruled.category,
            unit_code=ruled.unit_code, document_no=document_no, ruled_by=ruled_by, at=at,
        )
        .inline()
    )  # fmt: skip


def find(
    db: Db,
    actor: Actor,
    category: str,
    *,
    community_code: str | None = None,
    cell_code: str | None = None,
    limit: int = 20,
) -> list[Precedent]:
    """Rulings on a class, newest first, inside the actor's subdistricts.

    Parameters
    ----------
    category : the class's key, ``standard:kind:code``.
    community_code, cell_code : only those of that place; None for the whole subdistrict.
    """
    c = precedents.c
    query = select(*(c[name] for name in Precedent.__slots__)).where(
        c.subdistrict_code.in_(actor.subdistricts), c.category == category
    )
    if community_code is not None:
        query = query.where(c.community_code == community_code)
    if cell_code is not None:
        query = query.where(c.cell_code == cell_code)
    query = query.order_by(c.at.desc(), c.case_id, c.seq.desc()).limit(limit)
    return [Precedent(**r._mapping) for r in db.execute(query)]


def proposed_in(db: Db, subdistrict_code: str) -> Precedents:
    """What routing proposes in one subdistrict: every ruling there; a district makes few, by document."""
    c = precedents.c
    names = ("subdistrict_code", "category", "community_code", "cell_code", "unit_code", "document_no",
             "case_id", "at")  # fmt: skip
    query = select(*(c[name] for name in names)).where(c.subdistrict_code == subdistrict_code)
    return Precedents(Ruling(**r._mapping) for r in db.execute(query.order_by(c.at, c.seq)))
