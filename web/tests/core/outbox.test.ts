import { expect, test } from 'vitest'
import { pauseMs } from '../../src/core/outbox.ts'
import type { Entry } from '../../src/core/outbox.ts'
import { MemoryStore, NOW_MS, ScriptedNetwork, makeOutbox, makeProblem, makeReport } from './builders.ts'

const NO_PHOTOS = new Map()
const FIRST = makeReport().id
const SECOND = '019ab000-0000-7000-8000-000000000002'
const PHOTO = { sha256: 'a'.repeat(64), media_type: 'image/jpeg', bytes: 3 }

test('a report is stored before anything is sent', async () => {
  const network = new ScriptedNetwork()
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(makeReport(), '占道经营', [], NO_PHOTOS)
  expect('queued').toBe(entry().state)
  expect([]).toEqual(network.sent)
})

test('a double tap stores and sends one report', async () => {
  const network = new ScriptedNetwork()
  const { outbox, store } = makeOutbox(network)
  await Promise.all([1, 2].map(() => outbox.add(makeReport(), '占道经营', [], NO_PHOTOS)))
  await Promise.all([outbox.flush(true), outbox.flush(true)])
  await outbox.add(makeReport(), '占道经营', [], NO_PHOTOS)
  await outbox.flush(true)
  expect(1).toBe(store.entries.size)
  expect([`report ${FIRST}`]).toEqual(network.sent)
})

test('photos go before the report and their bytes are freed once it is home', async () => {
  const network = new ScriptedNetwork()
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(makeReport({ photos: [PHOTO.sha256] }), 't', [PHOTO], new Map([[PHOTO.sha256, { size: 3 }]]))
  await outbox.flush()
  expect([`photo ${PHOTO.sha256}`, `report ${FIRST}`]).toEqual(network.sent)
  expect('sent').toBe(entry().state)
  expect(0).toBe(store.photos.size)
})

test('a lost reply is asked for again under the same id and ends as one sent report', async () => {
  const network = new ScriptedNetwork((report) => {
    network.received.set(report.id, 1)
    return { kind: 'no_network' }
  })
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.flush()
  expect('queued').toBe(entry().state)
  await outbox.flush(true)
  expect('sent').toBe(entry().state)
  expect([FIRST]).toEqual([...network.received.keys()])
})

