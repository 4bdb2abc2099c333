// The patrol's storage: what waits in the order it happened, the shift that is open, and the way of that
// shift for its worker's own eyes.
//
// A position is written twice in one transaction: once to be sent, which goes when the server has it, and
// once for the picture of the shift, which goes when the next shift begins or a day after the end.

import Dexie from 'dexie'
import type { Table } from 'dexie'
import type { TrackPoint } from '../api/types.ts'
import type { Item, Shift, TrackStore } from '../core/track.ts'

const OPEN = 'open'

class WalkDatabase extends Dexie {
  readonly items!: Table<Item, number>
  readonly shift!: Table<Shift, string>
  readonly trace!: Table<TrackPoint, number>

  constructor() {
    super('gridmgmt_walk')
    this.version(1).stores({ items: 'seq', shift: '', trace: 'no' })
  }
}

/** Opens the database on first use. */
export function trackStore(): TrackStore {
  const db = new WalkDatabase()
  return {
    // Keys are numbers, so that all comes in their order.
    all: () => db.items.toArray(),
    put: (items) =>
      db.transaction('rw', db.items, db.trace, async () => {
        await db.items.bulkPut([...items])
        await db.trace.bulkPut(items.flatMap((item) => (item.kind === 'point' ? [item.point] : [])))
      }),
    remove: (seqs) => db.items.bulkDelete([...seqs]),
    shift: async () => (await db.shift.get(OPEN)) ?? null,
    keepShift: async (shift) => {
      if (shift) await db.shift.put(shift, OPEN)
      else await db.shift.delete(OPEN)
    },
    trace: () => db.trace.toArray(),
    forgetTrace: () => db.trace.clear(),
  }
}
