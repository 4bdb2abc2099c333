"""Facts that happened, for the outbox and the live pages; frozen, and never undone.

``event`` means a domain event here. An incident on the street (CJ/T 214 calls it event) is a report
and then a case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventKind(StrEnum):
    """One name for each thing that somebody outside the case may want to hear of."""

    REPORT_RECEIVED = "report_received"
    SELF_HANDLED_REPORTED = "self_handled_reported"
    CONFIRMATION_ASKED = "confirmation_asked"
    CONFIRMATION_ANSWERED = "confirmation_answered"
    REPORT_REJECTED = "report_rejected"
    REPORT_MERGED = "report_merged"
    REPORT_ACCEPTED = "report_accepted"
    ACCEPTANCE_DECLINED = "acceptance_declined"
    CASE_FILED = "case_filed"
    CASE_DISPATCHED = "case_dispatched"
    CASE_SIGNED_FOR = "case_signed_for"
    MILESTONE_REACHED = "milestone_reached"
    CASE_SENT_BACK = "case_sent_back"
    CASE_EXTENDED = "case_extended"
    CASE_PUT_ON_HOLD = "case_put_on_hold"
    CASE_RESUMED = "case_resumed"
    RESULT_SUBMITTED = "result_submitted"
    VERIFICATION_PASSED = "verification_passed"
    VERIFICATION_FAILED = "verification_failed"
    CASE_CLOSED = "case_closed"
    CASE_REOPENED = "case_reopened"
    CASE_VOIDED = "case_voided"
    CASE_REFERRED = "case_referred"
    CASE_RULED = "case_ruled"
    REQUEST_MADE = "request_made"
    REQUEST_DECIDED = "request_decided"
    CASE_UNROUTED = "case_unrouted"
    CASE_OVERDUE = "case_overdue"
    DEADLINES_RECOMPUTED = "deadlines_recomputed"
    PLAN_PUBLISHED = "plan_published"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. ``facts`` holds identifiers and states, never personal data."""

    kind: EventKind
    subdistrict_code: str
    at: datetime
    case_id: UUID | None
    facts: Mapping[str, Any]
