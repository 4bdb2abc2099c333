"""Facts that happened, for the outbox and the live pages; frozen, and never undone.

``event`` means a domain event here. An incident on the street (CJ/T 214 calls it event) is a report
and then a case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
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
    REPORTER_TOLD = "reporter_told"
    CASE_REVISITED = "case_revisited"
    CASE_FOLLOWED_UP = "case_followed_up"
    CASE_SEEN_AGAIN = "case_seen_again"
    CALL_ISSUED = "call_issued"
    CALL_ANSWERED = "call_answered"
    CALL_REFUSED = "call_refused"
    CALL_WITHDRAWN = "call_withdrawn"
    CALL_CLOSED = "call_closed"
    CALL_ASSESSED = "call_assessed"
    SUPERVISION_ORDERED = "supervision_ordered"
    SUPERVISION_ANSWERED = "supervision_answered"
    DEPUTY_NAMED = "deputy_named"
    CASE_UNROUTED = "case_unrouted"
    CASE_OVERDUE = "case_overdue"
    CASE_ESCALATED = "case_escalated"
    LADDER_STUCK = "ladder_stuck"
    INBOX_CHANGED = "inbox_changed"
    DEADLINES_RECOMPUTED = "deadlines_recomputed"
    PLAN_MOVED = "plan_moved"
    PLAN_PUBLISHED = "plan_published"
    PLAN_UNDONE = "plan_undone"
    CASE_HANDED_OVER = "case_handed_over"


EVENT_NAMES_ZH: Mapping[EventKind, str] = MappingProxyType(
    {
        EventKind.REPORT_RECEIVED: "收到上报",
        EventKind.SELF_HANDLED_REPORTED: "自处置上报",
        EventKind.CONFIRMATION_ASKED: "已发核实",
        EventKind.CONFIRMATION_ANSWERED: "核实反馈",
        EventKind.REPORT_REJECTED: "不予受理",
        EventKind.REPORT_MERGED: "并案",
        EventKind.REPORT_ACCEPTED: "批转立案",
        EventKind.ACCEPTANCE_DECLINED: "退回受理",
        EventKind.CASE_FILED: "立案",
        EventKind.CASE_DISPATCHED: "派遣",
        EventKind.CASE_SIGNED_FOR: "签收",
        EventKind.CASE_SENT_BACK: "退单",
        EventKind.CASE_EXTENDED: "延时",
        EventKind.CASE_PUT_ON_HOLD: "挂账",
        EventKind.CASE_RESUMED: "恢复处置",
        EventKind.RESULT_SUBMITTED: "处置反馈",
        EventKind.VERIFICATION_PASSED: "核查通过",
        EventKind.VERIFICATION_FAILED: "返工",
        EventKind.CASE_CLOSED: "结案",
        EventKind.CASE_REOPENED: "重开",
        EventKind.CASE_VOIDED: "作废",
        EventKind.CASE_REFERRED: "转区裁定",
        EventKind.CASE_RULED: "区裁定",
        EventKind.REQUEST_MADE: "提出申请",
        EventKind.REQUEST_DECIDED: "申请答复",
        EventKind.REPORTER_TOLD: "答复上报人",
        EventKind.CASE_REVISITED: "回访",
        EventKind.CASE_FOLLOWED_UP: "转为新案",
        EventKind.CASE_SEEN_AGAIN: "再次发现",
        EventKind.CALL_ISSUED: "吹哨",
        EventKind.CALL_ANSWERED: "吹哨报到",
        EventKind.CALL_REFUSED: "拒绝吹哨",
        EventKind.CALL_WITHDRAWN: "撤回吹哨",
        EventKind.CALL_CLOSED: "吹哨办结",
        EventKind.CALL_ASSESSED: "考核意见",
        EventKind.SUPERVISION_ORDERED: "督办",
        EventKind.SUPERVISION_ANSWERED: "督办回复",
        EventKind.DEPUTY_NAMED: "设定代理",
        EventKind.CASE_UNROUTED: "待人工派遣",
        EventKind.CASE_OVERDUE: "超期",
        EventKind.CASE_ESCALATED: "逐级督促",
        EventKind.LADDER_STUCK: "督促受阻",
        EventKind.INBOX_CHANGED: "新消息",
        EventKind.MILESTONE_REACHED: "阶段完成",
        EventKind.DEADLINES_RECOMPUTED: "时限重新计算",
        EventKind.PLAN_MOVED: "网格方案流转",
        EventKind.PLAN_PUBLISHED: "网格方案发布",
        EventKind.PLAN_UNDONE: "网格方案撤回",
        EventKind.CASE_HANDED_OVER: "网格调整移交",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. ``facts`` holds identifiers and states, never personal data."""

    kind: EventKind
    subdistrict_code: str
    at: datetime
    case_id: UUID | None
    facts: Mapping[str, Any]
