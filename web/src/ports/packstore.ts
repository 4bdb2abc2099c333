// What the map keeps on the phone: packs of grids, and what was last seen by whom, for a day without a network.
//
// Bookkeeping and bodies lie in two tables, so that a list of packs does not read their megabytes. What was
// seen (tasks near, the plan of the day) is kept by person and given to that person only.

import Dexie from 'dexie'
import type { Table } from 'dexie'
import type { Kept, PackStore } from '../core/packs.ts'

interface Body {
  cell_code: string
  body: ArrayBuffer
}

interface Unwanted {
  person_id: string
  cells: string[]
}

export interface Seen<T> {
  person_id: string
  what: string
  at: string
  value: T
}

class MapDatabase extends Dexie {
  readonly packs!: Table<Kept, string>
  readonly bodies!: Table<Body, string>
  readonly unwanted!: Table<Unwanted, string>
  readonly seen!: Table<Seen<unknown>, [string, string]>

  constructor() {
    super('gridmgmt_map')
    this.version(1).stores({ packs: 'cell_code', bodies: 'cell_code', unwanted: 'person_id', seen: '[person_id+what]' })
  }
}

const db = new MapDatabase()

export const packStore: PackStore = {
  all: () => db.packs.toArray(),
  put: (kept, body) =>
    db.transaction('rw', db.packs, db.bodies, async () => {
      await db.packs.put(kept)
      if (body) await db.bodies.put({ cell_code: kept.cell_code, body })
    }),
  body: async (cell_code) => (await db.bodies.get(cell_code))?.body,
  remove: (cell_code) =>
    db.transaction('rw', db.packs, db.bodies, async () => {
      await db.packs.delete(cell_code)
      await db.bodies.delete(cell_code)
    }),
  unwanted: async (person_id) => (await db.unwanted.get(person_id))?.cells ?? [],
  setUnwanted: async (person_id, cells) => void (await db.unwanted.put({ person_id, cells })),
}

/** What a person last saw of something; null when it was never seen, or storage is closed. */
export async function lastSeen<T>(person_id: string, what: string): Promise<Seen<T> | null> {
  return ((await db.seen.get([person_id, what]).catch(() => undefined)) as Seen<T> | undefined) ?? null
}

/** What a person saw, also in the posts that he acted in (`person@post`), is forgotten. */
export async function forgetSeen(person_id: string): Promise<void> {
  await db.seen.filter((one) => one.person_id === person_id || one.person_id.startsWith(`${person_id}@`)).delete().catch(() => undefined)
}

/** Remembers it; a full phone costs the memory only. */
export async function remember(person_id: string, what: string, value: unknown): Promise<void> {
  await db.seen.put({ person_id, what, at: new Date().toISOString(), value }).catch(() => undefined)
}
