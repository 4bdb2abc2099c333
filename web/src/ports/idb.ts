// The outbox's storage in IndexedDB: entries by id, photo bytes by SHA-256, in one database.
//
// Blobs are kept as blobs, not as base64. Every write is one transaction, so a page that dies in the
// middle leaves either the whole report or nothing.

import type { Entry, OutboxStore, PhotoBody } from '../core/outbox.ts'

const NAME = 'gridmgmt'
const VERSION = 1
const ENTRIES = 'outbox_entries'
const PHOTOS = 'outbox_photos'

interface StoredPhotoRow {
  sha256: string
  body: PhotoBody
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ENTRIES, { keyPath: 'id' })
      request.result.createObjectStore(PHOTOS, { keyPath: 'sha256' })
    }
    request.onsuccess = () => {
      // Another tab wants a newer version: let it, this one opens again when it needs to.
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

const finished = (work: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    work.oncomplete = () => resolve()
    work.onabort = () => reject(work.error)
    work.onerror = () => reject(work.error)
  })

/** Opens the database on first use. */
export function indexedDbStore(): OutboxStore {
  let opened: Promise<IDBDatabase> | null = null
  const database = (): Promise<IDBDatabase> => {
    opened ??= open().catch((fault: unknown) => {
      opened = null
      throw fault
    })
    return opened
  }
  const reading = async (store: string): Promise<IDBObjectStore> =>
    (await database()).transaction(store).objectStore(store)
  const writing = async (): Promise<IDBTransaction> =>
    // "strict" waits for the disk: a phone may be switched off right after the tap.
    (await database()).transaction([ENTRIES, PHOTOS], 'readwrite', { durability: 'strict' })

  return {
    all: async () => valueOf<Entry[]>((await reading(ENTRIES)).getAll()),
    get: async (id) => valueOf<Entry | undefined>((await reading(ENTRIES)).get(id)),
    photo: async (sha256) =>
      (await valueOf<StoredPhotoRow | undefined>((await reading(PHOTOS)).get(sha256)))?.body,
    async add(entry, bodies) {
      const work = await writing()
      for (const [sha256, body] of bodies) work.objectStore(PHOTOS).put({ sha256, body })
      work.objectStore(ENTRIES).put(entry)
      await finished(work)
    },
    async put(entry) {
      const work = await writing()
      work.objectStore(ENTRIES).put(entry)
      await finished(work)
    },
    async remove(id) {
      const work = await writing()
      const entry = await valueOf<Entry | undefined>(work.objectStore(ENTRIES).get(id))
      work.objectStore(ENTRIES).delete(id)
      if (entry) await dropPhotos(work, entry)
      await finished(work)
    },
    async releasePhotos(entry) {
      const work = await writing()
      await dropPhotos(work, entry)
      await finished(work)
    },
  }
}

/** Deletes the photos of an entry that no other unsent entry still needs. */
async function dropPhotos(work: IDBTransaction, entry: Entry): Promise<void> {
  const entries = await valueOf<Entry[]>(work.objectStore(ENTRIES).getAll())
  const needed = new Set(
    entries
      .filter((other) => other.id !== entry.id && other.state !== 'sent')
      .flatMap((other) => other.photos.map((photo) => photo.sha256)),
  )
  for (const { sha256 } of entry.photos) if (!needed.has(sha256)) work.objectStore(PHOTOS).delete(sha256)
}
