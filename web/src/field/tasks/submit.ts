// One way out for everything that is done to a task: a step of a case, a request, an answer to a joint call.
// The screens call this and nothing else. All of it goes through the outbox: first the phone, then the net.

import type { CaseDetail } from '../../api/types.ts'
import { callActionJob, caseActionJob, caseRequestJob, needsLook } from '../../core/outbox.ts'
import type { Job } from '../../core/outbox.ts'
import { localProblem } from '../../core/problem.ts'
import { ApiProblem } from '../../ports/http.ts'
import type { TakenPhoto } from '../../ports/photos.ts'
import { session } from '../../ui/session.ts'
import { keepAndSee, outbox } from '../outbox/sending.ts'
import { readCase } from './known.ts'

export interface TaskAct {
  /** Made when the form was opened: a tap repeated after a lost answer is the same command. */
  command_id: string
  case_id: string
  /** As the outbox names it: what is done, to what. */
  title: string
  action: string
  version: number
  facts: Record<string, unknown>
  photos: readonly TakenPhoto[]
  device_at: string
  how: { kind: 'do' } | { kind: 'ask' } | { kind: 'call'; call_id: string; task_id: string }
}

/** `sent`: the server has it, and this is the case as it is then. `kept`: it lies in the outbox. */
export type Submitted = { kind: 'sent'; detail: CaseDetail } | { kind: 'kept' }

/** Hands an act over. Rejects with the server's refusal, as `call` does; the form is then the place to mend it. */
export async function submit(act: TaskAct): Promise<Submitted> {
  const entry = await keepAndSee(jobOf(act), new Map(act.photos.map((photo) => [photo.sha256, photo.blob])))
  if (entry && needsLook(entry)) {
    await outbox.remove(entry.id)
    throw new ApiProblem(entry.problem ?? localProblem('grid_error', 0, 'refused without a word'), null)
  }
  if (entry?.state !== 'sent') return { kind: 'kept' }
  return { kind: 'sent', detail: act.how.kind === 'do' ? (entry.answer as CaseDetail) : await readCase(act.case_id) }
}

function jobOf({ command_id, case_id, title, action, version, device_at, how, ...act }: TaskAct): Job {
  const photos = act.photos.map(({ sha256, media_type, bytes }) => ({ sha256, media_type, bytes }))
  const facts = photos.length ? { ...act.facts, photos: photos.map(({ sha256 }) => sha256) } : act.facts
  const step = { case_id, title, photos, behalf: session.acting?.person_id ?? null }
  const said = { action, version, facts }
  if (how.kind === 'do') return caseActionJob({ ...step, command: { command_id, device_at, ...said } })
  if (how.kind === 'ask') return caseRequestJob({ ...step, command: { id: command_id, ...said } })
  return callActionJob({ ...step, call_id: how.call_id, task_id: how.task_id, command: { command_id, ...said } })
}
