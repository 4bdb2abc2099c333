import 'fake-indexeddb/auto'
import Dexie from 'dexie'
import { afterEach, expect, test } from 'vitest'
import { FieldDb } from '../../src/ports/fielddb.ts'
import { dexieOutboxStore, onEntriesChanged } from '../../src/ports/outboxstore.ts'
import type { RoomTold } from '../../src/ports/outboxstore.ts'
import { StorageFull } from '../../src/core/outbox.ts'
import type { Entry, OutboxStore } from '../../src/core/outbox.ts'
import { ME, OTHER, ScriptedNetwork, makeAnswer, makeJob, makeMove, makeOutbox, makePhoto, makeReport } from '../core/builders.ts'

let names = 0
const opened: FieldDb[] = []

function makeStore(room: () => Promise<RoomTold> = async () => ({ used_bytes: null, quota_bytes: null }), owner: string | null = null) {
  const db = new FieldDb(`field_${(names += 1)}`)
  opened.push(db)
  return { db, store: dexieOutboxStore(db, room, () => owner) }
}

afterEach(async () => {
  for (const db of opened.splice(0)) await db.delete()
  await Dexie.delete('gridmgmt')
})

function makeEntry(over: Partial<Entry> = {}): Omit<Entry, 'seq'> {
  const [job] = makeJob({ id: over.id ?? makeReport().id })
  return {
    ...job, photos: [], person_id: ME, created_at: '2026-11-23T02:00:00Z', state: 'queued',
    attempts: 0, next_at_ms: 0, problem: null, standing: null, answer: null, ...over,
  }
}
const line = (n: number) => ({ ...makePhoto(n), sent_bytes: 0, upload_url: null, stored: false })
const body = (n: number) => new Map([[makePhoto(n).sha256, { size: n }]])
const states = async (store: OutboxStore, person = ME) => (await store.all(person)).map((entry) => [entry.id.slice(-1), entry.state])

test('entries come in the order of storing, and each person has his own', async () => {
  const { store } = makeStore()
  await store.add(makeEntry({ id: 'b' }), new Map())
  await store.add(makeEntry({ id: 'a' }), new Map())
  await store.add(makeEntry({ id: 'c', person_id: OTHER }), new Map())
  expect([['b', 'queued'], ['a', 'queued']]).toEqual(await states(store))
  expect([1, 2]).toEqual([await store.others(ME), await store.others(OTHER)])
})

test('storing the same id twice stores it once, and mends only what waits for it', async () => {
  const { store } = makeStore()
  await Promise.all([1, 2].map(() => store.add(makeEntry({ id: 'a' }), new Map())))
  const [entry] = await store.all(ME)
  expect([1, 1]).toEqual([(await store.all(ME)).length, entry?.seq])
  await store.put({ ...(entry as Entry), state: 'refused' })
  await store.add(makeEntry({ id: 'b' }), new Map())
  await store.add(makeEntry({ id: 'a', title: '改过' }), new Map())
  expect([['a', 1, '改过'], ['b', 2, '占道经营']]).toEqual((await store.all(ME)).map((one) => [one.id, one.seq, one.title]))
})

test('a report is never half stored: what fails within leaves nothing', async () => {
  const { db, store } = makeStore()
  // A body that cannot be stored fails in the middle of the transaction.
  const broken = new Map([[makePhoto(1).sha256, { size: 1, broken: () => 1 }]])
  await expect(store.add(makeEntry({ id: 'a', photos: [line(1)] }), broken)).rejects.toThrow()
  expect([0, 0]).toEqual([await db.entries.count(), await db.photos.count()])
})

test('without room nothing is stored, and what nobody needs is freed first', async () => {
  const told = { used_bytes: 100e6, quota_bytes: 100e6 }
  const { db, store } = makeStore(async () => ((await db.photos.count()) ? told : { ...told, used_bytes: 10e6 }))
  await db.photos.put({ sha256: 'left over', body: { size: 9 } })
  await store.add(makeEntry({ id: 'a', photos: [line(1)] }), body(1))
  expect([makePhoto(1).sha256]).toEqual(await db.photos.toCollection().primaryKeys())
  await expect(store.add(makeEntry({ id: 'b', photos: [line(2)] }), body(2))).rejects.toThrow(StorageFull)
  expect([['a', 'queued']]).toEqual(await states(store))
})

