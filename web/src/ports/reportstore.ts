// What reporting keeps on the phone beside the outbox: drafts with their photos, which classes somebody uses,
// and the cases that the phone has heard of. By Dexie, in a database of its own.
//
// A draft and the bytes that it needs are written in one transaction; bytes that no draft names any more go
// with the draft. Nothing here expires.

import Dexie from 'dexie'
import type { Table } from 'dexie'
import type { Draft } from '../core/report/draft.ts'
import type { KnownCase, Use } from '../core/report/suggest.ts'

export interface Body {
  sha256: string
  body: Blob
  /** A small picture for lists, so that a dozen photos of the camera need not be decoded. */
  small: Blob | null
}

interface UseRow extends Use {
  id?: number
  owner: string
}

interface KnownRow extends KnownCase {
  owner: string
}

const MOST_USES = 200

class ReportDatabase extends Dexie {
  drafts!: Table<Draft, string>
  bodies!: Table<Body, string>
  uses!: Table<UseRow, number>
  known!: Table<KnownRow, [string, string]>

  constructor(name: string) {
    super(name, { chromeTransactionDurability: 'strict' })
    this.version(1).stores({ drafts: 'id, owner', bodies: 'sha256', uses: '++id, owner', known: '[owner+id], owner' })
  }
}

export interface ReportStore {
  drafts(owner: string): Promise<Draft[]>
  draft(id: string): Promise<Draft | undefined>
  /** With bytes that it names from now on, in one transaction. */
  save(draft: Draft, bodies?: readonly Body[]): Promise<void>
  body(sha256: string): Promise<Blob | undefined>
  small(sha256: string): Promise<Blob | undefined>
  /** With the bytes that no other draft needs. */
  remove(id: string): Promise<void>
  uses(owner: string): Promise<Use[]>
  use(owner: string, use: Use): Promise<void>
  known(owner: string): Promise<KnownCase[]>
  know(owner: string, cases: readonly KnownCase[]): Promise<void>
  /** The cases that he heard of, also in posts that he acted in (`person@post`), and his habits. Drafts stay. */
  forget(owner: string): Promise<void>
  close(): void
}

/** Opens on first use. */
export function reportStore(name = 'gridmgmt_report'): ReportStore {
  const db = new ReportDatabase(name)
  return {
    drafts: async (owner) => (await db.drafts.where('owner').equals(owner).toArray()).sort((a, b) => b.saved_at_ms - a.saved_at_ms),
    draft: (id) => db.drafts.get(id),
    save: (draft, bodies = []) =>
      db.transaction('rw', db.drafts, db.bodies, async () => {
        await db.bodies.bulkPut([...bodies])
        await db.drafts.put(draft)
      }),
    body: async (sha256) => (await db.bodies.get(sha256))?.body,
    async small(sha256) {
      const row = await db.bodies.get(sha256)
      return row?.small ?? row?.body
    },
    remove: (id) =>
      db.transaction('rw', db.drafts, db.bodies, async () => {
        await db.drafts.delete(id)
        const needed = new Set((await db.drafts.toArray()).flatMap((draft) => [...draft.photos, ...draft.recordings].map((one) => one.sha256)))
        const kept = await db.bodies.toCollection().primaryKeys()
        await db.bodies.bulkDelete(kept.filter((sha256) => !needed.has(sha256)))
      }),
    uses: (owner) => db.uses.where('owner').equals(owner).toArray(),
    use: (owner, use) =>
      db.transaction('rw', db.uses, async () => {
        await db.uses.add({ ...use, owner })
        const all = await db.uses.where('owner').equals(owner).primaryKeys()
        await db.uses.bulkDelete(all.slice(0, -MOST_USES))
      }),
    known: (owner) => db.known.where('owner').equals(owner).toArray(),
    know: (owner, cases) =>
      db.transaction('rw', db.known, async () => {
        await db.known.where('owner').equals(owner).delete()
        await db.known.bulkPut(cases.map((one) => ({ ...one, owner })))
      }),
    forget: (owner) =>
      db.transaction('rw', db.uses, db.known, async () => {
        for (const table of [db.uses, db.known]) {
          await table.where('owner').equals(owner).or('owner').startsWith(`${owner}@`).delete()
        }
      }),
    close: () => db.close(),
  }
}
