// What reporting knows on this phone: drafts, the classes its owner uses, the cases it has heard of.

import { computed, shallowRef } from 'vue'
import type { CasePage } from '../../api/types.ts'
import { fromPoint } from '../../core/geo.ts'
import { newDraft } from '../../core/report/draft.ts'
import type { Draft, PhotoRole } from '../../core/report/draft.ts'
import type { KnownCase, Use } from '../../core/report/suggest.ts'
import { call, query } from '../../ports/http.ts'
import { newId } from '../../ports/ids.ts'
import { smallOf, takePhoto } from '../../ports/photos.ts'
import type { PhotoFault } from '../../ports/photos.ts'
import { reportStore } from '../../ports/reportstore.ts'
import type { Body } from '../../ports/reportstore.ts'
import { may, session, whose } from '../../ui/session.ts'
import { entries } from '../outbox/sending.ts'

const KNOWN_AGAIN_MS = 60_000
const MOST_KNOWN = 200

export const store = reportStore()
const all = shallowRef<readonly Draft[]>([])
export const uses = shallowRef<readonly Use[]>([])
export const known = shallowRef<readonly KnownCase[]>([])
let known_at_ms = 0
/** Of whom the above is. */
let read_of = ''

export const owner = (): string => session.me?.id ?? ''

/** Without those that were sent: the app may have died between storing the report and forgetting the draft. */
export const drafts = computed(() => {
  const gone = new Set(entries.value.filter((one) => one.state !== 'refused').map((one) => one.id))
  return all.value.filter((draft) => !gone.has(draft.id))
})

/** Reads what the phone has of whoever is signed in. */
export async function readReporting(): Promise<void> {
  const [of, mine] = [whose(), owner()]
  if (of !== read_of) {
    // Nothing of one person is shown to the next, not even for a moment.
    all.value = []
    uses.value = []
    known.value = []
    known_at_ms = 0
    read_of = of
  }
  const found = await Promise.all([store.drafts(mine), store.uses(mine), store.known(of)])
  if (of !== whose()) return
  ;[all.value, uses.value, known.value] = found
  void readKnown()
}

/** Renews the cases that the phone knows of, when there is a network. */
export async function readKnown(): Promise<void> {
  const of = whose()
  if (!may('case:read') || !navigator.onLine || Math.abs(Date.now() - known_at_ms) < KNOWN_AGAIN_MS) return
  known_at_ms = Date.now()
  try {
    const { items } = await call<CasePage>(`/cases${query({ open_only: true, limit: MOST_KNOWN })}`)
    if (of !== whose()) return
    known.value = items.map((one) => ({
      id: one.id,
      number: one.number,
      category: one.category.key,
      category_name: one.category.name,
      place: fromPoint(one.label_position),
      reported_at: one.reported_at,
      state: one.state,
    }))
    await store.know(of, known.value)
  } catch {
    // What was known before serves on.
  }
}

export const beginDraft = (): Draft => newDraft(newId(), owner(), Date.now())

export async function keepDraft(draft: Draft, bodies: readonly Body[] = []): Promise<void> {
  draft.saved_at_ms = Date.now()
  // A copy without the reactive wrapping, which cannot be stored.
  await store.save(JSON.parse(JSON.stringify(draft)) as Draft, bodies)
  all.value = await store.drafts(owner())
}

export async function dropDraft(id: string): Promise<void> {
  await store.remove(id)
  all.value = await store.drafts(owner())
}

export async function noteUse(use: Use): Promise<void> {
  await store.use(owner(), use)
  uses.value = await store.uses(owner())
}

export interface Refused {
  name: string
  why: PhotoFault | 'storage'
}

/** As many as the server takes with one report. */
export const MOST_PHOTOS = 9

/** Puts files to a draft as photos, each kept on the phone before the next is read; what could not be kept. */
export async function addPhotos(draft: Draft, files: readonly File[], role: PhotoRole): Promise<Refused[]> {
  const refused: Refused[] = []
  for (const file of files.slice(0, MOST_PHOTOS - draft.photos.length)) {
    try {
      const photo = await takePhoto(file)
      if (draft.photos.some((one) => one.sha256 === photo.sha256)) continue
      const { sha256, media_type, bytes, scaled = false } = photo
      draft.photos.push({ sha256, media_type, bytes, role, scaled })
      try {
        await keepDraft(draft, [{ sha256, body: photo.blob, small: await smallOf(photo.blob) }])
      } catch (fault) {
        draft.photos = draft.photos.filter((one) => one.sha256 !== sha256)
        throw fault
      }
    } catch (fault) {
      refused.push({ name: file.name, why: fault === 'photo_too_large' || fault === 'not_image' ? fault : 'storage' })
    }
  }
  return refused
}