test('a server fault puts the report back with a growing pause that an early flush respects', async () => {
  const network = new ScriptedNetwork('server_fault', 'server_fault')
  const { outbox, clock, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.flush()
  expect(['queued', 1, NOW_MS + 2_000]).toEqual([entry().state, entry().attempts, entry().next_at_ms])
  clock.ms += 1_999
  await outbox.flush()
  expect(1).toBe(entry().attempts)
  clock.ms += 1
  await outbox.flush()
  expect(clock.ms + 4_000).toBe(entry().next_at_ms)
  clock.ms += 4_000
  await outbox.flush()
  expect('sent').toBe(entry().state)
})

test('the server may ask for a longer pause', async () => {
  const network = new ScriptedNetwork(() => ({ kind: 'server_fault', problem: null, retry_after_s: 60 }))
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.flush()
  expect(NOW_MS + 60_000).toBe(entry().next_at_ms)
})

test('pauses double up to five minutes and are spread', () => {
  expect([2_000, 4_000, 8_000, 300_000]).toEqual([1, 2, 3, 20].map((n) => pauseMs(n, () => 1)))
  expect(1_000).toBe(pauseMs(1, () => 0))
})

test('a refused report is kept with its reason and is not tried again by itself', async () => {
  const network = new ScriptedNetwork('refused')
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(makeReport({ photos: [PHOTO.sha256] }), 't', [PHOTO], new Map([[PHOTO.sha256, { size: 3 }]]))
  await outbox.flush()
  await outbox.flush(true)
  expect(['refused', 'outside_area']).toEqual([entry().state, entry().problem?.code])
  expect(1).toBe(store.photos.size)
  expect(2).toBe(network.sent.length)
})

test('a refused photo refuses the report before it is posted', async () => {
  const network = new ScriptedNetwork()
  network.photoAnswers = [{ kind: 'refused', problem: makeProblem('unacceptable_photo', 422) }]
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(makeReport({ photos: [PHOTO.sha256] }), 't', [PHOTO], new Map([[PHOTO.sha256, { size: 3 }]]))
  await outbox.flush()
  expect('refused').toBe(entry().state)
  expect([`photo ${PHOTO.sha256}`]).toEqual(network.sent)
})

test('a refused report can be mended under its id, sent again as it is, or deleted', async () => {
  const network = new ScriptedNetwork('refused', 'refused', 'refused')
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.flush()
  await outbox.add(makeReport({ description: '改过' }), 't', [], NO_PHOTOS)
  expect(['queued', '改过']).toEqual([entry().state, entry().report.description])
  await outbox.flush()
  await outbox.resend(FIRST)
  expect('queued').toBe(entry().state)
  await outbox.flush()
  expect(true).toBe(await outbox.remove(FIRST))
  expect(0).toBe(store.entries.size)
})

test('what has not been sent cannot be deleted', async () => {
  const { outbox, store } = makeOutbox(new ScriptedNetwork())
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  expect(false).toBe(await outbox.remove(FIRST))
  expect(1).toBe(store.entries.size)
})

test('an app killed while sending sends again after its next start', async () => {
  const store = new MemoryStore()
  const killed = new ScriptedNetwork()
  killed.held = new Promise(() => {})
  const before = makeOutbox(killed, store)
  await before.outbox.add(makeReport(), 't', [], NO_PHOTOS)
  void before.outbox.flush()
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')

  const network = new ScriptedNetwork()
  const after = makeOutbox(network, store)
  await after.outbox.recover()
  expect('queued').toBe(after.entry().state)
  await after.outbox.flush()
  expect('sent').toBe(after.entry().state)
  expect([`report ${FIRST}`]).toEqual(network.sent)
})

test('a tab that answers late does not undo what another tab brought home', async () => {
  const store = new MemoryStore()
  const slow = new ScriptedNetwork('no_network')
  let release = (): void => {}
  slow.held = new Promise((resolve) => (release = resolve))
  const one = makeOutbox(slow, store)
  await one.outbox.add(makeReport(), 't', [], NO_PHOTOS)
  const round = one.outbox.flush()
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')
  const other = makeOutbox(new ScriptedNetwork(), store)
  await other.outbox.recover()
  await other.outbox.flush()
  release()
  await round
  expect('sent').toBe(other.entry().state)
})

test('a report the server stumbles over does not hold up the next', async () => {
  const network = new ScriptedNetwork('server_fault', 'done')
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.add(makeReport({ id: SECOND }), 't', [], NO_PHOTOS)
  await outbox.flush()
  expect(['queued', 'sent']).toEqual([entry(FIRST).state, entry(SECOND).state])
})

test.each(['no_network', 'signed_out'] as const)('after %s the round ends and both stay queued', async (kind) => {
  const network = new ScriptedNetwork(kind)
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.add(makeReport({ id: SECOND }), 't', [], NO_PHOTOS)
  await outbox.flush()
  expect(['queued', 'queued']).toEqual([entry(FIRST).state, entry(SECOND).state])
  expect(1).toBe(network.sent.length)
})

test('a report added while a round runs is sent by it', async () => {
  const network = new ScriptedNetwork()
  let release = (): void => {}
  network.held = new Promise((resolve) => (release = resolve))
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  const round = outbox.flush(true)
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')
  await outbox.add(makeReport({ id: SECOND }), 't', [], NO_PHOTOS)
  void outbox.flush(true)
  release()
  await round
  expect('sent').toBe(entry(SECOND).state)
})

test('listeners see every change, newest report first', async () => {
  const { outbox } = makeOutbox(new ScriptedNetwork())
  const seen: string[][] = []
  outbox.subscribe((entries: Entry[]) => seen.push(entries.map((e) => `${e.id.at(-1)} ${e.state}`)))
  await outbox.add(makeReport(), 't', [], NO_PHOTOS)
  await outbox.add(makeReport({ id: SECOND }), 't', [], NO_PHOTOS)
  await outbox.flush()
  expect(['2 queued', '1 queued']).toEqual(seen.find((row) => row.length === 2))
  expect(['2 sent', '1 sent']).toEqual(seen.at(-1))
})
