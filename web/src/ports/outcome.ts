// What a failed request means for what was to be sent: one of the five outcomes that the outbox knows.

import type { Outcome } from '../core/outbox.ts'
import { ApiProblem, call, NetworkFault } from './http.ts'
import type { Call } from './http.ts'

/** Answers that say nothing against the report itself: time out, too early, too many. */
const NOT_THE_REPORTS_FAULT = new Set([408, 425, 429])

export async function attempt<T>(path: string, options: Call): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await call<T>(path, options) }
  } catch (fault) {
    return outcomeOf(fault)
  }
}

export function outcomeOf(fault: unknown): Exclude<Outcome<never>, { kind: 'done' }> {
  if (fault instanceof NetworkFault) return { kind: 'no_network' }
  // A body that is no JSON came from something between us and the server.
  if (!(fault instanceof ApiProblem)) return { kind: 'server_fault', problem: null, retry_after_s: null }
  const { problem, retry_after_s } = fault
  if (problem.status === 401) return { kind: 'signed_out', problem }
  if (problem.status >= 500 || NOT_THE_REPORTS_FAULT.has(problem.status)) {
    return { kind: 'server_fault', problem, retry_after_s }
  }
  return { kind: 'refused', problem }
}
