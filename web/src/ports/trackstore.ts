// The patrol's storage: what waits in the order it happened, each person's shift, and the way of that shift for
// its worker's own eyes. A phone has several people and a page several tabs: shift and way are kept by person,
// and numbers are given by the database.
//
// A position is written twice in one transaction: once to be sent, which goes when the server has it, and
// once for the picture of the shift, which goes when the next shift begins or a day after the end.

import Dexie from 'dexie'
import type { Table } from 'dexie'
import type { TrackPoint } from '../api/types.ts'
import type { Item, NewItem, Shift, TrackStore } from '../core/track.ts'

interface WayPoint extends TrackPoint {
  person_id: string
}

class WalkDatabase extends Dexie {
  readonly records!: Table<Item | NewItem, number>
  readonly shifts!: Table<Shift, string>
  readonly ways!: Table<WayPoint, [string, number]>

  constructor(name: string) {
    super(name)
    // One shift for the whole phone, and numbers that each tab counted for itself.
    this.version(1).stores({ items: 'seq', shift: '', trace: 'no' })
    this.version(2)
      .stores({ items: null, shift: null, trace: null, records: '++seq', shifts: 'person_id', ways: '[person_id+no], person_id' })
      .upgrade(async (old) => {
        await old.table('records').bulkAdd(await old.table('items').toArray())
        const shift = (await old.table('shift').get('open')) as Shift | undefined
        if (!shift) return
        await old.table('shifts').add(shift)
        const points = (await old.table('trace').toArray()) as TrackPoint[]
        await old.table('ways').bulkAdd(points.map((point) => ({ ...point, person_id: shift.person_id })))
      })
  }
}

/** Opens the database on first use. */
export function trackStore(name = 'gridmgmt_walk'): TrackStore {
  const db = new WalkDatabase(name)

  async function way(person_id: string): Promise<TrackPoint[]> {
    const rows = await db.ways.where('person_id').equals(person_id).sortBy('no')
    return rows.map(({ person_id: _, ...point }) => point)
  }

  return {
    // Keys are numbers, so that all comes in their order.
    all: async () => (await db.records.toArray()) as Item[],
    add: (item) =>
      db.transaction('rw', db.records, db.shifts, db.ways, async () => {
        const { person_id, id } = item.shift
        if (item.kind !== 'point') {
          if (item.kind === 'sign_on') await db.ways.where('person_id').equals(person_id).delete()
          if (item.kind !== 'note') await db.shifts.put(item.shift)
          await db.records.add(item)
          return true
        }
        const open = await db.shifts.get(person_id)
        if (open?.id !== id || open.off_at !== null) return false
        const last = await db.ways.where('[person_id+no]').between([person_id, Dexie.minKey], [person_id, Dexie.maxKey]).last()
        const no = (last?.no ?? 0) + 1
        const point = { no, ...item.point }
        await db.records.add({ ...item, point })
        await db.ways.add({ ...point, person_id })
        return true
      }),
    refuse: async (seqs, problem) => void (await db.records.where('seq').anyOf([...seqs]).modify({ problem })),
    remove: (seqs) => db.records.bulkDelete([...seqs]),
    shift: async (person_id) => (await db.shifts.get(person_id)) ?? null,
    trace: way,
    forgetTrace: async (person_id) => void (await db.ways.where('person_id').equals(person_id).delete()),
  }
}
