// What reporting knows on this phone: drafts, the classes its owner uses, the cases it has heard of.

import { computed, shallowRef, watch } from 'vue'
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
import { may, personOf, session, whose } from '../../ui/session.ts'
import { entries, outbox, store as outboxStore } from '../outbox/sending.ts'

const KNOWN_AGAIN_MS = 60_000
const MOST_KNOWN = 200

export const store = reportStore()
const all = shallowRef<readonly Draft[]>([])
export const uses = shallowRef<readonly Use[]>([])
export const known = shallowRef<readonly KnownCase[]>([])
let known_at_ms = 0
/** Whether the server told of the cases; what was stored before is older then. */
let told = false

export const owner = (): string => session.me?.id ?? ''

// Nothing of one person is at hand for the next, not even for a moment; drafts and habits are also his in a post.
watch(
  whose,
  (now, before) => {
    known.value = []
    known_at_ms = 0
    told = false
    if (personOf(now) !== personOf(before)) all.value = uses.value = []
  },
  { flush: 'sync' },
)

/** A report that the outbox has is no draft any more, unless it was refused and is being mended. */
const isHandedOver = (id: string): boolean => entries.value.some((one) => one.id === id && one.state !== 'refused')
export const drafts = computed(() => all.value.filter((draft) => !isHandedOver(draft.id)))

/** Reads what the phone has of whoever is signed in. */
export async function readReporting(): Promise<void> {
  const [of, mine] = [whose(), owner()]
  await dropHandedOver(mine).catch(() => undefined)
  const found = await Promise.all([store.drafts(mine), store.uses(mine), store.known(of)])
  // Somebody else may have come meanwhile, and reads his own.
  if (of !== whose()) return
  ;[all.value, uses.value] = found
  if (!told) known.value = found[2]
  void readKnown()
}

/**
 * Drafts that the outbox has: the app died between storing the report and forgetting its draft. They go while the
 * outbox still knows their ids, for a draft that outlived its entry would be sent a second time.
 */
async function dropHandedOver(mine: string): Promise<void> {
  for (const draft of await store.drafts(mine)) {
    const entry = await outboxStore.get(draft.id)
    if (entry && entry.state !== 'refused') await settle(draft)
  }
}

/** The outbox has this draft's report: the draft goes, and the refused one in whose place it was sent. */
export async function settle(draft: Draft): Promise<void> {
  // While the refused one cannot be removed, the draft is what tells that it was mended.
  if (draft.mends && !(await outbox.remove(draft.mends)) && (await outboxStore.get(draft.mends))) return
  await dropDraft(draft.id)
}

/** Renews the cases that the phone knows of, when there is a network. */
export async function readKnown(): Promise<void> {
  const of = whose()
  if (!may('case:read') || !navigator.onLine || Math.abs(Date.now() - known_at_ms) < KNOWN_AGAIN_MS) return
  known_at_ms = Date.now()
  try {
    const { items } = await call<CasePage>(`/cases${query({ open_only: true, limit: MOST_KNOWN })}`)
    // One person's cases are neither shown to the next nor kept as his.
    if (of !== whose()) return
    told = true
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

async function readDrafts(): Promise<void> {
  const mine = owner()
  const found = await store.drafts(mine)
  if (mine === owner()) all.value = found
}

/** Stores it as it is now, unless its report is in the outbox already: then there is no draft of it. */
export async function keepDraft(draft: Draft, bodies: readonly Body[] = []): Promise<void> {
  if (isHandedOver(draft.id)) return
  draft.saved_at_ms = Date.now()
  // A copy without the reactive wrapping, which cannot be stored.
  await store.save(JSON.parse(JSON.stringify(draft)) as Draft, bodies)
  await readDrafts()
}

export async function dropDraft(id: string): Promise<void> {
  await store.remove(id)
  await readDrafts()
}

export async function noteUse(use: Use): Promise<void> {
  const mine = owner()
  await store.use(mine, use)
  const found = await store.uses(mine)
  if (mine === owner()) uses.value = found
}

export interface Refused {
  name: string
  why: PhotoFault | 'storage' | 'too_many'
}

/** As many as the server takes with one report. */
export const MOST_PHOTOS = 9

/** Puts files to a draft as photos, each kept on the phone before the next is read; what could not be kept. */
export async function addPhotos(draft: Draft, files: readonly File[], role: PhotoRole): Promise<Refused[]> {
  const refused: Refused[] = []
  for (const file of files) {
    if (draft.photos.length >= MOST_PHOTOS) {
      refused.push({ name: file.name, why: 'too_many' })
      continue
    }
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
