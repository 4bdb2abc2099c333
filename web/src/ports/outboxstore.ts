// The outbox's storage: entries in their order, photo bytes by SHA-256, every write one transaction, so that a
// page that dies in the middle leaves either the whole or nothing.

import Dexie, { liveQuery } from 'dexie'
import type { Entry, OutboxStore, PhotoBody } from '../core/outbox.ts'
import { StorageFull } from '../core/outbox.ts'
import type { FieldDb } from './fielddb.ts'
import { bring } from './olddb.ts'

/** Room that is left alone: the browser itself and the other tables need some. */
const SPARE_BYTES = 8 * 2 ** 20

export interface RoomTold {
  used_bytes: number | null
  quota_bytes: number | null
}

/** `room` tells how much there is; `owner` is whose the entries of the old database are, if that is known. */
export function dexieOutboxStore(
  db: FieldDb,
  room: () => Promise<RoomTold>,
  owner: () => string | null = () => null,
): OutboxStore {
  let brought: Promise<void> | null = null
  const ready = async (): Promise<FieldDb> => {
    brought ??= bring(db, owner()).catch((fault: unknown) => {
      brought = null
      throw fault
    })
    await brought
    return db
  }

  /** Deletes photos that no unsent entry needs, of these or, without any given, of all. */
  async function free(given: readonly string[] | null): Promise<void> {
    const unsent = await db.entries.filter((entry) => entry.state !== 'sent').toArray()
    const needed = new Set(unsent.flatMap((entry) => entry.photos.map(({ sha256 }) => sha256)))
    const kept = given ?? ((await db.photos.toCollection().primaryKeys()) as string[])
    await db.photos.bulkDelete(kept.filter((sha256) => !needed.has(sha256)))
  }

  const write = <T>(work: () => Promise<T>): Promise<T> => db.transaction('rw', db.entries, db.photos, work)

  async function requireRoom(bytes: number): Promise<void> {
    const { used_bytes, quota_bytes } = await room()
    if (used_bytes === null || quota_bytes === null || used_bytes + bytes + SPARE_BYTES <= quota_bytes) return
    await write(() => free(null))
    const after = await room()
    if ((after.used_bytes ?? 0) + bytes + SPARE_BYTES > (after.quota_bytes ?? 0)) throw new StorageFull()
  }

  async function add(entry: Omit<Entry, 'seq'>, bodies: ReadonlyMap<string, PhotoBody>): Promise<void> {
    await ready()
    await requireRoom([...bodies.values()].reduce((sum, body) => sum + body.size, 0))
    await write(async () => {
      const known = await db.entries.get({ id: entry.id })
      if (known && known.state !== 'refused' && known.state !== 'conflict') return
      await db.photos.bulkPut([...bodies].map(([sha256, body]) => ({ sha256, body })))
      await db.entries.put((known ? { ...entry, seq: known.seq } : entry) as Entry)
      if (known) await free(known.photos.map(({ sha256 }) => sha256))
    }).catch((fault: unknown) => {
      throw isFull(fault) ? new StorageFull() : fault
    })
  }

  return {
    add,
    all: async (person_id) => (await ready()).entries.where({ person_id }).sortBy('seq'),
    others: async (person_id) =>
      (await ready()).entries.filter((entry) => entry.person_id !== person_id && entry.state !== 'sent').count(),
    get: async (id) => (await ready()).entries.get({ id }),
    photo: async (sha256) => (await (await ready()).photos.get(sha256))?.body,
    put: async (entry) => {
      await ready()
      await write(async () => {
        const stored = await db.entries.get(entry.seq)
        if (stored?.id === entry.id && stored.state !== 'sent') await db.entries.put(entry)
      })
    },
    complete: async (entry, followers) => {
      await ready()
      await write(async () => {
        if ((await db.entries.get(entry.seq))?.id !== entry.id) return
        await db.entries.bulkPut([entry, ...followers])
        await free(entry.photos.map(({ sha256 }) => sha256))
      })
    },
    remove: async (ids) => {
      await ready()
      await write(async () => {
        const gone = await db.entries.where('id').anyOf(ids).toArray()
        await db.entries.bulkDelete(gone.map(({ seq }) => seq))
        await free(gone.flatMap((entry) => entry.photos.map(({ sha256 }) => sha256)))
      })
    },
    adopt: async (person_id) => {
      await ready()
      await write(async () => {
        // Null is no key of an index, so the table is gone through; only an old page's entries have none.
        for (const entry of await db.entries.filter((one) => one.person_id === null).toArray()) {
          await db.entries.put({ ...entry, person_id })
        }
      })
    },
    sweep: async () => {
      await ready()
      await write(() => free(null))
    },
  }
}

/** Calls back when any tab of this page changed an entry; returns the way out. */
export function onEntriesChanged(db: FieldDb, listener: () => void): () => void {
  const watching = liveQuery(() => db.entries.toArray()).subscribe({ next: listener, error: () => undefined })
  return () => watching.unsubscribe()
}

function isFull(fault: unknown): boolean {
  const name = (one: unknown): string => (one instanceof Error || one instanceof DOMException ? one.name : '')
  const inner = fault instanceof Dexie.DexieError ? (fault as { inner?: unknown }).inner : null
  return [fault, inner].some((one) => name(one) === 'QuotaExceededError')
}
