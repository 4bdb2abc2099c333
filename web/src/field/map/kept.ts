// The packs of whoever uses this phone: brought up to date when there is a network, and the tiles in them.

import { reactive, readonly, watch } from 'vue'
import { Packs, unpack } from '../../core/packs.ts'
import type { Kept, Offer, PackHeader, Row, Taken, Unpacked } from '../../core/packs.ts'
import { API, call, fetchBytes } from '../../ports/http.ts'
import { packStore } from '../../ports/packstore.ts'
import { ensure, session } from '../../ui/session.ts'

const decode = (bytes: ArrayBuffer): string => new TextDecoder().decode(bytes)

const packs = new Packs({
  store: packStore,
  transport: {
    offers: async () => (await call<{ items: Offer[] }>('/packs')).items,
    take: async (cell_code, etag): Promise<Taken> => {
      const got = await fetchBytes(`/packs/${cell_code}`, etag)
      return got ? { kind: 'new', ...got } : { kind: 'same' }
    },
  },
  now: () => Date.now(),
  room: async () => {
    const told = await navigator.storage?.estimate?.().catch(() => null)
    return told?.quota === undefined ? null : told.quota - (told.usage ?? 0)
  },
  decode,
})

const current = reactive<{ rows: Row[] | null; kept: Kept[]; busy: boolean; failed: boolean }>({
  rows: null, kept: [], busy: false, failed: false,
})
export const keeping = readonly(current) as Readonly<typeof current>

const me = (): string => session.me?.id ?? ''
/** Opened packs by cell, until another version of one is kept. */
const opened = new Map<string, { etag: string; pack: Unpacked }>()

async function announce(): Promise<void> {
  const person = me()
  const kept = person ? await packs.of(person).catch(() => []) : []
  if (person === me()) current.kept = kept
}

async function open(kept: Kept): Promise<Unpacked | null> {
  const known = opened.get(kept.cell_code)
  if (known?.etag === kept.etag) return known.pack
  const body = await packStore.body(kept.cell_code).catch(() => undefined)
  if (!body) return null
  const pack = unpack(body, decode)
  opened.set(kept.cell_code, { etag: kept.etag, pack })
  return pack
}

/** A tile of one of the person's own packs; undefined when none holds it. */
export async function keptTile(layer: string, z: number, x: number, y: number): Promise<ArrayBuffer | undefined> {
  if (!started) await startKeeping()
  for (const kept of current.kept) {
    const found = (await open(kept))?.tile(layer, z, x, y)
    if (found) return found
  }
  return undefined
}

/** Outline, hexagons and checkpoints of the person's own grids, as far as they are kept. */
export async function keptHeaders(): Promise<PackHeader[]> {
  if (!started) await startKeeping()
  const found = await Promise.all(current.kept.map(open))
  return found.flatMap((pack) => (pack ? [pack.header] : []))
}

/** Asks the server what is new; without a network what is kept stays. */
export async function refreshPacks(): Promise<void> {
  if (!me()) return
  current.busy = true
  try {
    await ensure()
    const person = me()
    const rows = await packs.refresh(person)
    if (person !== me()) return
    current.rows = rows
    current.failed = false
  } catch {
    current.failed = true
  } finally {
    current.busy = false
    await announce()
  }
}

export async function dropPack(cell_code: string): Promise<void> {
  await packs.drop(me(), cell_code)
  opened.delete(cell_code)
  await refreshPacks()
}

export async function wantPack(cell_code: string): Promise<void> {
  await packs.want(me(), cell_code)
  await refreshPacks()
}

let started = false

/** Once a page: follows the person, and the network when it comes back. */
export async function startKeeping(): Promise<void> {
  if (started) return
  started = true
  await announce()
  watch(
    () => session.me?.id,
    () => {
      current.rows = null
      // Nothing of one person is at hand for the next.
      opened.clear()
      void announce().then(refreshPacks)
    },
  )
  addEventListener('online', () => void refreshPacks())
  void refreshPacks()
}

export const tileAddress = (layer: string, z: string, x: string, y: string): string => `${API}/tiles/${layer}/${z}/${x}/${y}.mvt`
