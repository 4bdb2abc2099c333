// One way out for everything that is done to a task: a step of a case, a request, an answer to a joint call.
// The screens call this and nothing else.

import type { CaseDetail } from '../../api/types.ts'
import { call } from '../../ports/http.ts'
import type { TakenPhoto } from '../../ports/photos.ts'
import { storePhotos } from '../../ui/case/storePhotos.ts'
import { readCase } from './known.ts'

export interface TaskAct {
  /** Made when the form was opened: a tap repeated after a lost answer is the same command. */
  command_id: string
  case_id: string
  action: string
  version: number
  facts: Record<string, unknown>
  photos: readonly TakenPhoto[]
  device_at: string
  how: { kind: 'do' } | { kind: 'ask' } | { kind: 'call'; call_id: string; task_id: string }
}

/** `sent`: the server has it, and this is the case as it is then. `kept`: it lies in the outbox. */
export type Submitted = { kind: 'sent'; detail: CaseDetail } | { kind: 'kept' }

/** Hands an act over. Rejects with the server's refusal, as `call` does. */
export async function submit(act: TaskAct): Promise<Submitted> {
  const { command_id, case_id, action, version, device_at, how } = act
  const facts = { ...act.facts }
  if (act.photos.length) facts['photos'] = await storePhotos(act.photos)
  const body = { action, version, facts }
  if (how.kind === 'do') {
    const json = { command_id, device_at, ...body }
    return { kind: 'sent', detail: await call<CaseDetail>(`/cases/${case_id}/actions`, { method: 'POST', json }) }
  }
  if (how.kind === 'ask') await call(`/cases/${case_id}/requests`, { method: 'POST', json: { id: command_id, ...body } })
  else await call(`/joint-calls/${how.call_id}/tasks/${how.task_id}/actions`, { method: 'POST', json: { command_id, ...body } })
  return { kind: 'sent', detail: await readCase(case_id) }
}
