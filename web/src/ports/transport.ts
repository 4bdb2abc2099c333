// How the outbox reaches the server.

import type { CaseDetail } from '../api/types.ts'
import type { Entry, Outcome, Standing, Subject, Transport } from '../core/outbox.ts'
import type { Call } from './http.ts'
import { attempt } from './outcome.ts'
import { uploadPhoto } from './upload.ts'

export const PHOTO_TIMEOUT_MS = 120_000

type Owner = Pick<Entry, 'person_id' | 'behalf'>
const asOwner = (owner: Owner): Call => ({ behalf: owner.behalf, sent_by: owner.person_id })

async function look(subject: Subject, owner: Owner): Promise<Outcome<Standing>> {
  if (subject.kind === 'case') {
    const found = await attempt<CaseDetail>(`/cases/${subject.id}`, asOwner(owner))
    return found.kind === 'done' ? { kind: 'done', value: standingOf(found.value) } : found
  }
  const found = await attempt<{ version: number; state: string; updated_at?: string }>(`/joint-calls/${subject.id}`, asOwner(owner))
  if (found.kind !== 'done') return found
  // What may be done to a call is said task by task, so it is tried and may be refused again.
  return { kind: 'done', value: { version: found.value.version, state: found.value.state, legal: null, updated_at: found.value.updated_at ?? null } }
}

export const standingOf = (detail: CaseDetail): Standing => ({
  version: detail.version,
  state: detail.state,
  legal: detail.legal.filter((one) => one.may !== null).map((one) => one.action),
  updated_at: detail.updated_at,
})

/** What is told of a moment that the phone's clock alone knows. */
const TOLD_BY_CLOCK = new Set<Entry['kind']>(['report', 'sighting'])

export const httpTransport: Transport = {
  upload: uploadPhoto,
  // The server hears what this phone's clock says, so that a wrong clock spoils nothing.
  send: (entry, sent_at) =>
    attempt(entry.path, {
      method: 'POST',
      json: TOLD_BY_CLOCK.has(entry.kind) ? { ...entry.body, sent_at } : entry.body,
      ...asOwner(entry),
    }),
  look,
}
