"""The scrub: reads everything that is stored, finds what is damaged or gone, removes what belongs to nothing.

Every original and every derivative is opened and hashed again. What is damaged stays where it is (a person
decides), the ledger says so, and the line is in the audit log. A file that no row refers to is what a
process left when it was killed between the file and the row; after a day it is removed. Evidence under a
legal hold belongs to a report, hence has a row, hence is never removed here (article 46).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gridmgmt.adapters.evidence.room import EvidenceRoom
from gridmgmt.domain.evidence import PhotoState
from gridmgmt.domain.org import SYSTEM_ACTOR_ID, system_actor
from gridmgmt.errors import EvidenceDamaged, Unavailable
from gridmgmt.services.records import done
from gridmgmt.storage import audit
from gridmgmt.storage import evidence as rows
from gridmgmt.storage.db import Db

Opened = Callable[[], AbstractContextManager[Db]]

ORPHAN_AGE = timedelta(days=1)
_PAGE = 200
_KEY = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[0-9a-f]{64}\..*\.part")


@dataclass(slots=True)
class Scrubbed:
    """What a scrub found; lists hold digests."""

    originals: int = 0
    derivatives: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    lost_derivatives: list[str] = field(default_factory=list)
    """Derivatives that are gone or damaged: made anew at the next look."""
    orphans: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Names that are none of ours; never removed."""
    removed: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all evidence is here and as it was received."""
        return not (self.missing or self.damaged)


def scrub(room: EvidenceRoom, opened: Opened, now: datetime, *, remove: bool) -> Scrubbed:
    """Go through everything once.

    Parameters
    ----------
    opened : a transaction of the platform itself over all subdistricts, a new one at each call.
    remove : remove orphans older than a day; else they are only listed.
    """
    found = Scrubbed()
    after = ("", "")
    while page := scrub_photos(room, opened, now, found, after, limit=_PAGE):
        after = page
    derived = ""
    while page_end := scrub_derivatives(room, opened, found, derived, limit=_PAGE):
        derived = page_end
    scrub_strays(room, opened, now, found, remove=remove)
    return found


def scrub_photos(
    room: EvidenceRoom, opened: Opened, now: datetime, found: Scrubbed, after: tuple[str, str], *, limit: int
) -> tuple[str, str] | None:
    """Read one page of originals; where the next begins, None after the last."""
    with opened() as db:
        page = rows.page_of_photos(db, after, limit)
    bad = []
    for code, sha256 in page:
        found.originals += 1
        fault = room.vault.fault(sha256)
        if fault is not None:
            (found.missing if fault == "missing" else found.damaged).append(sha256)
            bad.append((code, sha256, fault))
    if bad:
        with opened() as db:
            for code, sha256, fault in bad:
                _note(db, now, code, sha256, fault)
    return page[-1] if page else None


def _note(db: Db, now: datetime, code: str, sha256: str, fault: str) -> None:
    """The ledger and the audit log say it once; until it is mended, later scrubs only list it."""
    entered = rows.enter(
        db, code, sha256, SYSTEM_ACTOR_ID, PhotoState.MISSING, now,
        refused_code=EvidenceDamaged.code, refused_reason=fault,
    )  # fmt: skip
    if entered:
        entry = done(system_actor(code), now, "photo:damaged", "photo", sha256, code, reason=fault)
        audit.append(db, [entry])


def scrub_derivatives(
    room: EvidenceRoom, opened: Opened, found: Scrubbed, after: str, *, limit: int
) -> str | None:
    """Read one page of derivatives; where the next begins, None after the last."""
    with opened() as db:
        page = rows.page_of_derivatives(db, after, limit)
    for sha256 in page:
        found.derivatives += 1
        if room.vault.fault(sha256) is not None:
            found.lost_derivatives.append(sha256)
    return page[-1] if page else None


def scrub_strays(room: EvidenceRoom, opened: Opened, now: datetime, found: Scrubbed, *, remove: bool) -> None:
    """Look for files without a row, interrupted writes and expired uploads."""
    for page in _pages(room.vault.blobs.listing()):
        old = [name for name, written_at in page if now - written_at > ORPHAN_AGE]
        keys = [name for name in old if _KEY.fullmatch(name)]
        with opened() as db:
            orphans = list(rows.unknown(db, keys))
        parts = [name for name in old if _PART.fullmatch(name)]
        found.orphans += orphans + parts
        found.foreign += [n for n, _ in page if not _KEY.fullmatch(n) and not _PART.fullmatch(n)]
        for name in (orphans + parts) if remove else ():
            room.vault.blobs.remove(name)
            found.removed += 1
    if not remove:
        return
    for path, written_s in room.spool.leftovers():
        if now - datetime.fromtimestamp(written_s, UTC) > ORPHAN_AGE:
            path.unlink(missing_ok=True)
            found.removed += 1
    for upload in room.uploads.expired(now):
        upload.remove()
        found.removed += 1


def _pages(listing: Iterator[tuple[str, datetime]]) -> Iterator[Sequence[tuple[str, datetime]]]:
    page: list[tuple[str, datetime]] = []
    for one in listing:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def adopt(room: EvidenceRoom, opened: Opened) -> tuple[int, list[str]]:
    """Move photos that lie plain, from before the vault, into it; how many, and which failed."""
    moved, failed = 0, []
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        with opened() as db:
            page = rows.page_of_photos(db, after, _PAGE)
        for _, sha256 in page:
            try:
                moved += room.vault.adopt(sha256)
            except EvidenceDamaged:
                failed.append(sha256)
        after = page[-1] if page else None
    return moved, failed


@dataclass(slots=True)
class SlowScrub:
    """A scrub in small steps, so that all is read once a day without anybody noticing.

    Only memory: a worker that begins anew begins at the first photo again. ``step_every`` apart, each
    step reads as much as a day's work asks for.
    """

    step_every: timedelta = timedelta(minutes=1)
    _after: tuple[str, str] = ("", "")
    _derived: str = ""
    _next_at: datetime | None = None

    def step(self, room: EvidenceRoom, opened: Opened, now: datetime) -> Scrubbed | None:
        """One step if it is time for it; what it found."""
        if self._next_at is not None and now < self._next_at:
            return None
        self._next_at = now + self.step_every
        found = Scrubbed()
        with opened() as db:
            stored = rows.count(db)
        limit = max(20, -(-stored * int(self.step_every.total_seconds()) // 86_400))
        try:
            ended = scrub_photos(room, opened, now, found, self._after, limit=limit)
            derived = scrub_derivatives(room, opened, found, self._derived, limit=limit)
        except Unavailable:
            return found
        if ended is None and self._after != ("", ""):
            scrub_strays(room, opened, now, found, remove=True)
        self._after, self._derived = ended or ("", ""), derived or ""
        return found
