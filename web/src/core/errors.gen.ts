// Generated from gridmgmt/errors.py. Do not edit.
//
// Shape: ERROR_CODES = the `code` of GridError and of every subclass, depth first in the order of the
// source, then "internal_error" (what api/errors.py renders for anything unexpected).
export const ERROR_CODES = [
  "grid_error",
  "invalid_input",
  "invalid_code",
  "invalid_geometry",
  "wrong_crs",
  "missing_fact",
  "outside_area",
  "unknown_category",
  "implausible_time",
  "unacceptable_photo",
  "weak_password",
  "too_large",
  "not_signed_in",
  "sign_in_refused",
  "not_allowed",
  "duties_not_separated",
  "step_up_needed",
  "not_found",
  "link_not_valid",
  "conflict",
  "illegal_action",
  "not_ready",
  "off_duty_list",
  "stale_version",
  "content_differs",
  "plan_not_in_force",
  "plan_not_adoptable",
  "administrators_apart",
  "too_many_attempts",
  "infeasible",
  "erased",
  "unreadable",
  "seal_broken",
  "unknown_key",
  "unavailable",
  "internal_error",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
