// One way out for everything that is done to a task: a step of a case, a request, an answer to a joint call.
// It goes into the outbox first, as a report does, in the chain of its case; whoever looks on hears at once
// what became of it if there is a network, and that it is kept if there is none.

import { watch } from 'vue'
import type { CaseDetail, Problem } from '../../api/types.ts'
import { callActionJob, caseActionJob, caseAnswer, caseRequestJob, needsLook, StorageFull } from '../../core/outbox.ts'
import type { Entry, Job, PhotoRef } from '../../core/outbox.ts'
import { localProblem } from '../../core/problem.ts'
import type { TakenPhoto } from '../../ports/photos.ts'
import { session } from '../../ui/session.ts'
import { entries, keep } from '../outbox/sending.ts'

export interface TaskAct {
  /** Made when the form was opened: a tap repeated after a lost answer is the same command. */
  command_id: string
  case_id: string
  /** What its owner reads in the outbox. */
  title: string
  action: string
  version: number
  facts: Record<string, unknown>
  photos: readonly TakenPhoto[]
  device_at: string
  how: { kind: 'do' } | { kind: 'ask' } | { kind: 'call'; call_id: string; task_id: string }
}

/**
 * `sent`: the server has it, and this is the case as it is then (null: to be read). `kept`: it lies in the
 * outbox and goes out by itself. `refused`: it lies there too, and waits for its owner. `not_kept`: the phone did
 * not take it, and nothing of it is anywhere.
 */
export type Submitted =
  | { kind: 'sent'; detail: CaseDetail | null }
  | { kind: 'kept' }
  | { kind: 'refused'; problem: Problem; moved: boolean }
  | { kind: 'not_kept'; why: 'full' | 'failed' }

/** How long one looks on; what takes longer is kept, and said so. */
const PATIENCE_MS = 12_000

/** Hands an act over to the outbox: to the phone first, whoever is or is not signed in just then. */
export async function submit(act: TaskAct): Promise<Submitted> {
  const bodies = new Map(act.photos.map((photo) => [photo.sha256, photo.blob]))
  const job = jobOf(act)
  try {
    await keep(job, bodies)
  } catch (fault) {
    return { kind: 'not_kept', why: fault instanceof StorageFull ? 'full' : 'failed' }
  }
  return outcomeOf(job.id)
}

function jobOf(act: TaskAct): Job {
  const { command_id, case_id, title, action, version, device_at, how } = act
  const photos: PhotoRef[] = act.photos.map(({ sha256, media_type, blob }) => ({ sha256, media_type, bytes: blob.size }))
  // Without Vue's proxies, which storage cannot clone.
  const said = JSON.parse(JSON.stringify(act.facts)) as Record<string, unknown>
  const facts = photos.length ? { ...said, photos: photos.map((photo) => photo.sha256) } : said
  const step = { case_id, title, photos, behalf: session.acting?.person_id ?? null }
  if (how.kind === 'do') return caseActionJob({ ...step, command: { command_id, action, version, facts, device_at } })
  if (how.kind === 'ask') return caseRequestJob({ ...step, command: { id: command_id, action, version, facts } })
  const { call_id, task_id } = how
  return callActionJob({ ...step, call_id, task_id, command: { command_id, action, version, facts } })
}

/** What becomes of an entry while somebody looks on. */
function outcomeOf(id: string): Promise<Submitted> {
  return new Promise((resolve) => {
    const end = (result: Submitted): void => {
      clearTimeout(timer)
      queueMicrotask(() => stop())
      resolve(result)
    }
    const timer = setTimeout(() => end({ kind: 'kept' }), PATIENCE_MS)
    const stop = watch(
      entries,
      (all) => {
        const entry = all.find((one) => one.id === id)
        const result = entry && resultOf(entry)
        if (result) end(result)
      },
      { immediate: true },
    )
  })
}

function resultOf(entry: Entry): Submitted | null {
  if (entry.state === 'sent') return { kind: 'sent', detail: caseAnswer(entry) }
  if (needsLook(entry)) {
    const problem = entry.problem ?? localProblem('unavailable', 0, '')
    return { kind: 'refused', problem, moved: entry.state === 'conflict' }
  }
  // Tried once in vain, or nobody to try: it goes out later.
  return entry.state === 'queued' && (entry.attempts > 0 || !navigator.onLine) ? { kind: 'kept' } : null
}
