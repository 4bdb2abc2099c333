import { expect, test } from 'vitest'
import { isDue, pauseMs as pause } from '../../src/core/outbox/pause.ts'
import { pauseMs } from '../../src/core/outbox.ts'
import { ME, MemoryStore, NOW_MS, OTHER, ScriptedNetwork, makeJob, makeOutbox, makePhoto, makeReport } from './builders.ts'

const FIRST = makeReport().id
const SECOND = '019ab000-0000-7000-8000-000000000002'
const REPORT_1 = 'report 0001'
const PHOTO = makePhoto(1)

test('a report is stored before anything is sent', async () => {
  const network = new ScriptedNetwork()
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  expect('queued').toBe(entry().state)
  expect([]).toEqual(network.sent)
})

test('a double tap stores and sends one report', async () => {
  const network = new ScriptedNetwork()
  const { outbox, store } = makeOutbox(network)
  await Promise.all([1, 2].map(() => outbox.add(...makeJob())))
  await Promise.all([outbox.flush(true), outbox.flush(true)])
  await outbox.add(...makeJob())
  await outbox.flush(true)
  expect(1).toBe(store.entries.size)
  expect([REPORT_1]).toEqual(network.sent)
})

test('a lost reply is asked for again under the same id and ends as one sent report', async () => {
  const network = new ScriptedNetwork((sent) => {
    network.received.set(sent.id, 1)
    return { kind: 'no_network' }
  })
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.flush()
  expect('queued').toBe(entry().state)
  await outbox.flush(true)
  expect('sent').toBe(entry().state)
  expect([FIRST]).toEqual([...network.received.keys()])
})

test('nothing is sent before the server has answered for it', async () => {
  const network = new ScriptedNetwork()
  let release = (): void => {}
  network.held = new Promise((resolve) => (release = resolve))
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [PHOTO]))
  const round = outbox.flush()
  await expect.poll(() => network.sent.length).toBe(2)
  expect(['sending', 1]).toEqual([entry().state, store.photos.size])
  release()
  await round
  expect(['sent', 0]).toEqual([entry().state, store.photos.size])
})

test('a server fault puts the report back with a growing pause that an early flush respects', async () => {
  const network = new ScriptedNetwork('server_fault', 'server_fault')
  const { outbox, clock, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
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
  await outbox.add(...makeJob())
  await outbox.flush()
  expect(NOW_MS + 60_000).toBe(entry().next_at_ms)
})

test('pauses double up to five minutes and are spread', () => {
  expect([2_000, 4_000, 8_000, 300_000]).toEqual([1, 2, 3, 20].map((n) => pauseMs(n, () => 1)))
  expect(1_000).toBe(pause(1, () => 0))
})

test('a phone whose clock was put back does not wait for years', () => {
  expect([true, false, true]).toEqual([isDue(NOW_MS, NOW_MS), isDue(NOW_MS + 300_000, NOW_MS), isDue(NOW_MS + 40 * 86_400_000, NOW_MS)])
})

test('what the phone’s clock says goes with every sending, so that the server can tell how wrong it is', async () => {
  const network = new ScriptedNetwork('no_network')
  const { outbox, clock } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.flush()
  clock.ms += 60_000
  await outbox.flush(true)
  expect(network.bodies.map((body) => [body['observed_at'], body['sent_at']])).toEqual([
    ['2026-11-23T01:59:00Z', '2026-11-23T02:00:00.000Z'],
    ['2026-11-23T01:59:00Z', '2026-11-23T02:01:00.000Z'],
  ])
})

test('a refused report is kept with its reason and is not tried again by itself', async () => {
  const network = new ScriptedNetwork('refused')
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [PHOTO]))
  await outbox.flush()
  await outbox.flush(true)
  expect(['refused', 'outside_area']).toEqual([entry().state, entry().problem?.code])
  expect(1).toBe(store.photos.size)
  expect(2).toBe(network.sent.length)
})

test('a refused report can be mended under its id, sent again as it is, or deleted', async () => {
  const network = new ScriptedNetwork('refused', 'refused', 'refused')
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.flush()
  await outbox.add(...makeJob({ description: '改过' }))
  expect(['queued', '改过']).toEqual([entry().state, entry().body['description']])
  await outbox.flush()
  await outbox.resend(FIRST)
  expect('queued').toBe(entry().state)
  await outbox.flush()
  expect(true).toBe(await outbox.remove(FIRST))
  expect(0).toBe(store.entries.size)
})

test('what has not been sent cannot be deleted', async () => {
  const { outbox, store } = makeOutbox(new ScriptedNetwork())
  await outbox.add(...makeJob())
  expect(false).toBe(await outbox.remove(FIRST))
  expect(1).toBe(store.entries.size)
})

test('an app killed while sending sends again after its next start', async () => {
  const store = new MemoryStore()
  const killed = new ScriptedNetwork()
  killed.held = new Promise(() => {})
  const before = makeOutbox(killed, { store })
  await before.outbox.add(...makeJob())
  void before.outbox.flush()
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')

  const network = new ScriptedNetwork()
  const after = makeOutbox(network, { store })
  await after.outbox.flush()
  expect('sent').toBe(after.entry().state)
  expect([REPORT_1]).toEqual(network.sent)
})

