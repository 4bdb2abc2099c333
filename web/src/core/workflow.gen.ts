// Generated from gridmgmt/domain/workflow.py and gridmgmt/domain/events.py. Do not edit.
//
// Shape, in the order of the Python table so that a regeneration gives a stable diff:
//   STATES       one object per State: id, zh = STATE_NAMES_ZH, en = id with spaces and a capital, final
//   ACTIONS      one object per Action: id, zh = ACTION_NAMES_ZH, en likewise
//   TRANSITIONS  one object per row: from, action, to, requires (sorted), needsRequest,
//                permission (of whoever performs it, or grants the request for it)
//   EVENT_KINDS  every value of EventKind

export const STATES = [
  { id: "reported", zh: "待受理", en: "Reported", final: false },
  { id: "self_handled", zh: "自处置待审", en: "Self handled", final: false },
  { id: "accepted", zh: "待立案", en: "Accepted", final: false },
  { id: "filed", zh: "待派遣", en: "Filed", final: false },
  { id: "referred", zh: "区裁定中", en: "Referred", final: false },
  { id: "handling", zh: "处置中", en: "Handling", final: false },
  { id: "on_hold", zh: "挂账", en: "On hold", final: false },
  { id: "handled", zh: "待核查", en: "Handled", final: false },
  { id: "verified", zh: "待结案", en: "Verified", final: false },
  { id: "closed", zh: "已结案", en: "Closed", final: true },
  { id: "rejected", zh: "不予受理", en: "Rejected", final: true },
  { id: "merged", zh: "已并案", en: "Merged", final: true },
  { id: "voided", zh: "已作废", en: "Voided", final: true },
] as const;

export const ACTIONS = [
  { id: "ask_confirmation", zh: "发核实", en: "Ask confirmation" },
  { id: "confirm", zh: "核实反馈", en: "Confirm" },
  { id: "reject", zh: "不予受理", en: "Reject" },
  { id: "merge", zh: "并案", en: "Merge" },
  { id: "accept", zh: "批转立案", en: "Accept" },
  { id: "approve_self_handling", zh: "自处置通过", en: "Approve self handling" },
  { id: "refuse_self_handling", zh: "自处置不通过", en: "Refuse self handling" },
  { id: "file", zh: "立案", en: "File" },
  { id: "decline", zh: "退回受理", en: "Decline" },
  { id: "dispatch", zh: "派遣", en: "Dispatch" },
  { id: "void", zh: "作废", en: "Void" },
  { id: "refer", zh: "转区裁定", en: "Refer" },
  { id: "rule", zh: "区裁定", en: "Rule" },
  { id: "sign_for", zh: "签收", en: "Sign for" },
  { id: "reach_milestone", zh: "阶段完成", en: "Reach milestone" },
  { id: "extend", zh: "延时", en: "Extend" },
  { id: "send_back", zh: "退单", en: "Send back" },
  { id: "hold", zh: "挂账", en: "Hold" },
  { id: "resume", zh: "恢复", en: "Resume" },
  { id: "submit_result", zh: "处置反馈", en: "Submit result" },
  { id: "pass_verification", zh: "核查通过", en: "Pass verification" },
  { id: "fail_verification", zh: "核查不通过（返工）", en: "Fail verification" },
  { id: "close", zh: "结案", en: "Close" },
  { id: "reopen", zh: "重开", en: "Reopen" },
] as const;

export const TRANSITIONS = [
  { from: "reported", action: "ask_confirmation", to: "reported", requires: ["worker_id"], needsRequest: false, permission: "case:accept" },
  { from: "reported", action: "confirm", to: "reported", requires: ["found", "opinion"], needsRequest: false, permission: "case:confirm" },
  { from: "reported", action: "reject", to: "rejected", requires: ["reason"], needsRequest: false, permission: "case:accept" },
  { from: "reported", action: "merge", to: "merged", requires: ["master_id"], needsRequest: false, permission: "case:accept" },
  { from: "reported", action: "accept", to: "accepted", requires: [], needsRequest: false, permission: "case:accept" },
  { from: "self_handled", action: "approve_self_handling", to: "closed", requires: [], needsRequest: false, permission: "case:close" },
  { from: "self_handled", action: "refuse_self_handling", to: "voided", requires: ["reason"], needsRequest: false, permission: "case:close" },
  { from: "accepted", action: "file", to: "filed", requires: [], needsRequest: false, permission: "case:file" },
  { from: "accepted", action: "decline", to: "reported", requires: ["reason"], needsRequest: false, permission: "case:file" },
  { from: "filed", action: "dispatch", to: "handling", requires: ["unit_code"], needsRequest: false, permission: "case:dispatch" },
  { from: "filed", action: "void", to: "voided", requires: ["reason"], needsRequest: true, permission: "case:void" },
  { from: "filed", action: "refer", to: "referred", requires: ["reason"], needsRequest: false, permission: "case:refer" },
  { from: "referred", action: "rule", to: "filed", requires: ["document_no", "unit_code"], needsRequest: false, permission: "case:rule" },
  { from: "handling", action: "sign_for", to: "handling", requires: [], needsRequest: false, permission: "case:handle" },
  { from: "handling", action: "reach_milestone", to: "handling", requires: ["milestone", "note"], needsRequest: false, permission: "case:handle" },
  { from: "handling", action: "extend", to: "handling", requires: ["amount", "reason", "unit"], needsRequest: true, permission: "case:grant" },
  { from: "handling", action: "send_back", to: "filed", requires: ["basis", "reason"], needsRequest: true, permission: "case:grant" },
  { from: "handling", action: "hold", to: "on_hold", requires: ["reason", "resume_on"], needsRequest: true, permission: "case:grant" },
  { from: "handling", action: "submit_result", to: "handled", requires: ["photos", "result"], needsRequest: false, permission: "case:handle" },
  { from: "on_hold", action: "resume", to: "handling", requires: [], needsRequest: false, permission: "case:handle" },
  { from: "handled", action: "pass_verification", to: "verified", requires: ["opinion"], needsRequest: false, permission: "case:verify" },
  { from: "handled", action: "fail_verification", to: "handling", requires: ["reason"], needsRequest: false, permission: "case:verify" },
  { from: "verified", action: "close", to: "closed", requires: [], needsRequest: false, permission: "case:close" },
  { from: "closed", action: "reopen", to: "handling", requires: ["reason"], needsRequest: false, permission: "case:close" },
] as const;

export const EVENT_KINDS = [
  "report_received",
  "self_handled_reported",
  "confirmation_asked",
  "confirmation_answered",
  "report_rejected",
  "report_merged",
  "report_accepted",
  "acceptance_declined",
  "case_filed",
  "case_dispatched",
  "case_signed_for",
  "milestone_reached",
  "case_sent_back",
  "case_extended",
  "case_put_on_hold",
  "case_resumed",
  "result_submitted",
  "verification_passed",
  "verification_failed",
  "case_closed",
  "case_reopened",
  "case_voided",
  "case_referred",
  "case_ruled",
  "request_made",
  "request_decided",
  "case_unrouted",
  "case_overdue",
  "deadlines_recomputed",
  "plan_published",
] as const;

export type State = (typeof STATES)[number]["id"];
export type Action = (typeof ACTIONS)[number]["id"];
export type EventKind = (typeof EVENT_KINDS)[number];
