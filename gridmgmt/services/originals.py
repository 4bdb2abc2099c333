"""The original of a photo: only for an auditor or the director, for a stated reason, once, on record.

Asking gives a link that holds five minutes for one look by the same person. Both steps are audited; the
reason stays beside the link, where nobody can change it.
"""

from datetime import datetime
from uuid import UUID

from gridmgmt.domain.evidence import ORIGINAL_LINK_LIFE, SHORTEST_REASON
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.personal import short_text
from gridmgmt.errors import MissingFact, NotFound
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db


def ask_for_original(
    db: Db, actor: Actor, now: datetime, sha256: str, reason: str, *, link_id: UUID, token_sha256: bytes
) -> datetime:
    """Grant one look; until when.

    Raises
    ------
    NotAllowed
        Neither auditor nor director.
    MissingFact
        No reason to speak of.
    NotFound
        Not in the actor's subdistricts.
    """
    require(actor, Permission.PHOTO_ORIGINAL, subdistrict_of(actor))
    if len(reason.strip()) < SHORTEST_REASON:
        raise MissingFact("Say why the original is needed.", article="46", rule="R46", missing=["reason"])
    found = rows.kept(db, actor, sha256)
    if found is None:
        raise NotFound("No such photo.", kind="photo")
    code, until = found["subdistrict_code"], now + ORIGINAL_LINK_LIFE
    rows.add_link(
        db,
        {
            "id": link_id, "subdistrict_code": code, "sha256": sha256, "token_sha256": token_sha256,
            "asked_by": actor.id, "reason": short_text(reason.strip()), "asked_at": now, "expires_at": until,
        },
    )  # fmt: skip
    audit.append(db, [done(actor, now, "photo:original:ask", "photo", sha256, code, link=str(link_id))])
    return until


def open_original(db: Db, actor: Actor, now: datetime, sha256: str, token_sha256: bytes) -> str:
    """Use a link up; the photo's media type.

    Raises
    ------
    NotFound
        No such link of this person for this photo, or it has expired or was used.
    """
    require(actor, Permission.PHOTO_ORIGINAL, subdistrict_of(actor))
    link = rows.link(db, actor, token_sha256)
    good = link is not None and link["sha256"] == sha256 and now < link["expires_at"]
    if link is None or not good or not rows.use_link(db, link["id"], link["subdistrict_code"], now):
        raise NotFound("This link does not hold, or not any more.", kind="link", rule="R46")
    code = link["subdistrict_code"]
    audit.append(db, [done(actor, now, "photo:original:look", "photo", sha256, code, link=str(link["id"]))])
    found = rows.kept(db, actor, sha256)
    return str(found["media_type"]) if found else "application/octet-stream"