test('while one tab sends, another does not', async () => {
  const [store, lock] = [new MemoryStore(), { held: false }]
  const slow = new ScriptedNetwork()
  let release = (): void => {}
  slow.held = new Promise((resolve) => (release = resolve))
  const one = makeOutbox(slow, { store, lock })
  await one.outbox.add(...makeJob())
  const round = one.outbox.flush()
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')
  const network = new ScriptedNetwork()
  await makeOutbox(network, { store, lock }).outbox.flush(true)
  expect([]).toEqual(network.sent)
  release()
  await round
  expect('sent').toBe(one.entry().state)
})

test('a tab that answers late does not undo what another tab brought home', async () => {
  const store = new MemoryStore()
  const slow = new ScriptedNetwork('no_network')
  let release = (): void => {}
  slow.held = new Promise((resolve) => (release = resolve))
  const one = makeOutbox(slow, { store })
  await one.outbox.add(...makeJob())
  const round = one.outbox.flush()
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')
  // Without the browser's locks (no secure connection) both may send; the server takes it once.
  const other = makeOutbox(new ScriptedNetwork(), { store })
  await other.outbox.flush()
  release()
  await round
  expect('sent').toBe(other.entry().state)
})

test('a report the server stumbles over does not hold up the next', async () => {
  const network = new ScriptedNetwork('server_fault', 'done')
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.add(...makeJob({ id: SECOND }))
  await outbox.flush()
  expect(['queued', 'sent']).toEqual([entry(FIRST).state, entry(SECOND).state])
})

test.each(['no_network', 'signed_out'] as const)('after %s the round ends and both stay queued', async (kind) => {
  const network = new ScriptedNetwork(kind)
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.add(...makeJob({ id: SECOND }))
  await outbox.flush()
  expect(['queued', 'queued']).toEqual([entry(FIRST).state, entry(SECOND).state])
  expect(1).toBe(network.sent.length)
})

test('a report added while a round runs is sent by it', async () => {
  const network = new ScriptedNetwork()
  let release = (): void => {}
  network.held = new Promise((resolve) => (release = resolve))
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  const round = outbox.flush(true)
  await expect.poll(() => store.entries.get(FIRST)?.state).toBe('sending')
  await outbox.add(...makeJob({ id: SECOND }))
  void outbox.flush(true)
  release()
  await round
  expect('sent').toBe(entry(SECOND).state)
})

test('listeners see every change, newest report first', async () => {
  const { outbox } = makeOutbox(new ScriptedNetwork())
  const seen: string[][] = []
  outbox.subscribe(({ entries }) => seen.push(entries.map((e) => `${e.id.at(-1)} ${e.state}`)))
  await outbox.add(...makeJob())
  await outbox.add(...makeJob({ id: SECOND }))
  await outbox.flush()
  expect(['2 queued', '1 queued']).toEqual(seen.find((row) => row.length === 2))
  expect(['2 sent', '1 sent']).toEqual(seen.at(-1))
})

test('another person neither sees nor sends what is not his, and hears only how many wait', async () => {
  const store = new MemoryStore()
  await makeOutbox(new ScriptedNetwork(), { store }).outbox.add(...makeJob())
  const network = new ScriptedNetwork()
  const { outbox, entry } = makeOutbox(network, { store, person: OTHER })
  const seen: [number, number][] = []
  outbox.subscribe(({ entries, of_others }) => seen.push([entries.length, of_others]))
  await outbox.flush(true)
  expect([]).toEqual(network.sent)
  expect([false, 'queued']).toEqual([await outbox.remove(FIRST), entry().state])
  await expect.poll(() => seen.at(-1)).toEqual([0, 1])

  await outbox.belongTo(null)
  await outbox.flush(true)
  expect([[], 'queued']).toEqual([network.sent, entry().state])
  await outbox.belongTo(ME)
  await outbox.flush(true)
  expect([[REPORT_1], 'sent']).toEqual([network.sent, entry().state])
})

test('what somebody else had refused is not another’s to send or to delete', async () => {
  const store = new MemoryStore()
  const owner = makeOutbox(new ScriptedNetwork('refused'), { store })
  await owner.outbox.add(...makeJob())
  await owner.outbox.flush()
  const { outbox, entry } = makeOutbox(new ScriptedNetwork(), { store, person: OTHER })
  await outbox.resend(FIRST)
  expect([false, 'refused']).toEqual([await outbox.remove(FIRST), entry().state])
})

test('somebody who leaves in the middle of a round leaves the rest behind', async () => {
  const network = new ScriptedNetwork(() => {
    void outbox.belongTo(OTHER)
    return { kind: 'done', value: {} }
  })
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.add(...makeJob({ id: SECOND }))
  await outbox.flush(true)
  expect([REPORT_1, 'queued']).toEqual([network.sent.join(), entry(SECOND).state])
})
