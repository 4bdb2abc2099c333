// A report while it is being written. A draft is plain data without a byte of its photos, so it can be stored
// at every letter; the bytes lie beside it under their SHA-256 (ports/reportstore.ts).
//
// Its id is made once, when it is begun, and becomes the report's: a draft that was sent and is sent again
// after the app was killed is the same report.

import type { Category, ReportIn, SightingIn } from '../../api/types.ts'
import { latOf, lngLat, lonOf } from '../geo.ts'
import type { LngLat } from '../geo.ts'
import type { PhotoRef } from '../outbox.ts'
import { MOST_M } from './position.ts'

/** Of a thing that was handled on the spot: how it was, and how it is now. Any other photo is "before". */
export type PhotoRole = 'before' | 'after'

export interface DraftPhoto extends PhotoRef {
  role: PhotoRole
  /** True where the server takes no picture as large as the camera made it, so that this is a smaller copy. */
  scaled: boolean
}

export interface DraftRecording extends PhotoRef {
  duration_ms: number
}

export interface Draft {
  id: string
  /** Whose it is: a shared phone keeps people apart. */
  owner: string
  /** The refused report in whose place this one is sent under an id of its own; most drafts mend none. */
  mends?: string
  opened_at: string
  saved_at_ms: number
  lon: number | null
  lat: number | null
  /** Null once the worker has set the point himself. */
  accuracy_m: number | null
  placed: 'device' | 'hand' | null
  /** When the device took the position, by the phone's clock. */
  fixed_at_ms: number | null
  category: string | null
  /** For lists, while no catalogue is read. */
  category_name: string
  description: string
  self_handled: boolean
  photos: DraftPhoto[]
  recordings: DraftRecording[]
}

export const newDraft = (id: string, owner: string, now_ms: number): Draft => ({
  id,
  owner,
  opened_at: new Date(now_ms).toISOString(),
  saved_at_ms: now_ms,
  lon: null,
  lat: null,
  accuracy_m: null,
  placed: null,
  fixed_at_ms: null,
  category: null,
  category_name: '',
  description: '',
  self_handled: false,
  photos: [],
  recordings: [],
})

/** Whether there is anything in it that somebody would miss. A position comes by itself and is no work. */
export const worthKeeping = (draft: Draft): boolean =>
  draft.photos.length > 0 || draft.recordings.length > 0 || draft.description.trim() !== '' || draft.category !== null

export const placeOf = (draft: Draft): LngLat | null =>
  draft.lon === null || draft.lat === null ? null : lngLat(draft.lon, draft.lat)

/** Every file that a draft needs, by its name. */
export const filesOf = (draft: Draft): PhotoRef[] =>
  [...inOrder(draft.photos), ...draft.recordings].map(({ sha256, media_type, bytes }) => ({ sha256, media_type, bytes }))

/** Before, then after: that order is the report's. */
export const inOrder = (photos: readonly DraftPhoto[]): DraftPhoto[] => [
  ...photos.filter((one) => one.role === 'before'),
  ...photos.filter((one) => one.role === 'after'),
]

export type Missing = 'photo' | 'before' | 'after' | 'position' | 'category'

export function missingIn(draft: Draft, category: Category | null): Missing[] {
  const missing: Missing[] = []
  if (draft.self_handled && category?.minor) {
    if (!draft.photos.some((one) => one.role === 'before')) missing.push('before')
    if (!draft.photos.some((one) => one.role === 'after')) missing.push('after')
    // Nearly every class asks for a photo, so one is asked for until a class says otherwise.
  } else if (!draft.photos.length && (category?.evidence_required ?? true)) missing.push('photo')
  if (draft.lon === null) missing.push('position')
  if (!category) missing.push('category')
  return missing
}

/** What the server takes for an accuracy: none beyond a kilometre, and none of a point that was set by hand. */
const accuracyOf = (draft: Draft): number | null =>
  draft.placed === 'device' && draft.accuracy_m !== null && draft.accuracy_m <= MOST_M ? draft.accuracy_m : null

function positionOf(draft: Draft): ReportIn['position'] {
  const place = placeOf(draft)
  if (!place) throw new Error('a draft without a place')
  return { lon: lonOf(place), lat: latOf(place), datum: 'wgs84', accuracy_m: accuracyOf(draft) }
}

/** The report as it goes over the wire. */
export function reportOf(draft: Draft, category: Category): ReportIn {
  return {
    id: draft.id,
    category: category.key,
    description: draft.description.trim(),
    source: 'patrol',
    position: positionOf(draft),
    observed_at: draft.opened_at,
    photos: inOrder(draft.photos).map((one) => one.sha256),
    recordings: draft.recordings.map((one) => one.sha256),
    self_handled: draft.self_handled && category.minor,
  }
}

/** The same draft as something seen again of a case that is there. */
export function sightingOf(draft: Draft): SightingIn {
  return {
    id: draft.id,
    position: positionOf(draft),
    observed_at: draft.opened_at,
    words: draft.description.trim().slice(0, 500),
    photos: inOrder(draft.photos).map((one) => one.sha256).slice(0, 9),
    recordings: draft.recordings.map((one) => one.sha256),
  }
}

/** A phrase put to what is written: once, after a comma; tapped again, it is taken away. */
export function togglePhrase(description: string, phrase: string): string {
  const parts = description.split(/[，,]\s*/).filter((part) => part.trim() !== '')
  const at = parts.indexOf(phrase)
  if (at >= 0) parts.splice(at, 1)
  else parts.push(phrase)
  return parts.join('，')
}

export const hasPhrase = (description: string, phrase: string): boolean =>
  description.split(/[，,]\s*/).includes(phrase)
