// What was refused as a draft again, its photos included, so that it can be mended: a report, or something seen
// again of a case that has ended meanwhile, which is a report of its own now.

import { reportOf, sightingOf } from '../../core/outbox.ts'
import type { Entry } from '../../core/outbox.ts'
import type { Draft } from '../../core/report/draft.ts'
import { smallOf } from '../../ports/photos.ts'
import type { Body } from '../../ports/reportstore.ts'
import { store as outboxStore } from '../outbox/sending.ts'
import { beginDraft, keepDraft, owner, store } from './reporting.ts'

export async function draftOfRefused(entry: Entry): Promise<Draft> {
  // Mended under another id before: that draft goes on, for a second one would be a second report.
  const begun = (await store.drafts(owner())).find((one) => one.mends === entry.id)
  if (begun) return begun
  const draft = beginDraft()
  const report = reportOf(entry)
  const sent = report ?? sightingOf(entry)
  if (!sent) return draft
  // Where the server holds other content under it, the mended one is another report.
  if (entry.problem?.code === 'content_differs') draft.mends = entry.id
  else draft.id = entry.id
  draft.opened_at = sent.observed_at
  draft.lon = sent.position.lon
  draft.lat = sent.position.lat
  draft.accuracy_m = sent.position.accuracy_m
  draft.placed = sent.position.accuracy_m === null ? 'hand' : 'device'
  draft.description = report ? report.description : (sightingOf(entry)?.words ?? '')
  draft.category = report?.category ?? null
  draft.category_name = report ? entry.title : ''
  draft.self_handled = report?.self_handled ?? false
  await keepDraft(draft, await filesInto(draft, entry, sent.photos.at(-1) ?? null))
  return draft
}

/** Before, then after: the last photo of a thing handled on the spot is how it is now. */
async function filesInto(draft: Draft, entry: Entry, last: string | null): Promise<Body[]> {
  const bodies: Body[] = []
  for (const { sha256, media_type, bytes } of entry.photos) {
    const body = (await outboxStore.photo(sha256)) as Blob | undefined
    if (!body) continue
    if (media_type.startsWith('audio/')) {
      draft.recordings.push({ sha256, media_type, bytes, duration_ms: 0 })
      bodies.push({ sha256, body, small: null })
      continue
    }
    const role = draft.self_handled && sha256 === last ? 'after' : 'before'
    draft.photos.push({ sha256, media_type, bytes, role, scaled: false })
    bodies.push({ sha256, body, small: await smallOf(body) })
  }
  return bodies
}
