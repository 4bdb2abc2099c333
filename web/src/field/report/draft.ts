// The report being written: its id is made once, when the form opens, and again only when the server
// holds other content under it.

import { reactive } from 'vue'
import type { Category, ReportIn } from '../../api/types.ts'
import { reportOf } from '../../core/outbox.ts'
import type { Entry, PhotoBody } from '../../core/outbox.ts'
import { fromPoint, latOf, lonOf } from '../../core/geo.ts'
import type { LngLat } from '../../core/geo.ts'
import { newId } from '../../ports/ids.ts'
import type { TakenPhoto } from '../../ports/photos.ts'
import { store } from '../outbox/sending.ts'

export interface Draft {
  id: string
  opened_at: string
  photos: TakenPhoto[]
  place: LngLat | null
  /** Null once the worker has moved the point by hand. */
  accuracy_m: number | null
  category: Category | null
  description: string
  self_handled: boolean
}

export const newDraft = (): Draft =>
  reactive({
    id: newId(),
    opened_at: new Date().toISOString(),
    photos: [],
    place: null,
    accuracy_m: null,
    category: null,
    description: '',
    self_handled: false,
  }) as Draft

/** A draft with the content of a refused report, its photos included. */
export async function draftOf(entry: Entry, categories: readonly Category[]): Promise<Draft> {
  const draft = newDraft()
  const report = reportOf(entry)
  if (!report) return draft
  if (entry.problem?.code !== 'content_differs') draft.id = entry.id
  draft.opened_at = report.observed_at
  draft.place = fromPoint(report.position)
  draft.accuracy_m = report.position.accuracy_m
  draft.category = categories.find((one) => one.key === report.category) ?? null
  draft.description = report.description
  draft.self_handled = report.self_handled
  for (const photo of entry.photos) {
    const body = (await store.photo(photo.sha256)) as Blob | undefined
    if (body) draft.photos.push({ ...photo, blob: body })
  }
  return draft
}

export type Missing = 'photo' | 'position' | 'category'

export function missingIn(draft: Draft): Missing[] {
  const missing: Missing[] = []
  // Nearly every category asks for a photo, so one is asked for until a category says otherwise.
  const needed = draft.self_handled ? 2 : (draft.category?.evidence_required ?? true) ? 1 : 0
  if (draft.photos.length < needed) missing.push('photo')
  if (!draft.place) missing.push('position')
  if (!draft.category) missing.push('category')
  return missing
}

/** The report as it goes over the wire, and the bytes of its photos. */
export function finish(draft: Draft): { report: ReportIn; bodies: Map<string, PhotoBody> } {
  const { place, category } = draft
  if (!place || !category) throw new Error('an unfinished draft')
  return {
    report: {
      id: draft.id,
      category: category.key,
      description: draft.description.trim(),
      source: 'patrol',
      position: { lon: lonOf(place), lat: latOf(place), datum: 'wgs84', accuracy_m: draft.accuracy_m },
      observed_at: draft.opened_at,
      photos: draft.photos.map((photo) => photo.sha256),
      recordings: [],
      self_handled: draft.self_handled && category.minor,
    },
    bodies: new Map(draft.photos.map((photo) => [photo.sha256, photo.blob])),
  }
}
