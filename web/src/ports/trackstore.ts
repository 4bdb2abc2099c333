// The patrol's storage in IndexedDB: what waits in the order it happened, and the shift that is open.

import type { Item, Shift, TrackStore } from '../core/track.ts'

const NAME = 'gridmgmt_patrol'
const ITEMS = 'items'
const SHIFT = 'shift'

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ITEMS, { keyPath: 'seq' })
      request.result.createObjectStore(SHIFT)
    }
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close()
      resolve(request.result)
    }
    request.onerror = () => reject(request.error)
  })
}

const valueOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/** Opens the database on first use. */
export function indexedDbTrackStore(): TrackStore {
  let opened: Promise<IDBDatabase> | null = null
  const database = (): Promise<IDBDatabase> => {
    opened ??= open().catch((fault: unknown) => {
      opened = null
      throw fault
    })
    return opened
  }
  const write = async (store: string, work: (into: IDBObjectStore) => void): Promise<void> => {
    const run = (await database()).transaction(store, 'readwrite')
    work(run.objectStore(store))
    await new Promise<void>((resolve, reject) => {
      run.oncomplete = () => resolve()
      run.onabort = () => reject(run.error)
    })
  }
  return {
    // Keys are numbers, so that all comes in their order.
    all: async () => valueOf<Item[]>((await database()).transaction(ITEMS).objectStore(ITEMS).getAll()),
    put: (items) => write(ITEMS, (into) => items.forEach((item) => into.put(item))),
    remove: (seqs) => write(ITEMS, (into) => seqs.forEach((seq) => into.delete(seq))),
    shift: async () => (await valueOf<Shift | undefined>((await database()).transaction(SHIFT).objectStore(SHIFT).get('open'))) ?? null,
    keepShift: (shift) => write(SHIFT, (into) => void into.put(shift, 'open')),
  }
}
