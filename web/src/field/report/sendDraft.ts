// From a draft to the outbox: as a report, or as photos for a case that is there. The draft goes only when the
// outbox has everything.

import type { Category } from '../../api/types.ts'
import { reportJob, sightingJob, StorageFull } from '../../core/outbox.ts'
import type { Job, PhotoBody } from '../../core/outbox.ts'
import { filesOf, placeOf, reportOf, sightingOf } from '../../core/report/draft.ts'
import type { Draft } from '../../core/report/draft.ts'
import { keep } from '../outbox/sending.ts'
import { noteUse, settle, store } from './reporting.ts'

export type NotKept = 'full' | 'failed' | 'photo_gone'

export interface Joined {
  case_id: string
  number: string
}

/** Resolves to the entry's id when the outbox has it. Rejects with a NotKept. */
export const sendAsReport = (draft: Draft, category: Category): Promise<string> =>
  kept(draft, category, reportJob(reportOf(draft, category), category.name, filesOf(draft)))

/** The same thing as a case that is there; `title` is what the worker reads in his outbox. */
export function sendAsSighting(draft: Draft, category: Category, joined: Joined, title: string): Promise<string> {
  const sighting = sightingOf(draft)
  const named = new Set([...sighting.photos, ...sighting.recordings])
  const photos = filesOf(draft).filter((one) => named.has(one.sha256))
  return kept(draft, category, sightingJob({ case_id: joined.case_id, title, photos, sighting }))
}

async function kept(draft: Draft, category: Category, job: Job): Promise<string> {
  const bodies = new Map<string, PhotoBody>()
  for (const { sha256 } of job.photos) {
    const body = await store.body(sha256)
    if (!body) throw 'photo_gone' satisfies NotKept
    bodies.set(sha256, body)
  }
  await keep(job, bodies).catch((why: unknown) => {
    throw (why instanceof StorageFull ? 'full' : 'failed') satisfies NotKept
  })
  // It is kept, whatever becomes of the rest: somebody who is told otherwise writes it again. A draft that stays
  // behind goes when drafts are read the next time.
  await noteUse({ category: category.key, at_ms: Date.now(), place: placeOf(draft) }).catch(() => undefined)
  await settle(draft).catch(() => undefined)
  return job.id
}
