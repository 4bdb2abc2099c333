// What lies in the outbox: one thing that its owner wants done, with its photos and what became of it.

import type { CaseDetail, Problem, ReportIn, ReportOut, SightingIn, SightingOut } from '../../api/types.ts'

/**
 * queued → sending → sent, or refused (the server says no to the thing itself), or conflict (the case is not
 * any more what its sender saw). Refused and conflict wait for a person; nothing leaves the phone unasked.
 */
export type EntryState = 'queued' | 'sending' | 'sent' | 'refused' | 'conflict'

export type JobKind = 'report' | 'case_action' | 'case_request' | 'call_action' | 'sighting' | 'other'

/** What is known of a photo besides its bytes. */
export interface PhotoRef {
  sha256: string
  media_type: string
  bytes: number
}

/** A photo's line in the ledger of its entry. */
export interface LedgerPhoto extends PhotoRef {
  /** What the server has said it has, so that an upload goes on where it broke. */
  sent_bytes: number
  upload_url: string | null
  stored: boolean
  /** The server lacked it after it was sent, and it goes out once more. */
  lost?: boolean
}

/** The bytes of a photo; a Blob in the browser. The outbox only passes it on. */
export interface PhotoBody {
  readonly size: number
}

/** What a job builds on: `body.version` is what its sender saw of it. */
export interface Subject {
  kind: 'case' | 'call'
  id: string
}

/** How the subject stands now, to be shown beside what was meant. */
export interface Standing {
  version: number
  state: string
  /** Actions that this person may take now; null when only trying tells. */
  legal: string[] | null
  updated_at: string | null
}

/** Something to send: the request as it goes out, and what holds it together with others. */
export interface Job {
  /** Made on the phone once; the server takes the same id twice as once. */
  id: string
  kind: JobKind
  /** Entries of one chain go one after the other; chains know nothing of each other. */
  chain: string
  /** For the list while there is no answer: what its owner reads. */
  title: string
  path: string
  body: Record<string, unknown>
  photos: PhotoRef[]
  /** In whose post, for a deputy; null as oneself. */
  behalf: string | null
  subject: Subject | null
}

export interface Entry extends Omit<Job, 'photos'> {
  /** The order of storing on this phone, given by the store. */
  seq: number
  /** Whose it is; nobody else sees it or sends it. Null only for what an older version of the page left. */
  person_id: string | null
  /** By the phone's clock. */
  created_at: string
  photos: LedgerPhoto[]
  state: EntryState
  attempts: number
  /** Not before this instant (ms); 0 means at once. */
  next_at_ms: number
  /** Why it was refused, or why the last attempt failed when the server said so. */
  problem: Problem | null
  /** With a conflict: how the subject stands now, once it could be read. */
  standing: Standing | null
  answer: unknown
}

export const NEW_CASE = 'new:'

/** A report is a chain of its own: there is no case yet that anything else could be about. */
export const reportJob = (report: ReportIn, title: string, photos: PhotoRef[]): Job => ({
  id: report.id,
  kind: 'report',
  chain: NEW_CASE + report.id,
  title,
  path: '/reports',
  body: { ...report },
  photos,
  behalf: null,
  subject: null,
})

interface CaseStep {
  case_id: string
  title: string
  photos?: PhotoRef[]
  behalf?: string | null
}

function caseJob(step: CaseStep, id: string, kind: JobKind, path: string, body: Record<string, unknown>): Job {
  return {
    id, kind, path, body,
    chain: `case:${step.case_id}`,
    title: step.title,
    photos: step.photos ?? [],
    behalf: step.behalf ?? null,
    subject: { kind: 'case', id: step.case_id },
  }
}

/** A move of a case. `command` is the body of POST /cases/{id}/actions. */
export const caseActionJob = (
  step: CaseStep & { command: { command_id: string; action: string; version: number; facts: object; device_at?: string } },
): Job =>
  caseJob(step, step.command.command_id, 'case_action', `/cases/${step.case_id}/actions`, { ...step.command })

