"""Who has to be told, and what he says to it: feedback 反馈 before a case ends, a revisit 回访 after it.

Article 14-2 owes an answer to whoever reported. Where reports were merged 并案 each of them is owed one, not
only the report that became the master. A report of the street's own people is answered by the platform
itself when the case ends; a person tells whoever reported from outside, and says how and when, or why he
could not be reached (R14b). Sources: DOMAIN §4.2 (并案, 结案, 回访不满意), §4.4.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission
from gridmgmt.domain.workflow import State
from gridmgmt.errors import MissingFact, NotReady


class Kind(StrEnum):
    """What somebody was told or asked."""

    OUTCOME = "outcome"
    """反馈: what was done about his report."""
    REVISIT = "revisit"
    """回访: whether he is content with it, after the case closed."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One telling. ``words`` are what was said, or why he was not reached; ``satisfied`` is his answer."""

    id: UUID
    case_id: UUID
    subdistrict_code: str
    kind: Kind
    reached: bool
    channel: str
    words: str
    satisfied: bool | None
    told_by: UUID
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """The state of the case that the report is in, and of the case that it was merged into."""

    state: State
    master_state: State


def require_past_reopening(state: State, until: datetime | None, now: datetime) -> None:
    """Refuse a new case after one that is open, or that may still be reopened.

    Parameters
    ----------
    until : the end of the window in which the case is reopened instead.

    Raises
    ------
    NotReady
        ``guard`` is ``reopen_instead``.
    """
    if state is not State.CLOSED or until is None or now <= until:
        raise NotReady(
            "A new case follows a closed one that can no longer be reopened.",
            article="22-1", rule="R22a", guard="reopen_instead", state=str(state),
            until=until.isoformat() if until else None,
        )  # fmt: skip


def tell(given: Feedback, about: Told, actor: Actor) -> Feedback:
    """A telling that may be kept.

    Parameters
    ----------
    about : where the report stands; for a report that was not merged both states are its own.

    Raises
    ------
    NotAllowed
        The desk tells: acceptor and shift leader.
    MissingFact
        Without channel or words it is no record (what, when, how).
    NotReady
        A revisit comes after closing.
    """
    permissions.require(actor, Permission.CASE_TELL, given.subdistrict_code)
    missing = [name for name in ("channel", "words") if is_empty(getattr(given, name))]
    if given.kind is Kind.REVISIT and given.reached and given.satisfied is None:
        missing.append("satisfied")
    if missing:
        raise MissingFact(
            f"A record of telling somebody needs: {', '.join(missing)}.",
            article="14-2", rule="R14b", missing=missing,
        )  # fmt: skip
    if given.satisfied is not None and not given.reached:
        raise NotReady(
            "Whoever was not reached has not answered.", article="14-2", rule="R14b", guard="reached"
        )
    if given.kind is Kind.REVISIT and about.master_state is not State.CLOSED:
        raise NotReady(
            "A revisit asks about a case that was closed.",
            article="14-2", rule="R14b", guard="closed_case", state=str(about.master_state),
        )  # fmt: skip
    return given
