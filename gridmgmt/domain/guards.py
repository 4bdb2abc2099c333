"""Guards: what an action checks beside the state, the person and the facts that its row asks for.

Each refusal names its guard in ``facts["guard"]``; docs/pages/rules.py explains every one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from gridmgmt.domain import clocks as clock_rules
from gridmgmt.domain import onsite
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.request import require_not_ruled
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import MissingFact, NotReady

if TYPE_CHECKING:
    from gridmgmt.domain.case import Case


def check_guards(case: "Case", action: Action, facts: Mapping[str, Any]) -> None:
    """Refuse what the case is not ready for.

    Raises
    ------
    NotReady
        Confirmation, signature or milestones first; after a ruling neither a return nor
        another unit; no merging into itself.
    MissingFact
        A public report closes with an answer to whoever reported; whoever speaks of a place was measured
        there or says why not (:mod:`.onsite`).
    """
    onsite.require_seen(action, facts)
    if action is Action.ACCEPT and case.needs_confirmation and case.confirmed is not True:
        raise NotReady(
            "A report from the public is confirmed on site before it goes to filing.",
            article="22-1",
            rule="R22a",
            guard="confirmed",
        )
    if action in {Action.SUBMIT_RESULT, Action.REACH_MILESTONE} and case.signed_at is None:
        raise NotReady("Sign for the case first.", article="22-2", rule="R22b", guard="signed")
    if action is Action.SUBMIT_RESULT:
        clock_rules.require_milestones_reached(case.milestones)
    if action is Action.REACH_MILESTONE:
        clock_rules.require_next_milestone(case.milestones, facts["milestone"])
    if action is Action.SEND_BACK:
        require_not_ruled(ruled=case.ruled)
    if action is Action.DISPATCH and case.ruled and str(facts["unit_code"]) != case.unit_code:
        raise NotReady(
            "The district ruled on the responsible unit; dispatch to that unit.",
            article="22-2",
            rule="R22d",
            guard="ruled",
            unit_code=case.unit_code,
        )
    if action is Action.MERGE and _names(facts["master_id"], case.id):
        raise NotReady("A case cannot be merged into itself.", rule="R22a", guard="other_master")
    if action is Action.CLOSE and case.needs_feedback and is_empty(facts.get("feedback")):
        raise MissingFact(
            "The person who reported must be told the outcome before the case closes.",
            article="14-2",
            rule="R14b",
            action=str(action),
            missing=["feedback"],
        )


def require_reopenable(closed_at: datetime | None, until: datetime | None, now: datetime) -> None:
    """Refuse to reopen what was closed long ago; what comes again then is a new case, linked to it.

    Raises
    ------
    NotReady
        ``guard`` is ``reopen_window``; ``until`` says when it ended.
    """
    if closed_at is not None and until is not None and now > until:
        raise NotReady(
            "The time for reopening has passed; open a new case that follows this one.",
            article="22-1", rule="R22a", guard="reopen_window", until=until.isoformat(),
        )  # fmt: skip


def _names(value: object, case_id: UUID) -> bool:
    """Compared as ids: one id has several spellings."""
    try:
        return UUID(str(value)) == case_id
    except ValueError:
        return False