test('a browser that says so in the middle of writing is believed', async () => {
  const { db, store } = makeStore()
  db.photos.hook('creating', () => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  await expect(store.add(makeEntry({ id: 'a', photos: [line(1)] }), body(1))).rejects.toThrow(StorageFull)
  expect(0).toBe(await db.entries.count())
})

test('a sent entry stays sent, whatever a late tab writes', async () => {
  const { store } = makeStore()
  await store.add(makeEntry({ id: 'a' }), new Map())
  const entry = (await store.get('a')) as Entry
  await store.complete({ ...entry, state: 'sent' }, [])
  await store.put({ ...entry, state: 'queued' })
  expect([['a', 'sent']]).toEqual(await states(store))
})

test('with an entry go its photos, but for those that another one needs', async () => {
  const { db, store } = makeStore()
  await store.add(makeEntry({ id: 'a', photos: [line(1), line(2)] }), new Map([...body(1), ...body(2)]))
  await store.add(makeEntry({ id: 'b', photos: [line(2)] }), body(2))
  const entry = (await store.get('a')) as Entry
  await store.complete({ ...entry, state: 'sent' }, [])
  expect([makePhoto(2).sha256]).toEqual(await db.photos.toCollection().primaryKeys())
  await store.remove(['b'])
  expect(0).toBe(await db.photos.count())
})

test('an entry that was removed does not come back by a late write', async () => {
  const { store } = makeStore()
  await store.add(makeEntry({ id: 'a' }), new Map())
  const entry = (await store.get('a')) as Entry
  await store.remove(['a'])
  await store.put(entry)
  await store.complete({ ...entry, state: 'sent' }, [])
  expect([]).toEqual(await states(store))
})

test('another tab hears of every change', async () => {
  const { db, store } = makeStore()
  let heard = 0
  const stop = onEntriesChanged(db, () => (heard += 1))
  await store.add(makeEntry({ id: 'a' }), new Map())
  await expect.poll(() => heard).toBeGreaterThan(1)
  stop()
})

test('a whole round on the real store: a chain, a photo, a conflict', async () => {
  const { store } = makeStore()
  const network = new ScriptedNetwork('done', 'done', 'refused')
  const { outbox, ready } = makeOutbox(network, { store })
  await ready
  await outbox.add(makeMove(1, 'sign_for', 3))
  await outbox.add(makeMove(2, 'submit_result', 3))
  await outbox.add(...makeJob())
  await outbox.flush(true)
  expect([3, 4]).toEqual(network.bodies.slice(0, 2).map((one) => one['version']))
  expect(['sent', 'sent', 'refused']).toEqual((await store.all(ME)).map((entry) => entry.state))
})

/** What the page before this one left: its own database, written as it wrote it. */
async function leaveOldDatabase(rows: object[], photos: object[]): Promise<void> {
  const request = indexedDB.open('gridmgmt', 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore('outbox_entries', { keyPath: 'id' })
    request.result.createObjectStore('outbox_photos', { keyPath: 'sha256' })
  }
  const db = await new Promise<IDBDatabase>((resolve) => (request.onsuccess = () => resolve(request.result)))
  const work = db.transaction(['outbox_entries', 'outbox_photos'], 'readwrite')
  for (const row of rows) work.objectStore('outbox_entries').put(row)
  for (const row of photos) work.objectStore('outbox_photos').put(row)
  await new Promise<void>((resolve) => (work.oncomplete = () => resolve()))
  db.close()
}

const oldEntry = (id: string, state: string, photos: object[] = []) => ({
  id, state, photos, created_at: '2026-11-22T02:00:00Z', title: '占道经营', report: makeReport({ id }),
  attempts: 2, next_at_ms: 5, problem: null, answer: state === 'sent' ? makeAnswer(id) : null,
})

test('what an older page left on the phone is brought over with its photos and its owner', async () => {
  await leaveOldDatabase(
    [oldEntry('1', 'sending', [makePhoto(1)]), oldEntry('2', 'refused'), oldEntry('3', 'sent')],
    [{ sha256: makePhoto(1).sha256, body: { size: 3 } }],
  )
  const { store } = makeStore(undefined, ME)
  expect([['1', 'queued'], ['2', 'refused'], ['3', 'sent']]).toEqual(await states(store))
  const [first] = await store.all(ME)
  expect(['/reports', '1', 3]).toEqual([first?.path, first?.body['id'], (await store.photo(makePhoto(1).sha256))?.size])
  expect(false).toBe(await Dexie.exists('gridmgmt'))
})

test('a page that died while bringing it over does so again, and doubles nothing', async () => {
  await leaveOldDatabase([oldEntry('1', 'queued')], [])
  const { db, store } = makeStore(undefined, ME)
  expect([['1', 'queued']]).toEqual(await states(store))
  await leaveOldDatabase([oldEntry('1', 'queued'), oldEntry('2', 'queued')], [])
  const again = dexieOutboxStore(db, async () => ({ used_bytes: null, quota_bytes: null }), () => ME)
  expect([['1', 'queued'], ['2', 'queued']]).toEqual(await states(again))
})

test('entries whose owner nobody remembers go to whoever signs in next', async () => {
  await leaveOldDatabase([oldEntry('1', 'queued')], [])
  const { store } = makeStore()
  expect([]).toEqual(await states(store))
  await store.adopt(OTHER)
  expect([['1', 'queued']]).toEqual(await states(store, OTHER))
})
