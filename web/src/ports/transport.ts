// How the outbox reaches the server: HTTP answers sorted into the five outcomes it knows.

import type { ReportOut } from '../api/types.ts'
import type { Outcome, PhotoBody, PhotoRef, Transport } from '../core/outbox.ts'
import { ApiProblem, call, NetworkFault } from './http.ts'
import type { Call } from './http.ts'

/** Answers that say nothing against the report itself: time out, too early, too many. */
const NOT_THE_REPORTS_FAULT = new Set([408, 425, 429])

export const PHOTO_TIMEOUT_MS = 120_000

export async function attempt<T>(path: string, options: Call): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await call<T>(path, options) }
  } catch (fault) {
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
}

export const httpTransport: Transport = {
  putPhoto: (photo: PhotoRef, body: PhotoBody) =>
    attempt(`/photos/${photo.sha256}`, {
      method: 'PUT',
      // Stored blobs may come back from IndexedDB without their type.
      body: new Blob([body as Blob], { type: photo.media_type }),
      timeout_ms: PHOTO_TIMEOUT_MS,
      behalf: null,
    }),
  postReport: (report) => attempt<ReportOut>('/reports', { method: 'POST', json: report, behalf: null }),
}