/** A request for a move that needs somebody's yes. `command` is the body of POST /cases/{id}/requests. */
export const caseRequestJob = (
  step: CaseStep & { command: { id: string; action: string; version: number; facts: object } },
): Job => caseJob(step, step.command.id, 'case_request', `/cases/${step.case_id}/requests`, { ...step.command })

/** A unit's answer to a joint call; it waits in the chain of the case that the call is about. */
export const callActionJob = (
  step: CaseStep & {
    call_id: string
    task_id: string
    command: { command_id: string; action: string; version: number; facts: object }
  },
): Job => ({
  ...caseJob(step, step.command.command_id, 'call_action', `/joint-calls/${step.call_id}/tasks/${step.task_id}/actions`, {
    ...step.command,
  }),
  subject: { kind: 'call', id: step.call_id },
})

/** The same thing seen again: photos for a case that is there, instead of a second report. */
export const sightingJob = (step: CaseStep & { sighting: SightingIn }): Job => ({
  ...caseJob(step, step.sighting.id, 'sighting', `/cases/${step.case_id}/sightings`, { ...step.sighting }),
  // Nothing of the case moves, so no version of it can be outdated.
  subject: null,
})

/** Anything else that the server takes twice as once, such as the acknowledgement of a notification. */
export const otherJob = (given: { id: string; chain: string; title: string; path: string; body?: object; behalf?: string | null }): Job => ({
  id: given.id,
  kind: 'other',
  chain: given.chain,
  title: given.title,
  path: given.path,
  body: { ...given.body },
  photos: [],
  behalf: given.behalf ?? null,
  subject: null,
})

export const isSettled = (entry: Pick<Entry, 'state'>): boolean => entry.state === 'sent'
/** Waits for a person and not for the network. */
export const needsLook = (entry: Pick<Entry, 'state'>): boolean =>
  entry.state === 'refused' || entry.state === 'conflict'

/** The entry that holds this one up: the first before it in its chain that waits for a person. */
export function heldBy<E extends Pick<Entry, 'chain' | 'seq' | 'state'>>(entry: E, entries: readonly E[]): E | null {
  if (isSettled(entry)) return null
  return (
    entries
      .filter((other) => other.chain === entry.chain && other.seq < entry.seq && needsLook(other))
      .sort((a, b) => a.seq - b.seq)[0] ?? null
  )
}

/** How far the photos are: stored ones and all, and the bytes that have arrived. */
export function photosOf(entry: Pick<Entry, 'photos'>): { stored: number; all: number; sent: number; bytes: number } {
  const { photos } = entry
  return {
    stored: photos.filter((photo) => photo.stored).length,
    all: photos.length,
    sent: photos.reduce((sum, photo) => sum + (photo.stored ? photo.bytes : photo.sent_bytes), 0),
    bytes: photos.reduce((sum, photo) => sum + photo.bytes, 0),
  }
}

export const reportOf = (entry: Pick<Entry, 'kind' | 'body'>): ReportIn | null =>
  entry.kind === 'report' ? (entry.body as unknown as ReportIn) : null

export const reportAnswer = (entry: Pick<Entry, 'kind' | 'answer'>): ReportOut | null =>
  entry.kind === 'report' ? ((entry.answer as ReportOut | null) ?? null) : null

export const sightingOf = (entry: Pick<Entry, 'kind' | 'body'>): SightingIn | null =>
  entry.kind === 'sighting' ? (entry.body as unknown as SightingIn) : null

export const sightingAnswer = (entry: Pick<Entry, 'kind' | 'answer'>): SightingOut | null =>
  entry.kind === 'sighting' ? ((entry.answer as SightingOut | null) ?? null) : null

export const caseAnswer = (entry: Pick<Entry, 'kind' | 'answer'>): CaseDetail | null =>
  entry.kind === 'case_action' ? ((entry.answer as CaseDetail | null) ?? null) : null
