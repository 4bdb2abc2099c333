"""Telling whoever reported, asking him afterwards, and opening the case that follows a closed one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.domain.case import Case
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.report import Source
from gridmgmt.domain.telling import Feedback, Kind, Told, require_past_reopening, tell
from gridmgmt.domain.windows import Window
from gridmgmt.errors import ContentDiffers, MissingFact, NotFound
from gridmgmt.geo.crs import Datum
from gridmgmt.services.confidences import confided
from gridmgmt.services.handling import clocks_of
from gridmgmt.services.intake import SubmitReport, submit_report
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, board, cases, feedbacks, outbox
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class TellCommand:
    """A telling as a client sends it; ``case_id`` is the case of the reporter's own report."""

    id: UUID
    case_id: UUID
    kind: Kind
    reached: bool
    channel: str
    words: str
    satisfied: bool | None


def record(db: Db, actor: Actor, now: datetime, command: TellCommand) -> Feedback:
    """Keep that somebody was told, or could not be; sending the same again answers as the first time.

    Raises
    ------
    NotFound, NotAllowed, MissingFact, NotReady
        As ``domain.telling.tell``.
    ContentDiffers
        The id belongs to another record.
    """
    require_storable([command.channel, command.words], "words")
    require_anywhere(actor, Permission.CASE_READ)
    case = cases.load(db, command.case_id, actor)
    master = cases.load(db, feedbacks.master_of(db, case.id), actor)
    given = tell(
        Feedback(
            command.id, case.id, case.subdistrict_code, command.kind, command.reached,
            short_text(command.channel).strip(), short_text(command.words), command.satisfied, actor.id, now,
        ),
        Told(case.state, master.state),
        actor,
    )  # fmt: skip
    stored = feedbacks.add(db, given)
    kind = EventKind.REPORTER_TOLD if given.kind is Kind.OUTCOME else EventKind.CASE_REVISITED
    facts = {
        "number": case.number, "state": str(case.state), "cell_code": case.cell_code,
        "unit_code": master.unit_code, "reached": given.reached, "satisfied": given.satisfied,
    }  # fmt: skip
    outbox.append(db, [Event(kind, case.subdistrict_code, now, case.id, facts)])
    entry = done(
        actor, now, f"tell:{given.kind}", "case", str(case.id), case.subdistrict_code,
        feedback=str(given.id), reached=given.reached,
    )  # fmt: skip
    audit.append(db, [entry])
    return stored


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A new case after a closed one; the client made ``id``, which is the new report's."""

    id: UUID
    earlier_id: UUID
    reason: str


def follow_up(
    db: Db, keys: KeyRing, actor: Actor, now: datetime, books: RuleBooks, command: FollowUp, request_id: str
) -> UUID:
    """Open a new case that follows one which can no longer be reopened; at the same place, of the same class.

    Raises
    ------
    NotFound, NotAllowed
        The earlier case is out of scope; only who registers reports does this.
    NotReady
        The earlier case is not closed, or may still be reopened.
    MissingFact
        No reason.
    ContentDiffers
        The id belongs to another report.
    """
    require_storable(command.reason, "reason")
    require_anywhere(actor, Permission.CASE_READ)
    earlier = cases.load(db, command.earlier_id, actor)
    require(actor, Permission.CASE_TELL, earlier.subdistrict_code)
    require(actor, Permission.REPORT_SUBMIT, earlier.subdistrict_code)
    before = feedbacks.links(db, command.id)["follows"]
    if before is not None:
        if before["case_id"] != earlier.id:
            raise ContentDiffers("This id belongs to another report.", rule="R14a")
        return command.id
    _require_past_reopening(db, earlier, now, books)
    if is_empty(command.reason):
        raise MissingFact("A new case after a closed one says why.", rule="R22a", missing=["reason"])
    reason = short_text(command.reason)
    report = _report_again(db, keys, actor, now, earlier, command.id, reason)
    submit_report(db, actor, now, books, report, request_id)
    feedbacks.add_follow_up(
        db,
        {
            "case_id": command.id, "earlier_id": earlier.id, "subdistrict_code": earlier.subdistrict_code,
            "reason": reason, "opened_by": actor.id, "at": now,
        },
    )  # fmt: skip
    facts = {"number": earlier.number, "state": str(earlier.state), "follow_up": str(command.id)}
    outbox.append(db, [Event(EventKind.CASE_FOLLOWED_UP, earlier.subdistrict_code, now, earlier.id, facts)])
    entry = done(
        actor, now, "case:follow_up", "case", str(earlier.id), earlier.subdistrict_code,
        follow_up=str(command.id),
    )  # fmt: skip
    audit.append(db, [entry])
    return command.id


def _require_past_reopening(db: Db, earlier: Case, now: datetime, books: RuleBooks) -> None:
    clocks = clocks_of(books.current(db, earlier.subdistrict_code), earlier, now)
    until = clocks.window_end(Window.REOPEN, earlier.closed_at)
    require_past_reopening(earlier.state, until, now)


def _report_again(
    db: Db, keys: KeyRing, actor: Actor, now: datetime, earlier: Case, report_id: UUID, reason: str
) -> SubmitReport:
    row: Any = board.case_row(db, actor, earlier.id)
    if row is None:
        raise NotFound("No such case.", kind="case")
    source, words = Source(earlier.source), f"{earlier.number} 结案后再次反映：{reason}"
    confidence = confided(keys, report_id, source, words, None)
    return SubmitReport(
        id=report_id, category=earlier.category, description=words, source=source, lon=row["sent_lon"],
        lat=row["sent_lat"], datum=Datum(row["datum"]), accuracy_m=row["accuracy_m"], observed_at=now,
        photos=tuple(row["photos"]), self_handled=False, confidence=confidence,
        recordings=tuple(row["recordings"]),
    )  # fmt: skip
