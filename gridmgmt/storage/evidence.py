"""Rows about evidence photos: what cameras wrote, derivatives, the ledger, looks at originals."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, cast, func, literal, null, or_, select, text, union, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.evidence import FOLLOWS, PhotoState
from gridmgmt.domain.org import Actor
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import (
    case_photos,
    cases,
    original_link_uses,
    original_links,
    people,
    photo_announcements,
    photo_derivatives,
    photo_ledger,
    photo_meta,
    photos,
    report_photos,
    reports,
)

Row = Mapping[str, Any]
_SENT = ("observed_at", "lon", "lat", "datum", "accuracy_m", "source")


def _mine(column: Any, actor: Actor) -> Any:
    return column.in_(sorted(actor.subdistricts))


def captioned(db: Db, actor: Actor, sha256: str) -> Row | None:
    """A photo in the actor's scope with what its strip says.

    Returns
    -------
    ``subdistrict_code``, ``media_type``, ``received_at``, ``login`` of the sender, ``number`` and
    ``cell_code`` of the first case that shows it, and ``observed_at``, ``lon``, ``lat``, ``datum``,
    ``accuracy_m``, ``source`` as they were sent with that report; None for each that is not there.
    """
    of_case = (cases.c.number, cases.c.cell_code, cases.c.reported_at)
    # The time as told, also where the phone's clock was found wrong: the strip says whose it is.
    seen_at = func.coalesce(reports.c.device_at, reports.c.observed_at).label("observed_at")
    sent = (seen_at, *(reports.c[name] for name in _SENT[1:]))
    showing = union(
        select(*of_case, report_photos.c.subdistrict_code, *sent)
        .join(report_photos, report_photos.c.report_id == cases.c.report_id)
        .join(reports, reports.c.id == cases.c.report_id)
        .where(report_photos.c.sha256 == sha256, _mine(report_photos.c.subdistrict_code, actor)),
        select(*of_case, case_photos.c.subdistrict_code, *(cast(null(), c.type).label(c.name) for c in sent))
        .join(case_photos, case_photos.c.case_id == cases.c.id)
        .where(case_photos.c.sha256 == sha256, _mine(case_photos.c.subdistrict_code, actor)),
    ).subquery()
    query = (
        select(
            photos.c.subdistrict_code,
            photos.c.media_type,
            photos.c.received_at,
            func.coalesce(people.c.login, "").label("login"),
            showing.c.number,
            showing.c.cell_code,
            *(showing.c[name] for name in _SENT),
        )
        # Who has left the street is nobody's colleague any more; his photo stays.
        .outerjoin(people, people.c.id == photos.c.received_by)
        .outerjoin(showing, showing.c.subdistrict_code == photos.c.subdistrict_code)
        .where(photos.c.sha256 == sha256, _mine(photos.c.subdistrict_code, actor))
        .order_by(photos.c.subdistrict_code, showing.c.reported_at, showing.c.number)
        .limit(1)
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def kept(db: Db, actor: Actor, sha256: str) -> Row | None:
    """``subdistrict_code`` and ``media_type`` of a photo in the actor's scope."""
    query = (
        select(photos.c.subdistrict_code, photos.c.media_type)
        .where(photos.c.sha256 == sha256, _mine(photos.c.subdistrict_code, actor))
        .order_by(photos.c.subdistrict_code)
        .limit(1)
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def add_meta(db: Db, row: Row) -> None:
    """What the camera wrote; the first reading stays."""
    db.execute(insert(photo_meta).values(**row).on_conflict_do_nothing())


def meta(db: Db, actor: Actor, sha256: str) -> Row | None:
    """What the camera wrote, in the actor's scope."""
    query = select(photo_meta).where(
        photo_meta.c.sha256 == sha256, _mine(photo_meta.c.subdistrict_code, actor)
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def add_derivatives(db: Db, rows: Sequence[Row]) -> None:
    """Derivatives by kind and caption; one that is known stays."""
    if rows:
        db.execute(insert(photo_derivatives).values([dict(r) for r in rows]).on_conflict_do_nothing())


def derivatives(db: Db, actor: Actor, sha256: str, kind: str) -> list[Row]:
    """Derivatives of a photo, newest first: ``caption_sha256``, ``derived_sha256``."""
    query = (
        select(photo_derivatives.c.caption_sha256, photo_derivatives.c.derived_sha256)
        .where(
            photo_derivatives.c.sha256 == sha256,
            photo_derivatives.c.kind == kind,
            _mine(photo_derivatives.c.subdistrict_code, actor),
        )
        .order_by(photo_derivatives.c.made_at.desc())
    )
    return [dict(row._mapping) for row in db.execute(query)]


def link_to_case(db: Db, subdistrict_code: str, case_id: UUID, digests: Sequence[str]) -> None:
    """Note that a case's step came with these photos."""
    if digests:
        rows = [{"case_id": case_id, "subdistrict_code": subdistrict_code, "sha256": d} for d in digests]
        db.execute(insert(case_photos).values(rows).on_conflict_do_nothing())


def login(db: Db, person_id: UUID) -> str:
    """The number that a person signs in with; empty for nobody."""
    return db.execute(select(people.c.login).where(people.c.id == person_id)).scalar() or ""


# The ledger.


def state(db: Db, subdistrict_code: str, sha256: str) -> PhotoState | None:
    """Where a photo stands; None without a line."""
    query = select(photo_ledger.c.state).where(
        photo_ledger.c.subdistrict_code == subdistrict_code, photo_ledger.c.sha256 == sha256
    )
    found = db.execute(query).scalar()
    return None if found is None else PhotoState(found)


def enter(
    db: Db,
    subdistrict_code: str,
    sha256: str,
    sent_by: UUID,
    state: PhotoState,
    now: datetime,
    **facts: Any,
) -> bool:
    """Bring a photo's line to a state, if that may follow; whether it did.

    Parameters
    ----------
    facts : any of ``media_type``, ``expected_bytes``, ``received_bytes``, ``refused_code``,
        ``refused_reason``; what is not given stays, the refusal goes.
    """
    fresh = {
        "subdistrict_code": subdistrict_code,
        "sha256": sha256,
        "sent_by": sent_by,
        "state": state,
        "received_bytes": 0,
        "began_at": now,
        "changed_at": now,
    } | facts
    changed = {"refused_code": None, "refused_reason": None} | facts | {"state": state, "changed_at": now}
    before = [s for s, after in FOLLOWS.items() if state in after]
    if state is PhotoState.MISSING:
        # Never the first state: a photo that nobody sent cannot be missed.
        gone = (
            update(photo_ledger)
            .where(
                photo_ledger.c.subdistrict_code == subdistrict_code,
                photo_ledger.c.sha256 == sha256,
                photo_ledger.c.state.in_(before),
            )
            .values(**changed)
        )
        return db.execute(gone.returning(photo_ledger.c.sha256)).first() is not None
    statement = insert(photo_ledger).values(**fresh)
    statement = statement.on_conflict_do_update(
        index_elements=["subdistrict_code", "sha256"],
        set_=changed,
        where=photo_ledger.c.state.in_(before),
    )
    return db.execute(statement.returning(photo_ledger.c.sha256)).first() is not None


def announce(
    db: Db, report_id: UUID, subdistrict_code: str, digests: Sequence[str], by: UUID, now: datetime
) -> None:
    """Which photos a report will come with, in their order; the first announcement stays."""
    rows = [
        {
            "report_id": report_id,
            "position": position,
            "subdistrict_code": subdistrict_code,
            "sha256": digest,
            "announced_by": by,
            "announced_at": now,
        }
        for position, digest in enumerate(digests)
    ]
    if rows:
        db.execute(insert(photo_announcements).values(rows).on_conflict_do_nothing())


_LEDGER = (
    "sha256",
    "state",
    "media_type",
    "expected_bytes",
    "received_bytes",
    "refused_code",
    "refused_reason",
    "began_at",
    "changed_at",
)


def of_report(db: Db, actor: Actor, report_id: UUID) -> list[Row]:
    """The ledger of the photos that a report has or announced, in its order."""
    wanted = union(
        select(photo_announcements.c.position, photo_announcements.c.subdistrict_code,
               photo_announcements.c.sha256)
        .where(photo_announcements.c.report_id == report_id),
        select(report_photos.c.position, report_photos.c.subdistrict_code, report_photos.c.sha256)
        .where(report_photos.c.report_id == report_id),
    ).subquery()  # fmt: skip
    first = func.min(wanted.c.position).label("position")
    query = (
        select(*(photo_ledger.c[n] for n in _LEDGER), photo_ledger.c.sent_by)
        .join(
            wanted,
            and_(
                wanted.c.subdistrict_code == photo_ledger.c.subdistrict_code,
                wanted.c.sha256 == photo_ledger.c.sha256,
            ),
        )
        .where(_mine(photo_ledger.c.subdistrict_code, actor))
        .group_by(photo_ledger.c.subdistrict_code, photo_ledger.c.sha256)
        .order_by(first)
    )
    return [dict(row._mapping) for row in db.execute(query)]


def waiting(db: Db, actor: Actor, sent_by: UUID | None, *, limit: int) -> list[Row]:
    """Photos that are announced or begun and not here, or gone; longest waiting first.

    Parameters
    ----------
    sent_by : only this person's; None: everybody's in the actor's scope.
    """
    not_here = [s for s in PhotoState if not s.is_here]
    query = (
        select(
            *(photo_ledger.c[n] for n in _LEDGER),
            photo_ledger.c.sent_by,
            func.coalesce(people.c.name, "").label("sender"),
            select(photo_announcements.c.report_id)
            .where(
                photo_announcements.c.subdistrict_code == photo_ledger.c.subdistrict_code,
                photo_announcements.c.sha256 == photo_ledger.c.sha256,
            )
            .limit(1)
            .scalar_subquery()
            .label("report_id"),
        )
        .outerjoin(people, people.c.id == photo_ledger.c.sent_by)
        .where(_mine(photo_ledger.c.subdistrict_code, actor), photo_ledger.c.state.in_(not_here))
        .where(literal(sent_by is None) | (photo_ledger.c.sent_by == sent_by))
        .order_by(photo_ledger.c.changed_at, photo_ledger.c.sha256)
        .limit(limit)
    )
    return [dict(row._mapping) for row in db.execute(query)]


# Looks at originals.


def add_link(db: Db, row: Row) -> None:
    """A link that was asked for."""
    db.execute(insert(original_links).values(**row))


def link(db: Db, actor: Actor, token_sha256: bytes) -> Row | None:
    """The link of a token, if this person asked for it."""
    query = select(original_links).where(
        original_links.c.token_sha256 == token_sha256,
        original_links.c.asked_by == actor.id,
        _mine(original_links.c.subdistrict_code, actor),
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def use_link(db: Db, link_id: UUID, subdistrict_code: str, now: datetime) -> bool:
    """Use a link up; False when it was used before."""
    statement = (
        insert(original_link_uses)
        .values(link_id=link_id, subdistrict_code=subdistrict_code, used_at=now)
        .on_conflict_do_nothing()
        .returning(original_link_uses.c.link_id)
    )
    return db.execute(statement).first() is not None


# What the scrub goes through.


def count(db: Db) -> int:
    """How many photos are stored; for the platform itself."""
    return int(db.execute(select(func.count()).select_from(photos)).scalar_one())


def page_of_photos(db: Db, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
    """(subdistrict, digest) of stored photos after a place, in order; for the platform itself."""
    query = (
        select(photos.c.subdistrict_code, photos.c.sha256)
        .where(
            or_(
                photos.c.subdistrict_code > after[0],
                and_(photos.c.subdistrict_code == after[0], photos.c.sha256 > after[1]),
            )
        )
        .order_by(photos.c.subdistrict_code, photos.c.sha256)
        .limit(limit)
    )
    return [(code, digest) for code, digest in db.execute(query)]


def page_of_derivatives(db: Db, after: str, limit: int) -> list[str]:
    """Digests of derivatives after one, in order; for the platform itself."""
    query = (
        select(photo_derivatives.c.derived_sha256)
        .where(photo_derivatives.c.derived_sha256 > after)
        .distinct()
        .order_by(photo_derivatives.c.derived_sha256)
        .limit(limit)
    )
    return list(db.execute(query).scalars())


def unknown(db: Db, keys: Sequence[str]) -> Iterator[str]:
    """Those of some stored names that no row refers to; for the platform itself."""
    statement = text("""
        select k.key from unnest(cast(:keys as text[])) as k(key)
         where not exists (select 1 from app.photos p where p.sha256 = k.key)
           and not exists (select 1 from app.photo_derivatives d where d.derived_sha256 = k.key)
    """)
    yield from db.execute(statement, {"keys": list(keys)}).scalars()
